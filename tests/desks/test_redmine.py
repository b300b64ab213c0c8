"""The Redmine client against the real server: the contract, and the ways of this desk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ticketing_clients import (
    Attachment,
    Bullets,
    Device,
    Document,
    Facts,
    Heading,
    NotApplied,
    NotAuthorised,
    Paragraph,
    Preformatted,
    Rejected,
    ServiceTimes,
    TicketGone,
)
from ticketing_clients.contract import NOON, PLANTED_SECRET, ClientContract, Context, comment, new_ticket
from ticketing_clients.redmine import PLUGIN

pytestmark = pytest.mark.desks


def build_client(url, token, state_dir, **changes):
    """Return a client of the project, set up as `redmine.sh` makes it unless changed."""
    options = {"project": "preventive", "tracker": 3, "key_field": 1, "host_field": 2, "largest_attachment": 900_000}
    return PLUGIN.build(
        PLUGIN.options(client="redmine", url=url, **(options | changes)), Context(state_dir, token), "redmine"
    )


@pytest.fixture
def build(redmine, tmp_path):
    """Return a function that builds a client of the running desk, with changed options."""

    def build(*, token=redmine.token, **changes):
        return build_client(redmine.url, token, tmp_path, **changes)

    return build


@pytest.fixture
def client(build):
    """Return a client of the running desk."""
    return build()


class TestContract(ClientContract):
    """Redmine keeps the contract."""

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9", PLANTED_SECRET, tmp_path)

    @pytest.fixture
    def person(self, redmine):
        return redmine


class TestOpening:
    """What Redmine drops in silence is told."""

    def test_every_field_is_set(self, client, redmine):
        """The ticket carries tracker, key, host, priority and the day it is due."""
        ticket = new_ticket(priority="P2")
        there = redmine.ask("GET", f"issues/{client.open(ticket).id}.json")["issue"]
        fields = {one["name"]: one["value"] for one in there["custom_fields"]}
        assert (fields["ForetellKey"], fields["Device"]) == (ticket.key, ticket.device.id)
        assert (there["tracker"]["name"], there["priority"]["name"]) == ("Support", "High")
        assert there["due_date"] == "2026-12-04"

    def test_further_fields_are_set_beside_ours(self, build, redmine):
        """What is configured is set, and does not take the place of key and host."""
        client = build(fields={"estimated_hours": 1.5, "custom_fields": []})
        ticket = new_ticket()
        there = redmine.ask("GET", f"issues/{client.open(ticket).id}.json")["issue"]
        assert there["estimated_hours"] == 1.5
        assert ticket.key in [one["value"] for one in there["custom_fields"]]

    def test_a_ticket_that_is_overdue_is_opened_all_the_same(self, client):
        """Redmine refuses a due date before the start date, which would be today."""
        long_ago = ServiceTimes(first_response_due=NOON - timedelta(days=4000), fix_due=NOON - timedelta(days=3990))
        assert client.read(client.open(new_ticket(service_times=long_ago))).due.year == 2015

    def test_a_dropped_value_is_not_applied_and_the_ticket_is_found(self, client, build):
        """A tracker that the project does not have is replaced in silence; the error names it, and the key finds the ticket."""
        ticket = new_ticket()
        with pytest.raises(NotApplied, match=r"ticket \d+ was created without the tracker asked for"):
            build(tracker=99).open(ticket)
        assert len(client.find(ticket.key)) == 1

    @pytest.mark.parametrize("field", [3, 99], ids=["not used as a filter", "not there"])
    def test_a_field_that_cannot_be_searched_opens_and_finds_nothing(self, client, build, field):
        """By a filter that it does not know Redmine finds everything, so nothing is opened or looked for."""
        ticket = new_ticket()
        client.open(new_ticket())  # something to be found wrongly
        broken = build(key_field=field)
        for call in (
            lambda: broken.open(ticket),
            lambda: broken.find(ticket.key),
            lambda: broken.list_open(ticket.device.id),
        ):
            with pytest.raises(NotAuthorised, match=f"custom field {field} "):
                call()
        assert client.list_open(ticket.device.id) == []

    def test_more_tickets_than_a_page_are_all_listed(self, client, redmine):
        """A host with 101 open tickets is listed whole."""
        ticket = new_ticket()
        client.open(ticket)
        fields = [{"id": 1, "value": ticket.key}, {"id": 2, "value": ticket.device.id}]
        more = {"project_id": "preventive", "tracker_id": 3, "subject": "more", "custom_fields": fields}
        for _ in range(100):
            redmine.ask("POST", "issues.json", json={"issue": more})
        found = client.list_open(ticket.device.id)
        assert len(found) == 101
        assert found == sorted(found, key=lambda one: int(one.ref.id))

    @pytest.mark.parametrize("host", [">=web", "!web", "web|db", "*", "~web"])
    def test_a_host_id_that_looks_like_an_operator_is_only_a_name(self, client, host):
        """Redmine's short filters read operators and alternatives in a value; ours are not of that form."""
        device = Device(id=host, name="odd")
        ref = client.open(new_ticket(device=device))
        assert [one.ref for one in client.list_open(device.id)] == [ref]


