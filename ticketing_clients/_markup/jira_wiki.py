r"""Jira's wiki markup, for Jira Data Center.

Its renderer takes a backslash before certain signs for an escape and shows numeric entities as their letters. For a backslash
it has only the entity (two backslashes are a line break), and so for what is markup only at the beginning of a line.
"""

from __future__ import annotations

import re

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

_ESCAPED_BY_BACKSLASH = re.compile(r"[!\[\]^~+?%{}()*_\-|@]")
_ESCAPED_BY_ENTITY = re.compile(
    r"""
      [&\\\#]                     # entities, line breaks, numbered lists
    | : (?=\S) (?!(?<=\d:)\d)     # http://, mailto:, :), but not 10:30
    | (?<=^h[1-6]) \. | (?<=^bq) \.  # headings, quotations
    """,
    re.VERBOSE,
)
# What ends {noformat}; nothing else is read inside it, not even an entity.
_END = re.compile(r"\{(?=noformat)", re.IGNORECASE)
_WORD_JOINER = "\N{WORD JOINER}"  # not seen


def to_jira_wiki(document: Document) -> str:
    """Return `document` in Jira's wiki markup."""
    return "\n\n".join(map(_block, document.blocks))


def _escape(text: str) -> str:
    entities = _ESCAPED_BY_ENTITY.sub(lambda found: f"&{ord(found[0])};", one_line(text))
    # The number sign of an entity must not be taken for one of the text.
    return _ESCAPED_BY_BACKSLASH.sub(r"\\\g<0>", entities).replace("&", "&#")


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"h3. {_escape(text)}"
        case Paragraph(text):
            return _escape(text)
        case Bullets(items):
            return "\n".join(f"* {_escape(item)}" for item in items)
        case Facts(rows):
            # A cell without anything in it would join its neighbours.
            return "\n".join(f"||{_escape(label) or ' '}|{_escape(value) or ' '}|" for label, value in rows)
        case Preformatted(text):
            return f"{{noformat}}\n{_END.sub('{' + _WORD_JOINER, as_it_is(text))}\n{{noformat}}"
