"""The Zammad client over a stand-in written from Zammad's documentation: the contract, and the ways of this desk."""

from __future__ import annotations

import msgspec
import pytest
from werkzeug.wrappers import Response

from fake_zammad import CUSTOMER, ENGINEER, FakeZammad, PersonAtZammad
from stand_in import StandInContract
from ticketing_clients import Attachment, Device, NotApplied, NotAuthorised, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients.contract import PLANTED_SECRET, Context, comment, new_ticket
from ticketing_clients.zammad import PLUGIN

PRIORITIES = {"P1": "4 urgent", "P2": "3 high", "P3": "2 normal", "P4": "1 low"}

Person = PersonAtZammad


def build_client(url, state_dir, **changes):
    """Return a client of the group, set up as the fake desk is unless changed."""
    options = {"group": "Preventive", "due_field": "foretell_due", "priorities": PRIORITIES}
    chosen = msgspec.convert({"client": "zammad", "url": url} | options | changes, PLUGIN.options)
    return PLUGIN.build(chosen, Context(state_dir), "zammad")


@pytest.fixture
def desk():
    """Serve a fake Zammad."""
    fake = FakeZammad(PLANTED_SECRET)
    with fake.running():
        yield fake


class TestContract(StandInContract):
    """The client keeps the contract over the fake desk."""


class TestOpening:
    """Nothing is opened that could not be found again."""

    @pytest.mark.parametrize("condition", ["refuse", "ignore"])
    @pytest.mark.parametrize("field", ["key_field", "host_field"])
    def test_an_attribute_that_is_not_there_opens_and_finds_nothing(self, build, client, desk, field, condition):
        """Zammad would drop the attribute from the ticket, and refuse or ignore it as a condition."""
        desk.unknown_condition = condition
        client.open(new_ticket())  # something to be found wrongly
        ticket, broken = new_ticket(), build(**{field: "nobody_made_this"})
        for call in (lambda: broken.open(ticket), lambda: broken.find(ticket.key), lambda: broken.list_open("a")):
            with pytest.raises(NotAuthorised, match="attribute nobody_made_this"):
                call()
        assert len(desk.tickets) == 1
        assert [one.subject for one in broken.check() if not one.well] == ["attribute nobody_made_this"]

    def test_an_answer_that_was_lost_is_found_again_by_the_database(self, client, desk):
        """The index knows nothing of a fresh ticket here; the condition finds it at once."""
        ticket = new_ticket()
        desk.lose = lambda request: request.method == "POST"
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        desk.lose = lambda _: False
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]

    def test_another_case_of_letters_is_another_host(self, client):
        """MySQL finds without regard to case; the marker is compared exactly."""
        ref = client.open(new_ticket(device=Device(id="Host-A", name="a")))
        assert client.list_open("host-a") == []
        assert [one.ref for one in client.list_open("Host-A")] == [ref]

    def test_more_tickets_than_a_page_are_all_listed(self, client, desk):
        """A host with 101 open tickets is listed whole, lowest id first."""
        ticket = new_ticket()
        client.open(ticket)
        for number in range(2, 102):
            desk.tickets[number] = {**desk.tickets[1], "id": number}
        assert [int(one.ref.id) for one in client.list_open(ticket.device.id)] == list(range(1, 102))

    def test_further_fields_customer_and_labels_go_along(self, build, desk):
        """Configured attributes are set, ours win over them; without a contact the customer is our own user."""
        customer = new_ticket().customer.__class__(id="c", name="C")
        build(fields={"type": "Incident", "group": "Other"}).open(new_ticket(customer=customer))
        ticket = desk.tickets[1]
        assert (ticket["type"], ticket["group"], ticket["tags"]) == ("Incident", "Preventive", "foretell")

    def test_without_an_attribute_for_it_a_ticket_has_no_due_time(self, build, desk):
        """Zammad itself knows none; the client says so."""
        client = build(due_field=None)
        assert client.capabilities.due == "none"
        assert client.read(client.open(new_ticket())).due is None
        assert "foretell_due" not in desk.tickets[1]

    def test_a_dropped_due_attribute_is_told(self, build, desk):
        """The ticket is there, and what it lacks is named."""
        with pytest.raises(NotApplied, match="without the attribute other_due asked for"):
            build(due_field="other_due").open(new_ticket())
        assert len(desk.tickets) == 1


