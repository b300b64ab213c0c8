"""Markdown, as GitHub, GitLab and Redmine read it: CommonMark with tables, bare links, mentions and formulas."""

from __future__ import annotations

import re

from ticketing_clients._document import Block, Bullets, Document, Facts, Heading, Paragraph, Preformatted, as_it_is
from ticketing_clients._markup import _entities


def to_markdown(document: Document) -> str:
    """Return `document` in Markdown."""
    return "\n\n".join(map(_block, document.blocks))


def _escape(text: str) -> str:
    # These desks look for their own links (#1, [[page]], @user) when the entities are letters again; an empty tag stops them.
    return _entities.escape(text, after_link="<i></i>")


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"### {_escape(text)}"
        case Paragraph(text):
            return _escape(text)
        case Preformatted(text):
            text = as_it_is(text)
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}\n{text}\n{fence}"
        case Bullets():
            return _entities.listed(block, _escape)
        case Facts():
            return _entities.listed(block, _escape, sign="-")  # two lists of one sign would become one
