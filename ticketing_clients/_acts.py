"""What people write on a ticket to steer a case: one line each, the same at every desk.

    foretell: confirm                it is fixed
    foretell: accept 2               take the second proposed window
    foretell: defer 2026-12-01       leave it until then (a date in UTC, or a whole ISO 8601 time)
    foretell: wontfix                leave it for good
    foretell: cause logs not rotated what it was, for the report
    foretell: done rotation set up   what was done about it, for the report
    foretell: rate 4                 how content the customer is, from 1 to 5

They are the same in every language. Whoever writes Chinese may leave the input method as it is: a full-width colon, digit, letter
or stop counts as the plain one, and 2026年12月1日 or 2026/12/1 as a date.

A line counts only where its author wrote it: what a mail quotes of an earlier message is left out. What they say by changing the
status is here as well, and the line by which we know our own comments again.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

import msgspec

from ticketing_clients._document import cut
from ticketing_clients._ticket import WORKING, Act, ActKind, Status

LONGEST_TEXT = 2000  # code points of an act's text, as Act promises
RATINGS = ("1", "2", "3", "4", "5")

_DIRECTIVE = re.compile(
    r"foretell\s*:\s*(confirm|accept|defer|won'?t[- ]?fix|rate)(?![a-z])\s*(\S*)[\s.。]*", re.IGNORECASE
)
_IN_WORDS = re.compile(r"foretell\s*[:：]\s*(cause|done)(?![a-z])[\s:：]*(\S.*)", re.IGNORECASE)
# Where mail programs that do not indent begin to quote; in Chinese too, for those of Outlook, Foxmail, QQ and Gmail.
_QUOTE_BEGINS = re.compile(
    r"-{2,}\s*(Original|Forwarded)\b.*|_{10,}|On\b.*\bwrote:|From:\s.*"
    r"|-{2,}\s*(原始邮件|原始郵件|转发的邮件|轉寄郵件|轉寄的郵件).*|.*(写道|寫道)\s*[:：]|(发件人|發件人|寄件者|寄件人)\s*[:：].*",
    re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})[年/](\d{1,2})[月/](\d{1,2})日?")


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
        act = msgspec.structs.replace(reply, id=f"{reply.id}.{len(acts) + 1}")
        if in_words := _IN_WORDS.fullmatch(line.strip()):
            kind: ActKind = "cause" if in_words[1].lower() == "cause" else "done"
            acts.append(msgspec.structs.replace(act, kind=kind, text=cut(in_words[2], LONGEST_TEXT)))
            continue
        said = _DIRECTIVE.fullmatch(_plain(line))
        if said is None:
            continue
        word, value = said[1].lower(), said[2].rstrip(".。")
        match word:
            case "confirm":
                acts.append(msgspec.structs.replace(act, kind="confirm"))
            case "accept" if value.isdecimal() and int(value) >= 1:
                acts.append(msgspec.structs.replace(act, kind="accept_window", option=int(value)))
            case "defer" if (until := _time(value)) is not None:
                acts.append(msgspec.structs.replace(act, kind="defer", until=until))
            case "rate" if value in RATINGS:
                acts.append(msgspec.structs.replace(act, kind="rate", option=int(value)))
            case "accept" | "defer" | "rate":
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
    from ticketing_clients._html_text import Reader  # noqa: PLC0415 - for the courier; the daemon only reads options

    reader = Reader()
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.pieces).replace("\xa0", " ")).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _plain(line: str) -> str:
    """Return `line` with letters, digits and punctuation of ordinary width, and a date with 年, 月 and 日 in one piece."""
    return re.sub(r"(?<=\d)\s*([年月日])\s*", r"\1", unicodedata.normalize("NFKC", line).strip())


def _time(value: str) -> datetime | None:
    try:
        then = datetime.fromisoformat(_DATE.sub(lambda found: "{}-{:0>2}-{:0>2}".format(*found.groups()), value))
    except ValueError:
        return None
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)
