"""The life of a case, told by example: findings and people's acts go in, cases and operations come out."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agent.following.cases import case_key, rebase
from agent.following.model import Acted, Adopted, Delivered, Observed
from host_in_memory import DAY, HOUR, MINUTE, TICKET, Host, filling, full, healthy, key_of
from thresholds import Severity
from ticketing_clients import Act, TicketRef, TicketState


class TestTheKey:
    """The key names the problem and nothing else."""

    def test_it_depends_on_who_where_what_and_nothing_else(self):
        """Customer, host, rule and subject each change it; the order of labels does not."""
        one = case_key("c", "h", "r", {"a": "1", "b": "2"})
        assert one == case_key("c", "h", "r", {"b": "2", "a": "1"})
        others = {case_key(*args) for args in [("d", "h", "r", {}), ("c", "i", "r", {}), ("c", "h", "s", {})]}
        assert len({one, *others, case_key("c", "h", "r", {"a": "1"})}) == 5

    def test_neighbouring_parts_do_not_run_together(self):
        """`ab` + `c` is another host than `a` + `bc`."""
        assert case_key("ab", "c", "r", {}) != case_key("a", "bc", "r", {})


class TestOpening:
    """A ticket is opened once, and not before the finding has lasted."""

    def test_a_finding_must_hold_for_its_time(self):
        """A short one opens nothing and goes away by itself."""
        host = Host()
        assert host.cycle(filling()) == []
        assert host.case().hold == "for"
        assert host.cycle(healthy(), after=4 * MINUTE) == []
        assert host.case().closed_by == "cleared"
        assert host.cycle(filling(), after=MINUTE) == []
        assert host.cycle(filling(), after=4 * MINUTE) == []
        assert host.cycle(filling(), after=MINUTE) == ["open opened"]

    def test_it_is_asked_for_once(self):
        """However long the finding lasts."""
        host = Host()
        host.open_case()
        assert [host.cycle(filling()) for _ in range(100)] == [[]] * 100

    def test_a_notice_never_opens(self):
        """It waits for a digest or a report."""
        host = Host()
        host.cycle(filling(severity=Severity.NOTICE))
        assert host.cycle(filling(severity=Severity.NOTICE), after=30 * DAY) == []
        assert host.case().hold == "notice"

    def test_time_left_makes_the_priority(self):
        """Weeks are P4, days P3, hours P2; failing already is P2 on a plain host."""
        for finding, priority in [
            (filling(days=20), "P4"),
            (filling(days=3), "P3"),
            (filling(days=0.5), "P2"),
            (full(), "P2"),
        ]:
            host = Host()
            host.cycle(finding)
            host.cycle(finding, after=5 * MINUTE)
            assert host.case().priority == priority

    def test_an_unjudged_case_stays_as_it_is(self):
        """Unknown is never healthy: no finding, no change."""
        host = Host()
        host.open_case()
        assert host.cycle(after=3 * DAY) == []
        assert host.case().state == "open"

    def test_what_nothing_measures_any_more_is_forgotten(self):
        """The disk was taken away before anybody was told: after a day nobody needs to be."""
        host = Host()
        host.cycle(filling())
        host.cycle(after=23 * HOUR)
        assert host.case().state == "pending"
        host.cycle(after=2 * HOUR)
        assert (host.case().state, host.case().closed_by) == ("closed", "cleared")

    def test_a_run_dated_by_a_clock_that_was_ahead_begins_now(self):
        """The agent was not there to see the clock set back; it does not wait a day longer for that."""
        host = Host()
        host.cycle(filling())
        host.cycle(filling(), after=-DAY)
        assert host.cycle(filling(), after=5 * MINUTE) == ["open opened"]

    def test_running_times_go_on_unbroken_when_the_clock_is_moved(self):
        """Dates promised to people stay what they were."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("acknowledge"))
        before = host.case()
        after = rebase(before, -DAY)
        assert after.breach_since == before.breach_since - DAY
        assert after.acknowledged_until == before.acknowledged_until