HOSTILE = (
    "*bold* _em_ -del- +ins+ ^sup^ ~sub~ %span% @code@ ??cite?? **b** __i__ a*b*c a**b**c a~~b~~c",
    '"text":http://evil.test !http://evil.test/a.png! [link](http://evil.test) ![image](http://evil.test/a.png)',
    "http://evil.test https://evil.test/a?b=c www.evil.test ftp://evil.test",
    "#1 ##1 user:admin @admin project:preventive attachment:a.txt [[Wiki]] [[Wiki|name]] version:1 note-1 #1-1 #note-1",
    "{{toc}} {{include(Wiki)}} {{macro_list}} !{{toc}} {{collapse(x)}}",
    "<script>alert(1)</script> <b>b</b> <img src=x> <pre>p</pre> <notextile>*n*</notextile> <!-- c --> </div>",
    "&amp; &lt; &#42; &copy; & ; x & y",
    "|a|b| |_. h| ABC(explained) [1] fn1. note",
    "h1. heading",
    "# heading",
    "1. one",
    "1) one",
    "- item",
    "+ item",
    "* item",
    "> quoted",
    "bq. quoted",
    "---",
    "===",
    "~~~",
    "```ruby",
    "    indented",
    r"C:\temp\*new* 10:30 100% of 5-7 GB; 'quoted' (in brackets)! Well? 50 %",
    "p{color:red}. red",
    "[x]: http://evil.test",
    "磁盘*将满* #1 「@admin」",
)
COLUMNS = "Filesystem   Use%  Mounted on\n/dev/sda1     91%  /\n\n*not bold* <b> </pre> &lt; ``` {{toc}} #1"


@pytest.fixture(params=["textile", "common_mark"])
def formatting(request, redmine):
    """Set the desk to a formatting, return it, and set the desk back."""
    redmine.format_text_as(request.param)
    yield request.param
    redmine.format_text_as("textile")


class TestText:
    """What is written is shown as it is, whichever markup the desk reads."""

    def test_hostile_text_is_only_text(self, build, redmine, formatting):
        """Nothing in a text becomes markup, link, mention, image or macro, and every letter is shown."""
        blocks = [block for text in HOSTILE for block in (Heading(text), Paragraph(text))]
        blocks += [Bullets(HOSTILE), Facts(tuple((text, text) for text in HOSTILE)), Preformatted(COLUMNS)]
        ref = build(text_formatting=formatting).open(new_ticket(body=Document(tuple(blocks))))
        shown, tags, links = redmine.shown(ref)
        for text in HOSTILE:
            assert shown.count(" ".join(text.split())) == 5
        assert COLUMNS in shown.replace("\N{WORD JOINER}", "")
        # A heading's own anchor is Redmine's.
        assert tags <= {"h3", "p", "ul", "li", "pre", "code", "a", "i"}
        assert all(where.startswith("#") for where in links)

    def test_a_comment_is_found_by_its_marker(self, build, redmine, formatting):
        """The line by which a comment is found survives, and the customer sees it as it is."""
        client = build(text_formatting=formatting)
        ref = client.open(new_ticket())
        client.comment(ref, comment("0123456789abcdef-7", HOSTILE[0], public=True))
        assert client.has_comment(ref, "0123456789abcdef-7")
        assert "[foretell:0123456789abcdef-7]" in redmine.shown(ref)[0]


