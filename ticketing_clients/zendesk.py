"""Zendesk Support over its REST interface, version 2.

Its ways, by its documentation, that shape this file:
- The key is the external id, by which tickets are listed as they are stored. A host has none of its own, so it is a tag, made of
  its hash, for a tag takes few signs; tags are only known to the search index, whose lag `_zendesk.rest` makes up for.
- A solved ticket opens again; a closed one never, nor can anything be said on it: it gets a follow-up, linked to it by Zendesk.
- An update may go lost against another at the same time. So each is made against the ticket as it was read, or not at all.
- A comment is public unless it is said not to be, and an agent's plain text would be read as Markdown. So it is sent as HTML.
  In a text that an agent sends, {{ticket...}} would be filled in with data of the desk. So no two braces stay together.
- A merged ticket is a closed one with a tag. A deleted one is not there.
- Only a task has a time by which it is due, and preventive work is one.
- The ticket's fields that are required are so to solve it, not to open it.

How it is asked is in `_zendesk.rest`, what its answers mean is here. The file is longer than most clients by its many options,
and because nothing that Zendesk answers with success may be taken as done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec

from ticketing_clients._acts import has_mark, last_line, plain_of_html
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import Document, Paragraph, cut, one_line
from ticketing_clients._errors import DeskError, NotApplied
from ticketing_clients._markup.fit import fit
from ticketing_clients._markup.html import to_html
from ticketing_clients._options import Bytes, CaFile, Id, SecretName, StatusIds
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
from ticketing_clients._zendesk.answers import ZendeskTicket
from ticketing_clients._zendesk.audits import MERGED, acts_in, rating_in
from ticketing_clients._zendesk.checks import URGENCIES, checks, urgency
from ticketing_clients._zendesk.rest import ZendeskRest

LONGEST_SUBJECT = 150  # code points; ours, for Zendesk names no limit and cuts longer ones off in its lists
LONGEST_BODY = 60_000  # bytes of HTML; a little under the 64 KiB of a text in its database
LARGEST_ATTACHMENT = 50_000_000  # bytes; by its documentation, and less where the account's settings say so
MINUTE = 60
TASK = "task"
DUPLICATE = "foretell_duplicate"
STATUSES: dict[str, Status] = {
    "new": "new",
    "open": "open",
    "pending": "waiting",
    "hold": "waiting",
    "solved": "resolved",
    "closed": "closed",
    "deleted": "deleted",
}
WORDS: dict[Status, str] = {"open": "open", "resolved": "solved"}  # what we set
ZendeskPriority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: dict[Priority, ZendeskPriority] = {"P1": "urgent", "P2": "high", "P3": "normal", "P4": "low"}

# What `fields` may not set: we do, or another option does.
OURS = {"subject", "comment", "external_id", "priority", "due_at", "tags", "group_id", "custom_fields", "requester"}
NumberAsKey = Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]


class ZendeskOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, as whom it is asked, and what its account has of its own."""

    url: Annotated[
        str, msgspec.Meta(description="Web address of the account, like https://example.zendesk.com", min_length=1)
    ]
    user: Annotated[
        str,
        msgspec.Meta(description="E-mail address of the agent with whose API token we log in; empty: with OAuth."),
    ] = ""
    token_secret: Annotated[
        SecretName,
        msgspec.Meta(description="Name of the secret that holds the API token, or the OAuth access token."),
    ] = "zendesk"  # noqa: S105 - the secret's name
    group: Annotated[Id | None, msgspec.Meta(description="Id of the group that gets the tickets, if one does.")] = None
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further fields set when a ticket is opened, in Zendesk's own names, like brand_id or ticket_form_id;"
            " type too, but only a task has a time by which it is due."
        ),
    ] = msgspec.field(default_factory=dict)
    custom_fields: Annotated[
        dict[NumberAsKey, Any],
        msgspec.Meta(description="Values of custom fields, by their ids, set when a ticket is opened."),
    ] = msgspec.field(default_factory=dict)
    resolve_fields: Annotated[
        dict[NumberAsKey, Any],
        msgspec.Meta(
            description="Values of custom fields, by their ids, that the desk requires to solve a ticket; set where empty."
        ),
    ] = msgspec.field(default_factory=dict)
    priorities: Annotated[
        dict[Priority, ZendeskPriority],
        msgspec.Meta(description="Priorities where they differ from P1 urgent, P2 high, P3 normal, P4 low."),
    ] = msgspec.field(default_factory=dict)
    statuses: Annotated[
        StatusIds,
        msgspec.Meta(
            description="Ids of custom ticket statuses that mean something else than their category, like rejected for"
            ' "won\'t fix"; of open and resolved the first is the one we set.'
        ),
    ] = msgspec.field(default_factory=dict)
    largest_attachment: Annotated[
        Bytes, msgspec.Meta(description="Bytes of a file, at most what the account allows.")
    ] = LARGEST_ATTACHMENT
    ca_file: CaFile = ""


