"""The way back of the Alertmanager client: what the relay says of tickets, and files for them. With the relay's own answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import ClassVar

import msgspec
import pytest
from werkzeug import Response
from werkzeug.routing import Rule

from agent.relay.cases import CaseState
from fake_alertmanager import FakeAlertmanager
from fake_desk import FakeDesk
from ticketing_clients import (
    Act,
    Attachment,
    Rejected,
    Throttled,
    TicketGone,
    TicketRef,
    TicketState,
)
from ticketing_clients.alertmanager import PLUGIN
from ticketing_clients.contract import PLANTED_SECRET, Context, new_ticket

CASE = TicketRef("fleet", "a" * 64, "http://alertmanager.example/#/alerts")
ACT = Act(id="7", kind="resolve", by="Ann", at=datetime(2026, 11, 29, tzinfo=UTC))
FILE = Attachment(name="foretell-1.tar.gz", media_type="application/gzip", content=b"\x00\xff" * 50)


class RelayInPlace(FakeDesk):
    """Answers as `agent.relay.app` does."""

    routes: ClassVar[list[Rule]] = [
        Rule("/v1/cases/<case>", endpoint="state"),
        Rule("/v1/cases/<case>/files/<name>", methods=["PUT"], endpoint="take"),
    ]

    def __init__(self):
        super().__init__()
        self.known = True
        self.files = {}

    def authorised(self, request):
        return request.headers.get("Authorization") == f"Bearer {PLANTED_SECRET}"

    def state(self, _, case):
        if not self.known or case != CASE.id:
            return Response("no alert of this case is known now\n", 404)
        ticket = TicketState(
            ref=TicketRef("rt", "42", "https://rt.example/42"), status="resolved", desk_status="resolved", acts=(ACT,)
        )
        return Response(msgspec.json.encode(CaseState(group="g", founder=True, ticket=ticket)), 200)

    def take(self, request, case, name):
        if not self.known or case != CASE.id:
            return Response("", 404)
        self.files[name] = request.get_data()
        return Response("", 204)


@pytest.fixture
def relay():
    with RelayInPlace().running() as running:
        yield running


def build(url, state_dir, **options):
    settings = PLUGIN.options(client="alertmanager", **({"urls": ["http://127.0.0.1:9"], "relay": url} | options))
    return PLUGIN.build(settings, Context(state_dir, now=time.time()), "fleet")


@pytest.fixture
def client(relay, tmp_path):
    return build(relay.url, tmp_path)


def test_what_people_did_on_the_ticket_comes_back_under_the_cases_own_name(client):
    """The case's ticket is its alert; what people see, they find at the desk."""
    state = client.read(CASE)
    assert (state.ref.desk, state.ref.id, state.ref.url) == ("fleet", CASE.id, "https://rt.example/42")
    assert (state.status, state.acts) == ("resolved", (ACT,))


def test_what_the_relay_does_not_know_is_neither_gone_nor_open(client, relay):
    relay.known = False
    with pytest.raises(Rejected) as error:
        client.read(CASE)
    assert not isinstance(error.value, TicketGone)


def test_a_relay_that_is_away_does_not_keep_alerts_from_being_told(client, relay):
    """The Alertmanagers are the desk: only what is asked of the relay waits, and it is asked once in a batch."""
    relay.before = lambda _: Response("", 503)
    for _ in range(2):
        with pytest.raises(Rejected, match="503"):
            client.read(CASE)
    assert len(relay.seen) == 1
    with pytest.raises(Throttled) as waits:
        client.attach(CASE, FILE)
    assert waits.value.ticket_only


def test_a_round_tells_that_the_relay_is_away(tmp_path, relay):
    """For the status page and the log; the tickets are not asked about then."""
    with FakeAlertmanager().running() as member:
        client = build(relay.url, tmp_path, urls=[member.url])
        client.open(new_ticket())
        assert client.remind([]) == ()
        relay.before = lambda _: Response("", 503)
        [complaint] = client.remind([])
        assert "503" in complaint
        relay.seen.clear()
        with pytest.raises(Rejected):
            client.read(CASE)
        assert relay.seen == []


def test_the_doctor_asks_the_relay_too(tmp_path, relay):
    """Whether it lets us in, by a case that it cannot know."""
    with FakeAlertmanager().running() as member:
        client = build(relay.url, tmp_path, urls=[member.url])
        assert [one.well for one in client.check()] == [True, True]
        relay.authorised = lambda _: False
        _, wrong = client.check()
        assert (wrong.subject, wrong.well) == ("relay", False)
        assert PLANTED_SECRET not in wrong.found


def test_a_wrong_secret_is_said_and_not_shown(client, relay):
    relay.authorised = lambda _: False
    with pytest.raises(Rejected, match="401") as error:
        client.read(CASE)
    assert PLANTED_SECRET not in str(error.value)


def test_a_file_is_passed_on_byte_for_byte(client, relay):
    assert not client.has_attachment(CASE, FILE.name)
    client.attach(CASE, FILE)
    assert relay.files == {FILE.name: FILE.content}


def test_a_file_that_is_too_large_stays_here(relay, tmp_path):
    with pytest.raises(Rejected, match="bytes"):
        build(relay.url, tmp_path, largest_attachment=50).attach(CASE, FILE)
    assert relay.files == {}


def test_without_a_relay_nothing_comes_back(tmp_path):
    client = build("", tmp_path)
    assert not client.capabilities.read
    assert not client.capabilities.attach
    with pytest.raises(Rejected):
        client.read(CASE)


def test_a_relay_in_the_clear_beyond_this_machine_is_refused(tmp_path):
    with pytest.raises(ValueError, match="http"):
        build("http://relay.example.com:19470", tmp_path)
