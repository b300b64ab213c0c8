"""The work as an entry in people's calendars: suggested, agreed or taken back, by what the ticket says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from agent.calendar.planning import Plan
from agent.calendar.windows import MaintenanceWindow
from agent.following.facts import CaseFacts
from agent.following.model import Topic
from agent.wording.lines import unmark
from agent.wording.words import Wording
from ticketing_clients import Appointment

#: the comments that tell of times to choose from
PROPOSING: frozenset[Topic] = frozenset({"worse", "returned", "not_agreed", "window_moved", "window_over"})
EntryStatus = Literal["tentative", "confirmed", "cancelled"]


def appointment(topic: Topic, facts: CaseFacts, values: dict[str, Any], said: Wording) -> Appointment | None:
    """Return what the entry in people's calendars is after a text on `topic`; None when nothing becomes of it.

    values: what the text was written with, its `plan` among it. said: the sentences in the ticket's language.
    """
    plan: Plan = values["plan"]
    window, status = _entry(topic, facts, plan, values["now"])
    if window is None:
        return None
    text = unmark(said.write("appointment", values | {"appointment": status}))
    summary, _, description = text.strip().partition("\n")
    return Appointment(
        uid=f"{facts.key}@foretell",
        sequence=facts.calendar,
        status=status,
        start=datetime.fromtimestamp(window.start, UTC),
        end=datetime.fromtimestamp(window.end, UTC),
        zone=window.zone,
        summary=summary,
        description=description,
    )


def _entry(topic: Topic, facts: CaseFacts, plan: Plan, now: float) -> tuple[MaintenanceWindow | None, EntryStatus]:
    """Return the time that people's calendars have, and what it is there."""
    if topic == "agreed":
        return facts.agreed, "confirmed"
    if topic in PROPOSING or topic == "opened":
        if plan.agreed is not None:
            return plan.agreed, "confirmed"
        if plan.windows:
            return plan.windows[0], "tentative"
    elif topic not in {"closed", "window_withdrawn"}:
        return None, "cancelled"
    return (facts.entry if facts.entry and facts.entry.end > now else None), "cancelled"
