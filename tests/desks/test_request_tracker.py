"""The Request Tracker client against the real server: the contract, and the ways of this desk."""

from __future__ import annotations

import subprocess
from email.message import EmailMessage

import pytest

from ticketing_clients import Attachment, NotApplied, NotAuthorised, Rejected, TicketGone
from ticketing_clients.contract import NOON, PLANTED_SECRET, ClientContract, Context, comment, new_ticket
from ticketing_clients.request_tracker import PLUGIN

pytestmark = pytest.mark.desks


def build_client(url, queue, state_dir, token, **changes):
    """Return a client of the queue, its fields those of `request_tracker.sh` unless changed."""
    options = {"urgency_field": "Urgency", "window_field": "Window", "largest_attachment": 900_000} | changes
    return PLUGIN.build(
        PLUGIN.options(client="request_tracker", url=url, queue=queue, **options), Context(state_dir, token), "rt"
    )


@pytest.fixture
def build(request_tracker, tmp_path):
    """Return a function that builds a client of the running desk, with changed options."""

    def build(**changes):
        values = {"url": request_tracker.url, "queue": request_tracker.queue, "token": request_tracker.token} | changes
        return build_client(values.pop("url"), values.pop("queue"), tmp_path, values.pop("token"), **values)

    return build


@pytest.fixture
def client(build):
    """Return a client of the running desk."""
    return build()


class TestContract(ClientContract):
    """Request Tracker keeps the contract."""

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", "Preventive", tmp_path, PLANTED_SECRET)

    @pytest.fixture
    def person(self, request_tracker):
        return request_tracker


class TestOpening:
    """What RT drops in silence is told."""

    def test_every_field_is_set(self, client, request_tracker):
        """The ticket carries requestor, due time, priority and all custom fields."""
        ticket = new_ticket(priority="P2")
        there = request_tracker.ask("GET", f"ticket/{client.open(ticket).id}", who="admin")
        fields = {one["name"]: one["values"] for one in there["CustomFields"]}
        assert fields == {
            "ForetellKey": [ticket.key],
            "Device": [ticket.device.id],
            "Urgency": ["P2"],
            "Window": [f"{NOON:%Y-%m-%dT%H:%M:%SZ}"],
        }
        assert (there["Priority"], there["Due"]) == ("80", "2026-12-04T12:00:00Z")
        assert [one["id"] for one in there["Requestor"]] == ["customer"]

    def test_further_fields_are_set_beside_ours(self, build, request_tracker):
        """Values of RT's own, and of a custom field, as configured; our own fields are there all the same."""
        client = build(urgency_field="", fields={"TimeEstimated": 30, "CustomFields": {"Urgency": "P1"}})
        ticket = new_ticket()
        there = request_tracker.ask("GET", f"ticket/{client.open(ticket).id}", who="admin")
        fields = {one["name"]: one["values"] for one in there["CustomFields"]}
        assert (str(there["TimeEstimated"]), fields["Urgency"], fields["ForetellKey"]) == ("30", ["P1"], [ticket.key])

    def test_a_dropped_value_is_not_applied_and_the_ticket_is_found(self, client, build):
        """A field that does not take the value: NotApplied names it, and the ticket can be adopted by its key."""
        ticket = new_ticket()
        with pytest.raises(NotApplied, match=r"ticket \d+ was created without the custom field Window"):
            build(urgency_field="Window", window_field="").open(ticket)
        assert len(client.find(ticket.key)) == 1

    def test_a_missing_field_creates_nothing(self, client, build):
        """Without the field for the key nothing is opened or searched: an unknown field finds nothing and says so to nobody."""
        ticket = new_ticket()
        broken = build(key_field="NoSuchField")
        for call in (
            lambda: broken.open(ticket),
            lambda: broken.find(ticket.key),
            lambda: broken.list_open(ticket.device.id),
        ):
            with pytest.raises(NotAuthorised, match="no custom field NoSuchField"):
                call()
        assert client.list_open(ticket.device.id) == []

    def test_more_tickets_than_a_page_are_all_listed(self, client, request_tracker):
        """A host with 101 open tickets is listed whole."""
        ticket = new_ticket()
        client.open(ticket)
        fields = {"ForetellKey": ticket.key, "Device": ticket.device.id}
        for _ in range(100):
            request_tracker.ask(
                "POST", "ticket", json={"Queue": "Preventive", "Subject": "more", "CustomFields": fields}
            )
        found = client.list_open(ticket.device.id)
        assert len(found) == 101
        assert found == sorted(found, key=lambda one: int(one.ref.id))

    def test_a_hit_that_differs_in_case_is_not_ours(self, client):
        """RT compares without regard to case; we compare again."""
        ticket = new_ticket()
        client.open(ticket)
        assert client.find(ticket.key.upper()) == []


