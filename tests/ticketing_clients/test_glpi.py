"""The GLPI client over a stand-in written from GLPI's documentation: the contract, and the ways of this desk."""

from __future__ import annotations

import gc
from datetime import timedelta

import msgspec
import pytest

from fake_glpi import CUSTOMER, ENGINEER, FakeGlpi, PersonAtGlpi
from stand_in import StandInContract
from ticketing_clients import (
    Attachment,
    Device,
    NotApplied,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    ServiceTimes,
    TicketGone,
)
from ticketing_clients.contract import NOON, PLANTED_SECRET, Context, comment, new_ticket
from ticketing_clients.glpi import PLUGIN

ZONE = "Asia/Shanghai"

Person = PersonAtGlpi


def build_client(url, state_dir, **changes):
    """Return a client of the desk, set up as the fake desk is unless changed."""
    chosen = msgspec.convert(
        {"client": "glpi", "url": url} | {"time_zone": ZONE, "entity": 3} | changes, PLUGIN.options
    )
    return PLUGIN.build(chosen, Context(state_dir), "glpi")


@pytest.fixture
def desk():
    """Serve a fake GLPI whose clock is not in UTC."""
    fake = FakeGlpi(PLANTED_SECRET, ZONE)
    with fake.running():
        yield fake
        gc.collect()


class TestContract(StandInContract):
    """The client keeps the contract over the fake desk."""


class TestSession:
    """A session begins with the first request, and is ended."""

    def test_one_session_serves_a_batch_and_ends_with_it(self, build, desk):
        """One login for all, and nothing is left behind."""
        client = build()
        client.read(client.open(new_ticket()))
        assert len(desk.sessions) == 1
        del client
        gc.collect()
        assert desk.sessions == set()
        assert [path.rsplit("/", 1)[1] for _, path in desk.seen].count("initSession") == 1

    def test_a_desk_that_is_away_at_the_end_disturbs_nobody(self, build, desk):
        """A session that could not be ended ends by itself."""
        client = build()
        client.find("a")
        desk.lose = lambda _: True
        del client
        gc.collect()
        assert desk.seen[-1][1].endswith("killSession")

    def test_an_app_token_goes_along_when_there_is_one(self, build, desk):
        """An API client with an App-Token is asked with it; without it nobody enters."""
        desk.app_token = PLANTED_SECRET
        with pytest.raises(NotAuthorised):
            build().find("a")
        assert build(app_token_secret="app").find("a") == []

    def test_a_zone_that_is_not_there_is_told_at_once(self, build):
        """A wrong name would shift every time."""
        with pytest.raises(ValueError, match="time_zone: Europe/Nowhere"):
            build(time_zone="Europe/Nowhere")

    def test_priorities_in_the_wrong_order_are_told_at_once(self, build):
        """Or raising would lower."""
        with pytest.raises(ValueError, match="not in falling order"):
            build(priorities={"P1": 2})


