"""ServiceNow's incidents, or another table with their fields, over its Table API.

What of a stock instance shapes this file:
- The key is in `correlation_id`, the host in `correlation_display` (or the field that is configured), as a hash, for a query
  cannot hold every letter. Both are on every task for just this, 100 letters long, so that no administrator has to make a field.
- Priority cannot be set: lookup rules derive it from impact and urgency. We only ever bring these two up.
- Fields that this user may not write, or that are not there, are dropped with 201 or 200. So every change is read back.
- A new ticket is read back by the search that would find it again: the database answers, no index that lags behind it.
- Comments are seen by the customer, work notes are not. What we wrote is found in the text of both, which is read with the
  ticket; what others wrote is in tables that a stock role may not read (`_servicenow.acts`).
- Resolving wants a code and notes. Resolved (6) opens again; closed (7) and canceled (8) do not change any more, so a follow-up
  is made below them. A duplicate is canceled with the number of the original in its notes: as a child incident it would be
  resolved and reopened along with its parent.
- People delete, cancel and relate tickets. What was canceled below a ticket of another key counts as merged into it.

What is configured is in `_servicenow.options`, how it is asked in `_servicenow.rest`. The file is longer than most clients,
because nothing may be taken as done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC

from ticketing_clients._acts import last_line, lines_of
from ticketing_clients._asking import need_all, need_room, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientPlugin
from ticketing_clients._document import cut, one_line, to_plain
from ticketing_clients._errors import NotApplied, TicketGone
from ticketing_clients._servicenow.acts import HISTORY_FIELDS, JOURNAL_FIELDS, acts_of, as_plain
from ticketing_clients._servicenow.checks import checks_of
from ticketing_clients._servicenow.options import PRIORITIES, STATUSES, ServiceNowOptions
from ticketing_clients._servicenow.records import Record, condition, is_plain
from ticketing_clients._servicenow.rest import Login, ServiceNowRest
from ticketing_clients._ticket import (
    WORKING,
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Status,
    Ticket,
    TicketRef,
    TicketState,
)
from ticketing_clients._understanding import meanings, most_urgent, still_open

KEY = "correlation_id"
LONGEST_TITLE = 160  # code points of short_description; the column holds no more
LONGEST_BODY = 30_000  # code points; ours: the column holds megabytes, whatever the dictionary says
READ = (
    *("sys_id", "number", "state", "active", "short_description", "description", "due_date", "assigned_to"),
    *("priority", "impact", "urgency", "hold_reason", "close_code", "parent_incident"),
    *("resolved_by", "resolved_at", "closed_by", "closed_at", "reopened_by", "reopened_time", "reopen_count"),
    *("sys_created_on", "sys_updated_on", "sys_updated_by"),
)


class ServiceNow:
    """One table of an instance, as the user who logs in sees it."""

    def __init__(self, options: ServiceNowOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        if options.login != "api_key" and not options.user:
            raise ValueError(f"user: needed to log in with {options.login}")
        self._options = options
        self._desk = desk
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        self._states = STATUSES | options.statuses
        self._meanings = meanings(STATUSES, options.statuses)
        self._rest = ServiceNowRest(
            desk,
            self._url,
            Login(options.login, options.user, context.secret(options.token_secret).strip()),
            ca_file=options.ca_file,
            table=options.table,
            fields=tuple(
                dict.fromkeys([*READ, KEY, options.host_field, "caller_id", "assignment_group", *options.fields])
            ),
            searched=(KEY, options.host_field),
        )

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
        return self._open(ticket, {})

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; the earliest made first."""
        return [self._found(one) for one in self._rest.search(KEY, key)]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        marked = self._rest.search(self._options.host_field, marker_of(host), condition("active", "true"))
        return still_open(map(self._found, marked))

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and the recent things people did. Raises TicketGone."""
        there = self._rest.ticket(ref.id)
        merged = self._merged(there)
        acts = () if merged else acts_of(there, self._journal(ref), self._history(ref), self._rest.us(), self._status)
        return TicketState(
            ref=ref,
            status="merged" if merged else self._status_of(there),
            desk_status=there.shown("state") or there.value("state"),
            priority=self._priority(there),
            handler=there.shown("assigned_to"),
            due=there.time("due_date"),
            resolution=f"merged into {there.shown('parent_incident')}" if merged else there.shown("close_code"),
            acts=acts,
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`: for the customer to the comments, for others to the work notes."""
        text = f"{as_plain(cut(to_plain(comment.body), LONGEST_BODY))}\n{last_line(comment.marker)}"
        self._rest.change(ref.id, {"comments" if comment.public else "work_notes": text})
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}, or may not be read there")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a line of the comments or work notes is exactly this marker."""
        there = self._rest.ticket(ref.id, "comments,work_notes")
        lines = (there.shown("comments") + "\n" + there.shown("work_notes")).splitlines()
        return last_line(marker) in lines

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Bring impact and urgency up to those of `priority` if the desk's present priority is lower; lower neither."""
        wanted, there = self._priorities[priority], self._rest.ticket(ref.id)
        if there.number("priority", 9) <= wanted.priority:
            return
        higher = {
            name: str(min(there.number(name, 9), getattr(wanted, name)))
            for name in ("impact", "urgency")  # the highest is 1
        }
        self._set(ref, f"priority {wanted.priority}", lambda now: now.number("priority", 9) <= wanted.priority, higher)

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to the configured resolved state with code and notes, unless it is closed already."""
        if self._status_of(self._rest.ticket(ref.id)) in WORKING:
            codes = {"close_code": self._options.close_code, "close_notes": self._options.close_notes}
            self._set_state(ref, "resolved", codes)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open a resolved ticket again; for a closed or canceled one open a follow-up below it. Return the open one."""
        status = self._status_of(self._rest.ticket(ref.id))
        if status == "resolved":
            self._set_state(ref, "open")
        elif status not in WORKING:
            # An earlier try, whose outcome was unknown, may have made the follow-up.
            made = next((one.ref for one in self.find(ticket.key) if one.open), None)
            return made or self._open(ticket, {"parent_incident": ref.id})
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Cancel `ref`, with the number of `original` in its notes."""
        number = self._rest.ticket(original.id, "number").value("number")
        if self._status_of(self._rest.ticket(ref.id)) in WORKING:
            said = f"Duplicate of {number}"
            self._set_state(ref, "rejected", {"close_notes": said, "work_notes": said})

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file, and read back that all of it is there. Raises Rejected when it is too large for us or for the desk."""
        name, size = attachment.name, len(attachment.content)
        need_room(attachment, self._options.largest_attachment, self._desk)
        self._rest.ticket(ref.id, "sys_id")
        self._rest.attach(ref.id, name, attachment.media_type, attachment.content)
        with read_back(f"desk {self._desk}: {name} was attached to ticket {ref.id}"):
            if not any((one.file_name, one.size_bytes) == (name, size) for one in self._rest.files(ref.id)):
                raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket."""
        self._rest.ticket(ref.id, "sys_id")
        return any(one.file_name == name for one in self._rest.files(ref.id))

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, table, fields, states, codes, priorities and rights of the live desk. Changes nothing."""
        options = self._options
        return checks_of(
            self._rest,
            table=options.table,
            searched=(KEY, options.host_field),
            given={
                "short_description",
                "description",
                "close_code",
                "close_notes",
                *self._levels("P1"),
                *options.fields,
            },
            group=options.group,
            statuses=self._states,
            close_code=options.close_code,
            priorities=[(one.impact, one.urgency, one.priority) for one in self._priorities.values()],
            largest_attachment=options.largest_attachment,
        )

    # -- asking -----------------------------------------------------------------------------------------------------

    def _open(self, ticket: Ticket, more: dict[str, str]) -> TicketRef:
        self._rest.need_fields()
        due = ticket.service_times.fix_due.astimezone(UTC)
        asked = {
            "short_description": cut(one_line(ticket.title), LONGEST_TITLE),
            "description": cut(to_plain(ticket.body), LONGEST_BODY).strip(),
            "due_date": f"{due:%Y-%m-%d %H:%M:%S}",
            KEY: ticket.key,
            self._options.host_field: marker_of(ticket.device.id),
            **self._levels(ticket.priority),
            **self._people(ticket),
            **more,
        }
        made = self._rest.create(self._options.fields | asked)
        with read_back(f"desk {self._desk}: ticket {made} was created"):
            found = self._rest.search(KEY, ticket.key)
        there = next((one for one in found if one.value("sys_id") == made), None)
        if there is None:
            raise NotApplied(f"desk {self._desk}: ticket {made} was created, but is not found by its {KEY}")
        as_asked = {
            # A further field may come back in another form than it was written in, but not empty.
            **{name: not str(value) or bool(there.value(name)) for name, value in self._options.fields.items()},
            **{name: lines_of(there.value(name)) == value for name, value in asked.items()},
            "priority": there.number("priority", 9) == self._priorities[ticket.priority].priority,
        }
        created = f"desk {self._desk}: ticket {there.value('number')} was created"
        need_all(as_asked, created, "this user may not write it, or a rule of the desk changed it")
        return self._ref(made)

    def _levels(self, priority: Priority) -> dict[str, str]:
        level = self._priorities[priority]
        return {"impact": str(level.impact), "urgency": str(level.urgency)}

    def _people(self, ticket: Ticket) -> dict[str, str]:
        """Return the group, and as caller the one user who has the customer's address."""
        group = self._options.group
        people, contact = {"assignment_group": group} if group else {}, ticket.customer.contact
        if is_plain(contact):
            query = f"{condition('email', contact)}^{condition('active', 'true')}"
            users = self._rest.readable("sys_user", query, "sys_id,email")
            callers = [one for one in users if one.value("email").casefold() == contact.casefold()]
            if len(callers) == 1:
                people["caller_id"] = callers[0].value("sys_id")
        return people

    def _set(self, ref: TicketRef, what: str, done: Callable[[Record], bool], values: dict[str, str]) -> None:
        """Change values of a ticket; raise NotApplied when reading back shows that it did not happen."""
        self._rest.change(ref.id, values)
        with read_back(f"desk {self._desk}: {what} was asked for on ticket {ref.id}"):
            there = self._rest.ticket(ref.id)
        if not done(there):
            raise NotApplied(
                f"desk {self._desk}: ticket {there.value('number')} did not take {what}:"
                " this user may not set it, or a rule of the desk changed it"
            )

    def _set_state(self, ref: TicketRef, status: Status, more: dict[str, str] | None = None) -> None:
        wanted = self._states[status][0]
        self._set(
            ref,
            f"state {wanted} ({status})",
            lambda there: there.value("state") == wanted,
            {"state": wanted, **(more or {})},
        )

    def _journal(self, ref: TicketRef) -> list[Record]:
        query = f"{condition('element_id', ref.id)}^{condition('element', 'comments', 'work_notes')}"
        return self._rest.readable("sys_journal_field", query, JOURNAL_FIELDS)

    def _history(self, ref: TicketRef) -> list[Record]:
        query = f"{condition('documentkey', ref.id)}^{condition('fieldname', 'state', 'assigned_to')}"
        return self._rest.readable("sys_audit", query, HISTORY_FIELDS)

    # -- understanding ----------------------------------------------------------------------------------------------

    def _status(self, state: str, active: str) -> Status:
        """Return what a state means; of one that is not configured the table tells whether it is closed."""
        return self._meanings.get(state) or ("closed" if active == "false" else "open")

    def _status_of(self, there: Record) -> Status:
        return self._status(there.value("state"), there.value("active"))

    def _merged(self, there: Record) -> bool:
        """Return whether a person canceled the ticket below one that is not of its own key, as a follow-up is."""
        parent = there.value("parent_incident")
        if self._status_of(there) != "rejected" or not parent:
            return False
        try:
            return self._rest.ticket(parent, KEY).value(KEY) != there.value(KEY)
        except TicketGone:  # the other one, which we may not read; ours is there
            return True

    def _priority(self, there: Record) -> Priority:
        ours = {one: level.priority for one, level in self._priorities.items()}
        return most_urgent(ours, not_above=range(there.number("priority", 9), 10))  # 1 is the highest

    def _found(self, there: Record) -> FoundTicket:
        """Return it with its title; of its host there is only a hash on it."""
        working = self._status_of(there) in WORKING
        return FoundTicket(
            self._ref(there.value("sys_id")), there.value(KEY), working, there.value("short_description")
        )

    def _ref(self, sys_id: str) -> TicketRef:
        return TicketRef(self._desk, sys_id, f"{self._url}/{self._options.table}.do?sys_id={sys_id}")


def marker_of(host: str) -> str:
    """Return the marker of a host: of plain letters, whatever its id holds, and saying whose ticket it is."""
    return f"foretell-{hashlib.sha256(host.encode()).hexdigest()}"


PLUGIN = ClientPlugin(
    name="servicenow",
    summary="ServiceNow incidents over the Table API.",
    options=ServiceNowOptions,
    build=ServiceNow,
    tested="two published specifications of the Table API and a stateful stand-in; not run against a real instance",
)
