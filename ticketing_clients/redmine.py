"""Redmine 5 over its REST interface.

Its ways, each seen on the real server, that shape this file:
- Whatever may not be set is dropped with 201 or 204: an unknown custom field, a status that the workflow forbids, the priority of
  an issue with subtasks, a description that the tracker does not use. So every change is read back.
- A note asked to be private becomes public where the user may not set it private. So that right is looked up first.
- A due date has no time, and must not be before the start date, which is today unless it is given.
- What answers with success has an empty body; 401, 403 and 404 have one too.
- Its status "Resolved" is not a closed one. A deleted issue is gone for good.

How it is asked is in `_redmine.rest`, what its answers mean is here. The file is longer than most clients, because nothing that
Redmine is asked for may be taken as done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from ticketing_clients._acts import has_mark, last_line, lines_of, meant_by, said
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import Document, cut, one_line, shorten
from ticketing_clients._errors import DeskError, NotApplied, NotAuthorised, Rejected
from ticketing_clients._markup.markdown import to_markdown
from ticketing_clients._markup.textile import to_textile
from ticketing_clients._options import Bytes, CaFile, Id, SecretName, StatusIds
from ticketing_clients._redmine.answers import Answer, Issue, Journal, Upload
from ticketing_clients._redmine.rest import RedmineRest
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
from ticketing_clients._understanding import absent, first_moment, meanings, most_urgent, still_open

LONGEST_SUBJECT = 255  # code points; Redmine refuses more
LONGEST_BODY = 60_000  # code points; ours, for Redmine takes megabytes and then shows them slowly
INCLUDED = "attachments,relations,allowed_statuses"
# The ids that Redmine's own default data gets, in which Resolved is 3, Feedback 4 and so on.
STATUSES: dict[Status, list[int]] = {
    "new": [1],
    "open": [2],
    "waiting": [4],
    "resolved": [3],
    "closed": [5],
    "rejected": [6],
}
PRIORITIES: dict[Priority, int] = {"P1": 4, "P2": 3, "P3": 2, "P4": 1}


class RedmineOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its project was set up."""

    url: Annotated[str, msgspec.Meta(description="Web address of Redmine, as people open it.")]
    project: Annotated[
        str,
        msgspec.Meta(description="Identifier of the project that gets the tickets, as in its address.", min_length=1),
    ]
    tracker: Annotated[Id, msgspec.Meta(description="Id of the tracker for the tickets.")]
    key_field: Annotated[
        Id, msgspec.Meta(description="Id of the custom field (text, used as a filter) for the key; see its address.")
    ]
    host_field: Annotated[
        Id, msgspec.Meta(description="Id of the custom field (text, used as a filter) for the host's id.")
    ]
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the user's API access key.")
    ] = "redmine"  # noqa: S105 - the secret's name
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further fields set when a ticket is opened, such as category_id; own ones in custom_fields, with id and"
            " value."
        ),
    ] = msgspec.field(default_factory=dict)
    priorities: Annotated[
        dict[Priority, Id],
        msgspec.Meta(description="Ids of priorities where they differ from P1 4, P2 3, P3 2, P4 1."),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        StatusIds,
        msgspec.Meta(
            description="Ids of the statuses that mean new, open, waiting, resolved, closed or rejected, the first being the one"
            " we set, where they differ from Redmine's default data."
        ),
    ] = msgspec.field(default_factory=dict)
    text_formatting: Annotated[
        Literal["textile", "common_mark"],
        msgspec.Meta(description="What the desk's setting of this name says; common_mark for Markdown too."),
    ] = "textile"
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file, at most the desk's own maximum.")
    ] = 5 * 1024 * 1024
    ca_file: CaFile = ""


