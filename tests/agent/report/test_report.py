"""The whole report of a recorded state: as on record, in each language, harmless, and no more of it leaves than may."""

from __future__ import annotations

import html
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

import recorded_year
from agent.report.leaving import leaving
from agent.report.model import About, Coverage, Lifecycle, Report, Risk, Unseen
from agent.report.page import write_page
from agent.status import SUMMARY_NAME, Summary
from agent.store import Store
from agent.wording.words import in_language
from thresholds import Finding, Forecast, Severity
from ticketing_clients import TicketRef

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
HOSTILE = [
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "\x1b[2J\x1b[31mred",
    "line\nbreak",
    "x" * 10_000,
    "' onload='alert(1)",
    "{{ 7*7 }}",
]


class Page(HTMLParser):
    """What a reader sees of a page, line by line, and its tags."""

    def __init__(self, page):
        super().__init__()
        self.lines, self.tags, self._hidden = [""], [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in {"style", "svg"}
        if tag in {"tr", "p", "li", "h1", "h2", "title", "figcaption", "thead"}:
            self.lines.append("")
        elif tag in {"td", "th"} and self.lines[-1]:
            self.lines[-1] += " | "
        elif tag in {"span", "bdi"} and self.lines[-1]:
            self.lines[-1] = f"{self.lines[-1].rstrip()} "

    def handle_endtag(self, tag):
        self._hidden -= tag in {"style", "svg"}

    def handle_data(self, data):
        if not self._hidden and data.strip():
            self.lines[-1] += data

    @property
    def text(self):
        return "\n".join(" ".join(line.split()) for line in self.lines if line.strip()) + "\n"


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_what_a_report_says_is_on_record(report, remembered, language, golden):
    """Every line that is read, of a host with tickets of every ending."""
    golden(GOLDEN / f"report.{language}.txt", Page(report(remembered, language=language)).text)


def test_the_page_is_on_record(report, remembered, golden):
    """The whole file, but for its styles and what is drawn."""
    page = report(remembered)
    page = re.sub(r"(?s)<style>.*?</style>", "<style>…</style>", page)
    golden(GOLDEN / "report.html", re.sub(r"(?s)(<svg[^>]*>).*?</svg></figure>", r"\1…</svg></figure>", page))


def test_it_needs_nothing_else(report, remembered):
    """No script, no address that is fetched, and a policy that forbids both."""
    page = Page(report(remembered))
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form", "a"}
    assert not [attrs for _, attrs in page.tags if {"src", "href"} & attrs.keys()]
    policy = next(attrs for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_no_english_is_left_in_a_chinese_report(report, remembered):
    """But for names, what people wrote, and what a collector said."""
    text = Page(report(remembered, language="zh-CN")).text
    names = r"files-01|Müller & Partner|file server|postgresql|nginx|redis|debian|backup\.service|https://\S+|Foretell"
    names += r"|Moved the old.*?now on\.|Extended the volume\.|no answer within 5 s|smartctl.*|disk|Europe/Berlin|PDF"
    text = re.sub(rf"{names}|/\w+(/\w+)?|P\d|[GM]B|UTC|\w+_bytes|\b[0-9a-f]{{16}}\b", "", text)
    assert re.findall(r"[A-Za-z]{2,}", text) == []


def test_names_of_a_host_are_shown_harmlessly(state, report):
    """Whatever a mount, a host, a ticket or a person is called: letters, one line, in their own direction."""
    with Store.open(state) as store:
        made = recorded_year.Tickets(store)
        for number, name in enumerate(HOSTILE):
            case = made.case("disk_space", {"mountpoint": name, "n": str(number)}, severity=Severity.WARNING)
            case = made.opened(case, 30, recorded_year.due(30, 5))
            case = msgspec.structs.replace(case, ticket=TicketRef("helpdesk", name))
            made.ended(case, 28, done=name)
            made.opened(made.case("service_failed", {"unit": name}, severity=Severity.WARNING), 2)
    summary = msgspec.json.decode((state / SUMMARY_NAME).read_bytes(), type=Summary)
    findings = [Finding("disk_space", {"mountpoint": name}, Severity.NOTICE, recorded_year.NOW) for name in HOSTILE]
    (state / SUMMARY_NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(summary, findings=findings)))
    page = report(state)
    found = Page(page)
    assert "<script>" not in page
    assert "alert(1)" in html.unescape(page)  # it is told, as letters
    assert "{{ 7*7 }}" in found.text
    assert not [one for one in page if unicodedata.category(one) in {"Cc", "Cf"} and one != "\n"]
    assert len(page) < 600_000
    assert not [attrs for _, attrs in found.tags if any(name.startswith("on") for name in attrs)]


def test_an_empty_host_makes_no_claims(tmp_path, report):
    """Nothing is known: the report says so, and not that all was well."""
    (tmp_path / "new").mkdir()
    Store.open(tmp_path / "new", now=recorded_year.NOW).close()
    text = Page(report(tmp_path / "new")).text
    assert "There are no measurements of this time: nothing here says that all was well." in text
    assert "Records begin on Sunday 29 November" in text


WHOLE = Report(
    host="files-01",
    host_id="5f",
    role="",
    customer="",
    version="1",
    zone="UTC",
    since=0.0,
    until=recorded_year.NOW,
    made_at=recorded_year.NOW,
    lifecycle=[Lifecycle(kind="software", name="nginx", version="1.26")],
    coverage=Coverage(expected=10.0, missing=1.0, unseen=[Unseen(name="smart", reason="/home/anna is not readable")]),
)


@pytest.mark.parametrize("far", [1e15, float("inf")])
def test_a_date_that_no_calendar_has_is_none(far):
    """A firmware lies, a drift goes on for ever: the report is made all the same."""
    dated = [Lifecycle(kind="software", name="nginx", ends_at=far), Lifecycle(kind="system", name="old", ends_at=-far)]
    risk = Risk(about=About(rule="disk_space"), severity=Severity.WARNING, since=0.0, forecast=Forecast(far, far, far))
    page = write_page(msgspec.structs.replace(WHOLE, lifecycle=dated, risks=[risk]), in_language("en"))
    assert Page(page).text.count("no day is announced") == 2


def test_without_consent_only_the_core_leaves(report, remembered):
    """What its tickets told already: no versions, no drawings, nobody's words, nothing that has no ticket."""
    page = report(remembered, level="none")
    assert "<svg" not in page
    for kept in ("13.16", "Extended the volume", "smartctl", "1.26.2", "/opt", "98.3"):
        assert kept not in page
    for told in ("/srv", "2026-12-03", "108", "12 of 13 promises"):
        assert told in page


def test_with_consent_all_but_free_text_leaves(report, remembered):
    """Versions and drawings by `facts`; people's words and what systems said stay at every level."""
    page = report(remembered, level="logs")
    assert "<svg" in page
    assert "13.16" in page
    for kept in ("Extended the volume", "smartctl", "no answer within"):
        assert kept not in page


@pytest.mark.parametrize(("level", "names"), [("none", []), ("facts", ["nginx"])])
def test_what_runs_here_is_told_from_facts_on(level, names):
    """By the table that every channel goes by."""
    left = leaving(WHOLE, level)
    assert [one.name for one in left.lifecycle] == names
    assert [one.reason for one in left.coverage.unseen] == ([""] if names else [])
