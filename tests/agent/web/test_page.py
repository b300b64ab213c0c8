"""The pages: everything is on them, and nothing of the host or a person gets out of its place."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from agent.configuration.settings import DAY
from agent.status import CaseDetails, CollectorRun, Desk, SentText, Snapshot, TicketComment, TicketText, TimeLineEntry
from agent.web.consent import ConsentView
from agent.web.page import MOST_ROWS, render
from agent.web.reader import Reader
from agent.web.rendering import CasePage, EngineerPage, StatusPage
from collectors import CouldNotCheck, Reading
from page_scenes import SCENES
from thresholds import Forecast
from ticketing_clients import Act, Bullets, Document, Facts, Heading, Paragraph, Preformatted, TicketRef

VOID = {"meta", "link", "br"}
INSIDE = Reader(audience="engineer", may_look_inside=True)


class Read(HTMLParser):
    """A page as a browser reads it: its words, tags and links; raises AssertionError when tags do not nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.ids, self.headings, self._open, self._text = [], [], [], [], [], []
        self.feed(html)
        self.close()
        assert self._open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        self.ids += [value for name, value in attrs if name == "id"]
        self.headings += [int(tag[1])] if tag in {"h1", "h2", "h3", "h4"} else []
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self._text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self._text).split())


def read_front(snapshot, reader=Reader(), **more):  # noqa: B008 - it is frozen
    """Return the front page of `snapshot`, read."""
    return Read(render(StatusPage(reader=reader, summary=snapshot.summary, **more)))


def read_inside(snapshot, **more):
    """Return the engineer's page of `snapshot`, read."""
    return Read(render(EngineerPage(reader=INSIDE, snapshot=snapshot, **more)))


def read_case(details, snapshot, reader=Reader(), **more):  # noqa: B008
    """Return the page of a case, read."""
    return Read(render(CasePage(reader=reader, details=details, summary=snapshot.summary, **more)))


@pytest.fixture(scope="module", params=SCENES)
def scene(request, tmp_path_factory):
    """Return each host that there is to look at."""
    return SCENES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """Return the host with something in each state."""
    return SCENES["busy"](tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def busy_words(busy):
    """Return what its front page says."""
    return front_of(busy).words


def front_of(source, language="en"):
    """Return the front page of a scene, read."""
    reader = Reader(language=language)
    return read_front(source.snapshot, reader, records=source.records, consent=source.allowed)


@pytest.mark.parametrize(
    "said",
    [
        "Something on files-01 needs attention in time",
        "4 things are being taken care of. The next may happen on Saturday 28 November.",
        "The disk /srv of files-01 could be full as early as Saturday 28 November",
        "Saturday 28 November at the earliest, most likely Monday 30 November, at the latest Thursday 3 December.",
        "Time proposed for the work: Thursday 26 November, 22:00 to 23:00 (UTC+01:00).",
        "Time agreed for the work: Tuesday 1 December, 21:00 to 23:00 (UTC+01:00).",
        "being diagnosed",
        "a time is agreed",
        "being worked on",
        "waiting for your confirmation",
        "21.0 GB of 200.0 GB (10.5 %) is free.",
        "Settled by Friday 27 November, 11:00 (UTC+01:00)",
        "In the hands of Kim Weber",
        "Next news by Wednesday 25 November, 15:00 (UTC+01:00), sooner if something changes",
        "when you have confirmed that it is solved",
        "Ticket helpdesk #4361",
        "Done lately done The disk /srv of files-01 is almost full Saturday 21 November",
        "What could not be checked /mnt/nas",
        "One measurement cannot be judged yet.",
        "helpdesk answers.",
        "with some of them the facts about this computer that explain a problem",
        "This is allowed until Sunday 24 January 2027. Allowed by Ada Li.",
    ],
)
def test_the_front_page_says_all_there_is(busy_words, said):
    """Health, what is coming, cases, gaps, desk, consent: each in plain words."""
    assert said in busy_words


def test_what_goes_on_inside_is_not_the_customers(busy, snapshot):
    """No rule, no collector's reason, no key, no label of a device, no comment that was internal."""
    details = busy.find_cases("a1a1")[0]
    pages = [front_of(busy), read_front(snapshot), read_case(details, busy.snapshot, records=busy.records)]
    for words in (page.words for page in pages):
        for hidden in (
            "disk_space",
            "no answer within 5 s",
            "a1a1a1a1",
            "sdb1",
            "5f0c9f3b",
            "The largest folder",
            "Queue",
        ):
            assert hidden not in words


def test_every_page_is_whole_in_every_language(scene):
    """Nested as it should be, headings in order, one main heading, no id twice; no English is left on a Chinese front page."""
    for language in ("en", "zh_Hans", "zh_Hant"):
        reader = Reader(language=language, may_look_inside=True)
        pages = [front_of(scene, language), Read(render(EngineerPage(reader=reader, snapshot=scene.snapshot)))]
        for case in scene.snapshot.cases:
            [details] = scene.find_cases(case.key)
            pages += [read_case(details, scene.snapshot, reader, records=scene.records)]
        for page in pages:
            assert page.headings.count(1) == 1
            assert page.headings[0] == 1
            assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))
            if language != "en":
                assert not {"the", "is", "and", "not"} & set(pages[0].words.split())


