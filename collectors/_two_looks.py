"""Counters that only grow, looked at twice: what happened since the run before, and how long that was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

import msgspec

Look = TypeVar("Look")

FirstMeasurement = Annotated[
    float, msgspec.Meta(ge=0.05, le=2, extra={"duration": True}, description="How long the very first run measures.")
]


class Between(msgspec.Struct, Generic[Look], frozen=True):
    """The counters before and after, and the seconds between them, more than 0."""

    before: Look
    after: Look
    seconds: float


class TwoLooks(Generic[Look]):
    """Remembers the last look. The first run has no earlier one and takes it on the spot, for `first` seconds.

    `wait` and `monotonic` are the clock, replaced in tests.
    """

    def __init__(
        self,
        first: float,
        wait: Callable[[float], None] | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._first = first
        self._wait = wait or time.sleep
        self._monotonic = monotonic or time.monotonic
        self._last: tuple[float, Look] | None = None

    def take(self, read: Callable[[], Look]) -> Between[Look]:
        """Return what `read` tells now beside what it told in the run before. Raises what `read` raises."""
        if self._last is None or self._monotonic() - self._last[0] < self._first:
            self._last = (self._monotonic(), read())
            self._wait(self._first)
        then, before = self._last
        now, after = self._monotonic(), read()
        self._last = (now, after)
        return Between(before, after, max(now - then, 0.001))
