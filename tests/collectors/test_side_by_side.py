"""Several questions at once: what hangs holds up nobody, and is not asked again while it hangs."""

import threading
import time

import pytest

from collectors import CollectorError
from collectors._side_by_side import Late, SideBySide


def test_each_gets_its_own_answer():
    """Or what it raised."""

    def fails():
        raise OSError("no")

    answers = dict(SideBySide(5.0, 20.0).ask({"a": lambda: 1, "b": fails}))
    assert answers["a"] == 1
    assert isinstance(answers["b"], OSError)


def test_what_hangs_is_given_up_and_not_asked_again_until_it_ends():
    """The others are told meanwhile, each time."""
    released = threading.Event()
    asked = []
    hangs = {"slow": lambda: asked.append(1) or released.wait(30), "fast": lambda: "here"}
    probes = SideBySide(0.1, 20.0)
    for _ in range(2):
        answers = dict(probes.ask(hangs))
        assert isinstance(answers["slow"], Late)
        assert answers["fast"] == "here"
    assert len(asked) == 1
    released.set()
    while any(thread.name == "ask-slow" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert dict(probes.ask(hangs))["slow"] is True


def test_no_more_than_so_many_are_asked_at_once():
    """The rest wait for their turn."""
    at_once, most = [0], [0]
    lock = threading.Lock()

    def question():
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        with lock:
            at_once[0] -= 1
        return True

    answers = dict(SideBySide(5.0, 30.0, at_once=2).ask(dict.fromkeys(range(6), question)))
    assert answers == dict.fromkeys(range(6), True)
    assert most == [2]


def test_what_gets_no_turn_was_not_asked():
    """It is said to be so, and it is not the same as a late answer."""
    released = threading.Event()
    answers = dict(SideBySide(0.2, 1.3, at_once=1).ask({"a": lambda: released.wait(30), "b": lambda: 1}))
    released.set()
    assert isinstance(answers["b"], CollectorError)
    assert not isinstance(answers["b"], Late)


def test_one_that_alone_takes_longer_than_all_may_is_refused():
    """The configuration says so, not the first run."""
    with pytest.raises(ValueError, match="`timeout` is too long for a `deadline` of 10 s"):
        SideBySide(9.5, 10.0)