class TestPeople:
    """What people do at Redmine, read as what it means."""

    def test_who_is_assigned_is_the_handler_and_has_acknowledged(self, client, redmine):
        """Taking the ticket over acknowledges it; giving it back says nothing."""
        ref = client.open(new_ticket())
        engineer = redmine.ask("GET", "users/current.json")["user"]["id"]
        redmine.set(ref, assigned_to_id=engineer)
        state = client.read(ref)
        assert (state.handler, [(act.kind, act.by) for act in state.acts]) == (
            "Enya Engineer",
            [("acknowledge", "Enya Engineer")],
        )
        redmine.set(ref, assigned_to_id="")
        assert [act.kind for act in client.read(ref).acts] == ["acknowledge"]

    def test_one_event_may_say_several_things(self, client, redmine):
        """Status and note of one event are acts with an id each; of a private note only a directive counts."""
        ref = client.open(new_ticket())
        redmine.set(ref, status_id=3, notes="> foretell: confirm\n\nreplaced the disk\nforetell: wontfix")
        redmine.set(ref, notes="just among engineers", private_notes=True)
        redmine.set(ref, notes="foretell: defer 2026-12-24", private_notes=True)
        acts = client.read(ref).acts
        assert [act.kind for act in acts] == ["resolve", "wont_fix", "defer"]
        assert acts[2].until.isoformat() == "2026-12-24T00:00:00+00:00"
        assert len({act.id for act in acts}) == 3

    def test_a_priority_above_all_of_ours_is_the_most_urgent(self, client, redmine):
        """The desk's Immediate reads as P1, and stays."""
        ref = client.open(new_ticket())
        redmine.set(ref, priority_id=5)
        client.raise_priority(ref, "P1")
        assert client.read(ref).priority == "P1"
        assert redmine.ask("GET", f"issues/{ref.id}.json")["issue"]["priority"]["name"] == "Immediate"

    def test_a_status_that_is_not_configured_is_closed_where_the_desk_says_so(self, build, redmine):
        """Of the default statuses only Closed and Rejected are closed ones at Redmine."""
        client = build(statuses={"closed": [5], "rejected": [5]})
        ref = client.open(new_ticket())
        redmine.set(ref, status_id=6)
        assert (client.read(ref).desk_status, client.read(ref).open) == ("Rejected", False)


class TestEnds:
    """Tickets that people deleted, moved or closed."""

    def test_a_deleted_ticket_is_gone(self, client, redmine):
        """Redmine keeps nothing of it: reading, reopening and attaching say that it is gone, and it is not found."""
        ticket = new_ticket()
        ref = client.open(ticket)
        redmine.ask("DELETE", f"issues/{ref.id}.json", who="admin")
        for call in (
            lambda: client.read(ref),
            lambda: client.reopen(ref, ticket),
            lambda: client.has_comment(ref, "m"),
            lambda: client.close_duplicate(ref, ref),
        ):
            with pytest.raises(TicketGone):
                call()
        assert client.find(ticket.key) == []

    def test_a_ticket_moved_out_of_sight_is_gone_and_the_desk_is_not(self, client, redmine):
        """A person moves one ticket to a project that we may not see: that ticket is gone, the others stay."""
        ref, other = client.open(new_ticket()), client.open(new_ticket())
        redmine.set(ref, project_id="elsewhere")
        for call in (
            lambda: client.read(ref),
            lambda: client.resolve(ref),
            lambda: client.comment(ref, comment("m")),
            lambda: client.attach(ref, Attachment(name="a", media_type="text/plain", content=b"a")),
        ):
            with pytest.raises(TicketGone, match="may no longer be seen"):
                call()
        assert client.read(other).open

    def test_a_duplicate_says_of_what(self, client, redmine):
        """The duplicate is related to the original and rejected; closing the original later is no trouble."""
        first, second = client.open(new_ticket()), client.open(new_ticket())
        client.close_duplicate(second, first)
        (relation,) = redmine.ask("GET", f"issues/{second.id}/relations.json")["relations"]
        assert (relation["issue_id"], relation["relation_type"]) == (int(second.id), "duplicates")
        assert client.read(second).desk_status == "Rejected"
        client.resolve(first)
        assert client.read(first).status == "resolved"


