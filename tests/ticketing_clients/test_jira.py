"""The Jira client on a stand-in of both deployments: the contract, and the ways of this desk."""

from __future__ import annotations

import pytest

from fake_desk import answer
from fake_jira import RESOLUTION, TOKEN, USER, FakeJira, FakeJiraDataCenter, specification, way, wrong
from ticketing_clients import (
    Attachment,
    DeskUnreachable,
    Document,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Paragraph,
    Rejected,
    Throttled,
    TicketGone,
)
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context, comment, new_ticket
from ticketing_clients.jira import PLUGIN

OPTIONS = {
    "project": "OPS",
    "issue_type": "10004",
    "user": USER,
    "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
    "resolution": "10000",
    "internal_role": "Betriebsteam",
}


def build_client(url, state_dir, token=TOKEN, **changes):
    """Return a client of the stand-in's project, with changed options."""
    options = PLUGIN.options(client="jira", url=url, **(OPTIONS | changes))
    return PLUGIN.build(options, Context(state_dir, token), "jira")


@pytest.fixture
def desk():
    """Return a running stand-in of the cloud."""
    with FakeJira().running() as desk:
        yield desk


@pytest.fixture
def build(desk, tmp_path):
    """Return a function that builds a client of it, with changed options."""
    return lambda token=TOKEN, **changes: build_client(desk.url, tmp_path, token, **changes)


@pytest.fixture
def client(build):
    """Return a client of it."""
    return build()


@pytest.fixture(scope="module")
def judge():
    """Return the vendor's specification, read once."""
    return specification()


class Contract(ClientContract):
    """What holds for all three."""

    deployment = "cloud"

    @pytest.fixture
    def build(self, desk, tmp_path):
        return lambda **changes: build_client(desk.url, tmp_path, deployment=self.deployment, **changes)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", tmp_path, PLANTED_SECRET, deployment=self.deployment)

    @pytest.fixture
    def person(self, desk):
        return desk


class TestCloud(Contract):
    """Jira Cloud keeps the contract, with an index that has nothing of what is new."""


class TestDataCenter(Contract):
    """Jira Data Center keeps the contract."""

    deployment = "data_center"

    @pytest.fixture
    def desk(self):
        with FakeJiraDataCenter().running() as desk:
            yield desk


class TestSpecification(Contract):
    """Every request to the cloud keeps the vendor's own specification."""

    @pytest.fixture
    def desk(self, judge):
        with FakeJira(judge).running() as desk:
            yield desk


def file(size=10):
    """Return a file of `size` bytes."""
    return Attachment(name="evidence.tar.gz", media_type="application/gzip", content=b"x" * size)


