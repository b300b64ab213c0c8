"""Masking in command lines: what programs take as a secret by options and positions that no key gives away (`mysql -pX`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.redaction._hints import Hinted
from agent.redaction._spans import Span, mask

_VALUE = r"(?:\\.|\"[^\"]*+\"|'[^']*+'|[^\s\\\"']|[\"'\\])++"
# Long options need no table: the name says it. `--password-file /run/x` names a place, not a secret.
_LONG_OPTION = Hinted(
    re.compile(
        r"(?<!\S)[\"']?-{1,2}(?:[A-Za-z0-9]{1,20}[-_]){0,4}(?i:passw(?:or)?d|passphrase|passcode|pass|passwd|pwd|pw|secret|token|"
        r"api-?key|access-?key|secret-?key|private-?key|auth-?key|key-?pass|storepass|keypass|credentials?|bearer|cookie|psk|otp|pin)"
        rf"(?:[-_](?:key|id|value|text|string))?[\"']?\s{{1,8}}(?P<value>{_VALUE})"
    ),
    ("-",),
)
# Programs, and the options behind which they take a secret. A letter takes it with and without a blank (`-pX`, `-p X`).
_OPTIONS = {
    "mysql|mysqldump|mysqladmin|mysqlimport|mysqlcheck|mysqlsh|mariadb|mariadb-dump|mariadb-admin|mycli|xtrabackup": "p",
    "sshpass|docker login|podman login|az|cqlsh|mongo|mongosh|mongodump|mongorestore|rdesktop|useradd|usermod|7z|7za": "p",
    "rar|unrar": "p|hp",
    "redis-cli": "a",
    "ldapsearch|ldapadd|ldapmodify|ldapdelete|ldapwhoami|ldappasswd|ldapcompare|kadmin": "w",
    "snmpget|snmpwalk|snmpset|snmpbulkwalk|snmpbulkget|snmpgetnext|snmptrap|snmpinform|snmptable|snmpdf|check_snmp": "c|A|X|u",
    "curl|wget|http": "u|U|b|-user|-proxy-user",
    "ipmitool|sqlcmd|bcp|osql|tsql|mosquitto_pub|mosquitto_sub|zip|unzip|check_mysql": "P",
    "smbclient|rpcclient|smbmap|winexe|wmic": "U",
    "openssl": "k|K|pass|passin|passout",
    "plink|pscp|psftp": "pw",
    "lftp|ncftp|ncftpget|ncftpput": "u|p",
    "swaks|sendemail|sendEmail": "ap|xp|-auth-password",
    "influx|keytool|jarsigner": "password|storepass|keypass",
    "xfreerdp|wlfreerdp": "p",
}


def _option(options: str) -> re.Pattern[str]:
    """Return what finds the values of `options`, between blanks or in a list of arguments (`["sshpass", "-p", "X"]`)."""
    letters = "|".join(option for option in options.split("|") if len(option) == 1) or r"(?!)"
    words = "|".join(option for option in options.split("|") if len(option) > 1) or r"(?!)"
    between = r"[\"']?,?\s{0,4}=?[\"']?"
    return re.compile(rf"(?<=[\s\"',])-(?:(?:{letters}){between}|(?:{words})(?=[\"',\s=]){between})(?P<value>{_VALUE})")


_PROGRAMS = {program: _option(options) for programs, options in _OPTIONS.items() for program in programs.split("|")}
# Programs whose secret is known by its position only: all they are given is masked.
_ALL_ARGUMENTS = (
    "chpasswd|htpasswd|radtest|wpa_passphrase|mkpasswd|cmdkey|sqlplus|impdp|expdp|rman|smbpasswd|"
    "vncpasswd|net use|net user|runas"
)
_PROGRAM = re.compile(
    rf"(?<![\w.-])(?:(?P<options>{'|'.join(sorted(map(re.escape, _PROGRAMS), key=len, reverse=True))})|(?P<all>{_ALL_ARGUMENTS}))"
    r"(?:\.exe)?(?=[\s\"'])"
)
# Where one program's output is another's secret: `echo X | sudo -S`, `cat <<< X`.
_READS_SECRET = re.compile(
    r"\s*(?:sudo\s+(?!-S))?(?:chpasswd|passwd\s|sudo\s+-S|cryptsetup|kinit|su\s|su$|openssl|gpg|docker\s+login|podman\s+login|"
    r"helm\s+registry|smbpasswd|pdbedit|ssh-add|sshpass|base64|xargs|sha\d+sum|md5sum|htpasswd|gh\s+auth)"
)
_WRITES = re.compile(r"(?<![\w-])(?:echo|printf)\s")


def _behind(before: str, *hints: str) -> Hinted:
    """Return what finds the value behind `before`, in upper and lower case."""
    return Hinted(re.compile(rf"(?i:{before})(?P<value>{_VALUE})"), hints)


# Statements and directives in which only a blank stands before the secret.
_STATEMENTS = (
    _behind(r"\bidentified\s{1,8}(?:with\s{1,8}\S{1,40}\s{1,8})?(?:by|as)\s{1,8}(?:password\s{1,8})?", "identified"),
    _behind(r"\bpassword\s{1,8}(?:\d\s{1,4})?(?=['\"]|\S*[\d!@#$%^&*+/_~-])", "password"),
    _behind(
        r"(?<![\w-])(?:requirepass|masterauth|bindpw|rootpw)\s{1,8}", "requirepass", "masterauth", "bindpw", "rootpw"
    ),
    _behind(r"(?<![\w-])(?:enable|ppp\s{1,4}chap)\s{1,4}(?:secret|password)\s{1,8}(?:\d\s{1,4})?", "enable", "chap"),
    _behind(r"(?<![\w-])(?:(?:tacacs|radius)-server\s{1,4}key|key-string|pre-shared-key)\s{1,8}(?:\d\s{1,4})?", "key"),
    _behind(r"(?<![\w-])(?:wpa-passphrase|auth-pass)\s{1,8}", "pass"),
    _behind(r"(?<![\w-])(?:r[ow]community6?|trapcommunity|(?:snmp-server|snmp)\s{1,4}community)\s{1,8}", "community"),
    _behind(r"(?<![\w-])(?:community\s{1,4}string|authcommunity\s{1,4}\S{1,64})\s{1,8}", "community"),
    _behind(
        r"(?<![\w-])(?:com2sec6?\s{1,8}\S{1,64}\s{1,8}\S{1,64}|trap2?sink\s{1,8}\S{1,128})\s{1,8}", "com2sec", "trap"
    ),
    Hinted(re.compile(r"\b(?:createUser|(?:usm|snmp-server\s{1,4})user)\s(?P<value>.*)", re.IGNORECASE), ("user",)),
    Hinted(re.compile(r"(?<!\S)(?:login|account)\s{1,8}\S{1,128}\s{1,8}password\s{1,8}(?P<value>\S++)"), ("password",)),
    Hinted(re.compile(r"\bsend\s{1,4}(?:--\s{1,4})?[\"'](?P<value>[^\"']++)(?<=\\[rn])"), ("send",)),
    Hinted(re.compile(rf"<<<\s*(?P<value>{_VALUE})"), ("<<<",)),
    Hinted(re.compile(r"(?<=\s)/(?:p|pw|pass|pwd|password|rp):(?P<value>\S++)", re.IGNORECASE), ("/p", "/rp")),
)


def command_lines(line: str) -> Iterator[Span]:
    """Yield what in command lines and directives is a secret."""
    instead = mask("command_line")
    lowered = line.lower()
    for hinted in (_LONG_OPTION, *_STATEMENTS):
        for found in hinted.finditer(line, lowered):
            yield Span(*found.span("value"), instead)
    seen: set[str] = set()
    for program in _PROGRAM.finditer(line):
        name = program[0].removesuffix(".exe")
        if name in seen:
            continue  # looked at from its first mention to the end of the line
        seen.add(name)
        if program["all"]:
            yield Span(program.end() + 1, len(line), instead)
            continue
        for option in _PROGRAMS[name].finditer(line, program.end()):
            yield Span(*option.span("value"), instead)
    yield from _piped(line, instead)


def _piped(line: str, instead: str) -> Iterator[Span]:
    """Yield what is written into a pipe whose reader takes a secret from it."""
    if "|" not in line:
        return
    start = 0
    for end in (place.start() for place in re.finditer(r"\|", line)):
        writes = _WRITES.search(line, start, end)
        if writes is not None and _READS_SECRET.match(line, end + 1):
            yield Span(writes.end(), end, instead)
        start = end + 1
