"""What desks do to a case: its home's ticket is the case's ticket; copies say the same and are never listened to."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agent.configuration.settings import (
    CaseSettings,
    CustomerSettings,
    DeliverySettings,
    HostSettings,
    Route,
    RouteMatch,
)
from agent.following.cases import Situation, case_key
from agent.following.follow import follow
from agent.following.model import Adopted, Case, Delivered, DeskEvent, Observed, Operation, Refused
from thresholds import Finding, Rule, Selector, Severity
from ticketing_clients import Act, Status, TicketRef, TicketState

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SUBJECT = {"mountpoint": "/srv"}
KEY = case_key("acme", "h1", "disk_space", SUBJECT)
RULE = Rule(id="disk_space", summary="", kind="x", select=Selector(reading="x"), hold=0.0, verify=HOUR)
HOME, COPY = TicketRef("home", "7"), TicketRef("copy", "70")
TWO = DeliverySettings(desk="default", routes=[Route(desk="home", goes_on=True), Route(desk="copy")])
ONE = DeliverySettings(desk="home")


class Host:
    """A host with one disk, whose tickets go where `delivery` says."""

    def __init__(self, delivery: DeliverySettings = TWO) -> None:
        self.now = 1_790_000_000.0
        self.delivery = delivery
        self.rule = RULE
        self.cases: dict[str, Case] = {}
        self.operations: list[Operation] = []
        self.happenings: list[str] = []
        self.untold = False

    @property
    def case(self) -> Case:
        return self.cases[KEY]

    def cycle(self, severity: Severity | None, *events: DeskEvent, after: float = MINUTE) -> list[str]:
        """Let time pass, and return what is asked of which desk."""
        self.now += after
        situation = Situation(
            now=self.now,
            host_id="h1",
            rules={RULE.id: self.rule},
            host=HostSettings(),
            customer=CustomerSettings(id="acme"),
            policy=CaseSettings(),
            delivery=self.delivery,
            first_look_ends=0.0,
        )
        findings = [] if severity is None else [Finding(RULE.id, SUBJECT, severity, self.now)]
        steps = follow(self.cases, findings, events, situation)
        self.cases = {step.case.key: step.case for step in steps}
        asked = [operation for step in steps for operation in step.operations]
        self.operations += asked
        self.happenings += [what for step in steps for what in step.happenings]
        self.untold = any(step.untold for step in steps)
        return [f"{one.kind} {one.topic} {one.desk}" for one in asked]

    def fill(self, *events: DeskEvent, after: float = MINUTE) -> list[str]:
        return self.cycle(Severity.CRITICAL, *events, after=after)

    def empty(self, *events: DeskEvent, after: float = MINUTE) -> list[str]:
        return self.cycle(Severity.HEALTHY, *events, after=after)

    def delivered(self, ref: TicketRef, kind: str = "open", *, left_out: bool = False) -> Delivered:
        return Delivered(
            case=KEY,
            operation="x",
            kind=kind,  # type: ignore[arg-type]
            ref=ref,
            at=self.now,
            copy=ref.desk == "copy",
            left_out=left_out,
        )

    def seen(self, status: Status, *, ref: TicketRef = HOME, acts: tuple[Act, ...] = ()) -> Observed:
        return Observed(case=KEY, state=TicketState(ref=ref, status=status, desk_status=status, acts=acts), at=self.now)

    def open(self) -> None:
        """Have the ticket and its copies opened."""
        self.fill()
        self.fill(*(self.delivered(ref) for ref in (COPY, HOME) if ref.desk in self.case.desks))
        assert self.case.ticket == HOME


class TestCopies:
    """What is said at home is said to the copies."""

    def test_everything_is_asked_of_each_desk(self):
        """The first is home; each operation has a number of its own."""
        host = Host()
        assert host.fill() == ["open opened home", "open opened copy"]
        assert host.case.desks == ("home", "copy")
        assert [one.copy for one in host.operations] == [False, True]
        assert len({one.id for one in host.operations}) == 2

    def test_what_happens_to_a_copy_changes_nothing_but_the_story(self):
        """The case's ticket is the home's, whichever comes first."""
        host = Host()
        host.fill()
        host.fill(host.delivered(COPY))
        assert host.case.ticket is None
        host.fill(
            Refused(case=KEY, operation="x", kind="comment", reason="rejected", at=host.now, desk="copy", copy=True)
        )
        assert host.happenings[-2:] == ["delivered open to copy", "refused comment by copy: rejected"]
        host.fill(host.delivered(HOME), host.delivered(COPY, "comment"))
        assert host.case.ticket == HOME

    @pytest.mark.parametrize(
        ("reason", "said"),
        [("rejected", ["comment not_attached home"]), ("forbidden", [])],
        ids=["refused", "forbidden"],
    )
    def test_a_file_that_was_refused_is_told_on_the_ticket(self, reason, said):
        """At home and internally; but not that consent was taken back: whoever did that knows."""
        host = Host()
        host.open()
        assert (
            host.fill(Refused(case=KEY, operation="x", kind="attach", reason=reason, at=host.now, desk="home")) == said
        )
        assert host.happenings[-1] == f"refused attach: {reason}"
        assert not any(one.public for one in host.operations[-len(said) :] if said)

    def test_the_end_is_told_to_all(self):
        """A person's closing at home is not theirs."""
        host = Host()
        host.open()
        host.fill(host.seen("resolved"))
        host.empty()
        assert host.empty(after=HOUR) == ["comment closed home", "comment closed copy", "resolve closed copy"]

    def test_what_a_person_did_too_early_is_said_where_it_was_done(self):
        """Nobody closed the copy: there is nothing to open again."""
        host = Host()
        host.open()
        host.fill(host.seen("resolved"))
        assert host.fill(after=2 * HOUR) == ["reopen not_fixed home", "comment not_fixed home"]

    def test_coming_back_opens_all_again(self):
        """At the desks where it was, whatever the routes say now."""
        host = Host()
        host.open()
        host.empty()
        host.empty(after=HOUR)
        host.empty(after=8 * DAY)
        assert host.case.closed_by == "rule"
        host.delivery = ONE
        assert host.fill(after=DAY) == [
            f"{what} {desk}" for what in ("reopen returned", "comment returned") for desk in ("home", "copy")
        ]

    def test_what_the_home_was_never_told_is_ended_where_it_was(self):
        """The copy was opened while the home desk was away; what waits for home is withdrawn by the outbox."""
        host = Host()
        host.fill()
        host.fill(host.delivered(COPY))
        host.empty()
        assert host.empty(after=HOUR) == ["comment closed copy", "resolve closed copy"]
        assert host.untold

    def test_a_deleted_ticket_at_home_does_not_silence_the_copies(self):
        """They are told the end all the same."""
        host = Host()
        host.open()
        host.fill(Observed(case=KEY, state=None, at=host.now))
        host.empty()
        assert host.empty(after=HOUR) == ["comment closed copy", "resolve closed copy"]


