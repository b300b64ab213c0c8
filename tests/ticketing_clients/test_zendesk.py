"""The Zendesk client against a stand-in: the contract, with and without the vendor's specification, and the ways of this desk."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from fake_desk import SPECIFICATIONS, Specification, answer
from fake_zendesk import ANN, EMAIL, SYSTEM, US, FakeZendesk, PersonAtZendesk, mend
from stand_in import StandInContract
from ticketing_clients import (
    Attachment,
    Customer,
    Device,
    Document,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Paragraph,
    Preformatted,
    Rejected,
    Throttled,
    TicketGone,
    TicketRef,
)
from ticketing_clients.contract import PLANTED_SECRET, Context, comment, new_ticket
from ticketing_clients.zendesk import PLUGIN

SPECIFICATION = "zendesk-support.src.json"
FILE = Attachment(name="evidence.tar.gz", media_type="application/gzip", content=b"\x1f\x8b evidence")

Person = PersonAtZendesk


def build_client(url, state_dir, **changes):
    """Return a client that logs in with the planted token, with changed options."""
    options = {"user": EMAIL} | changes
    return PLUGIN.build(PLUGIN.options(client="zendesk", url=url, **options), Context(state_dir), "zendesk")


@pytest.fixture
def desk():
    """Return a running Zendesk, which keeps the specification where that is at hand."""
    here = (SPECIFICATIONS / SPECIFICATION).is_file()
    with FakeZendesk(Specification.at_hand(SPECIFICATION, mend=mend) if here else None).running() as desk:
        yield desk


class TestContract(StandInContract):
    """The client keeps the contract, whether or not the specification is at hand."""

    @pytest.fixture
    def desk(self):
        with FakeZendesk().running() as desk:
            yield desk


class TestContractBySpecification(TestContract):
    """So it does when every request is held to Zendesk's own specification."""

    @pytest.fixture
    def desk(self):
        with FakeZendesk(Specification.at_hand(SPECIFICATION, mend=mend)).running() as desk:
            yield desk


def there(desk, ref):
    """Return the ticket as the desk has it."""
    return desk.tickets[int(ref.id)]


def once(act):
    """Return a function for `before` or `lose` that does `act` with the first request that changes something."""
    done = []

    def first(request):
        if request.method == "GET" or done:
            return None
        done.append(request.path)
        return act(request)

    return first


