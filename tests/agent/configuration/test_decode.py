"""Decoding into structs: everything that is wrong is found, and nothing secret is repeated."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
import pytest

from agent.configuration.decode import ConfigError, ConfigErrors, decode, join, nearest
from collectors import Seconds


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A nested table."""

    url: str
    retries: Annotated[int, msgspec.Meta(ge=0, le=9)] = 3


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two values that must agree."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self):
        """Refuse what contradicts itself."""
        if self.low > self.high:
            raise ValueError("low is above high")


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of each shape that configuration has."""

    wait: Seconds = 1.0
    pause: Annotated[Seconds | None, msgspec.Meta(description="Optional.")] = None
    leads: list[Seconds] = []
    mode: Literal["fast", "slow"] = "fast"
    on: bool = True
    day: dt.date | None = None
    hold: Seconds = msgspec.field(name="for", default=0.0)
    inner: Inner | None = None
    inners: list[Inner] = []
    by_name: dict[str, Inner] = {}
    ratio: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    limit: float | Literal["none"] = 1.0
    pair: Pair = Pair()
    secret: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "name"


def problems(data):
    """Return key, problem and cure of everything that is wrong with `data`."""
    _, errors = decode(Outer, data, file="f.toml")
    return [(error.key, error.problem, error.cure) for error in errors]


def test_a_right_table_becomes_its_struct():
    """Durations in words and numbers, nested tables, lists of tables and renamed keys all arrive."""
    data = {
        "wait": "1h30m",
        "pause": 5,
        "leads": ["30d", 86400],
        "day": dt.date(2028, 6, 30),
        "for": "10m",
        "inner": {"url": "a"},
        "inners": [{"url": "b", "retries": 0}],
        "by_name": {"x": {"url": "c"}},
        "limit": "none",
    }
    value, errors = decode(Outer, data, file="f.toml")
    assert errors == []
    assert value == Outer(
        wait=5400.0,
        pause=5.0,
        leads=[2592000.0, 86400.0],
        day=dt.date(2028, 6, 30),
        hold=600.0,
        inner=Inner(url="a"),
        inners=[Inner(url="b", retries=0)],
        by_name={"x": Inner(url="c")},
        limit="none",
    )


@pytest.mark.parametrize(
    ("data", "key", "problem", "cure"),
    [
        ({"wiat": 1}, "wiat", "unknown key", 'did you mean "wait"?'),
        ({"wait": "soon"}, "wait", 'is "soon"', 'write a duration, for example "15m"'),
        ({"wait": -1}, "wait", "is -1", 'write a duration, for example "15m"'),
        ({"wait": True}, "wait", "is true", 'write a duration, for example "15m"'),
        ({"pause": float("inf")}, "pause", "is Infinity", 'write a duration, for example "15m"'),
        ({"leads": ["1d", "x"]}, "leads[1]", 'is "x"', 'write a duration, for example "15m"'),
        ({"leads": 5}, "leads", "is 5", 'write a list, each a duration, for example "15m"'),
        ({"mode": "fats"}, "mode", 'is "fats"', 'write one of "fast", "slow"'),
        ({"on": "yes"}, "on", "is text", "write true or false"),
        ({"day": "tomorrow"}, "day", 'is "tomorrow"', "write a date, for example 2028-06-30"),
        ({"inner": {}}, "inner.url", "is missing", "write text"),
        ({"inner": "x"}, "inner", "is text", "write a table of keys and values"),
        ({"inners": [{"url": 5}]}, "inners[0].url", "is a number", "write text"),
        ({"by_name": {"a b": {"url": "", "retries": 10}}}, 'by_name."a b".retries', "is 10", None),
        ({"ratio": 1}, "ratio", "is 1", "write a number above 0 below 1"),
        ({"limit": []}, "limit", "is empty", 'write a number or one of "none"'),
        ({"pair": {"low": 3}}, "pair", "low is above high", "change what contradicts it"),
        ({"on": dt.date(2026, 1, 1)}, "on", "is a date or time", "write true or false"),
    ],
)
def test_each_mistake_names_its_key_what_is_there_and_the_cure(data, key, problem, cure):
    """One mistake, one error, at the exact key."""
    [(found_key, found_problem, found_cure)] = problems(data)
    assert (found_key, found_problem) == (key, problem)
    assert found_cure == (cure or "write a whole number of at least 0 of at most 9")


def test_all_mistakes_are_found_and_the_rest_is_kept():
    """Wrong keys keep their default, right ones their value, at every depth."""
    data = {"wait": "x", "mode": "slow", "by_name": {"bad": 1, "good": {"url": "u"}}, "inner": {"retries": "2"}}
    value, errors = decode(Outer, data, file="f.toml")
    assert {error.key for error in errors} == {"wait", "by_name.bad", "inner.retries", "inner.url"}
    assert value == Outer(mode="slow", by_name={"good": Inner(url="u")})


def test_what_cannot_be_built_at_all_is_none():
    """A struct that lacks a required key has no value."""
    value, errors = decode(Inner, {"retries": 1}, file="f.toml", key="desks.rt")
    assert value is None
    assert errors == [ConfigError("f.toml", "desks.rt.url", "is missing", "write text")]


@pytest.mark.parametrize("data", [{"secret": "TOK-3n"}, {"on": "TOK-3n"}, {"TOK-3n": 1}, {"inner": "TOK-3n"}])
def test_free_text_is_never_repeated(data):
    """A token written where its name belongs must not come out again; only a key can."""
    _, [error] = decode(Outer, data, file="f.toml")
    assert "TOK-3n" not in error.problem + error.cure


def test_errors_together_read_line_by_line():
    """The exception's text has one line for each: where, what, how to mend it."""
    errors = [ConfigError("f.toml", "a.b", "is 1", "write 2"), ConfigError("f.toml", "", "is not TOML", "correct it")]
    assert str(ConfigErrors(errors)) == "f.toml: a.b: is 1 — mend: write 2\nf.toml: is not TOML — mend: correct it"


def test_keys_are_joined_as_toml_writes_them():
    """Only what is no bare key is quoted."""
    assert join("desks", "my desk", "url") == 'desks."my desk".url'


@pytest.mark.parametrize(
    ("known", "cure"),
    [(["disk", "cpu"], 'did you mean "disk"?'), (["b", "a"], "known here: a, b"), ([], "leave it out")],
)
def test_an_unknown_name_gets_the_nearest_or_all(known, cure):
    """The nearest, else all, else the advice to leave it out."""
    assert nearest("dsik", known) == cure
