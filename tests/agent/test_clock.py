"""The watch that notices when somebody moves the wall clock."""

import pytest

from agent.clock import STEP_SECONDS, ClockWatch, HostClock

DAY = 86_400.0


class Hours:
    """A clock whose two times are set by hand."""

    def __init__(self):
        self.wall, self.steady = 1_790_000_000.0, 50.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.steady

    def run(self, seconds, *, drift=0.0):
        """Let time pass; the wall clock gains `drift`."""
        self.steady += seconds
        self.wall += seconds + drift


@pytest.fixture
def clock():
    return Hours()


@pytest.fixture
def watch(clock):
    return ClockWatch(clock)


def test_time_that_passes_is_no_step(clock, watch):
    """A minute or a week."""
    for seconds in (0, 60, 7 * DAY):
        clock.run(seconds)
        assert watch.step() == 0.0


@pytest.mark.parametrize("step", [DAY, -DAY, STEP_SECONDS + 1, -STEP_SECONDS - 1])
def test_a_step_is_told_once_by_how_much(clock, watch, step):
    """Forwards and backwards."""
    clock.run(15, drift=step)
    assert watch.step() == pytest.approx(step)
    clock.run(15)
    assert watch.step() == 0.0


def test_what_time_servers_slew_is_no_step_until_it_adds_up(clock, watch):
    """A clock that is slowly led right is left alone; what it was led by in all is told in the end, not lost."""
    told = 0.0
    for _ in range(10):
        clock.run(60, drift=1.0)
        told += watch.step()
    assert told == pytest.approx(6.0)


def test_two_steps_that_undo_each_other_between_looks_are_none(clock, watch):
    """Nobody saw them."""
    clock.run(5, drift=DAY)
    clock.run(5, drift=-DAY)
    assert watch.step() == 0.0


def test_the_hosts_clock_tells_both_times():
    """Unix seconds, and seconds that only grow."""
    clock = HostClock()
    assert clock.now() > 1_700_000_000
    assert clock.monotonic() <= clock.monotonic()