class TestOpening:
    """One request makes one ticket, with everything on it."""

    def test_every_field_is_set(self, desk, build):
        """A task, due, for the customer, in the group, by us, with key, host and labels, and what is configured besides."""
        client = build(group=7, fields={"brand_id": 12}, custom_fields={"500": "Shanghai"})
        ticket = new_ticket(priority="P2", labels=("foretell", "Disk Space!"))
        made = there(desk, client.open(ticket))
        assert (made["type"], made["due_at"], made["priority"]) == ("task", "2026-12-04T12:00:00Z", "high")
        assert (made["external_id"], made["group_id"], made["brand_id"]) == (ticket.key, 7, 12)
        assert (made["submitter_id"], made["assignee_id"]) == (US, None)
        assert desk.users[made["requester_id"]]["email"] == ticket.customer.contact
        assert {"foretell", "disk_space_"} < set(made["tags"])
        assert made["custom_fields"] == [{"id": 500, "value": "Shanghai"}]
        assert [(one["public"], one["author_id"]) for one in desk.said[made["id"]]] == [(True, US)]

    def test_the_host_is_a_tag_that_tells_it_from_every_other(self, desk, client):
        """A tag keeps neither capitals nor signs, so it is made of the host id's hash."""
        hosts = [new_ticket(device=Device(id=one, name="web01")) for one in ("Web-01", "web-01", "web 01")]
        tags = [set(there(desk, client.open(one))["tags"]) - {"foretell"} for one in hosts]
        assert len({tag for (tag,) in tags}) == 3

    def test_a_customer_without_an_address_is_no_requester(self, desk, client):
        """Then we are it ourselves."""
        ref = client.open(new_ticket(customer=Customer(id="client", name="Client")))
        assert there(desk, ref)["requester_id"] == US

    def test_a_lost_answer_is_given_again_to_the_same_request(self, desk, client):
        """Within two hours the retry is byte for byte the same, has the same key, and makes no second ticket."""
        sent = []
        desk.lose = once(lambda _: True)
        desk.before = lambda one: sent.append((one.headers.get("Idempotency-Key"), one.get_data()))
        ticket = new_ticket()
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        desk.now += timedelta(hours=1, minutes=59)
        ref = client.open(ticket)
        creates = [one for one in sent if one[0]]
        assert creates[0] == creates[1]
        assert len(creates[0][0]) <= 255
        assert [int(ref.id)] == list(desk.tickets)

    def test_after_two_hours_only_the_key_on_the_ticket_finds_it(self, desk, client):
        """By then the desk has forgotten the request; the lookup before each opening has not."""
        ticket = new_ticket()
        first = client.open(ticket)
        desk.now += timedelta(hours=2)
        assert [one.ref for one in client.find(ticket.key)] == [first]
        assert client.open(ticket) != first

    def test_another_ticket_is_another_request(self, client):
        """Whatever is different on it, down to one letter."""
        ticket = new_ticket()
        changed = msgspec.structs.replace(ticket, body=Document((Paragraph("one letter more"),)))
        assert client.open(ticket) != client.open(changed)

    def test_while_the_first_request_is_at_work_nobody_knows(self, desk, client):
        """The desk refuses the second with 409, which tells nothing of the first."""
        desk.before = lambda one: desk.in_flight.add(one.headers.get("Idempotency-Key"))
        with pytest.raises(OutcomeUnknown, match="still being carried out"):
            client.open(new_ticket())

    def test_an_answer_about_a_ticket_that_was_solved_since_is_no_new_ticket(self, client):
        """The same request again is answered with the first ticket, as it was then."""
        ticket = new_ticket()
        ref = client.open(ticket)
        client.resolve(ref)
        with pytest.raises(NotApplied, match=f"solved already; .* as ticket {ref.id}"):
            client.open(ticket)

    @pytest.mark.parametrize(
        ("break_it", "named"),
        [
            (lambda desk: desk.settings["tickets"].update(tagging=False), "the host's tag asked for"),
            (lambda desk: desk.fields.pop(0), "the due time asked for"),
            (lambda desk: desk.fields.pop(3), "the custom field 500 asked for"),
        ],
        ids=["no tags", "no type", "no such field"],
    )
    def test_what_is_dropped_in_silence_is_told_and_the_ticket_is_found(self, desk, build, break_it, named):
        """The error names what is missing, and the key finds the ticket."""
        break_it(desk)
        client, ticket = build(custom_fields={"500": "x"}), new_ticket()
        with pytest.raises(NotApplied, match=named):
            client.open(ticket)
        assert len(client.find(ticket.key)) == 1

    def test_no_task_has_no_time_by_which_it_is_due(self, desk, build):
        """Who sets another type gets a ticket without."""
        ref = build(fields={"type": "incident"}).open(new_ticket())
        assert (there(desk, ref)["type"], there(desk, ref)["due_at"]) == ("incident", None)

    def test_a_suspended_customer_is_refused_in_the_desks_words(self, desk, client):
        """Nothing is made, and the reason is passed on."""
        ticket = new_ticket()
        desk.users[desk.user("Client", "end-user", ticket.customer.contact)]["suspended"] = True
        with pytest.raises(Rejected, match="Requester: is suspended"):
            client.open(ticket)
        assert desk.tickets == {}

    def test_what_we_set_cannot_be_configured_away(self, build):
        """The key in particular; said when the client is built."""
        with pytest.raises(ValueError, match="external_id, tags cannot be set"):
            build(fields={"external_id": "x", "tags": ["y"]})

    def test_an_oauth_token_logs_in_as_well(self, tmp_path):
        """Where no address is configured; the specification knows no such login."""
        with FakeZendesk().running() as desk:
            assert build_client(desk.url, tmp_path, user="").open(new_ticket()).id in map(str, desk.tickets)


