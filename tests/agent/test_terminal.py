"""What the commands print: complete, in plain words, at every width, and unmoved by what a host calls its things."""

import io
import re
import unicodedata

import msgspec
import pytest
from rich.console import Console

from agent import terminal
from agent.following.model import Operation, QueuedOperation
from agent.rehearsal import Rehearsal
from agent.status import CaseDetails, CollectorRun, Desk, Queue, TicketComment, TicketText, TimeLineEntry
from agent.wording import plain
from collectors import CouldNotCheck
from thresholds import Unjudged
from ticketing_clients import TicketRef

WIDTHS = [40, 60, 80, 200]
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "escape": "\x1b[2J\x1b]0;title\x07red\x1b[31m",
    "bidi": "\u202egnp.exe\u2066",
    "newline": "one\r\nFound\n\n  critical",
    "markup": "[red]x[/red] :smile:",
    "long": "x" * 10_000,
}


class Paper:
    """A console whose print is read back."""

    def __init__(self, width=200, **options):
        self._written = io.StringIO()
        self.console = Console(file=self._written, width=width, **options)

    @property
    def text(self):
        return self._written.getvalue()

    @property
    def words(self):
        """What was printed, without line breaks and alignment."""
        return " ".join(self.text.split())


def rehearsed(snapshot, **changes):
    """Return a cycle on paper that would open the snapshot's cases, unless `changes` say otherwise."""
    titles = {case.key: "The disk /srv will be full" for case in snapshot.cases}
    told = {"snapshot": snapshot, "without_records": "", "would_open": snapshot.cases, "titles": titles}
    told["desks"] = {case.key: ("helpdesk",) for case in snapshot.cases}
    return Rehearsal(**told | changes)


@pytest.fixture
def paper():
    """Return wide paper without colour."""
    return Paper()


@pytest.fixture
def refused(snapshot):
    """Return an operation the desk refused."""
    operation = Operation(
        id="a1a1a1a1a1a1a1a1-1",
        case=snapshot.cases[0].key,
        kind="raise_priority",
        topic="worse",
        facts={},
        created_at=snapshot.cycle_at - 90,
    )
    detail = "helpdesk: Queue 'Ops' does not exist"
    return QueuedOperation(operation=operation, state="rejected", attempts=2, reason="not_applied", detail=detail)


def test_a_check_ends_with_what_would_be_done(paper, snapshot):
    """Read, found, held back, not seen, and at last the ticket that would be opened."""
    terminal.show_check(paper.console, rehearsed(snapshot))
    headings = [line for line in paper.text.splitlines() if line and not line.startswith(" ")]
    assert headings[1:] == ["Read", "Found", "Held back", "Could not be checked", "What I would do"]
    assert "disk 3 readings 1 file system, least room on /srv: 12.0 GB of 100.0 GB left (12 %)" in paper.words
    assert "warning A file system is running full: /srv" in paper.words
    assert "in 2 days: 2026-11-27 10:00 UTC at the earliest" in paper.words
    assert "goes into the first look's digest; due in 20 hours" in paper.words
    assert "filesystem_avail_bytes of /mnt/nas: no answer within 5 s" in paper.words
    assert "services: systemctl did not finish in 5 s" in paper.words
    assert paper.words.endswith("Open a P3 ticket at helpdesk now: The disk /srv will be full")


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        ("for", "Open a P3 ticket at helpdesk in 20 hours, if it lasts:"),
        ("first_look", "Open a P3 ticket at helpdesk in 20 hours, with all else that was there when we came:"),
        ("maintenance", "Open a P3 ticket at helpdesk when maintenance mode ends:"),
    ],
)
def test_a_ticket_that_is_held_back_is_told_with_its_time(paper, snapshot, hold, said):
    """What would be done is not said to be done now."""
    until = None if hold == "maintenance" else snapshot.held[0].until
    held = msgspec.structs.replace(snapshot.held[0], key=snapshot.cases[0].key, hold=hold, until=until)
    terminal.show_check(paper.console, rehearsed(msgspec.structs.replace(snapshot, held=[held])))
    assert said in paper.words


def test_a_check_that_could_not_ask_the_records_says_so(paper, snapshot):
    """Its answer is then that of an agent which was never here before."""
    terminal.show_check(paper.console, rehearsed(snapshot, without_records="agent.sqlite: it may not be read"))
    assert "Judged as if no agent had run here before agent.sqlite: it may not be read" in paper.words


def test_nothing_to_open_is_said_truthfully(paper, snapshot):
    """Nothing to open is not all well: what was held back or not seen is named."""
    terminal.show_check(paper.console, rehearsed(snapshot, would_open=[]))
    assert paper.words.endswith(
        "Nothing to open; 1 ticket is open already. What is held back is not old enough, or is kept for the digest. "
        "What could not be checked is not known to be well."
    )


