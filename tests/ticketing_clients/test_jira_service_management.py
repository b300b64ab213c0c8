"""The client of Jira Service Management on a stand-in: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_jira import TOKEN, USER
from fake_jira_service_management import Both, FakeServiceManagement
from ticketing_clients import Attachment, NotApplied, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients.contract import NOON, PLANTED_SECRET, ClientContract, Context, comment, new_ticket
from ticketing_clients.jira_service_management import PLUGIN

OPTIONS = {
    "project": "OPS",
    "request_type": "25",
    "user": USER,
    "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
    "resolution": "10000",
}


def build_client(url, state_dir, token=TOKEN, **changes):
    """Return a client of the stand-in's service project, with changed options."""
    options = PLUGIN.options(client="jira_service_management", url=url, **(OPTIONS | changes))
    return PLUGIN.build(options, Context(state_dir, token), "service")


@pytest.fixture(scope="module")
def judge():
    """Return the vendor's specifications, read once."""
    return Both()


@pytest.fixture
def desk():
    """Return a running stand-in."""
    with FakeServiceManagement().running() as desk:
        yield desk


@pytest.fixture
def build(desk, tmp_path):
    """Return a function that builds a client, with changed options."""
    return lambda **changes: build_client(desk.url, tmp_path, **changes)


@pytest.fixture
def client(build):
    """Return a client."""
    return build()


class TestContract(ClientContract):
    """Jira Service Management keeps the contract, with an index that has nothing of what is new."""

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", tmp_path, PLANTED_SECRET)

    @pytest.fixture
    def person(self, desk):
        return desk


class TestSpecification(TestContract):
    """Every request keeps the vendor's own specifications."""

    @pytest.fixture
    def desk(self, judge):
        with FakeServiceManagement(judge).running() as desk:
            yield desk


def clock(number, seconds):
    """Return an SLA whose clock runs out so many seconds after noon, or is paused."""
    breach = {"breachTime": {"epochMillis": int((NOON.timestamp() + seconds) * 1000)}} if seconds else {}
    return {"id": number, "name": "Zeit bis zur Lösung", "completedCycles": [], "ongoingCycle": breach}


class TestOpening:
    """A request is made with what its form has, and completed."""

    def test_what_the_form_has_not_is_set_afterwards(self, client, desk):
        """Labels, priority and due date are on the issue, beside the labels that automation had put there."""
        new = desk.new
        desk.new = lambda values, creator: new(values | {"labels": ["by-automation"]}, creator)
        ticket = new_ticket(priority="P2")
        one = desk.issues[client.open(ticket).id]
        assert {"by-automation", "foretell", f"foretell-{ticket.key}"} < set(one["fields"]["labels"])
        assert (one["fields"]["priority"], one["fields"]["duedate"]) == ({"id": "2"}, "2026-12-04")
        assert one["reporter"] == desk.user("customer")["accountId"]

    def test_what_the_form_has_is_made_with_the_request(self, client, desk):
        """Then there is nothing to complete."""
        desk.form_fields |= {"labels": False, "priority": False, "duedate": True}
        client.open(new_ticket())
        assert [method for method, path in desk.seen if path.endswith("/issue/10000")] == ["GET"]

    def test_a_form_that_asks_for_more_is_told_before_anything_is_made(self, build, client, desk):
        """The doctor says it too; the configuration can give it."""
        desk.form_fields["customfield_10050"] = True
        with pytest.raises(Rejected, match=r"asks for Customfield_10050 \(customfield_10050\), to be set in fields"):
            client.open(new_ticket())
        assert desk.issues == {}
        assert [one.subject for one in client.check() if not one.well] == ["request type 25"]
        assert build(fields={"customfield_10050": "x"}).open(new_ticket())

    def test_a_field_off_the_edit_screen_does_not_keep_the_others_away(self, client, desk):
        """The ticket is there with its labels; the reason says where to put the priority."""
        desk.edit_screen.remove("priority")
        ticket = new_ticket(priority="P1")
        with pytest.raises(
            NotApplied, match=r"was created, but .*to set the priority, put the field on .* edit screen"
        ):
            client.open(ticket)
        (found,) = client.find(ticket.key)
        fields = desk.issues[found.ref.id]["fields"]
        assert f"foretell-{ticket.key}" in fields["labels"]
        assert fields["duedate"] == "2026-12-04"

    def test_a_request_that_was_not_completed_is_found_by_its_description(self, client, desk):
        """The connection broke after the request was made, before the labels were: by its key and its host it is there."""
        desk.lose = lambda request: request.method == "POST" and request.path.endswith("/request")
        ticket = new_ticket()
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        desk.lose = lambda _: False
        for _ in range(2):  # at first without the index, then by it
            assert [one.key for one in client.find(ticket.key)] == [ticket.key]
            assert [one.key for one in client.list_open(ticket.device.id)] == [ticket.key]
            for _ in range(150):
                desk.new({"summary": "newer"}, desk.user("enya"))
            desk.index()

    def test_a_request_that_quotes_ours_is_not_ours(self, client, desk):
        """A customer forwards our mail, and makes another request with our line in it."""
        ticket = new_ticket()
        ref = client.open(ticket)
        description = desk.issues[ref.id]["fields"]["description"]
        desk.new({"summary": "Fwd", "description": description}, desk.user("customer", "customer"))
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_a_contact_who_is_no_customer_is_told(self, build, client, desk):
        """The ticket is opened all the same, and nobody like them becomes its customer."""
        del desk.people["customer@client.test"]  # my-customer@client.test is found by this address too
        ticket = new_ticket()
        with pytest.raises(NotApplied, match="the contact is no customer there"):
            client.open(ticket)
        (found,) = client.find(ticket.key)
        assert desk.issues[found.ref.id]["reporter"] == desk.agent["accountId"]
        assert build(on_behalf=False).open(new_ticket())

    def test_who_is_no_agent_is_told_by_the_doctor(self, client, desk):
        """Customers cannot raise requests for each other."""
        desk.agent_of_the_desk = False
        (wrong,) = [one for one in client.check() if not one.well]
        assert wrong.subject == "raising on behalf of customers"

    def test_a_request_type_that_is_not_there_is_told(self, build, desk):
        """Nothing is made, and the doctor says so too."""
        client = build(request_type="99")
        with pytest.raises(Rejected, match=r"Es gibt diesen Anfragetyp nicht\."):
            client.open(new_ticket())
        assert desk.issues == {}
        assert [one.subject for one in client.check() if not one.well] == ["request type 99"]