class TestText:
    """What was written is what is read, whoever wrote it."""

    @pytest.mark.parametrize("text", ["{{ticket.requester.email}}", "{{{x}}}", "{% if x %}y{% endif %}", "a {{"])
    def test_nothing_is_filled_in(self, desk, client, text):
        """In title, body and comment the signs stay, told apart by one that is not seen."""
        body = Document((Paragraph(text), Preformatted(text)))
        ref = client.open(new_ticket(title=text, body=body))
        client.comment(ref, comment("m", text))
        seen = [there(desk, ref)["subject"], *(one["body"] for one in desk.said[int(ref.id)])]
        assert [one.replace("\u200b", "") for one in seen] == [text, f"{text}\n{text}", f"{text}\n[foretell:m]"]
        assert all("{{" not in one and "{%" not in one for one in seen)

    def test_plain_text_is_no_markdown(self, desk, client):
        """Nothing that a log says becomes a link, emphasis or a list."""
        text = "# one *two* [three](http://evil.test) <img src=x>"
        ref = client.open(new_ticket(body=Document((Preformatted(text),))))
        (said,) = desk.said[int(ref.id)]
        assert "<pre>\n# one *two* [three](http://evil.test) &lt;img src=x&gt;</pre>" in said["html_body"]

    def test_a_long_comment_keeps_its_marker(self, desk, client):
        """It is cut before its last line, and not to more than the desk stores."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("m", "磁😀" * 50_000))
        assert client.has_comment(ref, "m")
        assert len(desk.said[int(ref.id)][-1]["html_body"].encode()) < 65_536


class TestFinding:
    """By key at once and exactly; by host in spite of an index that lags."""

    def test_a_key_in_other_letters_is_another_key(self, client):
        """The desk compares without regard to case; we do not."""
        ticket = new_ticket()
        client.open(msgspec.structs.replace(ticket, key=ticket.key.upper()))
        assert client.find(ticket.key) == []

    def test_all_pages_are_read(self, desk, client):
        """Five tickets with one key, two a page, one of them deleted."""
        desk.page_size = 2
        ticket = new_ticket()
        refs = []
        for _ in range(5):
            refs.append(client.open(ticket))
            desk.now += timedelta(hours=2)
        desk.delete(int(refs[1].id))
        assert [one.ref for one in client.find(ticket.key)] == [refs[0], *refs[2:]]

    def test_a_listed_ticket_tells_what_its_host_was_called(self, client):
        """By its title, so that the doctor sees a host id that was used under another name."""
        ticket = new_ticket(title="The disk / of web01 is full")
        client.open(ticket)
        (found,) = client.list_open(ticket.device.id)
        assert found.names("web01")
        assert not found.names("web0")

    def test_old_tickets_come_from_the_index_as_they_are_now(self, desk, client):
        """Solved, opened again or taken from us since the index looked: the ticket itself decides."""
        host = new_ticket().device
        opened, solved, reopened, stranger, closed = (client.open(new_ticket(device=host)) for _ in range(5))
        client.resolve(reopened)
        desk.index()
        client.resolve(solved)
        client.reopen(reopened, new_ticket())
        desk.act(int(stranger.id), ANN, {"tags": []})
        desk.act(int(closed.id), ANN, {"status": "closed"})
        crowd(desk, client)
        assert [one.ref for one in client.list_open(host.id)] == [opened, reopened]

    def test_what_the_index_does_not_know_yet_is_among_the_latest_changes(self, desk, client):
        """A ticket of the last minutes is listed, behind however many others."""
        desk.page_size = 2
        ticket = new_ticket()
        ref = client.open(ticket)
        for _ in range(4):
            client.open(new_ticket())
        desk.now += timedelta(minutes=10)
        client.open(new_ticket())
        assert [one.ref for one in client.list_open(ticket.device.id)] == [ref]

    def test_the_search_for_what_is_missing_ends(self, desk, client):
        """What is older than the index's lag is not paged through."""
        desk.page_size = 2
        for _ in range(10):
            client.open(new_ticket())
            desk.now += timedelta(minutes=10)
        desk.seen.clear()
        assert client.list_open("unheard of") == []
        assert desk.seen.count(("GET", "/api/v2/tickets")) == 2

    def test_more_tickets_than_can_be_shown_at_once_are_all_listed(self, desk, client):
        """They are read again a hundred at a time."""
        host, other = new_ticket().device, new_ticket()
        ref = client.open(new_ticket(device=host))
        first = there(desk, ref)
        desk.tickets |= {10_000 + number: first | {"id": 10_000 + number} for number in range(150)}
        desk.index()
        for _ in range(2):
            desk.now += timedelta(hours=1)
            client.open(other)
        assert len(client.list_open(host.id)) == 151


