"""A project of Jira as a desk: everything that is the same for Jira and for Jira Service Management.

How Jira is asked is in `platform`, how our tickets are known again in `labels`, how a workflow is read in `workflow`. The file is
longer than most, because no change of an issue may be taken as done, and two products stand on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, ClassVar

from ticketing_clients._acts import has_mark, plain_of_html
from ticketing_clients._asking import need_room, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext
from ticketing_clients._errors import Conflict, DeskError, NotApplied, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients._jira.acts import acts_of
from ticketing_clients._jira.answers import Issue, Transition
from ticketing_clients._jira.checks import site_checks
from ticketing_clients._jira.labels import HOST, KEY, host_mark, labels_of, marks, without_clones
from ticketing_clients._jira.options import PRIORITIES, JiraPlatformOptions
from ticketing_clients._jira.platform import PER_ISSUE_LIMIT, Platform, quoted
from ticketing_clients._jira.text import LONGEST_SUMMARY, LONGEST_TEXT, summary
from ticketing_clients._jira.workflow import Meanings, listed, only_way, values_for
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
from ticketing_clients._understanding import first_moment, most_urgent

KNOWN_BY = ("labels", "status", "creator", "summary")  # the fields by which our tickets are known
STATE = "status,priority,assignee,duedate,resolution"


def upload(attachment: Attachment) -> dict[str, Any]:
    """Return how a file is sent to Jira, which blocks forms of other sites unless they say that they are none."""
    file = (attachment.name, attachment.content, attachment.media_type)
    return {"files": {"file": file}, "headers": {"X-Atlassian-Token": "no-check"}}


class JiraDesk(ABC):
    """One project of a Jira, as the account of a token sees it. A product on it adds how to open, comment and attach."""

    _known_by: ClassVar[tuple[str, ...]] = KNOWN_BY

    def __init__(
        self,
        options: JiraPlatformOptions,
        context: ClientContext,
        desk: str,
        *,
        cloud: bool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Given the desk's options, what a client is handed, its configured name, which Jira it is, and what each request says.

        Connects to nothing.
        """
        from ticketing_clients._http import Http, basic  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        if cloud and not options.user:
            raise ValueError("user: the cloud wants the e-mail address of the account that the token belongs to")
        token = context.secret(options.token_secret).strip()
        authorisation = basic(options.user, token) if cloud else f"Bearer {token}"
        self._desk = desk
        self._url = options.url.rstrip("/")
        self._settings = options
        self._priorities = PRIORITIES | options.priorities
        self._meanings = Meanings(options.statuses)
        self._http = Http(
            desk,
            options.api_url or self._url,
            headers={"Authorization": authorisation, **(headers or {})},
            secrets=(token, authorisation.partition(" ")[2]),
            ca_file=options.ca_file,
            ticket_limit=lambda headers, _: headers.get("RateLimit-Reason") == PER_ISSUE_LIMIT,
        )
        self._platform = Platform(self._http, desk, options.project, cloud=cloud)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do. How large a file may be, only the site knows."""
        return Capabilities(due="day", longest_title=LONGEST_SUMMARY, longest_body=LONGEST_TEXT)

    # -- what a product adds ----------------------------------------------------------------------------------------

    @abstractmethod
    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""

    @abstractmethod
    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`."""

    @abstractmethod
    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file."""

    def _marks(self, issue: Issue, prefix: str) -> set[str]:
        """Return the keys of ours on an issue, or with prefix HOST the marks of hosts."""
        return marks(issue.fields.labels, prefix)

    def _clause(self, prefix: str, mark: str) -> str:
        """Return the JQL for the issues that may have `mark`."""
        return f"labels = {quoted(prefix + mark)}"

    # -- tickets ----------------------------------------------------------------------------------------------------

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        hits = self._platform.search(self._clause(KEY, key), self._known_by)
        return self._ours(key, hits)

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        mark = host_mark(host)
        hits = [
            one
            for one in self._platform.search(self._clause(HOST, mark), self._known_by)
            if mark in self._marks(one, HOST)
        ]
        keys = {key for one in hits for key in self._marks(one, KEY)}
        found = [one for key in keys for one in self._ours(key, hits) if one.open]
        return sorted(found, key=lambda one: int(one.ref.id))

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state, its newest forty changes or more, and its newest hundred comments. Raises TicketGone."""
        there = self._platform.issue(ref.id, STATE, "changelog")
        fields = there.fields
        return TicketState(
            ref=ref,
            status=self._meanings.of(fields.status),
            desk_status=fields.status.name if fields.status else "",
            priority=self._priority(fields.priority.id) if fields.priority else None,
            handler=fields.assignee.display_name if fields.assignee else "",
            due=first_moment(fields.duedate),
            resolution=fields.resolution.name if fields.resolution else "",
            acts=acts_of(
                there.changelog.histories,
                self._platform.remarks(ref.id),
                self._platform.us().id,
                self._meaning,
                self._settings.wont_fix_resolutions,
            ),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether one of our comments among the newest hundred has exactly this marker."""
        us = self._platform.us().id
        ours = [one for one in self._platform.remarks(ref.id) if one.author and one.author.id == us]
        return any(has_mark(plain_of_html(one.rendered_body), marker) for one in ours)

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower in the site's order; never lower it."""
        wanted, order = self._priorities[priority], [one.id for one in self._platform.priorities()]
        if wanted not in order:
            raise Rejected(f"desk {self._desk}: there is no priority {wanted}; see `foretell doctor`")

        def is_lower() -> bool:
            present = self._platform.issue(ref.id, "priority").fields.priority
            return present is None or present.id in order[order.index(wanted) + 1 :]

        if is_lower():
            self._edit(ref, f"priority {wanted}", {"fields": {"priority": {"id": wanted}}})
            with read_back(f"desk {self._desk}: priority {wanted} was asked for on ticket {ref.id}"):
                if is_lower():
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take priority {wanted}")

    def resolve(self, ref: TicketRef) -> None:
        """Bring the ticket to a resolved status by its workflow, unless it is closed already."""
        self._close(ref, self._settings.resolution)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again; where its workflow does not, open a follow-up that is linked to it. Return the open one."""
        if self._status(ref) in WORKING:
            return ref
        ways = self._platform.transitions(ref.id)
        for meaning in ("open", "new", "waiting"):
            if back := self._meanings.towards(ways, meaning):
                self._go(ref, back[0], self._values(ref, back[0]))
                return ref
        for one in self.find(ticket.key):
            if one.open:
                return one.ref  # made by an earlier try whose outcome was unknown
        follow_up = self.open(ticket)
        with read_back(f"desk {self._desk}: ticket {follow_up.id} was created"):
            self._link(follow_up, ref, self._settings.follow_up_link)
        return follow_up

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Link `ref` to `original` as its duplicate, and close it."""
        self._link(ref, original, self._settings.duplicate_link)
        self._close(ref, self._settings.duplicate_resolution or self._settings.resolution)

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket; Jira takes a file whole or not at all."""
        return any(one.filename == name for one in self._platform.issue(ref.id, "attachment").fields.attachment)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, project, permissions, and at what opening and resolving ask for. Changes nothing."""
        checks = [Check.of("login", found=self._platform.us().display_name or self._platform.us().id)]
        try:
            self._platform.project()
        except DeskError as error:
            hint = "write the project's key, and let this account browse it"
            return [*checks, Check.of(f"project {self._settings.project}", str(error), hint)]
        checks += site_checks(self._platform, self._settings, self._priorities)
        return [*checks, self._check_resolving(), *self._check_opening()]

    def _check_opening(self) -> list[Check]:
        """Look at what opening a ticket asks for."""
        raise NotImplementedError

    def _check_resolving(self) -> Check:
        """Look at the ways that the newest open ticket could go: what a workflow asks for, only an issue can tell."""
        newest = self._platform.newest("statusCategory != Done")
        if newest is None:
            return Check.of("resolving", found="not told before the project has an open ticket")
        try:
            way = self._towards_end(self._platform.transitions(newest.id), list(self._settings.resolve_via))
            values_for(way, self._settings.resolution, self._settings.transition_fields)
        except Rejected as error:
            return Check.of("resolving", str(error), "set it as it says")
        return Check.of("resolving", found=f"{newest.key} may go to {way.to.name} ({way.to.id})")

    # -- opening ----------------------------------------------------------------------------------------------------

    def _fields(self, ticket: Ticket) -> dict[str, Any]:
        """Return the fields of a new ticket but for its text; what is configured comes before, and only labels are joined."""
        further, day = self._settings.fields, ticket.service_times.fix_due.astimezone(UTC).date()
        return {
            **further,
            "summary": summary(ticket.title),
            "labels": [*further.get("labels", []), *labels_of(ticket)],
            "priority": {"id": self._priorities[ticket.priority]},
            **({"duedate": day.isoformat()} if self._settings.set_due else {}),
        }

    def _made(self, number: str, fields: Mapping[str, Any], flaws: Iterable[str] = ()) -> TicketRef:
        """Return where the new ticket is. Raises NotApplied when it has `flaws`, or when it lacks what was asked for."""
        with read_back(f"desk {self._desk}: ticket {number} was created"):
            there = self._platform.issue(number, "labels,priority,duedate,description")
        has = there.fields
        as_asked = {
            "labels": set(fields["labels"]) <= set(has.labels),
            "priority": has.priority is not None and has.priority.id == fields["priority"]["id"],
            "due date": not self._settings.set_due or str(has.duedate) == fields["duedate"],
            "description": bool(has.description),
        }
        absent = [name for name, well in as_asked.items() if not well]
        wrong = [*flaws, *([f"it has not the {', '.join(absent)} asked for"] if absent else [])]
        if wrong:
            raise NotApplied(f"desk {self._desk}: ticket {number} was created, but {'; '.join(wrong)}")
        return self._ref(there)

    # -- asking -----------------------------------------------------------------------------------------------------

    def _status(self, ref: TicketRef) -> Status:
        return self._meanings.of(self._platform.issue(ref.id, "status").fields.status)

    def _change(self, method: str, ref: TicketRef, what: str, content: dict[str, Any]) -> None:
        """Ask for a change that may be asked for twice. Raises OutcomeUnknown when another came between: it is for later."""
        path = f"{self._platform.path(ref.id)}{what}"
        try:
            self._http.change(method, path, type(None), ticket=ref.id, json=content)
        except Conflict as error:
            raise OutcomeUnknown(str(error)) from error

    def _edit(self, ref: TicketRef, what: str, content: dict[str, Any]) -> None:
        """Change fields of a ticket. Raises Rejected with what to mend, for Jira refuses a field that is on no edit screen."""
        try:
            self._change("PUT", ref, "", content)
        except TicketGone:
            raise
        except Rejected as error:
            raise Rejected(f"{error}; to set the {what}, put the field on the project's edit screen") from error

    def _close(self, ref: TicketRef, resolution: str) -> None:
        """Go to a resolved status, through those configured where no way leads there at once."""
        status, via = self._status(ref), list(self._settings.resolve_via)
        while status in WORKING:
            ways = self._platform.transitions(ref.id)
            try:
                way = self._towards_end(ways, via)
            except Rejected as error:
                raise Rejected(f"desk {self._desk}: ticket {ref.id} is not resolved: {error}") from error
            status = self._go(ref, way, self._values(ref, way, resolution))

    def _towards_end(self, ways: list[Transition], via: list[str]) -> Transition:
        """Return the way to the end, or to the next status of `via`, which it takes out. Raises Rejected where there is none."""
        resolved, closed = (self._meanings.towards(ways, one) for one in ("resolved", "closed"))
        if end := only_way(resolved or closed, "statuses, as resolved"):
            return end
        for way in ways:
            if way.to.id in via:
                via.remove(way.to.id)
                return way
        raise Rejected(f"from here this account may go to {listed(ways)}; name the way in resolve_via")

    def _values(self, ref: TicketRef, way: Transition, resolution: str = "") -> dict[str, Any]:
        """Return the fields that a transition asks for. Raises Rejected when one is not configured."""
        try:
            return values_for(way, resolution, self._settings.transition_fields)
        except Rejected as error:
            raise Rejected(f"desk {self._desk}: ticket {ref.id} does not go to {way.to.name}: {error}") from error

    def _go(self, ref: TicketRef, way: Transition, values: dict[str, Any]) -> Status:
        """Take a transition and return the status; raise NotApplied when reading back shows that the ticket did not arrive."""
        content: dict[str, Any] = {"transition": {"id": way.id}}
        if values:
            content["fields"] = values
        self._change("POST", ref, "/transitions", content)
        with read_back(f"desk {self._desk}: ticket {ref.id} was sent to {way.to.name}"):
            status = self._status(ref)
        if (status in WORKING) != (self._meanings.of(way.to) in WORKING):
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not {way.to.name} ({way.to.id})")
        return status

    def _link(self, ref: TicketRef, other: TicketRef, name: str) -> None:
        """Link `ref` to `other`, unless it is."""

        def linked() -> bool:
            links = self._platform.issue(ref.id, "issuelinks").fields.issuelinks
            ends = [(one.type.name, end.id) for one in links for end in (one.inward_issue, one.outward_issue) if end]
            return (name, other.id) in ends

        if not linked():
            self._platform.link(ref.id, other.id, name)
            with read_back(f"desk {self._desk}: ticket {ref.id} was linked"):
                if not linked():
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not linked to ticket {other.id}")

    def _need_room(self, attachment: Attachment) -> None:
        """Raise Rejected when the site takes no files, or none so large."""
        may = self._platform.attachment_settings()
        if not may.enabled:
            raise Rejected(f"desk {self._desk}: {attachment.name} cannot be attached, for the site takes no files")
        need_room(attachment, may.upload_limit, self._desk, "the site")

    def _read_back_file(self, ref: TicketRef, attachment: Attachment) -> None:
        """Raise NotApplied unless the whole file is on the ticket."""
        name, size = attachment.name, len(attachment.content)
        with read_back(f"desk {self._desk}: {name} was attached to ticket {ref.id}"):
            files = self._platform.issue(ref.id, "attachment").fields.attachment
            if not any((one.filename, one.size) == (name, size) for one in files):
                raise NotApplied(f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}")

    # -- understanding ----------------------------------------------------------------------------------------------

    def _ours(self, key: str, hits: Iterable[Issue]) -> list[FoundTicket]:
        """Return of the hits those that carry exactly `key` and are no clones of somebody's; of a host there is only a hash."""
        ours = without_clones((one for one in hits if key in self._marks(one, KEY)), self._platform.us().id)
        return [
            FoundTicket(self._ref(one), key, self._meanings.of(one.fields.status) in WORKING, one.fields.summary)
            for one in ours
        ]

    def _meaning(self, number: str) -> Status:
        """Return what the status with this id means; one that is gone means open."""
        return self._meanings.of(next((one for one in self._platform.statuses() if one.id == number), None))

    def _priority(self, number: str) -> Priority:
        order = [one.id for one in self._platform.priorities()]
        return most_urgent(self._priorities, not_above=order[order.index(number) :] if number in order else [])

    def _ref(self, issue: Issue) -> TicketRef:
        return TicketRef(self._desk, issue.id, f"{self._url}/browse/{issue.key}")
