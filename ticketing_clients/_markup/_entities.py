"""Escaping for Textile and Markdown, which show a numeric entity as its letter and do not read it as markup.

All that has no meaning in either is left alone, for the source is seen too, in mails about the ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ticketing_clients._document import Bullets, Facts, one_line, row

_MEANING = re.compile(
    r"""
      [&<>"@\#\[{|`\\*~$]                 # tags, entities, links, mentions, tables, macros, code, stars inside words, formulas
    | (?<![^\W_]) [_\-+^%?] (?=\S|$)      # these open a span only before a word
    | ^[-+/]                              # or a list; a slash, an order to GitLab
    | (?<=[A-Z0-9]) \(                    # Textile explains ABBR(in brackets)
    | ! (?=\S)                            # !image!
    | : (?=\S) (?!(?<=\d:)\d)             # http://, user:name, but not 10:30
    | (?<=\bwww) \.
    """,
    re.VERBOSE,
)
_NUMBERS_A_LIST = re.compile(r"^(\d{1,9})([.)])")  # in Markdown


def escape(text: str, after_link: str = "") -> str:
    """Return `text` as one line that shows exactly it; `after_link` follows a letter that could make a link."""
    safe = _MEANING.sub(lambda found: f"&#{ord(found[0])};{after_link if found[0] in '#[:@.' else ''}", one_line(text))
    return _NUMBERS_A_LIST.sub(lambda found: f"{found[1]}&#{ord(found[2])};", safe)


def listed(block: Bullets | Facts, line: Callable[[str], str], sign: str = "*") -> str:
    """Return a list of lines that begin with `sign`, its texts escaped by `line`."""
    if isinstance(block, Facts):
        return "\n".join(f"{sign} {row(line(label), line(value))}" for label, value in block.rows)
    return "\n".join(f"{sign} {line(item)}" for item in block.items)
