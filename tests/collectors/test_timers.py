"""Timers of systemd, by what a real systemd 252 said of some: on time, late, failed, stopped, never due."""

import pytest

from collectors import Completed, services
from collectors._systemd import SYSTEMCTL
from collectors._timers import parse_timers, span
from collectors.contract import FakeHost

# Recorded in a container: one of a calendar that has just run, one that counts from its last run, one that has never run.
CALENDAR = """Unit=good.service
NextElapseUSecRealtime=Mon 2026-11-30 08:00:32 UTC
NextElapseUSecMonotonic=0
LastTriggerUSec=Sun 2026-11-29 08:00:32 UTC
LastTriggerUSecMonotonic=25min 26.668491s
Id=good.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled
ActiveEnterTimestampMonotonic=1522468696
"""
COUNTING = """Unit=bad.service
NextElapseUSecRealtime=
NextElapseUSecMonotonic=25min 29.680653s
LastTriggerUSec=Sun 2026-11-29 08:00:30 UTC
LastTriggerUSecMonotonic=25min 24.663047s
Id=bad.timer
LoadState=loaded
ActiveState=active
UnitFileState=static
ActiveEnterTimestampMonotonic=1522481228
"""
NEVER = """Unit=boot.service
NextElapseUSecRealtime=
NextElapseUSecMonotonic=3h 25min 18.801137s
LastTriggerUSec=
LastTriggerUSecMonotonic=0
Id=boot.timer
LoadState=loaded
ActiveState=active
UnitFileState=static
ActiveEnterTimestampMonotonic=1522481401
"""
STOPPED = """Unit=off.service
NextElapseUSecMonotonic=infinity
Id=off.timer
LoadState=loaded
ActiveState=inactive
UnitFileState=enabled
ConditionResult=no
ConditionTimestampMonotonic=0
"""
WELL = (
    "Id=good.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n"
    "Result=success\nExecMainExitTimestampMonotonic={}\n"
)
FAILED = WELL.replace("inactive\nSubState=dead\nResult=success", "failed\nSubState=failed\nResult=exit-code")


class Systemd:
    """A host whose systemd has these timers and units, and a clock that is set by hand."""

    def __init__(self, root, timers, units=""):
        self.answers = {
            f"{SYSTEMCTL} list-units": Completed(0, "", ""),
            f"{SYSTEMCTL} show": Completed(0, f"{timers}\n{units}", ""),
        }
        self.now = 1600.0
        context = FakeHost(root, self.answers).write("/run/systemd/system/x", "")
        self._context = context
        self._collector = services.ServicesCollector(services.ServicesOptions(), context, lambda: self.now)

    def say(self, timers, units):
        """Change what systemd says from now on."""
        self._context.answers[f"{SYSTEMCTL} show"] = Completed(0, f"{timers}\n{units}", "")

    def read(self):
        """Return readings by name and unit."""
        return {(one.name, one.labels["unit"]): one.value for one in self._collector.collect(1e9)}


def test_the_time_since_the_last_good_run_and_the_time_between_two(tmp_path):
    """By both of systemd's clocks; what has never run has no time between two yet."""
    read = Systemd(tmp_path, f"{CALENDAR}\n{COUNTING}\n{NEVER}", WELL.format(1_526_000_000)).read()
    assert read["timer_success_age_seconds", "good.timer"] == 74.0
    assert read["timer_period_seconds", "good.timer"] == 86400.0
    assert read["timer_waiting", "good.timer"] == 1
    assert read["service_failed", "good.timer"] == 0
    assert ("timer_success_age_seconds", "boot.timer") not in read
    assert ("timer_waiting", "boot.timer") not in read  # static: nobody has said that it has to wait
    assert ("service_failed", "good.service") not in read or read["service_failed", "good.service"] == 0
    assert parse_timers(COUNTING)[0].period == pytest.approx(5.0176, abs=1e-3)


def test_a_run_that_failed_does_not_make_the_last_good_one_younger(tmp_path):
    """It is remembered, and grows old."""
    host = Systemd(tmp_path, CALENDAR, WELL.format(1_526_000_000))
    host.read()
    host.say(CALENDAR, FAILED.format(1_700_000_000))
    host.now = 1800.0
    assert host.read()["timer_success_age_seconds", "good.timer"] == 274.0


def test_what_failed_before_we_came_is_as_old_as_our_first_look(tmp_path):
    """Nobody knows how long before that it last went well."""
    host = Systemd(tmp_path, CALENDAR, FAILED.format(1_590_000_000))
    assert host.read()["timer_success_age_seconds", "good.timer"] == 0.0
    host.now += 500.0
    assert host.read()["timer_success_age_seconds", "good.timer"] == 500.0