class Redmine:
    """One project of a Redmine, as the user of an API access key sees it."""

    def __init__(self, options: RedmineOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        key = context.secret(options.token_secret).strip()
        self._options = options
        self._desk = desk
        self._now = context.now
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        self._ids = STATUSES | options.statuses
        self._meanings = meanings(STATUSES, options.statuses)
        self._http = Http(desk, self._url, headers={"X-Redmine-API-Key": key}, secrets=(key,), ca_file=options.ca_file)
        self._rest = RedmineRest(self._http, desk, options.project, (options.key_field, options.host_field))

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            due="day",
            longest_title=LONGEST_SUBJECT,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._rest.need_fields()
        options, due = self._options, ticket.service_times.fix_due.astimezone(UTC).date()
        text, priority = self._text(ticket.body), self._priorities[ticket.priority]
        fields = {options.key_field: ticket.key, options.host_field: ticket.device.id}
        ours = [{"id": field, "value": value} for field, value in fields.items()]
        content = {
            **options.fields,
            "project_id": options.project,
            "tracker_id": options.tracker,
            "subject": cut(one_line(ticket.title), LONGEST_SUBJECT),
            "description": text,
            "priority_id": priority,
            "start_date": min(due, datetime.fromtimestamp(self._now, UTC).date()).isoformat(),
            "due_date": due.isoformat(),
            "custom_fields": [*options.fields.get("custom_fields", []), *ours],
        }
        made = self._http.change("POST", "issues.json", Answer, json={"issue": content}).issue
        created = f"desk {self._desk}: ticket {made.id} was created"
        with read_back(created):
            there = self._rest.issue(str(made.id))
        as_asked = {
            "tracker": there.tracker.id == options.tracker,
            "description": lines_of(there.description) == lines_of(text),
            "priority": there.priority.id == priority,
            "due date": there.due_date == due,
            **{f"custom field {field}": there.value(field) == value for field, value in fields.items()},
        }
        need_all(as_asked, created, "the tracker does not have it, or this user may not set it")
        return self._ref(there.id)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        return [self._found(one) for one in self._rest.search(self._options.key_field, key)]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return still_open(map(self._found, self._rest.search(self._options.host_field, host, only_open=True)))

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        return [one for one in still_open(map(self._found, self._rest.titled(name))) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.issue(ref.id, "journals")
        return TicketState(
            ref=ref,
            status=self._status(there.status.id),
            desk_status=there.status.name,
            priority=self._priority(there.priority.id),
            handler=there.assigned_to.name if there.assigned_to else "",
            due=first_moment(there.due_date),
            acts=tuple(act for one in there.journals if one.user.id != self._rest.us().id for act in self._acts(one)),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment` as a note, a private one unless it is public. Raises NotAuthorised where it could not be private."""
        if not comment.public and "set_notes_private" in self._rest.lacking():
            raise NotAuthorised(
                f"desk {self._desk}: this user may not set notes private, so no internal comment is made"
            )
        notes = f"{self._text(comment.body)}\n\n{last_line(comment.marker)}"
        self._rest.issue(ref.id)  # asked first: 403 to a change does not tell one ticket's refusal from the desk's
        self._put(ref, notes=notes, private_notes=not comment.public)
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a note of ours has exactly this marker."""
        us = self._rest.us().id
        notes = [one.notes or "" for one in self._rest.issue(ref.id, "journals").journals if one.user.id == us]
        return any(has_mark(text, marker) for text in notes)

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower in the desk's order; never lower it."""
        wanted, order = self._priorities[priority], self._rest.priorities()
        if wanted not in order:
            raise Rejected(f"desk {self._desk}: there is no priority {wanted}; see `foretell doctor`")
        if order.index(self._rest.issue(ref.id).priority.id) < order.index(wanted):
            what = f"priority {wanted}"
            self._set(
                ref, what, lambda there: order.index(there.priority.id) >= order.index(wanted), priority_id=wanted
            )

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to the configured resolved status, unless it is closed already."""
        if self._status(self._rest.issue(ref.id).status.id) in WORKING:
            self._set_status(ref, "resolved")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it. Raises TicketGone for a deleted one."""
        del ticket  # a deleted one is told as gone, and whoever asked decides
        if self._status(self._rest.issue(ref.id).status.id) not in WORKING:
            self._set_status(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Relate `ref` to `original` as its duplicate and reject it."""
        number = numeric(original.id)
        there = self._rest.issue(ref.id, INCLUDED)
        if not _duplicates(there, number):
            relation = {"relation": {"issue_to_id": number, "relation_type": "duplicates"}}
            path = f"issues/{there.id}/relations.json"
            self._http.change("POST", path, dict[str, Any], ticket=ref.id, json=relation)
            with read_back(f"desk {self._desk}: ticket {ref.id} was related"):
                if not _duplicates(self._rest.issue(ref.id, INCLUDED), number):
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not related to ticket {number}")
        if self._status(there.status.id) in WORKING:
            self._set_status(ref, "rejected")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file, and read back that all of it is there. Raises Rejected when it is too large for us or for the desk."""
        name, size = attachment.name, len(attachment.content)
        need_room(attachment, self._options.largest_attachment, self._desk)
        self._rest.issue(ref.id)
        upload = self._http.change(
            "POST",
            "uploads.json",
            Upload,
            params={"filename": name},
            data=attachment.content,
            headers={"Content-Type": "application/octet-stream"},
        )
        token = upload.upload.token
        self._put(ref, uploads=[{"token": token, "filename": name, "content_type": attachment.media_type}])
        with read_back(f"desk {self._desk}: {name} was attached to ticket {ref.id}"):
            files = self._rest.issue(ref.id, INCLUDED).attachments
            if not any((one.filename, one.filesize) == (name, size) for one in files):
                raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket; Redmine takes a file whole or not at all."""
        return any(one.filename == name for one in self._rest.issue(ref.id, INCLUDED).attachments)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, rights, tracker, fields, statuses and priorities of the live desk. Changes nothing."""
        options = self._options
        checks = [Check.of("login", found=self._rest.us().login)]
        try:
            trackers = self._rest.project().trackers
        except DeskError as error:
            hint = "write the project's identifier, and make this user a member"
            return [*checks, Check.of(f"project {options.project}", str(error), hint)]
        hint = f"give this user a role in project {options.project} that has them"
        checks.append(Check.of("rights", ", ".join(f"not {one}" for one in sorted(self._rest.lacking())), hint))
        there = any(one.id == options.tracker for one in trackers)
        checks.append(
            Check.of(f"tracker {options.tracker}", "" if there else "not in the project", "activate it there")
        )
        hint = "make it a text field that is used as a filter, for this project and tracker"
        for field in (options.key_field, options.host_field):
            found = "" if self._rest.filters(field) else "a search by it finds all tickets"
            checks.append(Check.of(f"custom field {field}", found, hint))
        unknown = absent(self._ids, {one.id for one in self._rest.statuses()})
        checks.append(Check.of("statuses", unknown, "set their ids in statuses"))
        order, chosen = self._rest.priorities(), [self._priorities[one] for one in sorted(self._priorities)]
        falling = [one for one in reversed(order) if one in chosen] == chosen
        found = "" if falling else f"{chosen} for P1 to P4 are not among {order} in falling order"
        checks.append(Check.of("priorities", found, "set their ids in priorities"))
        return checks

    # -- asking -----------------------------------------------------------------------------------------------------

    def _put(self, ref: TicketRef, **values: Any) -> None:
        path = f"issues/{numeric(ref.id)}.json"
        self._http.change("PUT", path, type(None), ticket=ref.id, json={"issue": values})

    def _set(self, ref: TicketRef, what: str, done: Callable[[Issue], bool], **values: int) -> None:
        """Change values of a ticket; raise NotApplied when reading back shows that it did not happen."""
        self._put(ref, **values)
        with read_back(f"desk {self._desk}: {what} was asked for on ticket {ref.id}"):
            there = self._rest.issue(ref.id, INCLUDED)
        if not done(there):
            allowed = ", ".join(f"{one.name} ({one.id})" for one in there.allowed_statuses)
            raise NotApplied(
                f"desk {self._desk}: ticket {ref.id} did not take {what}; from {there.status.name} this user may go to {allowed}"
            )

    def _set_status(self, ref: TicketRef, status: Status) -> None:
        wanted = self._ids[status][0]
        self._set(ref, f"status {wanted} ({status})", lambda there: there.status.id == wanted, status_id=wanted)

    # -- understanding ----------------------------------------------------------------------------------------------

    def _acts(self, event: Journal) -> Iterator[Act]:
        """Yield what a person did in one event: changed first, for a note explains the change."""
        for detail in event.details:
            kind: ActKind | None = None
            if detail.name == "status_id" and detail.old_value and detail.new_value:
                kind = meant_by(self._status(int(detail.old_value)), self._status(int(detail.new_value)))
            elif detail.name == "assigned_to_id" and detail.new_value:
                kind = "acknowledge"
            if kind:
                yield Act(id=f"{event.id}.{detail.name}", kind=kind, by=event.user.name, at=event.created_on)
        if text := lines_of(event.notes):
            yield from said(str(event.id), event.user.name, event.created_on, text, internal=event.private_notes)

    def _status(self, number: int) -> Status:
        """Return what a status means; of one that is not configured Redmine tells whether it is closed."""
        return self._meanings.get(number) or ("closed" if number in self._rest.closed() else "open")

    def _priority(self, number: int) -> Priority:
        order = self._rest.priorities()
        return most_urgent(self._priorities, not_above=order[: order.index(number) + 1])

    def _found(self, there: Issue) -> FoundTicket:
        key, host = there.value(self._options.key_field), there.value(self._options.host_field)
        return FoundTicket(self._ref(there.id), key, self._status(there.status.id) in WORKING, there.subject, host)

    def _ref(self, number: int) -> TicketRef:
        return TicketRef(self._desk, str(number), f"{self._url}/issues/{number}")

    def _text(self, body: Document) -> str:
        write = to_textile if self._options.text_formatting == "textile" else to_markdown
        return write(shorten(body, LONGEST_BODY))


def _duplicates(issue: Issue, original: int) -> bool:
    return any(
        (one.issue_id, one.relation_type, one.issue_to_id) == (issue.id, "duplicates", original)
        for one in issue.relations
    )


PLUGIN = ClientPlugin(
    name="redmine",
    summary="Redmine 5 over its REST interface, with an API access key.",
    options=RedmineOptions,
    build=Redmine,
    tested="Redmine 5.0.4, the real server",
)
