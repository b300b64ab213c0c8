"""Zammad 6 over its REST interface. Written from its documentation and source, not run against a real server.

What shapes this file:
- A search with `query` asks Elasticsearch, which lags and may be off; one with `condition` asks the database. So key and host
  marker are attributes of the ticket, made once by an administrator, and only `condition` is used.
- An attribute that is not there is dropped from a new ticket in silence, and as a condition it is refused or finds everything. So
  both are tried before anything is opened or looked for.
- Whether a customer may follow up on a closed ticket is the group's rule; an agent may always reopen it.
- A merged ticket stays, in the state "merged" and without its articles; opening it again would open an empty shell.
- Names of states are free; what a state means, its type tells.
- A public note is shown in the customer's portal and is not mailed.

How it is asked is in `_zammad.rest`. The file is longer than most clients for its many options, and because nothing is taken as
done.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Annotated, Any

import msgspec

from ticketing_clients._acts import meant_by, plain_of_html, said
from ticketing_clients._articles import LONGEST_BODY, article, has_mark, marked
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import cut, one_line
from ticketing_clients._errors import NotApplied, NotAuthorised, TicketGone
from ticketing_clients._options import AttributeName, Bytes, CaFile, SecretName
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
from ticketing_clients._understanding import absent, meanings, still_open
from ticketing_clients._zammad.rest import Article, History, Row, User, ZammadRest

LONGEST_TITLE = 200  # code points; what Zammad's own form takes
SYSTEM = 1  # the user who acts for Zammad itself: triggers, timers, mail
MEANINGS: dict[str, Status] = {  # by type of state
    "new": "new",
    "open": "open",
    "pending reminder": "waiting",
    "pending action": "waiting",
    "closed": "closed",
    "merged": "merged",
    "removed": "deleted",
}
STATUSES: dict[Status, list[str]] = {"open": ["open"], "closed": ["closed"]}  # what we set
PRIORITIES: dict[Priority, str] = {"P1": "3 high", "P2": "3 high", "P3": "2 normal", "P4": "1 low"}


class ZammadOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its tickets were set up."""

    url: Annotated[str, msgspec.Meta(description="Web address of Zammad, as people open it.")]
    group: Annotated[
        str,
        msgspec.Meta(
            description="Group that gets the tickets; the token's user needs full access to it.", min_length=1
        ),
    ]
    key_field: Annotated[
        AttributeName,
        msgspec.Meta(description="Ticket attribute (text, at least 64 long) for the key, see Admin, Objects."),
    ] = "foretell_key"
    host_field: Annotated[AttributeName, msgspec.Meta(description="Ticket attribute (text) for the host's id.")] = (
        "foretell_host"
    )
    due_field: Annotated[
        AttributeName | None,
        msgspec.Meta(description="Ticket attribute (date and time) for when the fix is due, if there is one."),
    ] = None
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds an agent's access token.")
    ] = "zammad"  # noqa: S105 - the secret's name
    priorities: Annotated[
        dict[Priority, str],
        msgspec.Meta(description="Names of priorities where they differ from P1 and P2 3 high, P3 2 normal, P4 1 low."),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        dict[Status, Annotated[list[str], msgspec.Meta(min_length=1)]],
        msgspec.Meta(
            description="Names of the states that mean open, waiting, closed or rejected where their type does not say it, the"
            " first being the one we set, where they differ from open and closed."
        ),
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any], msgspec.Meta(description="Further attributes set when a ticket is opened, by their names.")
    ] = msgspec.field(default_factory=dict)
    resolve_fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further attributes set when a ticket is resolved, where a workflow demands them."),
    ] = msgspec.field(default_factory=dict)
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file; the web server before Zammad takes 50 MB in base64.")
    ] = 30 * 1024 * 1024
    ca_file: CaFile = ""


