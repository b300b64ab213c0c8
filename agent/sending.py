"""One operation at the desk: its exact bytes made once, what may have been done already looked for, the rest carried out.

Nothing is decided here. A lookup compares keys exactly, and of two tickets the lowest id wins.
"""

from __future__ import annotations

import hashlib

import msgspec
import structlog

from agent.asking import close_twin, tickets_of
from agent.consent import at_least
from agent.model import Operation, QueuedOperation
from agent.outbox import Outbox
from agent.render import RenderContext, render_comment, render_ticket
from agent.routing import ticket_key
from agent.spool import FileAltered, FileFacts, Spool
from agent.store import Store
from ticketing_clients import (
    Attachment,
    Comment,
    FoundTicket,
    NotApplied,
    Rejected,
    Ticket,
    TicketGone,
    TicketingClient,
    TicketRef,
)

log = structlog.get_logger()


class NotAllowed(Exception):
    """Consent does not let it out, or not any more; the message says so."""


class Sent(msgspec.Struct, frozen=True):
    """What came of an operation. left_out: the desk can do no such thing, and nothing was done on the ticket `ref`."""

    ref: TicketRef
    left_out: bool = False


class Sender:
    """What is done at one desk. `store` and `outbox` are read, and the outbox keeps what was rendered."""

    def __init__(self, store: Store, client: TicketingClient, render: RenderContext) -> None:
        """Given the store, the desk's client, and what rendering needs."""
        self.store = store
        self.outbox = Outbox(store)
        self.spool = Spool(store.folder)
        self.client = client
        self.can = client.capabilities
        self.render = render

    # -- the bytes --------------------------------------------------------------------------------------------------

    def payload(self, queued: QueuedOperation) -> bytes:
        """Return the exact bytes of this operation: a file's, or what was rendered for it, rendering it the first time only.

        Raises Rejected when there are none that may leave, which is this operation's own trouble and no other's; NotAllowed
        when consent keeps them here.
        """
        if queued.operation.kind == "attach":
            return self._file(queued.operation)
        if queued.rendered is None:
            payload = msgspec.json.encode(self._rendered(queued.operation))
            self.outbox.rendered(queued.operation.id, payload, hashlib.sha256(payload).hexdigest())
            return payload
        if hashlib.sha256(queued.rendered).hexdigest() != queued.digest:
            raise Rejected("its rendered text does not match its hash: it was altered, and does not leave")
        return queued.rendered

    def _rendered(self, operation: Operation) -> Ticket | Comment:
        render = render_comment if operation.kind == "comment" else render_ticket
        try:
            return render(operation, self.render)
        except Exception as error:
            log.debug("rendering failed", operation=operation.id, exc_info=True)
            raise Rejected(f"it cannot be put into words: {type(error).__name__}: {error}") from error

    def _file(self, operation: Operation) -> bytes:
        try:
            facts = msgspec.convert(operation.facts, FileFacts)
            content = self.spool.get(operation.id, facts)
        except (msgspec.ValidationError, FileAltered) as error:
            raise Rejected(str(error)) from error
        if facts.needs is not None:
            level = self.render.allowed(facts.needs.rule, facts.needs.type)
            if not at_least(level, facts.needs.level):
                raise NotAllowed(
                    f"consent is `{level}` now, and {facts.name} needs `{facts.needs.level}`: it stays here"
                )
        largest = self.can.largest_attachment
        if not self.can.attach:
            raise Rejected(f"{facts.name} stays here: the desk takes no files")
        if largest is not None and len(content) > largest:
            raise Rejected(f"{facts.name} has {len(content)} bytes, and the desk takes at most {largest}")
        return content

    # -- the desk ---------------------------------------------------------------------------------------------------

    def carry_out(self, queued: QueuedOperation, payload: bytes, *, unknown: bool) -> Sent:
        """Do it at the desk; where the outcome of an earlier try is `unknown`, only what is not there yet. Raises DeskError."""
        operation = queued.operation
        if operation.kind == "open":
            return Sent(self._open(operation, msgspec.json.decode(payload, type=Ticket), unknown=unknown))
        ref = self._ticket_of(operation)
        if operation.kind == "reopen":
            return Sent(self._reopen(operation, ref, msgspec.json.decode(payload, type=Ticket), unknown=unknown))
        try:
            done = self._do_on(ref, operation, payload, unknown=unknown)
        except TicketGone:
            case = self.store.case(operation.case)
            if case is None or case.ticket_status not in {"gone", "merged"}:
                raise
            done = False  # people made it so, and the case knows: there is nobody left to tell
        return Sent(ref, left_out=not done)

    def _do_on(self, ref: TicketRef, operation: Operation, payload: bytes, *, unknown: bool) -> bool:
        """Do on the ticket what is asked for; return False, having done nothing, when the desk can do no such thing."""
        can, client = self.can, self.client
        ask_first = unknown and can.read
        match operation.kind:
            case "comment" if can.comment:
                comment = msgspec.json.decode(payload, type=Comment)
                if not comment.public and not can.internal_comment:
                    return False  # everybody would read it
                if not (ask_first and client.has_comment(ref, comment.marker)):
                    client.comment(ref, comment)
            case "attach":
                facts = msgspec.convert(operation.facts, FileFacts)
                if not (ask_first and client.has_attachment(ref, facts.name)):
                    client.attach(ref, Attachment(name=facts.name, media_type=facts.media_type, content=payload))
            case "raise_priority" if can.priority:
                client.raise_priority(ref, msgspec.json.decode(payload, type=Ticket).priority)
            case "resolve" if can.resolve:
                client.resolve(ref)
            case _:
                return False
        return True

    def _ticket_of(self, operation: Operation) -> TicketRef:
        """Return the ticket on which `operation` is done. Raises Rejected when there is none."""
        ref = self.outbox.latest_ticket(operation.case, operation.desk)
        if ref is None and not operation.copy:
            case = self.store.case(operation.case)
            ref = case.ticket if case else None
        if ref is None and operation.copy and self.can.find:  # our records were lost, and a case only knows its home
            found = tickets_of(self.client, ticket_key(operation))
            ref = self._one_of(found) if any(one.open for one in found) else None
        if ref is None:
            raise Rejected("there is no ticket to say this on: its opening was refused or dropped")
        return ref

    def _open(self, operation: Operation, ticket: Ticket, *, unknown: bool) -> TicketRef:
        """Create the ticket unless the desk already has it; adopt what is there."""
        if self.can.find:
            found = tickets_of(self.client, ticket.key)
            if any(one.open for one in found):
                return self._one_of(found)
            earlier = self.outbox.latest_ticket(operation.case, operation.desk)
            if unknown and found and (earlier is None or found[-1].ref.id != earlier.id):
                return found[-1].ref  # made by our lost request, and closed by a person since
        try:
            return self.client.open(ticket)
        except NotApplied as error:
            # The ticket is there, but not all of it is as asked: better told with a flaw than not told.
            found = tickets_of(self.client, ticket.key) if self.can.find else []
            if not any(one.open for one in found):
                raise
            log.warning("opened, but not all was taken", key=ticket.key, detail=str(error))
            return self._one_of(found)

    def _reopen(self, operation: Operation, ref: TicketRef, ticket: Ticket, *, unknown: bool) -> TicketRef:
        if self.can.reopen == "none":
            return self._open(operation, ticket, unknown=unknown)
        try:
            return self.client.reopen(ref, ticket)
        except TicketGone:
            return self._open(operation, ticket, unknown=unknown)

    def _one_of(self, found: list[FoundTicket]) -> TicketRef:
        """Of several open tickets with one key keep the first, and close the others as its duplicates."""
        first, *others = [one for one in found if one.open]
        for other in others:
            close_twin(self.client, other.ref, first.ref)
        return first.ref
