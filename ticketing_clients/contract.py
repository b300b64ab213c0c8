"""The contract of every ticketing client, as tests to inherit: derive a class from ClientContract and say how to reach the desk.

Run it against the real desk where there is one. What a client's capabilities leave out is skipped. It needs pytest, so nothing of
the product imports this module. It is long, for it is all that a client promises.
"""

# ruff: noqa: S101 - assert is how pytest asserts

from __future__ import annotations

import socket
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Protocol, get_args

import msgspec
import pytest

from ticketing_clients._client import NamesHosts, TicketingClient
from ticketing_clients._document import Document, Heading, Paragraph
from ticketing_clients._errors import NothingSent, Rejected, TicketGone
from ticketing_clients._ticket import (
    ActKind,
    Appointment,
    Attachment,
    Comment,
    Customer,
    Device,
    Priority,
    ProposedWindow,
    ServiceTimes,
    Ticket,
    TicketRef,
)

#: what `Context.secret` answers unless told otherwise; must never come out again
PLANTED_SECRET = "planted-5f2d7c9e-secret"  # noqa: S105 - planted to be looked for
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
WORDS = "Disk full on Thursday; 磁盘将满; 😀 café <b>&amp;</b>"


class Context:
    """A ClientContext for tests: one secret, a folder, a fixed time."""

    rhythm = 900.0

    def __init__(self, state_dir: Path, secret: str = PLANTED_SECRET, now: float = NOON.timestamp()) -> None:
        self.state_dir = state_dir
        self.now = now
        self._secret = secret

    def secret(self, name: str) -> str:
        """Return the secret, whatever its name."""
        del name
        return self._secret


class Person(Protocol):
    """A person at the desk, who is not us, acting by the desk's own means."""

    def does(self, ref: TicketRef, kind: ActKind) -> None:
        """Act on the ticket so that the desk's table says `kind`."""

    def sets_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the ticket's priority."""

    def sees(self, ref: TicketRef) -> tuple[str, str]:
        """Return the ticket's title, and all that the customer may read on it."""


def new_ticket(**changes: Any) -> Ticket:
    """Return a ticket with a key and a host of its own, with `changes`."""
    host = f"host-{uuid.uuid4()}"
    ticket = Ticket(
        key=sha256(host.encode()).hexdigest(),
        rule="disk_space",
        subject="/",
        type="capacity",
        title=WORDS,
        body=Document((Heading("What will happen"), Paragraph(WORDS))),
        priority="P3",
        device=Device(id=host, name="web01"),
        customer=Customer(id="client", name="Client", contact="customer@client.test"),
        language="en",
        service_times=ServiceTimes(first_response_due=NOON, fix_due=NOON + timedelta(days=3)),
        crossing=NOON + timedelta(days=2),
        windows=(
            ProposedWindow(start=NOON, end=NOON + timedelta(hours=2), zone="Asia/Shanghai", reason="the quietest hour"),
        ),
    )
    best = ticket.windows[0]
    entry = Appointment(
        uid=f"{ticket.key}@foretell",
        sequence=0,
        status="tentative",
        start=best.start,
        end=best.end,
        zone=best.zone,
        summary=WORDS,
        description=WORDS,
    )
    return msgspec.structs.replace(ticket, **{"appointment": entry} | changes)


def comment(marker: str, text: str = WORDS, *, public: bool = False) -> Comment:
    """Return a comment of one paragraph."""
    return Comment(marker=marker, body=Document((Paragraph(text),)), public=public)


