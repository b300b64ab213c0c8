"""What no webhook brings: answers on tickets, twins, and the end of what is muted. Alertmanager and desk are in memory."""

from datetime import UTC, datetime

import msgspec
import pytest

from agent.relay.alertmanager import NotKnown
from agent.relay.cases import Cases
from agent.relay.looking import Looker
from agent.relay.metrics import RelayMetrics
from agent.relay.notification import ListedGroup
from agent.relay.silences import SilenceState
from desk_in_memory import Desk
from fleet import CUSTOMER, NOW, WINDOW, Front, alert, group, of_an_agent
from ticketing_clients import Act, TicketState

CASE = "a" * 64


class Cluster:
    """An Alertmanager in memory. listed: the groups that it lists."""

    configured = True

    def __init__(self):
        self.listed = []
        self.made = []
        self.asked = 0

    def lists(self, *alerts, state="active"):
        """List one group with these alerts."""
        status = {"status": {"state": state, "silencedBy": []}}
        listed = [{name: one[name] for name in one if name != "status"} | status for one in alerts]
        one = {"labels": {"rule": "disk_space", "site": "berlin"}, "receiver": {"name": "foretell"}, "alerts": listed}
        self.listed = [msgspec.convert(one, ListedGroup)] if alerts else []

    def groups(self, matching=None):
        self.asked += 1
        del matching
        return self.listed

    def group_of_case(self, case):
        found = (one for one in self.groups() if any(alert.labels.get("foretell_key") == case for alert in one.alerts))
        return next(found, None)

    def silences(self, saying):
        return [one for one in self.made if saying in one.comment]

    def silence(self, silence):
        number = str(len(self.made) + 1)
        self.made.append(msgspec.structs.replace(silence, id=number, status=SilenceState("active")))
        return number

    def expire(self, number):
        self.made = [
            msgspec.structs.replace(one, status=SilenceState("expired")) if one.id == number else one
            for one in self.made
        ]


class Relay:
    """A desk, an Alertmanager and what looks at both."""

    def __init__(self):
        self.desk, self.cluster, self.monotonic = Desk(), Cluster(), 0.0
        self.front = Front(self.desk)
        self.metrics = RelayMetrics()
        tickets = self.front.tickets
        self.cases = Cases(tickets, self.cluster, CUSTOMER, lambda: self.monotonic)
        self.looker = Looker(tickets, self.cluster, self.cases, self.metrics, marker="relay", customer=CUSTOMER)

    def people(self, *acts, at=NOW):
        """Have people do these things on the desk's first ticket."""
        done = tuple(
            Act(id=str(n), kind=kind, by="Ann", at=datetime.fromtimestamp(at, UTC), option=option)
            for n, (kind, option) in enumerate(acts)
        )
        self.desk.read = lambda ref: TicketState(ref=ref, status="open", desk_status="open", acts=done)

    def said(self, word):
        """How many comments with this word in their marker there are."""
        return sum(f"-{word}-" in marker for ticket in self.desk.tickets for marker in ticket.comments)


@pytest.fixture
def relay():
    return Relay()


class TestAnswers:
    """What people write."""

    def test_an_accepted_window_becomes_one_silence_however_often_it_is_looked_at(self, relay):
        relay.front.told(of_an_agent())
        relay.cluster.lists(of_an_agent())
        relay.people(("accept_window", 1))
        for _ in range(3):
            relay.looker.look()
        [silence] = relay.cluster.made
        assert (silence.starts_at, silence.ends_at) == (WINDOW.start, WINDOW.end)
        assert relay.said("answer") == 1

    @pytest.mark.parametrize("option", [0, 2, None])
    def test_a_window_that_was_not_proposed_mutes_nothing_and_is_asked_for_again(self, relay, option):
        relay.front.told(of_an_agent())
        relay.cluster.lists(of_an_agent())
        relay.people(("accept_window", option))
        relay.looker.look()
        relay.looker.look()
        assert relay.cluster.made == []
        assert relay.said("answer") == 1

    def test_a_window_that_is_over_mutes_nothing(self, relay):
        relay.front.told(of_an_agent())
        relay.cluster.lists(of_an_agent())
        relay.people(("accept_window", 1))
        relay.front.now = WINDOW.end.timestamp() + 1
        relay.looker.look()
        assert relay.cluster.made == []

    def test_a_confirmation_ends_what_nothing_fires_of(self, relay):
        relay.front.told(alert(1))
        relay.people(("confirm", None))
        relay.looker.look()
        assert not relay.desk.tickets[0].open
        assert relay.said("closed") == 1

    def test_a_confirmation_of_what_still_fires_ends_nothing(self, relay):
        relay.front.told(alert(1))
        relay.cluster.lists(alert(1))
        relay.people(("confirm", None))
        relay.looker.look()
        assert relay.desk.tickets[0].open

    def test_a_confirmation_of_an_earlier_time_ends_nothing(self, relay):
        relay.front.told(alert(1))
        relay.people(("confirm", None), at=NOW - 5 * 86_400)
        relay.looker.look()
        assert relay.desk.tickets[0].open

    def test_without_answers_alertmanager_is_not_asked_for_its_groups(self, relay):
        relay.front.told(alert(1))
        relay.looker.look()
        assert relay.cluster.asked == 0


