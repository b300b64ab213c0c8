"""A document in the two markups that a Redmine may be set to, so that no text in it can become markup, link, mention or macro.

What has a meaning in either is written as a numeric entity, which both show as the letter and neither reads as markup. All else
is left alone, for Redmine's plain mails show the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from ticketing_clients._document import Block, Bullets, Document, Facts, Heading, Paragraph, Preformatted

Formatting = Literal["textile", "common_mark"]

_MEANING = re.compile(
    r"""
      [&<>"@\#\[{|`\\*~]                  # tags, entities, links, mentions, tables, macros, code, stars inside words
    | (?<![^\W_]) [_\-+^%?] (?=\S|$)      # these open a span only before a word
    | ^[-+]                               # or a list
    | (?<=[A-Z0-9]) \(                    # Textile explains ABBR(in brackets)
    | ! (?=\S)                            # !image!
    | : (?=\S) (?!(?<=\d:)\d)             # http://, user:name, but not 10:30
    | (?<=\bwww) \.
    | (?:(?<=^\d)|(?<=^\d\d)|(?<=^\d{3})|(?<=^\d{4})) [.)]   # CommonMark numbers a list
    """,
    re.VERBOSE,
)
# Inside <pre>, Textile reads nothing but these, in which even an entity would be shown as it is written.
_TAG = re.compile(r"<(?=/?(?:pre|code|kbd|notextile)\b)", re.IGNORECASE)
_WORD_JOINER = "\N{WORD JOINER}"  # not seen


def render(document: Document, formatting: Formatting) -> str:
    """Return `document` in the markup that the desk's setting "Text formatting" names."""
    block = _textile if formatting == "textile" else _common_mark
    return "\n\n".join(block(one) for one in document.blocks)


def _line(text: str, after_link: str = "") -> str:
    """Return `text` as one line that shows exactly it; `after_link` follows a letter that could make a link."""
    return _MEANING.sub(
        lambda found: f"&#{ord(found[0])};{after_link if found[0] in '#[:@.' else ''}", " ".join(text.split())
    )


def _textile(block: Block) -> str:
    escape = _line
    match block:
        case Heading(text):
            return f"h3. {escape(text)}"
        case Paragraph(text):
            return f"p. {escape(text)}"
        case Preformatted(text):
            return f"<pre>\n{_TAG.sub('<' + _WORD_JOINER, text)}\n</pre>"
        case _:
            return _list(block, escape)


def _common_mark(block: Block) -> str:
    # Redmine looks for its own links (#1, [[page]], user:name) when the entities are letters again; an empty tag stops it.
    escape = partial(_line, after_link="<i></i>")
    match block:
        case Heading(text):
            return f"### {escape(text)}"
        case Paragraph(text):
            return escape(text)
        case Preformatted(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}\n{text}\n{fence}"
        case _:
            return _list(block, escape)


def _list(block: Bullets | Facts, escape: Callable[[str], str]) -> str:
    if isinstance(block, Facts):
        return "\n".join(f"* {escape(label)}: {escape(value)}" for label, value in block.rows)
    return "\n".join(f"* {escape(item)}" for item in block.items)
