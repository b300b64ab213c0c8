"""Everything there is to tell about one case: the record, its story, and its ticket when the local desk holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent.model import Case
from agent.status import CaseDetails, TicketComment, TicketText, TimeLineEntry
from agent.store import Store
from ticketing_clients.local import FILE_NAME, LocalDesk


def case_details(store: Store, folder: Path, case: Case, summaries: Mapping[str, str]) -> CaseDetails:
    """Return the story of `case`; `summaries` gives each rule's plain line by its id."""
    return CaseDetails(
        case=case,
        summary=summaries.get(case.rule, ""),
        time_line=[TimeLineEntry(at=one.at, what=one.what) for one in store.timeline(case.key)],
        ticket=_local_ticket(folder, case),
    )


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
