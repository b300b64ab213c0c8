"""The ServiceNow client on a stand-in: the contract, with specifications and with stock rights, and the ways of this desk."""

from __future__ import annotations

import traceback
from datetime import timedelta

import pytest
from werkzeug.wrappers import Response

from fake_desk import answer
from fake_servicenow import (
    CALLER,
    ENGINEER,
    GROUP,
    PASSWORD,
    STOCK,
    USER,
    FakeServiceNow,
    PersonAtServiceNow,
    published_by_api_evangelist,
    published_by_ballerina,
)
from stand_in import StandInContract
from ticketing_clients import (
    Attachment,
    Customer,
    DeskUnreachable,
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
from ticketing_clients._servicenow.options import Urgency
from ticketing_clients.contract import NOON, Context, comment, new_ticket
from ticketing_clients.servicenow import PLUGIN, marker_of

Person = PersonAtServiceNow


def build_client(url, state_dir, *, secret=PASSWORD, **changes):
    """Return a client that logs in with user and password, unless the changed options say otherwise."""
    options = PLUGIN.options(client="servicenow", url=url, **{"user": USER} | changes)
    return PLUGIN.build(options, Context(state_dir, secret), "servicenow")


@pytest.fixture
def desk():
    """Return a running instance whose user may read what an administrator can let it read."""
    with FakeServiceNow().running() as desk:
        yield desk


class TestContract(StandInContract):
    """The stand-in's client keeps the contract."""

    an_id = "0" * 32


class TestContractBySpecification(TestContract):
    """So it does when every request about a table is held to the stricter of the published specifications."""

    @pytest.fixture
    def desk(self):
        with FakeServiceNow(published_by_api_evangelist()).running() as desk:
            yield desk


class TestContractWithStockRights(TestContract):
    """So it does for a user who reads neither journal nor history, as far as the record itself tells."""

    acts = ("acknowledge", "defer", "wont_fix", "resolve", "reopen")  # what people write is in the journal

    @pytest.fixture(params=["empty", "403"])
    def desk(self, request):
        with FakeServiceNow(readable=STOCK).running() as desk:
            desk.forbidden = request.param
            yield desk

    def test_a_working_desk_checks_well(self, client):
        """But for answers, which want a right that the administrator gives; what else is not seen is told, and well."""
        checks = {one.subject: one for one in client.check()}
        assert [one.subject for one in checks.values() if not one.well] == ["answers"]
        assert "sys_journal_field" in checks["answers"].hint
        assert "present state alone" in checks["history"].found

    def test_acts_come_in_their_order(self, client, person):
        """A ticket that somebody resolved and opened again tells the reopening; what was before it is no longer on it."""
        ref = client.open(new_ticket())
        person.does(ref, "resolve")
        (resolved,) = client.read(ref).acts
        person.does(ref, "reopen")
        state = client.read(ref)
        assert [act.kind for act in state.acts][:1] == ["reopen"]
        assert state.acts[0].at > resolved.at
        assert state.open


class TestContractWithOAuth(TestContract):
    """So it does with a token of OAuth client credentials, which is asked for once a batch."""

    @pytest.fixture
    def build(self, desk, tmp_path):
        return lambda: build_client(desk.url, tmp_path, login="oauth")

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", tmp_path, login="oauth")


class TestContractWithOAuthBySpecification(TestContractWithOAuth):
    """So it does by the other specification, which knows no other way to log in."""

    @pytest.fixture
    def desk(self):
        with FakeServiceNow(published_by_ballerina()).running() as desk:
            yield desk


class TestLogin:
    """Three ways to log in, and what a refusal means."""

    def test_a_token_is_asked_for_once_and_with_the_secret_in_the_body(self, build, desk):
        """Two searches of one batch share a token; the stand-in asserts that no secret is in the address."""
        client = build(login="oauth")
        for _ in range(2):
            client.find(new_ticket().key)
        assert desk.seen.count(("POST", "/oauth_token.do")) == 1

    def test_a_key_is_sent_in_its_own_header(self, build, desk):
        """An API key needs no user."""
        desk.accepted = {PASSWORD}
        assert build(login="api_key", user="").find(new_ticket().key) == []

    @pytest.mark.parametrize("login", ["password", "oauth"])
    def test_a_login_without_user_is_not_built(self, build, login):
        """The message names the option."""
        with pytest.raises(ValueError, match="user: needed to log in with"):
            build(login=login, user="")

    @pytest.mark.parametrize("login", ["password", "api_key", "oauth"])
    def test_a_wrong_secret_is_not_authorised_and_stays_inside(self, build, login):
        """Whichever way is refused, for the doctor too, without the secret in message or traceback."""
        client = build(login=login, secret="wrong-9c1e-secret")
        for call in (lambda: client.open(new_ticket()), client.check):
            with pytest.raises(NotAuthorised) as caught:
                call()
            assert "wrong-9c1e-secret" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (answer(400, {"error": "invalid_client"}), NotAuthorised),
            (answer(500, {"error": "server_error"}), DeskUnreachable),
            (Response("<html>hibernating</html>", content_type="text/html"), DeskUnreachable),
        ],
    )
    def test_nothing_is_unknown_where_no_token_was_got(self, build, desk, reply, error):
        """A token more or less changes nothing, so opening may simply be tried again."""
        desk.before = lambda request: reply if request.path == "/oauth_token.do" else None
        with pytest.raises(error):
            build(login="oauth").open(new_ticket())
        assert len(desk.tables["incident"]) == 1

    def test_a_user_who_cannot_be_told_from_others_reads_nothing(self, client, desk):
        """Where the script that says who we are is ignored, everybody comes back: then nobody's acts are anybody's."""
        ref = client.open(new_ticket())
        desk.ignored = {"sys_id"}
        with pytest.raises(NotAuthorised, match="its own record in sys_user"):
            client.read(ref)


