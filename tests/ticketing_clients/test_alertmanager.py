"""The Alertmanager client on members that behave as documented; the real cluster is in `tests/desks/test_alertmanager.py`."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from certificate_authority import Authority
from fake_alertmanager import FakeAlertmanager
from fake_desk import answer
from loopback import Page, web_server
from stand_in import NOWHERE
from ticketing_clients import DeskUnreachable, Device, NotAuthorised, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients._alertmanager.labels import LABELS
from ticketing_clients.alertmanager import KEPT, PLUGIN, ROUNDS
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context, comment, new_ticket

DAY = 86_400.0
RHYTHM = Context.rhythm


def build_client(urls, state_dir, *, now=None, **options):
    """Return a client of the members at `urls`, one or a list, at `now` of our clock."""
    urls = [urls] if isinstance(urls, str) else urls
    context = Context(state_dir, now=time.time() if now is None else now)
    return PLUGIN.build(PLUGIN.options(client="alertmanager", urls=urls, **options), context, "fleet")


@pytest.fixture
def members():
    """Return two running members of one cluster."""
    with contextlib.ExitStack() as stack:
        members = [FakeAlertmanager() for _ in range(2)]
        for member in members:
            member.peers = 2
            stack.enter_context(member.running())
        yield members


@pytest.fixture
def build(members, tmp_path):
    """Return a function that builds a client of both members."""
    return lambda **changes: build_client([one.url for one in members], tmp_path, **changes)


@pytest.fixture
def client(build):
    return build()


@contextlib.contextmanager
def away(member):
    """Let a member answer nothing that can be trusted meanwhile."""
    member.before = lambda _: answer(503, {"message": "starting"})
    try:
        yield
    finally:
        member.before = lambda _: None


class TestContract(ClientContract):
    """An Alertmanager keeps what of the contract can be kept by one that knows nothing of people."""

    acts = ()

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client(NOWHERE, tmp_path, token_secret="alertmanager")

    @pytest.fixture
    def person(self, members):
        return members[1]


class TestMembers:
    """Everybody is told; one that knows is enough, and the others hear it later."""

    def test_every_member_is_told(self, client, members):
        """The same alert, with the same labels."""
        ticket = new_ticket()
        client.open(ticket)
        [[one], [other]] = [member.standing(ticket.key) for member in members]
        assert (one.labels, one.annotations) == (other.labels, other.annotations)

    @pytest.mark.parametrize("absent", [0, 1])
    def test_one_that_is_away_hears_it_in_the_next_round(self, build, members, absent):
        """The opening is done when one has it; the other is told of it, and that it is still there, before it would expire."""
        ticket = new_ticket()
        with away(members[absent]):
            ref = build().open(ticket)
            assert [found.ref for found in build().find(ticket.key)] == [ref]
        assert members[absent].standing() == []
        assert build().remind([ticket.key]) == ()
        assert [len(member.standing(ticket.key)) for member in members] == [1, 1]

    def test_one_that_is_away_is_complained_of_and_the_round_is_done(self, build, members):
        """The log says who was not told."""
        ticket = new_ticket()
        build().open(ticket)
        with away(members[1]):
            (complaint,) = build().remind([ticket.key])
        assert members[1].url in complaint

    def test_an_end_is_told_to_one_that_missed_it(self, build, members):
        """Else it would tell everybody that the problem is back."""
        ticket = new_ticket()
        ref = build().open(ticket)
        with away(members[1]):
            build().resolve(ref)
            assert build().anything_stands()
        assert members[1].standing(ticket.key)
        assert build().remind([]) == ()
        assert members[1].standing(ticket.key) == []
        assert not build().anything_stands()

    def test_an_end_needs_not_be_told_to_one_where_it_has_expired(self, build, members):
        """Nothing is left to say once the alert has ended by itself."""
        ref = build().open(new_ticket())
        with away(members[1]):
            build().resolve(ref)
        assert not build(now=time.time() + ROUNDS * RHYTHM + 60).anything_stands()

    def test_none_that_is_there_is_said(self, client, members):
        """Nobody answered with anything that can be trusted."""
        with away(members[0]), away(members[1]), pytest.raises(DeskUnreachable):
            client.open(new_ticket())

    def test_an_answer_that_was_lost_is_unknown(self, members, tmp_path):
        """It may be there; to tell it again is to tell it once."""
        ticket = new_ticket()
        client = build_client(members[0].url, tmp_path)
        members[0].lose = lambda request: request.method == "POST"
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        members[0].lose = lambda _: False
        client.open(ticket)
        assert len(members[0].standing(ticket.key)) == 1

    def test_one_that_does_not_answer_is_not_waited_for_again(self, client, members):
        """A member that hangs costs a batch its time once."""
        with away(members[1]):
            client.open(new_ticket())
            before = len(members[1].seen)
            client.open(new_ticket())
        assert len(members[1].seen) == before

    def test_a_refusal_is_told_and_forgotten(self, client, members):
        """An alert that no member takes is not told again."""
        for member in members:
            member.before = lambda request: answer(400, {"message": "too many"}) if request.method == "POST" else None
        with pytest.raises(Rejected, match="too many"):
            client.open(new_ticket())
        assert not client.anything_stands()

    def test_what_is_no_alertmanager_is_waited_for(self, tmp_path):
        """A wrong address sets no case aside."""
        with web_server({}) as (url, _), pytest.raises(DeskUnreachable, match="is this the address of an Alertmanager"):
            build_client(url, tmp_path).open(new_ticket())


class TestRounds:
    """An Alertmanager forgets; the host does not."""

    def test_an_alert_stands_for_some_rounds(self, client, members):
        """So that one that is missed or late does no harm."""
        client.open(new_ticket())
        [alert] = members[0].standing()
        assert alert.ends_at - members[0].now == pytest.approx(
            timedelta(seconds=ROUNDS * RHYTHM), abs=timedelta(seconds=30)
        )

    def test_each_round_tells_it_for_longer(self, build, members):
        """And with the time at which it began."""
        ticket, now = new_ticket(), time.time()
        build(now=now).open(ticket)
        [first] = members[0].standing()
        for member in members:
            member.ahead += 600
        build(now=now + 600).remind([ticket.key])
        [second] = members[0].standing()
        assert second.ends_at - first.ends_at == pytest.approx(timedelta(minutes=10), abs=timedelta(seconds=30))
        assert second.starts_at == first.starts_at

    def test_one_that_was_restarted_is_told_all_again(self, build, members):
        """In one request, however many there are."""
        tickets = [new_ticket() for _ in range(3)]
        for ticket in tickets:
            build().open(ticket)
        members[0].restart()
        members[0].told.clear()
        build().remind([ticket.key for ticket in tickets])
        assert {one.key for one in members[0].standing()} == {ticket.key for ticket in tickets}
        assert len(members[0].told) == 1

    def test_only_what_is_open_is_told_again(self, build, members):
        """A case that is closed, and whose end was given up by hand, is left to expire."""
        ticket = new_ticket()
        build().open(ticket)
        members[0].restart()
        assert build().remind([]) == ()
        assert members[0].standing() == []

    def test_what_our_records_have_lost_the_members_have(self, build, members, tmp_path):
        """It is taken up as it stands, and told again as that."""
        ticket = new_ticket()
        build().open(ticket)
        [before] = members[0].standing()
        (tmp_path / "alertmanager-fleet.sqlite").unlink()
        [found] = build().list_open(ticket.device.id)
        assert found.key == ticket.key
        members[1].restart()
        build().remind([found.key])
        assert [one.labels for one in members[1].standing()] == [before.labels]
        build().resolve(found.ref)
        assert not members[0].standing()

    def test_of_two_that_stand_for_one_case_the_more_urgent_stays(self, build, members, tmp_path):
        """As after a lost record and a member that has not heard of the rise."""
        ticket = new_ticket(priority="P4")
        client = build()
        ref = client.open(ticket)
        with away(members[1]):
            build().raise_priority(ref, "P2")
        (tmp_path / "alertmanager-fleet.sqlite").unlink()
        build().remind([ticket.key])
        assert [[one.labels["priority"] for one in member.standing()] for member in members] == [["P2"], ["P2"]]

    def test_what_ended_long_ago_is_forgotten(self, build):
        """The book does not grow."""
        client = build()
        ref = client.open(new_ticket())
        client.resolve(ref)
        build(now=time.time() + KEPT + 60).remind([])
        with pytest.raises(TicketGone):
            build().comment(ref, comment("late"))


class TestTelling:
    """What becomes of an alert."""

    def test_a_rise_ends_one_alert_and_begins_another_at_once(self, client, members):
        """In one request; the new one begins when the first did, and the old one says why it ended."""
        ticket = new_ticket(priority="P3")
        ref = client.open(ticket)
        [first] = members[0].standing()
        members[0].told.clear()
        client.raise_priority(ref, "P1")
        [[old, new]] = members[0].told
        assert (old.labels, old.ending, new.ending) == (first.labels, "raised", None)
        assert new.labels == first.labels | {"priority": "P1"}
        assert (new.starts_at, new.annotations) == (first.starts_at, first.annotations)
        assert members[0].standing(ticket.key) == [new]

    def test_a_priority_never_falls(self, client, members):
        """Neither by itself nor by being opened again."""
        ticket = new_ticket(priority="P2")
        ref = client.open(ticket)
        client.raise_priority(ref, "P3")
        client.open(msgspec.structs.replace(ticket, priority="P4"))
        assert [one.labels["priority"] for one in members[0].standing()] == ["P2"]

    def test_an_end_says_that_it_was_measured(self, client, members):
        """An alert that expires does not."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        [alert] = members[0].alerts.values()
        assert alert.ending == "resolved"

    def test_a_problem_that_is_back_is_an_alert_like_the_first(self, client, members):
        """With the same labels, so that it falls into the same group; it has not ended any more."""
        ticket = new_ticket()
        ref = client.open(ticket)
        [first] = members[0].standing()
        client.resolve(ref)
        assert client.reopen(ref, ticket) == ref
        [again] = members[0].standing()
        assert again.labels == first.labels
        assert again.ending is None

    def test_a_host_that_is_renamed_keeps_its_alert(self, build, members):
        """Another label would be another alert."""
        ticket = new_ticket()
        build().open(ticket)
        renamed = msgspec.structs.replace(ticket, device=Device(id=ticket.device.id, name="db01"), title="on db01")
        build().open(renamed)
        [alert] = members[0].standing()
        assert (alert.labels["host"], alert.annotations["summary"]) == ("web01", "on db01")

    def test_the_newest_comment_is_on_the_alert(self, client, members):
        """The one before gives way, and the text stays."""
        ref = client.open(new_ticket())
        for number in (1, 2):
            client.comment(ref, comment(f"op-{number}", f"news {number}", public=True))
        [alert] = members[0].standing()
        assert (alert.annotations["comment"], alert.annotations["comment_marker"]) == ("news 2", "op-2")
        assert client.has_comment(ref, "op-2")
        assert not client.has_comment(ref, "op-1")

    def test_that_it_is_measured_well_stands_until_something_else_is_said(self, client, members):
        """By it the relay asks for the confirmation of a whole group."""
        ticket = new_ticket()
        ref = client.open(ticket)
        told = []
        for number, well in enumerate((True, False)):
            said = msgspec.structs.replace(comment(f"op-{number}", "news", public=True), well=well)
            client.comment(ref, said)
            [alert] = members[0].standing(ticket.key)
            told.append(alert.annotations.get("foretell_well"))
        assert told == ["true", None]

    def test_a_comment_on_what_ended_brings_nothing_back(self, client, members):
        """Only who looks at the alert sees it."""
        ref = client.open(new_ticket())
        client.resolve(ref)
        client.comment(ref, comment("late", public=True))
        client.raise_priority(ref, "P1")
        assert members[0].standing() == []

    @pytest.mark.parametrize("ahead", [-2 * DAY, -120, 120, 2 * DAY])
    def test_times_are_told_by_the_members_clock(self, build, members, ahead):
        """A host whose clock is wrong by days opens an alert that stands, and ends it."""
        members[0].ahead = ahead
        ticket = new_ticket()
        ref = build().open(ticket)
        assert [len(member.standing(ticket.key)) for member in members] == [1, 1]
        build().resolve(ref)
        assert [len(member.standing(ticket.key)) for member in members] == [0, 0]

    def test_what_it_configured_is_on_every_alert(self, build, members):
        """Routes and groups go by it."""
        build(labels={"site": "berlin"}).open(new_ticket())
        [alert] = members[0].standing()
        assert alert.labels["site"] == "berlin"
        assert set(alert.labels) <= {*LABELS, "site"}

    def test_somebody_elses_alert_with_our_label_is_not_ours(self, client, members):
        """A rule of Prometheus may well have the same label; without a key it is no ticket."""
        ticket = new_ticket()
        client.open(ticket)
        [ours] = members[0].standing()
        stranger = {"alertname": "Down", "host_id": ticket.device.id}
        members[0].alerts[("stranger",)] = msgspec.structs.replace(ours, labels=stranger)
        assert [found.key for found in client.list_open(ticket.device.id)] == [ticket.key]


