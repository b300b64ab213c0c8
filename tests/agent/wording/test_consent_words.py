"""What people are shown when they grant consent: the record names its version, so a version never changes."""

import hashlib
import itertools
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from agent.consent.levels import LEVELS, NEWEST_WORDING, WORDINGS, wording_in
from agent.wording.languages import languages
from agent.wording.lines import parse
from agent.wording.words import in_language
from ticketing_clients import to_plain

FOLDER = resources.files("agent.wording") / "templates" / "consent"
#: SHA-256 of every text that people may have been shown. Never change one: write another version, and add it here.
SHOWN = {"1": "a24916dd516e42f38b9424005d23e099a87ec9f6c47290e48ae4754b3b8c9ada"}
#: and of what it says in each language, as `said` puts it together
SAID = {
    "1.zh_Hans": "2a399e2a9d3fbf843aa24891c9b2126e50ec9a1d18a33f1ec9adb3bea0c669d2",
    "1.zh_Hant": "b3689aef94df6291f360ae13e0cbac8681538eda78100fd549b57fd26fa896bc",
}


def shown(level, version=NEWEST_WORDING, **more):
    """Return the text of a version for a level."""
    values = {
        "customer": "Acme",
        "host": "web1",
        "level": level,
        "classes": (),
        "until": 1_795_600_800.0,
        "now": 1_795_600_800.0,
        "zone": ZoneInfo("UTC"),
    }
    number, _, language = version.partition(".")
    return to_plain(parse(in_language(language or "en").write(f"consent/{number}", values | more)))


def said(version):
    """Return everything that a version can say."""
    return shown("logs", version) + shown("logs", version, host="", classes=("disk_*",))


def test_a_version_that_was_shown_stays_as_it_was():
    """Otherwise the record would name words that nobody saw."""
    found = {file.name.removesuffix(".j2"): hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    assert found == SHOWN
    translated = {version: hashlib.sha256(said(version).encode()).hexdigest() for version in SAID}
    assert translated == SAID
    assert {*found, *translated} == set(WORDINGS)


def test_each_shipped_language_has_the_newest_version():
    """Whoever consents has to be able to read to what; the sentence on each line is another one in each language."""
    assert {wording_in(language) for language in languages()} == set(WORDINGS)
    lines = [set(said(wording_in(language)).splitlines()) for language in languages()]
    alike = set.union(*(one & other for one, other in itertools.combinations(lines, 2)))
    assert [line for line in alike if line.strip("-")] == []


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
