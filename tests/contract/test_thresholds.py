"""What every kind of threshold keeps to: pure, deterministic, bounded, unmoved by garbage, and described for people."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.plugins import THRESHOLDS
from thresholds import CouldNotJudge, Judgement, Observation, deadline, forecast, level, state

KINDS = [THRESHOLDS.load(name) for name in THRESHOLDS.built_in()]
#: limits under which each kind can find something bad
LIMITS = {
    "level": level.LevelLimits(warning=0.8, critical=0.9),
    "state": state.StateLimits(critical=[1], stale_after=3600),
    "deadline": deadline.DeadlineLimits(warning=90 * 86400.0),
    "forecast": forecast.ForecastLimits(),
}
ANY = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, -1.0, 1.8e9, 5e-324, 1e308])
OBSERVATIONS = st.lists(st.builds(Observation, ANY, ANY, st.none() | ANY, st.none() | ANY), max_size=30)
LARGEST_MEMORY = 16_000  # bytes


@pytest.fixture(scope="module", params=KINDS, ids=lambda plugin: plugin.name)
def plugin(request):
    """Each built-in kind in turn."""
    return request.param


def test_it_says_what_it_is_and_what_each_limit_means(plugin):
    """The reference page is made from this."""
    assert plugin.summary.endswith(".")
    for field in msgspec.structs.fields(plugin.limits):
        assert "description" in repr(field.type), f"{plugin.name}.{field.name} has no description"


def test_it_refuses_unknown_limits(plugin):
    """A slip in a rule is an error, not a default."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"no_such_limit": 1}, plugin.limits)


@given(data=st.data())
def test_it_judges_anything_and_raises_nothing(plugin, data):
    """Whatever the numbers, the order and the gaps; a memory goes through storage and back, small and unchanged."""
    threshold = plugin.build(LIMITS[plugin.name])
    memory = None
    for observation in data.draw(OBSERVATIONS):
        answer, memory = threshold.evaluate(observation, memory)
        stored = msgspec.msgpack.encode(memory)
        assert isinstance(answer, Judgement | CouldNotJudge)
        assert len(stored) <= LARGEST_MEMORY
        assert msgspec.msgpack.encode(msgspec.msgpack.decode(stored, type=threshold.memory)) == stored


@given(data=st.data())
def test_it_is_pure(plugin, data):
    """The same observation and memory give the same answer, and the memory handed in is left as it was."""
    threshold = plugin.build(LIMITS[plugin.name])
    memory = None
    for observation in data.draw(OBSERVATIONS):
        before = msgspec.msgpack.encode(memory)
        first = threshold.evaluate(observation, memory)
        second = plugin.build(LIMITS[plugin.name]).evaluate(observation, memory)
        assert msgspec.msgpack.encode(memory) == before
        assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second)
        memory = first[1]


def test_no_number_is_never_healthy(plugin):
    """Unknown is never healthy."""
    answer, _ = plugin.build(LIMITS[plugin.name]).evaluate(Observation(1.8e9, float("nan"), 1.0), None)

    assert isinstance(answer, CouldNotJudge)
