"""One cycle after the other on real records: what is written down, what is not, and what outlives a disk that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.collecting import Collection
from agent.configuration.config import Configuration
from agent.configuration.settings import DAY, HOUR, MINUTE, Settings
from agent.delivery.outbox import Outbox
from agent.following.cases import RECURRENCE_PERIOD, case_key
from agent.following.model import Adopted, Case, Delivered, Maintenance, Observed
from agent.pipeline import Cycle, Pipeline
from agent.store import History, Store, StoreDamaged, StoreUnavailable
from agent.system.host import HostIdentity
from collectors import CouldNotCheck, Reading
from thresholds import Rule, Selector
from thresholds.level import Level, LevelLimits
from ticketing_clients import TicketRef

NOW = 1_790_000_000.0
FULL, EMPTY = 99.0, 1.0
REF = TicketRef("desk", "1")
RULE = Rule(
    id="tank_level",
    summary="A tank runs over",
    kind="level",
    select=Selector(reading="tank_level", subject=["tank"]),
    hold=5 * MINUTE,
    verify=HOUR,
)


class Host:
    """A pipeline on a state folder, fed by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.collection = Collection()
        self.start()

    def start(self) -> None:
        """Begin, or begin again as after a crash."""
        self.store = Store.open(self.folder, now=self.now - 30 * DAY)
        threshold = Level(LevelLimits(warning=90.0))
        configuration = Configuration(settings=Settings(), file=None, zone="UTC", rules=((RULE, threshold),))
        history = History(self.store, configuration.settings.history)
        host = HostIdentity(id="h1", name="web01", os="")
        self.pipeline = Pipeline(configuration, host, self.store, history, lambda _: self.collection)
        self.outbox = Outbox(self.store)

    def cycle(self, after: float = MINUTE, **levels: float) -> Cycle:
        """Let time pass and run a cycle in which each tank has a level."""
        self.now += after
        readings = [Reading("tank_level", level, "percent", {"tank": tank}, self.now) for tank, level in levels.items()]
        self.collection = Collection(readings=tuple(readings))
        return self.pipeline.cycle(self.now)

    def open(self) -> None:
        """Have a case opened, and its ticket too."""
        self.cycle(a=FULL)
        self.cycle(5 * MINUTE, a=FULL)
        [opening] = [one for one in self.outbox.all({"queued"}) if one.operation.kind == "open"]
        self.outbox.done(opening.operation.id, REF, self.now)

    def close(self) -> None:
        """Have its end verified, and never confirmed by anybody."""
        self.cycle(a=EMPTY)
        self.cycle(HOUR, a=EMPTY)
        self.cycle(7 * DAY, a=EMPTY)
        assert self.case().state == "closed"

    def case(self, tank: str = "a") -> Case:
        """What the records say."""
        case = self.store.case(key_of(tank))
        assert case is not None
        return case

    def asked(self) -> list[str]:
        """Everything that was ever queued, in order."""
        everything = self.outbox.all({"queued", "dropped", "done"})
        return [f"{one.operation.kind} {one.operation.topic}" for one in everything]


def key_of(tank: str) -> str:
    return case_key("default", "h1", RULE.id, {"tank": tank})


@pytest.fixture
def host(tmp_path) -> Iterator[Host]:
    """Return a host that was installed a month ago."""
    host = Host(tmp_path)
    yield host
    host.store.close()


def test_a_case_and_what_it_asks_are_written_down_when_the_cycle_returns(host):
    """And are there after a crash: nothing is asked for twice."""
    host.cycle(a=FULL)
    cycle = host.cycle(5 * MINUTE, a=FULL)
    assert [operation.topic for operation in cycle.queued] == ["opened"]
    host.start()
    assert host.case().state == "open"
    assert host.cycle(a=FULL).queued == []
    assert host.asked() == ["open opened"]


def test_a_cycle_that_brings_nothing_new_writes_nothing(host, monkeypatch):
    """The disk may sleep; only history goes on, in memory."""
    host.open()
    host.cycle(a=FULL)
    written = []
    monkeypatch.setattr(host.store, "save_case", lambda case, *_: written.append(case))
    for _ in range(10):
        host.cycle(a=FULL)
    assert written == []