class TestOpening:
    """What the desk drops in silence is told, and nothing is made that could not be found again."""

    def test_every_field_is_set(self, build, desk):
        """Words, levels, due time in UTC, key, host, group, the caller by address, and further fields."""
        ticket = new_ticket(priority="P2")
        client = build(group=GROUP, fields={"category": "hardware", "u_site": "", "impact": "3"})
        row = desk.row("incident", client.open(ticket).id)
        assert (row["impact"], row["urgency"], row["priority"]) == ("2", "1", "2")
        assert row["due_date"] == "2026-12-04 12:00:00"
        assert (row["correlation_id"], row["correlation_display"]) == (ticket.key, marker_of(ticket.device.id))
        assert (row["assignment_group"], row["caller_id"], row["category"]) == (GROUP, CALLER, "hardware")

    @pytest.mark.parametrize(
        "contact", ["", "nobody@client.test", "javascript:gs.getUserID()", "a^NQactive=true@b.test"]
    )
    def test_a_caller_is_one_user_or_none(self, client, desk, contact):
        """An unknown address, or one that is more than an address, leaves the caller to the desk."""
        ticket = new_ticket(customer=Customer(id="c", name="C", contact=contact))
        assert desk.row("incident", client.open(ticket).id)["caller_id"] == ""

    def test_an_address_of_two_users_is_nobodys(self, client, desk):
        """Which of them calls is not ours to guess."""
        desk.put("sys_user", user_name="carol2", email="customer@client.test", active="true")
        assert desk.row("incident", client.open(new_ticket()).id)["caller_id"] == ""

    @pytest.mark.parametrize(
        "field", ["description", "due_date", "urgency", "caller_id", "category", "correlation_display"]
    )
    def test_a_dropped_field_is_not_applied_and_the_ticket_is_found(self, build, desk, field):
        """201, and the field is empty: the error names it, and the key finds the ticket."""
        desk.unwritable = {field}
        client, ticket = build(fields={"category": "hardware"}), new_ticket(priority="P1")
        with pytest.raises(NotApplied, match=rf"INC\d+ was created without the .*{field}"):
            client.open(ticket)
        assert len(client.find(ticket.key)) == 1

    def test_a_rule_that_makes_another_priority_is_told(self, build):
        """The desk's lookup rules decide; what they were expected to make is configured."""
        client = build(priorities={"P3": Urgency(impact=3, urgency=3, priority=3)})
        with pytest.raises(NotApplied, match="without the priority asked for"):
            client.open(new_ticket())

    def test_a_ticket_that_its_key_does_not_find_is_told(self, client, desk):
        """The key was dropped: the ticket is there, and adopting it by key would not see it."""
        desk.unwritable = {"correlation_id"}
        with pytest.raises(NotApplied, match="is not found by its correlation_id"):
            client.open(new_ticket())

    def test_a_policy_that_wants_more_holds_the_work_back(self, client, desk):
        """Nothing was made, and the desk's own words name the field; all can be opened once it is set."""
        desk.mandatory = {"u_site"}
        with pytest.raises(NotAuthorised, match="fields are mandatory: u_site"):
            client.open(new_ticket())
        assert len(desk.tables["incident"]) == 1

    @pytest.mark.parametrize("returns_no_rows", [False, True])
    @pytest.mark.parametrize("missing", ["correlation_id", "correlation_display"])
    def test_a_field_that_is_not_searched_opens_and_finds_nothing(self, client, desk, missing, returns_no_rows):
        """By a field that is not there ServiceNow finds everything, or by a property nothing; neither is believed."""
        desk.columns.remove(missing)
        for row in desk.tables["incident"]:
            del row[missing]
        desk.returns_no_rows = returns_no_rows
        ticket = new_ticket()
        for call in (lambda: client.open(ticket), lambda: client.find(ticket.key), lambda: client.list_open("web01")):
            with pytest.raises(NotAuthorised, match=f"field {missing}: "):
                call()
        assert len(desk.tables["incident"]) == 1

    def test_a_refused_letter_in_a_host_id_is_in_no_address(self, client, desk):
        """Of host and customer only plain letters get into a query, whatever their ids hold."""
        asked = []
        desk.before = lambda request: asked.append(request.args.get("sysparm_query", ""))
        device = Device(id="^NQactive=true^javascript:gs.log(1)", name="odd")
        client.open(new_ticket(device=device))
        client.list_open(device.id)
        assert asked
        assert not any("NQ" in one or "gs.log" in one for one in asked)