class TestGettingWorse:
    """Worse raises the priority in the same ticket; better never lowers it."""

    def test_priority_rises_as_time_runs_out(self):
        """Each step once, told to the customer."""
        host = Host()
        host.open_case()
        assert host.cycle(filling(days=5)) == ["raise_priority worse", "comment worse"]
        assert host.cycle(filling(days=5)) == []
        assert host.cycle(filling(days=0.2)) == ["raise_priority worse", "comment worse"]
        assert host.case().priority == "P2"
        assert host.cycle(filling(days=20)) == []
        assert host.case().priority == "P2"

    def test_a_ticket_that_is_as_urgent_already_is_only_told(self):
        """It was opened again at its old priority, or a person has raised it."""
        host = Host()
        host.open_case()
        host.cases[key_of("/srv")] = msgspec.structs.replace(host.case(), ticket_priority="P2")
        assert host.cycle(filling(days=5)) == ["comment worse"]
        assert host.cycle(filling(days=0.2)) == ["comment worse"]

    def test_a_new_ticket_has_not_the_priority_of_the_old_one(self):
        """What was seen of that one says nothing of it."""
        host = Host()
        host.open_case()
        host.cases[key_of("/srv")] = msgspec.structs.replace(host.case(), ticket_priority="P2")
        follow_up = Delivered(
            case=key_of("/srv"), operation="x", kind="reopen", ref=TicketRef("desk", "99"), at=host.now
        )
        host.cycle(events=[follow_up], after=0)
        assert host.cycle(filling(days=5)) == ["raise_priority worse", "comment worse"]

    def test_worse_pierces_an_acknowledgement(self):
        """A person who knew of P4 did not know of P2."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("acknowledge"))
        assert host.case().state == "acknowledged"
        host.cycle(filling(days=0.2))
        assert host.case().state == "open"

    def test_an_acknowledgement_expires(self):
        """And the same act, seen again in the next poll, does not renew it."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("acknowledge"))
        host.cycle(filling(), after=3 * DAY, events=host.poll())
        assert host.case().state == "open"

    def test_a_deferral_ends_at_its_date(self):
        """Not before."""
        host = Host()
        host.open_case()
        until = datetime.fromtimestamp(host.now + 2 * DAY, UTC)
        host.cycle(filling(), events=host.person("defer", until=until))
        host.cycle(filling(), after=DAY)
        assert host.case().state == "deferred"
        host.cycle(filling(), after=DAY)
        assert host.case().state == "open"