def test_each_subject_is_drawn_and_told_as_a_table(busy):
    """A chart with history, limit, forecast and window; whoever does not see it reads what it shows, and its values."""
    page = render(StatusPage(summary=busy.snapshot.summary, records=busy.records))
    read = Read(page)
    assert page.count("<figure>") == 3
    for part in ('class="line"', 'class="limit"', 'class="band"', 'class="window"'):
        assert part in page
    assert "From Monday 26 October to Wednesday 25 November the value went from" in read.words
    assert "The limit is 0 B." in read.words
    assert "It may be reached on Saturday 28 November at the earliest" in read.words
    assert read.tags.count("caption") == 3
    assert "21.0 GB" in page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_a_healthy_host_shows_how_it_has_been(tmp_path):
    """Processor, memory and each file system, drawn; nothing of what is not there any more."""
    source = SCENES["well"](tmp_path)
    page = front_of(source)
    assert page.tags.count("figure") == 4
    for said in ("Use of the processor", "Free memory", "Free space on /", "Free space on /srv"):
        assert said in page.words
    later = msgspec.structs.replace(source.snapshot, cycle_at=source.snapshot.cycle_at + 7200)
    assert "figure" not in read_front(later, records=source.records).tags


def test_what_has_happened_is_not_said_to_be_coming(snapshot):
    """A date that is past for certain is in the headline; no time line tells of it, and nothing "may happen"."""
    past = Forecast(snapshot.cycle_at - DAY, snapshot.cycle_at - DAY, snapshot.cycle_at - DAY)
    ended = msgspec.structs.replace(snapshot.cases[0], forecast=past)
    words = read_front(msgspec.structs.replace(snapshot, cases=[ended])).words
    assert "at any moment" not in words.replace("may be full at any moment", "")
    assert "May happen" not in words
    assert "What is coming" not in words


def test_a_case_that_is_over_says_what_was_measured_then(snapshot):
    """Not what was wrong."""
    after = {"value": 8e10, "whole": 1e11, "unit": "bytes"}
    closed = msgspec.structs.replace(
        snapshot.cases[0], state="closed", closed_at=snapshot.cycle_at, healthy_evidence=after
    )
    assert "80.0 GB of 100.0 GB (80 %) is free." in read_case(CaseDetails(case=closed), snapshot).words


def test_the_page_loads_nothing_but_its_own_style(snapshot):
    """No script, no image from anywhere, no font; tickets and cases are links."""
    page = read_front(snapshot)
    assert not {"script", "img", "iframe", "form", "style"} & set(page.tags)
    assert set(page.links) == {
        "#main",
        "/icon.svg",
        "/style.css",
        "/",
        "/?lang=en",
        "/?lang=zh_Hans",
        "/?lang=zh_Hant",
        "/cases/a1a1a1a1a1a1a1a1",
        "https://desk.example/Ticket/Display.html?id=42",
    }


def test_a_language_that_was_chosen_goes_with_every_link(snapshot):
    """No cookie is needed for that; another language is one step away on every page."""
    reader = Reader(language="zh_Hant", chosen=True, may_look_inside=True)
    links = read_front(snapshot, reader).links
    assert {"/?lang=zh_Hant", "/cases/a1a1a1a1a1a1a1a1?lang=zh_Hant", "/engineer?lang=zh_Hant"} <= set(links)
    assert "/cases/a1a1a1a1a1a1a1a1?lang=en" in read_case(CaseDetails(case=snapshot.cases[0]), snapshot, reader).links


