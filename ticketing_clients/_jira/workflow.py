"""Which way to take through a workflow that somebody else made and named: by ids and categories, and by what a way asks for.

Of the transitions that Jira offers, the ones are taken into account that lead to a status of the meaning wanted. Where several
such statuses are open, nobody but the desk knows which of them says "fixed": then it is asked for in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ticketing_clients._errors import Rejected
from ticketing_clients._jira.answers import Field, IssueStatus, Transition
from ticketing_clients._jira.options import STATUSES
from ticketing_clients._ticket import Status
from ticketing_clients._understanding import meanings

_CATEGORIES: Mapping[str, Status] = {"new": "new", "indeterminate": "open", "done": "resolved"}


class Meanings:
    """What statuses mean: as configured, as Jira delivers them, or else by category."""

    def __init__(self, configured: Mapping[Status, list[str]]) -> None:
        """Given the configured ids of each meaning."""
        self._known = meanings(STATUSES, configured)

    def of(self, status: IssueStatus | None) -> Status:
        """Return what a status means; one that nothing is known of is open, for somebody may still be working on it."""
        if status is None:
            return "open"
        return self._known.get(status.id) or _CATEGORIES.get(status.status_category.key, "open")

    def towards(self, ways: Iterable[Transition], meaning: Status) -> list[Transition]:
        """Return the ways to statuses of `meaning`: those whose ids say so, or else those whose category does."""
        fitting = [way for way in ways if self.of(way.to) == meaning]
        return [way for way in fitting if way.to.id in self._known] or fitting


def only_way(ways: list[Transition], option: str) -> Transition | None:
    """Return the first of the `ways`, None when there is none. Raises Rejected when they lead to different statuses."""
    if len({way.to.id for way in ways}) > 1:
        raise Rejected(f"it may go to {listed(ways)}; say which one in {option}")
    return ways[0] if ways else None


def values_for(way: Transition, resolution: str, further: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to give with a transition. Raises Rejected when it asks for one that nobody configured."""
    given = {name: value for name, value in further.items() if name in way.fields}
    asked = way.fields.get("resolution")
    if asked:
        allowed = [str(one.get("id")) for one in asked.allowed_values]
        chosen = resolution or (allowed[0] if len(allowed) == 1 else "")
        if chosen:
            given["resolution"] = {"id": chosen}
    missing = [
        _described(name, field)
        for name, field in way.fields.items()
        if field.required and not field.has_default_value and name not in given
    ]
    if missing:
        raise Rejected(f"transition {way.id} ({way.name}) asks for {'; '.join(missing)}")
    return given


def listed(ways: Iterable[Transition]) -> str:
    """Return the statuses that the ways lead to, for a message."""
    names = {way.to.id: f"{way.to.name} ({way.to.id})" for way in ways}
    return ", ".join(names.values()) or "no other status"


def _described(name: str, field: Field) -> str:
    option = "resolution" if name == "resolution" else "transition_fields"
    known = ", ".join(
        f"{one.get('id')} {one.get('name') or one.get('value') or ''}".strip() for one in field.allowed_values
    )
    return f"{field.name} ({name}), to be set in {option}" + (f": one of {known}" if known else "")