class TestOpening:
    """What GLPI drops in silence is told."""

    def test_before_glpi_11_nothing_is_opened(self, client, desk):
        """An older one has no external id: a ticket could not be found again."""
        desk.version, ticket = 10, new_ticket()
        for call in (lambda: client.open(ticket), lambda: client.find(ticket.key), lambda: client.list_open("a")):
            with pytest.raises(NotAuthorised, match="before GLPI 11"):
                call()
        assert desk.tickets == {}
        assert [one.subject for one in client.check() if not one.well] == ["external id"]

    def test_an_answer_that_was_lost_is_found_again(self, client, desk):
        """The database is asked, so the ticket is there at once."""
        ticket = new_ticket()
        desk.lose = lambda request: request.method == "POST"
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        desk.lose = lambda _: False
        assert [one.ref.id for one in client.find(ticket.key)] == ["1"]

    def test_without_the_right_the_matrix_gives_the_same_priority(self, client, desk):
        """Urgency and impact alike meet on the diagonal of GLPI's own matrix."""
        desk.rights["ticket"] = 1024
        for priority in ("P1", "P2", "P3", "P4"):
            assert client.read(client.open(new_ticket(priority=priority))).priority == priority

    def test_a_priority_that_may_not_be_raised_is_told(self, client, desk):
        """GLPI answers with success and leaves the priority as it was."""
        ref = client.open(new_ticket(priority="P3"))
        desk.rights["ticket"] = 1024
        with pytest.raises(NotApplied, match="priority 4"):
            client.raise_priority(ref, "P2")

    def test_a_time_is_that_of_the_desks_clock(self, client, desk):
        """Noon in UTC is eight in the evening there, and reads back as noon."""
        ref = client.open(new_ticket())
        assert desk.tickets[1]["time_to_resolve"] == "2026-12-04 20:00:00"
        assert client.read(ref).due == NOON + timedelta(days=3)

    def test_an_overdue_ticket_is_opened_without_a_due_time(self, client):
        """GLPI refuses a time that has passed."""
        late = ServiceTimes(first_response_due=NOON - timedelta(days=2), fix_due=NOON - timedelta(days=1))
        assert client.read(client.open(new_ticket(service_times=late))).due is None

    def test_everything_configured_goes_along(self, build, desk):
        """Entity, group, requester by mail, and further fields."""
        build(group=4, fields={"itilcategories_id": 12}).open(new_ticket())
        asked = desk.tickets[1]["asked"]
        assert (asked["entities_id"], asked["_groups_id_assign"], asked["itilcategories_id"]) == (3, 4, 12)
        assert asked["_users_id_requester_notif"]["alternative_email"] == ["customer@client.test"]

    def test_a_refusal_in_a_success_is_one(self, client, desk):
        """201 or 207 with an id of false made nothing."""
        refusal = [{"id": False, "message": "no right in this entity"}]
        desk.add_ticket = lambda _: (207, refusal)
        with pytest.raises(NotApplied, match="no right in this entity"):
            client.open(new_ticket())

    def test_a_host_id_longer_than_the_column_is_found_all_the_same(self, client):
        """Its hash decides; the id itself is only shown, as much of it as fits."""
        host = "h" * 300
        ref = client.open(new_ticket(device=Device(id=host, name="long")))
        (found,) = client.list_open(host)
        assert (found.ref, found.host) == (ref, "h" * 124 + "…")
        assert client.list_open("h" * 299) == []

    @pytest.mark.parametrize("count", [100, 101])
    def test_more_tickets_than_a_range_are_all_listed(self, client, desk, count):
        """A full last range is followed by an empty one, which GLPI allows just behind the end."""
        ticket = new_ticket()
        client.open(ticket)
        for number in range(2, count + 1):
            desk.tickets[number] = {**desk.tickets[1], "id": number}
        assert [int(one.ref.id) for one in client.list_open(ticket.device.id)] == list(range(1, count + 1))


class TestPeople:
    """What people do at GLPI, read as what it means."""

    def test_who_is_assigned_is_the_handler(self, client, desk):
        """Requesters and observers are not."""
        ref = client.open(new_ticket())
        for users_id, kind in ((ENGINEER, 2), (CUSTOMER, 1)):
            desk.actors.append({"id": kind, "tickets_id": 1, "users_id": users_id, "type": kind})
        assert client.read(ref).handler == "Engineer Enya"

    def test_approving_the_solution_confirms(self, client, desk):
        """The requester who closes a solved ticket says that it is fixed; refusing opens it again."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.change(1, CUSTOMER, status=6)
        assert [(act.kind, act.by) for act in client.read(ref).acts] == [("confirm", "Customer Carl")]
        desk.change(1, CUSTOMER, status=2)
        assert [act.kind for act in client.read(ref).acts] == ["confirm", "reopen"]

    def test_the_timer_that_closes_is_nobody(self, client, desk):
        """A solved ticket that GLPI closes by itself was not confirmed."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        desk.change(1, 0, status=6)
        state = client.read(ref)
        assert (state.status, state.acts) == ("closed", ())

    def test_a_writer_by_mail_is_somebody(self, client, desk):
        """A follow-up from an address without a user still counts, at the right time."""
        ref = client.open(new_ticket())
        desk.write(1, 0, "<p>please do</p><blockquote>foretell: wontfix</blockquote>")
        (act,) = client.read(ref).acts
        assert (act.kind, act.by, act.text) == ("reply", "somebody by e-mail", "please do")
        assert act.at == NOON + timedelta(seconds=1)

    def test_of_a_private_followup_only_a_directive_counts(self, client, desk):
        """Technicians among themselves reply to nobody."""
        ref = client.open(new_ticket())
        desk.write(1, ENGINEER, "<p>just among us</p>", private=1)
        desk.write(1, ENGINEER, "<p>foretell: wontfix</p>", private=1)
        assert [act.kind for act in client.read(ref).acts] == ["wont_fix"]

    def test_a_major_priority_is_our_most_urgent_and_stays(self, client, desk):
        """Somebody's major is never made less."""
        ref = client.open(new_ticket())
        desk.change(1, ENGINEER, priority=6)
        client.raise_priority(ref, "P1")
        assert (desk.tickets[1]["priority"], client.read(ref).priority) == (6, "P1")


