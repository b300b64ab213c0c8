"""What everybody reads after a cycle is what the cycle saw."""

from __future__ import annotations

import msgspec

from agent.collecting import Collection, Outcome
from agent.configuration.config import Configuration
from agent.configuration.settings import DAY, MINUTE, Settings
from agent.following.model import Case, Hold
from agent.pipeline import Cycle
from agent.snapshot import Surroundings, take_snapshot
from agent.status import Desk, Queue, Snapshot
from agent.system.host import HostIdentity
from collectors import CouldNotCheck, Reading
from thresholds import Finding, Rule, Selector, Severity, Unjudged
from thresholds.level import Level, LevelLimits

NOW = 1_790_000_000.0
RULE = Rule(id="tank_level", summary="A tank runs over", kind="level", select=Selector(reading="x"), hold=5 * MINUTE)
READING = Reading("tank_level", 99.0, "percent", {"tank": "a"}, NOW)
GAP = CouldNotCheck("tank_level", {"tank": "b"}, "no answer")
AROUND = Surroundings(
    number=7, started_at=NOW - DAY, duration=0.5, period=60.0, first_look_ends=NOW + DAY, degraded={"store": "full"}
)


def case(key: str, **values: object) -> Case:
    made = Case(key=key, rule=RULE.id, subject={"tank": key}, first_seen=NOW - 60, last_seen=NOW, changed_at=NOW)
    return msgspec.structs.replace(made, **values)


def shown(*cases: Case, **around: object) -> Snapshot:
    """Return the snapshot of a cycle with these cases."""
    outcome = Outcome(collector="tanks", success=True, duration=0.1, at=NOW, names=["tank_level"], unchecked=[GAP])
    cycle = Cycle(
        at=NOW,
        collection=Collection(readings=(READING,), unchecked=(GAP,), outcomes=(outcome,)),
        findings=[
            Finding(RULE.id, {"tank": "a"}, Severity.WARNING, NOW),
            Finding("well", {"tank": "c"}, Severity.HEALTHY, NOW),
        ],
        unjudged=[Unjudged(RULE.id, {"tank": "b"}, "no answer", NOW)],
        cases={one.key: one for one in cases},
        queued=[],
    )
    configuration = Configuration(
        settings=Settings(), file=None, zone="Europe/Berlin", rules=((RULE, Level(LevelLimits(warning=90.0))),)
    )
    host = HostIdentity(id="h1", name="web01", os="")
    return take_snapshot(cycle, configuration, host, msgspec.structs.replace(AROUND, **around))


def test_it_says_who_when_and_what():
    """Nothing is lost on the way but what is healthy."""
    snapshot = shown()
    assert (snapshot.host_id, snapshot.host_name, snapshot.zone) == ("h1", "web01", "Europe/Berlin")
    assert (snapshot.cycle, snapshot.cycle_at, snapshot.next_cycle_at) == (7, NOW, NOW + 60)
    assert snapshot.readings == [READING]
    assert [finding.rule for finding in snapshot.findings] == [RULE.id]
    assert [one.reason for one in snapshot.unjudged] == ["no answer"]
    assert snapshot.unchecked == [("tanks", GAP)]
    assert snapshot.degraded == {"store": "full"}


def test_active_cases_come_the_most_urgent_first_and_pending_ones_are_held():
    """Closed ones are history."""
    snapshot = shown(
        case("d", state="closed"),
        case("c", state="open", priority="P3"),
        case("b", state="recovering", priority="P1"),
        case("a", hold="for"),
    )
    assert [one.key for one in snapshot.cases] == ["b", "c"]
    assert [one.key for one in snapshot.held] == ["a"]


def test_what_is_held_says_until_when_where_that_is_known():
    """Its `for` time and the first look have an end; a notice and a maintenance have none that we know."""
    until: dict[Hold, float | None] = {
        "for": NOW - 60 + RULE.hold,
        "first_look": NOW + DAY,
        "notice": None,
        "maintenance": None,
    }
    for hold, end in until.items():
        [held] = shown(case("a", hold=hold, breach_since=NOW - 60)).held
        assert (held.hold, held.since, held.until) == (hold, NOW - 60, end)


def test_a_case_of_a_rule_that_is_gone_is_shown_all_the_same():
    """Switched off since, a gathering, or one adopted from the desk whose rule nobody knows yet."""
    snapshot = shown(case("a", rule=""), case("b", rule="", state="open"), case("c", rule="storm", state="open"))
    assert [held.until for held in snapshot.held] == [NOW - 60]
    assert [one.rule for one in snapshot.cases] == ["", "storm"]
    assert snapshot.rules == {RULE.id: RULE.summary}


def test_the_desks_are_shown_as_they_are_known():
    """In the order of the routes."""
    desks = [Desk(name="b", reachable=False, queue=Queue(counts={"queued": 2})), Desk(name="a")]
    snapshot = shown(desks=desks)
    assert (snapshot.desks, snapshot.waiting, snapshot.rejected) == (desks, 2, 0)