class Zendesk:
    """One account, as the agent of an API token sees it."""

    def __init__(self, options: ZendeskOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import (  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options
            Http,
            basic,
        )

        if taken := OURS & options.fields.keys():
            raise ValueError(
                f"fields: {', '.join(sorted(taken))} cannot be set here, for it is set by other options or by us"
            )
        token = context.secret(options.token_secret).strip()
        login = basic(f"{options.user}/token", token) if options.user else f"Bearer {token}"
        self._options = options
        self._desk = desk
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        self._meanings = {str(one): means for one, means in meanings(options.statuses).items()}  # audits hold text
        http = Http(
            desk,
            f"{self._url}/api/v2",
            headers={"Authorization": login},
            secrets=(token, login.partition(" ")[2]),
            ca_file=options.ca_file,
            ticket_limit=_of_one_ticket,
        )
        self._rest = ZendeskRest(http, desk)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do. A closed ticket has a follow-up instead of opening again; one that we resolve is only solved."""
        return Capabilities(
            longest_title=LONGEST_SUBJECT,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        return self._open(ticket)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first. Its list lags behind nothing."""
        return [self._found(one) for one in self._rest.with_key(key)]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return still_open(map(self._found, self._rest.tagged(_host_tag(host))))

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        answer = self._rest.ticket(ref.id)
        there, names = answer.ticket, {one.id: one.name for one in answer.users}
        return TicketState(
            ref=ref,
            status=self._status(there),
            desk_status=self._word(there),
            priority=self._priority(there.priority),
            handler=names.get(there.assignee_id, str(there.assignee_id)) if there.assignee_id else "",
            due=there.due_at,
            acts=(
                *acts_in(*self._rest.audits(ref.id), there, self._rest.us().id, self._meaning),
                *rating_in(there, names.get(there.requester_id or 0, "")),
            ),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`, as an internal note unless it is public. Raises Rejected for a closed ticket, which takes none."""
        tail = "\n" + _html(Document((Paragraph(last_line(comment.marker)),)))
        said = {"html_body": _html(comment.body, LONGEST_BODY - len(tail)) + tail, "public": comment.public}
        done = f"comment on ticket {ref.id} was added"
        self._rest.update(ref.id, lambda _: {"comment": said}, done=done)
        with read_back(f"desk {self._desk}: {done}"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a comment of ours has exactly this marker."""
        us = self._rest.us().id
        ours = (one for one in self._rest.comments(ref.id) if one.author_id == us)
        return any(has_mark(plain_of_html(one.html_body), marker) for one in ours)

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower, or if there is none; never lower it."""
        wanted = self._priorities[priority]

        def raised(there: ZendeskTicket) -> dict[str, Any]:
            return {"priority": wanted} if urgency(there.priority) < urgency(wanted) else {}

        there = self._rest.update(ref.id, raised, done=f"priority of ticket {ref.id} was raised")
        if raised(there):
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take priority {wanted}")

    def resolve(self, ref: TicketRef) -> None:
        """Solve the ticket, unless it is solved or closed already; what is required for that and empty is filled in."""
        self._solve(ref)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open a solved ticket again and return it; of a closed one, which stays closed, return the follow-up. Raises TicketGone.

        A follow-up that was made by a request whose answer was lost has our key, and is found by it.
        """
        if self._rest.ticket(ref.id).ticket.status == "closed":
            known = [one.ref for one in self.find(ticket.key) if one.open]
            return known[0] if known else self._open(ticket, via_followup_source_id=numeric(ref.id))

        def opened(there: ZendeskTicket) -> dict[str, Any]:
            return {} if self._status(there) in WORKING else self._set("open")

        there = self._rest.update(ref.id, opened, done=f"ticket {ref.id} was opened again")
        if opened(there):
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} is still {there.status}")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Link `ref` to `original` in an internal note, tag it as a duplicate and solve it.

        Not merged: that cannot be undone, needs a right of its own and is done some time later.
        """
        number = numeric(original.id)
        if self._status(self._rest.ticket(ref.id).ticket) not in WORKING:
            return

        def tagged(there: ZendeskTicket) -> dict[str, Any]:
            return {} if DUPLICATE in there.tags else {"tags": [DUPLICATE]}

        there = self._rest.update(ref.id, tagged, "/tags", done=f"ticket {ref.id} was tagged")
        if tagged(there):
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take the tag {DUPLICATE}")
        note = f'<p>Duplicate of <a href="{self._ref(number).url}">#{number}</a></p>'
        self._solve(ref, comment={"html_body": note, "public": False})

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file to an internal note, and read back that all of it is there.

        Raises Rejected when it is too large for us or for the account. An upload that came on no note is deleted, for
        any agent may read it.
        """
        name, size = attachment.name, len(attachment.content)
        self._rest.ticket(ref.id)
        need_room(attachment, self._options.largest_attachment, self._desk)
        if allowed := self._rest.settings().limits.attachment_size:
            need_room(attachment, allowed, self._desk, "the account")
        token = self._rest.upload(name, attachment.media_type, attachment.content)
        done = f"{name} was attached to ticket {ref.id}"
        note = {"html_body": _html(Document((Paragraph(name),))), "public": False, "uploads": [token]}
        try:
            self._rest.update(ref.id, lambda _: {"comment": note}, done=done)
        except DeskError as error:
            self._withdraw(token, error)
            raise
        with read_back(f"desk {self._desk}: {done}"):
            files = [(file.file_name, file.size) for one in self._rest.comments(ref.id) for file in one.attachments]
            if (name, size) not in files:
                raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket; a comment takes up a file whole or not at all."""
        return any(file.file_name == name for one in self._rest.comments(ref.id) for file in one.attachments)

    def check(self) -> list[Check]:
        """Look at login, rights, settings, group, fields, priorities and statuses of the live desk. Changes nothing."""
        options = self._options
        return checks(
            self._rest,
            group=options.group,
            largest_attachment=options.largest_attachment,
            set_on_create=options.custom_fields,
            set_to_solve=options.resolve_fields,
            task=options.fields.get("type", TASK) == TASK,
            priorities=[self._priorities[one] for one in sorted(self._priorities)],
            statuses=options.statuses,
        )

    # -- asking -----------------------------------------------------------------------------------------------------

    def _open(self, ticket: Ticket, **more: int) -> TicketRef:
        options, kind = self._options, self._options.fields.get("type", TASK)
        priority, marker = self._priorities[ticket.priority], _host_tag(ticket.device.id)
        content = {
            **options.fields,
            "type": kind,
            "subject": cut(_apart(one_line(ticket.title)), LONGEST_SUBJECT),
            "comment": {"html_body": _html(ticket.body), "public": True},
            "external_id": ticket.key,
            "priority": priority,
            "tags": [marker, *map(_tag, ticket.labels)],
            "submitter_id": self._rest.us().id,  # who is the author of the first comment
            "custom_fields": _values(options.custom_fields),
            **more,
        }
        if kind == TASK:
            content["due_at"] = f"{ticket.service_times.fix_due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if options.group:
            content["group_id"] = options.group
        if ticket.customer.contact:
            content["requester"] = {"name": ticket.customer.name, "email": ticket.customer.contact}
        made = self._rest.create(content)
        created = f"desk {self._desk}: ticket {made.id} was created"
        with read_back(created):
            there = self._rest.ticket(str(made.id)).ticket
        if self._status(there) not in WORKING:
            raise NotApplied(
                f"desk {self._desk}: it is {there.status} already; it was made by the same request less than two hours ago,"
                f" as ticket {there.id}"
            )
        values = {str(one.id): one.value for one in there.custom_fields}
        as_asked = {
            "key": there.external_id == ticket.key,
            "host's tag": marker in there.tags,
            "priority": there.priority == priority,
            "due time": kind != TASK or there.due_at is not None,
            **{f"custom field {one}": values.get(one) == options.custom_fields[one] for one in options.custom_fields},
        }
        need_all(as_asked, created, "the account does not have it, or a trigger changed it")
        return self._ref(there.id)

    def _solve(self, ref: TicketRef, **more: Any) -> None:
        us = self._rest.us().id

        def solved(there: ZendeskTicket) -> dict[str, Any]:
            if self._status(there) not in WORKING:
                return {}
            filled = {str(one.id) for one in there.custom_fields if not one.empty}
            empty = {one: value for one, value in self._options.resolve_fields.items() if one not in filled}
            nobodys = {} if there.assignee_id else {"assignee_id": us}  # without one Zendesk solves nothing
            return {**self._set("resolved"), **nobodys, "custom_fields": _values(empty), **more}

        there = self._rest.update(ref.id, solved, done=f"ticket {ref.id} was solved")
        if self._status(there) in WORKING:
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} is still {there.status}")

    def _withdraw(self, token: str, error: DeskError) -> None:
        """Delete an upload; should that fail, let `error` tell that as well."""
        try:
            self._rest.discard(token)
        except DeskError:
            error.args = (f"{error}; the upload could not be deleted either, and any agent may read it",)

    def _set(self, status: Literal["open", "resolved"]) -> dict[str, Any]:
        ids = self._options.statuses.get(status)
        return {"custom_status_id": ids[0]} if ids else {"status": WORDS[status]}

    # -- understanding ----------------------------------------------------------------------------------------------

    def _meaning(self, status: str, custom: str) -> Status:
        """Return what a status means; a custom one what is configured for it, or else the same as its category."""
        means = STATUSES.get(status, "open")
        return means if means in {"closed", "deleted"} else self._meanings.get(custom, means)

    def _status(self, there: ZendeskTicket) -> Status:
        means = self._meaning(there.status, str(there.custom_status_id))
        return "merged" if means == "closed" and MERGED in there.tags else means

    def _word(self, there: ZendeskTicket) -> str:
        """Return the desk's own word for the ticket's status."""
        own = self._rest.statuses().get(there.custom_status_id) if there.custom_status_id else None
        return own.agent_label if own else there.status

    def _priority(self, name: str | None) -> Priority | None:
        return most_urgent(self._priorities, not_above=URGENCIES[: urgency(name) + 1]) if name else None

    def _found(self, there: ZendeskTicket) -> FoundTicket:
        """Return it with its title; of its host there is only a hash on it."""
        working = self._status(there) in WORKING
        return FoundTicket(self._ref(there.id), there.external_id or "", working, there.subject or "")

    def _ref(self, number: int) -> TicketRef:
        return TicketRef(self._desk, str(number), f"{self._url}/agent/tickets/{number}")


def _html(document: Document, longest: int = LONGEST_BODY) -> str:
    """Return `document` as HTML of at most `longest` bytes."""
    return fit(document, lambda part: _apart(to_html(part)), longest, lambda html: len(html.encode()))


def _apart(text: str) -> str:
    """Return `text` with nothing in it that Zendesk fills in: {{ticket...}} or {% ... %}. What parts the signs is not seen."""
    return re.sub(r"\{(?=[{%])", "{\u200b", text)


def _host_tag(host: str) -> str:
    return f"foretell_host_{sha256(host.encode()).hexdigest()[:32]}"


def _tag(label: str) -> str:
    """Return `label` as Zendesk takes a tag: small letters, no spaces and hardly a sign."""
    return re.sub(r"[^\w./-]+", "_", label.lower())


def _values(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"id": int(one), "value": value} for one, value in fields.items()]


def _of_one_ticket(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a limit is on one ticket alone.

    The one on updates, 30 in 10 minutes by one user, is the only one that can ask for a longer wait than a minute: all others,
    which are the account's, count by the minute.
    """
    del body
    wait = headers.get("Retry-After", "")
    return wait.isdigit() and int(wait) > MINUTE


PLUGIN = ClientPlugin(
    name="zendesk",
    summary="Zendesk Support over its REST interface, with an API token or an OAuth access token.",
    options=ZendeskOptions,
    build=Zendesk,
    tested="the vendor's specification and a stateful stand-in; not run against a real account",
    requests_per_minute=200,  # of Zendesk's smallest plan
)
