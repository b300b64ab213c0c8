"""The collection runner: one collector's trouble is its own, and unknown is never healthy."""

import threading
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.collecting import RETRY_AFTER, CollectionRunner, ConfiguredCollector, HostAccess, _runner, look_ahead
from agent.configuration.secrets import Secrets
from agent.system.workers import Workers
from collectors import (
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    CouldNotCheck,
    NotSupported,
    Reading,
)

AT = 1_795_000_000.0
SOON = 0.05  # seconds; the deadline of what hangs


class Hand:
    """A monotonic clock moved by hand."""

    def __init__(self):
        """Start somewhere."""
        self.time = 1000.0

    def __call__(self):
        """Return the time."""
        return self.time


class Scripted:
    """A collector that does the next thing of a script each time; the last thing again and again."""

    def __init__(self, *script):
        """`script`: what to yield, or what to raise after it."""
        self.script = list(script)
        self.runs = 0

    def collect(self, at):
        """Do the next thing."""
        self.runs += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        for item in step(at) if callable(step) else step:
            if isinstance(item, BaseException):
                raise item
            yield Reading(item, float(self.runs), "count", {}, at) if isinstance(item, str) else item


class Hanging:
    """A collector that hangs until it is let go."""

    def __init__(self):
        """Start in the state of hanging."""
        self.gate = threading.Event()
        self.runs = 0

    def collect(self, at):
        """Hang, then yield."""
        self.runs += 1
        self.gate.wait()
        yield Reading("late", float(self.runs), "count", {}, at)


@pytest.fixture(autouse=True)
def logs():
    """Return what is logged, and keep it from being printed."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    """Begin without a thread that rests."""
    monkeypatch.setattr(_runner, "_workers", Workers())


@pytest.fixture
def hanging():
    """Return a collector that hangs, and let it go at the end."""
    collector = Hanging()
    yield collector
    collector.gate.set()


def configured(name, collector, *, every=0.0, within=30.0, unhurried=False, **options):
    """Return `collector` as configuration would; `every` and `within` are its plugin's own interval and deadline."""
    plugin = CollectorPlugin(
        name=name,
        summary="",
        options=CollectorOptions,
        build=lambda _options, _context: collector,
        readings=(),
        interval=every,
        deadline=within,
        unhurried=unhurried,
    )
    return ConfiguredCollector(plugin=plugin, options=CollectorOptions(**options), collector=collector)


def values(collection):
    """Return the readings' values by name."""
    return {reading.name: reading.value for reading in collection.readings}


