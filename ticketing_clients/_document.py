"""A ticket's text as one small document tree. Each markup renders and escapes it for itself; nobody else writes markup."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import msgspec


class Heading(msgspec.Struct, frozen=True, tag="heading"):
    """A section's title."""

    text: str


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """Running text without line breaks."""

    text: str


class Bullets(msgspec.Struct, frozen=True, tag="bullets"):
    """An unordered list of single lines."""

    items: tuple[str, ...]


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """Rows of label and value."""

    rows: tuple[tuple[str, str], ...]


class Preformatted(msgspec.Struct, frozen=True, tag="preformatted"):
    """Lines to be shown as they are, in a fixed-width face."""

    text: str


_GAP = "\n\n"  # between two blocks of plain text

Block = Heading | Paragraph | Bullets | Facts | Preformatted


class Document(msgspec.Struct, frozen=True):
    """Blocks from top to bottom: the customer's part first, then the engineer's."""

    blocks: Annotated[tuple[Block, ...], msgspec.Meta(min_length=1)]


# What reorders the letters that a person reads; what joins letters (Persian, emoji) may stay.
_REORDERING = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
# Controls, halves of letters, and the separators of lines and paragraphs.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Return `text` as one line of letters: a text in a document never makes a line, or turns one around."""
    return " ".join(_printable(text).split())


def as_it_is(text: str) -> str:
    """Return preformatted `text` with its lines and columns, and without other controls."""
    return "\n".join(map(_printable, text.expandtabs().splitlines()))


def _printable(text: str) -> str:
    shown = text.translate(_REORDERING)
    return "".join(" " if unicodedata.category(letter) in _UNPRINTABLE else letter for letter in shown)


def to_plain(document: Document) -> str:
    """Return `document` as plain text, for desks and mails that know no markup."""
    return _GAP.join(_plain(block) for block in document.blocks) + "\n"


def _plain(block: Block) -> str:
    match block:
        case Heading(text):
            line = one_line(text)
            return f"{line}\n{'-' * _columns(line)}"
        case Paragraph(text):
            return one_line(text)
        case Preformatted(text):
            return as_it_is(text)
        case Bullets(items):
            return "\n".join(f"* {one_line(item)}" for item in items)
        case Facts(rows):
            return "\n".join(row(one_line(label), one_line(value)) for label, value in rows)


def row(label: str, value: str) -> str:
    """Return a row of Facts as one line of text; after a Chinese label stands the colon that is as wide as its letters.

    >>> row("Host", "web01"), row("主机", "web01")
    ('Host: web01', '主机：web01')
    """
    return f"{label}：{value}" if _is_wide(label[-1:]) else f"{label}: {value}"


def _columns(line: str) -> int:
    """Return how many columns `line` takes in a fixed-width face."""
    return len(line) + sum(map(_is_wide, line))


def _is_wide(letter: str) -> bool:
    return bool(letter) and unicodedata.east_asian_width(letter) in {"W", "F"}


def shorten(document: Document, longest: int) -> Document:
    """Return `document` in at most `longest` code points of plain text, at least 1: its first blocks, the last one cut."""
    blocks, room = document.blocks, longest
    for at, block in enumerate(blocks):
        if len(_GAP.join(map(_plain, blocks[at:]))) <= room:
            break
        text = _plain(block)
        if len(text) + len(_GAP) >= room:
            rest = cut(f"{text}…", room)
            return Document((*blocks[:at], Preformatted(rest) if "\n" in rest else Paragraph(rest)))
        room -= len(text) + len(_GAP)
    return document


def cut(text: str, longest: int, note: str = "…") -> str:
    """Return `text` in at most `longest` code points, ending in `note` when something was left out.

    Never splits a code point; raises ValueError when the note alone does not fit.
    """
    if len(text) <= longest:
        return text
    if longest < len(note):
        raise ValueError(f"cannot cut to {longest} characters with a note of {len(note)}")
    return text[: longest - len(note)] + note