class TestFinding:
    """A search may return strangers, and leave out what may not be read."""

    def test_a_key_in_capitals_is_another_key(self, client, desk):
        """The database compares without regard to case; we do not."""
        ticket = new_ticket()
        desk.row("incident", client.open(ticket).id)["correlation_id"] = ticket.key.upper()
        assert client.find(ticket.key) == []

    def test_a_short_page_is_not_the_last(self, client, desk, monkeypatch):
        """Rows that may not be read are left out after the page was cut, so what follows is asked for."""
        monkeypatch.setattr("ticketing_clients._servicenow.rest.PAGE", 2)
        ticket = new_ticket()
        refs = [client.open(new_ticket(device=ticket.device)) for _ in range(7)]
        by_id = sorted(ref.id for ref in refs)
        desk.hidden = {by_id[1]}
        assert {one.ref.id for one in client.list_open(ticket.device.id)} == set(by_id) - {by_id[1]}

    def test_the_earliest_made_comes_first(self, client, desk):
        """By time and then by number, of which a longer one is later; sys_ids have no order."""
        ticket = new_ticket()
        refs = [client.open(ticket) for _ in range(3)]
        for ref, number in zip(refs, ("INC9999999", "INC10000000", "INC0000001"), strict=True):
            desk.row("incident", ref.id).update(number=number, sys_created_on="2026-12-01 12:00:00")
        desk.row("incident", refs[2].id)["sys_created_on"] = "2026-12-01 12:00:01"
        assert [one.ref for one in client.find(ticket.key)] == refs

    def test_a_transaction_that_was_cut_off_is_no_answer(self, client, desk):
        """200 with some of the rows and a failure beside them is not the whole."""
        desk.cut_off = "incident"
        with pytest.raises(DeskUnreachable, match="read only in part"):
            client.find(new_ticket().key)

    def test_a_ticket_tells_its_title(self, client):
        """So that the doctor sees a host that is called otherwise."""
        ticket = new_ticket(title="The disk / of web01 is full")
        client.open(ticket)
        assert client.list_open(ticket.device.id)[0].names("web01")


