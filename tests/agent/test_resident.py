"""What the daemon does each tick: seen from the snapshot, the log and the records, with readings and a desk made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.cases import case_key
from agent.collecting import Collection
from agent.config import Configuration
from agent.consent_record import RECORD
from agent.daemon import make_resident
from agent.folder import StateFolder
from agent.model import DeskHealth, Operation
from agent.outbox import Outbox
from agent.resident import COURIER_PATIENCE, FIRST_DELIVERY, Resident
from agent.settings import DAY, HOUR, MINUTE, HostSettings, Settings
from agent.status import Snapshot, read_summary
from agent.store import Store, StoreDamaged, StoreUnavailable
from collectors import Reading
from thresholds import Rule, Selector
from thresholds.level import Level, LevelLimits

NOW = 1_790_000_000.0
RULE = Rule(
    id="tank_level",
    summary="A tank runs over",
    kind="level",
    select=Selector(reading="tank_level", subject=["tank"]),
    hold=5 * MINUTE,
)
KEY = case_key("default", "h1", RULE.id, {"tank": "a"})


class Hours:
    """A clock whose two times are set by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady


class Dispatcher:
    """Stands in for the real one: says how couriers ended, and notes what it was asked."""

    def __init__(self) -> None:
        self.outcomes: list[dict[str, str] | Exception] = []
        self.calls: list[str] = []
        self.desks = ("local", "rt")

    def health(self, desk: str) -> DeskHealth:
        return DeskHealth(reachable=desk == "local")

    def consider(self, now: float) -> dict[str, str]:
        self.calls.append(f"consider {now - NOW:g}")
        outcome = self.outcomes.pop(0) if self.outcomes else {}
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def clock_moved(self, step: float) -> None:
        self.calls.append(f"moved {step:g}")

    def wait(self, seconds: float) -> None:
        self.calls.append(f"wait {seconds:g}")

    def stop(self, patience: float) -> None:
        self.calls.append(f"stop {patience:g}")


class Agent:
    """A resident on a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.clock = Hours()
        self.path = folder
        self.first: list[Snapshot] = []
        self.level = 99.0
        settings = Settings(host=HostSettings(id="h1"))
        self.configuration = Configuration(
            settings=settings, source=None, zone="UTC", rules=((RULE, Level(LevelLimits(warning=90.0))),)
        )
        self.folder = StateFolder(folder)
        self.start()

    def start(self) -> None:
        """Put the resident together, as after a crash."""
        self.store = Store.open(self.path, now=NOW - 30 * DAY)
        self.dispatcher = Dispatcher()
        self.resident: Resident = make_resident(
            self.configuration, self.folder, self.store, self.clock, self.first.append
        )
        self.resident.dispatcher = self.dispatcher  # type: ignore[assignment]
        self.resident.pipeline.collect = self.collect

    def collect(self, at: float) -> Collection:
        return Collection(readings=(Reading("tank_level", self.level, "percent", {"tank": "a"}, at),))

    def tick(self, after: float = MINUTE) -> Snapshot:
        """Let time pass by both clocks, and tick."""
        self.clock.wall += after
        self.clock.steady += after
        self.resident.tick()
        assert self.resident.snapshot is not None
        return self.resident.snapshot


@pytest.fixture
def agent(tmp_path) -> Iterator[Agent]:
    """Return an agent that has not ticked yet, with a tank that is about to run over."""
    tmp_path.chmod(0o700)
    agent = Agent(tmp_path)
    yield agent
    agent.store.close()
    agent.folder.close()


def refuse(*_: object, **__: object) -> None:
    raise StoreUnavailable(Path("/state"), "its disk is full", "free some space there")


def test_the_first_cycle_is_told_once(agent):
    """With its snapshot."""
    for _ in range(3):
        agent.tick()
    [first] = agent.first
    assert (first.cycle, first.cycle_at) == (1, NOW + MINUTE)


def test_a_first_cycle_that_opens_something_waits_for_its_courier(agent):
    """So that it can say what was opened; but not for ever, and not again."""
    agent.level = 1.0
    agent.tick()
    assert f"wait {FIRST_DELIVERY:g}" not in agent.dispatcher.calls
    agent.level = 99.0
    agent.tick()
    agent.start()
    agent.tick(5 * MINUTE)
    assert f"wait {FIRST_DELIVERY:g}" in agent.dispatcher.calls
    agent.tick()
    assert agent.dispatcher.calls.count(f"wait {FIRST_DELIVERY:g}") == 1


def test_each_tick_is_shown_everywhere(agent):
    """The page's snapshot, the metrics, and the file that `foretell status` reads."""
    snapshot = agent.tick()
    assert read_summary(agent.path) == snapshot.summary
    assert "tank_level" in agent.resident.metrics("")[1].decode()
    assert agent.resident.seconds_since_cycle() == 0.0
    agent.clock.steady += 7
    assert agent.resident.seconds_since_cycle() == 7.0


