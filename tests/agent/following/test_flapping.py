"""What comes and goes slowly is told of less and less often, and is still believed in the end."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from agent.following.facts import unpack
from host_in_memory import DAY, HOUR, MINUTE, RULES, Host, filling, healthy


@pytest.fixture
def host() -> Host:
    """A host with an open case whose rule believes a recovery after an hour."""
    host = Host()
    host.open_case()
    return host


def live(host: Host, *, good: float, bad: float, days: float) -> list[tuple[str, float]]:
    """Let the problem come and go; return what was said of it, and when (seconds since the beginning)."""
    said, began = [], host.now
    while host.now < began + days * DAY:
        is_good = (host.now - began) % (good + bad) < good
        said += [
            (what, host.now - began) for what in host.cycle(healthy() if is_good else filling(), after=10 * MINUTE)
        ]
    return [(what, at) for what, at in said if what in {"comment recovered", "comment returned"}]


def test_the_first_recovery_takes_no_longer_than_the_rule_says(host):
    """An hour of good measurements."""
    host.cycle(healthy())
    assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]


def test_when_it_is_known_to_recur_each_return_has_doubled_the_time(host):
    """The third time is known; the comment says how long measurements were good."""
    for hours in (1, 1, 4, 8, 16, 24, 24):
        host.cycle(healthy())
        assert host.cycle(healthy(), after=hours * HOUR - MINUTE) == []
        assert host.cycle(healthy(), after=MINUTE) == ["comment recovered"]
        assert unpack(host.said("recovered")[-1].facts).verify == hours * HOUR
        host.cycle(filling())
        assert "comment returned" in host.cycle(filling(), after=5 * MINUTE)


def test_what_comes_and_goes_every_few_hours_is_soon_left_alone(host):
    """Its ticket stays open: within a day it has been seen through, and a week of it adds nothing."""
    said = live(host, good=3 * HOUR, bad=HOUR, days=7)
    assert [what for what, _ in said] == ["comment recovered", "comment returned"] * 2
    assert host.gathering("problem").state == "open"
    assert said[-1][1] < DAY


def test_a_recovery_is_believed_after_a_day_at_the_latest(host):
    """However often it came back."""
    live(host, good=14 * HOUR, bad=HOUR, days=7)
    host.cycle(filling())
    host.cycle(healthy())
    assert host.case().state == "recovering"
    assert host.cycle(healthy(), after=DAY) == ["comment recovered"]


def test_what_comes_back_every_other_week_takes_no_longer_for_it(host):
    """That is no flapping: each time is told as soon as it is known."""
    said = live(host, good=9 * DAY, bad=HOUR, days=60)
    lasted = [after - before for (what, before), (_, after) in pairwise(said) if what == "comment returned"]
    assert lasted
    assert all(time < 3 * HOUR for time in lasted)


def test_a_rule_that_waits_longer_than_a_day_still_does(host, monkeypatch):
    """The bound is for what is doubled."""
    monkeypatch.setitem(RULES, "disk_space", msgspec.structs.replace(RULES["disk_space"], verify=3 * DAY))
    host.cycle(healthy())
    assert host.cycle(healthy(), after=3 * DAY - MINUTE) == []
    assert host.cycle(healthy(), after=MINUTE) == ["comment recovered"]


def test_a_person_who_says_that_it_is_mended_is_believed_sooner(host):
    """Their word and an hour of good measurements: nothing flaps any more."""
    live(host, good=3 * HOUR, bad=HOUR, days=2)
    host.cycle(healthy())
    host.cycle(healthy(), events=host.person("confirm"))
    assert host.cycle(healthy(), after=HOUR) == ["comment closed", "resolve closed"]