class TestLogin:
    """How a host proves who it is."""

    @pytest.mark.parametrize(
        ("options", "header"),
        [
            ({"token_secret": "t"}, f"Bearer {PLANTED_SECRET}"),
            ({"user": "web01", "password_secret": "t"}, "Basic d2ViMDE6cGxhbnRlZC01ZjJkN2M5ZS1zZWNyZXQ="),
        ],
    )
    def test_it_logs_in_by_token_or_password(self, build, members, options, header):
        """Each member is told; one that refuses is not authorised, and its message has no secret."""
        for member in members:
            member.login = header
        build(**options).open(new_ticket())
        assert members[1].standing()
        for member in members:
            member.login = "Bearer another"
        with pytest.raises(NotAuthorised) as caught:
            build(**options).open(new_ticket())
        assert PLANTED_SECRET not in str(caught.value)

    def test_a_certificate_that_was_renewed_is_used_without_a_restart(self, tmp_path):
        """The same client, and another certificate in the same file: the member sees the new one."""
        authority = Authority(tmp_path)
        for name in ("first", "second"):
            authority.sign(name, "issuer", 5, "extendedKeyUsage=clientAuth")
        tls = authority.serving("shop-chain", "shop")
        tls.load_verify_locations(tmp_path / "root.pem")
        tls.load_verify_locations(tmp_path / "issuer.pem")
        tls.verify_mode = 2  # ssl.CERT_REQUIRED
        status = msgspec.json.encode({"cluster": {"status": "ready"}, "versionInfo": {"version": "0.25.0"}}).decode()
        pages = {"/api/v2/status": Page(status), "/api/v2/alerts": Page("[]")}
        own = tmp_path / "own.pem"
        with web_server(pages, tls) as (url, seen):
            client = build_client(
                url, tmp_path, ca_file=str(tmp_path / "root.pem"), certificate_file=str(own_as(authority, own, "first"))
            )
            assert client.find("k") == []
            own.write_text("no certificate any more")
            with pytest.raises(DeskUnreachable):
                client.find("k")
            own_as(authority, own, "second")
            assert client.find("k") == []
        assert len(seen) >= 2

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"urls": ["http://alertmanager.example.com"]}, "url: http to"),
            ({"labels": {"priority": "P1"}}, "labels: priority cannot be set here"),
            ({"token_secret": "t", "user": "u"}, "token_secret, user: set one of them"),
            ({"key_file": "/k"}, "key_file: name the certificate, too"),
            ({"certificate_file": "/no/such.pem"}, "/no/such.pem is not a file"),
        ],
    )
    def test_what_is_configured_wrong_is_told(self, tmp_path, wrong, told):
        """Before anything is sent."""
        options = {"urls": ["http://127.0.0.1:9"]} | wrong
        with pytest.raises(ValueError, match=told):
            build_client(options.pop("urls"), tmp_path, **options)