def test_what_was_kept_from_running_by_its_own_condition_went_well(tmp_path):
    """It has nothing to do here, each time."""
    skipped = WELL.format(0) + "ConditionResult=no\nConditionTimestampMonotonic=1590000000\n"
    assert Systemd(tmp_path, CALENDAR, skipped).read()["timer_success_age_seconds", "good.timer"] == 10.0


def test_what_runs_for_long_is_not_late_if_it_is_active_and_is_if_it_hangs(tmp_path):
    """A service that was started works; a job that does not end is `activating`."""
    active = WELL.format(0).replace("inactive\nSubState=dead", "active\nSubState=running")
    assert Systemd(tmp_path / "a", CALENDAR, active).read()["timer_success_age_seconds", "good.timer"] == 0.0
    hangs = active.replace("=active", "=activating").replace("running", "start")
    read = Systemd(tmp_path / "b", CALENDAR, hangs).read()
    assert read["timer_success_age_seconds", "good.timer"] == pytest.approx(
        77.5, abs=0.1
    )  # since the timer was started


def test_the_time_between_two_is_remembered_while_the_job_runs(tmp_path):
    """Then the next time is not known yet."""
    host = Systemd(tmp_path, COUNTING, WELL.format(1).replace("good", "bad"))
    before = host.read()["timer_period_seconds", "bad.timer"]
    host.say(COUNTING.replace("25min 29.680653s", "infinity"), WELL.format(1).replace("good", "bad"))
    assert host.read()["timer_period_seconds", "bad.timer"] == before


def test_an_enabled_timer_that_is_off_does_not_wait(tmp_path):
    """Unless its own conditions keep it off, as fstrim's do in a container."""
    assert Systemd(tmp_path / "a", STOPPED).read()["timer_waiting", "off.timer"] == 0
    kept = STOPPED.replace("ConditionTimestampMonotonic=0", "ConditionTimestampMonotonic=5")
    assert ("timer_waiting", "off.timer") not in Systemd(tmp_path / "b", kept).read()


def names_asked(argv):
    """Return what a question to systemctl is about."""
    return argv[argv.index("--") + 1 :]


def test_what_timers_start_is_asked_with_them_and_by_itself_where_it_is_new(tmp_path):
    """A run is two questions: to begin with, and where a timer starts something else, it is three."""
    context = FakeHost(tmp_path).write("/run/systemd/system/x", "")
    context.answers[f"{SYSTEMCTL} list-units"] = Completed(0, "", "")
    context.answers[f"{SYSTEMCTL} show"] = Completed(0, CALENDAR, "")
    one = services.ServicesCollector(services.ServicesOptions(), context, lambda: 1600.0)
    list(one.collect(1e9))
    assert [names_asked(argv) for argv in context.asked] == [["*.service"], ["*.timer"], ["good.service"]]
    context.answers[f"{SYSTEMCTL} show"] = Completed(0, f"{CALENDAR}\n{WELL.format(1)}", "")
    context.asked.clear()
    list(one.collect(1e9))
    assert [names_asked(argv) for argv in context.asked] == [["*.service"], ["*.timer", "good.service"]]
    other = CALENDAR.replace("good.service", "other.service")
    context.answers[f"{SYSTEMCTL} show"] = Completed(0, f"{other}\n{WELL.format(1)}", "")
    context.asked.clear()
    list(one.collect(1e9))
    assert names_asked(context.asked[-1]) == ["other.service"]


def test_a_timer_that_is_watched_as_a_unit_only_is_told_as_one(tmp_path):
    """Systemd tells of both in one answer."""
    listed = Completed(0, "good.timer loaded active waiting A timer\nbad.timer loaded active waiting Another\n", "")
    shown = Completed(0, f"{CALENDAR}\n{COUNTING}\n{WELL.format(1)}", "")
    context = FakeHost(tmp_path, {f"{SYSTEMCTL} list-units": listed, f"{SYSTEMCTL} show": shown})
    context.write("/run/systemd/system/x", "")
    options = services.ServicesOptions(units=["*.timer"], timers=["good.*"])
    read = list(services.ServicesCollector(options, context, lambda: 1600.0).collect(1e9))
    assert {one.labels["unit"] for one in read if one.name == "service_failed"} == {"good.timer", "bad.timer"}
    assert {one.labels["unit"] for one in read if one.name.startswith("timer_")} == {"good.timer"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1w 2d", 777_600), ("1month 1y", 34_187_400), ("5min 3ms", 300.003), ("infinity", None), ("", None)],
)
def test_spans_are_read_as_systemctl_writes_them(text, seconds):
    """None is no time at all."""
    assert span(text) == seconds