class TestPriority:
    """Impact and urgency, brought up and never down."""

    def test_only_what_is_lower_is_brought_up(self, client, desk, person):
        """A person's high impact stays high while urgency rises."""
        ref = client.open(new_ticket(priority="P4"))
        person.sets(person.ticket(ref), impact="1", urgency="3")
        client.raise_priority(ref, "P2")
        row = desk.row("incident", ref.id)
        assert (row["impact"], row["urgency"]) == ("1", "1")

    def test_a_priority_that_did_not_rise_is_not_applied(self, client, desk):
        """200, and the field was dropped."""
        ref = client.open(new_ticket(priority="P4"))
        desk.unwritable = {"urgency"}
        with pytest.raises(NotApplied, match="did not take priority 1"):
            client.raise_priority(ref, "P1")

    def test_a_priority_below_all_of_ours_is_the_least_urgent(self, client, desk):
        """Planning (5) reads as P4."""
        ref = client.open(new_ticket(priority="P4"))
        desk.row("incident", ref.id)["priority"] = "5"
        assert client.read(ref).priority == "P4"


class TestEnds:
    """Resolved, closed, canceled, merged, deleted."""

    def test_resolving_says_code_and_notes(self, build, desk):
        """The workflow wants both; they are the configured ones, and the code is the resolution."""
        client = build(close_code="Workaround provided", close_notes="measured as over")
        ref = client.open(new_ticket())
        client.resolve(ref)
        row = desk.row("incident", ref.id)
        assert (row["state"], row["close_code"], row["close_notes"]) == ("6", "Workaround provided", "measured as over")
        assert (client.read(ref).desk_status, client.read(ref).resolution) == ("Resolved", "Workaround provided")

    @pytest.mark.parametrize(("field", "error"), [("state", NotApplied), ("close_code", Rejected)])
    def test_what_keeps_a_ticket_from_being_resolved_is_its_own_trouble(self, client, desk, field, error):
        """A dropped state shows when reading back; a policy's 403 is a refusal of this ticket, not of the desk."""
        ref = client.open(new_ticket())
        desk.unwritable = {field}
        with pytest.raises(error) as caught:
            client.resolve(ref)
        assert field in str(caught.value)
        assert client.find(new_ticket().key) == []

    def test_a_closed_ticket_gets_one_follow_up_below_it(self, client, desk, person):
        """Closed does not change any more; a second try, as after a lost answer, finds the follow-up."""
        ticket = new_ticket()
        ref = client.open(ticket)
        client.resolve(ref)
        person.sets(person.ticket(ref), state="7")
        follow_up = client.reopen(ref, ticket)
        assert follow_up != ref
        assert desk.row("incident", follow_up.id)["parent_incident"] == ref.id
        assert client.reopen(ref, ticket) == follow_up
        assert [one.ref for one in client.find(ticket.key) if one.open] == [follow_up]

    def test_a_closed_ticket_takes_no_comment(self, client, person):
        """The refusal is of this ticket: others are served."""
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        person.sets(person.ticket(ref), state="8")
        with pytest.raises(Rejected, match="security constraints"):
            client.comment(ref, comment("m"))
        client.comment(other, comment("m"))

    def test_rights_that_were_lost_are_lost_for_all(self, client, desk):
        """403 to a change, and then to reading too: the desk does not serve us."""
        ref = client.open(new_ticket())
        desk.before = lambda _: answer(403, {"error": {"message": "User Not Authorized"}})
        with pytest.raises(NotAuthorised):
            client.comment(ref, comment("m"))

    def test_a_duplicate_says_of_what_and_is_no_child(self, client, desk):
        """Children are resolved and reopened along with their parents; a duplicate must not come back."""
        first, second = client.open(new_ticket()), client.open(new_ticket())
        client.close_duplicate(second, first)
        row = desk.row("incident", second.id)
        assert (row["state"], row["parent_incident"]) == ("8", "")
        assert row["close_notes"] == f"Duplicate of {desk.row('incident', first.id)['number']}"
        assert client.read(second).status == "rejected"

    def test_a_ticket_canceled_below_another_is_merged(self, client, person):
        """Below one of another key a person merged it; a follow-up of ours that is canceled is a decision."""
        ticket = new_ticket()
        other, ref = client.open(new_ticket()), client.open(ticket)
        person.sets(person.ticket(ref), state="8", parent_incident=other.id)
        state = client.read(ref)
        assert (state.status, state.acts) == ("merged", ())
        assert state.resolution.startswith("merged into INC")
        follow_up = client.reopen(ref, ticket)
        person.sets(person.ticket(follow_up), state="8")
        assert client.read(follow_up).status == "rejected"

    def test_a_ticket_merged_out_of_sight_is_merged_all_the_same(self, client, person, desk):
        """That the other may not be read does not make ours a deleted one."""
        other, ref = client.open(new_ticket()), client.open(new_ticket())
        person.sets(person.ticket(ref), state="8", parent_incident=other.id)
        desk.hidden = {other.id}
        assert client.read(ref).status == "merged"

    def test_a_deleted_ticket_is_gone(self, client, desk):
        """Whatever is asked of it, and it is not found."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.tables["incident"].remove(desk.row("incident", ref.id))
        for call in (
            lambda: client.read(ref),
            lambda: client.reopen(ref, ticket),
            lambda: client.has_comment(ref, "m"),
            lambda: client.has_attachment(ref, "a"),
            lambda: client.close_duplicate(ref, ref),
        ):
            with pytest.raises(TicketGone):
                call()
        assert client.find(ticket.key) == []

    def test_what_is_no_sys_id_gets_into_no_address(self, client, desk):
        """A ticket's id is 32 hexadecimal digits, or it is not asked about."""
        for odd in ("../sys_user", "0" * 31, "G" * 32, "0" * 32 + "\n"):
            with pytest.raises(TicketGone, match="is not the sys_id of a ticket"):
                client.read(TicketRef("servicenow", odd))
        assert desk.seen == []

    def test_states_of_one_s_own_count(self, build, person, desk):
        """A configured state means what is configured; of another the table tells whether it is closed."""
        client = build(statuses={"waiting": ["-5"]})
        ref = client.open(new_ticket())
        person.ticket(ref)["state"] = "-5"
        assert client.read(ref).status == "waiting"
        person.ticket(ref)["state"] = "99"
        assert client.read(ref).status == "open"
        person.ticket(ref)["active"] = "false"
        assert client.read(ref).status == "closed"
        assert desk.row("incident", ref.id)["state"] == "99"