class TestWhereItGoes:
    """Decided once, when the case opens."""

    def test_a_later_priority_does_not_move_it(self):
        """What was opened at one desk is not told at another."""
        urgent = Route(desk="on_call", match=RouteMatch(priority=["P1", "P2"]))
        host = Host(DeliverySettings(desk="home", routes=[urgent]))
        assert host.cycle(Severity.WARNING) == ["open opened home"]
        assert host.fill() == ["raise_priority worse home", "comment worse home"]

    def test_a_problem_that_is_new_again_goes_where_the_routes_say_now(self):
        """Its old ticket is too old to be reopened."""
        host = Host()
        host.open()
        host.empty()
        host.empty(after=HOUR)
        host.empty(after=8 * DAY)
        host.delivery = DeliverySettings(desk="elsewhere")
        assert host.fill(after=8 * DAY) == ["open opened elsewhere"]

    def test_a_case_from_before_there_were_routes_stays_where_its_ticket_is(self):
        """Even when the configured desk is another now."""
        host = Host(ONE)
        host.open()
        host.cases = {KEY: msgspec.structs.replace(host.case, desks=())}
        host.delivery = DeliverySettings(desk="elsewhere")
        host.empty()
        assert host.empty(after=HOUR) == ["comment recovered home"]

    def test_an_adopted_case_stays_where_its_ticket_is_and_finds_its_copies(self):
        """As soon as a finding tells which routes it is on."""
        host = Host()
        host.cycle(None, Adopted(case=KEY, ref=HOME, at=host.now))
        assert host.case.desks == ("home",)
        host.fill()
        assert host.case.desks == ("home", "copy")

    def test_another_queue_of_the_same_server_is_no_second_home(self):
        """Its desk lists our ticket too, when it is asked what it has."""
        host = Host()
        host.fill()
        host.fill(Adopted(case=KEY, ref=TicketRef("copy", "7"), at=host.now))
        assert (host.case.ticket, host.case.desks) == (None, ("home", "copy"))


