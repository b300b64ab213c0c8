#!/bin/bash
# A real Redmine 5 on loopback, for tests and for trying things by hand.
#
#   redmine.sh start|stop|reset|status
#
# start  installs Debian's packages if they are missing (as root), makes a database of its own, starts the server,
#        and prints KEY=value lines: URL, API_KEY, ENGINEER (user:password of a person) and the like
# reset  goes back to the database as it was first made; takes seconds
# Everything is kept in $FORETELL_DESKS_DIR (default /tmp/foretell-desks), on port $FORETELL_REDMINE_PORT (default 18482).
NAME=redmine
DIR=${FORETELL_DESKS_DIR:-${TMPDIR:-/tmp}/foretell-desks}/redmine
PORT=${FORETELL_REDMINE_PORT:-18482}
URL=http://127.0.0.1:$PORT
PID=$DIR/pid
. "$(dirname "$0")/_common.sh"

HOME_OF_REDMINE=/usr/share/redmine
INSTANCE=foretell-tests-$PORT            # Debian keeps instances apart by this name, so that two may run side by side
PASSWORD=a-password-12                  # of every user here; the server listens on loopback only
API_KEY=fa0000000000000000000000000000000000000a
# Debian's Ruby update brings a bundler that takes Debian's gems for missing; its own older one does not.
export BUNDLER_VERSION=2.3.15 REDMINE_INSTANCE=$INSTANCE RAILS_ENV=production SCHEMA=/dev/null REDMINE_LANG=en

as_www() { (cd $HOME_OF_REDMINE && exec setpriv --reuid=www-data --regid=www-data --clear-groups env HOME="$DIR" "$@"); }

configure() {
  mkdir -p "$DIR"/{config,files,log,tmp,public/plugin_assets}
  cat >"$DIR/config/database.yml" <<YAML
production: {adapter: sqlite3, database: $DIR/redmine.sqlite, timeout: 10000}
YAML
  # Nobody listens there: mail goes nowhere.
  cat >"$DIR/config/configuration.yml" <<YAML
default:
  email_delivery:
    delivery_method: :smtp
    smtp_settings: {address: 127.0.0.1, port: 9, enable_starttls: false}
YAML
  [ -s "$DIR/config/secret_key.txt" ] || head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$DIR/config/secret_key.txt"
  chown -R www-data:www-data "$DIR"
  ln -sfn "$DIR" /var/lib/redmine/$INSTANCE
  as_www test -r "$DIR/config/database.yml" || fail "user www-data cannot read $DIR; set FORETELL_DESKS_DIR"
}

build_database() {
  [ -s "$DIR/seeded.sqlite" ] && return
  rm -f "$DIR"/redmine.sqlite*
  cat >"$DIR/seed.rb" <<'RUBY'
Setting.rest_api_enabled = '1'
Setting.login_required = '1'
Setting.attachment_max_size = '1000' # KiB; small, so that tests can go beyond it
Setting.notified_events = []         # no mail

def user(login, first, last, admin: false)
  one = User.find_by_login(login) || User.new(login: login, mail: "#{login}@desk.test", language: 'en')
  one.attributes = { firstname: first, lastname: last, must_change_passwd: false, admin: admin }
  one.password = one.password_confirmation = ENV['PASSWORD']
  one.save!
  one
end

admin = user('admin', 'Redmine', 'Admin', admin: true)
agent = user('foretell', 'Foretell', 'Agent')
engineer = user('engineer', 'Enya', 'Engineer')
customer = user('customer', 'Carl', 'Customer')
Token.create!(user: agent, action: 'api').update_column(:value, ENV['API_KEY'])

# The agent may do what docs ask for and no more.
role = Role.create!(name: 'Foretell', issues_visibility: 'all', permissions: %i[
  view_issues add_issues edit_issues add_issue_notes set_notes_private view_private_notes manage_issue_relations])
# It may not leave the status Rejected for New, so that tests can ask for a step that the workflow forbids.
Tracker.all.each do |tracker|
  IssueStatus.all.to_a.product(IssueStatus.all.to_a).each do |from, to|
    next if from == to || (from.name == 'Rejected' && to.name == 'New')
    WorkflowTransition.create!(role_id: role.id, tracker_id: tracker.id, old_status_id: from.id, new_status_id: to.id)
  end
  WorkflowTransition.create!(role_id: role.id, tracker_id: tracker.id, old_status_id: 0, new_status_id: 1)
end
reporter = Role.find_by_name('Reporter') # sees no private notes
reporter.add_permission!(:view_issues, :add_issue_notes)

[['Preventive', 'preventive'], ['Elsewhere', 'elsewhere']].each do |name, identifier|
  project = Project.create!(name: name, identifier: identifier, is_public: false, enabled_module_names: %w[issue_tracking],
                            trackers: Tracker.all)
  Member.create!(project: project, principal: engineer, roles: [Role.find_by_name('Manager')])
  next if identifier == 'elsewhere'
  Member.create!(project: project, principal: agent, roles: [role])
  Member.create!(project: project, principal: customer, roles: [reporter])
end

{ 'ForetellKey' => true, 'Device' => true, 'Unsearchable' => false }.each do |name, is_filter|
  IssueCustomField.create!(name: name, field_format: 'string', is_for_all: true, is_filter: is_filter, trackers: Tracker.all)
end
IssueCustomField.create!(name: 'Colour', field_format: 'list', possible_values: %w[red green], is_for_all: true, trackers: Tracker.all)
RUBY
  # The Gemfile takes the database's gem from the instances that it finds, so its lock is older than ours.
  {
    rm -f /var/lib/redmine/Gemfile.lock
    (cd $HOME_OF_REDMINE && bundle install --local --quiet)
    chown www-data:www-data /var/lib/redmine/Gemfile.lock
    as_www bundle exec rake db:migrate
    as_www bundle exec rake redmine:load_default_data   # apart: the first has seen the tables before they were whole
  } >"$DIR/log/init.log" 2>&1 || { tail -20 "$DIR/log/init.log" >&2; fail "no database"; }
  as_www env PASSWORD=$PASSWORD API_KEY=$API_KEY bundle exec rails runner "$DIR/seed.rb" >"$DIR/log/seed.log" 2>&1 \
    || { tail -20 "$DIR/log/seed.log" >&2; fail "no project"; }
  mv "$DIR/redmine.sqlite" "$DIR/seeded.sqlite"
}

up() {
  installed redmine redmine-sqlite \
    || install_packages 'redmine redmine/instances/default/dbconfig-install boolean false' redmine redmine-sqlite
  configure
  build_database
  [ -s "$DIR/redmine.sqlite" ] || as_www cp "$DIR/seeded.sqlite" "$DIR/redmine.sqlite"
  cd $HOME_OF_REDMINE
  # Not `rails server`, which wants to write below /usr/share. Debian's Gemfile names no web server, but webrick is there.
  RUBYLIB=$(echo /usr/share/rubygems-integration/all/gems/webrick-*/lib)
  export RUBYLIB
  serve setpriv --reuid=www-data --regid=www-data --clear-groups env HOME="$DIR" \
    bundle exec rackup -s webrick -o 127.0.0.1 -p "$PORT" -E deployment config.ru
  wait_for 401 projects.json
}

reset() { stop; rm -rf "${DIR:?}"/files/* "$DIR"/redmine.sqlite*; start; }

facts() {
  printf '%s\n' "URL=$URL" "API_KEY=$API_KEY" "PROJECT=preventive" "ENGINEER=engineer:$PASSWORD" \
    "CUSTOMER=customer:$PASSWORD" "ADMIN=admin:$PASSWORD"
}

run "$@"