def test_couriers_are_counted_by_how_they_ended(agent):
    """Since the start."""
    agent.dispatcher.outcomes = [{"local": "ok"}, {}, {"local": "throttled", "rt": "ok"}, {"local": "ok"}]
    for _ in range(4):
        snapshot = agent.tick()
    shown = [(desk.name, desk.reachable, desk.requests) for desk in snapshot.desks]
    assert shown == [("local", True, {"ok": 2, "throttled": 1}), ("rt", False, {"ok": 1})]


class TestTrouble:
    """A degraded mode is shown while it lasts, and logged when it begins and ends."""

    def test_a_store_that_cannot_be_written_is_logged_once(self, agent, monkeypatch):
        """And the cases go on in memory as they were."""
        agent.tick()
        with capture_logs() as logs:
            with monkeypatch.context() as patch:
                patch.setattr(agent.store, "save_case", refuse)
                for _ in range(3):
                    snapshot = agent.tick(5 * MINUTE)
                    assert "its disk is full" in snapshot.degraded["store"]
                    assert "its disk is full" in agent.resident.store_trouble()
            assert "store" not in agent.tick().degraded
        told = [(one["event"], one["mode"]) for one in logs if one["event"].endswith("degraded")]
        assert told == [("degraded", "store"), ("no longer degraded", "store")]
        assert agent.resident.store_trouble() == ""

    def test_a_damaged_consent_record_is_told_with_its_line(self, agent):
        """`foretell status`, the page and the metrics say it; the rest goes on."""
        assert "consent" not in agent.tick().degraded
        (agent.path / RECORD).write_text("{}\n")
        assert "damaged at line 1: " in agent.tick().degraded["consent"]
        (agent.path / RECORD).unlink()
        assert "consent" not in agent.tick().degraded

    def test_a_courier_that_cannot_be_started_is_no_reason_to_stop(self, agent):
        """No process is left for it, for instance."""
        agent.dispatcher.outcomes = [OSError("Resource temporarily unavailable")]
        assert "cannot be started" in agent.tick().degraded["courier"]
        agent.dispatcher.outcomes = [{"local": "ok"}]
        assert "courier" not in agent.tick().degraded

    def test_couriers_that_die_are_a_trouble_until_one_ends_well(self, agent):
        """Nothing reaches the desk meanwhile."""
        agent.dispatcher.outcomes = [{"local": "failed"}, {"rt": "ok"}, {"local": "throttled"}]
        assert "local" in agent.tick().degraded["courier"]
        assert "courier" in agent.tick().degraded
        assert "courier" not in agent.tick().degraded

    def test_a_history_that_cannot_be_written_stays_in_memory(self, agent, monkeypatch):
        """Until it can be again."""
        agent.tick()
        with monkeypatch.context() as patch:
            patch.setattr(agent.resident.pipeline.history, "flush", refuse)
            assert "history" in agent.tick(HOUR).degraded
            assert "history" in agent.tick(MINUTE).degraded
        assert "history" not in agent.tick(HOUR).degraded

    def test_a_summary_that_cannot_be_written_is_told(self, agent, monkeypatch):
        """The page still works."""

        def fail(*_: object) -> None:
            raise OSError(30, "Read-only file system")

        monkeypatch.setattr("agent.resident.write_summary", fail)
        agent.tick()
        assert "Read-only" in agent.tick().degraded["status"]

    def test_a_tick_that_fails_is_logged_and_the_next_one_tried(self, agent, monkeypatch):
        """Whatever it was; `/healthz` sees that no cycle finishes."""
        agent.tick()
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(agent.resident.pipeline, "collect", lambda _: 1 / 0)
            agent.tick()
        assert [one["event"] for one in logs] == ["the cycle failed"]
        assert agent.resident.seconds_since_cycle() == MINUTE
        assert agent.tick().cycle == 2

    def test_damaged_records_are_for_a_new_start(self, agent, monkeypatch):
        """The daemon ends with them."""

        def damaged(*_: object) -> None:
            raise StoreDamaged(agent.path, "it is damaged", "restart the agent, which sets it aside")

        monkeypatch.setattr(agent.store, "save_case", damaged)
        agent.resident.tick()
        assert isinstance(agent.resident.fatal, StoreDamaged)


