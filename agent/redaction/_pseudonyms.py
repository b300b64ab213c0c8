"""Pseudonyms: the same host, user, mail or network address is the same made-up name everywhere, and nobody else can go back.

A pseudonym is the kind and the first digits of a keyed HMAC-SHA256 of the plain form: `host-3fa9c1`. With the same key it is the
same in every bundle, so that an engineer can follow one address through all of them; without the key it says nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from agent.redaction._spans import Find, Span, mask
from agent.redaction._templates import Field
from agent.redaction._urls import URL, authority

SHORTEST_KEY = 16  # bytes
_DIGITS = 6  # of hexadecimal: among a hundred names, two alike in one of 3,000 bundles

#: accounts and names that every host has: they tell nothing of a person, and much of what happened
COMMON_USERS = frozenset(
    [
        "root",
        "daemon",
        "bin",
        "sys",
        "sync",
        "games",
        "man",
        "lp",
        "mail",
        "news",
        "uucp",
        "proxy",
        "www-data",
        "backup",
        "list",
        "irc",
        "gnats",
        "nobody",
        "messagebus",
        "sshd",
        "_apt",
        "systemd-network",
        "systemd-resolve",
        "systemd-timesync",
        "systemd-coredump",
        "systemd-oom",
        "systemd-journal",
        "polkitd",
        "syslog",
        "uuidd",
        "tcpdump",
        "landscape",
        "pollinate",
        "lxd",
        "dnsmasq",
        "avahi",
        "rtkit",
        "cups-pk-helper",
        "mysql",
        "postgres",
        "redis",
        "nginx",
        "apache",
        "httpd",
        "postfix",
        "dovecot",
        "exim",
        "debian-exim",
        "bind",
        "named",
        "chrony",
        "ntp",
        "snmp",
        "zabbix",
        "prometheus",
        "node_exporter",
        "grafana",
        "elasticsearch",
        "rabbitmq",
        "mongodb",
        "memcache",
        "haproxy",
        "varnish",
        "tomcat",
        "jenkins",
        "git",
        "docker",
        "kube",
        "ceph",
        "rpc",
        "rpcuser",
        "statd",
        "nslcd",
        "sssd",
        "puppet",
        "salt",
        "ansible",
        "unknown",
        "user",
        "users",
        "foretell",
        "system",
        "local_service",
        "network_service",
        "localservice",
        "networkservice",
        "trustedinstaller",
    ]
)
_COMMON_HOSTS = frozenset(
    [
        "localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "ip6-loopback",
        "none",
        "any",
        "null",
        "true",
        "false",
        "yes",
        "no",
        "unknown",
        "self",
        "local",
        "default",
    ]
)
_LETTER = re.compile(r"[^\W\d_]")
_LABEL = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_PRIVATE_NAME = re.compile(
    rf"(?<![\w@.-])((?:{_LABEL}\.)+(?:local|lan|internal|intern|corp|intranet|home\.arpa|localdomain|private|ad|lokal))"
    r"(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_MAIL = re.compile(r"(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-]++@(?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,24}))(?![A-Za-z0-9-])")
_UNIT_ENDINGS = frozenset(
    ["service", "socket", "timer", "mount", "automount", "slice", "scope", "target", "device", "path", "swap", "conf"]
)
_VERSION4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\d|[+~][a-z])")
_VERSION6 = re.compile(
    r"(?<![\w:.])((?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}))(?![\w:]|\.\w)"
)
_MAC = re.compile(
    r"(?<![0-9A-Fa-f:.-])((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![\w:.-])"
)
_HOME = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:\\+Users\\+|/var/mail/|/var/spool/(?:mail|cron(?:/crontabs)?)/|/run/media/)([\w.@-]{1,64})"
)
_DOMAIN_USER = re.compile(r"(?<![\w\\/.:])([A-Z][A-Z0-9-]{1,14}\\+[A-Za-z][\w.-]{1,63}\$?)(?![\w\\])")
_USER_KEY = re.compile(
    r"(?:(?<![A-Za-z])(?i:(?:r|remote[_-]?|db[_-]?|auth[_-]?|http[_-]?|smtp[_-]?|bind[_-]?|log)?user(?:[_-]?name|[_-]?id)?|usr|login|logname|log[_-]?in[_-]?name|"
    r"acct|account(?:[_-]?name)?|owner|uid|auid|sasl_username|samaccountname|userprincipalname|givenname|cn|sn|bind[_-]?dn)|(?<=[a-z])User(?:[Nn]ame|I[dD])?|"
    r"用户名?|帐号|账号|账户名?|登录名|操作员|管理员|用戶名?|帳號|使用者)"
    r"(?:\\*[\"'])?\s{0,4}(?:=>|==?|::?|为|是)\s{0,4}(?:\\*[\"'])?(?!session\b)([^\s\\\"'=,;&:()\[\]{}<>|]{1,64})"
)
_USER_WORDS = re.compile(
    r"\b(?:(?:for|of|by|as|from|to) (?:invalid |illegal |unknown )?user|(?:invalid|illegal|unknown|no such) user|logged in as) "
    r"['\"]?(?!(?:space|mode|namespaces?|sessions?|process(?:es)?|interface|data|input|requests?|logins?)\b)([\w.@\\$-]{1,64})"
    r"|用[户戶] ?['\"「“]?([A-Za-z][\w.@-]{1,63})",
    re.IGNORECASE,
)
_SSH_TARGET = re.compile(
    r"\b(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id|sshfs|git)\b[^|;@]{0,128}?[\s\"']([\w.-]{1,64})@([\w.-]{1,253})"
)
_HOST_KEY = re.compile(
    r"(?:(?<![A-Za-z])(?i:(?:r|remote[_-]?|db[_-]?|smtp[_-]?|ldap[_-]?|target[_-]?|source[_-]?)?host(?:[_-]?name)?|fqdn|computer[_-]?name|"
    r"(?:computer|machine|server)(?:[_-]?name)?(?==|\\*[\"']))|主机名?|服务器名?|计算机名|主機名?|伺服器)"
    rf"(?:\\*[\"'])?\s{{0,4}}(?:=>|==?|:|为|是)\s{{0,4}}(?:\\*[\"'])?({_NAME})(?![\w(])"
)
# Names below the internet's common endings; the sites that programs name in their own messages tell nothing of anybody.
_PUBLIC_NAME = re.compile(
    rf"(?<![\w@.-])((?:{_LABEL}\.)+(?:com|net|org|cn|edu|gov|mil|info|biz|eu|de|at|ch|uk|fr|nl|it|es|pl|se|jp|kr|tw|hk|"
    r"sg|in|au|ca|us|br|ru|cloud|tech|online|site|top|xyz|公司|网络|中国))(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_KNOWN_SITES = re.compile(
    r"(?:.*\.)?(?:debian|ubuntu|kernel|freedesktop|rsyslog|python|github|redhat|fedoraproject|suse|opensuse|gnu|apache|postgresql|mariadb|mysql|"
    r"nginx|systemd|canonical|launchpad|openssl|openssh|ietf|w3|mozilla|pypi|npmjs|docker|kubernetes|microsoft|linux|gnome|kde|"
    r"php|perl|cpan|ruby-lang|rubygems|golang|exim|postfix|samba|isc|nlnetlabs|torproject|sqlite|archlinux|alpinelinux|centos|"
    r"almalinux|rockylinux|oracle|intel|amd|nvidia|vmware|smartmontools|sourceforge)\.(?:org|com|io|net|dev|edu)",
    re.IGNORECASE,
)
_SHARE = re.compile(rf"(?<![\w\\])\\\\+({_NAME})\\")
_HOST_OF_URL = re.compile(rf"{_NAME}(?=[:/?#]|\Z)")


class Pseudonyms:
    """Makes pseudonyms with one customer's key, and finds what must get one."""

    def __init__(
        self, key: bytes, *, hosts: Iterable[str] = (), users: Iterable[str] = (), domains: Iterable[str] = ()
    ) -> None:
        """`hosts` and `users` are masked wherever they stand as a word; every name under `domains` too.

        A fully qualified name among `hosts` makes what follows its first dot one of the domains.
        Raises ValueError when the key is shorter than 16 bytes.
        """
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"the key for pseudonyms must have at least {SHORTEST_KEY} bytes")
        self._key = key
        hosts = {host.strip(". ").lower() for host in hosts} - _COMMON_HOSTS - {""}
        qualified = {host.partition(".")[2] for host in hosts if _LETTER.search(host)}
        found = {domain.strip(". ").lower() for domain in domains} | qualified
        self._domains = tuple(sorted(found - {""}, key=len, reverse=True))
        names = {
            name for host in hosts for name in (host, host.partition(".")[0]) if not name.isdigit() and len(name) > 1
        }
        self._hosts = _words(names)
        self._below = re.compile(
            rf"(?<![\w.-])((?:{_LABEL}\.)*(?:{'|'.join(map(re.escape, sorted(self._domains))) or '(?!)'}))(?![\w-]|\.\w)",
            re.IGNORECASE,
        )
        self._users = _words({user.lower() for user in users} - COMMON_USERS)

    @property
    def rules(self) -> dict[str, Find]:
        """The rules by name, in their order."""
        return {"mail": self.mails, "address": self.addresses, "host": self.hosts, "user": self.users}

    def field(self, line: str, field: Field) -> Iterator[tuple[str, Span]]:
        """Yield what stands in place of a word that a template knows, with the name of the rule; nothing if it may stay."""
        word = instead = line[field.start : field.end]
        if field.kind == "secret":
            instead = mask("secret_field")
        elif field.kind == "user":
            instead = self.user(word)
        elif field.kind in {"host", "address"}:
            instead = self.address(word) if _is_address(word) else self.host(word)
        if instead != word:
            yield f"{field.kind}_field", Span(field.start, field.end, instead)

    def host(self, name: str) -> str:
        """Return the pseudonym of a host: one for its short and its full name, in upper and lower case."""
        plain = name.strip(".").lower()
        if plain in _COMMON_HOSTS or not _LETTER.search(plain) or _KNOWN_SITES.fullmatch(plain):
            return name
        below = next((domain for domain in self._domains if plain.endswith("." + domain)), None)
        if below is not None:
            plain = plain.removesuffix("." + below)
        return self._made("host", plain)

    def user(self, name: str) -> str:
        """Return the pseudonym of a user; common accounts and numbers stay."""
        plain = name.rpartition("\\")[2].lower().removesuffix("$")
        if plain.strip("_-.") in COMMON_USERS or plain in COMMON_USERS or not _LETTER.search(plain):
            return name
        return self._made("user", plain)

    def address(self, text: str) -> str:
        """Return the pseudonym of an IP or MAC address; those that are alike everywhere (loopback, broadcast) stay."""
        if _MAC.fullmatch(text):
            digits = re.sub(r"[^0-9a-f]", "", text.lower())
            return text if digits in {"0" * 12, "f" * 12} else self._made("mac", digits)
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return text
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        netmask = isinstance(address, ipaddress.IPv4Address) and address.packed[0] == 0xFF  # noqa: PLR2004 - 255.x
        alike = address.is_loopback or address.is_unspecified or address.is_multicast or netmask
        return text if alike else self._made("addr", address.compressed)

    def mails(self, line: str) -> Iterator[Span]:
        """Yield mail addresses; a unit's instance (`user@1000.service`) is none."""
        for found in _MAIL.finditer(line) if "@" in line else ():
            if found[2].lower() not in _UNIT_ENDINGS:
                yield Span(*found.span(1), self._made("mail", found[1].lower()))

    def addresses(self, line: str) -> Iterator[Span]:
        """Yield IP and MAC addresses."""
        patterns = [_VERSION4] if line.count(".") >= 3 else []  # noqa: PLR2004 - dots in an address
        if line.count(":") > 1 or line.count("-") > 4 or line.count(".") > 1:  # noqa: PLR2004 - signs in an address
            patterns += [_VERSION6, _MAC]
        for pattern in patterns:
            for found in pattern.finditer(line):
                instead = self.address(found[1])
                if instead != found[1]:
                    yield Span(*found.span(1), instead)

    def hosts(self, line: str) -> Iterator[Span]:
        """Yield the known hosts, names under known and private domains, and what stands where a host's name stands."""
        for pattern in (self._hosts, self._below, _PRIVATE_NAME, _PUBLIC_NAME, _HOST_KEY, _SHARE):
            for found in pattern.finditer(line):
                yield from self._span(found, 1, self.host)
        for found in URL.finditer(line) if "://" in line else ():
            name = _HOST_OF_URL.match(line, authority(found)[0], authority(found)[1])
            if name is not None:
                yield from self._span(name, 0, self.host)
        for found in _SSH_TARGET.finditer(line) if "@" in line else ():
            yield from self._span(found, 2, self.host)

    def users(self, line: str) -> Iterator[Span]:
        """Yield the known users, and what stands where a user's name stands."""
        for pattern in (self._users, _HOME, _USER_KEY, _USER_WORDS, _DOMAIN_USER, _SSH_TARGET):
            for found in pattern.finditer(line):
                group = 2 if pattern is _USER_WORDS and found[1] is None else 1
                yield from self._span(found, group, self.user)

    def _span(self, found: re.Match[str], group: int, name: Callable[[str], str]) -> Iterator[Span]:
        instead = name(found[group])
        if instead != found[group] and not _is_address(found[group]):
            yield Span(*found.span(group), instead)

    def _made(self, kind: str, plain: str) -> str:
        digest = hmac.new(self._key, f"{kind}\0{plain}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:_DIGITS]}"


def _words(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of `words` standing alone, in upper and lower case; nothing when there are none."""
    known = "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"(?<![\w])({known})(?![\w])", re.IGNORECASE)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return _MAC.fullmatch(text) is not None
    return True
