"""Looks inside what is encoded: base64, hexadecimal digits, percent or backslash escapes that hide what a rule would find.

The Linux audit log writes command lines in hexadecimal, services write JSON into URLs, and `Basic …` is only base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote_plus

from agent.redaction._spans import Find, Span, mask

_DEPTH = 2  # encodings within encodings
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{12,}+={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0[xX])?((?:[0-9A-Fa-f]{2}){8,}+)(?![0-9A-Za-z])")
_RUN = re.compile(r"[^\s\"'<>]++")
_ESCAPED = re.compile(r"(?<!\\)\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


def encoded(rules: Iterable[Find]) -> Find:
    """Return the rule that masks a whole encoded run when one of `rules` finds something in what it decodes to."""
    rules = tuple(rules)
    instead = mask("encoded")

    def hides(text: str, depth: int) -> bool:
        return any(True for rule in rules for _ in rule(text)) or (
            depth < _DEPTH and any(hides(inner, depth + 1) for _, inner in _decoded(text))
        )

    def find(line: str) -> Iterator[Span]:
        for span, inner in _decoded(line):
            if hides(inner, 1):
                yield Span(*span, instead)
        # Single escaped characters may stand in a key or in its value: what counts is whether more is found without them.
        if "\\" in line and (first := _ESCAPED.search(line)):
            inner = _ESCAPED.sub(_character, line)
            if sum(len(list(rule(inner))) - len(list(rule(line))) for rule in rules) > 0:
                yield Span(line.rfind(" ", 0, first.start()) + 1, len(line), instead)

    return find


def _decoded(line: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield where something encoded stands in `line` and the text it decodes to."""
    for pattern, decode in _DECODERS:
        for found in pattern.finditer(line):
            text = decode(found[0])
            if text is not None:
                yield found.span(), text


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[0].lstrip("\\")[1:], 16))


def _from_base64(text: str) -> str | None:
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    text = text[: len(text) - (len(text) % 4 == 1)]
    return _text(base64.b64decode(text + "=" * (-len(text) % 4)))


def _from_hex(text: str) -> str | None:
    return _text(binascii.unhexlify(text.removeprefix("0x").removeprefix("0X")))


def _from_percent(text: str) -> str | None:
    return unquote_plus(text) if "%" in text else None


def _text(raw: bytes) -> str | None:
    """Return the text that `raw` is, None when it is none. Zero bytes part the words of a command line, or are UTF-16's."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"")
    try:
        text = raw.decode().replace("\0", " ").replace("\n", " ").replace("\r", " ").replace("\t", " ")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


_DECODERS: tuple[tuple[re.Pattern[str], Callable[[str], str | None]], ...] = (
    (_BASE64, _from_base64),
    (_HEX, _from_hex),
    (_RUN, _from_percent),
)
