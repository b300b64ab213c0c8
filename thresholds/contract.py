"""The contract every kind of threshold keeps, as a test class that the author of one derives from. Needs pytest and Hypothesis.

    class TestMoonPhase(ThresholdContract):
        plugin = moon_phase.PLUGIN
        limits = moon_phase.MoonPhaseLimits(warning=0.9)

`limits` are some under which it can find something bad.
"""

# ruff: noqa: S101 - a shipped test: assert is how pytest asserts

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresholds._finding import CouldNotJudge, Judgement
from thresholds._plugin import Observation, Threshold, ThresholdPlugin

LARGEST_MEMORY = 16_000  # bytes of one subject's memory when stored
START = 1_795_600_800.0
HOUR = 3600.0

_ANY = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, -1.0, 1.8e9, 5e-324, 1e308])
ANYTHING = st.lists(st.builds(Observation, _ANY, _ANY, st.none() | _ANY, st.none() | _ANY), max_size=30)
_STEPS = st.lists(
    st.tuples(st.integers(1, 3 * 86400), st.floats(0, 1) | st.just(float("nan")), st.none() | st.floats(0.5, 2)),
    max_size=60,
)

# Each class that derives is an executor of its own; what a test does depends on nothing but its class.
_inherited = settings(suppress_health_check=[HealthCheck.differing_executors])


class ThresholdContract:
    """What holds for every kind. Derive a test class from it, name the plugin and give it limits."""

    plugin: ClassVar[ThresholdPlugin]
    limits: ClassVar[msgspec.Struct]

    def test_it_says_what_it_is_and_what_each_limit_means(self) -> None:
        """The reference page is made from this."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", self.plugin.name)
        assert self.plugin.summary.endswith(".")
        for struct in msgspec.json.schema(self.plugin.limits)["$defs"].values():
            for name, limit in struct.get("properties", {}).items():
                assert limit.get("description"), f"{name} has no description"

    def test_it_refuses_unknown_limits(self) -> None:
        """A slip in a rule is an error, not a default."""
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"no_such_limit": 1}, self.plugin.limits)

    @_inherited
    @given(ANYTHING)
    def test_it_judges_anything_and_raises_nothing(self, observations: list[Observation]) -> None:
        """Whatever the numbers, the order and the gaps; what it remembers stays small."""
        for answer, memory in self._judged(observations):
            assert isinstance(answer, Judgement | CouldNotJudge)
            assert len(msgspec.msgpack.encode(memory)) <= LARGEST_MEMORY

    @_inherited
    @given(ANYTHING)
    def test_it_is_pure(self, observations: list[Observation]) -> None:
        """The same observation and memory give the same answer, and the memory handed in is left as it was."""
        threshold, memory = self._build(), None
        for observation in observations:
            before = msgspec.msgpack.encode(memory)
            first = threshold.evaluate(observation, memory)
            second = self._build().evaluate(observation, memory)
            assert msgspec.msgpack.encode(memory) == before
            assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second)
            if isinstance(first[0], Judgement) and isinstance(second[0], Judgement):
                assert first[0].evidence is not second[0].evidence, (
                    "evidence is made for each answer: the judge adds to it"
                )
            memory = first[1]

    @_inherited
    @given(ANYTHING)
    def test_a_memory_that_was_stored_is_as_good_as_new(self, observations: list[Observation]) -> None:
        """An agent that is stopped and started after every reading judges like one that ran through."""
        threshold = self._build()
        stored = None
        for observation, (answer, _) in zip(observations, self._judged(observations), strict=True):
            memory = None if stored is None else msgspec.msgpack.decode(stored, type=threshold.memory)
            again, memory = threshold.evaluate(observation, memory)
            stored = msgspec.msgpack.encode(memory)
            assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(answer)

    @_inherited
    @given(_STEPS)
    def test_a_reading_that_was_judged_before_teaches_nothing(
        self, steps: list[tuple[int, float, float | None]]
    ) -> None:
        """Of a collector that is not due, the last reading comes again."""
        once = list(_observations(steps))
        twice = [observation for one in once for observation in (one, one)]
        memories, doubled = ([memory for _, memory in self._judged(them)] for them in (once, twice))
        assert msgspec.msgpack.encode(doubled[1::2]) == msgspec.msgpack.encode(memories)

    def test_a_long_life_needs_no_more_memory_than_a_short_one(self) -> None:
        """Half a year of readings every hour leaves as much behind as two months."""
        year = (Observation(START + hour * HOUR, (hour * 7919 % 1000) / 1000, 1.0) for hour in range(182 * 24))
        sizes = [len(msgspec.msgpack.encode(memory)) for _, memory in self._judged(year)]
        assert max(sizes) <= 1.1 * max(sizes[: 61 * 24]) <= LARGEST_MEMORY

    def test_no_number_is_never_healthy(self) -> None:
        """Unknown is never healthy."""
        answer, _ = self._build().evaluate(Observation(START, float("nan"), 1.0), None)
        assert isinstance(answer, CouldNotJudge)
        assert answer.reason.strip()

    def _build(self) -> Threshold[Any]:
        return self.plugin.build(self.limits)

    def _judged(
        self, observations: Iterable[Observation]
    ) -> Iterator[tuple[Judgement | CouldNotJudge, msgspec.Struct]]:
        threshold, memory = self._build(), None
        for observation in observations:
            answer, memory = threshold.evaluate(observation, memory)
            yield answer, memory


def _observations(steps: Iterable[tuple[int, float, float | None]]) -> Iterator[Observation]:
    at = START
    for seconds, value, whole in steps:
        at += seconds
        yield Observation(at, value, whole)
