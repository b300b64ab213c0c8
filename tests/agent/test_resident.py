"""What the daemon does each tick: seen from the snapshot, the log and the records, with readings and a desk made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.collecting import Collection
from agent.configuration.config import Configuration
from agent.configuration.settings import DAY, HOUR, MINUTE, HostSettings, Settings
from agent.consent.record import RECORD
from agent.daemon import make_resident
from agent.delivery.outbox import Outbox
from agent.following.cases import case_key
from agent.following.model import DeskHealth, Operation
from agent.resident import COURIER_PATIENCE, FIRST_DELIVERY, Resident
from agent.status import Snapshot, read_summary
from agent.store import Store, StoreDamaged, StoreUnavailable
from agent.system.folder import StateFolder
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

    def recall(self) -> None:
        self.calls.append("recalled")

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
            settings=settings, file=None, zone="UTC", rules=((RULE, Level(LevelLimits(warning=90.0))),)
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


class TestAnotherProcess:
    """What it changed in the records is shown by the next tick; what nobody changed is not read again for that."""

    @pytest.fixture(autouse=True)
    def other(self, agent) -> Iterator[Store]:
        """Return the records as another one has them open, with an operation that waits; they were shown already."""
        agent.tick()
        agent.tick(5 * MINUTE)
        assert {desk.name: desk.queue.waiting for desk in agent.tick().desks} == {"local": 1, "rt": 0}
        with Store.open(agent.path) as other:
            agent.tick()
            yield other

    def test_nothing_was_changed(self, agent):
        """Beside the cycle's own transaction it is only asked whether something was."""
        statements = []
        agent.store.database._connection.set_trace_callback(statements.append)
        assert agent.tick(15.0).desks == agent.tick(15.0).desks
        own = statements[: statements.index("COMMIT") + 1]
        assert statements == [*own, "PRAGMA data_version"] * 2

    def test_an_operation_is_dropped(self, agent, other):
        """By the command line, for instance."""
        [waiting] = Outbox(other).all({"queued"})
        Outbox(other).drop(waiting.operation.id)
        assert agent.tick().desks[0].queue.counts == {"dropped": 1}

    def test_a_try_fails(self, agent, other):
        """A courier counts it, and says why."""
        [waiting] = Outbox(other).all({"queued"})
        Outbox(other).retry(waiting.operation.id, NOW, "throttled", "come back later")
        queue = agent.tick().desks[0].queue
        assert (queue.last_detail, queue.attempts) == ("come back later", {"throttled": 1})

    def test_a_desk_is_found_out_of_reach(self, agent, other):
        """By a courier."""
        agent.dispatcher.health = agent.store.desk_health
        other.set_desk_health("local", DeskHealth(reachable=False, detail="no route"))
        assert agent.tick().desks[0].detail == "no route"

    def test_promises_are_counted(self, agent, other):
        """Nobody else does that, but it would be seen."""
        other.count_promises([("fix", "P1", "met")])
        assert [one.count for one in agent.tick().promises] == [1]

    def test_another_desk_is_served(self, agent):
        """Though the records are the same."""
        agent.dispatcher.desks = ("local", "rt", "old")
        assert [desk.name for desk in agent.tick().desks] == ["local", "rt", "old"]


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

    def test_a_history_of_many_series_is_written_before_its_time_and_before_any_is_let_go(self, agent, monkeypatch):
        """Where the disk takes nothing, it is tried again when it is time."""
        monkeypatch.setattr("agent.store._history.MOST_IN_MEMORY", 10)
        written = []
        monkeypatch.setattr(agent.resident.pipeline.history, "flush", written.append)
        for _ in range(5):
            agent.tick()
        assert written == []
        agent.tick()
        assert len(written) == 1
        with monkeypatch.context() as patch:
            patch.setattr(agent.resident.pipeline.history, "flush", refuse)
            assert "history" in agent.tick().degraded
        agent.tick()
        assert len(written) == 1

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
        assert [one["event"] for one in logs] == ["the cycle failed", "degraded"]
        assert agent.resident.seconds_since_cycle() == MINUTE
        assert agent.tick().cycle == 2

    def test_ticks_that_fail_are_logged_once_and_shown(self, agent, monkeypatch):
        """On the page and in the metrics, which are of the last cycle that finished otherwise."""
        agent.tick()
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(agent.resident.pipeline, "collect", lambda _: 1 / 0)
            for _ in range(3):
                snapshot = agent.tick()
        assert [one["event"] for one in logs] == ["the cycle failed", "degraded"]
        assert "division by zero" in snapshot.degraded["cycle"]
        assert snapshot.cycle_at == NOW + MINUTE
        assert 'foretell_degraded{mode="cycle"} 1.0' in agent.resident.metrics("")[1].decode()
        assert agent.tick().degraded == {}

    def test_a_tick_that_fails_in_its_own_showing_still_ends(self, agent, monkeypatch):
        """What shows troubles may be what fails."""
        agent.tick()
        with monkeypatch.context() as patch:
            patch.setattr(agent.resident._metrics, "update", lambda _: 1 / 0)
            agent.tick()
        assert agent.tick().degraded == {}

    def test_records_that_were_set_aside_are_told_until_a_person_has_removed_them(self, agent):
        """After the restart, too: a disk that damages files goes on to."""
        assert agent.tick().degraded == {}
        aside = agent.path / "agent.sqlite.damaged-20260101T000000Z"
        aside.write_bytes(b"not a database")
        with capture_logs() as logs:
            agent.tick()
            assert aside.name in agent.tick().degraded["set_aside"]
        assert [one["event"] for one in logs] == ["degraded"]
        aside.unlink()
        assert agent.tick().degraded == {}

    def test_damaged_records_are_for_a_new_start(self, agent, monkeypatch):
        """The daemon ends with them."""

        def damaged(*_: object) -> None:
            raise StoreDamaged(agent.path, "it is damaged", "restart the agent, which sets it aside")

        monkeypatch.setattr(agent.store, "save_case", damaged)
        agent.resident.tick()
        assert isinstance(agent.resident.fatal, StoreDamaged)

    def test_damage_that_only_a_courier_has_met_is_for_a_new_start_too(self, agent):
        """What the daemon has read of the file may be whole still; its couriers deliver nothing any more."""
        agent.dispatcher.outcomes = [{"rt": "failed"}, {"rt": "failed"}]
        agent.tick()
        assert agent.resident.fatal is None
        (agent.path / "agent.sqlite-damaged").touch()
        agent.tick()
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
        assert agent.dispatcher.calls[-3:-1] == ["recalled", f"moved {step:g}"]
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

    @pytest.mark.parametrize("step", [DAY, -DAY])
    def test_it_is_unsure_for_a_few_cycles(self, agent, step):
        """And then sure again: a clock that is put right once is no reason for an alarm."""
        agent.tick()
        agent.clock.wall += step
        with capture_logs() as logs:
            said = [agent.tick().degraded.get("clock", "") for _ in range(4)]
        assert f"{step:+,.0f} s" in said[0]
        assert [bool(one) for one in said] == [True, True, True, False]
        assert [one["event"] for one in logs] == ["the clock was moved", "degraded", "no longer degraded"]

    def test_one_that_is_moved_again_and_again_stays_unsure(self, agent):
        """Which is what an alarm is for; each move is in the log."""
        agent.tick()
        for _ in range(6):
            agent.clock.wall += HOUR
            assert "clock" in agent.tick().degraded

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