def crowd(desk, client):
    """Fill the list of the latest changes with others'."""
    desk.page_size = 2
    for _ in range(4):
        desk.now += timedelta(minutes=10)
        client.open(new_ticket())


class TestReading:
    """What became of a ticket, and what people did to it."""

    def test_a_merged_ticket_is_no_closed_one(self, desk, client):
        """Whoever merges does not say that anything is solved."""
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        desk.merge(int(ref.id), int(other.id))
        state = client.read(ref)
        assert (state.status, state.open, state.acts) == ("merged", False, ())

    def test_a_deleted_ticket_is_gone(self, desk, client):
        """It is not found by its key either."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.delete(int(ref.id))
        with pytest.raises(TicketGone):
            client.read(ref)
        assert client.find(ticket.key) == []

    def test_what_the_desk_does_by_itself_is_nobodys_act(self, desk, client):
        """An automation closes; a trigger works within somebody's update."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.act(int(ref.id), ANN, {"priority": "urgent"}, rule={"status": "open", "assignee_id": ANN})
        desk.act(int(ref.id), SYSTEM, {"status": "closed"})
        state = client.read(ref)
        assert (state.status, state.acts) == ("closed", ())

    def test_an_answer_that_opens_a_waiting_ticket_is_only_an_answer(self, desk, client):
        """Nobody has taken the ticket on by it."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"status": "pending"})
        customer = there(desk, ref)["requester_id"]
        desk.act(int(ref.id), customer, {"comment": {"html_body": "<p>yes</p><blockquote>no</blockquote>"}})
        assert [(one.kind, one.by, one.text) for one in client.read(ref).acts] == [
            ("defer", "Ann", ""),
            ("reply", "Client", "yes"),
        ]

    def test_an_answer_to_a_solved_ticket_opens_it_again(self, desk, client):
        """By the customer, and told as both."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.act(int(ref.id), there(desk, ref)["requester_id"], {"comment": {"html_body": "<p>no!</p>"}})
        state = client.read(ref)
        assert (state.status, [one.kind for one in state.acts]) == ("open", ["reopen", "reply"])

    def test_what_agents_write_among_themselves_is_no_answer(self, desk, client):
        """But a line for us counts wherever it stands."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"comment": {"html_body": "<p>look at this</p>", "public": False}})
        assert client.read(ref).acts == ()
        desk.act(int(ref.id), ANN, {"comment": {"html_body": "<p>foretell: confirm</p>", "public": False}})
        assert [one.kind for one in client.read(ref).acts] == ["confirm"]

    @pytest.mark.parametrize(
        ("score", "rating"), [("offered", None), ("unoffered", None), ("good", 5), ("bad", 1), ("bad_with_comment", 1)]
    )
    def test_the_desks_own_question_is_a_rating(self, desk, client, score, rating):
        """Zendesk asks requesters by itself; what they answer is read, once, and nothing while it was only offered."""
        ref = client.open(new_ticket())
        there(desk, ref)["satisfaction_rating"] = {"id": 7, "score": score, "comment": "too slow"}
        acts = client.read(ref).acts
        assert [(one.kind, one.option, one.text) for one in acts] == ([("rate", rating, "too slow")] if rating else [])

    def test_a_status_of_the_accounts_own_means_what_is_configured(self, desk, build):
        """Within solved the account has "won't fix"; the state has the account's own word."""
        desk.statuses = [{"id": 901, "agent_label": "Won't fix", "status_category": "solved", "active": True}]
        client = build(statuses={"rejected": [901]})
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"status": "solved", "assignee_id": ANN})
        desk.act(int(ref.id), ANN, {"custom_status_id": 901})
        state = client.read(ref)
        assert (state.status, state.desk_status) == ("rejected", "Won't fix")
        assert [one.kind for one in state.acts] == ["resolve", "wont_fix"]
        desk.act(int(ref.id), SYSTEM, {"status": "closed"})
        assert client.read(ref).status == "closed"

    def test_a_long_history_is_read_whole(self, desk, client):
        """Updates come two a page."""
        ref = client.open(new_ticket())
        for number in range(5):
            desk.act(int(ref.id), ANN, {"comment": {"html_body": f"<p>{number}</p>"}})
        desk.page_size = 2
        assert [one.text for one in client.read(ref).acts] == ["0", "1", "2", "3", "4"]

    def test_whoever_has_the_ticket_is_named(self, client, person):
        """By name, not by number."""
        ref = client.open(new_ticket())
        person.does(ref, "acknowledge")
        assert client.read(ref).handler == "Ann"

    def test_a_ticket_moved_out_of_sight_is_gone_for_us(self, desk, client):
        """The desk says 403 to it, as it does to all when we lost our rights; asking who we are tells which."""
        ref = client.open(new_ticket())
        desk.before = lambda one: answer(403, {"error": "Forbidden"}) if f"/tickets/{ref.id}" in one.path else None
        with pytest.raises(TicketGone, match="may no longer be seen"):
            client.read(ref)
        desk.before = lambda _: answer(403, {"error": "Forbidden"})
        with pytest.raises(NotAuthorised):
            client.read(ref)


