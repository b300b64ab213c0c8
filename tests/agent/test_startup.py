"""What the daemon finds wrong with its configuration before it starts."""

import pytest

from agent.configuration.decode import ConfigErrors
from agent.startup import load_all


def test_a_calendar_that_never_opens_is_found_before_the_start(tmp_path):
    """By a child; where, what and how to mend it come back from it."""
    config = tmp_path / "foretell.toml"
    config.write_text("[windows]\nweekly = []\n")
    with pytest.raises(ConfigErrors) as wrong:
        load_all(config)
    [error] = wrong.value.errors
    assert (error.file, error.key) == (str(config), "windows")
    assert error.problem == "no agreed hours come within the next five years"
    assert error.cure


def test_a_calendar_that_opens_is_taken(tmp_path):
    """In silence."""
    config = tmp_path / "foretell.toml"
    config.write_text("[windows]\nholidays = {country = 'DE'}\n")
    assert load_all(config).settings.windows.holidays.country == "DE"