@pytest.mark.parametrize("broken", ["save_case", "take_events", "transaction"])
def test_when_records_cannot_be_written_nothing_has_happened(host, monkeypatch, broken):
    """The cycle says so, and the next one asks for the same, once."""
    host.cycle(a=FULL)
    with monkeypatch.context() as patch:
        patch.setattr(host.store, broken, _full_disk(host.folder))
        for _ in range(3):
            cycle = host.cycle(5 * MINUTE, a=FULL)
            assert "its disk is full" in cycle.trouble
            assert cycle.queued == ()
            assert cycle.cases[key_of("a")].state == "pending"
    assert host.asked() == []
    cycle = host.cycle(a=FULL)
    assert (cycle.trouble, len(cycle.queued)) == ("", 1)
    assert host.asked() == ["open opened"]


def test_what_the_desk_said_is_not_lost_with_a_transaction_that_fails(host, monkeypatch):
    """It is heard in the next one."""
    host.open()
    with monkeypatch.context() as patch:
        patch.setattr(host.store, "save_case", _full_disk(host.folder))
        assert host.cycle(a=FULL).trouble
    assert host.cycle(a=FULL).cases[key_of("a")].ticket == REF


def test_damage_is_for_whoever_can_mend_it(host, monkeypatch):
    """Trying again would not."""
    monkeypatch.setattr(host.store, "save_case", _damaged(host.folder))
    with pytest.raises(StoreDamaged):
        host.cycle(a=FULL)


def test_what_could_not_be_seen_is_named_in_what_is_said(host):
    """The engineer knows what the evidence leaves out."""
    host.cycle(a=FULL)
    host.now += 5 * MINUTE
    reading = Reading("tank_level", FULL, "percent", {"tank": "a"}, host.now)
    gap = CouldNotCheck("tank_level", {"tank": "b"}, "no answer")
    host.collection = Collection(readings=(reading,), unchecked=(gap,))
    [operation] = host.pipeline.cycle(host.now).queued
    assert operation.facts["unseen"] == ("tank_level",)


def test_old_closed_cases_leave_memory_but_not_the_records(host):
    """A host that lives for years does not carry them all."""
    host.open()
    host.close()
    assert key_of("a") in host.cycle(RECURRENCE_PERIOD, b=EMPTY).cases
    assert key_of("a") not in host.cycle(b=EMPTY).cases
    assert host.case().state == "closed"


def test_a_reopening_that_the_desk_refused_ends_with_the_case(host):
    """Somebody who has it tried again later must not open the ticket for nobody; people had deleted it meanwhile."""
    host.open()
    host.close()
    host.cycle(a=FULL)
    host.cycle(5 * MINUTE, a=FULL)
    [reopening] = [one.operation for one in host.outbox.all({"queued"}) if one.operation.kind == "reopen"]
    host.outbox.reject(reopening.id, "rejected", "422", host.now)
    host.store.put_event(Observed(case=key_of("a"), state=None, at=host.now))
    host.cycle(a=EMPTY)
    host.cycle(HOUR, a=EMPTY)
    assert host.case().state == "closed"
    assert not host.outbox.requeue(reopening.id)


def test_a_problem_that_comes_back_after_months_is_the_same_case(host):
    """With a new ticket; its operations are numbered on, for the desk knows the earlier ones by their numbers."""
    host.open()
    host.close()
    before = host.case().operations
    host.cycle(RECURRENCE_PERIOD + DAY, b=EMPTY)
    host.cycle(a=FULL)
    [operation] = host.cycle(5 * MINUTE, a=FULL).queued
    assert (operation.kind, operation.id) == ("open", f"{key_of('a')[:16]}-{host.store.mark}-{before + 1}")