class TestTheTicketsFate:
    """What people make of the ticket, beyond opening and closing it."""

    @pytest.mark.parametrize(("state", "status"), [(None, "gone"), ("deleted", "gone"), ("merged", "merged")], ids=str)
    def test_put_away_is_a_decision(self, state: Status | None, status: str):
        """It is not opened again however long readings breach; the case ends when they are good."""
        host = Host(ONE)
        host.open()
        host.fill(host.seen(state) if state else Observed(case=KEY, state=None, at=host.now))
        assert host.case.ticket_status == status
        assert host.fill(after=5 * DAY) == []
        host.empty()
        told = [] if status == "gone" else ["comment closed home"]  # there still is somebody who reads it
        assert host.empty(after=HOUR) == told
        assert host.case.state == "closed"

    def test_a_merged_ticket_is_followed_where_the_desk_says_where(self):
        """The case goes on with the ticket that people go on with."""
        host = Host(ONE)
        host.open()
        other = TicketRef("home", "9")
        host.fill(host.seen("open", ref=other))
        assert host.case.ticket == other

    @pytest.mark.parametrize("told", [True, False])
    def test_a_refusal_to_fix_has_an_end(self, told):
        """By the desk's word for it alone, or by an act; after ninety days the case is open again."""
        host = Host(ONE)
        host.open()
        act = Act(id="1", kind="wont_fix", by="sue", at=datetime.fromtimestamp(host.now, UTC))
        assert host.fill(host.seen("rejected", acts=(act,) if told else ())) == []
        assert host.case.state == "deferred"
        assert host.fill(host.seen("rejected", acts=(act,) if told else ()), after=89 * DAY) == []
        host.fill(after=2 * DAY)
        assert host.fill() == ["reopen not_fixed home", "comment not_fixed home"]

    def test_what_relapsed_for_a_moment_and_is_never_measured_again_ends_with_its_ticket(self):
        """The disk was pulled in that moment: nothing will ever say that it is well."""
        host = Host(ONE)
        host.open()
        host.empty()
        host.empty(after=HOUR)
        assert host.case.state == "awaiting_confirmation"
        host.rule = msgspec.structs.replace(RULE, hold=HOUR)
        host.fill(host.seen("resolved"))
        assert host.cycle(None, after=HOUR) == []
        assert host.case.state == "awaiting_confirmation"
        assert host.cycle(None, after=2 * DAY) == ["comment closed home"]
        assert (host.case.state, host.case.closed_by) == ("closed", "person")

    def test_what_a_desk_cannot_do_is_told_in_the_story(self):
        """Not as done."""
        host = Host(ONE)
        host.open()
        host.fill(host.delivered(HOME, "raise_priority", left_out=True))
        assert host.happenings[-1] == "left out raise_priority"


class TestATicketThatComesLate:
    """The desk did what we had given up, or had forgotten with our records."""

    def test_a_problem_that_is_back_is_not_told_to_be_over(self):
        """It was over before the desk was told; when the desk tells that the ticket is there after all, it is ill again."""
        host = Host(ONE)
        host.fill()
        host.empty()
        host.empty(after=HOUR)
        assert host.case.state == "closed"
        assert host.fill(done("open"), after=DAY) == []
        assert (host.case.state, host.case.ticket) == ("open", HOME)

    def test_one_that_is_still_over_is_told_to_be(self):
        """At the next look, which says so."""
        host = Host(ONE)
        host.fill()
        host.empty()
        host.empty(after=HOUR)
        assert host.empty(done("open")) == ["comment recovered home"]
        assert host.case.state == "awaiting_confirmation"

    def test_one_that_was_told_in_a_digest_meanwhile_speaks_for_itself(self):
        """Its ticket has to be brought to its end, which a digest's end would not do."""
        host = Host(ONE)
        host.fill()
        digest = msgspec.structs.replace(host.case, key="d" * 64, rule="storm", members=(KEY,), ticket=COPY)
        told = msgspec.structs.replace(host.case, parent=digest.key, desks=())
        host.cases = {KEY: told, digest.key: digest}
        host.fill(done("open"))
        assert (host.case.parent, host.case.ticket) == (None, HOME)
        host.empty()
        assert "comment recovered home" in host.empty(after=HOUR)

    def test_what_waited_to_open_goes_on_with_the_ticket_that_is_there(self):
        """Records were lost, and the readings came before the desk's answer: it is open already, and must not be forgotten."""
        host = Host(ONE)
        host.cases = {KEY: pending(host)}
        host.cycle(None, Adopted(case=KEY, ref=HOME, at=host.now))
        assert (host.case.state, host.case.ticket) == ("open", HOME)
        host.empty()
        assert host.empty(after=HOUR) == ["comment recovered home"]

    def test_what_went_away_before_its_ticket_was_found_is_verified_like_any(self):
        """It would stay open at the desk for ever."""
        host = Host(ONE)
        host.cases = {KEY: pending(host)}
        host.empty()
        assert host.case.state == "closed"
        host.empty(Adopted(case=KEY, ref=HOME, at=host.now))
        assert host.case.state == "recovering"
        assert host.empty(after=HOUR) == ["comment recovered home"]


def done(kind: str) -> Delivered:
    """The desk did it."""
    return Delivered(case=KEY, operation="x", kind=kind, ref=HOME, at=0.0)  # type: ignore[arg-type]


def pending(host: Host) -> Case:
    """A case that waits, and of whose ticket nothing is known."""
    return Case(
        key=KEY,
        rule=RULE.id,
        subject=SUBJECT,
        hold="first_look",
        first_seen=host.now,
        last_seen=host.now,
        changed_at=host.now,
        breach_since=host.now,
    )
