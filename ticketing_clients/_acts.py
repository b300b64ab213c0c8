"""What people write on a ticket to steer a case: one line each, the same at every desk.

    foretell: confirm                it is fixed
    foretell: accept 2               take the second proposed window
    foretell: defer 2026-12-01       leave it until then (a date in UTC, or a whole ISO 8601 time)
    foretell: wontfix                leave it for good

A line counts only where its author wrote it: what a mail quotes of an earlier message is left out. What they say by changing the
status is here as well, and the line by which we know our own comments again.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import msgspec

from ticketing_clients._document import cut
from ticketing_clients._ticket import WORKING, Act, ActKind, Status

LONGEST_TEXT = 2000  # code points of an act's text, as Act promises

_DIRECTIVE = re.compile(r"foretell:\s*(confirm|accept|defer|won'?t[- ]?fix)\b[ \t]*(\S*)[ \t.]*", re.IGNORECASE)
# Where mail programs that do not indent begin to quote.
_QUOTE_BEGINS = re.compile(r"-{2,}\s*(Original|Forwarded)\b.*|_{10,}|On\b.*\bwrote:|From:\s.*", re.IGNORECASE)


def said(number: str, by: str, at: datetime, text: str, *, internal: bool = False) -> list[Act]:
    """Return what a person's `text` on a ticket says: the acts that it spells out, or else a reply, which an internal one is not.

    number: the desk's id of it.
    """
    text = lines_of(text)
    reply = Act(id=number, kind="reply", by=by, at=at.astimezone(UTC), text=cut(text, LONGEST_TEXT))
    told = told_by(reply, text)
    return told if told or internal else [reply]


def told_by(reply: Act, text: str) -> list[Act]:
    """Return the acts that the whole `text` of `reply` spells out, each with an id of its own; none when it spells out none."""
    acts: list[Act] = []
    for line in written(text).splitlines():
        said = _DIRECTIVE.fullmatch(line.strip())
        if said is None:
            continue
        act = msgspec.structs.replace(reply, id=f"{reply.id}.{len(acts) + 1}")
        word, value = said[1].lower(), said[2].rstrip(".")
        match word:
            case "confirm":
                acts.append(msgspec.structs.replace(act, kind="confirm"))
            case "accept" if value.isdecimal() and int(value) >= 1:
                acts.append(msgspec.structs.replace(act, kind="accept_window", option=int(value)))
            case "defer" if (until := _time(value)) is not None:
                acts.append(msgspec.structs.replace(act, kind="defer", until=until))
            case "accept" | "defer":
                pass  # not understood: it stays a reply, which a person reads
            case _:
                acts.append(msgspec.structs.replace(act, kind="wont_fix"))
    return acts


def meant_by(old: Status, new: Status) -> ActKind | None:
    """Return what a person says by changing a ticket's status from `old` to `new`."""
    match new:
        case "resolved" | "closed":
            return "resolve"
        case "rejected":
            return "wont_fix"
        case "new" | "open" | "waiting" if old not in WORKING:
            return "reopen"
        case "waiting":
            return "defer"
        case "open":
            return "acknowledge"
        case _:
            return None


def last_line(marker: str) -> str:
    """Return the line that ends a comment of ours, so that the comment with `marker` is found again."""
    return f"[foretell:{marker}]"


def has_mark(text: str, marker: str) -> bool:
    """Return whether a comment's `text` ends as the one of ours with exactly this marker."""
    return f"\n{lines_of(text)}".endswith(f"\n{last_line(marker)}")


def lines_of(text: str | None) -> str:
    """Return a text as it was written; many desks keep it with the line ends of the web, or with blanks around it."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def written(text: str) -> str:
    """Return what the author of `text` wrote, without what it quotes."""
    lines: list[str] = []
    for line in text.splitlines():
        if _QUOTE_BEGINS.fullmatch(line.strip()):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line)
    return "\n".join(lines)


def plain_of_html(html: str) -> str:
    """Return the text of `html` line by line, without quotations, scripts and styles."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.pieces).replace("\xa0", " ")).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


class _Reader(HTMLParser):
    silent = frozenset({"blockquote", "script", "style", "head"})
    breaking = frozenset({"p", "br", "div", "li", "tr", "pre", "h1", "h2", "h3", "h4", "hr", "blockquote"})

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, or a part that is left out."""
        del attrs
        self.depth += tag in self.silent
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """End a line, or a part that is left out."""
        self.depth = max(0, self.depth - (tag in self.silent))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Keep text outside what is left out."""
        if not self.depth:
            self.pieces.append(data)

    def _break(self, tag: str) -> None:
        if tag in self.breaking:
            self.pieces.append("\n")


def _time(value: str) -> datetime | None:
    try:
        then = datetime.fromisoformat(value)
    except ValueError:
        return None
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)
