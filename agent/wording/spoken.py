"""One language outside of tickets: headlines of problems, times and amounts, for pages and drawings.

The sentences are those of the tickets, so that a reader meets a problem under one name wherever it is told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from agent.chart import Chart, Point
from agent.consent.evidence import core
from agent.following.facts import MemberFacts
from agent.following.follow import GATHERINGS
from agent.wording._values import reachable
from agent.wording.languages import find_language
from agent.wording.lines import together, unmark
from agent.wording.words import Wording, in_language
from thresholds import Fact, Forecast, Severity

#: what a drawing is about that is about no problem
About = Literal["processor", "memory", "room"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a case or a finding: of which rule, about what, what was measured, and when it may happen.

    summary: the rule's own line, for rules that have no sentences of their own.
    """

    rule: str
    summary: str = ""
    subject: Mapping[str, str] = {}
    severity: Severity = Severity.WARNING
    evidence: Mapping[str, Fact] = {}
    forecast: Forecast | None = None


class Spoken:
    """Says things in one language, as of one moment, in one time zone, about one host."""

    def __init__(self, language: str, *, host: str, zone: str, now: float, folder: Path | None = None) -> None:
        """Given a language as people name it, the host's name, an IANA zone, unix seconds, and IT's folder of wording.

        Raises LanguageNotKnown, and what `in_language` raises.
        """
        self.language = find_language(language, folder / "languages" if folder else None)
        self.now = now
        self._wording: Wording = in_language(self.language, folder)
        self._values = {
            "host": SimpleNamespace(id="", name=host, os="", serial="", role=""),
            "zone": ZoneInfo(zone),
            "now": now,
            "copy": False,
            "level": "none",
            "members": [],
        }
        self._say = self._wording.macros("say", self._values | {"what": ""})
        self._chart = self._wording.macros("chart", self._values | {"what": ""})

    # -- problems ---------------------------------------------------------------------------------------------------

    def headline(self, problem: Problem) -> str:
        """Return what the problem is and when it may happen, without a full stop: its ticket begins so."""
        return unmark(self._words(problem).headline())

    def measured(self, problem: Problem) -> str:
        """Return what was measured, in whole sentences; empty when nothing was in numbers."""
        return unmark(self._words(problem).measured(core(dict(problem.evidence))))

    def _words(self, problem: Problem) -> SimpleNamespace:
        subject = {} if problem.rule in GATHERINGS else dict(problem.subject)
        forecast = reachable(problem.forecast, self.now)
        evidence = core(dict(problem.evidence))
        facts = MemberFacts(
            rule=problem.rule,
            summary=problem.summary,
            subject=subject,
            severity=problem.severity,
            evidence=evidence,
            forecast=forecast,
        )
        about = {
            "facts": facts,
            "what": ", ".join(subject[label] for label in sorted(subject)),
            "evidence": evidence,
            "forecast": forecast,
        }
        return self._wording.find_words(problem.rule, problem.rule, self._values | about)

    # -- times and amounts ------------------------------------------------------------------------------------------

    def moment(self, at: float) -> str:
        """Return unix seconds as a day and a time with its offset: `Thursday 26 November, 22:00 (UTC+01:00)`."""
        return self._said("moment", at)

    def day(self, at: float) -> str:
        """Return the day: `Thursday 26 November`."""
        return self._said("day", at)

    def short_day(self, at: float) -> str:
        """Return the day as it stands beside others: `26 Nov`."""
        return self._said("short_day", at)

    def day_and_clock(self, at: float) -> str:
        """Return the day and the time: `Thursday 26 November at 22:00`."""
        return self._said("day_and_clock", at)

    def period(self, start: float, end: float) -> str:
        """Return from when to when: `Tuesday 24 November, 22:00 to 23:00 (UTC+01:00)`."""
        return self._said("period", start, end)

    def duration(self, seconds: float) -> str:
        """Return a time span in one unit: `3 days`."""
        return self._said("duration", seconds)

    def amount(self, value: float, unit: str) -> str:
        """Return a value in `unit` (one of Reading's), or that it is none: a broken firmware reports dates no calendar has."""
        try:
            return self._said("amount", value, unit) if math.isfinite(value) else unmark(str(self._chart.no_number()))
        except (OverflowError, ValueError, OSError):
            return unmark(str(self._chart.no_date()))

    def reachable(self, forecast: Forecast | None) -> Forecast | None:
        """Return `forecast` as far as calendars go."""
        return reachable(forecast, self.now)

    def _said(self, macro: str, *values: object) -> str:
        return unmark(str(getattr(self._say, macro)(*values)))

    # -- drawings (agent.chart.ChartWords) --------------------------------------------------------------------------

    def glance(self, about: About, name: str = "") -> str:
        """Return what a drawing of it is called; of room, that at `name`."""
        return unmark(str(self._chart.glance(about, name)))

    @property
    def at_present(self) -> str:
        """What the line is called that parts what was from what will be."""
        return unmark(str(self._chart.now()))

    def limit(self, chart: Chart) -> str:
        """Return what stands at the line of the limit."""
        return "" if chart.limit is None else unmark(str(self._chart.limit(chart)))

    def describe(self, chart: Chart, points: Sequence[Point]) -> str:
        """Return in words what the drawing shows."""
        return together(unmark(line) for line in str(self._chart.described(chart, points)).splitlines())