class TestFlapping:
    """What is bad and good by turns is one problem, and one ticket."""

    def test_a_day_of_it_on_an_open_ticket_says_nothing_more(self):
        """Nothing was new to its readers; the recovery is told when it has lasted."""
        host = Host()
        host.open_case()
        said = [host.cycle(finding, after=5 * MINUTE) for _ in range(144) for finding in (filling(), healthy())]
        assert not any(said)
        assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]

    def test_what_never_lasts_opens_nothing(self):
        """Each time it is over before its `for` time."""
        host = Host()
        said = [host.cycle(finding, after=4 * MINUTE) for _ in range(180) for finding in (filling(), healthy())]
        assert not any(said)

    def test_it_is_opened_again_in_its_own_ticket(self):
        """Over for long enough to be confirmed each time, it comes back ten times in a week; its cause is asked for once."""
        host = Host()
        host.open_case()
        said = []
        for _ in range(10):
            for finding, hours in ((healthy(), 1), (healthy(), 1), (filling(), 12), (filling(), 1)):
                said += host.cycle(finding, after=hours * HOUR)
            said += host.cycle(filling(), events=host.person("confirm"))
        assert [one for one in said if one.startswith("open")] == ["open problem"]

    def test_what_was_acknowledged_or_put_off_stays_so(self):
        """It got no worse: nobody is asked again before the time is over."""
        until = datetime.fromtimestamp(Host().now + 2 * DAY, UTC)
        for act, state in ((("acknowledge", None), "acknowledged"), (("defer", until), "deferred")):
            host = Host()
            host.open_case()
            host.cycle(filling(), events=host.person(act[0], until=act[1]))
            for _ in range(3):
                host.cycle(healthy(), after=5 * MINUTE)
                host.cycle(filling(), after=5 * MINUTE)
            assert host.case().state == state
            host.cycle(filling(), after=3 * DAY)
            assert host.case().state == "open"

    def test_a_verified_recovery_ends_what_was_acknowledged(self):
        """The person knew of the trouble before; of what comes after they do not."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("acknowledge"))
        host.cycle(healthy())
        host.cycle(healthy(), after=HOUR)
        assert host.case().acknowledged_until is None


class TestRecovery:
    """The monitor measures and the person confirms."""

    def recovered(self) -> Host:
        host = Host()
        host.open_case()
        host.cycle(healthy())
        assert host.case().state == "recovering"
        assert host.cycle(healthy(), after=59 * MINUTE) == []
        assert host.cycle(healthy(), after=MINUTE) == ["comment recovered"]
        assert host.case().state == "awaiting_confirmation"
        return host

    def test_a_verified_recovery_closes_when_a_person_resolves(self):
        """The ticket is theirs already; the case ends with the report."""
        host = self.recovered()
        assert host.cycle(healthy(), events=host.person("resolve", ticket_open=False)) == ["comment closed"]
        assert (host.case().state, host.case().closed_by) == ("closed", "person")

    def test_a_verified_recovery_closes_when_a_person_confirms(self):
        """And then it is we who resolve the ticket."""
        host = self.recovered()
        assert host.cycle(healthy(), events=host.person("confirm")) == ["comment closed", "resolve closed"]

    def test_a_confirmation_by_hand_on_the_host_counts_as_well(self):
        """`foretell cases confirm` works with desks that carry nothing back."""
        host = self.recovered()
        act = Act(id="cli-1", kind="confirm", by="root", at=datetime.fromtimestamp(host.now, UTC))
        assert host.cycle(healthy(), events=[Acted(case=key_of("/srv"), act=act, at=host.now)]) == [
            "comment closed",
            "resolve closed",
        ]

    def test_an_unconfirmed_recovery_ends_by_rule(self):
        """After seven days, and the report says so."""
        host = self.recovered()
        assert host.cycle(healthy(), after=6.9 * DAY) == ["comment reminder"]
        assert host.cycle(healthy(), after=0.2 * DAY) == ["comment closed", "resolve closed"]
        assert host.case().closed_by == "rule"

    def test_a_relapse_starts_the_verification_anew(self):
        """One bad reading is enough."""
        host = Host()
        host.open_case()
        host.cycle(healthy())
        host.cycle(filling(), after=50 * MINUTE)
        assert host.case().state == "open"
        host.cycle(healthy())
        assert host.cycle(healthy(), after=50 * MINUTE) == []

    def test_a_problem_back_before_it_was_confirmed_is_told_on_the_same_ticket(self):
        """After its `for` time."""
        host = self.recovered()
        assert host.cycle(filling()) == []
        assert host.cycle(filling(), after=5 * MINUTE) == ["comment returned"]
        assert host.case().state == "open"

    def test_a_confirmation_while_readings_breach_is_no_fix(self):
        """They are told so and nothing closes."""
        host = Host()
        host.open_case()
        assert host.cycle(filling(), events=host.person("confirm")) == ["comment still_breaching"]
        assert host.case().state == "open"

    def test_a_confirmation_is_about_what_was_confirmed(self):
        """A relapse makes it void; the next recovery is asked about again."""
        host = Host()
        host.open_case()
        host.cycle(healthy())
        host.cycle(healthy(), events=host.person("confirm"))
        assert host.case().confirmed
        host.cycle(filling())
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]

    def test_a_confirmation_while_it_recovers_counts_when_it_is_verified(self):
        """The person was first; nobody asks them twice."""
        host = Host()
        host.open_case()
        host.cycle(healthy())
        host.cycle(healthy(), events=host.person("confirm"))
        assert host.cycle(healthy(), after=HOUR) == ["comment closed", "resolve closed"]

    def test_a_confirmation_outlives_one_bad_reading_that_does_not_last(self):
        """Verified and confirmed: a blip shorter than the `for` time takes nothing back."""
        host = self.recovered()
        assert host.cycle(filling(), events=host.person("confirm")) == []
        assert host.cycle(healthy()) == ["comment closed", "resolve closed"]


class TestADeskThatIsAway:
    """What is over before the desk can be told is not told any more."""

    def waiting(self) -> Host:
        """A case that is open, and a desk that has not been reached since."""
        host = Host()
        host.cycle(filling())
        assert host.cycle(filling(), after=5 * MINUTE) == ["open opened"]
        return host

    def test_a_problem_that_is_over_is_withdrawn(self):
        """No ticket, no question whether it is really over, and the story says so."""
        host = self.waiting()
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == []
        assert (host.case().state, host.case().closed_by) == ("closed", "cleared")
        assert host.untold == [key_of("/srv")]

    def test_a_ticket_that_was_opened_all_the_same_is_seen_to_its_end(self):
        """Its request was on the way already: the customer is told what we measured, and asked."""
        host = self.waiting()
        host.cycle(healthy())
        host.cycle(healthy(), after=HOUR)
        late = Delivered(case=key_of("/srv"), operation="x", kind="open", ref=TICKET, at=host.now)
        assert host.cycle(healthy(), events=[late]) == ["comment recovered"]
        assert host.cycle(healthy(), events=host.person("confirm")) == ["comment closed", "resolve closed"]

    def test_a_late_ticket_serves_the_problem_that_is_back(self):
        """It is not opened a second time."""
        host = self.waiting()
        host.cycle(healthy())
        host.cycle(healthy(), after=HOUR)
        host.cycle(filling())
        late = Delivered(case=key_of("/srv"), operation="x", kind="open", ref=TICKET, at=host.now)
        assert host.cycle(filling(), events=[late]) == []
        assert host.case().state == "open"
        assert host.cycle(filling(), after=HOUR) == []

    def test_a_gathering_that_is_over_is_withdrawn(self):
        """Like any other."""
        host = Host()
        found = [full(f"/{number}") for number in range(10)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        well = [healthy(f"/{number}") for number in range(10)]
        host.cycle(*well)
        assert host.cycle(*well, after=HOUR) == []
        assert host.gathering("storm").state == "closed"

    def test_a_reopening_on_its_way_is_followed_by_the_end(self):
        """We do not leave a ticket open that only we have opened again."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("resolve", ticket_open=False))
        assert host.cycle(filling(), after=HOUR) == ["reopen not_fixed", "comment not_fixed"]
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == ["comment closed", "resolve closed"]