class TestText:
    """A journal is plain text, but for what stands between [code] and [/code]."""

    def test_hostile_text_does_not_become_markup(self, client, desk):
        """Nothing of ours opens the part that is shown as HTML, and every letter is still there."""
        ref = client.open(new_ticket())
        hostile = "[code]<img src=x>[/code] [CODE] [/Code]"
        client.comment(ref, comment("m", hostile, public=True))
        (entry,) = [one for one in desk.tables["sys_journal_field"] if one["element_id"] == ref.id]
        assert "[code]" not in entry["value"].lower()
        assert "[/code]" not in entry["value"].lower()
        assert hostile in entry["value"].replace("\N{WORD JOINER}", "")

    def test_a_comment_that_is_dropped_is_not_applied(self, client, desk):
        """200, and the journal is as it was."""
        ref = client.open(new_ticket())
        desk.unwritable = {"work_notes"}
        with pytest.raises(NotApplied, match="comment is not on ticket"):
            client.comment(ref, comment("m"))

    def test_lines_stay_lines(self, client, desk):
        """Columns of evidence reach the description as they are."""
        columns = "Filesystem   Use%\n/dev/sda1     91%"
        ref = client.open(new_ticket(body=Document((Paragraph("now"), Preformatted(columns)))))
        assert columns in desk.row("incident", ref.id)["description"]