def test_an_empty_host_has_a_page_too():
    """Before anything was found every part says so itself."""
    bare = Snapshot(
        version="0.1.0",
        host_id="x",
        host_name="new",
        started_at=0,
        cycle=1,
        cycle_at=0,
        cycle_duration=0,
        next_cycle_at=60,
        desks=[Desk(name="local")],
    )
    words = read_front(bare).words
    for said in ("All is well with new", "Nothing has to be done", "Everything that should be checked was"):
        assert said in words
    assert "local: nothing had to be sent yet." in words
    assert "Nothing was read." in read_inside(bare).words


def test_a_desk_that_does_not_answer_loses_nothing(tmp_path):
    """The customer is told so, and how much waits."""
    words = front_of(SCENES["failing"](tmp_path)).words
    assert "Something on files-01 is failing, or about to" in words
    assert "helpdesk does not answer now. Nothing is lost: what is to be sent waits, and is tried again." in words
    assert "2 messages wait to be sent." in words


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        (ConsentView(), "Nothing else was allowed, and nothing else leaves."),
        (
            ConsentView(unreadable=True, most="logs", by=("Eve",)),
            "cannot be believed, so nothing but the tickets themselves leaves.",
        ),
        (ConsentView(least="logs", most="logs"), "and with them such facts, and a short stretch of the logs."),
    ],
)
def test_it_says_what_may_leave(snapshot, consent, said):
    """A record that cannot be believed allows nothing, whatever it says."""
    words = read_front(snapshot, consent=consent).words
    assert said in words
    assert "Eve" not in words


EVILS = {
    "markup": "<script>alert(1)</script>\"'><b>{{ 7*7 }}",
    "bidi": "a\u202egnp.exe\u2066",
    "ansi": "\x1b[31mred\x1b]0;title\x07",
    "newline": "one\ntwo\r\nthree :: four",
    "long": "x" * 10_000,
}


@pytest.mark.parametrize("evil", EVILS.values(), ids=EVILS)
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_hostile_text_stays_text(snapshot, evil, language):
    """Names of the host, reasons of a desk and words of a person are shown, never interpreted."""
    case = msgspec.structs.replace(
        snapshot.cases[0],
        subject={"mountpoint": evil},
        labels={evil: evil},
        ticket_status=evil,
        handler=evil,
        ticket=TicketRef(evil, evil, "javascript:alert(1)"),
    )
    run = CollectorRun(name=evil, success=False, duration=0, unchecked=[CouldNotCheck(evil, {evil: evil}, evil)])
    hostile = msgspec.structs.replace(
        snapshot,
        host_name=evil,
        cases=[case, msgspec.structs.replace(case, rule="no_such_rule")],
        degraded={evil: evil},
        rules={"disk_space": evil, "no_such_rule": evil},
        collectors=[run],
        readings=[Reading(evil, 1.0, evil, {evil: evil}, 0.0)],
        desks=[Desk(name=evil, reachable=False, detail=evil)],
    )
    body = Document((Heading(evil), Paragraph(evil), Bullets((evil,)), Facts(((evil, evil),)), Preformatted(evil)))
    details = CaseDetails(
        case=case,
        summary=evil,
        time_line=[TimeLineEntry(at=0, what=evil, by=evil, record=f"confirm by {evil}")],
        sent=[SentText(at=0, desk=evil, title=evil, body=body)],
    )
    consent = ConsentView(most="facts", by=(evil,))
    pages = [
        render(StatusPage(reader=Reader(language=language), summary=hostile.summary, consent=consent)),
        render(EngineerPage(reader=Reader(language=language, audience="engineer"), snapshot=hostile, consent=consent)),
        render(
            CasePage(reader=Reader(language=language, audience="engineer"), details=details, summary=hostile.summary)
        ),
    ]
    for page in pages:
        read = Read(page)
        assert "script" not in read.tags  # and that no stray <b> is open, reading the page has shown
        assert "49" not in read.words
        assert not any(link.startswith("javascript:") for link in read.links)
        assert not set(page) & {*map(chr, range(9)), "\x1b", "\x07", "\r", "\u202e", "\u2066"}
        assert len(page) < 2_000_000


def test_a_case_page_tells_the_story_and_what_was_sent(busy):
    """Standing, dates, what happened in order, and the public texts exactly as they went out."""
    [details] = busy.find_cases("a1a1")
    words = read_case(details, busy.snapshot, records=busy.records).words
    for said in (
        "The disk /srv of files-01 could be full as early as Saturday 28 November being diagnosed since Tuesday 24 November",
        "Monday 23 November, 11:00 (UTC+01:00) Seen for the first time Tuesday 24 November, 11:01 (UTC+01:00) Ticket opened",
        "Ada agreed to a time for the work",
        "The service desk answered in time",
        "What we do next Agreed for the work: tonight. Free 21.0 GB",
    ):
        assert said in words


