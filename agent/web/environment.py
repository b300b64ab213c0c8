"""The templates' surroundings: one language's sentences, and what they say times, amounts and problems with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup, escape

from agent.chart import Chart, Point, draw
from agent.status import Summary
from agent.web.reader import Reader
from agent.wording import plain
from agent.wording.languages import catalogue, languages
from agent.wording.lines import together
from agent.wording.spoken import Problem, Spoken
from ticketing_clients import Document
from ticketing_clients._markup.html import to_html

MOST_TABLE_ROWS = 12
#: what languages call themselves; one that IT added goes by its name
ENDONYMS = {"en": "English", "zh_Hans": "简体中文", "zh_Hant": "繁體中文"}


class Links:
    """Addresses on the page; a language that was chosen by a link goes on with every other."""

    def __init__(self, reader: Reader, here: str, own: Path | None) -> None:
        """Given the reader, the page's own path, and IT's folder of catalogues."""
        self._reader, self._here = reader, here
        self.languages = [(one, ENDONYMS.get(one, one), one.replace("_", "-")) for one in languages(own)]

    def to(self, path: str) -> str:
        """Return the address of another page of ours."""
        return f"{path}?{urlencode({'lang': self._reader.language})}" if self._reader.chosen else path

    def in_language(self, language: str) -> str:
        """Return the address of this page in another language."""
        return f"{self._here}?{urlencode({'lang': language})}"


def make_environment(
    spoken: Spoken, summary: Summary, reader: Reader, here: str, folder: Path | None
) -> jinja2.Environment:
    """Return what renders the pages for `reader`; `folder` is IT's wording."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.web"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = folder / "languages" if folder else None
    sentences = catalogue(spoken.language, own)
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(sentences.gettext, sentences.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= _filters(spoken, summary)
    environment.filters["translated"] = lambda text: sentences.gettext(text) if text else ""
    environment.globals |= {
        "draw": lambda chart, name: Markup(draw(chart, spoken, f"{name}-", inside=True)),  # noqa: S704 - ours, and escaped
        "at": summary.cycle_at,
        "links": Links(reader, here, own),
        "now": summary,
        "reader": reader,
        "sampled": _sampled,
        "tag": spoken.language.replace("_", "-"),
    }
    return environment


def _filters(spoken: Spoken, summary: Summary) -> dict[str, Any]:
    """Return what templates say times, amounts and subjects with, as seen from the moment of `summary`."""
    return {
        "amount": spoken.amount,
        "body": _body,
        "day": spoken.day,
        "day_and_clock": spoken.day_and_clock,
        "duration": spoken.duration,
        "iso": lambda at: datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes"),
        "measured": lambda judged: spoken.measured(_problem(judged, summary)),
        "moment": spoken.moment,
        "percent": lambda share: f"{share:.2f}%",
        "period": lambda window: spoken.period(window.start, window.end),
        "short_day": spoken.short_day,
        "subject": plain.subject,
        "together": _together,
    }


def _problem(judged: plain.Judged, summary: Summary) -> Problem:
    evidence = getattr(judged, "evidence", {})
    return Problem(
        rule=judged.rule, summary=summary.rules.get(judged.rule, ""), subject=judged.subject, evidence=evidence
    )


def _body(document: Document) -> Markup:
    """Return a sent text as it stands on the ticket, below a heading of ours; its client's markup escapes it."""
    return Markup(to_html(document).replace("<h3>", "<h4>").replace("</h3>", "</h4>"))  # noqa: S704


def _together(sentences: Sequence[str]) -> Markup:
    return Markup(together(escape(sentence) for sentence in sentences))  # noqa: S704 - each is escaped here, once


def _sampled(chart: Chart) -> Sequence[Point]:
    """Return the rows of a table that says what `chart` shows: evenly from the first point to the last."""
    points = chart.points
    if len(points) <= MOST_TABLE_ROWS:
        return points
    step = (len(points) - 1) / (MOST_TABLE_ROWS - 1)
    return [points[round(number * step)] for number in range(MOST_TABLE_ROWS)]
