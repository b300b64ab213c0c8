"""Everything there is to tell about one case: the record, its story, and its ticket when the local desk holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.model import Case
from agent.status import CaseDetails, TicketComment, TicketText, TimeLineEntry
from agent.store import Happening, Store
from ticketing_clients.local import FILE_NAME, LocalDesk

# What is on record of operations, acts and endings, as a person reads it; the rest is plain as it stands.
_DELIVERED: Mapping[str, str] = {
    "open": "ticket opened at the desk",
    "reopen": "ticket reopened at the desk",
    "raise_priority": "priority raised at the desk",
    "comment": "comment written at the desk",
    "resolve": "ticket resolved at the desk",
    "attach": "file attached at the desk",
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
}
_CLOSED: Mapping[str, str] = {
    "closed by person": "closed: a person said so",
    "closed by rule": "closed: verified, and nobody objected",
    "closed by parent": "closed with the ticket that spoke for it",
    "closed by cleared": "gone before it was opened",
}


def case_details(store: Store, folder: Path, case: Case, summaries: Mapping[str, str]) -> CaseDetails:
    """Return the story of `case`; `summaries` gives each rule's plain line by its id."""
    return CaseDetails(
        case=case,
        summary=summaries.get(case.rule, ""),
        time_line=[_entry(one) for one in store.timeline(case.key)],
        ticket=_local_ticket(folder, case),
    )


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
    return TimeLineEntry(at=happening.at, what=_CLOSED.get(happening.what, happening.what))


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
