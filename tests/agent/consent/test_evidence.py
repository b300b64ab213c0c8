"""The closed core of evidence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.consent.evidence import CORE_NUMBERS, CORE_UNITS, FURTHER_NUMBERS, core, permitted
from agent.consent.levels import LEVELS

FACTS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


def test_measured_value_limit_and_growth_are_core():
    """What a ticket is about stays."""
    evidence = {"value": 12e9, "limit": 5e9, "unit": "bytes", "growth_per_day": 2.3e9}
    assert core(evidence) == evidence


def test_text_under_a_core_key_is_not_core():
    """A key that is known does not let a path or a name through."""
    assert core({"value": "/home/ann/secret", "unit": "ann"}) == {"unit": "count"}


EVIDENCE = st.dictionaries(
    st.sampled_from([*sorted(CORE_NUMBERS | FURTHER_NUMBERS), "unit", "path", "process"]) | st.text(), FACTS
)


@given(EVIDENCE)
def test_nothing_but_known_numbers_and_a_known_unit_is_core(evidence):
    """Whatever a threshold puts into evidence, only numbers under known keys and a unit of the closed list remain."""
    kept = core(evidence)
    assert kept.pop("unit") in CORE_UNITS
    assert set(kept) <= CORE_NUMBERS
    assert all(isinstance(value, int | float) for value in kept.values())


@given(EVIDENCE, st.sampled_from(LEVELS))
def test_consent_adds_known_numbers_and_never_text(evidence, level):
    """Without it there is the core alone."""
    kept = permitted(evidence, level)
    more = set(kept) - set(core(evidence))
    assert core(evidence).items() <= kept.items()
    assert more == (
        set() if level == "none" else {key for key in FURTHER_NUMBERS & evidence.keys() if number(evidence[key])}
    )


def number(fact):
    """Return whether a fact is a number."""
    return isinstance(fact, int | float)
