"""Exact masking of the secrets the agent itself knows, however they are written down.

Each character is looked for plain and in the ways in which JSON, URLs, HTML, shells and programs escape it, in any mixture;
the whole also as hexadecimal digits and as base64, whose text depends on how many bytes stand before.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from html.entities import codepoint2name

from agent.redaction._spans import Find, Span, mask

#: characters; a shorter secret occurs in words by chance, and to mask those would say what it is
SHORTEST = 4
_SHORTEST_ENCODED = 6  # bytes; below that a piece of base64 occurs by chance
_NAMED = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f", "\0": "0"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]*+")


def own_secrets(secrets: Iterable[str]) -> Find:
    """Return the rule that masks each of `secrets`; of one with several lines (a private key) each line by itself too.

    Raises ValueError, which holds none of it, when a secret is shorter than `SHORTEST` characters.
    """
    secrets = set(secrets)
    if any(len(secret) < SHORTEST for secret in secrets):
        raise ValueError(f"a secret of less than {SHORTEST} characters cannot be kept out of logs; make it longer")
    pieces = secrets | {piece for secret in secrets for piece in secret.splitlines() if len(piece.strip()) >= SHORTEST}
    # Lines are made plain before they are looked at (full-width characters, ligatures): so may the secret in them have been.
    pieces |= {unicodedata.normalize("NFKC", piece) for piece in pieces}
    longest_first = sorted(pieces, key=len, reverse=True)
    plain = [re.compile("".join(map(_character, piece))) for piece in longest_first]
    packed = [re.compile(text) for piece in longest_first for text in _packed(piece)]
    instead = mask("own_secret")

    def find(line: str) -> Iterator[Span]:
        for pattern in plain:
            for found in pattern.finditer(line):
                yield Span(*found.span(), instead)
        for pattern in packed:
            at = 0
            while match := pattern.search(line, at):
                # The rest of the base64 holds what stood beside the secret, and the ends of the secret itself.
                start = _run(line, match.start(), at)
                rest = _BASE64.match(line, match.end())
                at = rest.end() if rest else match.end()
                yield Span(start, at, instead)

    return find


def _run(line: str, start: int, least: int) -> int:
    """Return where the base64 begins that goes up to `start`, not before `least`."""
    while start > least and _BASE64.fullmatch(line[start - 1]):
        start -= 1
    return start


def _character(character: str) -> str:
    """Return a pattern for one character, plain or escaped in one of the usual ways.

    Each way begins with a literal, by which the expression's engine finds candidates fast.
    """
    code = ord(character)
    utf16 = character.encode("utf-16-be")
    units = [utf16[at : at + 2].hex() for at in range(0, len(utf16), 2)]
    ways = [
        re.escape(character),
        rf"\\{{1,16}}{re.escape(character)}",
        "".join(rf"\\{{1,16}}u{_hex(unit)}" for unit in units),
        rf"\\{{1,16}}U{_hex(f'{code:08x}')}",
        "".join(rf"\\{{1,16}}x{_hex(f'{byte:02x}')}" for byte in character.encode()),
        "".join(rf"\\{{1,16}}{byte:03o}" for byte in character.encode()),
        "".join(rf"%(?:25)*{_hex(f'{byte:02x}')}" for byte in character.encode()),
        rf"&#(?:0*{code}|[xX]0*{_hex(f'{code:x}')});",
    ]
    if code < 1 << 8:
        ways.append(rf"\\{{1,16}}x{_hex(f'{code:02x}')}")
    if character in _NAMED:
        ways.append(rf"\\{{1,16}}{_NAMED[character]}")
    if character == " ":
        ways.append(r"\+")
    if code in codepoint2name:
        ways.append(f"&{codepoint2name[code]};")
    if character == "'":
        ways += ["&apos;", r"'\\+''", r"'\"'\"'"]
    return f"(?:{'|'.join(ways)})"


def _hex(digits: str) -> str:
    return "".join(digit if digit.isdigit() else f"[{digit.lower()}{digit.upper()}]" for digit in digits)


def _packed(text: str) -> Iterator[str]:
    """Yield patterns for `text` as hexadecimal digits and as part of something in base64, in UTF-8 and UTF-16."""
    if len(text.encode()) < _SHORTEST_ENCODED:
        return
    for raw in (text.encode(), text.encode("utf-16-le")):
        yield r"(?:0[xX]|\\{1,16}x|[ :,-])?".join(_hex(f"{byte:02x}") for byte in raw)
        for shift in range(3):
            # A line break may stand anywhere, written out.
            yield r"(?:\\{1,16}[rn])*+".join(map(_base64_character, _core(raw, shift)))


def _core(raw: bytes, shift: int) -> str:
    """Return those characters of base64 that `raw` alone decides when `shift` bytes stand before it in a group of three."""
    text = base64.b64encode(b"\0" * shift + raw + b"\0\0").decode()
    first, last = 8 * shift, 8 * (shift + len(raw))  # bits; a character holds six
    return text[-(-first // 6) : last // 6]


def _base64_character(character: str) -> str:
    """Return a pattern for one character in the alphabets for mail and for URLs, escaped or not."""
    other = {"+": "|-", "/": "|_"}.get(character, "")
    return f"(?:{_character(character)}{other})"
