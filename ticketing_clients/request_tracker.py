"""Request Tracker 5 over REST2.

Its ways, each seen on the real server, that shape this file:
- Unknown custom fields and values that a field does not allow are dropped with 201; a search by an unknown field finds nothing
  with 200. So the fields are looked up before the first search or ticket, and every ticket is read back.
- A change is answered with 200 and a list of sentences, "Permission Denied" among them. So every change is read back.
- A subject is cut to 200 bytes of UTF-8 without a word. Priorities as words are stored as text by some databases.
- Searches have no lag, leave deleted tickets out, and merged ones too unless EffectiveId is asked for.
- A correspondence opens a resolved ticket by itself; it can set the status back in the same request.
- `__CurrentUser__` in a search is the user of the token: that tells our own acts from people's without knowing our name.

How it is asked is in `_request_tracker.rest`; what its answers mean is here. The file is longer than most clients, because of
these ways.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Annotated, Any

import msgspec

from ticketing_clients._acts import has_mark, last_line, meant_by, said
from ticketing_clients._asking import LONGEST_MESSAGE, need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import cut, one_line, to_plain
from ticketing_clients._errors import DeskError, NotApplied, Rejected, TicketGone
from ticketing_clients._options import Bytes, CaFile, SecretName
from ticketing_clients._request_tracker.rest import Named, RequestTrackerRest, StoredTicket, quoted
from ticketing_clients._ticket import (
    WORKING,
    Act,
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Status,
    Ticket,
    TicketRef,
    TicketState,
)
from ticketing_clients._understanding import meanings, need_falling, still_open

LONGEST_SUBJECT = 200  # bytes of UTF-8: RT's schema, and it cuts without a word
LONGEST_BODY = 100_000  # code points; ours, far below RT's own MaxAttachmentSize even if each takes four bytes
SYSTEM, NOBODY = "RT_System", "Nobody"  # users of RT's own

# The statuses of RT's default lifecycle.
STATUSES: dict[Status, list[str]] = {
    "new": ["new"],
    "open": ["open"],
    "waiting": ["stalled"],
    "resolved": ["resolved"],
    "rejected": ["rejected"],
    "deleted": ["deleted"],
}
PRIORITIES: dict[Priority, int] = {"P1": 100, "P2": 80, "P3": 50, "P4": 20}

# Names go into search expressions between quotes and braces.
FieldName = Annotated[str, msgspec.Meta(pattern=r"^[^'\"{}\\]*$")]


class RequestTrackerOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its queue was set up."""

    url: Annotated[str, msgspec.Meta(description="Web address of Request Tracker, as people open it.")]
    queue: Annotated[str, msgspec.Meta(description="Name of the queue that gets the tickets.", min_length=1)]
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the user's authentication token.")
    ] = "request_tracker"  # noqa: S105 - the secret's name
    key_field: Annotated[
        FieldName, msgspec.Meta(description="Ticket custom field (one free text) for the key.", min_length=1)
    ] = "ForetellKey"
    host_field: Annotated[
        FieldName, msgspec.Meta(description="Ticket custom field (one free text) for the host's id.", min_length=1)
    ] = "Device"
    urgency_field: Annotated[
        FieldName, msgspec.Meta(description="Custom field for P1 to P4 as a word; empty when there is none.")
    ] = ""
    window_field: Annotated[
        FieldName,
        msgspec.Meta(
            description="Custom field (date and time) for the start of the best window; empty when there is none."
        ),
    ] = ""
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further fields set when a ticket is opened, such as Owner; own ones in CustomFields."
        ),
    ] = msgspec.field(default_factory=dict)
    priorities: Annotated[
        dict[Priority, int],
        msgspec.Meta(
            description="RT's numbers where they differ from P1 100, P2 80, P3 50, P4 20; higher is more urgent."
        ),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        dict[Status, Annotated[list[str], msgspec.Meta(min_length=1)]],
        msgspec.Meta(
            description="Names of the statuses that mean new, open, waiting, resolved, closed or rejected, the first being the"
            " one we set, where they differ from RT's default lifecycle."
        ),
    ] = msgspec.field(default_factory=dict)
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file, at most RT's own MaxAttachmentSize.")
    ] = 10_000_000
    ca_file: CaFile = ""