class TestAClockThatIsMoved:
    """Running times go on; nothing stops, nothing floods."""

    @pytest.mark.parametrize("step", [DAY, -DAY])
    def test_a_finding_is_held_for_its_time_and_no_longer(self, agent, step):
        """Five minutes are five minutes."""
        agent.tick()
        agent.clock.wall += step
        agent.tick(4 * MINUTE)
        assert agent.resident.pipeline.cases[KEY].state == "pending"
        assert agent.dispatcher.calls[-2] == f"moved {step:g}"
        agent.tick(MINUTE)
        assert agent.resident.pipeline.cases[KEY].state == "open"

    @pytest.mark.parametrize("step", [DAY, -DAY])
    def test_it_is_written_down(self, agent, step):
        """A crash right after it changes nothing."""
        agent.tick()
        agent.clock.wall += step
        agent.tick()
        agent.start()
        agent.tick(3 * MINUTE)
        assert agent.resident.pipeline.cases[KEY].state == "pending"
        agent.tick(MINUTE)
        assert agent.resident.pipeline.cases[KEY].state == "open"

    def test_what_waits_for_the_desk_waits_no_longer_for_it(self, agent):
        """Set back by twenty hours, a minute's wait stays a minute."""
        agent.tick()
        outbox = Outbox(agent.store)
        opening = Operation(id="a-1", case=KEY, kind="open", topic="opened", desk="local", facts={}, created_at=NOW)
        outbox.queue(opening)
        outbox.retry("a-1", agent.clock.wall + 3 * MINUTE, "unreachable", "")
        agent.clock.wall -= 20 * HOUR
        agent.tick()
        assert not outbox.due("local", agent.clock.wall, 1)
        assert outbox.due("local", agent.clock.wall + 2 * MINUTE, 1)

    def test_records_that_cannot_be_written_do_not_stop_the_cycle(self, agent, monkeypatch):
        """It counts in memory."""
        agent.tick()
        agent.clock.wall -= DAY
        with monkeypatch.context() as patch:
            patch.setattr(agent.store, "save_case", refuse)
            agent.tick(MINUTE)
        agent.tick(4 * MINUTE)
        assert agent.resident.pipeline.cases[KEY].state == "open"


def test_stopping_writes_down_what_is_young_and_ends_the_courier(agent):
    """Nothing of the last minutes is lost in an orderly stop."""
    agent.tick()
    agent.resident.stop()
    assert agent.dispatcher.calls[-1] == f"stop {COURIER_PATIENCE:g}"
    assert agent.store.load_memories() is not None


def test_cases_are_found_by_any_thread(agent):
    """The page asks while a cycle runs, by a connection of its own."""
    agent.tick()
    [details] = agent.resident.find_cases(KEY[:8])
    assert (details.case.key, details.summary) == (KEY, RULE.summary)
    assert agent.resident.find_cases("zz") == []
    assert msgspec.json.encode(details)
