# What the scripts of the desks share; sourced, not run. The script sets NAME, DIR, PID and URL first,
# and defines up (install what is missing, start the server if it is down) and facts (print KEY=value lines).
set -euo pipefail

fail() { echo "$NAME.sh: $*" >&2; exit 1; }

running() { [ -s "$PID" ] && kill -0 "$(cat "$PID")" 2>/dev/null; }

installed() { dpkg-query -W -f='${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -c '^ii' | grep -qx $#; }

install_packages() { # ANSWER PACKAGE...: the answer to what the packages ask, and neither database nor mail server
  local answer=$1; shift
  [ "$(id -u)" = 0 ] || fail "$1 is not installed, and only root can install it"
  command -v apt-get >/dev/null || fail "$1 is not installed, and this is not a Debian"
  export DEBIAN_FRONTEND=noninteractive
  debconf-set-selections <<<"$answer"
  {
    apt-get -o DPkg::Lock::Timeout=600 -q update || true   # an old list may do
    apt-get -o DPkg::Lock::Timeout=600 -q install -y --no-install-recommends "$@"
  } >"$DIR/apt.log" 2>&1 || { tail -20 "$DIR/apt.log" >&2; fail "the packages could not be installed"; }
}

serve() { # COMMAND...; in a session of its own, so that stop ends the workers too
  setsid "$@" >"$DIR/server.log" 2>&1 </dev/null &
  echo $! >"$PID"
}

wait_for() { # HTTP-STATUS PATH
  local attempt
  for attempt in $(seq 300); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -m 3 "$URL/$2")" = "$1" ] && return
    running || { tail -20 "$DIR/server.log" >&2; fail "the server did not start"; }
    sleep 0.2
  done
  stop
  fail "no answer from $URL"
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

start() { mkdir -p "$DIR"; chmod 755 "$DIR"; running || up; status; }

status() { running || { echo down; exit 3; }; facts; }

run() { # VERB
  case ${1:-} in
    start | stop | reset | status) "$1" ;;
    *) sed -n '2,/^NAME=/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
}