class TestEnds:
    """Solved, closed, deleted and moved tickets, and duplicates."""

    def test_closing_a_duplicate_leaves_its_original_open(self, client, desk):
        """Linked first, both would be solved at once."""
        ticket = new_ticket()
        first, second = client.open(ticket), client.open(ticket)
        client.close_duplicate(second, first)
        assert (desk.tickets[1]["status"], desk.tickets[2]["status"]) == (1, 5)
        assert [(one["tickets_id_1"], one["tickets_id_2"], one["link"]) for one in desk.links] == [(2, 1, 2)]
        client.close_duplicate(second, first)
        assert len(desk.links) == 1

    def test_a_solution_says_what_is_configured(self, build, desk):
        """The requester reads it, so its words are the desk's own."""
        client = build(solution="Erledigt & geprüft")
        client.resolve(client.open(new_ticket()))
        assert desk.solutions == ["<p>Erledigt &amp; geprüft</p>"]

    def test_an_entity_that_closes_at_once_is_well(self, client, desk):
        """Then nothing more is said on the ticket: it is refused, and the ticket stays closed."""
        desk.autoclose = True
        ref = client.open(new_ticket())
        client.resolve(ref)
        assert client.read(ref).status == "closed"
        with pytest.raises(Rejected, match="permission"):
            client.comment(ref, comment("m"))
        client.reopen(ref, new_ticket())
        assert client.read(ref).open

    def test_our_followups_do_not_stop_the_clock_of_the_first_answer(self, client, desk):
        """GLPI is told not to take the ticket into account for them."""
        asked = []
        keep = desk.add_followup
        desk.add_followup = lambda request: asked.append(request.get_json()["input"]) or keep(request)
        client.comment(client.open(new_ticket()), comment("m"))
        assert [one["_do_not_compute_takeintoaccount"] for one in asked] == [1]

    def test_a_ticket_in_the_dustbin_is_deleted(self, client, desk):
        """It is seen as deleted, is found no more, and is not opened again."""
        ticket = new_ticket()
        ref = client.open(ticket)
        desk.tickets[1]["is_deleted"] = 1
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
        desk.rights["ticket"] = 0
        with pytest.raises(NotAuthorised):
            client.read(ref)


class TestFiles:
    """A document is there whole, or it is told."""

    def test_too_large_a_file_is_refused_by_the_desks_own_limit(self, client):
        """The limit is asked of the live desk, before a byte is sent."""
        ref = client.open(new_ticket())
        file = Attachment(name="a.gz", media_type="application/gzip", content=b"x" * (2 * 1024 * 1024 + 1))
        with pytest.raises(Rejected, match="more than the 2097152 of the desk"):
            client.attach(ref, file)
        assert client.read(ref).open

    def test_a_type_that_the_desk_does_not_take_is_told(self, client):
        """GLPI makes a document without a file, and says 201."""
        ref = client.open(new_ticket())
        with pytest.raises(NotApplied, match=r"a\.bin .* does it take this type"):
            client.attach(ref, Attachment(name="a.bin", media_type="application/octet-stream", content=b"a"))
        assert not client.has_attachment(ref, "a.bin")


class TestCheck:
    """The doctor's questions."""

    def test_what_is_wrong_is_named(self, build, desk):
        """Rights, entity and zone are each told with a way to mend them."""
        desk.rights = {"ticket": 1024, "followup": 4096}
        checks = {one.subject: one for one in build(entity=4, time_zone="UTC").check() if not one.well}
        assert set(checks) == {"rights", "entity", "clock"}
        assert "set the priority" in checks["rights"].found
        assert "see private follow-ups" in checks["rights"].found
        assert all(one.hint for one in checks.values())