class Zammad:
    """One group of a Zammad, as an agent with an access token sees it."""

    def __init__(self, options: ZammadOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        self._options = options
        self._desk = desk
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        self._names = STATUSES | options.statuses
        self._http = Http(
            desk,
            f"{self._url}/api/v1",
            headers={"Authorization": f"Token token={token}"},
            secrets=(token,),
            ca_file=options.ca_file,
        )
        attributes = {"key": options.key_field, "host": options.host_field, "due": options.due_field or "due"}
        self._rest = ZammadRest(self._http, desk, options.group, attributes)
        self._meanings: dict[str, Status] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            due="time" if self._options.due_field else "none",
            longest_title=LONGEST_TITLE,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._rest.need_attributes()
        options, contact = self._options, ticket.customer.contact
        due = ticket.service_times.fix_due.astimezone(UTC)
        content = {
            **options.fields,
            "title": cut(one_line(ticket.title), LONGEST_TITLE),
            "group": options.group,
            "customer_id": f"guess:{contact}" if contact else self._rest.us().id,
            "priority": self._priorities[ticket.priority],
            "tags": ",".join(ticket.labels),
            options.key_field: ticket.key,
            options.host_field: ticket.device.id,
            "article": {"body": article(ticket.body), "content_type": "text/html", "type": "note", "internal": False},
        }
        if options.due_field:
            content[options.due_field] = due.strftime("%Y-%m-%dT%H:%M:%SZ")
        made = self._rest.create(content)
        created = f"desk {self._desk}: ticket {made.id} was created"
        with read_back(created):
            there = self._rest.ticket(str(made.id))
        as_asked = {
            "group": there.group == options.group,
            "priority": there.priority == self._priorities[ticket.priority],
            f"attribute {options.key_field}": there.key == ticket.key,
            f"attribute {options.host_field}": there.host == ticket.device.id,
            f"attribute {options.due_field}": not options.due_field or there.due == due,
        }
        need_all(as_asked, created, "it is not there, or a rule of the desk changed it")
        return self._ref(there)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        found = map(self._found, self._rest.search(self._options.key_field, key))
        return [one for one in found if one.key == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        found = map(self._found, self._rest.search(self._options.host_field, host))
        return [one for one in still_open(found) if one.host == host]

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        return [one for one in still_open(map(self._found, self._rest.titled(name))) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.ticket(ref.id)
        acts = [*self._changes(there), *self._said(there)]
        return TicketState(
            ref=ref,
            status=self._status(there.state),
            desk_status=there.state,
            priority=self._priority(there.priority),
            handler="" if there.owner_id == SYSTEM else there.owner,
            due=there.due,
            acts=tuple(sorted(acts, key=operator.attrgetter("at"))),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment` as a note, an internal one unless it is public. Raises NotAuthorised where it could not be internal."""
        made = self._write(ref, internal=not comment.public, body=marked(comment), content_type="text/html")
        if not has_mark(made.body, comment.marker) or made.internal == comment.public:
            raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id} as it was asked for")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a note of ours has exactly this marker."""
        us = self._rest.us().id
        return any(one.created_by_id == us and has_mark(one.body, marker) for one in self._rest.articles(ref.id))

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is a lower one of ours; one that is not ours is a person's choice, and stays."""
        order = [self._priorities[one] for one in sorted(self._priorities, reverse=True)]
        wanted, present = self._priorities[priority], self._rest.ticket(ref.id).priority
        lower = order[: order.index(wanted)]
        if present in lower and present != wanted:
            self._set(ref, f"priority {wanted}", lambda there: there.priority not in lower, priority=wanted)

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to the configured closed state, with what the workflow demands, unless it is closed already."""
        if self._status(self._rest.ticket(ref.id).state) in WORKING:
            self._set_state(ref, "closed", **self._options.resolve_fields)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it. Raises TicketGone for a deleted or merged one."""
        del ticket  # one that cannot be opened is told as gone, and whoever asked decides
        status = self._status(self._rest.ticket(ref.id).state)
        if status in {"merged", "deleted"}:
            raise TicketGone(f"desk {self._desk}: ticket {ref.id} is {status}")
        if status not in WORKING:
            self._set_state(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Link `ref` to `original` and close it; not merged, for that cannot be undone."""
        first, other = self._rest.ticket(original.id), numeric(ref.id)
        if not self._rest.linked(other, first.id):
            link = {
                "link_type": "normal",
                "link_object_source": "Ticket",
                "link_object_source_number": first.number,
                "link_object_target": "Ticket",
                "link_object_target_value": other,
            }
            self._http.change("POST", "links/add", Any, ticket=ref.id, json=link)
            with read_back(f"desk {self._desk}: ticket {ref.id} was linked"):
                if not self._rest.linked(other, first.id):
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not linked to ticket {first.id}")
        self.resolve(ref)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file in an internal note. Raises Rejected when it is too large for us or for the desk."""
        name, size = attachment.name, len(attachment.content)
        need_room(attachment, self._options.largest_attachment, self._desk)
        data = base64.b64encode(attachment.content).decode()
        file = {"filename": name, "data": data, "mime-type": attachment.media_type}
        made = self._write(ref, internal=True, body=name, content_type="text/plain", attachments=[file])
        if not made.internal or not any(one.filename == name and one.size in {size, None} for one in made.attachments):
            raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id} as it was asked for")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket."""
        return any(file.filename == name for one in self._rest.articles(ref.id) for file in one.attachments)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, group, attributes, states and priorities of the live desk. Changes nothing."""
        options = self._options
        checks = [
            Check.of("login", found=self._rest.us().login),
            Check.of(
                f"group {options.group}",
                "" if self._rest.in_group() else "no full access",
                "give this user full access to it",
            ),
        ]
        hint = "make it under Admin, Objects, Ticket, and update the database there"
        for attribute in (options.key_field, options.host_field):
            found = "" if self._rest.filters(attribute) else "tickets cannot be looked for by it"
            checks.append(Check.of(f"attribute {attribute}", found, hint))
        unknown = absent(self._names, {one.name for one in self._rest.named("ticket_states")})
        checks.append(Check.of("statuses", unknown, "set their names in statuses"))
        known = {one.name for one in self._rest.named("ticket_priorities")}
        unknown = ", ".join(f"no {self._priorities[one]}" for one in PRIORITIES if self._priorities[one] not in known)
        checks.append(Check.of("priorities", unknown, "set their names in priorities"))
        return checks

    # -- asking -----------------------------------------------------------------------------------------------------

    def _write(self, ref: TicketRef, *, internal: bool, **content: Any) -> Article:
        """Write a note and return it as it is there. Raises NotAuthorised where it would become a public one."""
        self._rest.ticket(ref.id)  # asked first: 403 to a change does not tell one ticket's refusal from the desk's
        if internal and not self._rest.in_group():
            raise NotAuthorised(
                f"desk {self._desk}: this user has no full access to the group, so no internal note is made"
            )
        made = self._rest.write(ref.id, internal=internal, **content).id
        with read_back(f"desk {self._desk}: article {made} on ticket {ref.id} was written"):
            return self._http.get(f"ticket_articles/{made}", Article, ticket=ref.id)

    def _set(self, ref: TicketRef, what: str, done: Callable[[Row], bool], **values: Any) -> None:
        self._http.change("PUT", f"tickets/{numeric(ref.id)}", Any, ticket=ref.id, json=values)
        with read_back(f"desk {self._desk}: {what} was asked for on ticket {ref.id}"):
            if not done(self._rest.ticket(ref.id)):
                raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take {what}")

    def _set_state(self, ref: TicketRef, status: Status, **more: Any) -> None:
        state = self._names[status][0]
        self._set(ref, f"state {state}", lambda there: there.state == state, **more, state=state)

    # -- understanding ----------------------------------------------------------------------------------------------

    def _changes(self, there: Row) -> Iterator[Act]:
        """Yield what people did by changing the ticket's state or owner."""
        log = self._http.get(f"ticket_history/{there.id}", History, ticket=str(there.id))
        for one in log.history:
            if one.created_by_id in {SYSTEM, self._rest.us().id} or (one.type, one.object) != ("updated", "Ticket"):
                continue
            kind = None
            if one.attribute == "state":
                kind = meant_by(self._status(one.value_from), self._status(one.value_to))
            elif one.attribute == "owner" and one.id_to not in {SYSTEM, None}:
                kind = "acknowledge"
            if kind:
                until = there.pending_time if kind == "defer" else None
                by = _name(log.assets.User.get(one.created_by_id)) or f"user {one.created_by_id}"
                yield Act(id=f"h{one.id}", kind=kind, by=by, at=one.created_at.astimezone(UTC), until=until)

    def _said(self, there: Row) -> Iterator[Act]:
        for one in self._rest.articles(str(there.id)):
            body = one.body or ""
            text = plain_of_html(body) if "html" in one.content_type else body.strip()
            if one.created_by_id in {SYSTEM, self._rest.us().id} or one.sender == "System" or not text:
                continue
            by = one.created_by or f"user {one.created_by_id}"
            yield from said(f"a{one.id}", by, one.created_at, text, internal=one.internal)

    def _status(self, state: str) -> Status:
        """Return what a state means: as configured, or else by its type."""
        if not self._meanings:
            states = self._rest.named("ticket_states")
            self._meanings = {one.name: MEANINGS.get(one.state_type or one.name, "open") for one in states}
            self._meanings |= meanings(self._options.statuses)
        return self._meanings.get(state, "open")

    def _priority(self, name: str) -> Priority | None:
        """Return the least urgent of our priorities that is called so at the desk, None for one that is not ours."""
        return next((one for one in sorted(self._priorities, reverse=True) if self._priorities[one] == name), None)

    def _found(self, there: Row) -> FoundTicket:
        is_open = self._status(there.state) in WORKING
        return FoundTicket(self._ref(there), there.key or "", is_open, there.title, there.host or "")

    def _ref(self, there: Row) -> TicketRef:
        return TicketRef(self._desk, str(there.id), f"{self._url}/#ticket/zoom/{there.id}")


def _name(user: User | None) -> str:
    return " ".join(part for part in (user.firstname, user.lastname) if part) or user.login if user else ""


PLUGIN = ClientPlugin(
    name="zammad",
    summary="Zammad 6 over its REST interface, with an agent's access token.",
    options=ZammadOptions,
    build=Zammad,
    tested="a stateful stand-in that behaves as documented; not run against a real server",
)
