"""The line format of our templates, and the mark that keeps values from making structure in it.

    # heading
    - bullet
    label :: value
    text, until an empty line

Bullets that follow one another are one list, and labels with values one table, whatever empty lines are between them.
Only what a template itself says makes structure. Every value that is put in goes through `mark`: it becomes one line that
begins with a character no template contains, so a mount called "# Paid" or "a :: b" stays a mount.
"""

from __future__ import annotations

from collections.abc import Iterable

from ticketing_clients import Block, Bullets, Document, Facts, Heading, Paragraph

# For private use by Unicode's own rule, and made visible as an escape wherever a Reading is constructed.
_MARK = "\ue000"
_SEPARATOR = " :: "
_WIDE_STOPS = tuple("。！？；：，、）」』”")


def mark(value: object) -> str:
    """Return `value` as text that cannot make structure. Raises ValueError for None: no sentence has a hole."""
    if value is None:
        raise ValueError("a template says a value that is None")
    text = together(" ".join(line.split()) for line in str(value).replace(_MARK, "").splitlines())
    return _MARK + text.replace("::", f":{_MARK}:")


def unmark(text: str) -> str:
    """Return one line of rendered text as people read it."""
    return text.replace(_MARK, "").strip()


def together(sentences: Iterable[str]) -> str:
    """Return sentences as one text: a blank between two, and none after a full stop that is as wide as a Chinese letter.

    >>> together(["It is full.", "", "Act now."]), together(["磁盘已满。", "请处理。"])
    ('It is full. Act now.', '磁盘已满。请处理。')
    """
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text.endswith(_WIDE_STOPS) else f" {sentence}"
    return text


def parse(text: str) -> Document:
    """Return the document that rendered `text` describes. Raises ValueError when it says nothing at all."""
    blocks: list[Block] = []
    after_empty = True
    for line in text.splitlines():
        block = _block(line.strip())
        if block is not None:
            joined = _joined(blocks[-1], block, after_empty=after_empty) if blocks else None
            blocks[-1:] = [joined] if joined else [*blocks[-1:], block]
        after_empty = block is None
    if not blocks:
        raise ValueError("a template said nothing")
    return Document(blocks=tuple(blocks))


def _block(line: str) -> Block | None:
    if not unmark(line):
        return None
    if line.startswith("# "):
        return Heading(unmark(line[2:]))
    if line.startswith("- "):
        return Bullets((unmark(line[2:]),))
    label, separator, value = line.partition(_SEPARATOR)
    return Facts(((unmark(label), unmark(value)),)) if separator else Paragraph(unmark(line))


def _joined(earlier: Block, later: Block, *, after_empty: bool) -> Block | None:
    """Return both as one block, or None when they are two."""
    match earlier, later:
        case Bullets(first), Bullets(second):
            return Bullets(first + second)
        case Facts(first), Facts(second):
            return Facts(first + second)
        case Paragraph(first), Paragraph(second) if not after_empty:
            return Paragraph(together((first, second)))
    return None