class TestPeople:
    """What people do at Zammad, read as what it means."""

    def test_who_takes_a_ticket_over_is_its_handler(self, client, person):
        """The owner is the handler, and has acknowledged."""
        ref = client.open(new_ticket())
        person.does(ref, "acknowledge")
        state = client.read(ref)
        assert (state.handler, state.acts[0].by) == ("enya@desk.test", "Enya Engineer")

    def test_a_pending_reminder_defers_until_its_time(self, client, person):
        """The time that the engineer chose is when the deferral ends."""
        ref = client.open(new_ticket())
        person.does(ref, "defer")
        (act,) = client.read(ref).acts
        assert act.until.isoformat() == "2026-12-24T00:00:00+00:00"

    def test_the_system_is_nobody(self, client, desk):
        """What triggers and timers do and write is not a person's act."""
        ref = client.open(new_ticket())
        desk.change(1, 1, state="pending close")
        desk.change(1, 1, state="closed")
        desk.add_article(1, 1, {"body": "Thank you for your request. foretell: confirm"})
        assert client.read(ref).acts == ()

    def test_of_an_internal_note_only_a_directive_counts(self, client, desk):
        """Engineers among themselves reply to nobody."""
        ref = client.open(new_ticket())
        desk.add_article(1, ENGINEER, {"body": "just among us", "internal": True})
        desk.add_article(1, ENGINEER, {"body": "foretell: wontfix", "internal": True})
        desk.add_article(1, CUSTOMER, {"body": "plain text\n> foretell: confirm"})
        assert [act.kind for act in client.read(ref).acts] == ["wont_fix", "reply"]

    def test_a_state_means_what_its_type_says_or_the_configuration(self, build, desk):
        """A state of a name of its own is known by its type; a closed one may mean that it will not be fixed."""
        client = build(statuses={"rejected": ["will not fix"]})
        ref = client.open(new_ticket())
        desk.change(1, ENGINEER, state="in work")
        assert client.read(ref).status == "open"
        desk.change(1, ENGINEER, state="will not fix")
        state = client.read(ref)
        assert (state.status, [act.kind for act in state.acts]) == ("rejected", ["acknowledge", "wont_fix"])

    def test_a_priority_that_is_not_ours_stays(self, client, desk):
        """Somebody's own priority is neither read as one of ours nor changed."""
        ref = client.open(new_ticket())
        desk.tickets[1]["priority"] = "5 critical"
        client.raise_priority(ref, "P1")
        assert (desk.tickets[1]["priority"], client.read(ref).priority) == ("5 critical", None)

    def test_two_of_our_priorities_may_be_one_at_the_desk(self, build, desk):
        """With Zammad's own three priorities P1 and P2 are both high, and raising to P1 asks for nothing."""
        client = build(priorities={})
        ref = client.open(new_ticket(priority="P2"))
        desk.seen.clear()
        client.raise_priority(ref, "P1")
        assert {method for method, _ in desk.seen} == {"GET"}
        assert client.read(ref).priority == "P2"


class TestEnds:
    """Closed, merged, moved and deleted tickets."""

    def test_a_merged_ticket_is_not_opened_again(self, client, desk):
        """It is an empty shell; whoever asked is told that it is gone."""
        ticket = new_ticket()
        ref, other = client.open(ticket), client.open(new_ticket())
        desk.merge(1, into=2)
        assert client.read(ref).status == "merged"
        assert [one.open for one in client.find(ticket.key)] == [False]
        with pytest.raises(TicketGone, match="merged"):
            client.reopen(ref, ticket)
        assert client.read(other).open

    def test_a_ticket_moved_out_of_sight_is_gone(self, client, desk):
        """403 to one ticket, while the group is still ours, is this ticket's end."""
        ref = client.open(new_ticket())
        desk.tickets[1]["group"] = "Management"
        with pytest.raises(TicketGone, match="was it moved"):
            client.read(ref)

    def test_a_user_who_lost_the_group_is_told_so(self, client, desk):
        """403 because of us must not look like the end of every ticket."""
        ref = client.open(new_ticket())
        desk.access = []
        with pytest.raises(NotAuthorised):
            client.read(ref)

    def test_what_the_workflow_demands_is_said_and_can_be_configured(self, build, client, desk):
        """Closing without a demanded attribute is refused with the desk's words; `resolve_fields` fills it."""
        desk.demanded = "root_cause"
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="root_cause"):
            client.resolve(ref)
        assert client.read(ref).open
        build(resolve_fields={"root_cause": "forecast"}).resolve(ref)
        assert not client.read(ref).open

    def test_a_duplicate_is_linked_and_closed_once(self, client, desk):
        """The link goes by the original's number, and doing it again does nothing more."""
        first, second = client.open(new_ticket()), client.open(new_ticket())
        for _ in range(2):
            client.close_duplicate(second, first)
        assert desk.linked == [(1, 2)]
        assert desk.tickets[2]["state"] == "closed"


class TestNotes:
    """Internal is internal."""

    def test_without_full_access_nothing_internal_is_written(self, client, desk):
        """Zammad would make the note a public one."""
        ref = client.open(new_ticket())
        desk.access = ["read", "change"]
        file = Attachment(name="a.txt", media_type="text/plain", content=b"a")
        with pytest.raises(NotAuthorised, match="no internal note"):
            client.comment(ref, comment("m"))
        with pytest.raises(NotAuthorised, match="no internal note"):
            client.attach(ref, file)
        assert len(desk.written) == 1

    def test_a_file_is_attached_where_the_customer_does_not_see_it(self, client, desk):
        """The note that carries it is internal."""
        ref = client.open(new_ticket())
        client.attach(ref, Attachment(name="a.txt", media_type="text/plain", content=b"abc"))
        assert (desk.written[-1]["internal"], desk.written[-1]["attachments"][0]["size"]) == (True, "3")

    def test_too_large_a_body_for_the_web_server_is_refused(self, build):
        """413 comes from the server before Zammad, without a body."""
        client = build(largest_attachment=60_000_000)
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="413"):
            client.attach(ref, Attachment(name="a.bin", media_type="application/gzip", content=b"x" * 40_000_000))

    def test_a_page_instead_of_an_answer_is_an_unknown_outcome(self, client, desk):
        """A proxy's page with 200 says nothing about what became of the note."""
        ref = client.open(new_ticket())
        desk.before = lambda request: Response("<html>", content_type="text/html") if request.method == "POST" else None
        with pytest.raises(OutcomeUnknown):
            client.comment(ref, comment("m"))