class TestOpening:
    """What a ticket is made of, and what keeps one from being made."""

    def test_every_field_is_in_its_form(self, build, desk):
        """Summary, document, labels, priority by id and the day it is due; configured fields beside them."""
        client = build(fields={"labels": ["ops-team"], "components": [{"id": "7"}]})
        desk.screen["components"] = False
        ticket = new_ticket(priority="P2", title="a\nb", labels=("foretell", "two words"))
        has = desk.issues[client.open(ticket).id]["fields"]
        assert has["summary"] == "a b"
        assert (has["description"]["type"], has["description"]["version"]) == ("doc", 1)
        assert [node["type"] for node in has["description"]["content"]] == ["heading", "paragraph"]
        assert has["labels"][:3] == ["ops-team", "foretell", "two-words"]
        assert f"foretell-{ticket.key}" in has["labels"]
        assert (has["priority"], has["duedate"]) == ({"id": "2"}, "2026-12-04")
        assert has["components"] == [{"id": "7"}]

    def test_a_data_center_gets_wiki_markup(self, tmp_path):
        """Version 2 takes texts as strings, and refuses documents."""
        with FakeJiraDataCenter().running() as desk:
            client = build_client(desk.url, tmp_path, deployment="data_center")
            ticket = new_ticket(body=Document((Paragraph("*not bold* {x}"),)))
            has = desk.issues[client.open(ticket).id]["fields"]
        assert has["description"] == r"\*not bold\* \{x\}"
        assert all("/rest/api/2/" in path for _, path in desk.seen)

    def test_a_title_is_cut_as_jira_counts(self, client, desk):
        """A letter beyond the basic plane counts as two, and is not cut in half."""
        title = desk.sees(client.open(new_ticket(title="😀" * 200)))[0]
        assert title == "😀" * 127 + "…"

    @pytest.mark.parametrize("name", ["priority", "labels", "duedate", "description"])
    def test_a_field_that_is_on_no_screen_is_told_before_anything_is_made(self, build, client, desk, name):
        """The reason and the doctor name the field; without the due date it can be done."""
        del desk.screen[name]
        with pytest.raises(Rejected, match=f"the screen has no {name}; see `foretell doctor`"):
            client.open(new_ticket())
        assert desk.issues == {}
        assert {one.subject for one in client.check() if not one.well} == {"issue type 10004"}
        if name == "duedate":
            assert build(set_due=False).open(new_ticket())

    def test_a_required_field_is_told_before_anything_is_made(self, build, client, desk):
        """It can be given in the configuration."""
        desk.screen["customfield_10042"] = True
        with pytest.raises(Rejected, match=r"asks for Customfield_10042 \(customfield_10042\), to be set in fields"):
            client.open(new_ticket())
        ref = build(fields={"customfield_10042": {"value": "Ops"}}).open(new_ticket())
        assert desk.issues[ref.id]["fields"]["customfield_10042"] == {"value": "Ops"}

    def test_an_issue_type_that_is_not_there_is_told(self, build, desk):
        """Nothing is made, and the doctor says so too."""
        client = build(issue_type="99")
        with pytest.raises(Rejected):
            client.open(new_ticket())
        assert desk.issues == {}
        (wrong_one,) = [one for one in client.check() if not one.well]
        assert (wrong_one.subject, bool(wrong_one.hint)) == ("issue type 99", True)

    @pytest.mark.parametrize(("name", "told"), [("priority", "priority"), ("duedate", "due date")])
    def test_what_was_dropped_is_not_applied_and_the_ticket_is_found(self, client, desk, name, told):
        """What automation took away again is named."""
        desk.ignored = {name}
        ticket = new_ticket(priority="P1")
        with pytest.raises(NotApplied, match=rf"ticket \d+ was created, but it has not the {told} asked for"):
            client.open(ticket)
        assert len(client.find(ticket.key)) == 1

    def test_a_lost_answer_is_settled_by_the_key(self, client, desk):
        """The ticket was made, the index will not have it for minutes: it is found all the same."""
        desk.lose = lambda request: request.method == "POST" and request.path.endswith("/issue")
        ticket = new_ticket()
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        assert [one.key for one in client.find(ticket.key)] == [ticket.key]


