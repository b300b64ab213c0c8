"""Asks several things at once, each in a thread of its own and for no longer than its time.

What hangs holds up nothing else, and is not asked again while it hangs: a thread cannot be ended, so at most one is left
behind for each thing that is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from collectors._plugin import CollectorError

Name = TypeVar("Name", bound=Hashable)
Answer = TypeVar("Answer")

AT_ONCE = 8
MARGIN = 1.0  # seconds before the collector's deadline at which what has not answered is given up


class Late(CollectorError):
    """It was asked and has not answered in time."""


class SideBySide(Generic[Name, Answer]):
    """Kept for the life of a collector, because it remembers what hangs.

    patience: seconds that one may take. within: seconds for all of them together.
    """

    def __init__(self, patience: float, within: float, at_once: int = AT_ONCE) -> None:
        """Set the limits. Raises ValueError where one alone would have no time."""
        if patience > within - MARGIN:
            raise ValueError(f"`timeout` is too long for a `deadline` of {within:g} s")
        self._patience = patience
        self._within = within - MARGIN
        self._at_once = at_once
        self._hanging: dict[Name, threading.Thread] = {}

    def ask(self, questions: Mapping[Name, Callable[[], Answer]]) -> Iterator[tuple[Name, Answer | Exception]]:
        """Yield each name with what its question answered or raised: Late where it hangs, CollectorError where it had no turn."""
        slots = threading.Semaphore(self._at_once)
        answers: dict[Name, Answer | Exception] = {}
        started: dict[Name, float] = {}
        end = time.monotonic() + self._within

        def work(name: Name) -> None:
            try:
                answers[name] = questions[name]()
            except Exception as error:  # noqa: BLE001 - handed to the collector, which says what it means
                answers[name] = error
            finally:
                slots.release()

        self._hanging = {name: thread for name, thread in self._hanging.items() if thread.is_alive()}
        for name in questions:
            if name not in self._hanging and slots.acquire(timeout=max(0.0, end - time.monotonic())):
                started[name] = time.monotonic()
                self._hanging[name] = threading.Thread(target=work, args=(name,), name=f"ask-{name}", daemon=True)
                self._hanging[name].start()
        for name in questions:
            if name not in started:
                hangs = name in self._hanging
                yield (
                    name,
                    Late("the last try still hangs") if hangs else CollectorError("there was no time left for it"),
                )
                continue
            self._hanging[name].join(max(0.0, min(started[name] + self._patience, end) - time.monotonic()))
            yield name, answers.get(name, Late(f"no answer within {self._patience:g} s"))