class TestPeople:
    """What people do at RT, read as what it means."""

    def test_taking_the_ticket_acknowledges_it(self, client, request_tracker):
        """Who takes the ticket is its handler, and has acknowledged; giving it back says nothing."""
        ref = client.open(new_ticket())
        request_tracker.ask("PUT", f"ticket/{ref.id}/take", json={})
        state = client.read(ref)
        assert (state.handler, [(act.kind, act.by) for act in state.acts]) == (
            "engineer",
            [("acknowledge", "engineer")],
        )
        request_tracker.ask("PUT", f"ticket/{ref.id}/untake", json={})
        assert [act.kind for act in client.read(ref).acts] == ["acknowledge"]

    def test_directives_are_read_from_html_and_internal_comments(self, client, request_tracker):
        """RT's editor writes HTML; quotations in it are somebody else's words."""
        ref = client.open(new_ticket())
        html = "<p>Fine.</p><div>foretell: defer 2026-12-24</div><blockquote>foretell: confirm</blockquote>"
        request_tracker.say(ref, html, media_type="text/html", public=False)
        request_tracker.say(ref, "just a note among engineers", public=False)
        (act,) = client.read(ref).acts
        assert (act.kind, act.until.isoformat()) == ("defer", "2026-12-24T00:00:00+00:00")

    def test_the_robot_is_not_a_person(self, client):
        """What RT itself does after our comment (it opens a new ticket) is nobody's act."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("m", public=True))
        assert client.read(ref).acts == ()


class TestEnds:
    """Tickets that people deleted, rejected or merged."""

    def test_a_deleted_ticket_reads_deleted_and_gets_a_follow_up(self, client, request_tracker):
        """Deleted is not open and not found; reopening opens a new ticket that refers to it."""
        ticket = new_ticket()
        ref = client.open(ticket)
        request_tracker.set(ref, Status="deleted")
        assert client.read(ref).status == "deleted"
        assert client.find(ticket.key) == []
        again = client.reopen(ref, ticket)
        assert again != ref
        assert [one.ref for one in client.find(ticket.key)] == [again]
        assert client.reopen(ref, ticket) == again  # as after an unknown outcome

    def test_a_merged_ticket_is_left_to_its_new_owners(self, client, request_tracker):
        """Merged is not open; the ticket that it went into is neither resolved nor raised by us, but may be commented on."""
        ours, theirs = new_ticket(), new_ticket()
        ref, target = client.open(ours), client.open(theirs)
        request_tracker.set(ref, MergeInto=target.id)
        state = client.read(ref)
        assert (state.status, state.resolution, state.acts) == ("merged", f"merged into ticket {target.id}", ())
        assert [(one.ref, one.open) for one in client.find(ours.key)] == [(ref, False)]
        for call in (
            lambda: client.resolve(ref),
            lambda: client.raise_priority(ref, "P1"),
            lambda: client.close_duplicate(ref, target),
        ):
            with pytest.raises(TicketGone, match="merged into"):
                call()
        client.comment(ref, comment("after-merge"))
        assert client.has_comment(ref, "after-merge")
        assert client.reopen(ref, ours) == ref
        assert (client.read(target).status, client.read(target).priority) == ("new", "P3")

    def test_a_merged_and_closed_ticket_gets_a_follow_up(self, client, request_tracker):
        """Where it was merged into is closed, so the problem gets a ticket of its own again."""
        ticket = new_ticket()
        ref, target = client.open(ticket), client.open(new_ticket())
        request_tracker.set(ref, MergeInto=target.id)
        client.resolve(target)
        again = client.reopen(ref, ticket)
        assert [one.ref for one in client.find(ticket.key) if one.open] == [again]
        assert not client.read(target).open

    def test_a_rejected_ticket_opens_again(self, client, request_tracker):
        """The default lifecycle lets a rejected ticket be opened."""
        ticket = new_ticket()
        ref = client.open(ticket)
        request_tracker.set(ref, Status="rejected")
        assert client.reopen(ref, ticket) == ref
        assert client.read(ref).open


class TestRefusals:
    """What RT does not let us do."""

    def test_a_wrong_token_is_not_authorised(self, build):
        """401 is NotAuthorised for every call, the doctor's included, without the token in the message."""
        client = build(token=PLANTED_SECRET)
        for call in (lambda: client.find(new_ticket().key), lambda: client.open(new_ticket()), client.check):
            with pytest.raises(NotAuthorised) as caught:
                call()
            assert PLANTED_SECRET not in str(caught.value)

    def test_an_unknown_queue_holds_the_work_back(self, build):
        """Nothing is sent, and all can be sent once the queue is there."""
        with pytest.raises(NotAuthorised, match="queue/No%20such%20queue: answered 403"):
            build(queue="No such queue").open(new_ticket())

    def test_an_unknown_queue_is_told_by_the_doctor(self, build):
        """The doctor names the queue and how to mend it."""
        checks = {one.subject: one for one in build(queue="No such queue").check()}
        assert checks["login"].well
        assert not checks["queue No such queue"].well
        assert "SeeQueue" in checks["queue No such queue"].hint

    def test_a_missing_custom_field_is_told_by_the_doctor(self, build):
        """The doctor names the field and how to mend it."""
        checks = {one.subject: one for one in build(window_field="No such field").check()}
        assert not checks["custom field No such field"].well
        assert checks["custom field ForetellKey"].well

    def test_a_ticket_moved_out_of_sight_is_gone_and_the_desk_is_not(self, client, request_tracker):
        """A person moves one ticket to a queue that we may not see: that ticket is gone, the others stay."""
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        request_tracker.set(ref, who="admin", Queue="General")
        for call in (lambda: client.read(ref), lambda: client.resolve(ref), lambda: client.comment(ref, comment("m"))):
            with pytest.raises(TicketGone, match="may no longer be seen"):
                call()
        assert client.read(other).open

    def test_a_file_that_rt_cuts_is_not_applied(self, build):
        """RT's own limit is below ours: it takes a part with 201, and we say so."""
        client = build(largest_attachment=5_000_000)
        ref = client.open(new_ticket())
        with pytest.raises(NotApplied, match="cut or dropped"):
            client.attach(ref, Attachment(name="big.txt", media_type="text/plain", content=b"x" * 2_000_000))
        assert client.read(ref).open

    def test_a_file_name_beyond_ascii_is_refused_before_it_is_sent(self, client):
        """RT answers 500 to such a name in JSON; we do not ask."""
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="ASCII"):
            client.attach(ref, Attachment(name="日志.txt", media_type="text/plain", content=b"a"))

    def test_a_status_that_the_lifecycle_forbids_is_not_applied(self, build):
        """A status that is not in the lifecycle is answered with 200 and a sentence, which the error repeats."""
        client = build(statuses={"resolved": ["done"]})
        with pytest.raises(NotApplied, match="isn't a valid status"):
            client.resolve(client.open(new_ticket()))


def test_a_customer_who_answers_by_mail_is_heard_as_a_person(client, request_tracker):
    """A mail with the ticket's number in its subject, handed to RT's own gateway as a mail server does."""
    ref = client.open(new_ticket())
    mail = EmailMessage()
    mail["From"], mail["To"] = "customer@client.test", "rt@rt.test"
    mail["Subject"], mail["Message-ID"] = f"Re: [rt.test #{ref.id}] disk", "<answer-1@client.test>"
    mail.set_content("It works again, thank you.\nforetell: confirm\n\n> Disk full on Thursday\n> foretell: wontfix\n")
    gate = [
        "/usr/bin/rt-mailgate-5",
        "--queue",
        request_tracker.queue,
        "--action",
        "correspond",
        "--url",
        request_tracker.url,
    ]
    subprocess.run(gate, input=mail.as_bytes(), check=True, capture_output=True, timeout=60)
    (act,) = client.read(ref).acts
    assert (act.kind, act.by) == ("confirm", "customer")
    assert "It works again" in act.text