def test_a_host_where_all_is_well_is_told_so_briefly(snapshot):
    """Without findings, holds and gaps there is nothing to read but that."""
    well = msgspec.structs.replace(snapshot, findings=[], held=[], unjudged=[], collectors=[], cases=[])
    paper = Paper()
    terminal.show_check(paper.console, rehearsed(well, would_open=[]))
    assert "Nothing is wrong with what was checked." in paper.words
    assert "Held back" not in paper.words
    assert paper.words.endswith("What I would do Nothing to open.")


def test_what_is_alike_could_not_be_judged_in_one_line(paper, snapshot):
    """A host has hundreds of units, and of each it is said at first that it was not seen for long enough."""
    at = snapshot.cycle_at
    units = [Unjudged("unit_failed", {"unit": f"{name}.service"}, "not seen for long enough", at) for name in "abc"]
    terminal.show_check(paper.console, rehearsed(msgspec.structs.replace(snapshot, unjudged=units), would_open=[]))
    assert paper.words.count("not seen for long enough") == 1
    assert "a.service and 2 more: not seen for long enough" in paper.words


def test_the_first_cycle_tells_tickets_page_and_demo(paper, snapshot):
    """What `make run` shows: the tickets it opened, what still waits, where the page is, and how to see the whole way."""
    terminal.show_first_cycle(paper.console, snapshot, "http://127.0.0.1:19469/")
    assert "helpdesk #42, P3: A file system is running full: /srv" in paper.words
    assert "Waiting for the desk helpdesk: 1" in paper.words
    assert "Status page: http://127.0.0.1:19469/" in paper.words
    assert paper.words.endswith("foretell demo")


@pytest.mark.parametrize(("waiting", "said"), [(0, "Opened at helpdesk, P3: A file"), (1, "For helpdesk, P3: A file")])
def test_the_first_cycle_never_denies_a_ticket_whose_number_it_does_not_know_yet(paper, snapshot, waiting, said):
    """The desk's answer is taken in with the next cycle."""
    case = msgspec.structs.replace(snapshot.cases[0], ticket=None)
    desks = [Desk(name="helpdesk", queue=Queue(counts={"queued": waiting}))]
    terminal.show_first_cycle(paper.console, msgspec.structs.replace(snapshot, cases=[case], desks=desks), "page")
    assert said in paper.words
    assert "Nothing to open" not in paper.words


def test_status_tells_life_cases_queue_and_gaps(paper, snapshot):
    """One look answers whether somebody must act."""
    terminal.show_status(paper.console, snapshot.summary, snapshot.cycle_at + 20, alive=True)
    assert paper.text.startswith("Something needs attention.\n")
    assert "The daemon is" not in paper.words
    assert "number 61, 2026-11-25 10:00 UTC (now), took 0.25 s" in paper.words
    assert "1 waiting, the oldest for 2 minutes, 1 refused by the desk (foretell outbox list)" in paper.words
    assert "the state folder cannot be written; nothing new is remembered" in paper.words
    assert "a1a1a1a1a1a1 P3 A file system is running full: /srv" in paper.words


def test_a_daemon_that_missed_its_cycles_is_called_stuck(paper, snapshot):
    """An old summary is not news."""
    terminal.show_status(paper.console, snapshot.summary, snapshot.cycle_at + 200, alive=True)
    assert "The daemon is stuck: no cycle since 2026-11-25 10:00 UTC." in paper.words


def test_a_daemon_that_is_gone_is_not_called_alive_either(paper, snapshot):
    """However fresh the summary: what is known is from before."""
    terminal.show_status(paper.console, snapshot.summary, snapshot.cycle_at + 20, alive=False)
    assert "The daemon is not running; this is how things were at 2026-11-25 10:00 UTC." in paper.words


def test_status_without_a_daemon_says_how_to_start_it(paper):
    """No summary, no guess."""
    terminal.show_status(paper.console, None, 0.0, alive=False)
    assert paper.words == "No daemon runs here. Start it with: foretell run"


def test_a_daemon_at_its_first_cycle_is_not_called_absent(paper):
    """It is alive and has nothing to show yet."""
    terminal.show_status(paper.console, None, 0.0, alive=True)
    assert paper.words == "The daemon is at its first cycle."


def test_a_notice_alone_is_not_waited_for(paper, snapshot):
    """What never becomes a ticket is not said to be too young for one."""
    held = [msgspec.structs.replace(snapshot.held[0], hold="notice", until=None)]
    noticed = msgspec.structs.replace(snapshot, held=held, collectors=[], cases=[])
    terminal.show_check(paper.console, rehearsed(noticed, would_open=[]))
    assert paper.words.endswith("Nothing to open.")


