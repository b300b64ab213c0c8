"""Atlassian Document Format: JSON, in which a text is a text and nothing has to be escaped.

What it may not hold, by its schema (http://go.atlassian.com/adf-json-schema): a text node without text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ticketing_clients._document import (
    Block,
    Bullets,
    Document,
    Facts,
    Heading,
    Paragraph,
    Preformatted,
    as_it_is,
    one_line,
)

Node = dict[str, Any]


def to_adf(document: Document) -> Node:
    """Return `document` as an ADF document node, to be sent as JSON."""
    return {"version": 1, "type": "doc", "content": [_block(block) for block in document.blocks]}


def _block(block: Block) -> Node:
    match block:
        case Heading(text):
            return {"type": "heading", "attrs": {"level": 3}, "content": _text(one_line(text))}
        case Paragraph(text):
            return _paragraph(text)
        case Bullets(items):
            return _parent("bulletList", (_parent("listItem", [_paragraph(item)]) for item in items))
        case Facts(rows):
            return _parent("table", (_row(label, value) for label, value in rows))
        case Preformatted(text):
            return {"type": "codeBlock", "content": _text(as_it_is(text))}


def _row(label: str, value: str) -> Node:
    cells = (_parent("tableHeader", [_paragraph(label)]), _parent("tableCell", [_paragraph(value)]))
    return _parent("tableRow", cells)


def _paragraph(text: str) -> Node:
    return {"type": "paragraph", "content": _text(one_line(text))}


def _parent(kind: str, children: Iterable[Node]) -> Node:
    return {"type": kind, "content": list(children)}


def _text(text: str) -> list[Node]:
    return [{"type": "text", "text": text}] if text else []