def threads():
    """Return the threads that are at work for a collector."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("collect-")]


def all_are_done():
    """Return whether no thread is at work for a collector any more, or will soon be so: then one rests."""
    until = time.monotonic() + 30
    while (threads() or not _runner._workers._resting) and time.monotonic() < until:
        time.sleep(0.001)
    return not threads()


def test_readings_and_gaps_come_with_an_outcome():
    """A gap within a collector is told, and does not make the whole a failure."""
    gap = CouldNotCheck("b", {"mountpoint": "/x"}, "no answer")
    collection = CollectionRunner([configured("disk", Scripted(["a", gap]))], Hand()).collect(AT)
    assert collection.readings == (Reading("a", 1.0, "count", {}, AT),)
    assert collection.unchecked == (gap,)
    [outcome] = collection.outcomes
    assert (outcome.collector, outcome.success, outcome.reason, outcome.at) == ("disk", True, "", AT)
    assert (outcome.readings, outcome.names, outcome.unchecked) == (1, ["a"], [gap])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CollectorError("cannot read /proc/x; mount /proc"), "cannot read /proc/x; mount /proc"),
        (PermissionError(13, "Permission denied", "/srv"), "[Errno 13] Permission denied: '/srv'"),
        (ZeroDivisionError("division\nby zero"), "unexpected ZeroDivisionError: division\\nby zero"),
        (CollectorError(), "CollectorError"),
    ],
)
def test_a_failure_is_its_own_and_is_said(error, reason):
    """What was read before counts, the whole reads could not check, the others go on."""
    runner = CollectionRunner([configured("bad", Scripted(["a", error])), configured("good", Scripted(["b"]))], Hand())
    collection = runner.collect(AT)
    assert values(collection) == {"a": 1.0, "b": 1.0}
    assert collection.unchecked == (CouldNotCheck("", {"collector": "bad"}, reason),)
    bad, good = collection.outcomes
    assert (bad.success, bad.reason, bad.not_supported) == (False, reason, "")
    assert good.success


def test_a_collector_that_leaves_its_thread_is_a_failure():
    """Even SystemExit ends only its own run."""
    collection = CollectionRunner([configured("exits", Scripted([SystemExit(0)]))], Hand()).collect(AT)
    assert [missing.reason for missing in collection.unchecked] == ["unexpected SystemExit: 0"]


def test_not_supported_is_neither_success_nor_failure():
    """It is not reported as something that could not be checked."""
    collection = CollectionRunner([configured("psi", Scripted([NotSupported("no pressure files")]))], Hand()).collect(
        AT
    )
    [outcome] = collection.outcomes
    assert collection.unchecked == ()
    assert (outcome.success, outcome.not_supported, outcome.reason) == (False, "no pressure files", "")


def test_what_a_host_has_not_got_is_looked_for_now_and_then():
    """When it has just gone it may be back at once; from the second time on it is asked for seldom, and read when it comes."""
    clock, sensors = Hand(), Scripted(["a"], *[[NotSupported("no sensors")]] * 3, ["a"])
    runner = CollectionRunner([configured("sensors", sensors)], clock)
    runs = []
    for _ in range(13):
        collection = runner.collect(AT)
        runs.append(sensors.runs)
        clock.time += RETRY_AFTER / 5
    assert runs == [1, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5]
    assert values(collection) == {"a": 5.0}


def test_each_runs_by_its_own_interval():
    """What is not due keeps its last readings, with the time they were taken; a configured interval goes first."""
    clock = Hand()
    often, seldom, tuned = Scripted(["often"]), Scripted(["seldom"]), Scripted(["tuned"])
    runner = CollectionRunner(
        [
            configured("often", often),
            configured("seldom", seldom, every=300),
            configured("tuned", tuned, every=300, interval=120),
        ],
        clock,
    )
    for cycle in range(6):
        clock.time = 1000.0 + 60 * cycle - 0.3 * (cycle % 2)  # cycles are not exact
        collection = runner.collect(AT + 60 * cycle)
    assert (often.runs, seldom.runs, tuned.runs) == (6, 2, 3)
    assert {reading.name: reading.at - AT for reading in collection.readings} == {
        "often": 300,
        "seldom": 300,
        "tuned": 240,
    }
    assert [reading.name for reading in collection.fresh] == ["often", "seldom"]


def test_the_wall_clock_has_no_say_in_what_is_due():
    """A step of a year neither stops nor floods the checks."""
    clock, collector = Hand(), Scripted(["a"])
    runner = CollectionRunner([configured("a", collector, every=300)], clock)
    for at in (AT, AT + 3e7, AT - 3e7):
        runner.collect(at)
    assert collector.runs == 1
    clock.time += 300
    runner.collect(AT - 3e7)
    assert collector.runs == 2


def test_a_failure_forgets_what_was_read_before_and_is_tried_again_soon():
    """Old readings would look healthy; and a daily scan is not left unknown for a day."""
    clock, scan = Hand(), Scripted(["a"], [CollectorError("locked")], ["a"])
    runner = CollectionRunner([configured("scan", scan, every=86400)], clock)
    assert values(runner.collect(AT)) == {"a": 1.0}
    clock.time += 86400
    for _ in range(2):  # it is repeated while the next try is not due
        collection = runner.collect(AT)
        assert values(collection) == {}
        assert [missing.reason for missing in collection.unchecked] == ["locked"]
    assert scan.runs == 2
    clock.time += RETRY_AFTER
    assert values(runner.collect(AT)) == {"a": 3.0}


def test_a_hung_collector_is_left_behind_and_never_started_twice(hanging):
    """The others are on time, it reads could not check, and only one thread is lost to it."""
    runner = CollectionRunner([configured("hung", hanging, within=SOON), configured("good", Scripted(["b"]))], Hand())
    for cycle in range(1, 4):
        collection = runner.collect(AT)
        assert values(collection) == {"b": float(cycle)}
        assert collection.unchecked == (CouldNotCheck("", {"collector": "hung"}, "did not finish in 0.05 s"),)
        assert [outcome.success for outcome in collection.outcomes] == [False, True]
    assert hanging.runs == 1
    assert len(threads()) == 1


def test_told_to_leave_a_round_ends_at_once_and_what_hangs_could_not_be_checked(hanging):
    """Its deadline is an hour away; what had been read by the others counts."""
    runner = CollectionRunner(
        [configured("good", Scripted(["b"])), configured("hung", hanging, deadline=3600.0)], Hand()
    )
    leaving = threading.Timer(SOON, runner.leave)
    leaving.start()
    collection = runner.collect(AT)
    leaving.join()
    assert [reading.name for reading in collection.readings] == ["b"]
    _, hung = collection.outcomes
    assert not hung.success
    assert "told to end" in hung.reason


def test_a_late_result_is_thrown_away_and_the_next_run_counts(hanging):
    """What it read when it should have is old by now."""
    runner = CollectionRunner([configured("slow", hanging, deadline=SOON)], Hand())
    assert runner.collect(AT).unchecked
    hanging.gate.set()
    assert all_are_done()
    assert values(runner.collect(AT + 60)) == {"late": 2.0}
    assert hanging.runs == 2


def test_an_unhurried_collector_is_not_waited_for(hanging):
    """The cycle goes on without it, nothing reads healthy meanwhile, and what it found counts in a later cycle."""
    slow = configured("slow", hanging, every=3600.0, unhurried=True)
    runner = CollectionRunner([slow, configured("good", Scripted(["b"]))], Hand(), patient=False)
    first = runner.collect(AT)
    assert values(first) == {"b": 1.0}
    assert [one.reason for one in first.unchecked] == ["its first run has not finished yet"]
    hanging.gate.set()
    assert all_are_done()
    second = runner.collect(AT + 60)
    assert values(second) == {"late": 1.0, "b": 2.0}
    assert [reading.name for reading in second.fresh] == ["late", "b"]
    assert second.unchecked == ()
    assert hanging.runs == 1


def test_an_unhurried_collector_keeps_its_last_result_while_it_looks_again(hanging):
    """Until the new one is there; a deadline ends its time like any other's."""
    clock = Hand()
    hanging.gate.set()
    runner = CollectionRunner([configured("slow", hanging, every=3600.0, unhurried=True)], clock, patient=False)
    runner.collect(AT)
    assert all_are_done()
    assert values(runner.collect(AT)) == {"late": 1.0}
    hanging.gate.clear()
    clock.time += 3600
    assert values(runner.collect(AT)) == {"late": 1.0}
    clock.time += 31
    assert [one.reason for one in runner.collect(AT).unchecked] == ["did not finish in 30 s"]


