"""One operation at the desk: its exact bytes made once, what may have been done already looked for, the rest carried out.

Nothing is decided here. Consent is asked in this moment: what it does not let out any more stays. A lookup compares keys exactly,
and of two tickets the lowest id wins.
"""

from __future__ import annotations

import hashlib

import msgspec

from agent.calendar.service_levels import Dues
from agent.calendar.windows import MaintenanceWindow
from agent.consent.levels import Allowed, Level, at_least, lets_out, nothing_allowed
from agent.delivery.asking import Unlisted, create, one_of, patiently, tickets_of
from agent.delivery.outbox import Outbox
from agent.delivery.spool import FileAltered, FileFacts, Spool
from agent.following.facts import unpack
from agent.following.model import Operation, Promise, QueuedOperation
from agent.following.routing import ticket_key
from agent.logs import get_logger
from agent.store import Store
from agent.wording.context import NoNews, RenderContext
from ticketing_clients import (
    Attachment,
    Comment,
    Rejected,
    Ticket,
    TicketGone,
    TicketingClient,
    TicketRef,
)

log = get_logger()


class NotAllowed(Exception):
    """Consent does not let it out, or not any more; the message says so."""


class Sent(msgspec.Struct, frozen=True):
    """What came of an operation. left_out: the desk can do no such thing, and nothing was done on the ticket `ref`."""

    ref: TicketRef
    left_out: bool = False


