"""One language outside of tickets: every rule has a headline in it, and no value makes it stumble."""

from __future__ import annotations

import pytest

from agent.configuration.config import shipped_summaries
from agent.configuration.settings import DAY
from agent.wording.languages import LanguageNotKnown
from agent.wording.spoken import Problem, Spoken
from thresholds import Forecast

NOW = 1_795_600_800.0  # 2026-11-25 10:00 UTC
LANGUAGES = ("en", "zh_Hans", "zh_Hant")


def speak(language="en", zone="Europe/Berlin"):
    """Return one who speaks of the host web01."""
    return Spoken(language, host="web01", zone=zone, now=NOW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_a_headline_in_every_language(language):
    """With a date and without, about something and about the host; one line that names the host, or the thing."""
    said = speak(language)
    for rule, summary in shipped_summaries().items():
        for forecast in (None, Forecast(NOW + 2 * DAY, NOW + 4 * DAY, None), Forecast(NOW, NOW, NOW)):
            for subject in ({}, {"mountpoint": "/srv"}):
                headline = said.headline(Problem(rule=rule, summary=summary, subject=subject, forecast=forecast))
                assert "web01" in headline or "/srv" in headline
                assert "\n" not in headline
                assert headline == headline.strip(" .。")


def test_it_is_what_the_ticket_says():
    """A problem has one name, on the page and at the desk."""
    evidence = {"value": 12e9, "whole": 1e11, "limit": 0.0, "unit": "bytes", "path": "/secret"}
    forecast = Forecast(NOW + 2 * DAY, NOW + 3 * DAY, None)
    problem = Problem(rule="disk_space", subject={"mountpoint": "/srv"}, evidence=evidence, forecast=forecast)
    assert speak().headline(problem) == "The disk /srv of web01 could be full as early as Friday 27 November"
    assert speak().measured(problem) == "12.0 GB of 100.0 GB (12 %) is free."
    assert speak("zh-TW").headline(problem) == "web01 的 /srv 磁碟最早可能在 11 月 27 日（星期五）寫滿"


def test_a_rule_of_its_own_is_told_by_its_summary():
    """One that IT wrote has no sentences; its line, which may be in no catalogue, says what it is."""
    assert speak("zh_Hans").headline(Problem(rule="ours", summary="The tape is full")).endswith("The tape is full")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (2e9, "bytes", "2.0 GB"),
        (0.5, "ratio", "50 %"),
        (float("nan"), "count", "no number"),
        (9e18, "timestamp", "no date"),
    ],
)
def test_amounts_are_said_whatever_they_are(value, unit, said):
    """A broken firmware reports dates that no calendar has."""
    assert speak().amount(value, unit) == said


def test_a_drift_that_ends_in_ten_thousand_years_can_be_told():
    """No calendar reaches so far."""
    far = Forecast(NOW + 1e12, NOW + 2e12, NOW + 3e12)
    assert "2126" in speak().headline(Problem(rule="disk_space", forecast=far))
    assert speak().reachable(far).latest is None


def test_a_language_that_nobody_wrote_is_refused():
    """With those that there are."""
    with pytest.raises(LanguageNotKnown):
        speak("tlh")