class TestTwins:
    """Two replicas at one moment, at a desk whose search knew too late."""

    def test_of_two_open_tickets_the_second_is_closed_and_counted(self, relay):
        key = group(alert(1)).key
        first, second = relay.desk.add(key), relay.desk.add(key)
        relay.looker.look()
        assert (first.open, second.open, second.original) == (True, False, first.ref)
        assert relay.metrics.registry.get_sample_value("foretell_relay_duplicates_closed_total") == 1

    def test_more_tickets_than_one_look_reads_have_their_turn_later(self, relay):
        for n in range(250):
            relay.desk.add(f"{n:064x}")
        for _ in range(3):
            relay.looker.look()
        assert relay.desk.calls.count("read") == 250 + 50


class TestMuted:
    """What a silence hides."""

    def test_the_end_of_a_muted_group_is_said_once_and_the_silence_ends_with_it(self, relay):
        relay.front.told(of_an_agent())
        relay.cluster.lists(of_an_agent())
        relay.people(("accept_window", 1))
        relay.looker.look()
        relay.looker.look()
        assert relay.said("ended") == 0
        relay.cluster.lists()
        relay.looker.look()
        relay.looker.look()
        assert relay.said("ended") == 1
        assert [one.status.state for one in relay.cluster.made] == ["expired"]

    def test_an_alertmanager_that_says_nothing_ends_nothing(self, relay):
        relay.front.told(of_an_agent())
        relay.cluster.lists(of_an_agent())
        relay.people(("accept_window", 1))
        relay.looker.look()

        def silent(_=None):
            raise NotKnown("down")

        relay.cluster.groups = silent
        with pytest.raises(NotKnown):
            relay.looker.look()
        assert relay.said("ended") == 0


class TestCases:
    """What agents are told."""

    def test_an_agent_hears_what_people_did_on_the_ticket_of_its_group(self, relay):
        relay.front.told(alert(1, foretell_key=CASE), alert(2))
        relay.cluster.lists(alert(1, foretell_key=CASE), alert(2))
        relay.people(("resolve", None))
        state = relay.cases.state_of(CASE)
        assert [act.kind for act in state.ticket.acts] == ["resolve"]

    def test_a_window_is_accepted_for_the_case_that_proposed_it_and_taken_on_for_the_others(self, relay):
        members = [alert(n, since=NOW + n, foretell_key=str(n) * 64) for n in range(2)]
        relay.front.told(*members)
        relay.cluster.lists(*members)
        relay.people(("accept_window", 1))
        kinds = [[act.kind for act in relay.cases.state_of(str(n) * 64).ticket.acts] for n in range(2)]
        assert kinds == [["accept_window"], ["acknowledge"]]

    def test_nothing_is_known_of_a_case_that_does_not_fire_or_has_no_ticket(self, relay):
        assert relay.cases.state_of(CASE) is None
        relay.cluster.lists(alert(1, foretell_key=CASE))
        assert relay.cases.state_of(CASE) is None

    def test_a_thousand_agents_of_one_group_cost_the_desk_one_look_a_minute(self, relay):
        members = [alert(n, foretell_key=f"{n:064x}") for n in range(1000)]
        relay.front.told(*members)
        relay.cases.note(group(*members))
        relay.desk.calls.clear()
        for n in range(1000):
            assert relay.cases.state_of(f"{n:064x}")
        assert relay.desk.calls == ["find", "read"]
        relay.monotonic += 61
        relay.cases.state_of(f"{1:064x}")
        assert relay.desk.calls == ["find", "read"] * 2
