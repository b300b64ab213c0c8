r"""Masking of values by their key: `password=…`, `"token": "…"`, `\"pwd\":\"…\"`, `<secret>…<`, `Cookie: …`, `密码:…`.

Where a value ends is often open to doubt; then it ends later rather than sooner. Full-width characters, such as Chinese colons,
have been made plain before. A key is found by the word in it, wherever in a name that stands (`MYSQL_ROOT_PASSWORD_2`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.redaction._spans import Span, mask

# Words that mean a secret in any name they are part of.
_IN_ANY_NAME = (
    r"passw(?:or)?d|passphrase|pass[_-]phrase|passcode|passwort|kennwort|contrase(?:n|ñ)a|mot[_-]?de[_-]?passe|wachtwoord|senha|"
    r"secret|token|credential|cookie|csrf|xsrf|authorization|jsessionid|sess(?:ion)?[_-]?id|requirepass|masterauth|"
    r"(?:api|app|access|private|priv|account|shared|encryption|signing|master|ssh|auth|storage|license|deploy|service|consumer|"
    r"subscription|function|host|client|admin|read|write|security|wifi|wep|wpa|pre[_-]?shared|aes|rsa|hmac|host)[ _-]?key|"
    r"pass(?==)|connection[ _-]?string|community|bind[_-]?pw|root[_-]?pw|keystore[_-]?pass|"
    r"密码|口令|密钥|秘钥|私钥|令牌|凭证|凭据|授权码|验证码|动态码|校验码|暗号|密碼|金鑰|權杖|驗證碼"
)
# Words too short for that: whole, or after a sign or a change of case (`db_pass`, `dbPass`), and not before a letter.
_SHORT = r"pass|pwd|pw|psk|otp|totp|pin|pincode|sid|sig|cvv|cvc|dsn|auth|jwt|sas|webhook[_-]?url|nonce"
_WHOLE = (
    rf"(?:(?<![A-Za-z])(?i:{_SHORT})"
    r"|(?<=[?&])(?i:key|code|access|session|ticket|hash)(?==)"
    r"|(?<=[a-z])(?:Pass|Pwd|Pw|PWD|Pin|Otp|Sig|Auth|Jwt))(?![A-Za-z])"
)
# The same as people say them in a sentence.
_SPOKEN = r"pass|pwd|passw(?:or)?d|passphrase|passcode|passwort|kennwort|secret|token|credentials?|pin|otp|api ?key|access ?key"
_SPOKEN_CHINESE = r"密码|口令|密钥|令牌|验证码|授权码|密碼|驗證碼"
# What tells about a person rather than opens a door. English words for it that logs use otherwise are not here.
_PERSONAL = (
    r"身份证(?:号码?)?|身份證(?:號碼?)?|证件号码?|护照(?:号码?)?|手机(?:号码?)?|手機(?:號碼?)?|电话(?:号码?)?|電話(?:號碼?)?|"
    r"联系方式|银行卡(?:号)?|卡号|卡號|信用卡|邮箱(?:地址)?|郵箱|电子邮件|姓名|联系人|收件人|客户名|住址|地址|生日|出生日期|"
    r"微信(?:号)?|社保号|车牌(?:号)?|"
    r"(?<![A-Za-z])(?:e-?mail|phone|mobile|cell|tel|telephone|fax|msisdn|ssn|social[ _-]security(?:[ _-]number)?|passport|"
    r"national[_-]?id|id[_-]?card|tax[_-]?id|credit[_-]?card|card[_-]?(?:number|no|num)|pan|iban|bic|dob|birth[_-]?da(?:y|te)|"
    r"date[_-]of[_-]birth|(?:full|first|last|real|display|customer|contact|given|family|sur)[ _-]?name|"
    r"(?:street|postal|home|billing|shipping)[ _-]?address|postcode|zip[_-]?code)(?![A-Za-z])"
)
_OPENED = r"(?:\\*[\"'`]|%22|&quot;|\\u0022)?"
# `is` and `为` count only behind a secret's name; `>` only in a tag.
_EQUALS = (
    r"(?P<equals>\s{0,8}(?:=>|:=|={1,2}|::?|%3[dDaA]|\\u003[dDaA])|\s(?:set|changed|reset)\sto\s|"
    r"[\"']\s{0,8},\s{0,8}(?=[\"'])|\s{1,8}value\s{0,8}=|\(\s{0,8}(?=[\"']))"
)
_SECRET_KEY = re.compile(
    rf"(?:(?i:{_IN_ANY_NAME})|{_WHOLE})(?P<rest>[A-Za-z0-9_\-\[\]]{{0,64}}|号)(?:\([^()]{{0,16}}\))?"
    # A few words may follow before it is said: `the password for backup is: …`.
    rf"{_OPENED}(?:(?:\s(?:for|of|in|on|is|was|has|will|value|string|text|header|hash(?!\stable))(?:\s[^\W\d_]{{1,20}}){{0,4}})?{_EQUALS}|"
    r"(?P<says>\s{0,4}[为為是]\s{0,4}|\s(?:is|was|to)\s(?=\S*[\d!@#$%^&*]))|"
    r"(?P<tag>&gt;|>))\s{0,64}"
)
# The secret is the text of an element whose name says so, whatever else stands in its tag.
_SECRET_ELEMENT = re.compile(
    rf"<(?:[\w.-]{{1,64}}:)?[\w.-]{{0,64}}(?i:{_IN_ANY_NAME})[\w.-]{{0,64}}(?:\s[^<>]*+)?>([^<]++)"
)
_PERSONAL_KEY = re.compile(
    rf"(?i:{_PERSONAL})(?P<rest>[A-Za-z0-9_]{{0,20}}){_OPENED}"
    r"(?:" + _EQUALS + r"|(?P<says>\s{0,4}[为為是]\s{0,4})|(?P<tag>>|&gt;))\s{0,64}"
)
_CLOSE = re.compile(r"(?<!\\)\\*[\"'`]|%22|&quot;|\\u0022")
# As a shell reads a word: quotes hold blanks together, a backslash keeps the next character.
_WORD = re.compile(r"(?:\\.|\"[^\"]*+\"|'[^']*+'|\S)*+")
# What stands in place of a secret already, and words of Debian's that hold a key's name before an architecture (`passwd:amd64`).
_NOTHING = re.compile(
    r"(?:\*+|x|null|nil|none|undefined|true|false|yes|no|\(null\)|\[FILTERED\]|"
    r"amd64|arm64|armel|armhf|i386|all|any|mips64el|ppc64el|riscv64|s390x)?(?=[\s,;)}\]\"']|\Z)",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"/[\w./-]*+(?=\s|\Z)")  # a shell's PWD=/srv, and the file a secret is in


# A word for a secret by itself, not in the name of a file, a unit or a package: what looks like one behind it is masked, too.
_LONE_WORD = re.compile(
    rf"(?<![\w./-])(?:(?:[A-Za-z0-9]{{1,20}}_){{0,4}}(?i:{_SPOKEN})[A-Za-z0-9_]{{0,20}}(?![\w./:=-])|(?:{_SPOKEN_CHINESE})(?![:=]))"
)
_NEAR = 80  # characters behind the word
_RUN = re.compile(r"[^\s\"'“”\u2018\u2019「」\[\](){}<>,;|]{6,}+")
_NO_SECRET = re.compile(r"/.*|\d{4}-\d\d-\d\dT\S*|[\w.-]+[=:][\d.:]*")
# What a line must hold for one of these keys to be in it; found much faster in lower case than the keys themselves.
_SECRET_HINT = re.compile(f"{_IN_ANY_NAME}|{_SHORT}|key|code|access|session|ticket|hash")
_PERSONAL_HINT = re.compile(_PERSONAL.replace("(?<![A-Za-z])", "").replace("(?![A-Za-z])", ""))


def secret_keys(line: str) -> Iterator[Span]:
    """Yield the values of keys that mean a secret."""
    if line.isascii() and not _SECRET_HINT.search(line.lower()):
        return
    for element in _SECRET_ELEMENT.finditer(line) if "<" in line else ():
        yield Span(*element.span(1), mask("secret_key"))
    yield from _values(_SECRET_KEY, line, mask("secret_key"))


def personal_keys(line: str) -> Iterator[Span]:
    """Yield the values of keys that tell about a person."""
    if line.isascii() and not _PERSONAL_HINT.search(line.lower()):
        return
    yield from _values(_PERSONAL_KEY, line, mask("personal_key"))


def near_words(line: str) -> Iterator[Span]:
    """Yield what stands near behind a word for a secret and mixes letters and digits: `password is set as x7Kd92`."""
    if line.isascii() and not _SECRET_HINT.search(line.lower()):
        return
    instead = mask("near_word")
    done = 0
    for word in _LONE_WORD.finditer(line):
        done = max(done, word.end())
        while begins := _RUN.search(line, done, word.end() + _NEAR):
            run = _RUN.match(line, begins.start()) or begins  # to its end, which may be further away
            done = run.end()
            mixed = any(map(str.isdigit, run[0])) and any(map(str.isalpha, run[0]))
            if mixed and not _NO_SECRET.fullmatch(run[0]):
                yield Span(*run.span(), instead)


def _values(key: re.Pattern[str], line: str, instead: str) -> Iterator[Span]:
    at = 0
    while found := key.search(line, at):
        end = _end_of_value(line, found)
        if end > found.end():
            yield Span(found.end(), end, instead)
            at = end
        else:
            at = found.start() + 1  # what looked like a separator may hold the next key


def _end_of_value(line: str, key: re.Match[str]) -> int:
    """Return where the value behind `key` ends; where it begins if there is none."""
    start = key.end()
    nothing = _NOTHING.match(line, start)
    if nothing is not None and (nothing.end() > start or start == len(line)):
        return start
    if key["tag"]:
        return _end_in_tag(line, key)
    if key[0].startswith(("PWD=", "pwd=")) or key["rest"].lower().endswith(("file", "path", "dir")):
        folder = _FOLDER.match(line, start)
        if folder is not None:
            return start
    opening = _CLOSE.match(line, start)
    if opening is not None:
        return _end_of_quoted(line, opening)
    spaced = key[0][-1:].isspace() and not key["says"]
    if spaced or line[start : start + 1] in "[{(<":
        return len(line)
    return _end_of_word(line, start)


def _end_in_tag(line: str, key: re.Match[str]) -> int:
    """Return where the text of an element (`<password>…<`) ends; its beginning when this is no element."""
    before = line[max(0, key.start() - 64) : key.start()]
    opened = max(before.rfind("<"), before.rfind("&lt;"))
    if opened < 0 or not re.fullmatch(r"(?:<|&lt;)[\w:.-]*", before[opened:]):
        return key.end()
    ends = (line.find("<", key.end()), line.find("&lt;", key.end()))
    return min((end for end in ends if end >= 0), default=len(line))


def _end_of_quoted(line: str, opening: re.Match[str]) -> int:
    r"""Return where the text ends whose quote is `opening`: at one written alike, else with the line.

    In JSON within JSON a quote is written as `\\"`; one with more or fewer backslashes belongs to the text.
    """
    for quote in _CLOSE.finditer(line, opening.end()):
        if quote[0] == opening[0]:
            return quote.end()
    return len(line)


def _end_of_word(line: str, start: int) -> int:
    word = _WORD.match(line, start)
    return word.end() if word is not None else start
