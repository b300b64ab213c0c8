"""The last net: what shows by its own form that it is a token, a hash of a password, a card, an account or a phone number.

Forms as vendors document them. Each expression has only bounded repetitions, so it takes time in proportion to the line.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from agent.redaction._check_digits import chinese_identity, iban, luhn
from agent.redaction._spans import Find, Span, mask

_VENDORS = {
    "Amazon": r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA|A3T[A-Z0-9])[A-Z0-9]{16}",
    "Alibaba Cloud, Tencent Cloud": r"LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{32}",
    "Volcano Engine, Baidu Cloud": r"AKLT[A-Za-z0-9_-]{20,60}|ALTAK[A-Za-z0-9]{21}",
    "age": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    "Atlassian": r"AT[AC]TT3[A-Za-z0-9_=-]{40,255}|ATBB[A-Za-z0-9]{24,40}",
    "Azure": r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}|[A-Za-z0-9+/]{76}(?:APIM|ACDb|\+ASt|AzSe|AzCa)[A-Za-z0-9+/=]{4,8}",
    "Brevo": r"xkeysib-[a-z0-9-]{60,90}",
    "Contentful, Figma": r"CFPAT-[A-Za-z0-9_-]{43}|figd_[A-Za-z0-9_-]{40,60}",
    "crates.io, RubyGems": r"cio[A-Za-z0-9]{32}|rubygems_[a-f0-9]{48}",
    "Cloudflare": r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,160}",
    "Databricks": r"dapi[a-f0-9]{32}",
    "DigitalOcean": r"do[opr]_v1_[a-f0-9]{64}",
    "Discord": r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
    "Docker": r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,60}",
    "Doppler": r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9]{40,50}",
    "Facebook, Square": r"EAA[A-Za-z0-9_-]{40,255}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,50}",
    "GitHub": r"gh[opusr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}",
    "GitLab": r"gl(?:pat|dt|cbt|rt|rtr|ptt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_.-]{16,300}|GR1348941[A-Za-z0-9_-]{20,40}",
    "Google": r"AIza[A-Za-z0-9_-]{30,40}|ya29\.[A-Za-z0-9_.-]{16,1024}|GOCSPX-[A-Za-z0-9_-]{20,40}|1//0[A-Za-z0-9_-]{20,200}",
    "Grafana": r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/=]{32,400}",
    "HashiCorp": r"hv[bsr]\.[A-Za-z0-9_-]{20,300}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
    "Linear, Notion": r"lin_api_[A-Za-z0-9]{32,48}|ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43}",
    "Mailchimp, Mailgun": r"[0-9a-f]{32}-us\d{1,2}|key-[0-9a-f]{32}",
    "New Relic": r"NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9_-]{32}",
    "npm": r"npm_[A-Za-z0-9]{30,50}",
    "1Password, Postman": r"ops_eyJ[A-Za-z0-9_-]{40,1024}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    "providers of language models": r"sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,255}|hf_[A-Za-z0-9]{30,50}|"
    r"r8_[A-Za-z0-9]{30,50}|gsk_[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,100}",
    "PostHog, Sentry": r"phc_[A-Za-z0-9]{40,50}|sntr(?:ys|yu)_[A-Za-z0-9_+/=-]{40,300}",
    "Pulumi, Supabase": r"pul-[a-f0-9]{40}|sbp_[a-f0-9]{40}",
    "PyPI": r"pypi-[A-Za-z0-9_-]{50,1024}",
    "SendGrid": r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,80}",
    "Shopify": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "Slack": r"xox[abeoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250}",
    "Stripe": r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9+/=]{16,255}",
    "Tailscale": r"tskey-[a-z]{2,10}-[A-Za-z0-9-]{16,80}",
    "Telegram": r"\d{8,10}:AA[A-Za-z0-9_-]{33}",
    "Twilio": r"(?:SK|AC)[0-9a-f]{32}",
}
_VENDOR_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_VENDORS.values())})(?![A-Za-z0-9])")
# Any JSON in base64 begins so; a token's further parts are taken along.
_JSON_TOKEN = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)*+")
_HOOK = re.compile(
    r"(?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks|outlook\.office(?:365)?\.com/webhook|"
    r"webhook\.office\.com/webhookb2|open\.feishu\.cn/open-apis/bot/v2/hook|qyapi\.weixin\.qq\.com/cgi-bin/webhook|api\.telegram\.org/bot|"
    r"maker\.ifttt\.com/trigger|hooks\.zapier\.com/hooks|chat\.googleapis\.com/v1/spaces)(/[^\s\"'<>]++|[^\s\"'<>]++)"
)
_PASSWORD_HASH = re.compile(
    r"\$(?:1|2[abxy]?|5|6|7|8|9|14|y|gy|md5|sha1|apr1|argon2(?:id?|d)|scrypt|bcrypt-sha256|pbkdf2(?:-sha\d+)?|P|H|S)\$[^\s:\"',;]{8,400}"
    r"|\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2(?:-SHA\d+)?|ARGON2)\}[^\s\"',;]{8,400}"
    r"|(?<![A-Za-z0-9])(?:pbkdf2_sha\d+|bcrypt_sha\d+|bcrypt|argon2|scrypt|sha1|md5)\$[^\s\"',;]{16,400}"
    r"|SCRAM-SHA-\d{1,3}\$[^\s\"',;]{16,400}"
    r"|(?<![A-Za-z0-9])md5[0-9a-f]{32}(?![A-Za-z0-9])|\*[0-9A-F]{40}(?![A-Za-z0-9])"
    r"|(?<![0-9A-Fa-f])[0-9A-Fa-f]{32}:[0-9A-Fa-f]{32}(?![0-9A-Fa-f])"
    r"|(?<=::)[0-9A-Fa-f]{16,64}:[0-9A-Fa-f]{16,64}(?::[0-9A-Fa-f]{16,512})?(?![0-9A-Fa-f])"
)
_SCHEME = re.compile(
    r"(?<![A-Za-z])(?i:(?P<loose>bearer|negotiate|ntlm|apikey|token|aws4-hmac-sha256)|(?P<basic>basic)|digest)\s{1,8}"
    r"(?P<value>[A-Za-z0-9+/_.=~-]{8,}+)"
)
_DIGEST = re.compile(r"(?<![A-Za-z])(?i:digest)\s{1,8}(?P<value>(?i:username|realm|nonce|response)=.++)")
_BARE_HASH = re.compile(r"(?<![0-9A-Za-z/=+_.-])(?:[0-9a-f]{32}|[0-9A-F]{32})(?![0-9A-Za-z=+_-])")
_RANDOM = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{24,}+={0,2}(?![A-Za-z0-9+/_=-])")
_CARD = re.compile(
    r"(?<![\d.])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\d])|(?<![\d.])3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?!\d)"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CHINESE_IDENTITY = re.compile(
    r"(?<![\dA-Za-z])[1-9]\d{5} ?(?:18|19|20)\d{2} ?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx](?![\dA-Za-z])"
)
_OLD_CHINESE_IDENTITY = re.compile(
    r"(?<![\dA-Za-z.])(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{4}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?![\dA-Za-z.])"
)
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w.-])")
# What is followed by a unit is an amount: 17179869184 bytes is no telephone.
_NO_AMOUNT = r"(?! ?(?:bytes?|[kKMGT]i?B|B|sectors?|blocks?|pages?|ns|us|ms|Hz|packets?)\b)"
_MOBILE = re.compile(
    rf"(?<![\w.])(?:(?:\+|00)86[ -]?|86[ -]?)?1[3-9]\d(?:\d{{8}}|[ -]\d{{4}}[ -]\d{{4}})(?![\w]|\.\d){_NO_AMOUNT}"
)
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,5}(?:[ ./-]?\d{2,5}){1,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|[2-9]\d{2}-[2-9]\d{2}-\d{4}|0\d{2,3}-\d{7,8}(?:-\d{1,5})?|400-\d{3}-?\d{4}"
    r"|\(0\d{2,3}\) ?\d{7,8})"
    r"(?![\w-]|\.\d)"
)


def _always(_: str) -> bool:
    return True


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return len(set(digits)) > 2 and luhn(digits)  # noqa: PLR2004 - zeros and ones in a bit mask are no card


def _iban(text: str) -> bool:
    return iban(re.sub(r"[ -]", "", text))


def _identity(text: str) -> bool:
    return chinese_identity(text.replace(" ", ""))


def _phone(text: str) -> bool:
    return len(re.sub(r"\D", "", text)) > 7  # noqa: PLR2004 - a zone's +1000 has fewer digits


def _drawn(text: str) -> bool:
    """Return whether a run of characters was drawn by chance rather than named by people: all kinds mixed, no long words."""
    cased = any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text)
    if not cased or text.count("/") > 3 or text.count("-") + text.count("_") > 4:  # noqa: PLR2004 - a path, a name
        return False
    changes = sum(_kind(one) != _kind(other) for one, other in pairwise(text))
    return changes * 3 >= len(text)


def _kind(character: str) -> int:
    return 0 if character.islower() else 1 if character.isupper() else 2


def _basic(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _finder(rule: str, pattern: re.Pattern[str], holds: Callable[[str], bool] = _always, group: str | int = 0) -> Find:
    instead = mask(rule)

    def find(line: str) -> Iterator[Span]:
        for found in pattern.finditer(line):
            if holds(found[group]):
                yield Span(*found.span(group), instead)

    return find


def _authorization(line: str) -> Iterator[Span]:
    """Yield what stands behind the name of an HTTP scheme, if it looks like it rather than like a sentence."""
    instead = mask("authorization")
    for found in _SCHEME.finditer(line):
        value = found["value"]
        digits = any(character.isdigit() for character in value)
        if _basic(value) if found["basic"] else digits and len(value) > 11:  # noqa: PLR2004 - longer than a word's
            yield Span(*found.span("value"), instead)
    for found in _DIGEST.finditer(line):
        yield Span(*found.span("value"), instead)


#: the rules by name, in their order
PATTERNS: dict[str, Find] = {
    "vendor_token": _finder("vendor_token", _VENDOR_TOKEN),
    "json_token": _finder("json_token", _JSON_TOKEN),
    "webhook": _finder("webhook", _HOOK, group=1),
    "password_hash": _finder("password_hash", _PASSWORD_HASH),
    "authorization": _authorization,
    "identity_number": _finder("identity_number", _CHINESE_IDENTITY, _identity),
    "old_identity_number": _finder("old_identity_number", _OLD_CHINESE_IDENTITY),
    "social_security_number": _finder("social_security_number", _SSN),
    "card_number": _finder("card_number", _CARD, _card),
    "iban": _finder("iban", _IBAN, _iban),
    "mobile_number": _finder("mobile_number", _MOBILE),
    "phone_number": _finder("phone_number", _PHONE, _phone),
    "bare_hash": _finder("bare_hash", _BARE_HASH),
    "random_token": _finder("random_token", _RANDOM, _drawn),
}
