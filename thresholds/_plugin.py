"""The interface of a threshold kind: pure, and told the time by its observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from thresholds._finding import CouldNotJudge, Judgement

Memory = TypeVar("Memory", bound=msgspec.Struct)


class Observation(msgspec.Struct, frozen=True):
    """One subject's readings at one time, already joined: the judged value, the whole it is part of, since when it is so."""

    at: float
    value: float
    whole: float | None = None
    since: float | None = None


class Threshold(Protocol[Memory]):
    """A judge with its limits set. Keeps nothing itself: what it must remember of a subject is handed in and out."""

    @property
    def memory(self) -> type[Memory]:
        """The type of its memory, to read back what was stored."""

    def evaluate(self, observation: Observation, memory: Memory | None) -> tuple[Judgement | CouldNotJudge, Memory]:
        """Judge `observation` given the subject's `memory` (None at first sight); return the verdict and the new memory.

        Pure and deterministic. Never raises for any number, order or gap. Memory is bounded and serialisable by msgspec.
        """


class ThresholdPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold kind as a value. `build` is given decoded limits; raises ValueError where limits contradict each other."""

    name: str
    summary: str
    limits: type[msgspec.Struct]
    build: Callable[[Any], Threshold[Any]]