class TestFinding:
    """What is found, whatever the index has."""

    def test_a_ticket_is_found_behind_a_burst_that_the_index_lacks(self, client, desk):
        """250 issues came since the index was written, and ours is the last."""
        client.open(new_ticket())
        desk.index()
        for _ in range(250):
            desk.new({"summary": "burst"}, desk.user("enya"))
        ticket = new_ticket()
        ref = client.open(ticket)
        assert [one.ref for one in client.find(ticket.key)] == [ref]
        assert [one.ref for one in client.list_open(ticket.device.id)] == [ref]

    def test_a_ticket_is_found_that_the_index_left_out_of_order(self, client, desk):
        """The index has newer issues, and not this one."""
        ticket = new_ticket()
        ref = client.open(ticket)
        for _ in range(30):
            desk.new({"summary": "newer"}, desk.user("enya"))
        desk.index()
        del desk.indexed[ref.id]
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_the_state_is_the_present_one(self, client, desk):
        """The index still says open."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.index()
        client.resolve(ref)
        assert [one.open for one in client.find(ticket.key)] == [False]
        assert client.list_open(ticket.device.id) == []

    def test_all_pages_are_read(self, client, desk):
        """A host with seven tickets is listed whole where a page holds two."""
        desk.page = 2
        ticket = new_ticket()
        refs = [client.open(ticket) for _ in range(7)]
        for _ in range(300):
            desk.new({"summary": "newer"}, desk.user("enya"))
        desk.index()
        assert [one.ref for one in client.list_open(ticket.device.id)] == refs

    def test_a_stranger_in_the_answer_is_not_believed(self, client, desk):
        """What a search returns is compared again."""
        stranger = client.open(new_ticket())
        desk.index()
        desk.strangers = [int(stranger.id)]
        assert client.find(new_ticket().key) == []
        assert client.list_open("another host") == []

    def test_a_clone_is_not_our_ticket(self, client, desk):
        """A person's clone has our labels; it is neither found nor listed, even when ours is closed."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.clone(ref)
        assert [one.ref for one in client.find(ticket.key)] == [ref]
        client.resolve(ref)
        assert [one.open for one in client.find(ticket.key)] == [False]
        assert client.list_open(ticket.device.id) == []

    def test_tickets_of_an_earlier_account_stay_ours(self, client, desk):
        """After the account was changed, what the former one made is still found."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.issues[ref.id]["creator"] = desk.user("former")
        assert [one.ref for one in client.find(ticket.key)] == [ref]

    def test_a_moved_ticket_is_the_same(self, client, desk):
        """Its key changed, its id did not: it is found, read and resolved."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.move_to(ref, "SUP")
        desk.index()
        (found,) = client.find(ticket.key)
        assert (found.ref.id, found.ref.url) == (ref.id, f"{desk.url}/browse/SUP-1")
        assert client.read(ref).open
        client.resolve(ref)
        assert client.read(ref).status == "resolved"

    def test_a_question_that_is_lost_is_no_unknown_change(self, client, desk):
        """Issues are fetched with POST, which changes nothing."""
        desk.lose = lambda request: request.path.endswith("/bulkfetch")
        with pytest.raises(DeskUnreachable):
            client.find(new_ticket().key)

    def test_the_retired_search_is_not_used(self, client, desk):
        """The cloud answers 410 there."""
        client.find(new_ticket().key)
        assert not any(path.endswith("/search") for _, path in desk.seen)


