"""What desks that keep articles as HTML have in common: how a comment of ours is written, and found again."""

from __future__ import annotations

import html

from ticketing_clients import _acts
from ticketing_clients._acts import last_line, plain_of_html
from ticketing_clients._document import Document, shorten
from ticketing_clients._markup.html import to_html
from ticketing_clients._ticket import Comment

LONGEST_BODY = 60_000  # code points of text; ours, for these desks take megabytes and then show them slowly


def article(body: Document) -> str:
    """Return `body` as the HTML of an article, cut at LONGEST_BODY."""
    return to_html(shorten(body, LONGEST_BODY))


def marked(comment: Comment) -> str:
    """Return the HTML of `comment`, ending in the line by which it is found again."""
    return f"{article(comment.body)}\n<p>{html.escape(last_line(comment.marker))}</p>"


def has_mark(written: str | None, marker: str) -> bool:
    """Return whether the HTML of an article ends as the comment with exactly this marker."""
    return _acts.has_mark(plain_of_html(written or ""), marker)
