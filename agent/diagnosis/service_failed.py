"""A unit failed or is down: its state, how it ended, what it needs that does not work, and its last lines."""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis import _units
from agent.diagnosis._diagnosis import Item
from agent.diagnosis._look import Look


def state(look: Look) -> Iterator[Item]:
    """Yield the state of the unit, and of those it needs."""
    yield from _units.state(look, look.subject.get("unit", ""))


def last_lines(look: Look) -> Iterator[Item]:
    """Yield the last lines of its journal."""
    yield from _units.last_lines(look, look.subject.get("unit", ""))


STEPS = (state, last_lines)
