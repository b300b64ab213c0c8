"""What one thread waits for and others bring about."""

import threading

from agent.system.latch import Latch


def test_waiting_ends_when_it_is_set():
    """By another thread; until then it is waited for in vain."""
    latch = Latch()
    assert not latch.wait(0.0)
    threading.Timer(0.01, latch.set).start()
    assert latch.wait(10.0)
    assert latch.is_set()


def test_it_may_be_set_again_and_stays_set():
    """By the thread that ends a run and the one that gives it up, before and after somebody waited."""
    latch = Latch()
    latch.set()
    latch.set()
    assert latch.wait(0.0)
    latch.set()
    assert latch.wait(0.0)
    assert latch.is_set()
