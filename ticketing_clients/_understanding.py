"""What a desk's values mean to us, told the same way at every desk: statuses and priorities as configured, days."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import TypeVar

from ticketing_clients._ticket import FoundTicket, Priority, Status

Known = TypeVar("Known")  # a status or a priority as the desk knows it, by its number or its name


def meanings(*statuses: Mapping[Status, Iterable[Known]]) -> dict[Known, Status]:
    """Return what each of the desk's statuses means: what comes last counts, which is what is configured."""
    return {one: means for some in statuses for means, known in some.items() for one in known}


def absent(statuses: Mapping[Status, Iterable[Known]], there: Container[Known]) -> str:
    """Return which of the desk's `statuses` are not `there`, and what they were to mean."""
    return ", ".join(f"no {one} for {means}" for means, known in statuses.items() for one in known if one not in there)


def most_urgent(priorities: Mapping[Priority, Known], not_above: Container[Known]) -> Priority:
    """Return the most urgent of our `priorities` that is, at the desk, `not_above` a ticket's; or else the least urgent."""
    return next((one for one in sorted(priorities) if priorities[one] in not_above), "P4")


def need_falling(priorities: Mapping[Priority, int]) -> None:
    """Raise ValueError unless the desk's numbers for P1 to P4 fall: raising a priority would lower it."""
    numbers = [priorities[one] for one in sorted(priorities)]
    if numbers != sorted(numbers, reverse=True):
        raise ValueError(f"priorities: {numbers} for P1 to P4 are not in falling order")


def first_moment(day: date | None) -> datetime | None:
    """Return when a day begins in UTC, where a desk holds no time."""
    return datetime.combine(day, time(), UTC) if day else None


def still_open(found: Iterable[FoundTicket]) -> list[FoundTicket]:
    """Return of what was found by its host our open tickets: one without a key is somebody's own, whatever a person put on it."""
    return [one for one in found if one.open and one.key]