def test_a_patient_runner_waits_for_all(hanging):
    """A command has one cycle only."""
    hanging.gate.set()
    runner = CollectionRunner([configured("slow", hanging, unhurried=True)], Hand())
    assert values(runner.collect(AT)) == {"late": 1.0}


def test_quick_collectors_share_a_thread(monkeypatch):
    """One for each would cost more than most of what they do. That what takes long keeps its own is seen where one hangs."""
    monkeypatch.setattr(_runner, "QUICK", 60.0)  # whatever else this machine does
    used = []

    def note(_at):
        used.append(threading.current_thread())
        yield Reading("noted", 1.0, "count", {}, AT)

    CollectionRunner([configured(name, Scripted(note)) for name in ("one", "two", "three")], Hand()).collect(AT)
    assert len(used) == 3
    assert len(set(used)) == 1


def test_hung_collectors_wait_side_by_side():
    """A round never takes longer than the longest deadline; here each needs the other to have started."""
    meeting = threading.Barrier(2)

    def meet(at):
        meeting.wait(timeout=30)
        yield Reading("met", 1.0, "count", {}, at)

    collectors = [configured(name, Scripted(meet)) for name in ("one", "two")]
    assert [outcome.success for outcome in CollectionRunner(collectors, Hand()).collect(AT).outcomes] == [True, True]


def test_a_host_without_room_for_a_thread_is_said(monkeypatch):
    """The limit on threads makes it unknown, not dead."""

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    collection = CollectionRunner([configured("a", Scripted(["a"]))], Hand()).collect(AT)
    assert [missing.reason for missing in collection.unchecked] == ["can't start new thread"]


def test_one_thread_at_most_stays_after_a_round():
    """A day has 1440 of them; the thread that has nothing to do serves the next."""
    runner = CollectionRunner([configured("a", Scripted(["a"])), configured("b", Scripted([OSError()]))], Hand())
    for _ in range(20):
        runner.collect(AT)
        assert all_are_done()
    assert len(_runner._workers._resting) == 1


def test_of_a_series_that_comes_twice_the_last_counts_and_it_is_said():
    """Two equal series would make /metrics unreadable."""
    twice = [Reading("a", value, "count", {"x": "1"}, AT) for value in (1.0, 2.0, 3.0)]
    collection = CollectionRunner([configured("twice", Scripted(twice))], Hand()).collect(AT)
    assert values(collection) == {"a": 3.0}
    assert [missing.reason for missing in collection.unchecked] == [
        '1 series came more than once, the last counts; the first is a{x="1"}'
    ]


