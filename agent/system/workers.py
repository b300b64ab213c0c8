"""A thread that is kept from one piece of work to the next: to begin one each cycle costs 0.1 ms, and new pages for its stack."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

#: threads that stay once their work is done; while one hangs there are others, which end
MOST_RESTING = 1
#: what a thread is called that has nothing to do
RESTING = "resting"

Work = Callable[[], None]


class Workers:
    """Does what it is handed, each piece in a thread that does nothing else meanwhile."""

    def __init__(self) -> None:
        self._resting: list[SimpleQueue[Work]] = []

    def do(self, work: Work) -> None:
        """Have `work`, which never raises, done from now on. Raises RuntimeError where there is no room for a thread."""
        try:
            inbox = self._resting.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), daemon=True).start()
        inbox.put(work)

    def _work(self, inbox: SimpleQueue[Work]) -> None:
        while True:
            inbox.get()()
            if len(self._resting) >= MOST_RESTING:
                return
            threading.current_thread().name = RESTING
            self._resting.append(inbox)
