"""The Freshservice client over a stand-in written from its documentation: the contract, and the ways of this desk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from fake_desk import answer
from fake_freshservice import CUSTOMER, ENGINEER, FakeFreshservice, PersonAtFreshservice
from stand_in import StandInContract
from ticketing_clients import (
    Attachment,
    Device,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    ServiceTimes,
    Throttled,
    TicketGone,
)
from ticketing_clients.contract import NOON, PLANTED_SECRET, Context, comment, new_ticket
from ticketing_clients.freshservice import PLUGIN

Person = PersonAtFreshservice


def build_client(url, state_dir, **changes):
    """Return a client of the desk, set up as the fake desk is unless changed."""
    options = {"agent": 7, "requester": "monitoring@desk.test"}
    return PLUGIN.build(
        msgspec.convert({"client": "freshservice", "url": url} | options | changes, PLUGIN.options),
        Context(state_dir),
        "freshservice",
    )


@pytest.fixture
def desk():
    """Serve a fake Freshservice."""
    fake = FakeFreshservice(PLANTED_SECRET)
    with fake.running():
        yield fake


class TestContract(StandInContract):
    """The client keeps the contract over the fake desk."""


class TestFinding:
    """A ticket is found whatever the index knows."""

    def test_an_answer_that_was_lost_is_found_before_the_index_knows(self, client, desk):
        """The filter lags, the list of the newest does not."""
        ticket, desk.indexed = new_ticket(), False
        desk.lose = lambda request: request.method == "POST"
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        desk.lose = lambda _: False
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]

    def test_an_old_ticket_is_found_by_its_label(self, client, desk):
        """Beyond the newest hundred the index is asked, which knows what is old."""
        ticket = new_ticket()
        ref = client.open(ticket)
        for number in range(2, 102):
            desk.tickets[number] = {**desk.tickets[1], "id": number, "custom_fields": {}}
            desk.labels[number] = []
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_more_tickets_than_a_filters_page_are_all_listed(self, client, desk):
        """A host with 131 open tickets is listed whole, in pages of 30, each ticket once."""
        ticket = new_ticket()
        client.open(ticket)
        for number in range(2, 132):
            desk.tickets[number] = {**desk.tickets[1], "id": number}
            desk.labels[number] = desk.labels[1]
        assert [int(one.ref.id) for one in client.list_open(ticket.device.id)] == list(range(1, 132))

    def test_a_stranger_with_the_same_label_is_left_out(self, client, desk):
        """A label is short and anybody's to set; the fields are compared exactly."""
        ticket = new_ticket()
        client.open(ticket)
        client.open(new_ticket(device=Device(id=ticket.device.id.upper(), name="loud")))
        desk.labels[2] = desk.labels[1]
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]
        assert [one.ref.id for one in client.list_open(ticket.device.id)] == ["1"]


class TestOpening:
    """What the desk refuses or changes is told."""

    def test_priorities_in_the_wrong_order_are_told_at_once(self, build):
        """Or raising would lower."""
        with pytest.raises(ValueError, match="not in falling order"):
            build(priorities={"P1": 1})

    def test_a_field_that_nobody_made_is_refused(self, client, desk):
        """Nothing is opened that could not be found again."""
        desk.custom = ["foretell_key"]
        with pytest.raises(Rejected, match="Unexpected field"):
            client.open(new_ticket())
        assert desk.tickets == {}
        assert [one.subject for one in client.check() if not one.well] == ["field foretell_host"]

    def test_a_matrix_that_sets_another_priority_is_told(self, client, desk):
        """The ticket is there, with a priority that nobody asked for; it cannot be raised either."""
        desk.matrix = 1
        with pytest.raises(NotApplied, match="without the priority asked for"):
            client.open(new_ticket())
        (found,) = client.list_open(desk.tickets[1]["custom_fields"]["foretell_host"])
        with pytest.raises(NotApplied, match="priority 4"):
            client.raise_priority(found.ref, "P1")

    def test_everything_configured_goes_along(self, build, desk):
        """Group, workspace, further fields and labels; without a contact the configured requester asks."""
        own = {"category": "Hardware", "custom_fields": {"site": "Basel"}}
        desk.custom.append("site")
        customer = new_ticket().customer.__class__(id="c", name="C")
        build(group=4, workspace=3, fields=own).open(new_ticket(customer=customer))
        ticket = desk.tickets[1]
        assert (ticket["group_id"], ticket["workspace_id"], ticket["category"]) == (4, 3, "Hardware")
        assert (ticket["email"], ticket["custom_fields"]["site"]) == ("monitoring@desk.test", "Basel")
        assert desk.labels[1][0] == "foretell"

    def test_an_overdue_ticket_is_opened_without_a_due_time(self, client):
        """Freshservice refuses a time that has passed."""
        late = ServiceTimes(first_response_due=NOON - timedelta(days=2), fix_due=NOON - timedelta(days=1))
        assert client.read(client.open(new_ticket(service_times=late))).due is None

    def test_a_spent_limit_tells_how_long_to_wait(self, client, desk):
        """429 with Retry-After was not served."""
        desk.before = lambda _: answer(429, {"message": "limit"}, {"Retry-After": "42"})
        with pytest.raises(Throttled) as caught:
            client.open(new_ticket())
        assert (caught.value.retry_after, caught.value.ticket_only) == (42.0, False)


