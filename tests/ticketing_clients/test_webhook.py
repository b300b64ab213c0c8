"""The webhook client on a receiver that verifies with the documentation's own example."""

from __future__ import annotations

import base64
import json
import traceback
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from fake_desk import answer
from fake_webhook_receiver import KEY, FakeWebhookReceiver, documented_verify
from ticketing_clients import (
    Attachment,
    DeskUnreachable,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    ServiceTimes,
    Throttled,
)
from ticketing_clients.contract import NOON, ClientContract, Context, comment, new_ticket
from ticketing_clients.webhook import PLUGIN

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "webhook.schema.json"
OTHER_KEY = f"whsec_{base64.b64encode(bytes(24)).decode()}"


class Secrets(Context):
    """Secrets by their names."""

    def __init__(self, state_dir, **secrets):
        super().__init__(state_dir)
        self._secrets = secrets

    def secret(self, name):
        return self._secrets[name]


def build_client(url, state_dir, *, key=KEY, **options):
    """Return a client that signs with `key`."""
    return PLUGIN.build(PLUGIN.options(client="webhook", url=url, **options), Context(state_dir, key), "events")


@pytest.fixture
def receiver():
    """Return a running receiver."""
    with FakeWebhookReceiver().running() as receiver:
        yield receiver


@pytest.fixture
def client(receiver, tmp_path):
    """Return a client of the receiver."""
    return build_client(f"{receiver.url}/hooks/foretell", tmp_path)


class TestContract(ClientContract):
    """The webhook keeps what of the contract can be kept without an answer."""

    acts = ()

    @pytest.fixture
    def build(self, receiver, tmp_path):
        return lambda: build_client(f"{receiver.url}/hooks/foretell", tmp_path)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return build_client("http://127.0.0.1:9/hooks/foretell", tmp_path)

    @pytest.fixture
    def person(self, receiver):
        return receiver


def everything(client):
    """Tell the whole life of a ticket, and return it with the reference that it ends with."""
    ticket = new_ticket()
    ref = client.open(ticket)
    client.comment(ref, comment("op-2", "it is worse", public=True))
    client.raise_priority(ref, "P1")
    client.attach(ref, Attachment(name="evidence.txt", media_type="text/plain", content=b"\x00\xff"))
    client.resolve(ref)
    again = client.reopen(ref, ticket)
    client.resolve(again)
    client.check()
    return ticket, again


class TestEvents:
    """What is told."""

    def test_the_whole_life_of_a_ticket_is_told_in_order(self, client, receiver):
        """Each thing that happens is one event about the same problem, and the two resolutions are two."""
        ticket, again = everything(client)
        told = list(receiver.events.values())
        assert [one["type"] for one in told] == [
            "ticket.opened",
            "ticket.commented",
            "ticket.priority_raised",
            "ticket.file_attached",
            "ticket.resolved",
            "ticket.reopened",
            "ticket.resolved",
            "ping",
        ]
        assert {one["ticket"]["key"] for one in told[:-1]} == {ticket.key}
        first = told[0]["ticket"]["id"]
        assert [one["ticket"]["id"] for one in told[:-1]] == [first] * 5 + [again.id] * 2
        assert told[5]["earlier"] == first != again.id

    def test_every_event_keeps_the_published_schema(self, client, receiver):
        """What leaves is what the reference says, and the reference knows nothing else by that name."""
        everything(client)
        judge = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
        for _, body in receiver.requests:
            judge.validate(json.loads(body))
        assert not judge.is_valid({"type": "ticket.resolved", "version": 1})

    def test_the_ticket_is_told_with_all_its_fields(self, client, receiver):
        """Title, both texts, window, service times, device and customer are there."""
        client.open(new_ticket(priority="P2"))
        (event,) = receiver.told("ticket.opened")
        there = event["ticket"]
        assert (there["priority"], there["rule"], there["type"]) == ("P2", "disk_space", "capacity")
        assert there["customer"]["contact"] == "customer@client.test"
        assert there["device"]["name"] == "web01"
        assert there["windows"][0]["start"] == "2026-12-01T12:00:00Z"
        assert there["service_times"]["fix_due"] == "2026-12-04T12:00:00Z"
        assert "&lt;b&gt;&amp;amp;" in there["body"]["html"]
        assert "<b>&amp;" in there["body"]["plain"]

    def test_a_file_arrives_byte_for_byte(self, client, receiver):
        """Its content is base64 of exactly what was given."""
        ref = client.open(new_ticket())
        content = bytes(range(256))
        client.attach(ref, Attachment(name="a.bin", media_type="application/octet-stream", content=content))
        (event,) = receiver.told("ticket.file_attached")
        assert base64.b64decode(event["file"]["content"]) == content

    def test_too_large_a_file_is_not_sent(self, receiver, tmp_path):
        """It is refused before anything leaves."""
        client = build_client(f"{receiver.url}/hooks/foretell", tmp_path, largest_attachment=3)
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match="a has 4 bytes"):
            client.attach(ref, Attachment(name="a", media_type="text/plain", content=b"aaaa"))
        assert receiver.told("ticket.file_attached") == []


