#!/bin/bash
# A real Request Tracker 5 on loopback, for tests and for trying things by hand.
#
#   request_tracker.sh start|stop|reset|status
#
# start  installs Debian's packages if they are missing (as root), makes a database of its own, starts the server,
#        and prints KEY=value lines: URL, TOKEN, ENGINEER (user:password of a person) and the like
# reset  goes back to the database as it was first made; takes seconds
# Everything is kept in $FORETELL_DESKS_DIR (default /tmp/foretell-desks), on port $FORETELL_RT_PORT (default 18481).
NAME=request_tracker
DIR=${FORETELL_DESKS_DIR:-${TMPDIR:-/tmp}/foretell-desks}/request_tracker
PORT=${FORETELL_RT_PORT:-18481}
URL=http://127.0.0.1:$PORT
PID=$DIR/pid
. "$(dirname "$0")/_common.sh"

PASSWORD=a-password-12   # of every user here; the server listens on loopback only
SERVER=/usr/share/request-tracker5/libexec/rt-server
export RT_SITE_CONFIG=$DIR/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$DIR/site.d

configure() {
  cat >"$DIR/RT_SiteConfig.pm" <<PERL
\$RT::VarPath = '$DIR/var'; \$RT::MasonDataDir = '$DIR/mason'; \$RT::MasonSessionDir = '$DIR/session';
Set(\$rtname, 'rt.test'); Set(\$Organization, 'rt.test'); Set(\$Timezone, 'UTC');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $PORT); Set(\$WebPath, ''); Set(\$WebBaseURL, '$URL');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$DIR/var/rt.sqlite');
Set(\$DatabaseUser, ''); Set(\$DatabasePassword, '');
Set(\$CorrespondAddress, 'rt\@rt.test'); Set(\$CommentAddress, 'rt-comment\@rt.test');
Set(\$MailCommand, 'mbox');          # mail lands in $DIR/var and goes nowhere
Set(\$LogToSyslog, undef); Set(\$LogToSTDERR, 'warning');
Set(\$BcryptCost, 5);                # the default costs half a second on every request
Set(\$RestrictReferrer, 0);
Set(\$MaxAttachmentSize, 1_000_000); # small, so that tests can go beyond it
Set(\$TruncateLongAttachments, 1);
1;
PERL
}

build_database() {
  [ -s "$DIR/seeded.sqlite" ] && return
  rm -rf "$DIR"/{var,mason,session,site.d}
  mkdir -p "$DIR"/{var,mason,session,site.d}
  (umask 077; echo "$PASSWORD" >"$DIR/password")
  rt-setup-database-5 --action init --dba '' --dba-password '' --root-password-file "$DIR/password" >"$DIR/init.log" 2>&1 \
    || { tail -20 "$DIR/init.log" >&2; fail "no database"; }
  cat >"$DIR/seed.pl" <<'PERL'
@Queues = ({ Name => 'Preventive', Description => 'Preventive tickets' });
@Users = (
  { Name => 'foretell', EmailAddress => 'foretell@agent.test', Password => $ENV{PASSWORD}, Privileged => 1 },
  { Name => 'engineer', EmailAddress => 'engineer@desk.test', Password => $ENV{PASSWORD}, Privileged => 1 },
  { Name => 'customer', EmailAddress => 'customer@client.test', Privileged => 0 },
);
my %on_queue = (LookupType => 'RT::Queue-RT::Ticket', Queue => 'Preventive');
@CustomFields = (
  { Name => 'ForetellKey', Type => 'FreeformSingle', %on_queue },
  { Name => 'Device', Type => 'FreeformSingle', %on_queue },
  { Name => 'Urgency', Type => 'SelectSingle', %on_queue, Values => [ map {{ Name => $_ }} qw(P1 P2 P3 P4) ] },
  { Name => 'Window', Type => 'DateTimeSingle', %on_queue },
);
@ACL = map { my $user = $_; map {{ Right => $_, UserId => $user, Queue => 'Preventive' }}
  qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket ModifyTicket DeleteTicket
     OwnTicket TakeTicket SeeCustomField ModifyCustomField SetInitialCustomField) } qw(foretell engineer);
# Customers answer by mail, as at any desk.
push @ACL, { Right => 'ReplyToTicket', GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => 'Preventive' };
PERL
  PASSWORD=$PASSWORD rt-setup-database-5 --action insert --datafile "$DIR/seed.pl" --dba '' --dba-password '' \
    >"$DIR/seed.log" 2>&1 || { tail -20 "$DIR/seed.log" >&2; fail "no queue"; }
  (umask 077; perl -I/usr/share/request-tracker5/lib -MRT=-init -MRT::AuthToken -e '
    my $user = RT::User->new(RT->SystemUser); $user->Load("foretell");
    my ($done, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->id, Description => "tests");
    die $message unless $done; print $token' >"$DIR/token")
  mv "$DIR/var/rt.sqlite" "$DIR/seeded.sqlite"
}

up() {
  installed request-tracker5 rt5-clients rt5-db-sqlite rt5-standalone \
    || install_packages 'request-tracker5 request-tracker5/dbconfig-install boolean false' \
      request-tracker5 rt5-clients rt5-db-sqlite rt5-standalone
  configure
  build_database
  [ -s "$DIR/var/rt.sqlite" ] || cp "$DIR/seeded.sqlite" "$DIR/var/rt.sqlite"
  local as_whom=()
  if [ "$(id -u)" = 0 ]; then
    chown -R www-data:www-data "$DIR"/{var,mason,session}
    as_whom=(setpriv --reuid=www-data --regid=www-data --clear-groups)
    "${as_whom[@]}" test -r "$RT_SITE_CONFIG" || fail "user www-data cannot read $DIR; set FORETELL_DESKS_DIR"
  fi
  serve "${as_whom[@]}" "$SERVER" --server Starlet --host 127.0.0.1 --port "$PORT" --max-workers 2 --env deployment
  wait_for 401 REST/2.0/rt
}

reset() { stop; rm -rf "${DIR:?}"/var/* "${DIR:?}"/session/*; start; }

facts() {
  printf '%s\n' "URL=$URL" "TOKEN=$(cat "$DIR/token")" "QUEUE=Preventive" "ENGINEER=engineer:$PASSWORD" "ADMIN=root:$PASSWORD"
}

run "$@"
