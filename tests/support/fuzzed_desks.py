"""Desks that answer nonsense: to every call of every client, as the bytes that come from the network, and in people's mails."""

from __future__ import annotations

import contextlib
import email
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.policy import compat32
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest import mock

import msgspec
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

import fleet
from agent.configuration.plugins import TICKETING_CLIENTS
from agent.relay.group import group_of
from agent.relay.notification import NotUnderstood, parse
from answers_recorder import SEEDS, Answer, kind_of
from fuzzing import Reader, Target, json_mutants, limited, mutants
from ticketing_clients import Attachment, DeskError, Device, NamesHosts, TicketingClient, TicketRef, _http
from ticketing_clients._glpi import rest as glpi_rest
from ticketing_clients._mail import mailbox, thread
from ticketing_clients._mail.letter import DUE, KEY, PRIORITY
from ticketing_clients._mail.server import MailServer
from ticketing_clients.contract import Context, comment, new_ticket

URL = "http://127.0.0.1:9"
ENDLESS = 2000  # requests of one call
CHANGED = 25  # answers of one call are changed; further requests get the last answer of their kind again
#: how a client of each desk is set up, as in its own tests, and a secret of the form it wants
SET_UP: dict[str, dict[str, Any]] = {
    "alertmanager": {"urls": [URL]},
    "freshservice": {"url": URL, "agent": 7, "requester": "monitoring@desk.test"},
    "github": {"url": URL, "repository": "client/preventive"},
    "gitlab": {"url": URL, "project": "client/preventive"},
    "glpi": {"url": URL, "time_zone": "Asia/Shanghai", "entity": 3},
    "jira": {
        "url": URL,
        "project": "OPS",
        "issue_type": "10004",
        "user": "agent@client.test",
        "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
        "resolution": "10000",
        "internal_role": "Betriebsteam",
    },
    "jira_service_management": {
        "url": URL,
        "project": "OPS",
        "request_type": "25",
        "user": "agent@client.test",
        "statuses": {"waiting": ["10010"], "rejected": ["10020"]},
        "resolution": "10000",
    },
    "redmine": {"url": URL, "project": "preventive", "tracker": 3, "key_field": 1, "host_field": 2},
    "request_tracker": {"url": URL, "queue": "Preventive", "urgency_field": "Urgency", "window_field": "Window"},
    "servicenow": {"url": URL, "user": "agent"},
    "webhook": {"url": URL},
    "zammad": {"url": URL, "group": "Preventive", "due_field": "foretell_due"},
    "zendesk": {"url": URL, "user": "agent@client.test"},
}
SECRETS = {"webhook": "whsec_" + "c2VjcmV0" * 4}
PAGES = (
    *(
        b"",
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"0",
        b"<html>Please log in.</html>",
        b"RT/5.0.3 401 Credentials required\n",
        b"\xff",
    ),
    *(b"[" * 100_000, b'{"id": 1}', b'{"id": "1", "key": "1"}', b'{"issues": null}', b'{"tickets": [null]}'),
)


def calls(client: TicketingClient) -> dict[str, Callable[[], object]]:
    """Return every call of a client that it says it can serve, by name."""
    ref, can = TicketRef(desk="desk", id="1"), client.capabilities
    ticket = new_ticket(key="ab" * 32, device=Device(id="host-1", name="web01"))
    file = Attachment(name="a.txt", media_type="text/plain", content=b"a")
    every: dict[str, tuple[bool, Callable[[], object]]] = {
        "check": (True, client.check),
        "open": (True, lambda: client.open(ticket)),
        "find": (can.find, lambda: client.find(ticket.key)),
        "list_open": (can.list_open, lambda: client.list_open(ticket.device.id)),
        "list_named": (isinstance(client, NamesHosts), lambda: client.list_named("web01")),  # type: ignore[attr-defined]
        "read": (can.read, lambda: client.read(ref)),
        "comment": (can.comment, lambda: client.comment(ref, comment("m", public=True))),
        "has_comment": (can.comment and can.read, lambda: client.has_comment(ref, "m")),
        "raise_priority": (can.priority, lambda: client.raise_priority(ref, "P1")),
        "resolve": (can.resolve, lambda: client.resolve(ref)),
        "reopen": (can.reopen != "none", lambda: client.reopen(ref, ticket)),
        "attach": (can.attach, lambda: client.attach(ref, file)),
        "has_attachment": (can.attach and can.read, lambda: client.has_attachment(ref, "a.txt")),
        "close_duplicate": (can.find, lambda: client.close_duplicate(ref, TicketRef(desk="desk", id="2"))),
    }
    return {name: call for name, (served, call) in every.items() if served}


class Conversation(msgspec.Struct, frozen=True):
    """What was called, and what the desk answered, request by request."""

    call: str
    answers: list[Answer]


