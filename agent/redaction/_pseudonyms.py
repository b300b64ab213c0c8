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

from agent.redaction._common_names import COMMON_HOSTS, COMMON_USERS, KNOWN_SITE
from agent.redaction._hints import Hinted
from agent.redaction._spans import Find, Span, mask
from agent.redaction._templates import Field
from agent.redaction._urls import URL, authority

SHORTEST_KEY = 16  # bytes
_DIGITS = 6  # of hexadecimal: among a hundred names, two alike in one of 3,000 bundles

_LETTER = re.compile(r"[^\W\d_]")
_LABEL = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_PRIVATE_ENDINGS = "local|lan|internal|intern|corp|intranet|localdomain|private|ad|lokal|home"
_PRIVATE_NAME = re.compile(
    rf"(?<![\w@.-])((?:{_LABEL}\.)+(?:{_PRIVATE_ENDINGS}|home\.arpa))"
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
_DOMAIN_USER = Hinted(re.compile(r"(?<![\w\\/.:])([A-Z][A-Z0-9-]{1,14}\\+[A-Za-z][\w.-]{1,63}\$?)(?![\w\\])"), ("\\",))
_USER_KEY = Hinted(
    re.compile(
        r"(?:(?<![A-Za-z])(?i:(?:r|remote[_-]?|db[_-]?|auth[_-]?|http[_-]?|smtp[_-]?|bind[_-]?|log)?user(?:[_-]?name|[_-]?id)?|"
        r"usr|login|logname|log[_-]?in[_-]?name|"
        r"acct|account(?:[_-]?name)?|owner|uid|auid|sasl_username|samaccountname|userprincipalname|givenname|cn|sn|bind[_-]?dn)|"
        r"(?<=[a-z])User(?:[Nn]ame|I[dD])?|"
        r"用户名?|帐号|账号|账户名?|登录名|操作员|管理员|用戶名?|帳號|使用者)"
        r"(?:\\*[\"'])?\s{0,4}(?:=>|==?|::?|为|是)\s{0,4}(?:\\*[\"'])?(?!session\b)([^\s\\\"'=,;&:()\[\]{}<>|]{1,64})"
    ),
    (
        "usr",
        "user",
        "login",
        "logname",
        "log_in",
        "log-in",
        "acct",
        "account",
        "owner",
        "uid",
        "sasl_",
        "samaccount",
        "givenname",
        "cn",
        "sn",
        "binddn",
        "bind_dn",
        "bind-dn",
        "用",
        "帐",
        "账",
        "登",
        "操",
        "管",
        "帳",
        "使",
    ),
)
_USER_WORDS = Hinted(
    re.compile(
        r"\b(?:(?:for|of|by|as|from|to) (?:invalid |illegal |unknown )?user|(?:invalid|illegal|unknown|no such) user|"
        r"logged in as) "
        r"['\"]?(?!(?:space|mode|namespaces?|sessions?|process(?:es)?|interface|data|input|requests?|logins?)\b)([\w.@\\$-]{1,64})"
        r"|用[户戶] ?['\"「“]?([A-Za-z][\w.@-]{1,63})",
        re.IGNORECASE,
    ),
    ("user", "logged in as", "用"),
)
_SSH_TARGET = Hinted(
    re.compile(
        r"\b(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id|sshfs|git)\b[^|;@]{0,128}?[\s\"']([\w.-]{1,64})@([\w.-]{1,253})"
    ),
    ("@",),
)
_HOST_KEY = Hinted(
    re.compile(
        r"(?:(?<![A-Za-z])(?i:(?:r|remote[_-]?|db[_-]?|smtp[_-]?|ldap[_-]?|target[_-]?|source[_-]?)?host(?:[_-]?name)?|"
        r"fqdn|computer[_-]?name|"
        r"(?:computer|machine|server)(?:[_-]?name)?(?==|\\*[\"']))|主机名?|服务器名?|计算机名|主機名?|伺服器)"
        rf"(?:\\*[\"'])?\s{{0,4}}(?:=>|==?|:|为|是)\s{{0,4}}(?:\\*[\"'])?({_NAME})(?![\w(])"
    ),
    ("host", "fqdn", "computer", "machine", "server", "主", "服务", "计算", "伺服"),
)
# Names below the internet's common endings.
_PUBLIC_NAME = re.compile(
    rf"(?<![\w@.-])((?:{_LABEL}\.)+(?:com|net|org|cn|edu|gov|mil|info|biz|eu|de|at|ch|uk|fr|nl|it|es|pl|se|jp|kr|tw|hk|"
    r"sg|in|au|ca|us|br|ru|cloud|tech|online|site|top|xyz|公司|网络|中国))(?![\w-]|\.\w)",
    re.IGNORECASE,
)
_SHARE = Hinted(re.compile(rf"(?<![\w\\])\\\\+({_NAME})\\"), ("\\\\",))
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
        hosts = {host.strip(". ").lower() for host in hosts} - COMMON_HOSTS - {""}
        above = {host.partition(".")[2] for host in hosts if _LETTER.search(host)}
        qualified = {domain for domain in above if "." in domain or domain in _PRIVATE_ENDINGS.split("|")}
        found = {domain.strip(". ").lower() for domain in domains} | qualified
        self._domains = tuple(sorted(found - {""}, key=len, reverse=True))
        names = {
            name for host in hosts for name in (host, host.partition(".")[0]) if not name.isdigit() and len(name) > 1
        }
        self._hosts = _words(names)
        below = "|".join(map(re.escape, self._domains)) or "(?!)"
        self._below = Hinted(
            re.compile(rf"(?<![\w.-])((?:{_LABEL}\.)*(?:{below}))(?![\w-]|\.\w)", re.IGNORECASE), self._domains
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
        if plain in COMMON_HOSTS or not _LETTER.search(plain) or KNOWN_SITE.fullmatch(plain):
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
        lowered = line.lower()
        for hinted in (self._hosts, self._below, _HOST_KEY, _SHARE):
            for found in hinted.finditer(line, lowered):
                yield from self._span(found, 1, self.host)
        for pattern in (_PRIVATE_NAME, _PUBLIC_NAME):
            for found in pattern.finditer(line):
                yield from self._span(found, 1, self.host)
        for found in URL.finditer(line) if "://" in line else ():
            name = _HOST_OF_URL.match(line, authority(found)[0], authority(found)[1])
            if name is not None:
                yield from self._span(name, 0, self.host)
        for found in _SSH_TARGET.finditer(line, lowered):
            yield from self._span(found, 2, self.host)

    def users(self, line: str) -> Iterator[Span]:
        """Yield the known users, and what stands where a user's name stands."""
        lowered = line.lower()
        for hinted in (self._users, _USER_KEY, _USER_WORDS, _DOMAIN_USER, _SSH_TARGET):
            for found in hinted.finditer(line, lowered):
                group = 2 if hinted is _USER_WORDS and found[1] is None else 1
                yield from self._span(found, group, self.user)
        for found in _HOME.finditer(line) if "/" in line or "\\" in line else ():
            yield from self._span(found, 1, self.user)

    def _span(self, found: re.Match[str], group: int, name: Callable[[str], str]) -> Iterator[Span]:
        instead = name(found[group])
        if instead != found[group] and not _is_address(found[group]):
            yield Span(*found.span(group), instead)

    def _made(self, kind: str, plain: str) -> str:
        digest = hmac.new(self._key, f"{kind}\0{plain}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:_DIGITS]}"


def _words(words: Iterable[str]) -> Hinted:
    """Return what finds any of `words`, which are in lower case, standing alone in upper and lower case."""
    known = tuple(sorted(words, key=len, reverse=True))
    return Hinted(re.compile(rf"(?<!\w)({'|'.join(map(re.escape, known)) or '(?!)'})(?!\w)", re.IGNORECASE), known)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return _MAC.fullmatch(text) is not None
    return True