class TestLogin:
    """Who is let in, and what that hides."""

    def test_an_expired_token_does_not_read_as_nothing_there(self, client, build):
        """Jira answers strangers with 200 and nothing, or 404. That is told as what it is."""
        ticket = new_ticket()
        ref = client.open(ticket)
        expired = build(token=PLANTED_SECRET)
        for call in (
            lambda: expired.find(ticket.key),
            lambda: expired.list_open(ticket.device.id),
            lambda: expired.read(ref),
            lambda: expired.has_comment(ref, "m"),
            lambda: expired.open(ticket),
            lambda: expired.comment(ref, comment("m")),
            expired.check,
        ):
            with pytest.raises(NotAuthorised) as caught:
                call()
            assert PLANTED_SECRET not in str(caught.value)

    def test_a_project_taken_from_sight_is_not_a_ticket_gone(self, client, build, desk):
        """The right to browse was lost: everything waits, for a new batch and in a running one."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.shown = False
        later = build()
        for call in (lambda: client.read(ref), lambda: later.find(ticket.key), lambda: later.open(ticket)):
            with pytest.raises(NotAuthorised, match="may this account browse it"):
                call()
        assert not next(one for one in later.check() if one.subject == "project OPS").well

    def test_a_deleted_ticket_is_gone(self, client, desk):
        """The project is seen, the ticket is not."""
        ticket = new_ticket()
        ref = client.open(ticket)
        del desk.issues[ref.id]
        for call in (lambda: client.read(ref), lambda: client.reopen(ref, ticket), lambda: client.attach(ref, file())):
            with pytest.raises(TicketGone):
                call()
        assert client.find(ticket.key) == []

    def test_the_login_in_its_coded_form_stays_inside_too(self, client, desk):
        """What a desk repeats of the header is taken out of the message."""
        desk.before = lambda request: answer(400, {"errorMessages": [request.headers["Authorization"]]})
        with pytest.raises(Rejected) as caught:
            client.find(new_ticket().key)
        assert "[secret]" in str(caught.value)
        assert desk.authorisation.removeprefix("Basic ") not in str(caught.value)

    def test_the_cloud_wants_a_user(self, build):
        """A token alone is no login there; told when the configuration is read."""
        with pytest.raises(ValueError, match="user: "):
            build(user="")

    def test_a_token_with_scopes_has_another_address(self, desk, tmp_path):
        """The interface is asked there; people are shown the site."""
        ref = build_client("https://client.atlassian.net", tmp_path, api_url=desk.url).open(new_ticket())
        assert ref.url == "https://client.atlassian.net/browse/OPS-1"


class TestWorkflow:
    """Through workflows that somebody else made."""

    def test_a_required_resolution_is_asked_for_by_id(self, build, desk):
        """Of several nobody knows which one says fixed, so the reason lists them; the doctor does beforehand."""
        client = build(resolution="")
        ref = client.open(new_ticket())
        desk.index()
        reason = r"asks for Lösung \(resolution\), to be set in resolution: one of 10000 Fertig, 10001 Wird nicht"
        with pytest.raises(Rejected, match=reason):
            client.resolve(ref)
        (found,) = [one for one in client.check() if not one.well]
        assert found.subject == "resolving"
        build().resolve(ref)
        assert client.read(ref).resolution == "Fertig"

    def test_the_only_resolution_is_taken(self, build, desk):
        """There is nothing to ask."""
        only = {"resolution": RESOLUTION["resolution"] | {"allowedValues": [{"id": "10000", "name": "Fertig"}]}}
        desk.ways["1"] = [way("31", "Erledigen", "5", only)]
        client = build(resolution="")
        ref = client.open(new_ticket())
        client.resolve(ref)
        assert client.read(ref).resolution == "Fertig"

    def test_a_required_field_of_the_transition_can_be_configured(self, build, client, desk):
        """It is named with its id; with a value it goes, and what the screen has not is not sent."""
        field = {"name": "Ursache", "required": True, "hasDefaultValue": False, "allowedValues": []}
        desk.ways["1"] = [way("31", "Erledigen", "5", {"customfield_1": field})]
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match=r"asks for Ursache \(customfield_1\), to be set in transition_fields"):
            client.resolve(ref)
        build(transition_fields={"customfield_1": "disk", "customfield_2": "x"}).resolve(ref)
        assert client.read(ref).status == "resolved"

    def test_of_several_ends_none_is_guessed(self, build, client, desk):
        """Two statuses are done, and their names say nothing to a program."""
        desk.ways["1"] = [way("61", "A", "10030"), way("62", "B", "10040")]
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match=r"Archiviert \(10030\), Ausgeliefert \(10040\); say which one in statuses"):
            client.resolve(ref)
        build(statuses={"resolved": ["10040"]}).resolve(ref)
        assert client.read(ref).desk_status == "Ausgeliefert"

    def test_jiras_own_resolved_goes_before_others(self, client, desk):
        """The id 5 is Resolved on every site."""
        desk.ways["1"] = [way("61", "A", "10030"), way("31", "Erledigen", "5")]
        ref = client.open(new_ticket())
        client.resolve(ref)
        assert client.read(ref).desk_status == "Erledigt"

    def test_a_long_way_is_gone_as_configured(self, build, client, desk):
        """From the first status no way leads to the end; the reason says where it may go."""
        desk.ways["1"] = [way("21", "Anfangen", "3")]
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match=r"may go to In Arbeit \(3\); name the way in resolve_via"):
            client.resolve(ref)
        build(resolve_via=["3"]).resolve(ref)
        assert client.read(ref).desk_status == "Erledigt"

    def test_what_a_hidden_validator_refuses_is_repeated(self, client, desk):
        """Jira's list of required fields leaves out what its validators want."""
        ref = client.open(new_ticket())
        refusal = answer(*wrong(400, "Ein Kommentar ist erforderlich."))
        desk.before = lambda request: refusal if (request.method, request.path[-5:]) == ("POST", "tions") else None
        with pytest.raises(Rejected, match=r"Ein Kommentar ist erforderlich\."):
            client.resolve(ref)
        assert client.read(ref).open

    def test_a_transition_without_effect_is_not_applied(self, client, desk):
        """204, and the ticket is where it was."""
        ref = client.open(new_ticket())
        desk.ignored = {"status"}
        with pytest.raises(NotApplied, match=r"is not Erledigt \(5\)"):
            client.resolve(ref)

    def test_what_cannot_be_reopened_gets_a_linked_follow_up(self, client, desk):
        """One only, however often it is asked for."""
        ticket = new_ticket()
        ref = client.open(ticket)
        client.resolve(ref)
        desk.ways["5"] = []
        again = client.reopen(ref, ticket)
        assert again != ref
        assert client.reopen(ref, ticket) == again
        (link,) = desk.issues[again.id]["links"]
        assert (link["type"]["name"], link["outwardIssue"]["id"]) == ("Relates", ref.id)
        assert [one.ref for one in client.find(ticket.key) if one.open] == [again]

    def test_a_duplicate_says_of_what(self, build, desk):
        """It is linked as the duplicate, once, and closed with the resolution for it."""
        client = build(duplicate_resolution="10001")
        first, second = client.open(new_ticket()), client.open(new_ticket())
        client.close_duplicate(second, first)
        client.close_duplicate(second, first)
        (link,) = desk.issues[second.id]["links"]
        assert (link["type"]["name"], link["outwardIssue"]["id"]) == ("Duplicate", first.id)
        assert client.read(second).resolution == "Wird nicht erledigt"

    def test_a_closed_ticket_that_cannot_be_edited_takes_comments(self, client, desk):
        """What it refuses is told in its own words."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.frozen = {"5"}
        client.comment(ref, comment("m"))
        assert client.has_comment(ref, "m")
        with pytest.raises(Rejected, match="Sie dürfen diesen Vorgang nicht bearbeiten"):
            client.raise_priority(ref, "P1")


class TestPeople:
    """What people do at Jira, read as what it means."""

    def test_what_an_app_does_nobody_did(self, client, desk):
        """An automation rule closes what is old; that is the state, and no one's word."""
        ref = client.open(new_ticket())
        desk.move(desk.issues[ref.id], desk.user("automation", "app"), "5", "10000")
        state = client.read(ref)
        assert (state.status, state.acts) == ("resolved", ())

    def test_a_resolution_can_say_that_nothing_will_be_done(self, build, desk):
        """The same status, with the configured resolution."""
        client = build(wont_fix_resolutions=["10001"])
        ref = client.open(new_ticket())
        desk.move(desk.issues[ref.id], desk.user("enya"), "5", "10001")
        assert [act.kind for act in client.read(ref).acts] == ["wont_fix"]

    def test_of_internal_comments_only_directives_count(self, client, desk):
        """What engineers say among themselves is no answer."""
        ref = client.open(new_ticket())
        one, enya, staff = desk.issues[ref.id], desk.user("enya"), {"type": "role", "value": "Betriebsteam"}
        desk.say(one, enya, desk.body("just among us"), visibility=staff)
        desk.say(one, enya, desk.body("foretell: defer 2026-12-24"), visibility=staff)
        desk.say(one, enya, desk.body("also for you"))
        acts = client.read(ref).acts
        assert [(act.kind, act.by) for act in acts] == [("defer", "Enya"), ("reply", "Enya")]
        assert acts[1].text == "also for you"

    def test_who_is_assigned_is_the_handler_and_has_acknowledged(self, client, desk):
        """Giving it back says nothing."""
        ref = client.open(new_ticket())
        one, enya = desk.issues[ref.id], desk.user("enya")
        one["fields"]["assignee"] = enya
        desk.note(one, enya, ("assignee", None, enya["accountId"]))
        state = client.read(ref)
        assert (state.handler, [act.kind for act in state.acts]) == ("Enya", ["acknowledge"])
        one["fields"]["assignee"] = None
        desk.note(one, enya, ("assignee", enya["accountId"], None))
        assert [act.kind for act in client.read(ref).acts] == ["acknowledge"]

    def test_the_newest_changes_are_read(self, client, desk):
        """Of many only the newest forty are told; the last word is among them."""
        ref = client.open(new_ticket())
        for _ in range(60):
            desk.note(desk.issues[ref.id], desk.user("enya"), ("Rank", None, "higher"))
        desk.does(ref, "resolve")
        assert [act.kind for act in client.read(ref).acts] == ["resolve"]

    def test_a_priority_that_is_not_ours_is_read_by_its_place(self, build, desk):
        """Between two of ours it is the lower one; below all it is P4."""
        client = build(priorities={"P1": "1", "P2": "2", "P3": "4", "P4": "5"})
        ref = client.open(new_ticket())
        desk.issues[ref.id]["fields"]["priority"] = {"id": "3"}
        assert client.read(ref).priority == "P3"
        client.raise_priority(ref, "P3")
        assert desk.issues[ref.id]["fields"]["priority"] == {"id": "3"}


