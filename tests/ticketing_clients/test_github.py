"""The GitHub client on a stand-in of the service: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_desk import answer
from fake_github import ENGINEER, STALE_BOT, FakeGitHub, client_at
from ticketing_clients import (
    Attachment,
    DeskUnreachable,
    Document,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Preformatted,
    Rejected,
    Throttled,
    TicketGone,
    TicketRef,
)
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, comment, new_ticket


@pytest.fixture
def desk():
    """Return a running stand-in."""
    with FakeGitHub().running() as desk:
        yield desk


@pytest.fixture
def client(desk, tmp_path):
    """Return a client of it."""
    return client_at(desk.url, tmp_path)


class TestContract(ClientContract):
    """GitHub keeps the contract, with labels that find nothing of what is new."""

    @pytest.fixture
    def build(self, desk, tmp_path):
        return lambda: client_at(desk.url, tmp_path)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return client_at("http://127.0.0.1:9", tmp_path, PLANTED_SECRET)

    @pytest.fixture
    def person(self, desk):
        return desk


class TestOpening:
    """What GitHub drops in silence is told, and nothing is opened where everybody could read it."""

    def test_every_label_and_further_field_is_set(self, desk, tmp_path):
        """Beside ours there are those of the configuration, and the key cannot be seen."""
        fields = {"labels": ["ops"], "assignees": ["enya"]}
        ticket = new_ticket(priority="P2")
        ref = client_at(desk.url, tmp_path, fields=fields, priorities={"P2": "urgent"}).open(ticket)
        issue = desk.issues[int(ref.id)]
        assert {"ops", "foretell", "urgent", f"foretell-key-{ticket.key[:2]}"} < set(issue["labels"])
        assert all(len(label) <= 50 for label in issue["labels"])
        assert issue["assignees"] == ["enya"]
        assert ticket.key not in desk.sees(ref)[1]
        assert ref.url == "https://github.test/client/preventive/issues/1"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"private": False}, "it is public"),
            ({"has_issues": False}, "switched off"),
            ({"archived": True}, "archived"),
            ({"permissions": {"admin": False, "push": False, "pull": True}}, "may not write"),
        ],
    )
    def test_a_repository_that_cannot_be_a_desk_gets_nothing(self, desk, client, changes, words):
        """It is said what is wrong, nothing is sent, and all can be sent once it is mended."""
        desk.repository |= changes
        with pytest.raises(NotAuthorised, match=words):
            client.open(new_ticket())
        assert desk.issues == {}
        (check,) = [one for one in client.check() if not one.well]
        assert words in check.found

    def test_a_repository_that_is_not_shown_is_a_matter_of_rights(self, desk, tmp_path):
        """GitHub says that it is not found."""
        client = client_at(desk.url, tmp_path, repository="client/other")
        with pytest.raises(NotAuthorised, match="is this the repository"):
            client.open(new_ticket())
        assert [one.subject for one in client.check() if not one.well] == ["repository"]

    def test_labels_that_were_dropped_are_told_and_the_ticket_is_found_all_the_same(self, desk, client):
        """The right to write was lost between looking and opening; the newest issues are looked through without labels."""

        def lose_the_right(request):
            desk.repository["permissions"]["push"] = request.method != "POST"

        desk.before = lose_the_right
        ticket = new_ticket()
        with pytest.raises(NotApplied, match="without the labels asked for"):
            client.open(ticket)
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]

    def test_somebody_who_cannot_be_assigned_is_told(self, desk, tmp_path):
        """GitHub leaves the assignee out without a word."""
        desk.unassignable.add("ghost")
        with pytest.raises(NotApplied, match="without the assignees asked for"):
            client_at(desk.url, tmp_path, fields={"assignees": ["ghost"]}).open(new_ticket())

    @pytest.mark.parametrize("letter", ["a", "<", "磁", "😀"])
    def test_the_longest_text_fits(self, client, letter):
        """However many signs and bytes a letter becomes, the text is taken, and the key is in it."""
        ticket = new_ticket(body=Document((Preformatted(letter * 70_000),)))
        client.open(ticket)
        assert [one.key for one in client.find(ticket.key)] == [ticket.key]


class TestFinding:
    """The key is compared, whatever a search brings."""

    def test_an_answer_that_was_lost_left_a_ticket_that_is_found(self, desk, client):
        """It is not yet found by its labels, but among the newest issues."""
        desk.lose = lambda request: request.method == "POST"
        ticket = new_ticket()
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        assert [one.key for one in client.find(ticket.key)] == [ticket.key]

    def test_an_old_ticket_is_found_by_its_labels_on_any_page(self, desk, client):
        """More than two pages of issues came after it, some of them with the same label."""
        ticket = new_ticket()
        ref = client.open(ticket)
        label = f"foretell-key-{ticket.key[:2]}"
        for _ in range(220):
            desk.add(title="another", body="no key", labels=[label])
        again = client.open(ticket)
        for _ in range(120):
            desk.add(title="a stranger's", body="no key", labels=["foretell"], user=ENGINEER)
        desk.index()
        assert [one.ref for one in client.find(ticket.key)] == [ref, again]

    def test_a_ticket_whose_labels_a_person_took_off_is_found_while_it_is_new(self, desk, client):
        """They are not all that is looked for."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.issues[1]["labels"] = []
        desk.index()
        assert [one.ref for one in client.find(ticket.key)] == [ref]
        assert [one.ref for one in client.list_open(ticket.device.id)] == [ref]

    def test_a_copy_that_a_person_made_is_not_ours(self, desk, client):
        """GitHub copies text and labels with the hidden key; to close it as a duplicate is not our business."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.add(**{name: desk.issues[1][name] for name in ("title", "body", "labels")}, user=ENGINEER)
        desk.index()
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_a_key_in_a_quoted_log_is_no_key(self, client):
        """What stands in the text itself does not pass for ours."""
        other = new_ticket()
        log = f"<!-- foretell key={other.key} host={'0' * 64} -->"
        client.open(new_ticket(body=Document((Preformatted(log),))))
        assert client.find(other.key) == []


class TestPriority:
    """Labels are put on and taken off one by one."""

    def test_only_labels_of_lower_priorities_are_taken_off(self, desk, client):
        """What people put on stays, and so does the case in which they first wrote a label."""
        desk.label("p1")
        ref = client.open(new_ticket(priority="P4"))
        desk.put_label(1, "customer: Client")
        desk.put_label(1, "P3")
        client.raise_priority(ref, "P1")
        assert {"p1", "customer: Client", "foretell"} < set(desk.issues[1]["labels"])
        assert not {"P3", "P4"} & set(desk.issues[1]["labels"])
        assert client.read(ref).priority == "P1"
        assert not [path for method, path in desk.seen if method in {"PUT", "PATCH"}]

    def test_a_change_that_was_cut_in_half_is_finished(self, desk, client):
        """With both labels on the higher one counts, and asking again takes the lower one off."""
        ref = client.open(new_ticket(priority="P3"))
        desk.put_label(1, "P2")
        assert client.read(ref).priority == "P2"
        client.raise_priority(ref, "P2")
        assert "P3" not in desk.issues[1]["labels"]

    def test_a_label_that_somebody_took_off_meanwhile_is_no_error(self, desk, client):
        """It is off, as was asked."""
        ref = client.open(new_ticket(priority="P3"))

        def take_off(request):
            if request.method == "POST":
                desk.issues[1]["labels"].remove("P3")

        desk.before = take_off
        client.raise_priority(ref, "P2")
        assert client.read(ref).priority == "P2"

    def test_without_any_label_there_is_no_priority(self, desk, client):
        """A person took it off; to raise it puts one on again."""
        ref = client.open(new_ticket())
        desk.issues[1]["labels"] = []
        assert client.read(ref).priority is None
        client.raise_priority(ref, "P2")
        assert desk.issues[1]["labels"] == ["P2"]


class TestGone:
    """An issue that is not there is told from a repository that is not."""

    @pytest.mark.parametrize("how", ["deleted", "transferred"])
    def test_a_ticket_may_be_deleted_or_go_elsewhere(self, desk, client, how):
        """Then it is gone for us, whatever is asked, and it is not found any more."""
        ticket = new_ticket()
        ref = client.open(ticket)
        if how == "deleted":
            desk.deleted.add(1)
        else:
            desk.transferred[1] = f"{desk.url}/repositories/7/issues/12"
        for call in (
            lambda: client.read(ref),
            lambda: client.comment(ref, comment("m")),
            lambda: client.resolve(ref),
            lambda: client.reopen(ref, ticket),
        ):
            with pytest.raises(TicketGone):
                call()
        assert client.find(ticket.key) == []

    def test_a_renamed_repository_has_lost_no_ticket(self, desk, client, tmp_path):
        """Every address is redirected then; the redirect is named, not followed, and no ticket is told as gone."""
        ref = client.open(new_ticket())
        desk.moved = "https://api.github.test/repositories/7"
        fresh = client_at(desk.url, tmp_path)
        for call in (lambda: fresh.read(ref), lambda: fresh.open(new_ticket()), fresh.check):
            with pytest.raises(DeskUnreachable, match=r"a redirect to api\.github\.test"):
                call()
        assert len(desk.issues) == 1

    @pytest.mark.parametrize("changes", [{"full_name": "client/elsewhere"}, {"has_issues": False}])
    def test_rights_that_were_lost_have_deleted_no_ticket(self, desk, client, tmp_path, changes):
        """404 and 410 come for every ticket then, and mean the repository."""
        ref = client.open(new_ticket())
        desk.repository |= changes
        desk.before = lambda request: answer(404, {"message": "Not Found"}) if "/issues/" in request.path else None
        with pytest.raises(NotAuthorised):
            client_at(desk.url, tmp_path).read(ref)


class TestSaying:
    """Comments, and where none can be made."""

    def test_a_locked_conversation_is_refused_for_this_ticket_alone(self, desk, client):
        """403 there does not stop the desk."""
        ref = client.open(new_ticket())
        desk.issues[1]["locked"] = True
        desk.repository["permissions"]["push"] = False
        with pytest.raises(Rejected, match="is locked") as caught:
            client.comment(ref, comment("m"))
        assert type(caught.value) is Rejected

    def test_a_marker_that_a_person_wrote_is_not_ours(self, desk, client):
        """Who quotes us has not said it for us."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("one"))
        body = desk.events[1][-1]["body"]
        desk.happens(1, "commented", ENGINEER, body=body.replace(":one]", ":two]"))
        assert client.has_comment(ref, "one")
        assert not client.has_comment(ref, "two")

    def test_a_comment_is_found_behind_a_hundred_others(self, desk, client):
        """All pages are looked through."""
        ref = client.open(new_ticket())
        for _ in range(100):
            desk.happens(1, "commented", ENGINEER, body="me too")
        client.comment(ref, comment("late"))
        assert client.has_comment(ref, "late")
        assert len(client.read(ref).acts) == 100

    def test_files_are_refused(self, client):
        """The capabilities say so, and nobody is left in doubt."""
        ref = client.open(new_ticket())
        assert not client.capabilities.attach
        with pytest.raises(Rejected, match="takes no files"):
            client.attach(ref, Attachment(name="a", media_type="text/plain", content=b"a"))
        assert not client.has_attachment(ref, "a")