class RequestTracker:
    """One queue of a Request Tracker, as the user of a token sees it."""

    def __init__(self, options: RequestTrackerOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        self._numbers = PRIORITIES | options.priorities
        need_falling(self._numbers)
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        self._options = options
        self._desk = desk
        self._url = options.url.rstrip("/")
        self._names = STATUSES | options.statuses
        self._meanings = meanings(STATUSES, options.statuses)
        self._http = Http(
            desk,
            f"{self._url}/REST/2.0",
            headers={"Authorization": f"token {token}"},
            secrets=(token,),
            ca_file=options.ca_file,
        )
        self._rest = RequestTrackerRest(self._http, desk, options.queue, {options.key_field, options.host_field})

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            longest_title=LONGEST_SUBJECT,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._rest.need_fields()
        options, due = self._options, ticket.service_times.fix_due.astimezone(UTC)
        ours: dict[str, str] = {options.key_field: ticket.key, options.host_field: ticket.device.id}
        if options.urgency_field:
            ours[options.urgency_field] = ticket.priority
        if options.window_field and ticket.windows:
            ours[options.window_field] = f"{ticket.windows[0].start.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        content = {
            **options.fields,
            "Queue": options.queue,
            "Subject": _cut_bytes(one_line(ticket.title), LONGEST_SUBJECT),
            "Content": cut(to_plain(ticket.body), LONGEST_BODY),
            "ContentType": "text/plain",
            "Priority": self._numbers[ticket.priority],
            "Due": f"{due:%Y-%m-%dT%H:%M:%SZ}",
            "CustomFields": options.fields.get("CustomFields", {}) | ours,
        }
        if ticket.customer.contact:
            content["Requestor"] = [ticket.customer.contact]
        made = self._http.change("POST", "ticket", Named, json=content)
        created = f"desk {self._desk}: ticket {made.id} was created"
        with read_back(created):
            there = self._rest.ticket(str(made.id))
        as_asked = {
            **{f"custom field {name}": _same(there, name, value) for name, value in ours.items()},
            "priority": there.priority == content["Priority"],
            "due time": there.due == due.replace(microsecond=0),
        }
        need_all(as_asked, created, "the queue's fields do not take the value, or this user may not set it")
        return self._ref(there.id)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        return [self._found(one) for one in self._rest.search(self._options.key_field, key, "EffectiveId > 0")]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return still_open(map(self._found, self._rest.search(self._options.host_field, host, "Status = '__Active__'")))

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        found = map(self._found, self._rest.titled(name, "Status = '__Active__'"))
        return [one for one in still_open(found) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and the newest 100 things people did. Raises TicketGone."""
        there = self._rest.ticket(ref.id)
        merged = str(there.id) != ref.id
        return TicketState(
            ref=ref,
            status="merged" if merged else self._status(there.status),
            desk_status=there.status,
            priority=self._priority(there.priority),
            handler="" if there.owner.id == NOBODY else str(there.owner.id),
            due=there.due if there.due and there.due.timestamp() > 0 else None,  # RT's unset date is 1970-01-01
            resolution=f"merged into ticket {there.id}" if merged else "",
            acts=() if merged else tuple(self._acts(there.id)),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`, seen by the customer when it is public."""
        content = {
            "Content": f"{cut(to_plain(comment.body), LONGEST_BODY)}\n{last_line(comment.marker)}\n",
            "ContentType": "text/plain",
        }
        there = self._rest.ticket(ref.id)
        if comment.public and self._status(there.status) not in WORKING:
            content["Status"] = there.status  # or what we say would open the ticket again
        way = "correspond" if comment.public else "comment"
        self._http.change("POST", f"ticket/{there.id}/{way}", list[str], ticket=ref.id, json=content)
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether one of our newest 100 comments has exactly this marker."""
        number = self._rest.ticket(ref.id).id  # a comment on a merged ticket is on the one that it was merged into
        ours = self._rest.events(number, "Creator = '__CurrentUser__' AND (Type = 'Comment' OR Type = 'Correspond')")
        return any(has_mark(text, marker) for text in self._rest.texts(number, ours).values())

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present number is lower; never lower it."""
        wanted = self._numbers[priority]
        if self._own(ref).priority < wanted:
            self._set(ref, f"priority {wanted}", lambda there: there.priority >= wanted, Priority=wanted)

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to its lifecycle's resolved status, unless it is closed already."""
        if self._status(self._own(ref).status) in WORKING:
            self._set_status(ref, "resolved")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again; for a deleted or merged one open a follow-up that refers to it. Return the open one."""
        there = self._rest.ticket(ref.id)
        merged, status = str(there.id) != ref.id, self._status(there.status)
        if status == "deleted" or (merged and status not in WORKING):
            for one in self.find(ticket.key):
                if one.open:
                    return one.ref  # made by an earlier try whose outcome was unknown
            follow_up = self.open(ticket)
            with read_back(f"desk {self._desk}: ticket {follow_up.id} was created"):
                self._http.change("PUT", f"ticket/{follow_up.id}", list[str], json={"RefersTo": ref.id})
            return follow_up
        if status not in WORKING:
            self._set_status(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Link `ref` to `original` and reject it: unlike resolving, that writes no mail to the customer."""
        self._own(ref)
        self._set_status(ref, "rejected", RefersTo=original.id)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file to an internal comment, and read back that all of it is there."""
        name, size = attachment.name, len(attachment.content)
        if not name.isascii() or not name.isprintable():
            raise Rejected(f"desk {self._desk}: RT fails on a file name that is not plain ASCII")
        need_room(attachment, self._options.largest_attachment, self._desk)
        file = {
            "FileName": name,
            "FileType": attachment.media_type,
            "FileContent": base64.b64encode(attachment.content).decode(),
        }
        number = self._rest.ticket(ref.id).id  # asked first, for RT says 400 to a comment on a ticket that is not there
        self._http.change("POST", f"ticket/{number}/comment", list[str], ticket=ref.id, json={"Attachments": [file]})
        with read_back(f"desk {self._desk}: {name} was attached to ticket {ref.id}"):
            if not self.has_attachment(ref, name):
                raise NotApplied(f"desk {self._desk}: RT cut or dropped {name} ({size} bytes) on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket, whole. RT notes as events what it cut or dropped."""
        number = self._rest.ticket(ref.id).id
        condition = {"field": "Filename", "operator": "=", "value": name, "case_sensitive": 1}
        if not any(one.filename == name for one in self._rest.files(number, condition, fields="Filename")):
            return False
        spoilt = f"Data = {quoted(name)} AND (Type = 'AttachmentTruncate' OR Type = 'AttachmentDrop')"
        return not self._rest.events(number, spoilt)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, queue, rights and fields of the live desk. Changes nothing."""
        options = self._options
        checks = [Check.of("login", found=f"Request Tracker {self._rest.version()}")]
        try:
            queue = self._rest.queue()
        except DeskError as error:
            hint = f"create the queue {options.queue} and give this user SeeQueue on it"
            return [*checks, Check.of(f"queue {options.queue}", str(error), hint)]
        wrong = "" if any(link.get("ref") == "create" for link in queue.links) else "may not create tickets"
        hint = "give this user CreateTicket, ShowTicket and ModifyTicket on the queue"
        checks.append(Check.of(f"queue {options.queue}", wrong, hint))
        there = {field.name for field in queue.fields}
        hint = "apply a ticket custom field of this name to the queue, with SeeCustomField and ModifyCustomField"
        names = filter(None, (options.key_field, options.host_field, options.urgency_field, options.window_field))
        checks += [Check.of(f"custom field {one}", "" if one in there else "not seen", hint) for one in names]
        us = self._rest.made_by_us("id > 0") or "not told before its first ticket"
        return [*checks, Check.of("own user", found=us)]

    # -- asking -----------------------------------------------------------------------------------------------------

    def _own(self, ref: TicketRef) -> StoredTicket:
        """Return the ticket if it is still one of its own. What it was merged into belongs to others."""
        there = self._rest.ticket(ref.id)
        if str(there.id) != ref.id:
            raise TicketGone(f"desk {self._desk}: ticket {ref.id} was merged into ticket {there.id}")
        return there

    def _set(self, ref: TicketRef, what: str, done: Callable[[StoredTicket], bool], **values: str | int) -> None:
        """Change values of a ticket; raise NotApplied with RT's own sentences when reading back shows that it did not happen."""
        said = self._http.change("PUT", f"ticket/{numeric(ref.id)}", list[str], ticket=ref.id, json=values)
        with read_back(f"desk {self._desk}: {what} was asked for on ticket {ref.id}"):
            if not done(self._rest.ticket(ref.id)):
                answer = cut("; ".join(said) or "nothing", LONGEST_MESSAGE)
                raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take {what}; it says: {answer}")

    def _set_status(self, ref: TicketRef, status: Status, **more: str) -> None:
        name = self._names[status][0]
        self._set(ref, f"status {name}", lambda there: there.status == name, **more, Status=name)

    def _found(self, there: StoredTicket) -> FoundTicket:
        merged = there.effective_id not in {0, there.id}
        key, host = ("".join(there.values(one)[:1]) for one in (self._options.key_field, self._options.host_field))
        is_open = self._status(there.status) in WORKING and not merged
        return FoundTicket(self._ref(there.id), key, is_open, there.subject, host)

    # -- understanding ----------------------------------------------------------------------------------------------

    def _acts(self, ticket: int) -> Iterator[Act]:
        """Yield what people who are not us did on the ticket, oldest first."""
        kinds = "(Type = 'Correspond' OR Type = 'Comment' OR Type = 'Status' OR (Type = 'Set' AND Field = 'Owner'))"
        events = self._rest.events(ticket, f"Creator != '__CurrentUser__' AND {kinds}")
        events = [one for one in events if one.creator.id != SYSTEM]
        texts = self._rest.texts(ticket, (one for one in events if one.type in {"Correspond", "Comment"}))
        for event in events:
            number, by, at = str(event.id), str(event.creator.id), event.created
            match event.type:
                case "Correspond" | "Comment":
                    yield from said(number, by, at, texts.get(event.id, ""), internal=event.type == "Comment")
                case "Status" if kind := meant_by(self._status(event.old_value), self._status(event.new_value)):
                    yield Act(id=number, kind=kind, by=by, at=at)
                case "Set" if event.new_value != self._rest.id_of_nobody():
                    yield Act(id=number, kind="acknowledge", by=by, at=at)

    def _status(self, name: str) -> Status:
        """Return what a status means; one we do not know counts as open, for somebody may still be working on it."""
        return self._meanings.get(name, "open")

    def _priority(self, number: int) -> Priority:
        """Return the priority whose number is nearest, the more urgent of two equally near."""
        return min(PRIORITIES, key=lambda one: abs(self._numbers[one] - number))

    def _ref(self, number: int) -> TicketRef:
        return TicketRef(self._desk, str(number), f"{self._url}/Ticket/Display.html?id={number}")


def _same(ticket: StoredTicket, field: str, value: str) -> bool:
    """Return whether `field` holds `value`; a date and time comes back in RT's form."""
    return bool({value, value.replace(" ", "T") + "Z"} & set(ticket.values(field)))


def _cut_bytes(text: str, longest: int) -> str:
    """Return `text` in at most `longest` bytes of UTF-8, never splitting a code point."""
    if len(text.encode()) <= longest:
        return text
    return text.encode()[: longest - len("…".encode())].decode(errors="ignore") + "…"


PLUGIN = ClientPlugin(
    name="request_tracker",
    summary="Request Tracker 5 over REST2, with an authentication token.",
    options=RequestTrackerOptions,
    build=RequestTracker,
    tested="Request Tracker 5.0.3, the real server",
)
