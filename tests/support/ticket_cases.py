"""Cases of every kind, and the tickets and comments that are made of them: what tests of wording read."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.configuration.config import shipped_rules
from agent.configuration.settings import DAY, HOUR, CustomerSettings, HostSettings, Maturity, Settings
from agent.consent.levels import Level
from agent.following.facts import ActFacts, CaseFacts, DiagnosisFacts, FoundFact, MemberFacts, UnseenFact, pack
from agent.following.follow import GATHERINGS
from agent.following.model import EarlierTicket, Episode, Operation, Promise
from agent.system.host import HostIdentity
from agent.wording.context import RenderContext
from agent.wording.render import render_comment, render_ticket
from thresholds import Forecast, Severity
from ticketing_clients import Comment, Ticket, TicketRef, to_plain

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=BERLIN).timestamp()  # a Monday
CONTEXT = RenderContext(
    settings=Settings(
        host=HostSettings(role="web shop"),
        customer=CustomerSettings(id="acme", name="Acme Ltd", contact="it@acme.example"),
    ),
    host=HostIdentity(id="5f0c9f3b7a1d4e52", name="web01", os="Debian GNU/Linux 12", serial="7XJ4K02"),
    zone=BERLIN,
    now=NOW,
)


def with_consent(level: Level) -> RenderContext:
    """Return what a text is rendered with where somebody allowed this."""
    return msgspec.structs.replace(CONTEXT, level=level)


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
    "progress",
    "overdue_soon",
    "reminder",
    "dissatisfied",
    "escalated",
    "problem",
    "again",
    "agreed",
    "not_agreed",
    "window_moved",
    "window_over",
    "window_withdrawn",
)
OF_MEMBERS = {"digest", "members", "problem", "again"}
EPISODES = (
    Episode(
        opened_at=NOW - 20 * DAY,
        closed_at=NOW - 18 * DAY,
        closed_by="person",
        severity=Severity.WARNING,
        priority="P3",
        done="Removed old dumps.",
        ticket=TicketRef("rt", "41", "https://desk.example/41"),
    ),
    Episode(
        opened_at=NOW - 9 * DAY,
        closed_at=NOW - 8 * DAY,
        closed_by="rule",
        severity=Severity.WARNING,
        priority="P3",
        ticket=TicketRef("rt", "41", "https://desk.example/41"),
    ),
)
EARLIER = tuple(
    EarlierTicket(closed_at=NOW - days * DAY, ended=ended, ticket=TicketRef("rt", number, url), subject=subject)
    for days, ended, number, url, subject in (
        (8, "unconfirmed", "41", "https://desk.example/41", {}),
        (18, "confirmed", "41", "https://desk.example/41", {}),
        (25, "unproven", "37", "", {"mountpoint": "/var"}),
        (200, "left", "12", "", {}),
    )
)
#: the window that a person had agreed to when each of these is said: next Wednesday's, one that is too late now, last night's
AGREED = {
    topic: MaintenanceWindow(start=at, end=at + HOUR, zone="Europe/Berlin")
    for topic, day in {"agreed": 25, "window_withdrawn": 25, "window_moved": 27, "window_over": 22}.items()
    for at in [datetime(2026, 11, day, 22, tzinfo=BERLIN).timestamp()]
}

FILLING = CaseFacts(
    key="a1" * 32,
    rule="disk_space",
    remedy="disk_space",
    summary=shipped_rules()["disk_space"]["summary"],
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


def summary_of(rule: str) -> str:
    """Return what a shipped rule says of itself; a certificate is watched by a rule that somebody added."""
    return "" if rule in GATHERINGS else shipped_rules().get(rule, {"summary": "a certificate runs out"})["summary"]


def case(rule: str, **facts) -> CaseFacts:
    """Return facts of a case without a forecast, seen an hour ago."""
    summary, remedy = summary_of(rule), shipped_rules().get(rule, {}).get("remedy", rule)
    return msgspec.structs.replace(
        FILLING, rule=rule, remedy=remedy, summary=summary, **{"forecast": None, "evidence": {}, "subject": {}, **facts}
    )


CRITICAL = {"severity": Severity.CRITICAL, "priority": "P2"}
MEMBERS = (
    MemberFacts(
        rule="reboot_required", summary=summary_of("reboot_required"), severity=Severity.NOTICE, since=NOW - 9 * DAY
    ),
    MemberFacts(rule="service_failed", summary=summary_of("service_failed"), subject={"unit": "backup.service"}),
    MemberFacts(rule="certificate", summary=summary_of("certificate"), subject={"name": "shop.example"}),
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
        subject={"mountpoint": "/var"},
        evidence={"value": 31_250.0, "limit": 0.0, "whole": 1_000_000.0, "unit": "count"},
        forecast=Forecast(NOW + 20 * DAY, NOW + 50 * DAY, None),
        priority="P4",
    ),
    "disk_readonly": case("disk_readonly", subject={"mountpoint": "/data"}, **CRITICAL),
    "memory_exhausted": case("memory_exhausted", **CRITICAL),
    "cpu_saturated": case(
        "cpu_saturated",
        evidence={"value": 0.973, "limit": 0.9, "unit": "ratio", "usual": 0.41, "busy_share": 0.08},
    ),
    "cpu_chronic": case(
        "cpu_saturated",
        evidence={"value": 0.973, "limit": 0.9, "unit": "ratio", "usual": 0.99, "busy_share": 0.71},
        priority="P4",
    ),
    "disk_teeth": msgspec.structs.replace(
        FILLING, evidence=FILLING.evidence | {"last_clean_up": NOW - 12 * DAY, "growth_days": 26.0}
    ),
    "service_failed": case("service_failed", subject={"unit": "nginx.service"}, **CRITICAL),
    "service_down": case("service_down", subject={"unit": "postfix.service"}, **CRITICAL),
    "process_missing": case("process_missing", subject={"process": "worker"}, **CRITICAL),
    "os_support_end": case(
        "os_support_end",
        type="lifecycle",
        priority="P4",
        forecast=Forecast(NOW + 90 * DAY, NOW + 90 * DAY, NOW + 90 * DAY),
    ),
    "os_support_ended": case(
        "os_support_end",
        type="lifecycle",
        forecast=Forecast(NOW - 40 * DAY, NOW - 40 * DAY, NOW - 40 * DAY),
    ),
    "port_closed": case("port_closed", subject={"target": "db.example:5432"}, type="network", **CRITICAL),
    "http_failing": case(
        "http_failing",
        subject={"target": "https://shop.example/health"},
        evidence={"value": 6.0, "unit": "count"},
        **CRITICAL,
    ),
    "dns_failing": case("dns_failing", subject={"name": "db.example"}, **CRITICAL),
    "certificate_expiring": case(
        "certificate_expiring",
        subject={"target": "shop.example:443", "part": "own"},
        type="lifecycle",
        forecast=Forecast(NOW + 5 * DAY, NOW + 5 * DAY, NOW + 5 * DAY),
    ),
    "certificate_expired": case(
        "certificate_expiring",
        subject={"target": "/etc/ssl/shop.pem", "part": "own"},
        forecast=Forecast(NOW - DAY, NOW - DAY, NOW - DAY),
        **CRITICAL,
    ),
    "certificate_untrusted": case(
        "certificate_untrusted",
        subject={"target": "shop.example:443"},
        evidence={"value": 2.0, "unit": "count"},
    ),
    "clock_wrong": case(
        "clock_wrong",
        subject={"source": "chronyd"},
        evidence={"value": 12.5, "limit": 1.0, "unit": "seconds"},
    ),
    "container_unhealthy": case("container_unhealthy", subject={"container": "db"}),
    "container_restarting": msgspec.structs.replace(
        case("container_restarting", subject={"container": "db"}), remedy="container_unhealthy"
    ),
    "container_down": case("container_down", subject={"container": "db"}, **CRITICAL),
    "nagios_problem": case("nagios_problem", subject={"check": "mail queue"}, **CRITICAL),
    "software_support_end": case(
        "software_support_end",
        type="lifecycle",
        subject={"product": "PostgreSQL"},
        priority="P4",
        forecast=Forecast(NOW + 60 * DAY, NOW + 60 * DAY, NOW + 60 * DAY),
    ),
    "software_support_ended": case(
        "software_support_end",
        type="lifecycle",
        subject={"product": "Node.js"},
        forecast=Forecast(NOW - 40 * DAY, NOW - 40 * DAY, NOW - 40 * DAY),
    ),
    "reboot_required": case("reboot_required", since=NOW - 12 * DAY, priority="P4"),
    "kernel_outdated": case("kernel_outdated", since=NOW - 30 * DAY, priority="P4"),
    "io_saturated": case(
        "io_saturated",
        subject={"device": "sda"},
        evidence={"value": 23.4, "limit": 10.0, "unit": "count", "usual": 2.1},
        priority="P4",
    ),
    "filesystem_errors": case(
        "filesystem_errors",
        type="hardware",
        subject={"device": "sda"},
        evidence={"value": 3.0, "limit": 1.0, "unit": "count"},
    ),
    "mount_gone": case("mount_gone", subject={"mountpoint": "/srv/archive"}),
    "disk_worn": case(
        "disk_worn",
        type="hardware",
        subject={"device": "sda"},
        evidence={"value": 0.93, "limit": 0.9, "unit": "ratio"},
        priority="P4",
    ),
    "array_degraded": case("array_degraded", type="hardware", subject={"array": "md0"}, **CRITICAL),
    "pool_filling": case(
        "pool_filling",
        subject={"pool": "vg0/thin"},
        evidence={"value": 30e9, "limit": 0.0, "whole": 500e9, "unit": "bytes"},
        forecast=Forecast(NOW + 2 * DAY, NOW + 3 * DAY, NOW + 6 * DAY),
    ),
    "overheating": case(
        "overheating",
        type="hardware",
        subject={"chip": "coretemp"},
        evidence={"value": 4.0, "limit": 10.0, "unit": "celsius"},
    ),
    "container_throttled": case(
        "container_throttled", evidence={"value": 0.38, "limit": 0.25, "unit": "ratio"}, priority="P4"
    ),
    "programs_killed": case(
        "programs_killed", evidence={"value": 2.0, "limit": 1.0, "total": 5.0, "within": HOUR, "unit": "count"}
    ),
    "timer_late": case(
        "timer_late",
        subject={"unit": "backup.timer"},
        evidence={"value": 5 * DAY, "limit": 3 * DAY, "whole": DAY, "unit": "seconds"},
        priority="P4",
    ),
    "first_look": case("first_look", members=MEMBERS, priority="P3"),
    "maintenance_digest": case("maintenance_digest", members=MEMBERS[1:]),
    "storm": case("storm", subject={"began": "1795430000"}, members=MEMBERS, **CRITICAL),
    "overflow": case("overflow", subject={"began": "1795430000", "desk": "rt"}, members=MEMBERS),
    "problem": case(
        "problem",
        subject={"of": "a1a1", "began": "1795430000"},
        members=(
            MemberFacts(
                rule="disk_space",
                subject={"mountpoint": "/srv"},
                evidence=FILLING.evidence,
                forecast=FILLING.forecast,
                ticket="https://desk.example/41",
                opened=(NOW - 20 * DAY, NOW - 9 * DAY, NOW - DAY),
                episodes=EPISODES,
            ),
        ),
    ),
    "disk_space_helped": msgspec.structs.replace(
        FILLING,
        helped=msgspec.structs.replace(EPISODES[0], cause="Nightly dumps were never removed."),
        earlier=EARLIER,
    ),
    "generic": case(
        "certificate",
        subject={"name": "shop.example"},
        evidence={"value": 6.0, "limit": 14.0, "unit": "count"},
        forecast=Forecast(NOW + 6 * DAY, NOW + 6 * DAY, NOW + 6 * DAY),
    ),
}

#: what subjects are called in the examples, by their labels
CALLED = {
    "array": "md0",
    "chip": "coretemp",
    "container": "db",
    "device": "sda",
    "kind": "own",
    "mountpoint": "/srv",
    "name": "/swapfile",
    "part": "own",
    "process": "worker",
    "user": "shop",
    "pool": "vg0/thin",
    "sensor": "Package",
    "source": "chronyd",
    "unit": "backup.timer",
}
#: a ticket of each shipped rule that has no example above: what is said of it is checked, and not kept on record
OTHERS = {
    rule: case(
        rule,
        type=told["type"],
        impact=told["impact"],
        subject={label: CALLED[label] for label in told["select"].get("subject", ())},
    )
    for rule, told in sorted(shipped_rules().items())
    if rule not in {facts.rule for facts in CASES.values()}
}


def found(name: str, value: float | str, unit_of_it: str = "text", *, whole: bool = True, **labels: str) -> FoundFact:
    """Return one fact of a first look."""
    return FoundFact(name=name, value=value, unit=unit_of_it, labels=labels, whole=whole)


LOOKS = {
    "disk_space": (
        "disk_space",
        DiagnosisFacts(
            at=NOW,
            found=(
                found("journal_bytes", 3.9e9, "bytes"),
                found("package_cache_bytes", 1.2e9, "bytes", whole=False),
                found("used_bytes", 88e9, "bytes"),
                found("deleted_open_bytes", 7e9, "bytes", whole=False),
                found("deleted_file_bytes", 6.5e9, "bytes", path="/srv/shop/old.log", program="java"),
                found("bytes_seen_ratio", 0.97, "ratio", whole=False),
                found("path_bytes", 61e9, "bytes", path="/srv/shop/uploads", whole=False),
                found("path_bytes", 4e9, "bytes", path="/srv/shop/cache", whole=False),
                found("compared_with_timestamp", NOW - 9 * DAY, "timestamp"),
                found("path_growth_bytes", 19e9, "bytes", path="/srv/shop/uploads", whole=False),
                found("a_fact_of_a_plugin", 3.0, "count"),
            ),
            unseen=(
                UnseenFact(what="directories", reason="not_permitted", count=14),
                UnseenFact(what="processes", reason="not_permitted", count=3),
                UnseenFact(what="a_step", reason="failed"),
            ),
        ),
    ),
    "service_failed": (
        "service_failed",
        DiagnosisFacts(
            at=NOW,
            found=(
                found("unit_active_state", "failed", unit="nginx.service"),
                found("unit_result", "exit-code", unit="nginx.service"),
                found("exit_status", 203.0, "count", unit="nginx.service"),
                found("dependency_state", "failed", unit="data.mount", needed_by="nginx.service"),
            ),
        ),
    ),
    "cpu_saturated": (
        "cpu_saturated",
        DiagnosisFacts(
            at=NOW,
            found=(
                found("cpu_mode_ratio", 0.71, "ratio", mode="user"),
                found("cpu_mode_ratio", 0.18, "ratio", mode="steal"),
                found("cpu_mode_ratio", 0.11, "ratio", mode="iowait"),
                found("program_cpu_ratio", 0.52, "ratio", program="convert", unit="thumbs.service"),
                found("cpu_throttled_ratio", 0.3, "ratio", unit="system.slice/thumbs.service"),
            ),
        ),
    ),
    "memory_exhausted": (
        "memory_exhausted",
        DiagnosisFacts(
            at=NOW,
            found=(
                found("swap_used_bytes", 2e9, "bytes"),
                found("program_memory_bytes", 11.5e9, "bytes", program="java", unit="shop.service"),
                found("oom_kills_total", 1.0, "count"),
                found("oom_kill_timestamp", NOW - HOUR, "timestamp", program="worker"),
            ),
        ),
    ),
    "reboot_required": (
        "reboot_required",
        DiagnosisFacts(
            at=NOW,
            found=(
                found("updates_pending", 12.0, "count"),
                found("updates_security", 1.0, "count"),
                found("reboot_required", 1.0, "boolean"),
                found("reboot_asked_by", "linux-image-amd64"),
                found("reboot_asked_by", "libc6"),
            ),
        ),
    ),
    "nagios_problem": (
        "nagios_problem",
        DiagnosisFacts(
            at=NOW, found=(found("exit_status", 2.0, "count"), found("check_text", "MAILQ CRITICAL - 731 mails wait"))
        ),
    ),
    "nothing": ("disk_readonly", DiagnosisFacts(at=NOW)),
}
LATER = {
    "cause": "The nightly dumps were never removed.",
    "done": "Moved the old dumps, and remove those older than a week.",
    "rating": 2,
    "escalated_to": "second line",
    "unexplained": True,
    "ticket": "https://desk.example/41",
    "episodes": EPISODES,
    "changed_at": NOW - HOUR,
    "measured_at": NOW,
    "noted_at": NOW - 0.5 * HOUR,
    "noted": {"value": 13.5e9, "unit": "bytes"},
    "handler": "Kim",
    "promise": Promise(
        priority="P3",
        since=NOW - DAY,
        answer_due=NOW + HOUR,
        answer_warning=NOW - HOUR,
        fix_due=NOW + 6 * HOUR,
        fix_warning=NOW - HOUR,
    ),
    "at_risk": ("first_response", "fix"),
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


def in_language(language: str, context: RenderContext = CONTEXT, maturity: Maturity = "medium") -> RenderContext:
    """Return what a text is rendered with for a customer who reads this language and knows so much about IT."""
    customer = msgspec.structs.replace(context.settings.customer, language=language, it_maturity=maturity)
    return msgspec.structs.replace(context, settings=msgspec.structs.replace(context.settings, customer=customer))


def ticket(facts: CaseFacts, context: RenderContext = CONTEXT) -> Ticket:
    """Return the ticket that opens a case with these facts."""
    return render_ticket(
        Operation(id="a1-1", case=facts.key, kind="open", topic="opened", facts=pack(facts), created_at=NOW), context
    )


def comment(topic: str, facts: CaseFacts, context: RenderContext = CONTEXT) -> Comment:
    """Return the comment on a topic about a case with these facts."""
    if topic in AGREED:
        facts = msgspec.structs.replace(facts, agreed=AGREED[topic], entry=AGREED[topic], calendar=2)
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


def surveyed(context: RenderContext = CONTEXT) -> RenderContext:
    """Return `context` with its calendar looked up once for all texts: that is a third of the time that a ticket takes."""
    return msgspec.structs.replace(context, around=cache(context.surroundings))


def everything(context: RenderContext = CONTEXT) -> list[tuple[str, str]]:
    """Return texts of every kind: each case as a ticket and under each topic, with all facts and with hardly any.

    A ticket is made with each set of facts. Of the comments, each case meets each topic, and either meets each set of facts,
    but not every three of them meet: that would be four times as many, which say nothing new.
    """
    context = surveyed(context)
    deaf = msgspec.structs.replace(context, listens=False)
    texts = [
        (f"{name} one way", text_of(ticket(facts, deaf)) + text_of(comment("recovered", later(facts), deaf)))
        for name, facts in CASES.items()
    ]
    for place, (name, full) in enumerate(CASES.items()):
        bare = CaseFacts(key=full.key, rule=full.rule, remedy=full.remedy, first_seen=NOW)
        sets = (full, later(full), bare, msgspec.structs.replace(bare, severity=Severity.CRITICAL))
        texts.extend((f"{name} ticket", text_of(ticket(facts, context))) for facts in sets)
        joined = msgspec.structs.replace(full, members=MEMBERS)
        for number, topic in enumerate(TOPICS):
            facts = joined if topic in OF_MEMBERS else sets[(place + number) % len(sets)]
            texts.append((f"{name} {topic}", text_of(comment(topic, facts, context))))
    consented = msgspec.structs.replace(context, level="facts")
    texts.extend(
        (
            f"{name} diagnosis",
            text_of(comment("diagnosis", msgspec.structs.replace(CASES[rule], diagnosis=look), consented)),
        )
        for name, (rule, look) in LOOKS.items()
    )
    return texts
