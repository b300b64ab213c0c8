"""Puts the planner to the question in every IANA time zone, around every change of its clocks, and checks each answer anew.

The property tests do so on samples; this is the whole, made by hand: `make all-zones`, a quarter of an hour on two processors.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from agent.configuration.settings import DAY, HOUR, Freeze, PublicHolidays, RuledWindow, WeeklyWindow, WindowSettings
from window_laws import ZONES, Case, answer, broken, clock_changes

FIRST, LAST = 2026, 2028
NIGHTLY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def calendars(day: str) -> Iterator[WindowSettings]:
    """Yield calendars that clock changes are hard for, with a freeze from `day` on in some."""
    for start, hours in itertools.product(("00:00", "01:30", "02:30", "23:00"), (1, 8)):
        weekly = [WeeklyWindow(days=NIGHTLY, start=start, duration=hours * HOUR, cutoff=HOUR / 2)]  # type: ignore[arg-type]
        yield WindowSettings(weekly=weekly, notice=0.0)
    monthly = RuledWindow(rule="FREQ=MONTHLY;BYDAY=-1SU", start="2019-01-27T02:30", duration=2 * HOUR)
    yield WindowSettings(rules=[monthly], freezes=[Freeze(start=day, end=day)])
    yield WindowSettings(freezes=[Freeze(start=f"{day}T02:30", rule="FREQ=DAILY;INTERVAL=3", duration=DAY)])
    yield WindowSettings(holidays=PublicHolidays(country="DE", subdivision="BY"))


def ask(zone: str) -> tuple[int, list[str]]:
    """Return how many questions were put in `zone`, and every promise that an answer breaks."""
    wrong, asked = [], 0
    for change in clock_changes(zone, FIRST, LAST) or (1_800_000_000.0,):
        day = time.strftime("%Y-%m-%d", time.gmtime(change))
        for settings, before, left in itertools.product(calendars(day), (3 * DAY, HOUR, 0.0), (None, 2 * DAY)):
            now = change - before
            crossing = None if left is None else now + left
            case = Case(settings=settings, zone=zone, now=now, length=HOUR, crossing=crossing, place=asked)
            asked += 1
            wrong += [f"{zone} {now}: {promise}" for promise in broken(case, answer(case))]
    return asked, wrong


def main() -> None:
    """Ask everywhere; print what came of it, and fail when a promise was broken."""
    with ProcessPoolExecutor() as pool:
        answers = list(pool.map(ask, ZONES))
    wrong = [one for _, found in answers for one in found]
    asked = sum(asked for asked, _ in answers)
    print(
        f"{len(ZONES)} zones, every clock change {FIRST} to {LAST - 1}: {asked:,} questions, {len(wrong)} broken promises"
    )
    print("\n".join(wrong[:20]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