class TestChanging:
    """Nothing of a person is overwritten, and nothing is believed that does not read back."""

    def test_a_person_who_came_in_between_is_not_overwritten(self, desk, client):
        """Raised to urgent while we were about to raise it to high: it stays urgent."""
        ref = client.open(new_ticket(priority="P4"))
        desk.before = once(lambda _: desk.act(int(ref.id), ANN, {"priority": "urgent"}))
        client.raise_priority(ref, "P2")
        assert there(desk, ref)["priority"] == "urgent"

    def test_a_comment_is_made_although_somebody_came_in_between(self, desk, client):
        """The ticket is read again, and the comment made once."""
        ref = client.open(new_ticket())
        desk.before = once(lambda _: desk.act(int(ref.id), ANN, {"assignee_id": ANN}))
        client.comment(ref, comment("m"))
        assert len(desk.said[int(ref.id)]) == 2

    def test_a_ticket_that_others_keep_changing_has_to_wait_alone(self, desk, client):
        """After some tries it is left for later, and the other tickets are not held up."""
        ref = client.open(new_ticket())
        desk.before = lambda one: desk.act(int(ref.id), ANN, {"tags": []}) if one.method == "PUT" else None
        with pytest.raises(Throttled, match="others are changing ticket") as caught:
            client.resolve(ref)
        assert caught.value.ticket_only

    def test_the_limit_on_one_ticket_is_its_own(self, client):
        """After thirty updates in ten minutes this ticket has to wait, and no other."""
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        for number in range(30):
            client.comment(ref, comment(f"m{number}"))
        with pytest.raises(Throttled) as caught:
            client.comment(ref, comment("one more"))
        assert caught.value.ticket_only
        assert 60 < caught.value.retry_after <= 600
        client.comment(other, comment("m"))

    def test_the_accounts_limit_is_for_all(self, desk, client):
        """It counts by the minute, so it never asks for a longer wait."""
        ref = client.open(new_ticket())
        limits = {"Retry-After": "60", "X-Rate-Limit-Remaining": "0"}
        desk.before = once(lambda _: answer(429, {"error": "APIRateLimitExceeded"}, limits))
        with pytest.raises(Throttled) as caught:
            client.comment(ref, comment("m"))
        assert (caught.value.ticket_only, caught.value.retry_after) == (False, 60.0)

    def test_a_comment_whose_answer_was_lost_is_found(self, desk, client):
        """By its marker, so that it is not said twice."""
        ref = client.open(new_ticket())
        desk.lose = once(lambda _: True)
        with pytest.raises(OutcomeUnknown):
            client.comment(ref, comment("m"))
        assert client.has_comment(ref, "m")

    def test_a_marker_that_somebody_else_repeats_is_not_ours(self, desk, client):
        """Only a comment by us is one."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"comment": {"html_body": "<p>as you said</p><p>[foretell:m]</p>"}})
        assert not client.has_comment(ref, "m")

    def test_a_ticket_without_a_priority_gets_one(self, desk, client):
        """None is lower than any."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"priority": None})
        assert client.read(ref).priority is None
        client.raise_priority(ref, "P4")
        assert there(desk, ref)["priority"] == "low"

    def test_a_change_that_a_trigger_undoes_is_not_applied(self, desk, client):
        """The desk answers with success; reading back tells."""
        ref = client.open(new_ticket())
        whole = desk.act
        desk.act = lambda number, by, fields: whole(number, by, fields, rule={"priority": "low", "status": "open"})
        with pytest.raises(NotApplied, match="did not take priority urgent"):
            client.raise_priority(ref, "P1")
        with pytest.raises(NotApplied, match="is still open"):
            client.resolve(ref)


