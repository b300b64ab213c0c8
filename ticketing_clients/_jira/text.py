"""Text for Jira: the markup of each of its interfaces, within the length that it takes."""

from __future__ import annotations

import json
from typing import Any

from ticketing_clients._document import Document, Paragraph, one_line
from ticketing_clients._markup.fit import fit
from ticketing_clients._markup.jira_adf import to_adf
from ticketing_clients._markup.jira_wiki import to_jira_wiki

LONGEST_SUMMARY = 255  # Jira refuses more, and line breaks
LONGEST_TEXT = 32_767  # of descriptions and comments, unless an administrator changed it


def units(text: str) -> int:
    """Return the length of `text` as Jira counts it: like Java, a letter outside the basic plane is two."""
    return len(text.encode("utf-16-le")) // 2


def summary(title: str) -> str:
    """Return `title` as one line that Jira takes."""
    line = one_line(title)
    if units(line) <= LONGEST_SUMMARY:
        return line
    return line.encode("utf-16-le")[: 2 * (LONGEST_SUMMARY - 1)].decode("utf-16-le", errors="ignore") + "…"


def wiki(body: Document, last: str = "") -> str:
    """Return as much of `body` as Jira takes in its wiki markup; `last` is a paragraph that stays whole."""
    return fit(body, lambda some: to_jira_wiki(_ending(some, last)), LONGEST_TEXT, units)


def adf(body: Document, last: str = "") -> dict[str, Any]:
    """Return as much of `body` as Jira takes in its document format, counted with all of its JSON; `last` stays whole."""
    return fit(
        body,
        lambda some: to_adf(_ending(some, last)),
        LONGEST_TEXT,
        lambda document: units(json.dumps(document, ensure_ascii=False, separators=(",", ":"))),
    )


def _ending(body: Document, last: str) -> Document:
    return Document((*body.blocks, Paragraph(last))) if last else body