class TestAPersonClosesWhatIsNotFixed:
    """Said once by reopening, and once more in words."""

    def test_it_is_reopened_once_and_then_only_told(self):
        """The whole dispute."""
        host = Host()
        host.open_case()
        assert host.cycle(filling(), events=host.person("resolve", ticket_open=False)) == []
        assert host.cycle(filling(), after=30 * MINUTE) == []
        assert host.cycle(filling(), after=30 * MINUTE) == ["reopen not_fixed", "comment not_fixed"]
        assert host.cycle(filling(), events=host.poll()) == []  # not delivered yet: nothing is asked twice
        host.ticket_open = True
        host.deliver("reopen")
        host.cycle(filling(), events=host.poll())
        assert host.cycle(filling(), after=DAY) == []
        assert host.cycle(filling(), events=host.person("resolve", ticket_open=False)) == []
        assert host.cycle(filling(), after=HOUR) == ["comment still_breaching"]
        assert host.cycle(filling(), after=5 * DAY) == []
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == ["comment closed"]

    def test_they_are_told_when_they_closed_it(self):
        """Not when the case was closed the last time."""
        host = TestComingBack().closed()
        TestComingBack().come_back(host, DAY)
        host.ticket_open = True
        host.deliver("reopen")
        host.cycle(filling(), events=host.person("resolve", ticket_open=False))
        closed_at = host.case().closed_by_person_at
        host.cycle(filling(), after=HOUR)
        assert [one.facts["closed_at"] for one in host.operations[-2:]] == [closed_at, closed_at]

    def test_fixed_within_the_grace_time_is_a_fix(self):
        """Verified, and closed without asking again."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=host.person("resolve", ticket_open=False))
        host.cycle(healthy(), after=30 * MINUTE)
        assert host.cycle(healthy(), after=HOUR) == ["comment closed"]
        assert host.case().closed_by == "person"

    def test_without_any_measurement_their_word_stands(self):
        """The disk was taken away: a day later the case ends."""
        host = Host()
        host.open_case()
        assert host.cycle(events=host.person("resolve", ticket_open=False)) == []
        assert host.cycle(after=HOUR) == []
        assert host.cycle(after=DAY) == ["comment closed"]

    def test_a_refusal_to_fix_is_respected_until_it_expires(self):
        """Ninety days."""
        host = Host()
        host.open_case()
        assert host.cycle(filling(), events=host.person("wont_fix", ticket_open=False)) == []
        assert host.cycle(filling(), after=80 * DAY) == []
        host.cycle(filling(), after=11 * DAY)
        assert host.case().state == "open"
        assert host.cycle(filling()) == ["reopen not_fixed", "comment not_fixed"]

    def test_a_deleted_ticket_is_a_decision(self):
        """Nothing more is said; the case ends with the readings."""
        host = Host()
        host.open_case()
        host.cycle(filling(), events=[Observed(case=key_of("/srv"), state=None, at=host.now)])
        assert host.cycle(filling(), after=5 * DAY) == []
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == []
        assert host.case().state == "closed"


class TestComingBack:
    """A problem that returns reopens its ticket, and one that keeps returning is flagged."""

    def closed(self) -> Host:
        host = TestRecovery().recovered()
        host.cycle(healthy(), events=host.person("resolve", ticket_open=False))
        assert host.case().state == "closed"
        return host

    def come_back(self, host: Host, after: float) -> list[str]:
        host.cycle(filling(), after=after)
        return host.cycle(filling(), after=5 * MINUTE)

    def test_within_the_week_the_ticket_is_reopened(self):
        """Not doubled."""
        assert self.come_back(self.closed(), 2 * DAY) == ["reopen returned", "comment returned"]

    def test_worse_than_the_ticket_says_raises_its_priority(self):
        """It was closed at P4, and comes back with a day left."""
        host = self.closed()
        host.cases[key_of("/srv")] = msgspec.structs.replace(host.case(), ticket_priority="P4")
        host.cycle(filling(days=0.2), after=DAY)
        assert host.cycle(filling(days=0.2), after=5 * MINUTE) == [
            "reopen returned",
            "raise_priority returned",
            "comment returned",
        ]

    def test_later_it_is_a_new_ticket(self):
        """With the same key, and the old acts forgotten."""
        host = self.closed()
        host.cases[key_of("/srv")] = msgspec.structs.replace(host.case(), ticket_priority="P2")
        assert self.come_back(host, 8 * DAY) == ["open opened"]
        assert (host.case().acts, host.case().ticket_priority) == ((), None)

    def test_the_third_time_in_a_month_is_recurring(self):
        """Counted over openings and returns."""
        host = self.closed()
        for expected in (False, True):
            self.come_back(host, DAY)
            assert host.case().recurring is expected
            host.ticket_open = True
            host.deliver("reopen")
            host.cycle(healthy())
            host.cycle(healthy(), after=HOUR)
            host.cycle(healthy(), events=host.person("resolve", ticket_open=False))


class TestLostRecords:
    """After a lost database the desk tells which tickets there are."""

    def test_an_adopted_ticket_is_followed_to_its_end(self):
        """Its rule is known again from the first finding with its key, even a healthy one."""
        host = Host()
        host.cycle(events=[Adopted(case=key_of("/srv"), ref=TICKET, at=host.now)])
        host.cycle(healthy())
        assert (host.case().rule, host.case().state) == ("disk_space", "recovering")
        assert host.cycle(healthy(), after=DAY) == ["comment recovered"]

    def test_its_recovery_is_not_believed_before_the_forecast_has_learnt_anew(self):
        """What was learnt was lost with the records, and "healthy" then says only that it is not full."""
        host = Host()
        host.cycle(events=[Adopted(case=key_of("/srv"), ref=TICKET, at=host.now)])
        host.cycle(healthy())
        assert host.cycle(healthy(), after=23 * HOUR) == []

    def test_an_adopted_ticket_is_not_opened_again(self):
        """The finding that made it is still there, which is no news and no worse than before."""
        host = Host()
        host.cycle(events=[Adopted(case=key_of("/srv"), ref=TICKET, at=host.now)])
        assert host.cycle(filling(days=0.2), after=HOUR) == []
        assert host.case().priority == "P2"
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]


class TestFirstLook:
    """What is already wrong at installation goes into one digest after a day."""

    def test_minor_findings_are_gathered(self):
        """Three disks, one ticket, notices told in it."""
        host = Host(installed_ago=0)
        found = [filling("/a"), filling("/b", days=3), filling("/c", severity=Severity.NOTICE)]
        assert host.cycle(*found) == []
        assert host.cycle(*found, after=HOUR) == []
        assert {host.case(mount).hold for mount in ("/a", "/b")} == {"first_look"}
        assert host.cycle(*found, after=23 * HOUR) == ["open digest"]
        members = host.operations[-1].facts["members"]
        assert [member["subject"]["mountpoint"] for member in members] == ["/a", "/b", "/c"]  # type: ignore[index, union-attr]
        assert host.cycle(*found, after=HOUR) == []

    def test_what_fails_now_does_not_wait(self):
        """P1 and P2 are excepted."""
        host = Host(installed_ago=0)
        host.cycle(full())
        assert host.cycle(full(), after=5 * MINUTE) == ["open opened"]

    def test_notices_alone_open_nothing(self):
        """Read-only images are full by nature."""
        host = Host(installed_ago=0)
        host.cycle(filling(severity=Severity.NOTICE))
        assert host.cycle(filling(severity=Severity.NOTICE), after=2 * DAY) == []

    def test_a_member_that_gets_urgent_opens_its_own_ticket(self):
        """And the digest keeps speaking for the rest."""
        host = Host(installed_ago=0)
        host.cycle(filling("/a"), filling("/b"))
        host.cycle(filling("/a"), filling("/b"), after=HOUR)
        host.cycle(filling("/a"), filling("/b"), after=DAY)
        assert host.cycle(full("/a"), filling("/b")) == ["open opened"]
        assert host.case("/a").parent is None
        assert host.case("/b").parent is not None

    def test_a_member_that_gets_urgent_during_maintenance_opens_its_own_ticket_afterwards(self):
        """Also when it got no worse since."""
        host = Host(installed_ago=0)
        for after in (0, HOUR, DAY):
            host.cycle(filling("/a"), filling("/b"), after=after)
        host.maintenance = True
        for after in (MINUTE, HOUR):
            assert host.cycle(full("/a"), filling("/b"), after=after) == []
        assert host.case("/a").parent is not None
        host.maintenance = False
        assert host.cycle(full("/a"), filling("/b")) == ["open opened"]

    def test_the_digest_asks_for_confirmation_when_all_is_well(self):
        """Members are verified one by one."""
        host = Host(installed_ago=0)
        for after in (0, HOUR, DAY):
            host.cycle(filling("/a"), filling("/b"), after=after)
        host.deliver_to("first_look")
        host.cycle(healthy("/a"), healthy("/b"))
        assert host.cycle(healthy("/a"), healthy("/b"), after=HOUR) == ["comment recovered"]

    def test_a_member_with_a_ticket_of_its_own_is_not_over_for_that(self):
        """The digest does not say that all is well while it is not."""
        host = Host(installed_ago=0)
        for after in (0, HOUR, DAY):
            host.cycle(filling("/a"), after=after)
        host.deliver_to("first_look")
        assert host.cycle(full("/a")) == ["open opened"]
        assert host.cycle(full("/a"), after=DAY) == []
        assert host.gathering("first_look").state == "open"

    def test_what_could_not_be_checked_when_it_was_due_is_added_to_it(self):
        """A hung mount answers an hour later: still one digest, and its first members are not forgotten."""
        host = Host(installed_ago=0)
        host.cycle(filling("/a"), filling("/nas"))
        host.cycle(filling("/a"), filling("/nas"), after=HOUR)
        assert host.cycle(filling("/a"), after=23 * HOUR) == ["open digest"]
        assert host.cycle(filling("/a"), filling("/nas")) == ["comment digest"]
        assert host.gathering("first_look").members == (key_of("/a"), key_of("/nas"))

    def test_what_comes_after_it_is_closed_opens_by_itself(self):
        """Nobody would read it there any more."""
        host = Host(installed_ago=0)
        host.cycle(filling("/a"), filling("/nas"))
        host.cycle(filling("/a"), filling("/nas"), after=HOUR)
        host.cycle(filling("/a"), after=23 * HOUR)
        host.deliver_to("first_look")
        state = TicketState(ref=TICKET, status="resolved", desk_status="resolved")
        seen = Observed(case=host.gathering("first_look").key, state=state, at=host.now)
        assert host.cycle(filling("/a"), events=[seen]) == ["comment closed"]
        assert host.cycle(filling("/a"), filling("/nas")) == ["open opened"]

    def test_a_member_that_nothing_measures_ends_with_the_digest(self):
        """Its disk is gone, and the one ticket that told of it is closed: there is nobody left to ask."""
        host = Host(installed_ago=0)
        for after in (0, HOUR, DAY):
            host.cycle(filling("/a"), filling("/b"), after=after)
        host.deliver_to("first_look")
        state = TicketState(ref=TICKET, status="resolved", desk_status="resolved")
        seen = Observed(case=host.gathering("first_look").key, state=state, at=host.now)
        host.cycle(filling("/a"), filling("/b"), events=[seen])
        for _ in range(2):
            host.cycle(filling("/a"), after=DAY)
        assert (host.case("/a").state, host.case("/b").state) == ("deferred", "closed")

    def test_a_digest_that_is_opened_after_all_is_not_told_to_be_over_while_a_member_is_back(self):
        """The desk did what we had given up, and meanwhile one of them failed again."""
        host = Host(installed_ago=0)
        for after in (0, HOUR, DAY):
            host.cycle(filling("/a"), filling("/b"), after=after)
        for after in (MINUTE, HOUR):
            host.cycle(healthy("/a"), healthy("/b"), after=after)
        assert host.gathering("first_look").state == "closed"
        host.cycle(filling("/a"), healthy("/b"))
        opened = len(host.operations)
        host.deliver_to("first_look")
        assert host.gathering("first_look").state == "open"
        assert not [one for one in host.operations[opened:] if one.topic == "recovered"]

    def test_a_digest_that_was_adopted_goes_on_telling(self):
        """Records were lost: what the old digest tells is not opened one by one beside it."""
        host = Host(installed_ago=0)
        digest = case_key("acme", "h1", "first_look", {})
        host.cycle(filling("/a"), filling("/b"), events=[Adopted(case=digest, ref=TICKET, at=host.now)])
        host.cycle(filling("/a"), filling("/b"), after=HOUR)
        assert host.cycle(filling("/a"), filling("/b"), after=DAY) == ["comment digest"]
        assert host.cases[digest].ticket == TICKET
        host.cycle(healthy("/a"), healthy("/b"))
        assert host.cycle(healthy("/a"), healthy("/b"), after=HOUR) == ["comment recovered"]


class TestMaintenance:
    """Maintenance silences opening, never recovery."""

    def test_leaving_it_opens_one_digest(self):
        """Not a burst."""
        host = Host()
        host.maintenance = True
        for after in (0, HOUR):
            assert host.cycle(full("/a"), full("/b"), after=after) == []
        host.maintenance = False
        assert host.cycle(full("/a"), full("/b")) == ["open digest"]

    def test_recovery_reaches_the_ticket_through_it(self):
        """The ticket was open before."""
        host = Host()
        host.open_case()
        host.maintenance = True
        host.cycle(healthy())
        assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]


class TestStorm:
    """Many new cases within the hour become one ticket."""

    def test_ten_at_once_are_one_ticket(self):
        """With all of them listed."""
        host = Host()
        found = [full(f"/{number}") for number in range(12)]
        host.cycle(*found)
        assert host.cycle(*found, after=5 * MINUTE) == ["open digest"]
        assert len(host.operations[-1].facts["members"]) == 12  # type: ignore[arg-type]

    def test_later_ones_join_until_the_storm_is_over(self):
        """An hour after the last one a new case has its own ticket again."""
        host = Host()
        found = [full(f"/{number}") for number in range(10)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        host.cycle(*found, full("/x"), after=20 * MINUTE)
        assert host.cycle(*found, full("/x"), after=5 * MINUTE) == ["comment digest"]
        host.cycle(*found, full("/x"), full("/y"), after=2 * HOUR)
        assert host.cycle(*found, full("/x"), full("/y"), after=5 * MINUTE) == ["open opened"]

    def test_an_acknowledged_storm_takes_more(self):
        """Somebody works on it already, and hears of the rest in the same place."""
        host = Host()
        found = [full(f"/{number}") for number in range(10)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        host.deliver_to("storm")
        act = Act(id="1", kind="acknowledge", by="sue", at=datetime.fromtimestamp(host.now, UTC))
        host.cycle(*found, full("/x"), events=[Acted(case=host.gathering("storm").key, act=act, at=host.now)])
        assert host.gathering("storm").state == "acknowledged"
        assert host.cycle(*found, full("/x"), after=5 * MINUTE) == ["comment digest"]

    def test_a_member_that_gets_worse_is_told_again_but_listed_once(self):
        """While the storm lasts it gets no ticket of its own."""
        host = Host()
        found = [filling(f"/{number}", days=20) for number in range(10)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        assert host.cycle(full("/0"), *found[1:]) == ["raise_priority digest", "comment digest"]
        assert len(host.gathering("storm").members) == 10

    def test_what_is_over_is_told_hourly_and_the_rest_listed(self):
        """The ticket that speaks for many says which of them still are, until none is."""
        host = Host()
        found = [full(f"/{number}") for number in range(10)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        host.deliver_to("storm")
        some = [*(healthy(f"/{number}") for number in range(4)), *found[4:]]
        assert host.cycle(*some) == []
        assert host.cycle(*some, after=2 * HOUR) == ["comment members"]
        assert len(host.operations[-1].facts["members"]) == 6  # type: ignore[arg-type]
        assert host.cycle(*some, after=2 * HOUR) == []
        all_well = [healthy(f"/{number}") for number in range(10)]
        host.cycle(*all_well)
        assert host.cycle(*all_well, after=2 * HOUR) == ["comment recovered"]

    def test_openings_dated_by_a_clock_that_was_ahead_make_no_storm(self):
        """They were hours ago, whatever their dates say."""
        host = Host()
        found = [full(f"/{number}") for number in range(9)]
        host.cycle(*found)
        host.cycle(*found, after=5 * MINUTE)
        host.cycle(*found, full("/x"), full("/y"), after=-DAY)
        asked = host.cycle(*found, full("/x"), full("/y"), after=5 * MINUTE)
        assert asked == ["open opened", "open opened"]

    @pytest.mark.parametrize("count", [1, 5, 9])
    def test_fewer_keep_their_own(self, count: int):
        """Nine problems are nine tickets."""
        host = Host()
        found = [full(f"/{number}") for number in range(count)]
        host.cycle(*found)
        assert host.cycle(*found, after=5 * MINUTE) == ["open opened"] * count


class TestBudget:
    """A desk takes so many tickets of one host within the hour; what is beyond them is one ticket."""

    def test_the_most_urgent_have_their_own_and_the_rest_one_together(self):
        """Which goes to the desk that the limit is of."""
        host = Host()
        host.budgets = {"local": 2}
        found = [filling("/a"), full("/b"), filling("/c"), filling("/d")]
        host.cycle(*found)
        assert host.cycle(*found, after=5 * MINUTE) == ["open opened", "open opened", "open digest"]
        assert host.case("/b").parent is None
        overflow = host.gathering("overflow")
        assert len(overflow.members) == 2
        assert overflow.desks == ("local",)

    def test_later_ones_join_it_until_the_hour_is_over(self):
        """Then a case has its own ticket again."""
        host = Host()
        host.budgets = {"local": 1}
        host.cycle(full("/a"), full("/b"))
        assert host.cycle(full("/a"), full("/b"), after=5 * MINUTE) == ["open opened", "open digest"]
        found = [full("/a"), full("/b"), full("/c")]
        host.cycle(*found)
        assert host.cycle(*found, after=5 * MINUTE) == ["comment digest"]
        host.cycle(*found, full("/d"), after=2 * HOUR)
        assert host.cycle(*found, full("/d"), after=5 * MINUTE) == ["open opened"]

    def test_another_desks_limit_is_not_ours(self):
        """Without one, each case has its own."""
        host = Host()
        host.budgets = {"elsewhere": 1}
        host.cycle(full("/a"), full("/b"))
        assert host.cycle(full("/a"), full("/b"), after=5 * MINUTE) == ["open opened", "open opened"]