class TestSolving:
    """Solved by the desk's rules, opened again by them."""

    def test_what_is_required_is_filled_in_where_nobody_did(self, desk, build):
        """A person's value and assignee stay."""
        desk.fields[3]["required"] = True
        client = build(resolve_fields={"500": "ours"})
        mine, theirs = client.open(new_ticket()), client.open(new_ticket())
        desk.act(int(theirs.id), ANN, {"assignee_id": ANN, "custom_fields": [{"id": 500, "value": "theirs"}]})
        for ref, assignee, value in ((mine, US, "ours"), (theirs, ANN, "theirs")):
            client.resolve(ref)
            solved = there(desk, ref)
            assert (solved["status"], solved["assignee_id"]) == ("solved", assignee)
            assert solved["custom_fields"] == [{"id": 500, "value": value}]

    def test_a_field_that_is_missing_is_named(self, desk, client):
        """In the desk's own words, and the ticket stays open."""
        desk.fields[3]["required"] = True
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="Site: is required when solving a ticket"):
            client.resolve(ref)
        assert client.read(ref).open

    def test_the_accounts_own_status_for_solved_is_set(self, desk, build):
        """And counts as resolved."""
        desk.statuses = [{"id": 902, "agent_label": "Verified", "status_category": "solved", "active": True}]
        client = build(statuses={"resolved": [902]})
        ref = client.open(new_ticket())
        client.resolve(ref)
        assert there(desk, ref)["custom_status_id"] == 902
        assert client.read(ref).status == "resolved"

    def test_nothing_can_be_said_on_a_closed_ticket(self, desk, client):
        """The desk's words say why; solving it once more is nothing to do."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"status": "closed", "assignee_id": ANN})
        with pytest.raises(Rejected, match="closed prevents ticket update"):
            client.comment(ref, comment("m"))
        client.resolve(ref)

    def test_a_closed_ticket_gets_a_follow_up(self, desk, client):
        """Linked by the desk, with the same key, and with our tags instead of those it would inherit."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.merge(int(ref.id), int(client.open(new_ticket()).id))
        again = client.reopen(ref, ticket)
        assert again != ref
        assert there(desk, ref)["followup_ids"] == [int(again.id)]
        assert "closed_by_merge" not in there(desk, again)["tags"]
        assert [(one.ref, one.open) for one in client.find(ticket.key)] == [(ref, False), (again, True)]

    def test_a_follow_up_whose_answer_was_lost_is_found_by_its_key(self, desk, client):
        """Even when the desk has forgotten the request."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.act(int(ref.id), ANN, {"status": "closed", "assignee_id": ANN})
        desk.lose = once(lambda _: True)
        with pytest.raises(OutcomeUnknown):
            client.reopen(ref, ticket)
        desk.now += timedelta(hours=3)
        (made,) = there(desk, ref)["followup_ids"]
        assert client.reopen(ref, ticket).id == str(made)

    def test_a_duplicate_is_linked_tagged_and_solved_with_peoples_tags_kept(self, desk, client):
        """The customer is told nothing; a second time nothing is said again."""
        first, second = client.open(new_ticket()), client.open(new_ticket())
        desk.act(int(second.id), ANN, {"tags": [*there(desk, second)["tags"], "vip"]})
        for _ in range(2):
            client.close_duplicate(second, first)
        assert {"vip", "foretell", "foretell_duplicate"} < set(there(desk, second)["tags"])
        _, note = desk.said[int(second.id)]
        assert f'/agent/tickets/{first.id}">#{first.id}</a>' in note["html_body"]
        assert not note["public"]
        assert client.read(second).status == "resolved"


class TestAttaching:
    """What does not come onto the ticket does not stay at the desk."""

    def test_a_file_is_on_an_internal_note(self, desk, client):
        """With its name, whole, and nothing is left among the uploads."""
        ref = client.open(new_ticket())
        client.attach(ref, FILE)
        said = desk.said[int(ref.id)][-1]
        assert (said["public"], said["attachments"]) == (False, [{"file_name": FILE.name, "size": len(FILE.content)}])
        assert desk.uploads == {}

    def test_what_the_account_does_not_take_is_not_sent(self, desk, client):
        """Its limit may be lower than ours."""
        desk.settings["limits"]["attachment_size"] = 5
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="more than the 5 of the account"):
            client.attach(ref, FILE)
        assert ("POST", "/api/v2/uploads") not in desk.seen

    def test_an_upload_that_no_note_took_is_deleted(self, desk, client):
        """Until it is taken up any agent could read it."""
        ref = client.open(new_ticket())
        desk.act(int(ref.id), ANN, {"status": "closed", "assignee_id": ANN})
        with pytest.raises(Rejected, match="closed prevents ticket update"):
            client.attach(ref, FILE)
        assert desk.uploads == {}

    def test_an_upload_that_cannot_be_deleted_either_is_told(self, desk, client):
        """Without the token by which it could be taken up."""
        ref = client.open(new_ticket())
        desk.before = lambda one: answer(503) if one.method in {"PUT", "DELETE"} else None
        with pytest.raises(OutcomeUnknown, match="any agent may read it") as caught:
            client.attach(ref, FILE)
        (token,) = desk.uploads
        assert token not in str(caught.value)

    def test_a_note_without_its_file_is_not_applied(self, desk, client):
        """The desk took the note and not what it was for."""
        ref = client.open(new_ticket())
        whole = desk.act
        desk.act = lambda number, by, fields: whole(number, by, {"comment": {**fields["comment"], "uploads": []}})
        with pytest.raises(NotApplied, match=r"evidence\.tar\.gz \(11 bytes\) is not on ticket"):
            client.attach(ref, FILE)

    def test_a_file_whose_answer_was_lost_is_found(self, desk, client):
        """Withdrawing an upload that was taken up takes nothing away."""
        ref = client.open(new_ticket())
        desk.lose = lambda one: one.method == "PUT"
        with pytest.raises(OutcomeUnknown):
            client.attach(ref, FILE)
        assert client.has_attachment(ref, FILE.name)


class TestDoctor:
    """What would go wrong later is seen before."""

    def wrong(self, client):
        """Return what is found not to be well, by its subject."""
        return {one.subject: one.found for one in client.check() if not one.well}

    def test_nobodys_login_is_no_login(self, desk, client):
        """Zendesk answers with success that we are nobody."""
        desk.logins.clear()
        with pytest.raises(NotAuthorised, match="no agent's"):
            client.check()

    def test_a_customers_login_is_none_either(self, desk, client):
        """Only agents see tickets of others."""
        desk.users[US]["role"] = "end-user"
        with pytest.raises(NotAuthorised, match="no agent's"):
            client.check()

    def test_the_one_sender_is_named(self, client):
        """By whom all is said."""
        assert client.check()[0].found.startswith("Foretell (agent)")

    def test_everything_that_is_missing_is_told_at_once(self, desk, build):
        """Rights, tags, size, group, fields, type, priorities and statuses."""
        desk.users[US] |= {"ticket_restriction": "assigned", "only_private_comments": True}
        desk.settings = {"tickets": {"tagging": False}, "limits": {"attachment_size": 1000}}
        desk.fields = [
            {"id": 101, "type": "priority", "title": "Priority", "removable": False, "sub_type_id": 1},
            {"id": 501, "type": "text", "title": "Cause", "required": True},
            {"id": 502, "type": "text", "title": "Old", "required": True, "active": False},
        ]
        client = build(group=8, custom_fields={"500": "x"}, statuses={"rejected": [901]})
        assert self.wrong(client) == {
            "rights": "sees only the tickets assigned, may not comment in public",
            "tags": "switched off",
            "attachments": "up to 1000 bytes",
            "group 8": self.wrong(client)["group 8"],
            "custom fields": "no 500",
            "required to solve": "Cause (501)",
            "type": "not active",
            "priorities": "no urgent, no low",
            "statuses": "no 901 for rejected",
        }

    def test_what_was_configured_is_well(self, desk, build):
        """A required field has its value, a group is there, few priorities are enough."""
        desk.fields[1]["sub_type_id"] = 1
        desk.fields[3]["required"] = True
        desk.statuses = [{"id": 901, "agent_label": "Won't fix", "status_category": "solved", "active": True}]
        client = build(
            group=7,
            resolve_fields={"500": "x"},
            priorities={"P1": "high", "P4": "normal"},
            statuses={"rejected": [901]},
        )
        assert self.wrong(client) == {}

    def test_priorities_in_the_wrong_order_are_told(self, build):
        """Or raising would lower."""
        assert "priorities" in self.wrong(build(priorities={"P1": "low"}))


def test_no_secret_comes_out_in_what_the_desk_says_back(desk, client):
    """Neither the token nor the header that is made of it."""
    told = []
    for authorisation in (PLANTED_SECRET, *desk.logins):
        desk.before = lambda _, said=authorisation: answer(422, {"error": f"not allowed: {said}"})
        with pytest.raises(Rejected) as caught:
            client.find("key")
        told.append(str(caught.value))
    assert "[secret]" in told[0]
    assert not any(PLANTED_SECRET in one or login.split()[-1] in one for one in told for login in desk.logins)


def test_an_id_that_is_no_number_asks_the_desk_for_nothing(desk, client):
    """So nothing else gets into an address."""
    with pytest.raises(TicketGone):
        client.read(TicketRef("zendesk", "1/../../users/me"))
    assert desk.seen == []