def test_engineers_see_more_of_a_case(busy, snapshot):
    """Rule, labels, evidence, key, what the records say, and internal notes."""
    [details] = busy.find_cases("a1a1")
    told = msgspec.structs.replace(details.case, recurring=True, opened=(1.0, 2.0, 3.0), parent="c3" * 32)
    page = read_case(msgspec.structs.replace(details, case=told), busy.snapshot, INSIDE, records=busy.records)
    for said in (
        "disk_space",
        "device sdb1",
        "a1" * 32,
        "3 times within 30 days",
        "The largest folder is /srv/shop.",
        "internal",
    ):
        assert said in page.words
    assert "/engineer/cases/c3c3c3c3c3c3c3c3" in page.links
    pending = msgspec.structs.replace(snapshot.cases[0], state="pending", hold="for", ticket=None)
    assert "pending for" in read_case(CaseDetails(case=pending), snapshot, INSIDE).words


def test_what_people_wrote_is_shown_to_whom_it_is_for(snapshot):
    """A comment at the agent's own desk as it was meant; words that another desk told of are engineers' only."""
    when = datetime.fromtimestamp(snapshot.cycle_at, UTC)
    acts = [
        Act(id=text, kind="reply", by=by, at=when, text=text) for by, text in (("Kim", "Tonight."), ("Lee", "A note."))
    ]
    comments = [
        TicketComment(at=snapshot.cycle_at, text="Tonight.", by="Kim", public=True),
        TicketComment(at=snapshot.cycle_at, text="Ours, and sent already."),
    ]
    details = CaseDetails(
        case=msgspec.structs.replace(snapshot.cases[0], acts=tuple(acts)),
        ticket=TicketText(id="7", title="The disk", status="open", body="", comments=comments),
    )
    customer, engineer = read_case(details, snapshot).words, read_case(details, snapshot, INSIDE).words
    assert customer.count("A note from Kim") == engineer.count("A note from Kim") == 1
    assert "A note from Lee" not in customer
    assert "A note from Lee" in engineer
    assert "Ours, and sent already." not in engineer


@pytest.mark.parametrize(
    "said",
    [
        "1 open case",
        "2 not checked",
        "the state folder cannot be written",
        "A file system is running full: /srv",
        "Friday 27 November at the earliest, most likely Saturday 28 November, or never",
        "it was there when we came, and goes into the first look",
        "filesystem_avail_bytes: /mnt/nas no answer within 5 s",
        "services systemctl did not finish in 5 s",
        "not judged: disk_trend: / not enough history yet",
        "pressure : this kernel has no pressure files",
        "Service desk helpdesk State it answers",
        "Service desk on call State nothing had to be sent yet",
        "Waiting 1 the oldest since Wednesday 25 November, 09:58 (UTC+00:00)",
        "rejected : helpdesk: Queue 'Ops' does not exist",
        "cpu_utilization_ratio 1 cpu_utilization_ratio this host 12.5 %",
        "host id 5f0c9f3b7a1d4e52",
    ],
)
def test_engineers_see_what_goes_on_inside(snapshot, said):
    """Cases, holds, gaps with their reasons, desks with their failures, readings."""
    assert said in read_inside(snapshot).words


def test_a_page_stays_bounded(snapshot):
    """A host with thousands of mounts and hundreds of cases gets pages that say how many more there are."""
    many = [Reading("filesystem_size_bytes", 1e9, "bytes", {"mountpoint": f"/{n}"}, 0.0) for n in range(MOST_ROWS + 5)]
    assert (
        "and 5 more; all of them are in the metrics"
        in read_inside(msgspec.structs.replace(snapshot, readings=many)).words
    )
    cases = [msgspec.structs.replace(snapshot.cases[0], key=f"{number:064x}") for number in range(500)]
    assert "400 more are not listed here." in read_front(msgspec.structs.replace(snapshot, cases=cases)).words


def test_a_missing_or_damaged_history_takes_only_the_drawings(busy, tmp_path):
    """The page is there, and says everything else."""
    for records in ("", str(tmp_path / "gone")):
        page = read_front(busy.snapshot, records=records)
        assert "figure" not in page.tags
        assert "The disk /srv of files-01" in page.words
    assert not Path(tmp_path / "gone").exists()
