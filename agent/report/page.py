"""A report as one HTML file that needs nothing else: no script, no font, no address. Its words are those of `report.j2`."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from markupsafe import Markup

from agent.chart import Chart, Mark, Point, draw, style
from agent.configuration.settings import DAY, MINUTE
from agent.report.model import About, Capacity, Gap, Lifecycle, Load, Report
from agent.wording._values import FARTHEST, reachable
from agent.wording.lines import together
from agent.wording.words import Wording, Words
from collectors import safe_text
from thresholds import Severity

# A page shows few drawings, of what is fullest or has a date; the table has all.
MOST_DRAWINGS = 8
MOST_GAPS = 10
MOST_ROWS = 400
#: what ends within so many days is worth a plan
PLANNED = 183 * DAY
MONTH = 30.4 * DAY
FULL = 0.7  # of the whole: from here on people want to see where it goes
LITTLE = 0.002  # of the time: so much more than of the others may be missing unsaid
LONGEST_TEXT = 1000  # of what people wrote


class Host(msgspec.Struct, frozen=True):
    """What sentences know of the host."""

    name: str


def write_page(report: Report, wording: Wording) -> str:
    """Return `report` as HTML in the language of `wording`."""
    report = _on_calendars(report)
    values = {"now": report.made_at, "zone": ZoneInfo(report.zone), "host": Host(safe_text(report.host)), "what": ""}
    said = wording.find_sentences("report", values)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"harmless": _harmless, "words": lambda text: safe_text(text, LONGEST_TEXT)}
    page = _Page(report, wording, said)
    return environment.get_template("report.html").render(
        report=report,
        say=said,
        page=page,
        language=wording.language.replace("_", "-"),
        chart_style=Markup(style()),  # noqa: S704 - our own file
        most_rows=MOST_ROWS,
    )


class _Page:
    """What the template asks for beside the report itself."""

    def __init__(self, report: Report, wording: Wording, said: Words) -> None:
        self._report = report
        self._wording = wording
        self._said = said
        self.days = round((report.until - max(report.since, report.coverage.known_since or 0.0)) / DAY)
        self.last_day = report.until - MINUTE  # times are shown to the minute
        #: where records begin, if that is within the period by more than a day
        begin = report.coverage.known_since
        self.begins = begin if begin and begin > report.since + DAY else None
        #: the tickets that warned of a date
        self.warned = [one for one in report.tickets if one.forecast]
        leads = [one.lead for one in self.warned]
        self.lead = statistics.median(leads) if leads else None
        self.dated = [one for one in report.lifecycle if one.ends_at and one.ends_at < report.made_at + PLANNED]
        self.planned_months = round(PLANNED / MONTH)
        self.gaps = [one for one in report.coverage.gaps if _lacks(one) > self._silent + LITTLE][:MOST_GAPS]
        self.drawn = [one for one in report.capacities if _is_worth_a_drawing(one)][:MOST_DRAWINGS]

    @property
    def _silent(self) -> float:
        """The share of the time in which nothing at all was measured."""
        return self._report.coverage.silent / max(self._report.until - self._report.since, 1.0)

    # -- phrases ----------------------------------------------------------------------------------------------------

    def problem(self, about: About) -> str:
        """Return what a part is about, in one line."""
        return str(self._said.problem(about.rule, about.summary, _what(about.subject)))

    def filling(self, about: About) -> str:
        """Return what it is that fills up."""
        return str(self._said.filling(about.rule, about.summary, _what(about.subject)))

    def subject(self, subject: dict[str, str]) -> str:
        """Return what a subject's labels say."""
        return _what(subject)

    def a_month(self, one: Capacity) -> float:
        """Return how much of it fills up in a month."""
        return (one.per_day or 0.0) * MONTH / DAY

    def together(self, *sentences: str) -> str:
        """Return sentences as one text, set as their language is."""
        return together(sentences)

    def next_date(self) -> str:
        """Return the nearest date of an open risk that is to come; empty when none has one."""
        now = self._report.made_at
        dated = [(one.forecast.expected, one.about) for one in self._report.risks if one.forecast]
        coming = min((one for one in dated if one[0] > now), key=lambda one: one[0], default=None)
        if coming is None:
            return ""
        about = coming[1]
        return str(self._said.next_date(about.rule, about.summary, _what(about.subject), coming[0]))

    # -- recommendations --------------------------------------------------------------------------------------------

    def recommendations(self) -> list[tuple[str, list[str]]]:
        """Return what to do, the most pressing first: a sentence, and what it is for."""
        told = list(self._for_risks())
        told += [(text, []) for text in self._for_later()]
        return told

    def _for_risks(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the suggestion for each open risk; what the same suggestion is for stands together."""
        by_text: dict[str, list[str]] = {}
        for about in (one.about for one in self._report.risks if one.severity > Severity.NOTICE):
            values = {"host": Host(safe_text(self._report.host)), "what": _what(about.subject)}
            remedy = self._wording.find_words(about.rule, about.remedy, values).remedy
            by_text.setdefault(self._said.recommend(remedy.action), []).append(self.problem(about))
        yield from by_text.items()

    def _for_later(self) -> Iterator[str]:
        said, report = self._said, self._report
        for one in report.recurrences:
            yield said.recommend_cause(self.problem(one.about), len(one.times))
        for capacity in report.capacities:
            if (
                capacity.source == "trend"
                and capacity.forecast
                and capacity.forecast.expected < report.made_at + PLANNED
            ):
                yield said.recommend_capacity(self.filling(capacity.about), capacity.forecast.expected)
        told = {text for one in report.risks if one.severity > Severity.NOTICE for text in one.about.subject.values()}
        for dated in (one for one in self.dated if one.name not in told):
            certificate = dated.kind == "certificate"
            recommend = said.recommend_certificate if certificate else said.recommend_support
            yield recommend(self.name(dated), dated.ends_at)
        if report.coverage.unseen:
            yield said.recommend_unseen(len(report.coverage.unseen))

    def name(self, dated: Lifecycle) -> str:
        """Return the name and version of what has a date."""
        return _harmless(" ".join(filter(None, (dated.name, dated.version))))

    # -- drawings ---------------------------------------------------------------------------------------------------

    def drawing(self, one: Capacity, number: int) -> Markup:
        """Return how it went as an SVG, with where it leads."""
        chart = Chart(
            title=self.filling(one.about),
            points=one.points,
            unit=one.unit,
            zone=self._report.zone,
            limit=one.whole,
            forecast=one.forecast,
            seen_at=self._report.until,
            marks=[Mark(mark.at, self._said.ticket_mark(_harmless(mark.label))) for mark in one.marks],
        )
        return self._drawn(chart, f"capacity-{number}-")

    def load_drawing(self, one: Load) -> Markup:
        """Return how busy it was as an SVG."""
        points = one.points
        chart = Chart(title=self._said.load(one.what), points=points, unit="ratio", zone=self._report.zone, limit=1.0)
        return self._drawn(chart, f"load-{one.what}-")

    def _drawn(self, chart: Chart, name: str) -> Markup:
        return Markup(draw(chart, _Drawn(self._said), name, inside=True))  # noqa: S704 - the drawing is ours, made as a tree


class _Drawn:
    """The texts of a drawing, in the report's language."""

    def __init__(self, said: Words) -> None:
        self._said = said

    def amount(self, value: float, unit: str) -> str:
        return str(self._said.amount(value, unit))

    def limit(self, chart: Chart) -> str:
        return "" if chart.limit is None else str(self._said.limit(self.amount(chart.limit, chart.unit)))

    def describe(self, chart: Chart, points: Sequence[Point]) -> str:
        first, last = points[0], points[-1]
        low, high = (self.amount(one.value, chart.unit) for one in (first, last))
        words = [self._said.drawing(first.at, last.at, low, high), *(f"{one.label}." for one in chart.marks)]
        if chart.forecast:
            words.append(
                self._said.drawn_forecast(chart.forecast.earliest, chart.forecast.expected, chart.forecast.latest)
            )
        return " ".join(words)


def _on_calendars(report: Report) -> Report:
    """Return `report` with no date that a calendar cannot show: a slow drift ends in ten thousand years, a firmware may lie."""
    now, replace = report.made_at, msgspec.structs.replace
    return replace(
        report,
        tickets=[replace(one, forecast=reachable(one.forecast, now)) for one in report.tickets],
        risks=[replace(one, forecast=reachable(one.forecast, now)) for one in report.risks],
        capacities=[replace(one, forecast=reachable(one.forecast, now)) for one in report.capacities],
        lifecycle=[
            one if one.ends_at is None or 0 <= one.ends_at <= now + FARTHEST else replace(one, ends_at=None)
            for one in report.lifecycle
        ],
    )


def _lacks(one: Gap) -> float:
    return one.missing / one.expected if one.expected else 0.0


def _is_worth_a_drawing(one: Capacity) -> bool:
    """Return whether there is more to see than a line that goes on far from its limit."""
    return len(one.points) > 1 and bool(one.forecast or one.marks or one.share >= FULL)


def _harmless(text: str) -> str:
    return safe_text(text)


def _what(subject: dict[str, str]) -> str:
    """Return the subject's labels as one short text, the same for the same subject."""
    return _harmless(", ".join(subject[label] for label in sorted(subject)))
