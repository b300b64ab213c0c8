"""The pages: everything is on them, and nothing of the host or a person gets out of its place."""

from html.parser import HTMLParser

import msgspec
import pytest

from agent.model import Case
from agent.status import CaseDetails, CollectorRun, Desk, Snapshot, TicketComment, TicketText, TimeLineEntry
from agent.web.page import MOST_ROWS, render
from agent.web.rendering import CasePage, StatusPage
from collectors import CouldNotCheck, Reading
from ticketing_clients import TicketRef

VOID = {"meta", "link", "br"}


class Read(HTMLParser):
    """A page as a browser reads it: its words, tags and links; raises AssertionError when tags do not nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self._open, self._text = [], [], [], []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self._text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self._text).split())


def read_status(snapshot):
    """Return the front page of `snapshot`, read."""
    return Read(render(StatusPage(snapshot=snapshot)))


@pytest.mark.parametrize(
    "said",
    [
        "Something needs attention",
        "1 open case",
        "2 not checked",
        "in 2 days next crossing",
        "the state folder cannot be written",
        "warning A file system is running full: /srv",
        "12.0 GB of 100.0 GB left (12 %)",
        "2026-11-27 10:00 UTC; most likely 2026-11-28 10:00 UTC, or never",
        "open at the desk",
        "helpdesk #42",
        "goes into the first look's digest",
        "filesystem_avail_bytes: /mnt/nas no answer within 5 s",
        "services systemctl did not finish in 5 s",
        "not judged disk_trend: / not enough history yet",
        "pressure: this kernel has no pressure files",
        "Desk helpdesk State reachable last answer now",
        "Desk on call State nothing had to be sent yet",
        "Waiting 1, the oldest for 2 minutes",
        "rejected: helpdesk: Queue 'Ops' does not exist",
        "cpu_utilization_ratio 1 this host 12.5 %",
        "host id 5f0c9f3b7a1d4e52",
    ],
)
def test_the_front_page_says_all_there_is(snapshot, said):
    """Health, what is coming, cases, holds, gaps, desk, readings: each in plain words."""
    assert said in read_status(snapshot).words


def test_the_page_loads_nothing_but_its_own_style(snapshot):
    """No script, no image, no font from anywhere; tickets and cases are links."""
    page = read_status(snapshot)
    assert not {"script", "img", "iframe", "form", "style"} & set(page.tags)
    assert page.links == [
        "/style.css",
        "/",
        "/cases/a1a1a1a1a1a1a1a1",
        "https://desk.example/Ticket/Display.html?id=42",
        "/cases/b2b2b2b2b2b2b2b2",
        "/metrics",
    ]


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
    words = read_status(bare).words
    for said in ("All that was checked is well", "There is no open case", "Nothing is held back", "Nothing was read"):
        assert said in words
    assert "nothing had to be sent yet" in words


def test_hostile_text_stays_text(snapshot):
    """Names of the host, reasons of a desk and words of a person are shown, never interpreted."""
    evil = "<script>alert(1)</script>\"'><b>{{ 7*7 }}"
    case = msgspec.structs.replace(
        snapshot.cases[0],
        subject={"mountpoint": evil},
        labels={evil: evil},
        ticket_status=evil,
        handler=evil,
        ticket=TicketRef(evil, evil, "javascript:alert(1)"),
    )
    hostile = msgspec.structs.replace(
        snapshot,
        host_name=evil,
        cases=[case],
        degraded={evil: evil},
        rules={"disk_space": evil},
        collectors=[
            CollectorRun(name=evil, success=False, duration=0, unchecked=[CouldNotCheck(evil, {evil: evil}, evil)])
        ],
        readings=[Reading(evil, 1.0, evil, {evil: evil}, 0.0)],
    )
    details = CaseDetails(
        case=case,
        time_line=[TimeLineEntry(at=0, what=evil, by=evil)],
        ticket=TicketText(
            id=evil, title=evil, status=evil, body=evil, comments=[TicketComment(at=0, text=evil, by=evil)]
        ),
    )
    for page in (read_status(hostile), Read(render(CasePage(details=details, summary=hostile.summary)))):
        assert "script" not in page.tags  # and that no stray <b> is open, reading the page has shown
        assert evil in page.words
        assert "49" not in page.words
        assert not any(link.startswith("javascript:") for link in page.links)


def test_a_case_page_tells_the_story_and_the_ticket(snapshot):
    """Priority, dates, time line, and the local desk's ticket with what was said on it."""
    details = CaseDetails(
        case=msgspec.structs.replace(snapshot.cases[0], recurring=True, opened=(1.0, 2.0, 3.0), parent="c3" * 32),
        time_line=[TimeLineEntry(at=snapshot.cycle_at, what="acknowledged", by="Kim")],
        ticket=TicketText(
            id="7",
            title="The disk will be full",
            status="open",
            body="First line.\nSecond line.",
            comments=[
                TicketComment(at=snapshot.cycle_at, text="Tonight.", by="Kim", public=True),
                TicketComment(at=snapshot.cycle_at, text="Measured again."),
            ],
        ),
    )
    page = Read(render(CasePage(details=details, summary=snapshot.summary)))
    for said in (
        "A file system is running full: /srv",
        "Open, told in a ticket with others, since 2026-11-24 10:00 UTC.",
        "P3 warning",
        "device sdb1",
        "3 times within 30 days",
        "2026-11-25 10:00 UTC acknowledged by Kim",
        "The disk will be full First line. Second line.",
        "2026-11-25 10:00 UTC · Kim Tonight.",
        "2026-11-25 10:00 UTC · Foretell · internal Measured again.",
    ):
        assert said in page.words
    assert "/cases/c3c3c3c3c3c3c3c3" in page.links


def test_a_pending_case_says_why_it_has_no_ticket(snapshot):
    """The reason stands under the title, not "open"."""
    fields = {
        field: getattr(snapshot.cases[0], field) for field in ("key", "rule", "subject", "first_seen", "last_seen")
    }
    pending = Case(**fields, changed_at=0.0, state="pending", hold="for")
    words = Read(render(CasePage(details=CaseDetails(case=pending), summary=snapshot.summary))).words
    assert "Seen, not opened yet: must last before it is believed" in words
    assert "not at the desk yet" in words


def test_a_page_stays_bounded(snapshot):
    """A host with thousands of mounts gets a page that says how many more there are."""
    many = [Reading("filesystem_size_bytes", 1e9, "bytes", {"mountpoint": f"/{n}"}, 0.0) for n in range(MOST_ROWS + 5)]
    assert "and 5 more, all of them in metrics" in read_status(msgspec.structs.replace(snapshot, readings=many)).words