class TestRefusals:
    """What Redmine does not let us do."""

    def test_a_wrong_key_is_not_authorised(self, build):
        """401 is NotAuthorised for every call, the doctor's included, without the key in the message."""
        client = build(token=PLANTED_SECRET)
        for call in (lambda: client.find(new_ticket().key), lambda: client.open(new_ticket()), client.check):
            with pytest.raises(NotAuthorised) as caught:
                call()
            assert PLANTED_SECRET not in str(caught.value)

    @pytest.mark.parametrize("project", ["no-such-project", "elsewhere"])
    def test_a_project_that_is_not_shown_holds_the_work_back(self, build, project):
        """Nothing is sent, and all can be sent once the project is there; the doctor says so too."""
        client = build(project=project)
        for call in (lambda: client.open(new_ticket()), lambda: client.find(new_ticket().key)):
            with pytest.raises(NotAuthorised, match=project):
                call()
        checks = {one.subject: one for one in client.check()}
        assert checks["login"].well
        assert not checks[f"project {project}"].well

    def test_a_status_that_the_workflow_forbids_is_not_applied(self, build, redmine):
        """204, and nothing changed; the error names where the user may go from here."""
        client = build(statuses={"open": [1]})
        ref = client.open(new_ticket())
        redmine.set(ref, status_id=6)
        with pytest.raises(
            NotApplied, match=r"did not take status 1 \(open\); from Rejected this user may go to .*Closed"
        ):
            client.reopen(ref, new_ticket())
        assert not client.read(ref).open

    def test_a_priority_that_follows_from_subtasks_is_not_applied(self, client, redmine):
        """Redmine takes the priority of a parent from its children and drops ours."""
        ref = client.open(new_ticket())
        child = {"project_id": "preventive", "tracker_id": 3, "subject": "a part", "parent_issue_id": int(ref.id)}
        redmine.ask("POST", "issues.json", json={"issue": child})
        with pytest.raises(NotApplied, match="did not take priority 4"):
            client.raise_priority(ref, "P1")

    def test_no_internal_comment_is_made_where_it_would_be_public(self, client, build, redmine):
        """Without the right to set notes private Redmine makes them public in silence. So we do not ask it to."""
        ref = client.open(new_ticket())
        lesser = build(token=redmine.ask("GET", "users/current.json", who="customer")["user"]["api_key"])
        with pytest.raises(NotAuthorised, match="may not set notes private"):
            lesser.comment(ref, comment("m", "for the engineer only"))
        lesser.comment(ref, comment("n", "for everybody", public=True))
        seen = redmine.shown(ref)[0]
        assert "for the engineer only" not in seen
        assert "for everybody" in seen
        (rights,) = [one for one in lesser.check() if one.subject == "rights"]
        assert not rights.well
        assert "not set_notes_private" in rights.found

    def test_a_file_beyond_the_desks_own_maximum_is_rejected(self, build):
        """Ours is set higher than the desk's: it refuses, in words that are repeated, and the ticket stays."""
        client = build(largest_attachment=5_000_000)
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="exceeds the maximum allowed file size"):
            client.attach(ref, Attachment(name="big.txt", media_type="text/plain", content=b"x" * 2_000_000))
        assert client.read(ref).open

    def test_the_doctor_tells_what_is_set_up_wrongly(self, build):
        """Tracker, fields, statuses and priorities that the desk does not have are named, with a hint each."""
        client = build(
            tracker=99, key_field=3, host_field=99, statuses={"resolved": [77]}, priorities={"P1": 1, "P2": 88}
        )
        build().open(new_ticket())  # in an empty project no filter can be seen not to work
        wrong = {one.subject: one for one in client.check() if not one.well}
        assert set(wrong) == {"tracker 99", "custom field 3", "custom field 99", "statuses", "priorities"}
        assert "no 77 for resolved" in wrong["statuses"].found
        assert all(one.hint for one in wrong.values())