def test_a_problem_that_is_over_while_the_desk_is_away_is_not_told_any_more(host):
    """What waits in the outbox is given up with the case, and stays there to be seen."""
    host.cycle(a=FULL)
    host.cycle(5 * MINUTE, a=FULL)
    host.cycle(a=EMPTY)
    host.cycle(HOUR, a=EMPTY)
    assert (host.case().state, host.case().closed_by) == ("closed", "cleared")
    assert host.outbox.summary("local").counts == {"dropped": 1}
    assert host.store.timeline(key_of("a"))[-1].what == "over before the desk was told"


def test_what_was_queued_for_the_one_desk_there_was_goes_to_the_configured_one(host):
    """When the agent starts for the first time after the upgrade."""
    host.cycle(a=FULL)
    host.cycle(5 * MINUTE, a=FULL)
    host.store.database.write("UPDATE operations SET desk = ''")
    assert host.outbox.desks() == {""}
    host.start()
    assert host.outbox.desks() == {"local"}


def test_files_of_what_is_settled_are_swept_with_the_history(host):
    """Whoever settled it."""
    (host.store.folder / "spool").mkdir()
    leftover = host.store.folder / "spool/leftover"
    leftover.touch()
    host.pipeline.flush(host.now)
    assert not leftover.exists()


def test_an_adopted_case_learns_its_rule_from_its_finding(host):
    """After lost records the key is all that is known of it."""
    host.store.put_event(Adopted(case=key_of("a"), ref=REF, at=host.now))
    assert host.cycle(b=EMPTY).cases[key_of("a")].rule == ""
    assert host.cycle(a=FULL).cases[key_of("a")].rule == RULE.id
    assert host.cycle(HOUR, a=FULL).queued == []


def test_news_of_a_case_that_nobody_knows_are_let_go(host):
    """Its records were set aside."""
    host.store.put_event(Delivered(case="f" * 64, operation="x", kind="open", ref=REF, at=host.now))
    assert host.cycle(b=EMPTY).cases == {}
    assert host.store.take_events() == []


def test_maintenance_holds_openings_back_and_ends_by_itself(host):
    """At the time that was set."""
    host.store.maintenance = Maintenance(since=host.now, until=host.now + HOUR)
    host.cycle(a=FULL)
    assert host.cycle(30 * MINUTE, a=FULL).cases[key_of("a")].hold == "maintenance"
    assert len(host.cycle(30 * MINUTE, a=FULL).queued) == 1


def test_maintenance_that_another_process_declares_and_ends_counts_from_the_next_cycle(host):
    """It is the command line that does."""
    host.cycle(a=FULL)
    with Store.open(host.folder) as other:
        other.maintenance = Maintenance(since=host.now, until=host.now + DAY)
        assert host.cycle(30 * MINUTE, a=FULL).cases[key_of("a")].hold == "maintenance"
        other.maintenance = Maintenance(since=host.now, until=host.now)
        assert len(host.cycle(a=FULL).queued) == 1


def test_what_the_judge_remembers_is_written_with_the_history(host):
    """A crash loses at most what came after."""
    host.cycle(a=FULL)
    assert host.store.load_memories() is None
    host.pipeline.flush(host.now)
    assert host.store.load_memories() == host.pipeline.judge.dump()


def _full_disk(folder: Path) -> object:
    def fail(*_: object) -> None:
        raise StoreUnavailable(folder, "its disk is full", "free some space there")

    return fail


def _damaged(folder: Path) -> object:
    def fail(*_: object) -> None:
        raise StoreDamaged(folder, "it is damaged", "restart the agent, which sets it aside")

    return fail


def test_who_lost_the_records_does_not_count_from_one_again(host):
    """What was said before still stands on the ticket: were it marked alike, the desk would be believed to have it already."""
    host.cycle(a=FULL)
    before = {operation.id for operation in host.cycle(5 * MINUTE, a=FULL).queued}
    host.store.close()
    for file in host.folder.glob("agent.sqlite*"):
        file.unlink()
    host.start()
    host.cycle(a=FULL)
    again = {operation.id for operation in host.cycle(5 * MINUTE, a=FULL).queued}
    assert len(before) == len(again) == 1
    assert before != again
