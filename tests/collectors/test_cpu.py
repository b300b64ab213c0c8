"""How busy the processors are."""

from pathlib import Path

import psutil
import pytest

from collectors import CollectorError, CouldNotCheck, cpu
from collectors._pressure import parse_pressure
from collectors._two_looks import TwoLooks
from collectors.contract import FakeHost

IDLE = {"user": 10.0, "system": 5.0, "idle": 100.0, "iowait": 1.0, "guest": 2.0}


def collector(root, times, waited=None):
    """Return a collector whose counters are `times`, one after the other; `waited` gathers for how long it waited."""
    times, waited = iter(times), [] if waited is None else waited
    looks = TwoLooks(0.2, waited.append, lambda: sum(waited))
    return cpu.CpuCollector(cpu.CpuOptions(), FakeHost(root), lambda: next(times), looks)


def values(items):
    """Return the readings of one run by name and label."""
    return {(item.name, *item.labels.values()): item.value for item in items}


def test_ratios_are_shares_of_the_time_between_two_looks():
    """Three quarters idle, one quarter busy; guest time, which is in user already, is not counted twice."""
    after = {"user": 12.0, "system": 5.0, "idle": 106.0, "iowait": 1.0, "guest": 4.0}
    assert cpu.mode_ratios(IDLE, after) == {"user": 0.25, "system": 0.0, "idle": 0.75, "iowait": 0.0}


def test_a_counter_that_goes_back_counts_as_no_time():
    """Linux lets idle and iowait decrease; a share below 0 or above 1 never comes out."""
    after = IDLE | {"iowait": 0.5, "user": 11.0}
    assert cpu.mode_ratios(IDLE, after) == {"user": 1.0, "system": 0.0, "idle": 0.0, "iowait": 0.0}


def test_the_first_run_measures_on_the_spot(tmp_path):
    """`check` runs one cycle only: it waits for a moment and says what it measured."""
    waited = []
    first = collector(tmp_path, [IDLE, IDLE | {"idle": 100.3, "user": 10.1}], waited)
    assert values(first.collect(1.0))["cpu_utilization_ratio",] == pytest.approx(0.25)
    assert waited == [0.2]


def test_later_runs_cover_the_time_since_the_run_before(tmp_path):
    """Nothing between two runs is missed, and nothing waits any more."""
    waited = []
    looks = [IDLE, IDLE | {"idle": 101.0}, IDLE | {"idle": 102.0, "system": 6.0, "iowait": 3.0}]
    daemon = collector(tmp_path, looks, waited)
    list(daemon.collect(1.0))
    waited.append(60.0)
    second = values(daemon.collect(61.0))
    assert second["cpu_utilization_ratio",] == pytest.approx(0.25)
    assert second["cpu_mode_ratio", "iowait"] == pytest.approx(0.5)
    assert waited == [0.2, 60.0]


def test_after_a_look_ahead_the_first_run_need_not_wait(tmp_path):
    """The daemon has one taken before it does much else."""
    waited = []
    daemon = collector(tmp_path, [IDLE, IDLE | {"idle": 100.3, "user": 10.1}], waited)
    daemon.look_ahead()
    waited.append(1.0)
    assert values(daemon.collect(1.0))["cpu_utilization_ratio",] == pytest.approx(0.25)
    assert waited == [1.0]


def test_counters_that_stand_still_are_not_an_idle_processor(tmp_path):
    """Without any time between two looks nothing is known."""
    items = list(collector(tmp_path, [IDLE, IDLE]).collect(1.0))
    assert any(isinstance(item, CouldNotCheck) and item.name == "cpu_utilization_ratio" for item in items)
    assert not [item for item in items if item.name == "cpu_utilization_ratio" and not isinstance(item, CouldNotCheck)]


def test_load_is_told_per_processor(tmp_path, monkeypatch):
    """A load of 8 on 4 processors is 2 for each."""
    monkeypatch.setattr("psutil.cpu_count", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (8.0, 4.0, 2.0), raising=False)
    read = values(collector(tmp_path, [IDLE, IDLE | {"idle": 101.0}]).collect(1.0))
    assert [read["load_per_core", window] for window in ("1m", "5m", "15m")] == [2.0, 1.0, 0.5]


def test_pressure_is_absent_where_the_kernel_keeps_none(tmp_path):
    """A kernel without pressure files is not a failure."""
    items = collector(tmp_path, [IDLE, IDLE | {"idle": 101.0}]).collect(1.0)
    assert not [item for item in items if item.name == "cpu_pressure_ratio"]


def test_pressure_of_a_whole_host_has_no_full(tmp_path):
    """The kernel prints `full` for processors as 0 for ever; it says nothing."""
    one = collector(tmp_path, [IDLE, IDLE | {"idle": 101.0}])
    text = "some avg10=9.00 avg60=1.50 avg300=0.25 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    FakeHost(tmp_path).write("/proc/pressure/cpu", text)
    pressure = {key: value for key, value in values(one.collect(1.0)).items() if key[0] == "cpu_pressure_ratio"}
    assert pressure == {("cpu_pressure_ratio", "some", "60s"): 0.015, ("cpu_pressure_ratio", "some", "300s"): 0.0025}


def test_unknown_averages_are_left_alone():
    """A later kernel may add windows."""
    assert parse_pressure("some avg60=2.00 avg900=1.00 total=1") == {("some", "60s"): 0.02}


STAT = "cpu  {} 0 500 {} 100 0 0 0 200 0\ncpu0 9 9 9 9\nctxt 7\nprocs_running 9\nprocs_blocked 2\n"


def on_linux(root, before, after):
    """Return the readings of a host whose `/proc/stat` was `before` and is `after`."""
    host = FakeHost(root).write("/proc/stat", before)
    looks = TwoLooks(0.2, lambda _: host.write("/proc/stat", after))
    return values(cpu.CpuCollector(cpu.CpuOptions(), host, lambda: pytest.fail("asked twice"), looks).collect(1.0))


def test_linux_tells_times_and_queue_in_one_file(tmp_path, monkeypatch):
    """Three quarters idle; nine tasks run or want to, of which one is looking, on four processors."""
    monkeypatch.setattr("psutil.cpu_count", lambda: 4)
    read = on_linux(tmp_path, STAT.format(1000, 10000), STAT.format(1010, 10030))
    assert read["cpu_utilization_ratio",] == pytest.approx(0.25)
    assert read["cpu_mode_ratio", "user"] == pytest.approx(0.25)
    assert (read["runnable_per_core",], read["tasks_blocked",]) == (2, 2)


@pytest.mark.skipif(not psutil.LINUX, reason="there is no /proc/stat")
def test_the_times_of_this_host_are_those_that_psutil_tells():
    """Each mode by its name, in seconds."""
    ours, theirs = cpu.parse_times(Path("/proc/stat").read_text("ascii")), cpu.read_times()
    assert ours == pytest.approx(theirs, abs=60.0)


def test_a_kernel_that_does_not_tell_its_times_is_not_understood(tmp_path):
    """That is an error, and not an idle host."""
    with pytest.raises(CollectorError, match="does not tell"):
        on_linux(tmp_path, "procs_running 1\n", "procs_running 1\n")