class Sender:
    """What is done at one desk. `store` and `outbox` are read, and the outbox keeps what was rendered."""

    def __init__(
        self, store: Store, client: TicketingClient, render: RenderContext, allowed: Allowed = nothing_allowed
    ) -> None:
        """Given the store, the desk's client, what rendering needs, and whom to ask for consent."""
        self.store = store
        self.outbox = Outbox(store)
        self.spool = Spool(store.folder)
        self.client = client
        self.can = client.capabilities
        self.render = render
        self.allowed = allowed

    # -- the bytes --------------------------------------------------------------------------------------------------

    def payload(self, queued: QueuedOperation) -> bytes:
        """Return the exact bytes of this operation: a file's, or what was rendered for it.

        It is rendered once, and once more when consent has come to less than what it was rendered by. Raises Rejected when there
        are none that may leave, which is this operation's own trouble and no other's; NotAllowed when consent keeps them here;
        NoNews when it is about what is over.
        """
        operation = queued.operation
        if operation.kind == "attach":
            return self._file(operation)
        level = self._level(operation)
        if operation.topic == "diagnosis" and not lets_out(level, "path"):
            raise NotAllowed(f"consent is `{level}` now, and what a first look found needs `facts`: it stays here")
        if queued.rendered is None or not at_least(level, queued.level):
            payload = msgspec.json.encode(self._rendered(operation, level))
            self.outbox.rendered(operation.id, payload, hashlib.sha256(payload).hexdigest(), level)
            return payload
        if hashlib.sha256(queued.rendered).hexdigest() != queued.digest:
            raise Rejected("its rendered text does not match its hash: it was altered, and does not leave")
        return queued.rendered

    def _level(self, operation: Operation) -> Level:
        """Return what may leave with a text now. A copy is told the core: people consented for their own service desk."""
        if operation.copy:
            return "none"
        try:
            facts = unpack(operation.facts)
        except msgspec.ValidationError:
            return "none"  # there is nothing that could be rendered either, and that is told
        return self.allowed(facts.rule, facts.type)

    def _rendered(self, operation: Operation, level: Level) -> Ticket | Comment | Attachment:
        from agent.wording.render import render  # noqa: PLC0415 - most batches only look, and its templates are half of a start

        try:
            return render(operation, msgspec.structs.replace(self.render, level=level))
        except NoNews:
            raise
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
            level = self.allowed(facts.needs.rule, facts.needs.type)
            if not at_least(level, facts.needs.level):
                raise NotAllowed(
                    f"consent is `{level}` now, and {facts.name} needs `{facts.needs.level}`: it stays here"
                )
            recipients = facts.needs.recipients
            if recipients is not None and recipients != tuple(self.render.settings.bundle.recipients):
                raise NotAllowed(f"{facts.name} is not encrypted to the recipients of today: it stays here")
        largest = self.can.largest_attachment
        if not self.can.attach:
            raise Rejected(f"{facts.name} stays here: the desk takes no files")
        if largest is not None and len(content) > largest:
            raise Rejected(f"{facts.name} has {len(content)} bytes, and the desk takes at most {largest}")
        return content

    def promised(self, operation: Operation, payload: bytes, now: float) -> Promise | None:
        """Return what the ticket in `payload` says is due, for a case whose desk shows whether that is kept."""
        if operation.kind not in {"open", "reopen", "raise_priority"} or operation.copy or not self.can.read:
            return None
        from agent.wording.render import service_policy  # noqa: PLC0415 - as above

        ticket = msgspec.json.decode(payload, type=Ticket)
        times = ticket.service_times
        dues = Dues(answer=times.first_response_due.timestamp(), fix=times.fix_due.timestamp())
        return service_policy(self.render).promise(ticket.priority, now, dues)

    def told_windows(self, operation: Operation, payload: bytes) -> tuple[MaintenanceWindow, ...]:
        """Return which windows a text tells of: what people will accept by their number."""
        if operation.kind not in {"open", "comment"}:
            return ()
        opened = operation.kind == "open"
        told = msgspec.json.decode(payload, type=Ticket) if opened else msgspec.json.decode(payload, type=Comment)
        return tuple(
            MaintenanceWindow(start=one.start.timestamp(), end=one.end.timestamp(), zone=one.zone)
            for one in told.windows
        )

    # -- the desk ---------------------------------------------------------------------------------------------------

    def carry_out(self, queued: QueuedOperation, payload: bytes, *, unknown: bool) -> Sent:
        """Do it at the desk; where the outcome of an earlier try is `unknown`, only what is not there yet. Raises DeskError."""
        operation = queued.operation
        if operation.kind == "open":
            return Sent(self._open(queued, msgspec.json.decode(payload, type=Ticket), unknown=unknown))
        ref = self._ticket_of(operation)
        if operation.kind == "reopen":
            return Sent(self._reopen(queued, ref, msgspec.json.decode(payload, type=Ticket), unknown=unknown))
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
            case "calendar" if can.attach and not can.appointments:
                entry = msgspec.json.decode(payload, type=Attachment)
                if not (ask_first and client.has_attachment(ref, entry.name)):
                    client.attach(ref, entry)
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
        # Our records were lost: a case then knows its home only, and not even that once it is told in a digest.
        if ref is None and self.can.find:
            found = tickets_of(self.client, ticket_key(operation))
            ref = one_of(self.client, found) if any(one.open for one in found) else None
        if ref is None:
            raise Rejected("there is no ticket to say this on: its opening was refused or dropped")
        return ref

    def _open(self, queued: QueuedOperation, ticket: Ticket, *, unknown: bool) -> TicketRef:
        """Create the ticket unless the desk already has it; adopt what is there."""
        operation = queued.operation
        if self.can.find:
            found = tickets_of(self.client, ticket.key)
            if any(one.open for one in found):
                return one_of(self.client, found)
            earlier = self.outbox.latest_ticket(operation.case, operation.desk)
            if earlier is not None and (unlisted := self._open_but_unlisted(operation, earlier)) is not None:
                return unlisted
            if unknown and found and (earlier is None or found[-1].ref.id != earlier.id):
                return found[-1].ref  # made by our lost request, and closed by a person since
        # Once: one that is not found by its key then would be made again and again.
        return create(self.client, ticket, look_later=queued.reason != Unlisted.reason)

    def _open_but_unlisted(self, operation: Operation, earlier: TicketRef) -> TicketRef | None:
        """Return the case's last ticket if it is open, and was opened too lately for the desk's search to know of it."""
        opened_at = self.outbox.opened_at(operation.case, operation.desk)
        if not self.can.read or opened_at is None or self.render.now - opened_at >= self.can.search_lag:
            return None
        try:
            state = patiently(lambda: self.client.read(earlier))
        except TicketGone:
            return None
        return state.ref if state.open else None

    def _reopen(self, queued: QueuedOperation, ref: TicketRef, ticket: Ticket, *, unknown: bool) -> TicketRef:
        if self.can.reopen == "none":
            return self._open(queued, ticket, unknown=unknown)
        if unknown and self.can.reopen == "follow_up" and self.can.find:
            # What our lost request made goes before a ticket of somebody else's, into which people merged the earlier one since.
            made = [one.ref for one in tickets_of(self.client, ticket.key) if one.open]
            if made:
                return made[0]
        try:
            return self.client.reopen(ref, ticket)
        except TicketGone:
            return self._open(queued, ticket, unknown=unknown)
