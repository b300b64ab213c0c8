"""What people are shown when they grant consent: the record names its version, so a version never changes."""

import hashlib
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from agent import wording
from agent.consent import LEVELS, WORDINGS
from ticketing_clients import to_plain

FOLDER = resources.files("agent.wording") / "templates" / "consent"
#: SHA-256 of every text that people may have been shown. Never change one: write another version, and add it here.
SHOWN = {"1": "a24916dd516e42f38b9424005d23e099a87ec9f6c47290e48ae4754b3b8c9ada"}


def shown(level, **more):
    """Return the newest text for a level."""
    values = {
        "customer": "Acme",
        "host": "web1",
        "level": level,
        "classes": (),
        "until": 1_795_600_800.0,
        "now": 1_795_600_800.0,
        "zone": ZoneInfo("UTC"),
    }
    return to_plain(wording.parse(wording.write(f"consent/{WORDINGS[-1]}", values | more)))


def test_a_version_that_was_shown_stays_as_it_was():
    """Otherwise the record would name words that nobody saw."""
    found = {file.name.removesuffix(".j2"): hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    assert found == SHOWN
    assert set(found) == set(WORDINGS)


@pytest.mark.parametrize("level", LEVELS[1:])
def test_each_level_is_told_with_those_before_it_and_no_more(level):
    """Who allows little is not asked for much."""
    text = shown(level)
    told = [
        one for one, words in zip(LEVELS[1:], ("Facts: ", "Excerpts of logs: ", "Logs: "), strict=True) if words in text
    ]
    assert told == list(LEVELS[1 : LEVELS.index(level) + 1])


def test_it_says_for_whom_for_how_long_and_for_what():
    """As much as the grant itself."""
    assert "For Acme, on the computer web1, until Wednesday 25 November at 10:00: " in shown("facts")
    assert "All tickets, whatever they are about." in shown("facts")
    assert "Only tickets of these kinds: disk_*, type:capacity" in shown("facts", classes=("disk_*", "type:capacity"))


def test_it_says_how_to_take_it_back():
    """In every version."""
    assert "foretell consent revoke" in shown("facts")


def test_names_make_no_structure():
    """A customer's name is only a name."""
    assert "For # Acme :: x, on the computer" in shown("facts", customer="# Acme :: x")