class TestRefusals:
    """What Jira does not let us do."""

    @pytest.mark.parametrize(
        ("reason", "ticket_only"), [("jira-per-issue-on-write", True), ("jira-burst-based", False), ("", False)]
    )
    def test_a_limit_is_for_one_issue_or_for_all(self, client, desk, reason, ticket_only):
        """Jira says which; the wait is its own."""
        ref = client.open(new_ticket())
        throttled = answer(429, headers={"Retry-After": "7", "RateLimit-Reason": reason})
        desk.before = lambda request: throttled if request.path.endswith("/comment") else None
        with pytest.raises(Throttled) as caught:
            client.comment(ref, comment("m"))
        assert (caught.value.retry_after, caught.value.ticket_only) == (7, ticket_only)

    def test_a_priority_off_the_edit_screen_says_how_to_mend_it(self, client, desk):
        """400 with the field's name; the reason says where to put it."""
        ref = client.open(new_ticket(priority="P3"))
        desk.edit_screen.remove("priority")
        with pytest.raises(Rejected, match=r"'priority' kann nicht festgelegt werden.*put the field on .* edit screen"):
            client.raise_priority(ref, "P1")

    def test_a_change_that_met_another_is_for_later(self, client, desk):
        """409 says that nothing was changed this time; it is no refusal."""
        ref = client.open(new_ticket(priority="P3"))
        met = answer(*wrong(409, "Der Vorgang wird gerade geändert."))
        desk.before = lambda request: None if request.method == "GET" else met
        for call in (lambda: client.resolve(ref), lambda: client.raise_priority(ref, "P1")):
            with pytest.raises(OutcomeUnknown):
                call()

    def test_a_dropped_priority_is_not_applied(self, client, desk):
        """204, and it is as it was."""
        ref = client.open(new_ticket(priority="P3"))
        desk.ignored = {"priority"}
        with pytest.raises(NotApplied, match="did not take priority 1"):
            client.raise_priority(ref, "P1")

    @pytest.mark.parametrize("enabled", [True, False])
    def test_the_sites_limit_is_asked_before_a_file_is_sent(self, client, desk, enabled):
        """Too large, or none at all: Rejected, and nothing was sent."""
        ref = client.open(new_ticket())
        desk.upload_limit, desk.attachments = 1000, enabled
        with pytest.raises(Rejected, match="the 1000 of the site" if enabled else "takes no files"):
            client.attach(ref, file(1001))
        assert not any(path.endswith("/attachments") for _, path in desk.seen)

    def test_a_file_that_is_not_there_afterwards_is_not_applied(self, client, desk):
        """200, and it was dropped."""
        ref = client.open(new_ticket())
        desk.ignored = {"attachment"}
        with pytest.raises(NotApplied, match=r"evidence\.tar\.gz \(10 bytes\) is not on ticket"):
            client.attach(ref, file())

    def test_no_internal_comment_is_made_where_the_role_is_unknown(self, build, desk):
        """It would have been for everybody; so it is refused."""
        client = build(internal_role="Nobody")
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="Die Rolle Nobody"):
            client.comment(ref, comment("m"))
        assert desk.issues[ref.id]["comments"] == []

    def test_the_doctor_tells_what_is_set_up_wrongly(self, build, desk):
        """Permissions, ids and names that the site does not have are named, with a hint each."""
        desk.rights.remove("LINK_ISSUES")
        desk.attachments = False
        client = build(
            priorities={"P1": "5", "P2": "99"},
            statuses={"resolved": ["77"]},
            resolution="88",
            duplicate_link="Dublette",
        )
        wrong_ones = {one.subject: one for one in client.check() if not one.well}
        assert set(wrong_ones) == {"permissions", "priorities", "statuses", "resolutions", "links", "attachments"}
        assert "lacks LINK_ISSUES" in wrong_ones["permissions"].found
        assert "77" in wrong_ones["statuses"].found
        assert "10000 Fertig" in wrong_ones["resolutions"].found
        assert "Dublette" in wrong_ones["links"].found
        assert all(one.hint for one in wrong_ones.values())