class TestPeople:
    """What people do at Freshservice, read as what it means."""

    def test_who_takes_a_ticket_over_is_its_handler(self, client, person):
        """The agent is the handler, and has acknowledged."""
        ref = client.open(new_ticket())
        person.does(ref, "acknowledge")
        state = client.read(ref)
        assert (state.handler, state.acts[0].by) == ("Enya", "Enya")

    def test_the_system_is_nobody(self, client, desk):
        """What rules and timers do is not a person's act."""
        ref = client.open(new_ticket())
        desk.change(1, 1, status=5)
        state = client.read(ref)
        assert (state.status, state.desk_status, state.acts) == ("closed", "Closed", ())

    def test_own_statuses_mean_what_is_configured(self, build, desk):
        """One that is not configured is somebody's at work."""
        client = build(statuses={"rejected": [7]})
        ref = client.open(new_ticket())
        desk.change(1, ENGINEER, status=6)
        assert client.read(ref).status == "open"
        desk.change(1, ENGINEER, status=7)
        state = client.read(ref)
        assert (state.status, [act.kind for act in state.acts]) == ("rejected", ["acknowledge", "wont_fix"])

    def test_setting_the_same_status_says_nothing(self, client, desk):
        """A rule-bound form sets fields again that did not change."""
        ref = client.open(new_ticket())
        desk.change(1, ENGINEER, status=2)
        assert client.read(ref).acts == ()

    def test_of_a_private_note_only_a_directive_counts(self, client, desk):
        """Agents among themselves reply to nobody; what a mail quotes is not said again."""
        ref = client.open(new_ticket())
        desk.write(1, ENGINEER, "just among us", private=True)
        desk.write(1, ENGINEER, "foretell: wontfix", private=True)
        desk.write(1, CUSTOMER, "no<blockquote>foretell: confirm</blockquote>")
        assert [(act.kind, act.by) for act in client.read(ref).acts] == [("wont_fix", "Enya"), ("reply", "user 9")]

    def test_all_pages_of_what_was_written_are_read(self, client, desk):
        """The comment of ours is found behind a hundred replies, newest first."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("first"))
        for _ in range(100):
            desk.write(1, CUSTOMER, "and another thing")
        assert client.has_comment(ref, "first")
        assert len(client.read(ref).acts) == 100


class TestNotes:
    """A note is ours, and as private as it was meant."""

    def test_a_wrong_agent_is_told_with_the_first_note(self, build):
        """Else our own words would come back as a person's."""
        client = build(agent=8)
        ref = client.open(new_ticket())
        with pytest.raises(NotApplied, match="that of agent 7, not 8"):
            client.comment(ref, comment("m"))

    def test_a_file_goes_into_a_private_note(self, client, desk):
        """On the ticket itself the requester would see it."""
        ref = client.open(new_ticket())
        client.attach(ref, Attachment(name="a.txt", media_type="text/plain", content=b"abc"))
        assert (desk.notes[-1]["private"], desk.notes[-1]["attachments"][0]["size"]) == (True, 3)

    def test_more_than_a_ticket_takes_is_refused(self, build):
        """All its files together have a limit of their own."""
        client = build(largest_attachment=20_000_000)
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="over 15 MB"):
            client.attach(ref, Attachment(name="a.gz", media_type="application/gzip", content=b"x" * 16_000_000))


class TestEnds:
    """Resolved, deleted and moved tickets, and duplicates."""

    def test_what_resolving_requires_is_said_and_can_be_configured(self, build, client, desk):
        """The desk's words name the field; `resolve_fields` fills it, and the doctor asks for it."""
        desk.demanded = "category"
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="category is mandatory"):
            client.resolve(ref)
        assert [one.found for one in client.check() if not one.well] == ["category"]
        able = build(resolve_fields={"category": "Hardware"})
        assert all(one.well for one in able.check())
        able.resolve(ref)
        assert client.read(ref).status == "resolved"

    def test_a_duplicate_names_its_original_once(self, client, desk):
        """In a private note, for there are no links."""
        first, second = client.open(new_ticket()), client.open(new_ticket())
        for _ in range(2):
            client.close_duplicate(second, first)
        (note,) = desk.notes
        assert (note["private"], first.url in note["body"], desk.tickets[2]["status"]) == (True, True, 5)

    @pytest.mark.parametrize("how", ["deleted", "spam"])
    def test_a_ticket_in_the_trash_is_deleted(self, client, desk, how):
        """It is seen as deleted, is found no more, and is not opened again."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.tickets[1][how] = True
        assert client.read(ref).status == "deleted"
        assert client.find(ticket.key) == []
        with pytest.raises(TicketGone):
            client.reopen(ref, ticket)

    def test_a_ticket_moved_out_of_sight_is_gone(self, client, desk):
        """403 to one ticket, while others are shown, is this ticket's end; 403 to all is ours."""
        ref = client.open(new_ticket())
        desk.hidden.add(1)
        with pytest.raises(TicketGone, match="was it moved"):
            client.read(ref)
        desk.scope = False
        with pytest.raises(NotAuthorised):
            client.read(ref)


class TestCheck:
    """The doctor's questions."""

    @pytest.mark.parametrize(("agent", "found"), [(6, "not active"), (99, "answered 404")])
    def test_a_wrong_agent_is_named(self, build, agent, found):
        """One that left, or was never there."""
        (wrong,) = [one for one in build(agent=agent).check() if not one.well]
        assert wrong.subject == f"agent {agent}"
        assert found in wrong.found

    def test_without_the_form_the_usual_statuses_are_known(self, client, desk, person):
        """An agent who may not see the form still reads tickets; the doctor says what is missing."""
        desk.form_hidden = True
        ref = client.open(new_ticket())
        person.does(ref, "resolve")
        state = client.read(ref)
        assert (state.desk_status, [act.kind for act in state.acts]) == ("Resolved", ["resolve"])
        assert [one.subject for one in client.check() if not one.well] == ["ticket form"]
