"""A thread that is kept from one piece of work to the next."""

import threading
import time

from agent.system.workers import MOST_RESTING, Workers


def ended(threads):
    """Return whether all but those that rest end."""
    until = time.monotonic() + 30
    while sum(thread.is_alive() for thread in threads) > MOST_RESTING and time.monotonic() < until:
        time.sleep(0.001)
    return sum(thread.is_alive() for thread in threads) <= MOST_RESTING


def test_one_piece_after_the_other_is_done_in_the_same_thread():
    """Begun once."""
    workers, used = Workers(), set()
    for _ in range(5):
        done = threading.Event()
        workers.do(lambda done=done: (used.add(threading.current_thread()), done.set()))
        assert done.wait(30)
        while not workers._resting:
            time.sleep(0.001)
    assert len(used) == 1


def test_what_hangs_holds_nothing_up_and_its_thread_ends_with_it():
    """As many threads as there is work at a time, and one in the end."""
    workers, gate, used, at_work = Workers(), threading.Event(), [], threading.Semaphore(0)

    def hang():
        used.append(threading.current_thread())
        at_work.release()
        gate.wait()

    for _ in range(3):
        workers.do(hang)
        assert at_work.acquire(timeout=30)
    assert len(set(used)) == 3
    gate.set()
    assert ended(used)
