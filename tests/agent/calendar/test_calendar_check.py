"""A calendar that is wrong is said to be so, key by key; one by which nothing ever opens is wrong as well."""

from __future__ import annotations

import tomllib
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from agent.calendar.calendar_check import problems
from agent.configuration.settings import Settings, WindowSettings

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=BERLIN).timestamp()
WEEKLY = 'weekly = [{days = ["sat"], start = "22:00", duration = "4h"%s}]'
RULED = 'rules = [{rule = "%s", start = "%s", duration = "4h"}]'


def found(text: str) -> dict[str, str]:
    """Return by key what is wrong with the [windows] in `text`."""
    read = tomllib.loads(text.replace('"4h"', "14400.0"))
    return {key: problem for key, problem, _ in problems(msgspec.convert(read, WindowSettings), BERLIN, NOW)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        WEEKLY % ', cutoff = 3600.0, zone = "America/New_York", valid_from = "2026-01-01"',
        RULED % ("FREQ=MONTHLY;BYDAY=2SA", "2026-01-10T22:00"),
        'freezes = [{start = "2026-12-20", end = "2026-12-20"}, {start = "2026-12-20T08:00", end = "2026-12-20T09:00"}]',
        'holidays = {country = "DE", subdivision = "BY"}',
        RULED % ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2024-02-29T22:00"),
    ],
)
def test_a_calendar_that_opens_is_right(text):
    """Every night, once a month, across zones, between freezes, on a leap day within five years."""
    assert found(text) == {}


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (WEEKLY % ", cutoff = 14400.0", "windows.weekly[0].cutoff", "is as long as the hours"),
        (WEEKLY % ', zone = "Europe/Berlim"', "windows.weekly[0].zone", "is no IANA time zone"),
        (WEEKLY % ', valid_from = "2026-02-30"', "windows.weekly[0].valid_from", "is a day that no calendar has"),
        (WEEKLY % ', valid_from = "2027-02-01", valid_until = "2027-01-01"', "windows.weekly[0].valid_until", "is before"),
        (RULED % ("FREQ=MONTHLY;BYDAY=XX", "2026-01-10"), "windows.rules[0].rule", "is no recurrence rule"),
        (RULED % ("FREQ=DAILY", "2026-13-10"), "windows.rules[0].start", "is a day that no calendar has"),
        (RULED % ("FREQ=MONTHLY;BYMONTHDAY=99", "2026-01-10"), "windows.rules[0].rule", "is on no day at all"),
        (RULED % ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-10"), "windows.rules[0].rule", "is on no day at all"),
        ('freezes = [{start = "2026-12-20", end = "2026-12-19"}]', "windows.freezes[0].end", "is not after its start"),
        ('freezes = [{start = "2026-12-20", rule = "FREQ=DAILY;INTERVAL=0"}]', "windows.freezes[0].rule", "INTERVAL is 0"),
        ('holidays = {country = "XQ"}', "windows.holidays.country", "its public holidays are not known here"),
        ('holidays = {country = "DE", subdivision = "XX"}', "windows.holidays.subdivision", "is no part of this country"),
        ('holidays = {subdivision = "BY"}', "windows.holidays.subdivision", "is of no country"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_by_its_key(text, key, problem):
    """What is wrong, and only that."""
    told = found(text)
    assert list(told) == [key]
    assert problem in told[key]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("weekly = []", "no agreed hours come"),
        (WEEKLY % ', valid_until = "2026-11-01"', "no agreed hours come"),
        ('freezes = [{start = "2026-01-01", end = "2036-01-01"}]', "freezes and holidays leave nothing"),
        (
            'freezes = [{start = "2026-01-01", rule = "FREQ=DAILY", duration = 90000.0}]',
            "freezes and holidays leave nothing",
        ),
    ],
)
def test_a_calendar_that_never_opens_is_wrong(text, problem):
    """No hours, hours that are over, a freeze that never ends, a freeze of every day, the longest too."""
    assert problem in found(text)["windows"]


def test_the_defaults_are_right():
    """Nobody has to configure anything."""
    assert problems(Settings().windows, BERLIN, NOW) == []