def test_nothing_is_padded_with_blanks(paper):
    """A ticket's text that is piped into a file ends its lines where they end."""
    ticket = TicketText(id="42", title="Full", status="open", body="A heading\n\n" + "many words " * 40)
    terminal.show_ticket(paper.console, ticket, "UTC")
    assert all(line == line.rstrip() for line in paper.text.splitlines())


def test_a_desk_that_does_not_serve_us_is_named_with_the_reason(paper, snapshot):
    """A refused token is another thing than a dead desk, and both stand where the desk is."""
    refused = Desk(name="helpdesk", reachable=False, detail="answered 401")
    summary = msgspec.structs.replace(snapshot.summary, desks=[refused, snapshot.desks[1]])
    terminal.show_status(paper.console, summary, snapshot.cycle_at, alive=True)
    assert "helpdesk, does not serve us: answered 401" in paper.words
    assert "on call, nothing had to be sent yet" in paper.words


def test_a_part_of_a_desk_that_is_away_is_told_beside_it(paper, snapshot):
    """One Alertmanager of two, or the relay: the desk takes what we have to say all the same."""
    partly = Desk(name="fleet", reachable=True, detail="https://two: refused")
    summary = msgspec.structs.replace(snapshot.summary, desks=[partly])
    terminal.show_status(paper.console, summary, snapshot.cycle_at, alive=True)
    assert "fleet, reachable, but for a part of it: https://two: refused" in paper.words


def test_a_case_is_told_with_its_story_and_ticket(paper, snapshot):
    """`cases show` has all there is: state, numbers, dates, story, and the local desk's text."""
    comment = TicketComment(at=snapshot.cycle_at, text="Will do tonight [bold]", by="Kim", public=False)
    details = CaseDetails(
        case=msgspec.structs.replace(snapshot.cases[0], recurring=True, opened=(1.0, 2.0, 3.0)),
        summary="A file system is running full",
        time_line=[TimeLineEntry(at=snapshot.cycle_at, what="acknowledged", by="Kim")],
        ticket=TicketText(
            id="42", title="The disk will be full", status="open", body="Line 1\nLine 2", comments=[comment]
        ),
    )
    terminal.show_case(paper.console, details, "Europe/Berlin", snapshot.cycle_at)
    assert "open at the desk, since 2026-11-24 11:00 CET" in paper.words
    assert "in 2 days: 2026-11-27 11:00 CET at the earliest" in paper.words
    assert "device sdb1" in paper.words
    assert "3 times within 30 days" in paper.words
    assert "helpdesk #42, open, Kim" in paper.words
    assert "2026-11-25 11:00 CET acknowledged by Kim" in paper.words
    assert "  Line 1\n  Line 2\n" in paper.text
    assert "2026-11-25 11:00 CET, Kim, internal Will do tonight [bold]" in paper.words


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_case_that_came_back_is_not_called_closed(paper, snapshot, state):
    """It remembers its last closing, which is over."""
    case = msgspec.structs.replace(snapshot.cases[0], state=state, closed_at=snapshot.cycle_at)
    details = CaseDetails(case=case, summary="A file system is running full", time_line=[], ticket=None)
    terminal.show_case(paper.console, details, "UTC", snapshot.cycle_at)
    assert ("Closed 2026" in paper.words) == (state == "closed")


def test_a_ticket_of_the_local_desk_is_shown_as_it_is_now(paper, snapshot):
    """Not as the last look at the desk found it."""
    ticket = TicketText(id="42", title="Full", status="resolved", body="")
    terminal.show_case(paper.console, CaseDetails(case=snapshot.cases[0], ticket=ticket), "UTC", snapshot.cycle_at)
    assert "helpdesk #42, resolved, Kim" in paper.words


def test_the_outbox_tells_why_and_what_to_do(paper, refused):
    """What the desk refused is shown with its reason, and with the two ways out."""
    terminal.show_outbox(paper.console, [refused], "UTC", refused.operation.created_at)
    assert "a1a1a1a1a1a1a1a1-1 raise priority refused by the desk" in paper.words
    assert "not applied: helpdesk: Queue 'Ops' does not exist" in paper.words
    assert "foretell outbox retry ID" in paper.words


def test_what_waits_tells_its_next_try(paper, refused):
    """A queued operation says when it is tried again, and asks nothing of anybody."""
    queued = msgspec.structs.replace(refused, state="queued", not_before=refused.operation.created_at + 300)
    terminal.show_outbox(paper.console, [queued], "UTC", refused.operation.created_at)
    assert "waiting, next try in 5 minutes" in paper.words
    assert "retry ID" not in paper.words


