"""Durations as people write them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.configuration.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86400), ("7d", 604800), ("2w", 1209600), ("1h30m", 5400), ("1.5h", 5400)],
)
def test_every_way_of_writing_is_read(text, seconds):
    """Each unit, two of them together, and a fraction."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "15", "-5m", "30m1h", "5m5m", "5 m", "1e3s", "h", "9" * 400 + "w", "\u0663m"]
)
def test_what_is_no_duration_is_refused(text):
    """A number without unit, a sign, units out of order or twice: each could be a slip, none is guessed."""
    with pytest.raises(ValueError, match="is not a duration such as '90s'"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_what_is_written_is_read_back(seconds):
    """Whole seconds survive writing and reading."""
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.text(alphabet="0123456789.wdhms ", max_size=12))
@example("1.1d")  # whose seconds are not exact in binary
def test_what_was_read_survives_writing(text):
    """Whatever text is taken for a duration, writing it and reading it again gives the same."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, rel=1e-6, abs=1e-6)
