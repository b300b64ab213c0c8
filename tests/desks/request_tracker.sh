#!/bin/bash
# A real Request Tracker 5 on loopback, for tests and for trying things by hand.
#
#   request_tracker.sh start|stop|reset|status
#
# start  installs Debian's packages if they are missing (as root), makes a database of its own, starts the server,
#        and prints KEY=value lines: URL, TOKEN, ENGINEER (user:password of a person) and the like
# reset  goes back to the database as it was first made; takes seconds
# Everything is kept in $FORETELL_DESKS_DIR (default /tmp/foretell-desks), on port $FORETELL_RT_PORT (default 18481).
set -euo pipefail

DIR=${FORETELL_DESKS_DIR:-${TMPDIR:-/tmp}/foretell-desks}/request_tracker
PORT=${FORETELL_RT_PORT:-18481}
URL=http://127.0.0.1:$PORT
PID=$DIR/pid
PASSWORD=a-password-12   # of every user here; the server listens on loopback only
SERVER=/usr/share/request-tracker5/libexec/rt-server
export RT_SITE_CONFIG=$DIR/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$DIR/site.d

running() { [ -s "$PID" ] && kill -0 "$(cat "$PID")" 2>/dev/null; }

fail() { echo "request_tracker.sh: $*" >&2; exit 1; }

install_packages() {
  [ -x "$SERVER" ] && dpkg-query -W rt5-db-sqlite rt5-standalone >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] || fail "Request Tracker is not installed, and only root can install it"
  command -v apt-get >/dev/null || fail "Request Tracker is not installed, and this is not a Debian"
  export DEBIAN_FRONTEND=noninteractive
  # The packaged database and a mail server are not wanted.
  echo 'request-tracker5 request-tracker5/dbconfig-install boolean false' | debconf-set-selections
  {
    apt-get -o DPkg::Lock::Timeout=600 -q update || true   # an old list may do
    apt-get -o DPkg::Lock::Timeout=600 -q install -y --no-install-recommends request-tracker5 rt5-db-sqlite rt5-standalone
  } >"$DIR/apt.log" 2>&1 || { tail -20 "$DIR/apt.log" >&2; fail "the packages could not be installed"; }
}

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
PERL
  PASSWORD=$PASSWORD rt-setup-database-5 --action insert --datafile "$DIR/seed.pl" --dba '' --dba-password '' \
    >"$DIR/seed.log" 2>&1 || { tail -20 "$DIR/seed.log" >&2; fail "no queue"; }
  (umask 077; perl -I/usr/share/request-tracker5/lib -MRT=-init -MRT::AuthToken -e '
    my $user = RT::User->new(RT->SystemUser); $user->Load("foretell");
    my ($done, $message, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->id, Description => "tests");
    die $message unless $done; print $token' >"$DIR/token")
  mv "$DIR/var/rt.sqlite" "$DIR/seeded.sqlite"
}

start() {
  if ! running; then
    mkdir -p "$DIR"; chmod 755 "$DIR"
    install_packages
    configure
    build_database
    [ -s "$DIR/var/rt.sqlite" ] || cp "$DIR/seeded.sqlite" "$DIR/var/rt.sqlite"
    local as_whom=()
    if [ "$(id -u)" = 0 ]; then
      chown -R www-data:www-data "$DIR"/{var,mason,session}
      as_whom=(setpriv --reuid=www-data --regid=www-data --clear-groups)
      "${as_whom[@]}" test -r "$RT_SITE_CONFIG" || fail "user www-data cannot read $DIR; set FORETELL_DESKS_DIR"
    fi
    # A session of its own, so that stop ends the workers too.
    setsid "${as_whom[@]}" "$SERVER" --server Starlet --host 127.0.0.1 --port "$PORT" --max-workers 2 --env deployment \
      >"$DIR/server.log" 2>&1 </dev/null &
    echo $! >"$PID"
    local attempt
    for attempt in $(seq 300); do
      [ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -m 3 "$URL/REST/2.0/rt")" = 401 ] && break
      running || { tail -20 "$DIR/server.log" >&2; fail "the server did not start"; }
      [ "$attempt" -lt 300 ] || { stop; fail "no answer from $URL"; }
      sleep 0.2
    done
  fi
  status
}

stop() {
  if running; then
    local pid attempt; pid=$(cat "$PID")
    kill -TERM -- "-$pid"
    for attempt in $(seq 10); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$PID"
}

reset() {
  stop
  rm -rf "${DIR:?}"/var/* "${DIR:?}"/session/*
  start
}

status() {
  running || { echo down; exit 3; }
  printf '%s\n' "URL=$URL" "TOKEN=$(cat "$DIR/token")" "QUEUE=Preventive" "ENGINEER=engineer:$PASSWORD" "ADMIN=root:$PASSWORD"
}

case ${1:-} in
  start | stop | reset | status) "$1" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