class TestOnce:
    """An event is done once, however often it must be sent."""

    def test_a_lost_answer_is_followed_by_the_same_event(self, client, receiver):
        """Told again after an unknown outcome, it has the same id and the same bytes, and leads to the same ticket."""
        ticket = new_ticket()
        receiver.lose = lambda _: True
        with pytest.raises(OutcomeUnknown):
            client.open(ticket)
        receiver.lose = lambda _: False
        ref = client.open(ticket)
        (first, body), (second, same) = receiver.requests
        assert (first["Webhook-Id"], body) == (second["Webhook-Id"], same)
        assert [one["ticket"]["id"] for one in receiver.told("ticket.opened")] == [ref.id]

    def test_every_change_told_again_is_the_same_event(self, client, receiver):
        """So it is with everything else that can be told."""
        ticket, _ = everything(client)
        known = len(receiver.events)
        ref = client.open(ticket)
        client.comment(ref, comment("op-2", "it is worse", public=True))
        client.raise_priority(ref, "P1")
        client.resolve(ref)
        client.reopen(ref, ticket)
        assert len(receiver.events) == known

    def test_a_problem_that_returns_much_later_is_a_ticket_of_its_own(self, client, receiver):
        """The same key, opened anew at another time, is not taken for the one that was resolved."""
        ticket = new_ticket()
        first = client.open(ticket)
        client.resolve(first)
        later = ServiceTimes(first_response_due=NOON + timedelta(days=90), fix_due=NOON + timedelta(days=93))
        second = client.open(new_ticket(key=ticket.key, device=ticket.device, service_times=later))
        client.resolve(second)
        assert first.id != second.id
        assert len(receiver.told("ticket.opened")) == len(receiver.told("ticket.resolved")) == 2


class TestSigning:
    """Who has the key knows that it was us."""

    def test_the_schemes_own_example_verifies_as_documented(self):
        """Key, id, time, payload and signature as the scheme's own libraries test them."""
        verify = documented_verify()
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        key, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
        assert verify(key, headers, body, now=1614265330) == headers["webhook-id"]
        for changed in (
            lambda: verify(key, headers, body + b" ", now=1614265330),
            lambda: verify(key, headers, body, now=1614265330 + 301),
            lambda: verify(KEY, headers, body, now=1614265330),
        ):
            with pytest.raises(ValueError, match=r"not signed|too old"):
                changed()

    def test_while_the_key_is_changed_both_are_good(self, receiver, tmp_path):
        """With two keys in the file, receivers of the old and of the new one accept every event."""
        client = build_client(f"{receiver.url}/hooks/foretell", tmp_path, key=f"{OTHER_KEY} {KEY}\n")
        client.open(new_ticket())
        receiver.key = OTHER_KEY
        client.open(new_ticket())
        assert len(receiver.told("ticket.opened")) == 2

    def test_another_key_is_not_accepted(self, receiver, tmp_path):
        """The receiver says 401, and the desk waits for somebody to mend it."""
        with pytest.raises(NotAuthorised, match="not signed with this key"):
            build_client(f"{receiver.url}/hooks/foretell", tmp_path, key=OTHER_KEY).open(new_ticket())

    @pytest.mark.parametrize(
        "key", ["", "planted-secret", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64!", f"whsec_{'A' * 88}"]
    )
    def test_a_key_that_is_none_is_told_without_it(self, tmp_path, key):
        """Empty, without prefix, too short, no base64, too long: said when the client is built, and not repeated."""
        with pytest.raises(ValueError, match="signing_secret") as caught:
            build_client("https://receiver.test/hook", tmp_path, key=key)
        assert key.removeprefix("whsec_") not in str(caught.value) or key in {"", "whsec_"}


class TestAnswers:
    """What a receiver answers decides what becomes of an event."""

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, Rejected),
            (401, NotAuthorised),
            (404, DeskUnreachable),
            (410, DeskUnreachable),
            (429, Throttled),
            (500, OutcomeUnknown),
            (302, OutcomeUnknown),
        ],
    )
    def test_an_answer_means_what_the_documentation_says(self, client, receiver, status, error):
        """A receiver that is not there is no refusal of one event."""
        receiver.before = lambda _: answer(status, {})
        with pytest.raises(error) as caught:
            client.open(new_ticket())
        assert type(caught.value) is error

    def test_a_page_for_people_is_no_success(self, client, receiver):
        """200 with HTML is a login page, not a receiver."""

        def page(_):
            response = answer(200)
            response.headers["Content-Type"] = "text/html"
            return response

        receiver.before = page
        with pytest.raises(OutcomeUnknown, match="a page for people"):
            client.open(new_ticket())

    def test_a_refused_ping_is_told_with_a_hint(self, client, receiver):
        """The doctor says what to do about it."""
        receiver.before = lambda _: answer(422, {"message": "no such type"})
        (check,) = client.check()
        assert not check.well
        assert "no such type" in check.found
        assert "ping" in check.hint


class TestAddress:
    """Where it goes."""

    def test_an_address_that_is_a_secret_is_never_shown(self, receiver, tmp_path):
        """It may have a query, it reaches the receiver, and no error holds it."""
        secrets = Secrets(tmp_path, webhook=KEY, address=f"{receiver.url}/hooks/planted-path?sig=planted-query\n")
        client = PLUGIN.build(PLUGIN.options(client="webhook", url_secret="address"), secrets, "events")
        client.open(new_ticket())
        assert receiver.seen == [("POST", "/hooks/planted-path")]
        receiver.before = lambda _: answer(400, {"message": "sig=planted-query is not for you"})
        with pytest.raises(Rejected) as caught:
            client.open(new_ticket())
        told = "".join(traceback.format_exception(caught.value))
        assert "planted-query" not in told
        assert "hooks/planted-path" not in told

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"url": "https://a.test/b", "url_secret": "c"},
            {"url": "http://a.test/b"},
            {"url": "https://a.test/b?key=c"},
        ],
    )
    def test_an_address_must_be_one_and_safe(self, tmp_path, options):
        """None, two, without encryption, or with a secret in the configuration: said when the client is built."""
        with pytest.raises(ValueError, match="url"):
            PLUGIN.build(PLUGIN.options(client="webhook", **options), Context(tmp_path, KEY), "events")