class TestPeople:
    """What people do, from journal and history, or from the record itself."""

    def test_who_is_assigned_is_the_handler_and_has_acknowledged(self, client, person):
        """Taking the ticket acknowledges it; giving it back says nothing."""
        ref = client.open(new_ticket())
        person.sets(person.ticket(ref), assigned_to=ENGINEER)
        state = client.read(ref)
        assert (state.handler, [act.kind for act in state.acts]) == ("Enya Engineer", ["acknowledge"])
        person.sets(person.ticket(ref), assigned_to="")
        assert [act.kind for act in client.read(ref).acts] == ["acknowledge"]

    def test_of_work_notes_only_what_is_spelled_out_counts(self, client, person):
        """Engineers talk among themselves; a line for us is for us wherever it stands."""
        ref = client.open(new_ticket())
        person.sets(person.ticket(ref), work_notes="just among engineers")
        person.sets(person.ticket(ref), work_notes="foretell: defer 2026-12-24")
        (act,) = client.read(ref).acts
        assert (act.kind, act.until.isoformat()) == ("defer", "2026-12-24T00:00:00+00:00")

    def test_an_answer_written_as_html_is_read_as_text(self, client, person):
        """The editor of the newer forms writes HTML between [code] and [/code]."""
        ref = client.open(new_ticket())
        person.sets(person.ticket(ref), comments="[code]<p>done<br>foretell: confirm</p>[/code]")
        assert [act.kind for act in client.read(ref).acts] == ["confirm"]

    def test_jobs_and_rules_are_not_people(self, client, person, desk):
        """The job that closes what was resolved long ago, and rules that write into journals, say nothing."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.update(person.ticket(ref), {"state": "7", "comments": "closed automatically"}, "system")
        assert client.read(ref).acts == ()
        assert client.read(ref).status == "closed"


class TestPeopleSeenWithStockRights:
    """Without journal and history, the record's own fields tell what stands."""

    @pytest.fixture
    def desk(self):
        with FakeServiceNow(readable=STOCK).running() as desk:
            yield desk

    def test_starting_work_acknowledges_once_whatever_is_written_later(self, client, person):
        """The id stays when we, or they, write on; who took it is named, or else who changed it."""
        ref = client.open(new_ticket())
        person.does(ref, "acknowledge")
        (act,) = client.read(ref).acts
        assert (act.kind, act.by) == ("acknowledge", "enya")
        client.comment(ref, comment("m"))
        assert [(one.id, one.by) for one in client.read(ref).acts] == [(act.id, "somebody")]
        person.sets(person.ticket(ref), assigned_to=ENGINEER)
        assert [(one.id, one.by) for one in client.read(ref).acts] == [(act.id, "Enya Engineer")]

    def test_what_we_opened_again_is_not_acknowledged(self, client, person):
        """Our reopening sets the state of work in progress; only a person's does say something."""
        ticket = new_ticket()
        ref = client.open(ticket)
        person.does(ref, "resolve")
        client.reopen(ref, ticket)
        assert client.read(ref).acts == ()

    def test_who_resolved_counts_and_not_who_closed_later(self, client, person, desk):
        """Resolved by a person and closed by the job is one act; resolved by us and closed by the job is none."""
        theirs, ours = client.open(new_ticket()), client.open(new_ticket())
        person.does(theirs, "resolve")
        client.resolve(ours)
        for ref in (theirs, ours):
            desk.update(person.ticket(ref), {"state": "7"}, "system")
        assert [(act.kind, act.by) for act in client.read(theirs).acts] == [("resolve", "Enya Engineer")]
        assert client.read(ours).acts == ()

    def test_a_second_resolution_is_another_act(self, client, person):
        """Each has the time of its own."""
        ref = client.open(new_ticket())
        ids = set()
        for _ in range(2):
            person.does(ref, "resolve")
            ids |= {act.id for act in client.read(ref).acts}
            person.does(ref, "reopen")
        assert len(ids) == 2


