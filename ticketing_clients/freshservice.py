"""Freshservice over its REST interface, version 2. Written from its documentation, not run against a real service.

What shapes this file:
- The filter looks into labels but not into text fields, and is an index whose lag is not documented. So key and host are in text
  fields that an administrator makes, with a label of each for the filter; the list of the newest tickets is read as well.
- Who we are is not told by the interface, so the agent's id is configured, and compared with the author of each note.
- Labels are replaced as a whole when they are set, so they are set once, when a ticket is opened.
- There is no link between tickets: a private note names a duplicate's original.
- A ticket is not found by its title, so two hosts of one name are not told apart.
- A file goes into a private note; on the ticket itself the requester would see it.
- What people did is told in words of the account's language ("set Status as Pending"). In other words than English a change of
  status is seen as the ticket's state, but is nobody's act.
- A matrix of impact and urgency, or a rule, may set another priority than asked for: read back.

How it is asked is in `_freshservice.rest`. The file is longer than most clients for its many options, and because nothing is
taken as done.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from ticketing_clients._acts import meant_by, plain_of_html, said
from ticketing_clients._articles import LONGEST_BODY, article, has_mark, marked
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import Document, Paragraph, cut, one_line
from ticketing_clients._errors import NotApplied, NotAuthorised, Rejected, TicketGone
from ticketing_clients._freshservice.rest import Activity, Agent, FreshserviceRest, Note, One, Row, tag
from ticketing_clients._options import AttributeName, Bytes, CaFile, Id, SecretName, StatusIds
from ticketing_clients._ticket import (
    WORKING,
    Act,
    ActKind,
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Status,
    Ticket,
    TicketRef,
    TicketState,
)
from ticketing_clients._understanding import absent, meanings, most_urgent, need_falling, still_open

LONGEST_TITLE = 255  # code points
TIME = "%Y-%m-%dT%H:%M:%SZ"
SYSTEM = "System"  # who acts for the desk itself: rules and timers
KEY_LABEL, HOST_LABEL = "fk", "fh"
# Fields of the form that every ticket of ours has, by their names there.
GIVEN = frozenset({"workspace_id", "requester", "subject", "source", "status", "priority", "description"})
STATUSES: dict[Status, list[int]] = {"open": [2], "waiting": [3], "resolved": [4], "closed": [5]}
PRIORITIES: dict[Priority, int] = {"P1": 4, "P2": 3, "P3": 2, "P4": 1}


class FreshserviceOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its tickets were set up."""

    url: Annotated[
        str, msgspec.Meta(description="https://ACCOUNT.freshservice.com; an address of your own does not do.")
    ]
    agent: Annotated[Id, msgspec.Meta(description="Id of the agent whose API key is used, as in its page's address.")]
    requester: Annotated[
        str,
        msgspec.Meta(description="E-mail address in whose name tickets are opened that have no contact.", min_length=3),
    ]
    key_field: Annotated[
        AttributeName,
        msgspec.Meta(description="Ticket field (single line of text) for the key, by its name in the interface."),
    ] = "foretell_key"
    host_field: Annotated[
        AttributeName, msgspec.Meta(description="Ticket field (single line of text) for the host's id.")
    ] = "foretell_host"
    workspace: Annotated[
        Id | None, msgspec.Meta(description="Id of the workspace that gets the tickets; the primary one when left out.")
    ] = None
    group: Annotated[
        Id | None, msgspec.Meta(description="Id of the agent group that gets the tickets, if one does.")
    ] = None
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the agent's API key.")
    ] = "freshservice"  # noqa: S105 - the secret's name
    priorities: Annotated[
        dict[Priority, Annotated[int, msgspec.Meta(ge=1, le=4)]],
        msgspec.Meta(description="Priorities (1 low to 4 urgent) where they differ from P1 4, P2 3, P3 2, P4 1."),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        StatusIds,
        msgspec.Meta(
            description="Ids of the statuses that mean open, waiting, resolved, closed or rejected, the first being the one"
            " we set, where they differ from Freshservice's own."
        ),
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further fields set when a ticket is opened; own ones in custom_fields."),
    ] = msgspec.field(default_factory=dict)
    resolve_fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further fields set when a ticket is resolved or closed, where they are required."),
    ] = msgspec.field(default_factory=dict)
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file; all files of a ticket may have 15 MB together.")
    ] = 10 * 1024 * 1024
    ca_file: CaFile = ""