class Desk(Target):
    """One client; everything its desk says may be wrong."""

    _decoder: ClassVar = msgspec.json.Decoder(Conversation)

    def __init__(self, client: str) -> None:
        super().__init__(f"desks/{client}")
        self._client = client
        self._conversation = Conversation("", [])
        self._good: dict[str, list[Answer]] = {}
        seeds = SEEDS / f"{client}.jsonl"
        lines = seeds.read_bytes().splitlines() if seeds.exists() else []
        for answer in [msgspec.json.decode(line, type=Answer) for line in lines]:
            self._good.setdefault(answer.asked, []).append(answer)

    @property
    def tried(self) -> bytes:
        """The conversation as far as it came."""
        return msgspec.json.encode(self._conversation)

    def explore(self, data: st.DataObject) -> None:
        """Choose a call, and what is wrong with each answer when it is asked for."""
        given: dict[str, Answer] = {}

        def answer(asked: str) -> Answer:
            if len(given) < CHANGED or asked not in given:
                given[asked] = data.draw(self._answer(asked))
            return given[asked]

        with TemporaryDirectory(prefix="foretell-fuzz-") as folder:
            names = sorted(calls(self._built(folder)))
            self._converse(folder, data.draw(st.sampled_from(names)), answer)

    def replay(self, raw: bytes) -> None:
        """Call again, and answer the same; after the last answer the desk is busy."""
        conversation = self._decoder.decode(raw)
        answers = iter(conversation.answers)
        with TemporaryDirectory(prefix="foretell-fuzz-") as folder:
            self._converse(folder, conversation.call, lambda _: next(answers, Answer(status=503)))

    def _converse(self, folder: str, call: str, answer: Callable[[str], Answer]) -> None:
        said: list[Answer] = []

        def send(_: object, exchange: Any, asked: Any, __: object) -> _http._Answer:
            exchange.sent = True
            said.append(answer(kind_of(asked.method, asked.path)))
            assert len(said) <= ENDLESS, f"{call} asks without end"
            return _http._Answer(
                said[-1].status,
                CaseInsensitiveDict(said[-1].headers),
                said[-1].body.encode("latin-1"),
            )

        self._conversation = Conversation(call, said)
        # GLPI's client logs out when it is gone, which is some time after this conversation.
        with mock.patch.object(_http.Http, "_send", send), mock.patch.object(glpi_rest, "_leave"), limited():
            try:
                calls(self._built(folder))[call]()
            except DeskError as error:
                str(error).encode()

    def _built(self, folder: str) -> TicketingClient:
        plugin = TICKETING_CLIENTS.load(self._client)
        options = msgspec.convert({"client": self._client, **SET_UP[self._client]}, plugin.options)
        return plugin.build(options, Context(Path(folder), SECRETS.get(self._client, "secret")), "desk")

    def _answer(self, asked: str) -> st.SearchStrategy[Answer]:
        """Return answers to one kind of request: good ones more often than not, so that a call gets far."""
        every = [answer for answers in self._good.values() for answer in answers] or [Answer()]
        good = [one for one in self._good.get(asked, every) if one.status < 300] or self._good.get(asked, every)
        bodies = [one.body.encode("latin-1") for one in good]
        return st.one_of(
            st.sampled_from(good),
            st.sampled_from(good),
            st.builds(_with_body, st.sampled_from(good), json_mutants(bodies)),
            st.builds(_with_body, st.sampled_from(good), mutants(bodies) | st.sampled_from(PAGES)),
            st.sampled_from(every),
            st.builds(
                _with_status,
                st.sampled_from(every),
                st.sampled_from([201, 204, 301, 400, 401, 403, 404, 409, 429, 500]),
            ),
        )


def _with_body(answer: Answer, body: bytes) -> Answer:
    return msgspec.structs.replace(answer, body=body.decode("latin-1"))


def _with_status(answer: Answer, status: int) -> Answer:
    return msgspec.structs.replace(answer, status=status)


def relayed(raw: bytes) -> None:
    """Read what Alertmanager sends the relay, as far as the ticket and its words are made of it."""
    group = group_of(parse(raw), fleet.CUSTOMER)
    assert fleet.words().ticket(group, fleet.NOW).key == group.key
    assert group.state


def wire(raw: bytes) -> None:
    """Read an answer as it comes from the network, and go by it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(2)

        def serve() -> None:
            with server.accept()[0] as one:
                one.settimeout(2)
                one.recv(65536)
                one.sendall(raw[:200_000])

        thread = threading.Thread(target=_ignoring_resets, args=(serve,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            _http.Http("desk", url, headers={}, read=0.5, deadline=1.0, largest=100_000).get("a", dict[str, Any])
        finally:
            thread.join()


def _ignoring_resets(serve: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):  # the client has heard enough
        serve()


def mail(raw: bytes) -> None:
    """Read what a person, or a machine, answered by mail."""
    opening = email.message_from_string(
        f"{KEY}: k\n{PRIORITY}: P3\n{DUE}: 2026-12-01T12:00:00+00:00\n\n", policy=compat32
    )
    at = datetime(2026, 12, 1, tzinfo=UTC)
    answer = thread.Stored(2, at, email.message_from_bytes(raw, policy=compat32))
    state = thread.state(TicketRef("desk", "1"), [thread.Stored(1, at, opening)], [answer], "agent@client.test")
    msgspec.json.encode(state)


def imap(raw: bytes) -> None:
    """Look for answers in a mailbox whose server says one thing after another, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(2)

        def serve() -> None:
            with server.accept()[0] as one:
                one.settimeout(2)
                answers = raw[:200_000].split(b"\n---\n")
                one.sendall(b"* OK ready\r\n")
                for answer in answers:
                    line = one.recv(65536)
                    tag = line.split(b" ", 1)[0]
                    one.sendall(answer.replace(b"TAG", tag).replace(b"\n", b"\r\n") + b"\r\n")
                one.recv(65536)

        thread_ = threading.Thread(target=_ignoring_resets, args=(serve,))
        thread_.start()
        try:
            settings = MailServer(
                host="127.0.0.1",
                port=server.getsockname()[1],
                encryption="none",
                user="u",
                password="p",
                ca_file="",
                desk="desk",
            )
            with mailbox.Mailbox(settings, "Sent", "INBOX").open() as session:
                session.own(KEY, "k")
                session.answers("a@b")
        finally:
            thread_.join()


def targets() -> Iterator[Target]:
    """Yield each reader."""
    for client in SET_UP:
        yield Desk(client)
    yield Reader("relay-webhook", relayed, NotUnderstood, json=True)
    yield Reader("wire", wire, DeskError)
    yield Reader("mail", mail)
    yield Reader("imap", imap, DeskError)