def test_a_collector_that_runs_wild_is_cut_and_it_is_said():
    """It must not fill the memory, however long it could go on."""

    def endless(at):
        number = 0
        while True:
            yield Reading("a", 1.0, "count", {"number": str(number)}, at)
            number += 1

    collection = CollectionRunner([configured("wild", Scripted(endless))], Hand(), most_readings=10).collect(AT)
    assert len(collection.readings) == 10
    assert [missing.reason for missing in collection.unchecked] == [
        "more than 10 readings; the rest is left out, narrow it by its options"
    ]


def test_a_change_is_logged_once_and_a_trace_only_for_debugging(logs):
    """A failure that lasts fills no log."""
    collector = Scripted(["a"], [ValueError("x")], [ValueError("x")], ["a"], ["a"])
    runner = CollectionRunner([configured("a", collector)], Hand())
    for _ in range(5):
        runner.collect(AT)
    told = [(log["log_level"], log["event"]) for log in logs if log["log_level"] != "debug"]
    assert told == [("warning", "collector failed"), ("info", "collector works again")]
    assert [log["exc_info"] for log in logs if log["log_level"] == "debug"] == [True, True]


def test_gaps_are_logged_when_they_come_and_when_they_are_gone(logs):
    """Once, however long a mount hangs; another one meanwhile is on the page and in the metrics."""
    gap, other = CouldNotCheck("", {"mountpoint": "/srv"}, "hangs"), CouldNotCheck("", {"mountpoint": "/mnt"}, "hangs")
    collector = Scripted(["a"], ["a", gap], ["a", gap, other], ["a", other], ["a"])
    runner = CollectionRunner([configured("a", collector)], Hand())
    for _ in range(5):
        runner.collect(AT)
    told = [(log["log_level"], log["event"]) for log in logs]
    assert told == [("info", "could not check all"), ("info", "all is checked again")]
    assert (logs[0]["what"], logs[0]["reason"], logs[0]["more"]) == ({"mountpoint": "/srv"}, "hangs", 0)


def test_a_collector_reads_below_the_root_it_is_given():
    """A container mounts the host elsewhere."""
    assert HostAccess(Path("/host")).path("/proc/stat") == Path("/host/proc/stat")
    assert HostAccess().path("/proc/stat") == Path("/proc/stat")


def test_a_collectors_child_that_fails_to_run_is_its_failure():
    """The child runner's words become the collector's."""
    with pytest.raises(CollectorError, match="cannot run /nonexistent/x"):
        HostAccess().run(["/nonexistent/x"], timeout=1)
    assert HostAccess().run(["/bin/echo", "a"], timeout=30).output == "a\n"


def test_a_collector_gets_a_secret_by_its_name(tmp_path):
    """Read anew each time; one that is not there is a failure that says where it was looked for."""
    file = tmp_path / "token"
    access = HostAccess(secrets=Secrets({"token": str(file)}))
    with pytest.raises(CollectorError, match=str(file)):
        access.secret("token")
    for text in ("first", "second"):
        file.write_text(f"{text}\n")
        assert access.secret("token") == text


class Twice(Scripted):
    """A collector that looks twice."""

    ahead = 0

    def look_ahead(self):
        """Take the first look, or fail at it."""
        self.ahead += 1
        for error in self.script[0] if isinstance(self.script[0], list) else ():
            raise error


def test_what_looks_twice_looks_ahead_once_and_runs_last(monkeypatch):
    """So the time between its two looks passes while others are at work."""
    monkeypatch.setattr(_runner, "QUICK", 60.0)  # whatever else this machine does
    order = []

    def note(name):
        return lambda _at: order.append(name) or ()

    busy = Twice(note("busy"))
    collectors = [configured("busy", busy), configured("other", Scripted(note("other")))]
    look_ahead(collectors)
    collection = CollectionRunner(collectors, Hand()).collect(AT)
    assert busy.ahead == 1
    assert order == ["other", "busy"]
    assert [outcome.collector for outcome in collection.outcomes] == ["busy", "other"]


@pytest.mark.parametrize("error", [OSError("gone"), CollectorError("nonsense"), NotSupported("none here")])
def test_a_look_ahead_that_fails_is_told_by_the_first_run(error):
    """It is the same failure, and the agent starts all the same."""
    collectors = [configured("busy", Twice([error])), configured("good", Scripted(["b"]))]
    look_ahead(collectors)
    collection = CollectionRunner(collectors, Hand()).collect(AT)
    assert values(collection) == {"b": 1.0}
    assert str(error) in collection.outcomes[0].reason + collection.outcomes[0].not_supported