class TestActs:
    """What people do counts; what programs do does not."""

    def test_a_program_that_closes_a_ticket_has_said_nothing(self, desk, client):
        """The ticket is closed all the same."""
        ref = client.open(new_ticket())
        desk.does(ref, "wont_fix", by=STALE_BOT)
        desk.does(ref, "reply", by=STALE_BOT)
        state = client.read(ref)
        assert (state.status, state.acts) == ("rejected", ())

    def test_an_account_that_was_deleted_is_nobody(self, desk, client):
        """GitHub shows its acts without an actor."""
        ref = client.open(new_ticket())
        desk.happens(1, "commented", None, body="foretell: confirm")
        assert client.read(ref).acts == ()

    @pytest.mark.parametrize(
        ("reason", "status", "kinds"),
        [
            ("completed", "resolved", ["resolve"]),
            ("not_planned", "rejected", ["wont_fix"]),
            ("duplicate", "merged", []),
        ],
    )
    def test_what_a_ticket_was_closed_for(self, desk, client, reason, status, kinds):
        """Each reason has its meaning, and is told in GitHub's own word."""
        ref = client.open(new_ticket())
        desk.turn(1, "closed", reason, ENGINEER)
        state = client.read(ref)
        assert (state.status, state.resolution, state.desk_status) == (status, reason, f"closed ({reason})")
        assert [act.kind for act in state.acts] == kinds

    def test_who_has_it_is_told(self, desk, client):
        """An assignee is the handler, and makes a new ticket an open one."""
        ref = client.open(new_ticket())
        assert client.read(ref).status == "new"
        desk.does(ref, "acknowledge")
        state = client.read(ref)
        assert (state.status, state.handler) == ("open", "Enya")

    def test_a_duplicate_is_linked_to_its_original(self, desk, client):
        """By the original's id at GitHub, which is not its number."""
        ticket = new_ticket()
        first, second = client.open(ticket), client.open(ticket)
        client.close_duplicate(second, first)
        assert client.read(second).status == "merged"
        (mark,) = [one for one in desk.events[2] if one["event"] == "marked_as_duplicate"]
        assert mark["canonical"] == desk.issues[1]["id"]


class TestLimits:
    """GitHub's limits are waited for."""

    @pytest.mark.parametrize("status", [403, 429])
    def test_a_second_limit_is_no_matter_of_rights(self, desk, client, status):
        """It is told with a wait, or without one, and not always as 429."""
        desk.before = lambda request: (
            answer(status, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "90"})
            if request.method == "POST"
            else None
        )
        with pytest.raises(Throttled) as caught:
            client.open(new_ticket())
        assert caught.value.retry_after == 90

    def test_a_token_that_is_not_accepted(self, desk, tmp_path):
        """The desk waits for somebody to mend it, and the token stays inside."""
        with pytest.raises(NotAuthorised) as caught:
            client_at(desk.url, tmp_path, PLANTED_SECRET).read(TicketRef("github", "1"))
        assert PLANTED_SECRET not in str(caught.value)
