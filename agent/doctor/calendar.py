"""The doctor at the calendar: whether maintenance hours come, when next, and how old the data are that they lean on."""

from __future__ import annotations

import zoneinfo
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.calendar.calendar_check import problems
from agent.calendar.calendars import calendar
from agent.calendar.windows import Limits, propose
from agent.configuration.config import Configuration
from agent.doctor.examination import Result
from agent.wording.plain import moment

# The zones of any year since 2000; a slim container may have a handful, or none.
ZONES_WANTED = 400


def examine_calendar(configuration: Configuration, now: float) -> Result:
    """Return what there is to say about the customer's calendar at `now` (unix seconds)."""
    settings, zone = configuration.settings.windows, ZoneInfo(configuration.zone)
    zones = len(zoneinfo.available_timezones())
    if zones < ZONES_WANTED:
        found, hint = f"the time zone data are incomplete, {zones} zones", "install the package tzdata"
        return Result(number=14, subject="calendar", verdict="wrong", found=found, hint=hint, reason="configuration")
    wrong = problems(settings, zone, now)
    if wrong:
        return Result(
            number=14,
            subject="calendar",
            verdict="wrong",
            found="; ".join(f"{key}: {problem} (mend: {cure})" for key, problem, cure in wrong),
            hint="mend the file; `foretell run` does not start with it",
            reason="configuration",
        )
    ahead = calendar(settings, zone, now)
    opens = propose(now, ahead, Limits(soonest=now, length=1.0), options=1).options
    when = f"next {moment(opens[0].start, zone.key)}" if opens else "none within a year"
    data = ", ".join(filter(None, (f"time zone data {zone_data()}", ahead.holidays)))
    found = f"maintenance hours in {zone.key}: {when}; by {data}"
    hint = "" if opens else "a problem of today gets no window; see docs/windows.md"
    return Result(number=14, subject="calendar", verdict="well" if opens else "warning", found=found, hint=hint)


def zone_data() -> str:
    """Return the release of the time zone data in use, as IANA calls it (2026a); the system's come before the package's."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / "tzdata.zi").is_file():
            with (folder / "tzdata.zi").open(encoding="utf-8") as file:
                return file.readline().removeprefix("# version").strip()
        if folder.is_dir():
            return f"of the system, in {folder}"
    return version("tzdata")