class ClientContract:
    """What every client keeps. Override the fixtures; name the class so that pytest collects it.

    acts: what people can do or say at this desk, where it has not all that there is. an_id: of the form of this desk's ids.
    tells_titles: whether a search tells the title of a ticket, by which the doctor sees cloned and re-imaged hosts.
    """

    acts: ClassVar[tuple[ActKind, ...]] = get_args(ActKind)
    an_id: ClassVar[str] = "1"
    tells_titles: ClassVar[bool] = True

    @pytest.fixture
    def build(self) -> Callable[[], TicketingClient]:
        """Return a function that builds the client for the working desk."""
        raise NotImplementedError

    @pytest.fixture
    def unreachable(self) -> TicketingClient:
        """Return a client, built with PLANTED_SECRET, of a desk that is not there; skip where there is no such thing."""
        raise NotImplementedError

    @pytest.fixture
    def person(self) -> Person:
        """Return a person at the desk."""
        raise NotImplementedError

    @pytest.fixture
    def client(self, build: Callable[[], TicketingClient]) -> TicketingClient:
        """Return the client under test."""
        return build()

    # -- building and reaching ----------------------------------------------------------------------------------------

    def test_build_never_connects(self, build: Callable[[], TicketingClient], monkeypatch: pytest.MonkeyPatch) -> None:
        """Building a client, and asking what it can do, touches no network."""

        def refuse(*_: Any) -> None:
            raise AssertionError("connected while building")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        assert build().capabilities is not None

    def test_a_working_desk_checks_well(self, client: TicketingClient) -> None:
        """The doctor's questions to a working desk are all answered well."""
        checks = client.check()
        assert checks
        assert [one for one in checks if not one.well] == []

    def test_an_unreachable_desk_was_sent_nothing_and_the_secret_stays_inside(
        self, unreachable: TicketingClient
    ) -> None:
        """Every call says NothingSent, worth trying again, and neither message nor traceback holds the secret."""
        ref, ticket = TicketRef("desk", self.an_id), new_ticket()
        calls: list[tuple[str, Callable[[], object]]] = [
            ("", unreachable.check),
            ("", lambda: unreachable.open(ticket)),
            ("find", lambda: unreachable.find(ticket.key)),
            ("list_open", lambda: unreachable.list_open(ticket.device.id)),
            ("read", lambda: unreachable.read(ref)),
            ("comment", lambda: unreachable.comment(ref, comment("m"))),
            ("resolve", lambda: unreachable.resolve(ref)),
            ("priority", lambda: unreachable.raise_priority(ref, "P1")),
            (
                "attach",
                lambda: unreachable.attach(ref, Attachment(name="a.txt", media_type="text/plain", content=b"a")),
            ),
        ]
        for needed, call in calls:
            if needed and not getattr(unreachable.capabilities, needed):
                continue
            with pytest.raises(NothingSent) as caught:
                call()
            assert caught.value.retry
            told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
            assert PLANTED_SECRET not in told

    # -- opening and finding ------------------------------------------------------------------------------------------

    def test_what_was_opened_is_found_by_exactly_its_key(self, client: TicketingClient) -> None:
        """A new ticket is open and found by its key, and not by a part of it or by another."""
        _needs(client, "find")
        ticket = new_ticket()
        ref = client.open(ticket)
        assert [(one.ref, one.key, one.open) for one in client.find(ticket.key)] == [(ref, ticket.key, True)]
        assert client.find(ticket.key[:-1]) == []
        assert client.find(new_ticket().key) == []

    def test_the_state_is_as_asked(self, client: TicketingClient) -> None:
        """Priority and due time read back as they were sent; nobody has acted yet."""
        _needs(client, "read")
        ticket = new_ticket()
        state = client.read(client.open(ticket))
        assert state.open
        assert state.priority == ticket.priority
        due = ticket.service_times.fix_due
        held = {"time": due, "day": datetime.combine(due, time(), UTC), "none": None}
        assert state.due == held[client.capabilities.due]
        assert (state.handler, state.acts) == ("", ())

    def test_unicode_survives(self, client: TicketingClient, person: Person) -> None:
        """Chinese, four-byte letters and markup in title and body reach the reader letter by letter."""
        title, text = person.sees(client.open(new_ticket()))
        assert title == WORDS
        assert WORDS in text

    def test_long_text_is_cut_by_code_points(self, client: TicketingClient, person: Person) -> None:
        """A title and a body beyond the desk's limits are cut between letters, and say that they were cut."""
        title = "磁😀" * 400
        ticket = new_ticket(title=title, body=Document((Paragraph("磁😀" * 80_000),)))
        seen_title, seen_text = person.sees(client.open(ticket))
        can = client.capabilities
        for seen, whole, longest in (
            (seen_title, title, can.longest_title),
            (seen_text.strip(), "磁😀" * 80_000, can.longest_body),
        ):
            if longest is None:
                assert seen == whole
            else:
                assert len(seen) <= longest
                assert seen.endswith("…")
                assert whole.startswith(seen.removesuffix("…"))

    def test_the_same_key_twice_is_found_lowest_first_and_one_can_be_closed(self, client: TicketingClient) -> None:
        """Of two tickets with one key the older comes first; closing the other as duplicate leaves one open.

        A desk that knows the second for the first again has one.
        """
        _needs(client, "find")
        ticket = new_ticket()
        first, second = client.open(ticket), client.open(ticket)
        if first == second:
            assert [one.ref for one in client.find(ticket.key)] == [first]
            return
        assert [one.ref for one in client.find(ticket.key)] == [first, second]
        client.close_duplicate(second, first)
        assert [one.ref for one in client.find(ticket.key) if one.open] == [first]
        client.close_duplicate(second, first)  # as after an unknown outcome
        assert client.read(first).open

    def test_open_tickets_of_a_host_leave_out_other_hosts_and_closed_ones(self, client: TicketingClient) -> None:
        """A rebuild sees exactly what is open for this host."""
        _needs(client, "list_open")
        ticket = new_ticket()
        other_host = new_ticket(device=Device(id=ticket.device.id + "0", name="web010"))
        client.open(other_host)
        closed = new_ticket(device=ticket.device)
        client.resolve(client.open(closed))
        ref = client.open(ticket)
        (found,) = client.list_open(ticket.device.id)
        assert (found.ref, found.key, found.open) == (ref, ticket.key, True)
        assert found.title == (ticket.title if self.tells_titles else "")

    def test_a_host_id_with_quotes_is_only_a_name(self, client: TicketingClient) -> None:
        """A host id cannot break out of the search that holds it."""
        _needs(client, "list_open")
        device = Device(id=f"it's \\ \"{uuid.uuid4()}' OR id > 0 --", name="odd")
        ref = client.open(new_ticket(device=device))
        assert [one.ref for one in client.list_open(device.id)] == [ref]
        assert client.list_open(device.id.split(" OR ")[0]) == []

    def test_a_search_by_a_hosts_name_tells_whose_tickets_they_are(self, client: TicketingClient) -> None:
        """Open tickets of every host that is called so, each with its host's marker, and of no host that is only called alike."""
        if not isinstance(client, NamesHosts):
            pytest.skip("the desk cannot be searched by a host's name")
        name = f"web-{uuid.uuid4().hex[:12]}"
        about = f"The disk / of {name} is full"
        one, clone = new_ticket(title=about), new_ticket(title=about.replace(name, name.upper()))
        client.open(new_ticket(title=about.replace(name, f"{name}0")))
        client.resolve(client.open(new_ticket(title=about)))
        refs = [client.open(ticket) for ticket in (one, clone)]
        found = client.list_named(name)
        assert [(ticket.ref, ticket.host) for ticket in found] == list(
            zip(refs, (one.device.id, clone.device.id), strict=True)
        )
        assert all(ticket.names(name) for ticket in client.list_open(one.device.id))

    # -- changing -----------------------------------------------------------------------------------------------------

    def test_a_comment_is_found_by_exactly_its_marker(self, client: TicketingClient) -> None:
        """A marker is found after its comment was made, and only whole."""
        _needs(client, "comment", "read")
        ref = client.open(new_ticket())
        assert not client.has_comment(ref, "case-1:recovered")
        client.comment(ref, comment("case-1:recovered"))
        assert client.has_comment(ref, "case-1:recovered")
        assert not client.has_comment(ref, "case-1:recover")
        assert not client.has_comment(ref, "1:recovered")

    def test_the_customer_sees_public_comments_only(self, client: TicketingClient, person: Person) -> None:
        """An internal comment stays with the engineers."""
        _needs(client, "comment", "internal_comment")
        ref = client.open(new_ticket())
        client.comment(ref, comment("a", "for the customer 你好", public=True))
        client.comment(ref, comment("b", "for the engineer only"))
        _, seen = person.sees(ref)
        assert "for the customer 你好" in seen
        assert "for the engineer only" not in seen

    def test_a_comment_leaves_a_closed_ticket_closed(self, client: TicketingClient) -> None:
        """Saying something, even to the customer, does not open a resolved ticket."""
        _needs(client, "comment", "resolve", "read")
        ref = client.open(new_ticket())
        client.resolve(ref)
        client.comment(ref, comment("a", public=True))
        client.comment(ref, comment("b"))
        assert not client.read(ref).open

    def test_priority_only_rises(self, client: TicketingClient) -> None:
        """A higher priority is set, a lower one is not."""
        _needs(client, "priority", "read")
        ref = client.open(new_ticket(priority="P3"))
        client.raise_priority(ref, "P2")
        assert client.read(ref).priority == "P2"
        client.raise_priority(ref, "P4")
        assert client.read(ref).priority == "P2"

    def test_what_a_person_raised_is_never_lowered(self, client: TicketingClient, person: Person) -> None:
        """A person's P1 stays when the agent would be content with P2."""
        _needs(client, "priority", "read")
        ref = client.open(new_ticket(priority="P4"))
        person.sets_priority(ref, "P1")
        client.raise_priority(ref, "P2")
        assert client.read(ref).priority == "P1"

    def test_a_resolved_ticket_opens_again(self, client: TicketingClient) -> None:
        """Resolve, then reopen by the desk's rule: exactly one ticket of the key is open, and it is the one returned."""
        _needs(client, "resolve", "find")
        ticket = new_ticket()
        ref = client.open(ticket)
        client.resolve(ref)
        client.resolve(ref)  # as after an unknown outcome
        assert not client.capabilities.read or client.read(ref).status in {"resolved", "closed"}
        if client.capabilities.reopen == "none":
            return
        again = client.reopen(ref, ticket)
        assert (again == ref) == (client.capabilities.reopen == "reopen")
        assert [one.ref for one in client.find(ticket.key) if one.open] == [again]
        assert client.reopen(again, ticket) == again  # as after an unknown outcome

    def test_a_file_is_attached_and_found_by_its_name(self, client: TicketingClient) -> None:
        """An attachment is there afterwards, under exactly its name."""
        _needs(client, "attach", "read")
        ref = client.open(new_ticket())
        assert not client.has_attachment(ref, "evidence.tar.gz")
        content = b"\x1f\x8b\x00" + bytes(range(256)) * 40
        client.attach(ref, Attachment(name="evidence.tar.gz", media_type="application/gzip", content=content))
        assert client.has_attachment(ref, "evidence.tar.gz")
        assert not client.has_attachment(ref, "evidence.tar")

    def test_too_large_a_file_is_refused_and_the_ticket_stays(self, client: TicketingClient) -> None:
        """What is beyond the desk's limit is Rejected; the ticket is as it was."""
        _needs(client, "attach", "read")
        largest = client.capabilities.largest_attachment
        if largest is None:
            pytest.skip("only the live desk knows its limit")
        ref = client.open(new_ticket())
        with pytest.raises(Rejected):
            client.attach(
                ref, Attachment(name="a.bin", media_type="application/octet-stream", content=b"x" * (largest + 1))
            )
        assert client.read(ref).open

    def test_a_ticket_that_is_not_there_is_gone(self, client: TicketingClient) -> None:
        """Whatever is asked of a ticket that does not exist, the answer is TicketGone, and nothing is made instead."""
        _needs(client, "read")
        for ref in (TicketRef("desk", "999999"), TicketRef("desk", "no such id")):
            calls: list[tuple[str, Callable[[TicketRef], object]]] = [
                ("read", client.read),
                ("comment", lambda ref: client.comment(ref, comment("m"))),
                ("priority", lambda ref: client.raise_priority(ref, "P1")),
                ("resolve", client.resolve),
                (
                    "attach",
                    lambda ref: client.attach(ref, Attachment(name="a", media_type="text/plain", content=b"a")),
                ),
            ]
            for needed, call in calls:
                if getattr(client.capabilities, needed):
                    with pytest.raises(TicketGone):
                        call(ref)

    # -- people -------------------------------------------------------------------------------------------------------

    def test_our_own_changes_are_not_acts_of_people(self, client: TicketingClient) -> None:
        """What we say and set does not come back as something a person did."""
        _needs(client, "read", "comment", "resolve")
        ticket = new_ticket()
        ref = client.open(ticket)
        client.comment(ref, comment("a", "foretell: confirm", public=True))
        if client.capabilities.priority:
            client.raise_priority(ref, "P1")
        client.resolve(ref)
        if client.capabilities.reopen == "reopen":
            client.reopen(ref, ticket)
        assert client.read(ref).acts == ()

    @pytest.mark.parametrize(
        "kind", ["reply", "acknowledge", "confirm", "accept_window", "defer", "wont_fix", "resolve"]
    )
    def test_an_act_of_a_person_is_seen_once(self, client: TicketingClient, person: Person, kind: ActKind) -> None:
        """Each thing that counts at a desk is read as what it means, by whom, with an id that stays."""
        _needs(client, "read")
        if kind not in self.acts:
            pytest.skip(f"nobody can say {kind} at this desk")
        ref = client.open(new_ticket())
        person.does(ref, kind)
        (act,) = client.read(ref).acts
        assert act.kind == kind
        assert act.by
        assert (act.option is not None) == (kind == "accept_window")
        assert client.read(ref).acts == (act,)

    def test_acts_come_in_their_order(self, client: TicketingClient, person: Person) -> None:
        """Acknowledged, answered, resolved, opened again: told in this order, each with its own id."""
        _needs(client, "read")
        ref = client.open(new_ticket())
        kinds = tuple(kind for kind in ("acknowledge", "reply", "resolve", "reopen") if kind in self.acts)
        for kind in kinds:
            person.does(ref, kind)
        state = client.read(ref)
        assert tuple(act.kind for act in state.acts) == kinds
        assert len({act.id for act in state.acts}) == len(kinds)
        assert state.open


def _needs(client: TicketingClient, *capabilities: str) -> None:
    """Skip what the desk says that it cannot do."""
    for name in capabilities:
        if not getattr(client.capabilities, name):
            pytest.skip(f"the desk has no {name}")