class TestAgreements:
    """What was agreed with the customer is what is due."""

    def test_the_last_clock_that_runs_says_when(self, build, client, desk):
        """A paused one says nothing; a configured one goes before."""
        ref = client.open(new_ticket())
        desk.clocks = [clock("1", 7200), clock("2", 600), clock("3", None)]
        assert client.read(ref).due.isoformat() == "2026-12-01T14:00:00+00:00"
        assert build(agreement="2").read(ref).due.isoformat() == "2026-12-01T12:10:00+00:00"
        assert build(agreement="3").read(ref).due.isoformat() == "2026-12-04T00:00:00+00:00"

    def test_what_was_moved_to_a_project_without_requests_is_still_read(self, client, desk):
        """It has a due date; a comment for its customer is refused, for it has none."""
        ref = client.open(new_ticket())
        desk.moved_out.add(ref.id)
        assert client.read(ref).due.isoformat() == "2026-12-04T00:00:00+00:00"
        with pytest.raises(TicketGone):
            client.comment(ref, comment("m", public=True))


class TestSaying:
    """What customers see, and what they do not."""

    def test_a_comment_is_internal_unless_it_is_meant_for_the_customer(self, client, desk):
        """The service desk's own interface is used, for the platform's would publish it."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("a"))
        client.comment(ref, comment("b", public=True))
        assert [said["jsdPublic"] for said in desk.issues[ref.id]["comments"]] == [False, True]

    def test_a_file_is_for_the_agents(self, client, desk):
        """The comment that shows it is internal, and is no act."""
        ref = client.open(new_ticket())
        client.attach(ref, Attachment(name="a.tar.gz", media_type="application/gzip", content=b"x"))
        assert [said["jsdPublic"] for said in desk.issues[ref.id]["comments"]] == [False]
        assert client.read(ref).acts == ()

    def test_a_customer_is_a_person(self, client, desk):
        """What the customer answers in the portal is a reply."""
        ref = client.open(new_ticket())
        desk.say(desk.issues[ref.id], desk.user("customer", "customer"), desk.body("please do"))
        assert [(act.kind, act.by, act.text) for act in client.read(ref).acts] == [("reply", "Customer", "please do")]

    def test_an_internal_comment_of_an_agent_is_no_reply(self, client, desk):
        """Only what its lines spell counts."""
        ref = client.open(new_ticket())
        one, enya = desk.issues[ref.id], desk.user("enya")
        desk.say(one, enya, desk.body("wait for the vendor"), public=False)
        desk.say(one, enya, desk.body("foretell: wontfix"), public=False)
        assert [act.kind for act in client.read(ref).acts] == ["wont_fix"]

    def test_the_sites_limit_is_asked_before_a_file_is_sent(self, client, desk):
        """Nothing is uploaded that would wait for ever."""
        ref = client.open(new_ticket())
        desk.upload_limit = 10
        with pytest.raises(Rejected, match="more than the 10 of the site"):
            client.attach(ref, Attachment(name="a", media_type="text/plain", content=b"x" * 11))
        assert not any(path.endswith("/attachTemporaryFile") for _, path in desk.seen)
