"""Takes the desk away from a fleet's middle for an hour, and sees what every problem's ticket is like when it is back.

    make fleet-outage MINUTES=60            writes the result down; another time without a desk is only printed
    tools/fleet_outage.py MINUTES           the same (PYTHONPATH=tests/support)

Two real Alertmanagers with the times that the documentation proposes, two relays, and a desk whose port is closed meanwhile:
some of the problems had their ticket before, the others begin while there is no desk; some end meanwhile, some get worse. The
hosts tell all of it anew every quarter of an hour, as agents do.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from agent.relay.group import group_key
from bench_fleet import memory, numbers
from dated_results import ROOT, put, table
from fleet_desk import FleetDesk, desk_table
from fleet_parts import Fleet, a_fleet, told

MINUTES = 60
HOSTS = 3  # of each problem: a group is a site, and so many of its hosts
#: had its ticket before, what becomes of it while there is no desk, and how many of the sort
SORTS = (
    (True, "goes on", 40),
    (True, "ends", 10),
    (True, "gets worse", 10),
    (False, "goes on", 100),
    (False, "ends", 20),
    (False, "gets worse", 20),
)
#: as `docs/fleet.md` proposes, and Alertmanager's own where it proposes nothing
TIMES = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "1h"}
GROUP_INTERVAL, ROUND, STANDS = (
    300.0,
    900.0,
    3600.0,
)  # seconds; the agents' round, and how long they say that an alert stands
PATIENCE = 3600.0  # seconds until everything is as it should be
URGENT = 4  # how the desk calls a P1
HEAD = ("what", "figure")


class Problem(msgspec.Struct, kw_only=True):
    """What is wrong at a site. Times are unix seconds; None while it has not happened.

    begins, turns: when it is to begin, and to end or get worse. right: when its ticket was seen to be as it should be.
    """

    site: str
    before: bool
    fate: str
    begins: float
    turns: float
    turned: bool = False
    right: float | None = None

    def alerts(self, now: float) -> list[dict[str, Any]]:
        """Return what its hosts tell at this time."""
        if now < self.begins:
            return []
        number = int(self.site.rpartition("-")[2]) * HOSTS
        members = range(number, number + HOSTS)
        if not self.turned:
            return [told(n, since=self.begins, until=now + STANDS, site=self.site) for n in members]
        end = "resolved" if self.fate == "ends" else "raised"
        over = [told(n, since=self.begins, until=self.turns, site=self.site, end=end) for n in members]
        if self.fate == "ends":
            return over
        worse = [told(n, since=self.begins, until=now + STANDS, site=self.site, priority="P1") for n in members]
        return over + worse

    def is_right(self, desk: FleetDesk) -> bool:
        """Return whether the desk shows what is true: one open ticket, as urgent as it is; none open of what is over."""
        opened = [one for one in tickets_of(self, desk) if one in desk.open_ones()]
        if self.turned and self.fate == "ends":
            return not opened
        urgent = self.turned and self.fate == "gets worse"
        return len(opened) == 1 and (not urgent or opened[0]["priority"]["id"] == URGENT)


def tickets_of(problem: Problem, desk: FleetDesk) -> list[dict[str, Any]]:
    """Return all tickets of a problem."""
    key = group_key("acme", "foretell", {"rule": "disk_space", "site": problem.site})
    return [one for one in desk.issues.values() if one["custom_fields"][0]["value"] == key]


class Hosts:
    """All hosts: they tell of what changes when it changes, and of everything each round."""

    def __init__(self, fleet: Fleet, problems: list[Problem]) -> None:
        self.fleet, self.problems = fleet, problems
        self._told: set[str] = set()
        self._next_round = time.time() + ROUND

    def tick(self) -> None:
        """Tell what is due."""
        now = time.time()
        due = []
        for problem in self.problems:
            turns = now >= problem.turns and problem.fate != "goes on" and not problem.turned
            if turns or (problem.site not in self._told and now >= problem.begins):
                problem.turned = problem.turned or turns
                self._told.add(problem.site)
                due.append(problem)
        if now >= self._next_round:
            self._next_round += ROUND
            due = [one for one in self.problems if one.site in self._told and not (one.turned and one.fate == "ends")]
        if alerts := [alert for problem in due for alert in problem.alerts(now)]:
            self.fleet.tell(*alerts)


def problems_of(down: float, seconds: float) -> list[Problem]:
    """Return the problems of a desk that is away from `down` for so many seconds; the last twentieth of it brings no new ones."""
    made: list[Problem] = []
    for before, fate, count in SORTS:
        for number in range(count):
            begins = down - 200 if before else down + seconds * 0.95 * number / count
            turns = (max(begins, down) + down + seconds) / 2
            made.append(Problem(site=f"site-{len(made):03}", before=before, fate=fate, begins=begins, turns=turns))
    return made


def measure(minutes: float) -> list[list[str]]:
    """Return the rows of the result."""
    seconds, desk = minutes * 60, FleetDesk()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        serving = contextlib.ExitStack()
        serving.enter_context(desk.running())
        fleet = stack.enter_context(a_fleet(Path(folder), desk_table(desk.url), peer_timeout="15s", **TIMES))
        down = time.time() + 120
        problems = problems_of(down, seconds)
        hosts = Hosts(fleet, problems)
        ticking(hosts, until=down)
        known = sum(one.is_right(desk) for one in problems if one.before)
        print(f"{known} problems have their tickets; the desk goes", flush=True)
        serving.close()
        ticking(hosts, until=down + seconds)
        refused = int(numbers(fleet, "notifications", "unreachable"))
        made_before = len(desk.issues)
        print(f"{refused} notifications were refused; the desk is back", flush=True)
        with desk.running():
            back = time.time()
            for _ in each_second(hosts, PATIENCE):
                for problem in problems:
                    if problem.right is None and problem.is_right(desk):
                        problem.right = time.time() - back
                if all(problem.right is not None for problem in problems):
                    break
            ticking(hosts, until=time.time() + GROUP_INTERVAL + 60)
            return rows(minutes, problems, desk, fleet, refused=refused, made_before=made_before)


def rows(
    minutes: float, problems: list[Problem], desk: FleetDesk, fleet: Fleet, *, refused: int, made_before: int
) -> list[list[str]]:
    """Return what came of it."""
    relays = [replica.process.pid for replica in fleet.replicas if replica.process]
    wrong = [problem for problem in problems if not problem.is_right(desk)]
    for problem in wrong:
        print("not as it should be:", problem, tickets_of(problem, desk), flush=True)
    many = [count for count in desk.open_by_key().values() if count > 1]
    late = sum(bool(tickets_of(one, desk)) for one in problems if one.fate == "ends" and not one.before)
    return [
        ["the desk was away for", f"{minutes:g} minutes"],
        ["problems; of these with a ticket before", f"{len(problems)}; {made_before}"],
        *(
            [f"{'had a ticket' if before else 'began meanwhile'}, {fate}: right after, median and last", spread(chosen)]
            for before, fate, _ in SORTS
            if (chosen := [one for one in problems if (one.before, one.fate) == (before, fate)])
        ),
        ["notifications refused with 503 meanwhile", f"{refused:,}"],
        [
            "tickets made since; second ones of them, which were closed",
            f"{len(desk.issues) - made_before}; {len(desk.issues) - len(desk.open_by_key())}",
        ],
        ["problems that had begun and ended meanwhile and got a ticket all the same", f"{late}"],
        [
            "at the end: problems whose ticket is not as it should be; with two open tickets",
            f"{len(wrong)}; {len(many)}",
        ],
        ["comments that stand twice", f"{desk.said_twice()}"],
        ["memory of a relay, at most", f"{max(map(memory, relays)):.0f} MB"],
    ]


def spread(problems: list[Problem]) -> str:
    """Return how long these took until they were right."""
    took = [one.right for one in problems if one.right is not None]
    never = len(problems) - len(took)
    figures = f"{median(took):.0f} s, {max(took):.0f} s" if took else "-"
    return f"{figures} ({len(problems)})" + (f"; never: {never}" if never else "")


def ticking(hosts: Hosts, until: float) -> None:
    """Let time pass until then."""
    for _ in each_second(hosts, until - time.time()):
        pass


def each_second(hosts: Hosts, seconds: float) -> Iterator[None]:
    """Let so many seconds pass, the hosts at their work."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        hosts.tick()
        yield
        time.sleep(1)


def main(arguments: list[str]) -> None:
    """Measure, and write the table down if it was the whole hour."""
    minutes = float(arguments[0]) if arguments else MINUTES
    result = table(HEAD, measure(minutes))
    if minutes == MINUTES:
        put("fleet outage", f"make fleet-outage MINUTES={MINUTES}", result, ROOT / "docs" / "fleet.md")
    else:
        print(result)


if __name__ == "__main__":
    main(sys.argv[1:])