class TestAttaching:
    """Files go up raw, and are read back."""

    def test_a_file_has_its_media_type(self, client, desk):
        """The desk keeps what we say of it."""
        ref = client.open(new_ticket())
        client.attach(ref, Attachment(name="window.ics", media_type="text/calendar", content=b"BEGIN:VCALENDAR"))
        (file,) = desk.tables["sys_attachment"]
        assert (file["content_type"], file["size_bytes"], file["table_name"]) == ("text/calendar", "15", "incident")

    @pytest.mark.parametrize(
        ("change", "error"), [({"largest": 10}, Rejected), ({"unwritable": {"sys_attachment"}}, NotApplied)]
    )
    def test_a_file_that_is_not_kept_is_told(self, client, desk, change, error):
        """413, or 201 and it is not there; the ticket stays."""
        ref = client.open(new_ticket())
        vars(desk).update(change)
        with pytest.raises(error):
            client.attach(ref, Attachment(name="a.bin", media_type="application/octet-stream", content=b"x" * 20))
        assert client.read(ref).open

    def test_a_file_of_another_ticket_is_not_this_one_s(self, client, desk):
        """Names are only compared among a ticket's own files, whatever a search returns."""
        desk.ignored = {"table_sys_id"}
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        client.attach(other, Attachment(name="a.txt", media_type="text/plain", content=b"a"))
        assert not client.has_attachment(ref, "a.txt")


class TestTrouble:
    """What an instance answers instead of an answer."""

    HIBERNATING = Response("<html><body>Your instance is hibernating</body></html>", content_type="text/html")

    def test_a_page_with_200_is_no_success(self, client, desk):
        """A hibernating instance answers with a page: a change is unknown then, and a read was no answer."""
        ref = client.open(new_ticket())
        desk.before = lambda request: self.HIBERNATING if request.method != "GET" else None
        for call in (lambda: client.open(new_ticket()), lambda: client.comment(ref, comment("m"))):
            with pytest.raises(OutcomeUnknown):
                call()
        desk.before = lambda _: self.HIBERNATING
        for call in (lambda: client.find(new_ticket().key), lambda: client.read(ref), client.check):
            with pytest.raises(DeskUnreachable):
                call()

    def test_a_change_that_waits_in_a_queue_is_unknown(self, client, desk):
        """202 without a body: it may yet be made, so it is neither done nor refused."""
        ref = client.open(new_ticket())
        desk.before = lambda request: answer(202) if request.method != "GET" else None
        file = Attachment(name="a", media_type="text/plain", content=b"a")
        for call in (lambda: client.open(new_ticket()), lambda: client.resolve(ref), lambda: client.attach(ref, file)):
            with pytest.raises(OutcomeUnknown):
                call()

    def test_a_lost_answer_leaves_a_ticket_that_its_key_finds(self, client, desk):
        """Made, and the connection ended: unknown, and there."""
        ticket = new_ticket()
        desk.lose = lambda request: request.method == "POST"
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        assert [one.open for one in client.find(ticket.key)] == [True]

    def test_a_rate_limit_tells_how_long_to_wait(self, client, desk):
        """429 with Retry-After in seconds, as the desk's hourly rules answer."""
        limits = {"Retry-After": "1799", "X-RateLimit-Limit": "5", "X-RateLimit-Reset": "1796131800"}
        desk.before = lambda _: answer(429, {"error": {"message": "Rate limit exceeded"}}, limits)
        with pytest.raises(Throttled) as caught:
            client.open(new_ticket())
        assert (caught.value.retry_after, caught.value.ticket_only) == (1799.0, False)

    def test_a_ticket_that_was_made_and_may_not_be_read_back_is_told(self, client, desk):
        """Asking by key would not see it either, so it is set aside and not made again."""
        made = []
        desk.lose = lambda request: made.append(request.path) if request.method == "POST" else None
        desk.before = lambda _: answer(403, {"error": {"message": "User Not Authorized"}}) if made else None
        with pytest.raises(Rejected, match="may not be read back"):
            client.open(new_ticket())

    def test_addresses_stay_short(self, build, desk):
        """ServiceNow takes 2,048 letters; the stand-in refuses more, and so the longest search is sent to it."""
        fields = {f"u_a_rather_long_name_of_a_field_{number}": "" for number in range(10)}
        assert build(fields=fields, group=GROUP).list_open("web01") == []
        assert ("GET", "/api/now/table/incident") in desk.seen


