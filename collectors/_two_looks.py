"""Counters that only grow, looked at twice: what happened since the run before, and how long that was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

Look = TypeVar("Look")

FirstMeasurement = Annotated[
    float,
    msgspec.Meta(ge=0.05, le=2, extra={"duration": True}, description="How long the very first run measures at least."),
]


@runtime_checkable
class LooksAhead(Protocol):
    """What a collector that looks twice is besides."""

    def look_ahead(self) -> None:
        """Take the first look long before the first run, which then waits for less or for nothing. Raises what that run would."""


class Between(msgspec.Struct, Generic[Look], frozen=True):
    """The counters before and after, and the seconds between them, more than 0."""

    before: Look
    after: Look
    seconds: float


class TwoLooks(Generic[Look]):
    """Remembers the last look. The first run, unless one was taken ahead, takes it on the spot; `first` seconds lie between.

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
        """Return what `read` tells now beside what it told at the last look. Raises what `read` raises."""
        then, before = self._last or self.ahead(read)
        if (left := self._first - (self._monotonic() - then)) > 0:
            self._wait(left)
        now, after = self._last = self._look(read)
        return Between(before, after, max(now - then, 0.001))

    def ahead(self, read: Callable[[], Look]) -> tuple[float, Look]:
        """Take the first look now, and return it with its time. Raises what `read` raises."""
        self._last = self._look(read)
        return self._last

    def _look(self, read: Callable[[], Look]) -> tuple[float, Look]:
        return self._monotonic(), read()
