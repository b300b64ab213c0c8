"""Textile, as Redmine reads it."""

from __future__ import annotations

import re

from ticketing_clients._document import Block, Document, Heading, Paragraph, Preformatted, as_it_is
from ticketing_clients._markup._entities import escape, listed

# Inside <pre>, Textile reads nothing but these, in which even an entity would be shown as it is written.
_TAG = re.compile(r"<(?=/?(?:pre|code|kbd|notextile)\b)", re.IGNORECASE)
_WORD_JOINER = "\N{WORD JOINER}"  # not seen


def to_textile(document: Document) -> str:
    """Return `document` in Textile."""
    return "\n\n".join(map(_block, document.blocks))


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"h3. {escape(text)}"
        case Paragraph(text):
            return f"p. {escape(text)}"
        case Preformatted(text):
            return f"<pre>\n{_TAG.sub('<' + _WORD_JOINER, as_it_is(text))}\n</pre>"
        case _:
            return listed(block, escape)