def own_as(authority, own, name):
    """Make `own` the certificate and key called `name`."""
    own.write_text((authority.folder / f"{name}.pem").read_text() + (authority.folder / f"{name}.key").read_text())
    return own


class TestDoctor:
    """What is looked at."""

    def test_each_member_says_what_it_is(self, client, members):
        """Well, with its version."""
        checks = client.check()
        assert [(one.subject, one.well) for one in checks] == [(member.url, True) for member in members]
        assert "0.25.0" in checks[0].found

    def test_members_that_do_not_know_each_other_are_told(self, client, members):
        """Each would tell everybody, so that every ticket would come twice."""
        members[1].peers = 1
        [first, second] = client.check()
        assert first.well
        assert (second.well, second.found) == (False, "knows 1 of 2 members")

    def test_one_that_is_away_is_told_with_the_others(self, client, members):
        """All of them away is unreachable."""
        with away(members[0]):
            assert [one.well for one in client.check()] == [False, True]
            with away(members[1]), pytest.raises(DeskUnreachable):
                client.check()


def test_a_case_begins_when_it_was_told_first(build, members):
    """The time that people see is that of the agent's own opening, to the second."""
    before = datetime.now(UTC)
    build().open(new_ticket())
    [alert] = members[0].standing()
    assert before - timedelta(seconds=2) < alert.starts_at < before + timedelta(seconds=60)