class TestDoctor:
    """What would go wrong later is told before."""

    def checked(self, client):
        """Return what is not well: subject, and what was found."""
        return {one.subject: one.found for one in client.check() if not one.well}

    def test_every_subject_is_named(self, build):
        """Login, fields, group, states, code, priorities, required fields, size, and what is seen of people."""
        subjects = [one.subject for one in build(group=GROUP).check()]
        assert subjects == [
            "login",
            "field correlation_id",
            "field correlation_display",
            f"group {GROUP}",
            "statuses",
            "close_code",
            "priorities",
            "required fields",
            "attachments",
            "answers",
            "history",
        ]

    @pytest.mark.parametrize(
        ("options", "subject", "found"),
        [
            ({"close_code": "Solved (Permanently)"}, "close_code", "Solution provided"),
            ({"statuses": {"open": ["20"]}}, "statuses", "no 20 among 1, 2, 3, 6, 7, 8"),
            ({"group": "f" * 32}, f"group {'f' * 32}", "not seen"),
            ({"host_field": "u_host"}, "field u_host", "finds all tickets"),
            ({"largest_attachment": 2**40}, "attachments", "less than largest_attachment"),
            ({"table": "u_none"}, "table u_none", "Invalid table u_none"),
            (
                {"priorities": {"P3": Urgency(impact=3, urgency=3, priority=3)}},
                "priorities",
                "impact 3 and urgency 3 make 4, not 3",
            ),
            (
                {"priorities": {"P1": Urgency(impact=2, urgency=2, priority=3)}},
                "priorities",
                "P1 to P4 are not from the most to the least urgent",
            ),
        ],
    )
    def test_what_differs_from_the_desk_is_told(self, build, options, subject, found):
        """Each option that the desk does not agree with has its own check and names what the desk has."""
        told = self.checked(build(**options))
        assert list(told) == [subject]
        assert found in told[subject]

    def test_a_field_that_a_policy_wants_is_told(self, build, desk):
        """Unless it is among those we set, or of another table, which an invalid query returns as well."""
        desk.ignored = {"table"}
        desk.put("sys_data_policy_rule", table="incident", field="u_site", mandatory="true")
        desk.put("sys_data_policy_rule", table="problem", field="u_other", mandatory="true")
        assert self.checked(build()) == {"required fields": "data policies may want u_site"}
        assert self.checked(build(fields={"u_site": "Kiel"})) == {}

    def test_a_ticket_that_is_overdue_is_opened_all_the_same(self, client):
        """The desk takes a due time of the past."""
        ticket = new_ticket()
        times = type(ticket.service_times)(first_response_due=NOON, fix_due=NOON - timedelta(days=400))
        assert client.read(client.open(new_ticket(service_times=times))).due.year == 2025
