"""The GitLab client on a stand-in of the server: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_desk import answer
from fake_gitlab import ENGINEER, GUEST, TRIAGE_BOT, FakeGitLab, client_at
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
)
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, comment, new_ticket


@pytest.fixture
def desk():
    """Return a running stand-in."""
    with FakeGitLab().running() as desk:
        yield desk


@pytest.fixture
def client(desk, tmp_path):
    """Return a client of it."""
    return client_at(desk.url, tmp_path)


class TestContract(ClientContract):
    """GitLab keeps the contract."""

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
    """What GitLab drops in silence is told, and a ticket is kept from those it is not for."""

    @pytest.mark.parametrize("confidential", [True, False])
    def test_every_field_is_set(self, desk, tmp_path, confidential):
        """Labels of ours and of the configuration, assignee, due day; confidential unless it is not wanted."""
        client = client_at(
            desk.url, tmp_path, fields={"labels": ["ops"], "assignee_ids": [2]}, confidential=confidential
        )
        ref = client.open(new_ticket(priority="P1"))
        issue = desk.issues[1]
        assert {"ops", "foretell", "P1"} < set(issue["labels"])
        assert (issue["assignees"], issue["due_date"]) == ([ENGINEER], "2026-12-04")
        assert issue["confidential"] is confidential
        assert ref.url == "https://gitlab.test/client/preventive/-/issues/1"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda desk: desk.project.update(visibility="public"), "it is public"),
            (lambda desk: desk.project.update(issues_access_level="disabled"), "switched off"),
            (lambda desk: desk.project.update(archived=True), "archived"),
            (lambda desk: setattr(desk, "role", GUEST), "not at least Planner or Reporter"),
            (lambda desk: setattr(desk, "role", None), "not at least Planner or Reporter"),
        ],
    )
    def test_a_project_that_cannot_be_a_desk_gets_nothing(self, desk, client, change, words):
        """It is said what is wrong, nothing is sent, and all can be sent once it is mended."""
        change(desk)
        with pytest.raises(NotAuthorised, match=words):
            client.open(new_ticket())
        assert desk.issues == {}
        (check,) = [one for one in client.check() if not one.well]
        assert words in check.found

    def test_a_project_that_is_not_shown_is_a_matter_of_rights(self, desk, tmp_path):
        """GitLab says that it is not found."""
        client = client_at(desk.url, tmp_path, project="client/other")
        with pytest.raises(NotAuthorised, match="is this the project"):
            client.open(new_ticket())
        assert [one.subject for one in client.check() if not one.well] == ["project client/other"]

    def test_what_was_dropped_is_told_and_the_ticket_is_found_all_the_same(self, desk, client):
        """The role was lost between looking and opening; the newest issues are looked through without labels."""
        ticket = new_ticket()
        client.find(ticket.key)
        desk.before = lambda request: setattr(desk, "role", GUEST) if request.method == "POST" else None
        with pytest.raises(NotApplied, match="without the labels, due date asked for"):
            client.open(ticket)
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]

    @pytest.mark.parametrize("signs", ["", "```\n", "> >>>\n"])
    def test_a_log_gives_gitlab_no_orders(self, desk, client, signs):
        """A line of a log that begins with a slash is shown, and not obeyed, however its fence is written."""
        log = f"{signs}/close\n/duplicate #1\n{signs}/label ~urgent"
        ref = client.open(new_ticket(body=Document((Preformatted(log),))))
        client.comment(ref, comment("m"))
        assert client.read(ref).open
        for line in log.splitlines():
            assert line in desk.issues[1]["description"]

    @pytest.mark.parametrize("letter", ["a", "<", "磁", "😀"])
    def test_the_longest_text_fits(self, client, letter):
        """However many signs and bytes a letter becomes, the text is taken, and the key is in it."""
        ticket = new_ticket(body=Document((Preformatted(letter * 120_000),)))
        client.open(ticket)
        assert [one.key for one in client.find(ticket.key)] == [ticket.key]


class TestFinding:
    """The key is compared, whatever a search brings."""

    def test_an_answer_that_was_lost_left_a_ticket_that_is_found(self, desk, client):
        """It was made before the connection ended."""
        desk.lose = lambda request: request.method == "POST"
        ticket = new_ticket()
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        assert [one.key for one in client.find(ticket.key)] == [ticket.key]

    def test_an_old_ticket_is_found_by_its_labels_on_any_page(self, desk, client):
        """More than two pages of issues came after it, some of them with the same label."""
        ticket = new_ticket()
        ref = client.open(ticket)
        for _ in range(220):
            desk.add(title="another", description="no key", labels=[f"foretell-key-{ticket.key[:2]}"])
        again = client.open(ticket)
        for _ in range(120):
            desk.add(title="another", description=None)
        assert [one.ref for one in client.find(ticket.key)] == [ref, again]

    def test_a_ticket_whose_labels_a_person_took_off_is_found_while_it_is_new(self, desk, client):
        """They are not all that is looked for."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.issues[1]["labels"] = []
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_a_copy_that_a_person_made_is_not_ours(self, desk, client):
        """GitLab clones text and labels with the hidden key."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.add(**{name: desk.issues[1][name] for name in ("title", "description", "labels")}, author=ENGINEER)
        assert [one.ref for one in client.find(ticket.key)] == [ref]


class TestNotes:
    """Who may read what we say."""

    def test_an_internal_note_that_would_become_public_is_not_written(self, desk, client, tmp_path):
        """GitLab would take it from a guest, and show it to everybody."""
        ref = client.open(new_ticket())
        desk.role = GUEST
        with pytest.raises(NotAuthorised, match="make internal notes public"):
            client_at(desk.url, tmp_path).comment(ref, comment("m"))
        assert desk.notes[1] == []

    def test_an_internal_note_that_became_public_is_told(self, desk, client):
        """The role was lost in that moment: it is out, and somebody has to know."""
        ref = client.open(new_ticket())
        desk.before = lambda request: setattr(desk, "role", GUEST) if request.path.endswith("/notes") else None
        with pytest.raises(NotApplied, match="not on ticket 1 as it was asked for"):
            client.comment(ref, comment("m"))

    def test_a_note_is_found_behind_short_pages(self, desk, client):
        """GitLab cuts the list into pages first, and leaves out what we may not see then."""
        ref = client.open(new_ticket())
        for _ in range(150):
            desk.hidden.add(desk.note(1, ENGINEER, "seen by few")["id"])
            desk.note(1, ENGINEER, "seen by all")
        client.comment(ref, comment("late", public=True))
        assert client.has_comment(ref, "late")

    def test_a_file_is_linked_where_engineers_read(self, desk, client):
        """It is in the project byte for byte, and its link in an internal note."""
        ref = client.open(new_ticket())
        client.attach(ref, Attachment(name="evidence.tar.gz", media_type="application/gzip", content=b"\x1f\x8b\x00"))
        (url,) = desk.uploads
        assert desk.uploads[url] == b"\x1f\x8b\x00"
        (note,) = desk.notes[1]
        assert note["internal"]
        assert f"[evidence.tar.gz]({url})" in note["body"]

    def test_a_file_that_gitlab_finds_too_large_is_refused(self, desk, tmp_path):
        """Its own limit counts, and no note speaks of a file that is not there."""
        client = client_at(desk.url, tmp_path, largest_attachment=2 * 1024 * 1024)
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="413"):
            client.attach(
                ref, Attachment(name="a", media_type="application/octet-stream", content=bytes(1024 * 1024 + 1))
            )
        assert desk.notes[1] == []


class TestPriority:
    """Labels are put on and taken off one by one."""

    def test_only_labels_of_lower_priorities_are_taken_off(self, desk, client):
        """What people put on stays, and so does the case in which they first wrote a label."""
        desk.label("p1")
        ref = client.open(new_ticket(priority="P4"))
        desk.issues[1]["labels"] += ["customer: Client", "P3"]
        client.raise_priority(ref, "P1")
        assert {"p1", "customer: Client", "foretell"} < set(desk.issues[1]["labels"])
        assert not {"P3", "P4"} & set(desk.issues[1]["labels"])

    def test_without_any_label_there_is_no_priority(self, desk, client):
        """A person took it off; to raise it puts one on again."""
        ref = client.open(new_ticket())
        desk.issues[1]["labels"] = []
        assert client.read(ref).priority is None
        client.raise_priority(ref, "P2")
        assert desk.issues[1]["labels"] == ["P2"]


class TestGone:
    """An issue that is not there is told from a project that is not."""

    @pytest.mark.parametrize("how", ["deleted", "moved"])
    def test_a_ticket_may_be_deleted_or_go_elsewhere(self, desk, client, how):
        """Then it is gone for us, whatever is asked; a moved one is left behind closed, and is not opened again."""
        ticket = new_ticket()
        ref = client.open(ticket)
        if how == "deleted":
            del desk.issues[1]
        else:
            desk.issues[1] |= {"state": "closed", "moved_to_id": 99}
        for call in (
            lambda: client.read(ref),
            lambda: client.comment(ref, comment("m")),
            lambda: client.resolve(ref),
            lambda: client.reopen(ref, ticket),
        ):
            with pytest.raises(TicketGone):
                call()
        assert client.find(ticket.key) == []

    def test_a_renamed_project_has_lost_no_ticket(self, desk, client, tmp_path):
        """What is asked is redirected then, and what is to be changed refused; no redirect is followed, no ticket gone."""
        ref = client.open(new_ticket())
        desk.renamed = True
        fresh = client_at(desk.url, tmp_path)
        for call in (lambda: fresh.read(ref), lambda: fresh.open(new_ticket()), fresh.check):
            with pytest.raises(DeskUnreachable, match="a redirect to"):
                call()
        assert len(desk.issues) == 1

    @pytest.mark.parametrize("lost", ["the project", "the role"])
    def test_rights_that_were_lost_have_deleted_no_ticket(self, desk, client, tmp_path, lost):
        """404 comes for every ticket then, and means the project."""
        ref = client.open(new_ticket())
        if lost == "the project":
            desk.project["path_with_namespace"] = "client/elsewhere"
        desk.role = None
        with pytest.raises(NotAuthorised):
            client_at(desk.url, tmp_path).read(ref)


class TestActs:
    """What people do counts; what programs do does not."""

    def test_a_program_that_closes_a_ticket_has_said_nothing(self, desk, client):
        """The ticket is closed all the same."""
        ref = client.open(new_ticket())
        desk.does(ref, "resolve", by=TRIAGE_BOT)
        desk.does(ref, "reply", by=TRIAGE_BOT)
        state = client.read(ref)
        assert (state.status, state.acts) == ("closed", ())

    def test_an_account_that_was_deleted_is_nobody(self, desk, client):
        """GitLab shows its closing without a user."""
        ref = client.open(new_ticket())
        desk.does(ref, "resolve", by=None)
        assert client.read(ref).acts == ()

    def test_what_people_say_among_themselves_is_no_answer(self, desk, client):
        """An internal note counts only where it speaks to us."""
        ref = client.open(new_ticket())
        desk.note(1, ENGINEER, "has anybody seen this?", internal=True)
        desk.note(1, ENGINEER, "foretell: confirm", internal=True)
        assert [act.kind for act in client.read(ref).acts] == ["confirm"]

    def test_other_changes_are_no_acts(self, desk, client):
        """GitLab notes everything in words; only an assignment is one of ours."""
        ref = client.open(new_ticket())
        desk.note(1, ENGINEER, "changed the description", system=True)
        desk.note(1, ENGINEER, "unassigned @enya", system=True)
        assert client.read(ref).acts == ()

    def test_a_duplicate_is_linked_to_its_original(self, desk, client):
        """By the one order that we give, of which no note is left; and a person who says so has resolved nothing."""
        ticket = new_ticket()
        first, second, third = (client.open(ticket) for _ in range(3))
        client.close_duplicate(second, first)
        assert client.read(second).status == "merged"
        assert (desk.issues[2]["duplicate_of"], desk.notes[2]) == (1, [])
        desk.issues[3]["duplicate_of"] = 1
        desk.does(third, "resolve")
        state = client.read(third)
        assert (state.status, state.acts) == ("merged", ())


def test_a_limit_is_waited_for(desk, client):
    """GitLab names the wait."""
    desk.before = lambda _: answer(429, {"message": "Retry later"}, {"Retry-After": "30"})
    with pytest.raises(Throttled) as caught:
        client.find(new_ticket().key)
    assert caught.value.retry_after == 30
