"""HTML, as mails and desks show it: a handful of plain elements, no attribute that holds a text."""

from __future__ import annotations

import html

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


def to_html(document: Document) -> str:
    """Return `document` as the inside of an HTML body."""
    return "\n".join(map(_block, document.blocks))


def _escape(text: str) -> str:
    return html.escape(one_line(text))


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h3>{_escape(text)}</h3>"
        case Paragraph(text):
            return f"<p>{_escape(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_escape(item)}</li>' for item in items)}</ul>"
        case Facts(rows):
            cells = (f"<tr><th>{_escape(label)}</th><td>{_escape(value)}</td></tr>" for label, value in rows)
            return f"<table>{''.join(cells)}</table>"
        case Preformatted(text):
            # A reader drops the first line end after <pre>, so that the text may begin with one of its own.
            return f"<pre>\n{html.escape(as_it_is(text))}</pre>"
