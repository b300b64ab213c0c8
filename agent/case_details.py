"""Everything there is to tell about one case: the record, its story, and its ticket when the local desk holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from agent.delivery.outbox import Outbox
from agent.following.model import Case, OperationKind
from agent.status import CaseDetails, SentText, TicketComment, TicketText, TimeLineEntry
from agent.store import Happening, Store
from ticketing_clients import Comment, Ticket
from ticketing_clients.local import FILE_NAME, LocalDesk

# What is on record of operations, acts and endings, as a person reads it; the rest is plain as it stands.
_DELIVERED: Mapping[str, str] = {
    "open": "ticket opened at the desk",
    "reopen": "ticket reopened at the desk",
    "raise_priority": "priority raised at the desk",
    "comment": "comment written at the desk",
    "resolve": "ticket resolved at the desk",
    "attach": "file attached at the desk",
    "calendar": "calendar entry attached at the desk",
}
_ACTS: Mapping[str, str] = {
    "reply": "answered",
    "acknowledge": "taken note of",
    "confirm": "confirmed",
    "accept_window": "time agreed to",
    "defer": "put off",
    "wont_fix": "to be left as it is",
    "resolve": "resolved at the desk",
    "reopen": "reopened at the desk",
    "rate": "rated",
    "cause": "said what it was",
    "done": "said what was done",
}
_IN_WORDS: Mapping[str, str] = {
    "first_response met": "first answered in time",
    "first_response missed": "not answered by the time that was promised",
    "first_response may be missed": "warned: not answered yet, and the promised time is near",
    "fix met": "settled in time",
    "fix missed": "not settled by the time that was promised",
    "fix may be missed": "warned: not settled yet, and the promised time is near",
    "window moved": "the agreed time was taken back: it comes too late now",
    "window over": "the agreed time is over, and it is not solved",
    "window withdrawn": "the agreed time was taken back: it is not needed any more",
    "closed by person": "closed: a person said so",
    "closed by rule": "closed: verified, and nobody objected",
    "closed by parent": "closed with the ticket that spoke for it",
    "closed by cleared": "gone before it was opened",
}
# The operations that say something, and what is rendered for them.
_TEXTS: Mapping[OperationKind, type[Ticket | Comment]] = {"open": Ticket, "comment": Comment}


def case_details(store: Store, folder: Path, case: Case, summaries: Mapping[str, str]) -> CaseDetails:
    """Return the story of `case`; `summaries` gives each rule's plain line by its id."""
    return CaseDetails(
        case=case,
        summary=summaries.get(case.rule, ""),
        time_line=[msgspec.structs.replace(_entry(one), record=one.what) for one in store.timeline(case.key)],
        ticket=_local_ticket(folder, case),
        sent=_sent(Outbox(store), case.key),
    )


def _sent(outbox: Outbox, key: str) -> list[SentText]:
    """Return the texts that desks have, as they were rendered. Files and changes of priority or status say nothing."""
    texts = []
    for queued in outbox.of_case(key):
        one = queued.operation
        if queued.state != "done" or queued.rendered is None or one.kind not in _TEXTS:
            continue
        said = msgspec.json.decode(queued.rendered, type=_TEXTS[one.kind])
        title, public = (said.title, True) if isinstance(said, Ticket) else ("", said.public)
        texts.append(
            SentText(at=one.created_at, desk=one.desk, title=title, body=said.body, public=public, copy=one.copy)
        )
    return texts


def _entry(happening: Happening) -> TimeLineEntry:
    """Return one line of the story in plain words, a person's act with the person."""
    first, _, rest = happening.what.partition(" ")
    kind, _, copy = rest.partition(" to ")
    act, _, person = happening.what.partition(" by ")
    if first == "delivered" and kind in _DELIVERED:
        return TimeLineEntry(at=happening.at, what=_DELIVERED[kind].replace("the desk", copy or "the desk"))
    if happening.what.startswith("left out "):
        return TimeLineEntry(at=happening.at, what=f"{happening.what}: the desk cannot do it")
    if person and act in _ACTS:
        return TimeLineEntry(at=happening.at, what=_ACTS[act], by=person)
    return TimeLineEntry(at=happening.at, what=_IN_WORDS.get(happening.what, happening.what))


def _local_ticket(folder: Path, case: Case) -> TicketText | None:
    """Return the ticket's text if the local desk holds it; other desks show theirs themselves."""
    if case.ticket is None or not (folder / FILE_NAME).exists():
        return None
    desk = LocalDesk(folder, case.ticket.desk, now=0.0)  # reads only, so the time does not matter
    for ticket in desk.tickets():
        if (ticket.ref, ticket.key) == (case.ticket, case.key):
            comments = [
                TicketComment(at=one.at.timestamp(), text=one.text, by=one.by, public=one.public)
                for one in desk.comments(ticket.ref)
            ]
            return TicketText(
                id=ticket.ref.id, title=ticket.title, status=ticket.status, body=ticket.body, comments=comments
            )
    return None