class Freshservice:
    """One workspace of a Freshservice account, as an agent with an API key sees it."""

    def __init__(self, options: FreshserviceOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http, basic  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        login = basic(token, "X")
        self._options = options
        self._desk = desk
        self._now = context.now
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        need_falling(self._priorities)
        self._ids = STATUSES | options.statuses
        self._meanings = meanings(STATUSES, options.statuses)
        secrets = (token, login.removeprefix("Basic "))
        self._http = Http(
            desk, f"{self._url}/api/v2", headers={"Authorization": login}, secrets=secrets, ca_file=options.ca_file
        )
        self._rest = FreshserviceRest(self._http, options.workspace)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            longest_title=LONGEST_TITLE,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        options, priority, times = self._options, self._priorities[ticket.priority], ticket.service_times
        ours = {options.key_field: ticket.key, options.host_field: ticket.device.id}
        labels = [*ticket.labels, tag(KEY_LABEL, ticket.key), tag(HOST_LABEL, ticket.device.id)]
        content = {
            **options.fields,
            "subject": cut(one_line(ticket.title), LONGEST_TITLE),
            "description": article(ticket.body),
            "email": ticket.customer.contact or options.requester,
            "priority": priority,
            "status": self._ids["open"][0],
            "source": options.fields.get("source", 2),
            "tags": labels,
            "custom_fields": {**options.fields.get("custom_fields", {}), **ours},
        }
        due = times.fix_due.astimezone(UTC).replace(microsecond=0)
        soon = datetime.fromtimestamp(self._now, UTC) + timedelta(minutes=1)
        if due > soon:  # a time that has passed is refused
            first = min(max(times.first_response_due, soon), due).astimezone(UTC)
            content |= {"due_by": due.strftime(TIME), "fr_due_by": first.strftime(TIME)}
        content |= {"workspace_id": options.workspace} if options.workspace else {}
        content |= {"group_id": options.group} if options.group else {}
        made = self._http.change("POST", "tickets", One, json=content).ticket.id
        created = f"desk {self._desk}: ticket {made} was created"
        with read_back(created):
            there = self._rest.ticket(str(made))
        as_asked = {
            "priority": there.priority == priority,
            "due time": "due_by" not in content or there.due_by == due,
            "group": options.group in {None, there.group_id},
            **{name: there.custom_fields.get(name) == value for name, value in ours.items()},
        }
        need_all(as_asked, created, "a rule or a matrix of the desk changed it")
        return self._ref(there)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first. One in the trash is not found."""
        return [self._found(one) for one in self._rest.search(KEY_LABEL, self._options.key_field, key)]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return still_open(map(self._found, self._rest.search(HOST_LABEL, self._options.host_field, host)))

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.ticket(ref.id)
        form, handler = self._rest.form(), there.responder_id
        agents = {number: name for name, number in form["agent"].named().items()}
        statuses = {number: name for name, number in form["status"].named().items()}
        activities = self._rest.activities(ref.id)
        names = agents | {one.actor.id: one.actor.name for one in activities if one.actor.id}
        acts = [*self._changes(activities), *self._said(ref, names)]
        return TicketState(
            ref=ref,
            status=self._status(there),
            desk_status=statuses.get(there.status, str(there.status)),
            priority=most_urgent(self._priorities, not_above=range(there.priority + 1)),
            handler=names.get(handler, f"agent {handler}") if handler else "",
            due=there.due_by.astimezone(UTC) if there.due_by else None,
            acts=tuple(sorted(acts, key=operator.attrgetter("at"))),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment` as a note, a private one unless it is public."""
        self._write(ref, comment.marker, json={"body": marked(comment), "private": not comment.public})

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a note of ours has exactly this marker."""
        notes = self._rest.notes(ref.id)
        return any(one.user_id == self._options.agent and has_mark(one.body, marker) for one in notes)

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower; never lower it."""
        wanted = self._priorities[priority]
        if self._rest.ticket(ref.id).priority < wanted:
            self._set(ref, f"priority {wanted}", lambda there: there.priority >= wanted, priority=wanted)

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to the resolved status, with the fields that are required for it, unless it is closed already."""
        if self._status(self._rest.ticket(ref.id)) in WORKING:
            self._set_status(ref, "resolved", **self._options.resolve_fields)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it. Raises TicketGone for one in the trash."""
        del ticket  # a deleted one is told as gone, and whoever asked decides
        status = self._status(self._rest.ticket(ref.id))
        if status == "deleted":
            raise TicketGone(f"desk {self._desk}: ticket {ref.id} is in the trash, or marked as spam")
        if status not in WORKING:
            self._set_status(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Name `original` in a private note on `ref`, and close `ref`."""
        marker = f"duplicate-of-{numeric(original.id)}"
        if not self.has_comment(ref, marker):
            body = Document((Paragraph(f"Duplicate of #INC-{original.id} {original.url}"),))
            self.comment(ref, Comment(marker=marker, body=body))
        if self._status(self._rest.ticket(ref.id)) in WORKING:
            self._set_status(ref, "closed", **self._options.resolve_fields)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file in a private note. Raises Rejected when it is too large for us or for the desk."""
        name, size = attachment.name, len(attachment.content)
        need_room(attachment, self._options.largest_attachment, self._desk)
        note = self._write(
            ref,
            "",
            data={"body": name, "private": "true"},
            files={"attachments[]": (name, attachment.content, attachment.media_type)},
        )
        if not any((one.name, one.size) == (name, size) for one in note.attachments):
            raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is in a note on the ticket."""
        return any(file.name == name for one in self._rest.notes(ref.id) for file in one.attachments)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at the agent, the form's fields, required fields and statuses of the live desk. Changes nothing."""
        options, form = self._options, self._rest.form()
        if not self._rest.form_is_shown:
            hint = "let this agent's role see ticket fields; until then statuses of your own are nobody's acts"
            return [self._check_agent(), Check.of("ticket form", "may not be seen", hint)]
        checks = [self._check_agent()]
        for name in (options.key_field, options.host_field):
            found = "" if name in form else "not in the ticket form"
            checks.append(Check.of(f"field {name}", found, "make it a single line of text, under Admin, Field Manager"))
        given = {
            *GIVEN,
            options.key_field,
            options.host_field,
            *options.fields,
            *options.fields.get("custom_fields", {}),
        }
        given |= {"group"} if options.group else set()
        lacking = [one.name for one in form.values() if one.required_for_agents and one.name not in given]
        checks.append(Check.of("required fields", ", ".join(lacking), "set them in fields"))
        given |= {*options.resolve_fields, *options.resolve_fields.get("custom_fields", {})}
        lacking = [one.name for one in form.values() if one.required_for_closure and one.name not in given]
        checks.append(Check.of("fields to resolve", ", ".join(lacking), "set them in resolve_fields"))
        unknown = absent(self._ids, set(form["status"].named().values()))
        return [*checks, Check.of("statuses", unknown, "set their ids in statuses")]

    def _check_agent(self) -> Check:
        number = self._options.agent
        try:
            found = "" if self._http.part(f"agents/{number}", "agent", Agent).active else "not active"
        except (NotAuthorised, Rejected) as error:
            found = str(error)
        return Check.of(f"agent {number}", found, "write the id of the key's agent, and let its role see agents")

    # -- asking -----------------------------------------------------------------------------------------------------

    def _write(self, ref: TicketRef, marker: str, **content: Any) -> Note:
        """Write a note and return it as it is there; with the first one it is seen whether the configured agent is us."""
        self._rest.ticket(ref.id)  # asked first: 403 to a change does not tell one ticket's refusal from the desk's
        asked = content.get("json", {"private": True})["private"]
        made = self._rest.write(ref.id, **content)
        with read_back(f"desk {self._desk}: note {made.id} on ticket {ref.id} was written"):
            there = next((one for one in self._rest.notes(ref.id) if one.id == made.id), None)
        if there is None or there.private != asked or not (not marker or has_mark(there.body, marker)):
            raise NotApplied(f"desk {self._desk}: the note is not on ticket {ref.id} as it was asked for")
        if there.user_id != self._options.agent:
            raise NotApplied(f"desk {self._desk}: the key is that of agent {there.user_id}, not {self._options.agent}")
        return there

    def _set(self, ref: TicketRef, what: str, done: Callable[[Row], bool], **values: Any) -> None:
        self._http.change("PUT", f"tickets/{numeric(ref.id)}", One, ticket=ref.id, json=values)
        with read_back(f"desk {self._desk}: {what} was asked for on ticket {ref.id}"):
            if not done(self._rest.ticket(ref.id)):
                raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take {what}")

    def _set_status(self, ref: TicketRef, status: Status, **more: Any) -> None:
        wanted = self._ids[status][0]
        self._set(ref, f"status {wanted} ({status})", lambda there: there.status == wanted, **more, status=wanted)

    # -- understanding ----------------------------------------------------------------------------------------------

    def _changes(self, activities: list[Activity]) -> Iterator[Act]:
        """Yield what people did by setting the ticket's status or agent."""
        form = self._rest.form()
        known, status = form["status"].named(), self._ids["open"][0]
        for one in activities:
            for part, (label, value) in enumerate(one.sets()):
                kind: ActKind | None = None
                if label in {"Status", form["status"].label} and value in known:
                    before, status = status, known[value]
                    kind = meant_by(self._meaning(before), self._meaning(status)) if before != status else None
                elif label in {"Agent", form["agent"].label}:
                    kind = "acknowledge"
                by, at = one.actor, one.created_at.astimezone(UTC)
                if kind and by.id not in {None, self._options.agent} and by.name != SYSTEM:
                    # They have no ids of their own, and how many of them are told is not documented.
                    yield Act(id=f"a{at:%Y%m%d%H%M%S}.{by.id}.{part}", kind=kind, by=by.name or f"user {by.id}", at=at)

    def _said(self, ref: TicketRef, names: dict[int, str]) -> Iterator[Act]:
        for one in self._rest.notes(ref.id):
            text = plain_of_html(one.body or "")
            if one.user_id == self._options.agent or not text:
                continue
            by = names.get(one.user_id) or f"user {one.user_id}"
            yield from said(f"n{one.id}", by, one.created_at, text, internal=one.private)

    def _status(self, there: Row) -> Status:
        return "deleted" if there.deleted or there.spam else self._meaning(there.status)

    def _meaning(self, status: int) -> Status:
        """Return what a status means; one that is not configured is somebody's at work."""
        return self._meanings.get(status, "open")

    def _found(self, there: Row) -> FoundTicket:
        key, host = (there.custom_fields.get(one) or "" for one in (self._options.key_field, self._options.host_field))
        return FoundTicket(self._ref(there), key, self._status(there) in WORKING, there.subject, host)

    def _ref(self, there: Row) -> TicketRef:
        return TicketRef(self._desk, str(there.id), f"{self._url}/a/tickets/{there.id}")


PLUGIN = ClientPlugin(
    name="freshservice",
    summary="Freshservice over its REST interface, version 2, with an agent's API key.",
    options=FreshserviceOptions,
    build=Freshservice,
    tested="a stateful stand-in that behaves as documented; not run against a real service",
    requests_per_minute=100,  # of Freshservice's smallest plan
)
