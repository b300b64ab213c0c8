"""What a thread of messages means: who did what in it, and how the ticket stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.message import Message
from email.utils import parseaddr
from typing import NamedTuple

import msgspec

from ticketing_clients._acts import plain_of_html, said
from ticketing_clients._document import cut, one_line
from ticketing_clients._mail.letter import DUE, KEY, PRIORITY, STATUS, TICKET
from ticketing_clients._ticket import Act, ActKind, Priority, Status, TicketRef, TicketState

# What an act makes of the status; any other act only shows that somebody has read the ticket.
STATUS_AFTER: dict[ActKind, Status] = {"defer": "waiting", "wont_fix": "rejected"}
LONGEST_ADDRESS = 200
LONGEST_SENDER = 500  # code points of a name with its address
AUTOMATIC = frozenset({"bulk", "junk", "auto_reply"})  # values of Precedence


class Stored(NamedTuple):
    """A message in a folder: its number there, when the server got it, and its content, or only its head."""

    uid: int
    at: datetime
    message: Message

    def header(self, name: str) -> str:
        """Return the value of a header as one line, empty if there is none."""
        return " ".join(str(self.message[name] or "").split())


def state(ref: TicketRef, ours: Sequence[Stored], answers: Sequence[Stored], us: str) -> TicketState:
    """Return how a ticket stands. ours: what we sent and noted, with the opening message; us: our address."""
    opening = next(one for one in ours if one.header(KEY))
    acts = [act for one in answers for act in acts_in(one, us)]
    # Within a second, what we noted came after what we had read.
    changes: list[tuple[datetime, bool, Status]] = [(act.at, False, STATUS_AFTER.get(act.kind, "open")) for act in acts]
    changes += [(one.at, True, msgspec.convert(one.header(STATUS), Status)) for one in ours if one.header(STATUS)]
    status: Status = "new"
    for _, by_us, after in sorted(changes, key=lambda change: change[:2]):
        if by_us or after != "open" or status == "new":
            status = after
    return TicketState(
        ref=ref,
        status=status,
        desk_status=next((failure for one in answers if (failure := _failure(one.message))), status),
        priority=msgspec.convert(opening.header(PRIORITY), Priority),
        due=datetime.fromisoformat(opening.header(DUE)),
        acts=tuple(acts),
    )


def acts_in(stored: Stored, us: str) -> list[Act]:
    """Return what a person says in a message; nothing when it is ours, or a machine's."""
    # Cut, for the library's parser calls itself for each of a thousand colons.
    by = one_line(parseaddr(stored.header("From")[:LONGEST_SENDER])[1])
    if not by or by.casefold() == us.casefold() or stored.header(TICKET) or _automatic(stored):
        return []
    number = hashlib.sha256((stored.header("Message-ID") or str(stored.uid)).encode(errors="replace")).hexdigest()[:32]
    return said(number, cut(by, LONGEST_ADDRESS), stored.at, _text(stored.message))


def _automatic(stored: Stored) -> bool:
    submitted = (stored.header("Auto-Submitted") or "no").partition(";")[0].strip().lower()
    report = stored.message.get_content_type() == "multipart/report"
    return submitted != "no" or report or stored.header("Precedence").lower() in AUTOMATIC


def _failure(message: Message) -> str:
    """Return why a message of ours could not be delivered, if `message` reports that (RFC 3464)."""
    if message.get_content_type() != "multipart/report":
        return ""
    for part in message.walk():
        if str(part["Action"]).strip().lower() == "failed":
            return cut(one_line(f"undeliverable: {part['Diagnostic-Code'] or part['Status']}"), LONGEST_ADDRESS)
    return ""


def _text(message: Message) -> str:
    """Return the text of a message, its plain part before its HTML part."""
    parts = [part for part in message.walk() if part.get_content_disposition() != "attachment"]
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind:
                text = _decoded(part)
                return plain_of_html(text) if kind == "text/html" else text
    return ""


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # a character set that nobody knows
        return content.decode(errors="replace")
