#!/bin/bash
# Real mail servers on loopback: Exim 4 (STARTTLS and TLS, login only over either) and Dovecot (IMAP), with a private authority.
#
#   mail.sh start|stop|reset|status
#
# start  installs Debian's packages if they are missing (as root), starts both servers,
#        and prints KEY=value lines: ports, CA_FILE, PASSWORD (of every account) and the like
# reset  empties the mailboxes; takes seconds
# Mailboxes: foretell@agent.test, desk@desk.test, customer@client.test. Refused: full@client.test (550), greylist@client.test (451),
# unknown ones (550). bounces@client.test is accepted, and reported undeliverable to the sender. User of SMTP: foretell.
# Everything is kept in $FORETELL_DESKS_DIR (default /tmp/foretell-desks), on four ports from $FORETELL_MAIL_PORT (default 18483).
NAME=mail
DIR=${FORETELL_DESKS_DIR:-${TMPDIR:-/tmp}/foretell-desks}/mail
SMTP=${FORETELL_MAIL_PORT:-18483} SMTPS=$((SMTP + 1)) IMAP=$((SMTP + 2)) IMAPS=$((SMTP + 3))
PID=$DIR/pid
. "$(dirname "$0")/_common.sh"

PASSWORD=a-password-12   # of every account here; the servers listen on loopback only
USER_OF_EXIM=Debian-exim # everything runs as this user, so that Exim trusts the configuration as its own caller's

make_certificates() {
  [ -s "$DIR/tls/certificate.pem" ] && return
  mkdir -p "$DIR/tls"
  {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Foretell tests' -keyout "$DIR/tls/ca.key" -out "$DIR/tls/ca.pem"
    openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout "$DIR/tls/key.pem" -out "$DIR/tls/request.pem"
    openssl x509 -req -days 3650 -in "$DIR/tls/request.pem" -CA "$DIR/tls/ca.pem" -CAkey "$DIR/tls/ca.key" -CAcreateserial \
      -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') -out "$DIR/tls/certificate.pem"
  } 2>"$DIR/tls/log" || { cat "$DIR/tls/log" >&2; fail "no certificates"; }
}

configure() {
  mkdir -p "$DIR"/{spool,log,maildir,run,state}
  local one
  for one in foretell@agent.test desk@desk.test customer@client.test bounces@client.test; do echo "$one: $one"; done >"$DIR/accounts"
  cat >"$DIR/exim.conf" <<EXIM
primary_hostname = mail.test
domainlist local_domains = client.test : agent.test : desk.test
spool_directory = $DIR/spool
log_file_path = $DIR/log/%slog
pid_file_path =
local_interfaces = 127.0.0.1
daemon_smtp_ports = $SMTP : $SMTPS
tls_on_connect_ports = $SMTPS
tls_advertise_hosts = *
tls_certificate = $DIR/tls/certificate.pem
tls_privatekey = $DIR/tls/key.pem
message_size_limit = 2M
host_lookup =
rfc1413_query_timeout = 0s
deliver_drop_privilege = true
acl_smtp_rcpt = check_recipient
acl_smtp_auth = accept
keep_environment =
begin acl
check_recipient:
  deny   local_parts = full
         message = mailbox full
  defer  local_parts = greylist
         message = greylisted, try later
  deny   !domains = +local_domains
         message = relay not permitted
  deny   condition = \${lookup{\$local_part@\$domain}lsearch{$DIR/accounts}{no}{yes}}
         message = unknown user
  accept
begin routers
bounces:
  driver = redirect
  local_parts = bounces
  allow_fail
  data = :fail: this mailbox bounces
mailbox:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = $DIR/maildir/\${lookup{\$local_part@\$domain}lsearch{$DIR/accounts}}
  create_directory
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and {{eq{\$auth2}{foretell}}{eq{\$auth3}{$PASSWORD}}}}
  server_set_id = \$auth2
  server_prompts = :
  server_advertise_condition = \${if def:tls_in_cipher}
EXIM
  cat >"$DIR/dovecot.conf" <<DOVECOT
protocols = imap
listen = 127.0.0.1
base_dir = $DIR/run
state_dir = $DIR/state
log_path = $DIR/log/dovecot
default_login_user = $USER_OF_EXIM
default_internal_user = $USER_OF_EXIM
default_internal_group = $USER_OF_EXIM
ssl = yes
ssl_cert = <$DIR/tls/certificate.pem
ssl_key = <$DIR/tls/key.pem
disable_plaintext_auth = yes
mail_location = maildir:$DIR/maildir/%u
first_valid_uid = 1
passdb {
  driver = static
  args = password=$PASSWORD
}
userdb {
  driver = static
  args = uid=$USER_OF_EXIM gid=$USER_OF_EXIM home=$DIR/maildir/%u
}
service imap-login {
  inet_listener imap {
    port = $IMAP
  }
  inet_listener imaps {
    port = $IMAPS
  }
}
DOVECOT
  chown -R $USER_OF_EXIM:$USER_OF_EXIM "$DIR"/{spool,log,maildir,tls}
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

up() {
  installed exim4-daemon-light dovecot-imapd openssl || install_packages \
    'exim4-config exim4/dc_eximconfig_configtype select no configuration at this time' exim4-daemon-light dovecot-imapd openssl
  make_certificates
  configure
  serve bash -c 'setpriv --reuid=$0 --regid=$0 --clear-groups exim4 -C "$1/exim.conf" -bdf & dovecot -F -c "$1/dovecot.conf" & wait -n' \
    $USER_OF_EXIM "$DIR"
  local attempt
  for attempt in $(seq 100); do
    listening "$SMTP" && listening "$IMAPS" && return
    running || { tail -20 "$DIR/server.log" >&2; fail "the servers did not start"; }
    sleep 0.1
  done
  stop
  fail "no answer on port $SMTP or $IMAPS"
}

reset() { stop; rm -rf "${DIR:?}"/maildir "${DIR:?}"/spool; start; }

facts() {
  printf '%s\n' "SMTP=$SMTP" "SMTPS=$SMTPS" "IMAP=$IMAP" "IMAPS=$IMAPS" "CA_FILE=$DIR/tls/ca.pem" "PASSWORD=$PASSWORD" "USER=foretell"
}

run "$@"