def test_nothing_is_said_of_nothing(paper):
    """Empty lists are a sentence."""
    terminal.show_outbox(paper.console, [], "UTC", 0.0)
    terminal.show_cases(paper.console, [], {}, "UTC", 0.0)
    assert paper.text == "The outbox is empty.\nThere are no cases.\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_shows_everything(snapshot, refused, width):
    """On a narrow terminal lines fold; nothing is cut off and nothing runs over."""
    paper = Paper(width)
    terminal.show_check(paper.console, rehearsed(snapshot))
    terminal.show_status(paper.console, snapshot.summary, snapshot.cycle_at, alive=True)
    terminal.show_outbox(paper.console, [refused], "UTC", snapshot.cycle_at)
    assert max(map(len, paper.text.splitlines())) <= width
    assert "…" not in paper.text
    unfolded = "".join(paper.text.split())
    for whole in ("a1a1a1a1a1a1", "helpdesk#42", "Queue'Ops'doesnotexist", "systemctldidnotfinishin5s"):
        assert whole in unfolded


def test_no_color_means_no_escape_codes(snapshot, monkeypatch):
    """NO_COLOR is heeded on a terminal, and a pipe gets no codes at all."""
    colourful = Paper(force_terminal=True, color_system="standard")
    terminal.show_status(colourful.console, snapshot.summary, snapshot.cycle_at, alive=True)
    assert "\x1b[1;33m" in colourful.text
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Paper(force_terminal=True, color_system="standard")
    terminal.show_status(plain.console, snapshot.summary, snapshot.cycle_at, alive=True)
    assert "33m" not in plain.text


def test_names_of_the_host_are_no_markup(paper, snapshot):
    """A mount called `[red]` or `:smile:` is shown as it is called."""
    gap = CouldNotCheck("filesystem_avail_bytes", {"mountpoint": "/[red]x[/red]"}, "[/] :smile: [link=x]")
    hostile = msgspec.structs.replace(
        snapshot, collectors=[CollectorRun(name="disk", success=True, duration=0.0, unchecked=[gap])]
    )
    terminal.show_check(paper.console, rehearsed(hostile, would_open=[]))
    assert "filesystem_avail_bytes of /[red]x[/red]: [/] :smile: [link=x]" in paper.words


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("width", WIDTHS)
def test_what_hosts_and_desks_call_things_is_only_text(snapshot, refused, name, width):
    """Mounts, reasons, handlers, ticket numbers, and what people wrote: no code reaches the terminal, no line turns around."""
    paper = Paper(width, force_terminal=True, color_system="standard", no_color=True)
    ref = TicketRef(name, name, name)
    case = msgspec.structs.replace(snapshot.cases[0], handler=name, ticket=ref, ticket_status=name, labels={name: name})
    gap = CouldNotCheck("filesystem_avail_bytes", {"mountpoint": name}, name)
    run = CollectorRun(name="disk", success=True, duration=0.0, unchecked=[gap])
    desk = Desk(name=name, reachable=False, detail=name)
    degraded = {"state_read_only": name}
    hostile = msgspec.structs.replace(
        snapshot, host_name=name, cases=[case], collectors=[run], desks=[desk], degraded=degraded
    )
    comment = TicketComment(at=snapshot.cycle_at, text=name, by=name)
    ticket = TicketText(id=name, title=name, status=name, body=name, comments=[comment])
    details = CaseDetails(case=case, ticket=ticket, time_line=[TimeLineEntry(at=snapshot.cycle_at, what=name, by=name)])
    terminal.show_check(paper.console, rehearsed(hostile, titles={case.key: name}, without_records=name))
    terminal.show_status(paper.console, hostile.summary, snapshot.cycle_at, alive=True)
    terminal.show_cases(paper.console, [case], {}, "UTC", snapshot.cycle_at)
    terminal.show_case(paper.console, details, "UTC", snapshot.cycle_at)
    terminal.show_outbox(paper.console, [msgspec.structs.replace(refused, detail=name)], "UTC", snapshot.cycle_at)
    read = re.sub(r"\x1b\[[0-9;]*m", "", paper.text)  # rich's own styles
    assert not [one for one in read if unicodedata.category(one) in {"Cc", "Cf"} and one != "\n"]
    assert max(map(len, read.splitlines())) <= width
    assert "\x1b[31m" not in paper.text


def test_a_case_whose_ticket_is_on_its_way_is_not_at_the_desk_yet(snapshot):
    """While the desk is away the page does not say that it has been told."""
    case = msgspec.structs.replace(snapshot.cases[0], state="open", parent=None)
    assert plain.state(case) == "open at the desk"
    assert plain.state(msgspec.structs.replace(case, ticket=None)) == "open, its ticket is on its way to the desk"
    assert plain.state(msgspec.structs.replace(case, parent="c3" * 32)) == "open, told in a ticket with others"
