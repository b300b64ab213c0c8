"""Issues of a project at GitLab. Written from its documentation and source, not run against a real server.

Its ways, each from there, that shape this file:
- Labels and more are dropped in silence where the user's role is too low, and an internal note becomes a public one. So the role
  is looked up first, and what was made is read back.
- There is no field for a key. It stands in a comment that only the source of the text shows (`_issues`).
- A line that begins with a slash is an order to GitLab, and is left out of the text. None of ours does.
- A confidential issue is seen by those with at least the role of Planner or Reporter, and by whom it is assigned to. An internal
  note is kept from the latter. Files belong to the project and are linked in a note.
- A list of notes leaves out what this user may not see, after it was cut into pages: a short page is not the last one.
- An issue is open or closed, for no reason; a duplicate is known by its link. That somebody was assigned is told only in words.
- A moved issue is left behind closed. A deleted one is gone for good.

How it is asked is in `_gitlab.rest`. The file is longer than most clients, because every change is read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Annotated, Any

import msgspec

from ticketing_clients import _issues
from ticketing_clients._acts import meant_by, said
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import cut, one_line
from ticketing_clients._errors import NotApplied, NotAuthorised
from ticketing_clients._gitlab.rest import Change, GitLabRest, Issue, Note, Upload, User
from ticketing_clients._options import Bytes, CaFile, SecretName
from ticketing_clients._ticket import (
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
from ticketing_clients._understanding import first_moment

LONGEST_TITLE = 255  # code points; GitLab refuses more
LONGEST_BODY = 100_000  # code points; ours, for GitLab takes a megabyte and then shows it slowly
# Accounts of access tokens, service accounts and GitLab's own ones.
PROGRAM = re.compile(r"(project|group)_\d+_bot\w*|service_account_\w+|ghost\d*|[\w-]+-bot\d*", re.IGNORECASE)


class GitLabOptions(ClientOptions, frozen=True, kw_only=True):
    """Which project, and how its labels are called."""

    project: Annotated[
        str,
        msgspec.Meta(
            description="Path of the project that gets the tickets, as in its address, or its number.", min_length=1
        ),
    ]
    url: Annotated[str, msgspec.Meta(description="Web address of GitLab, as people open it.")] = "https://gitlab.com"
    token_secret: Annotated[
        SecretName,
        msgspec.Meta(
            description="Name of the secret that holds an access token (scope api) with the role of Reporter."
        ),
    ] = "gitlab"  # noqa: S105 - the secret's name
    confidential: Annotated[
        bool, msgspec.Meta(description="Whether tickets are opened confidential: kept from guests of the project.")
    ] = True
    priorities: Annotated[
        dict[Priority, _issues.LabelName],
        msgspec.Meta(description="Names of the labels for priorities where they differ from P1, P2, P3 and P4."),
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further fields set when a ticket is opened: assignee_ids, labels, milestone_id, weight."
        ),
    ] = msgspec.field(default_factory=dict)
    largest_attachment: Annotated[Bytes, msgspec.Meta(description="Bytes of a file, at most GitLab's own maximum.")] = (
        10 * 1024 * 1024
    )
    ca_file: CaFile = ""


class GitLab:
    """One project, as the user of an access token sees it."""

    def __init__(self, options: GitLabOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        self._options = options
        self._desk = desk
        self._labels = _issues.PRIORITIES | options.priorities
        self._http = Http(
            desk,
            f"{options.url.rstrip('/')}/api/v4",
            headers={"PRIVATE-TOKEN": token},
            secrets=(token,),
            ca_file=options.ca_file,
        )
        self._rest = GitLabRest(self._http, desk, options.project)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            due="day",
            longest_title=LONGEST_TITLE,
            longest_body=LONGEST_BODY,
            largest_attachment=self._options.largest_attachment,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._rest.need_project()
        fields, due = self._options.fields, ticket.service_times.fix_due.astimezone(UTC).date()
        labels = _issues.labels_of(ticket, fields.get("labels", []), self._labels)
        content = {
            **fields,
            "title": cut(one_line(ticket.title), LONGEST_TITLE),
            "description": _without_orders(_issues.opening_text(ticket, LONGEST_BODY)),
            "labels": ",".join(labels),
            "confidential": self._options.confidential,
            "due_date": due.isoformat(),
        }
        made = self._http.change("POST", f"{self._rest.path}/issues", Issue, json=content)
        created = f"desk {self._desk}: ticket {made.iid} was created"
        with read_back(created):
            there = self._rest.issue(str(made.iid))
        as_asked = {
            "labels": _issues.folded(labels) <= _issues.folded(there.labels),
            "key": there.mark[0] == ticket.key,
            "confidentiality": there.confidential or not self._options.confidential,
            "due date": there.due_date == due,
            "assignees": set(fields.get("assignee_ids", [])) <= {one.id for one in there.assignees},
        }
        need_all(as_asked, created, "this user may not set it, or somebody changed it")
        return self._ref(there)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        return [one for one in self._search("all", labels=_issues.key_label(key)) if one.key == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return [one for one in self._search("opened", labels=_issues.host_label(host)) if one.host == host]

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        return [one for one in self._search("opened", author_id=self._rest.us().id) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.issue(ref.id)
        return TicketState(
            ref=ref,
            status=_status(there),
            desk_status=there.state,
            priority=_issues.priority_of(there.labels, self._labels),
            handler=", ".join(one.name for one in there.assignees),
            due=first_moment(there.due_date),
            acts=tuple(sorted(self._acts(there), key=lambda act: act.at)),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment` as a note, an internal one unless it is public. Raises NotAuthorised where it could not be internal."""
        text = _issues.comment_text(comment.body, comment.marker, LONGEST_BODY)
        self._note(ref, text, comment.marker, internal=not comment.public)

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a note of ours has exactly this marker."""
        return self._noted(ref, marker) is not None

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Put on the label of `priority`, and take off those of lower ones, unless there is one of a higher."""
        labels = self._rest.issue(ref.id).labels
        present, lower = _issues.priority_of(labels, self._labels), _issues.lower_labels(labels, self._labels, priority)
        if present is not None and (present < priority or (present == priority and not lower)):
            return
        off = {"remove_labels": ",".join(lower)} if lower else {}
        there = self._change(ref, add_labels=self._labels[priority], **off)
        now = _issues.priority_of(there.labels, self._labels)
        if now is None or now > priority:
            raise NotApplied(f"desk {self._desk}: ticket {ref.id} does not have the label {self._labels[priority]}")

    def resolve(self, ref: TicketRef) -> None:
        """Close the ticket, unless it is closed already."""
        if self._rest.issue(ref.id).state == "opened":
            self._need(self._change(ref, state_event="close"), "closed")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it. Raises TicketGone for a deleted or moved one."""
        del ticket  # one that is gone is told as gone, and whoever asked decides
        if self._rest.issue(ref.id).state != "opened":
            self._need(self._change(ref, state_event="reopen"), "opened")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Close `ref` as a duplicate of `original`, which links them: an order in a note, for there is no other way."""
        there = self._rest.issue(ref.id)
        if there.state == "opened":
            order = {"body": f"/duplicate #{numeric(original.id)}"}
            self._http.change("POST", f"{self._path(there)}/notes", dict[str, Any], ticket=ref.id, json=order)
            with read_back(f"desk {self._desk}: ticket {ref.id} was closed as a duplicate"):
                self._need(self._rest.issue(ref.id), "closed")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Upload a file, and link it in an internal note. Raises Rejected when it is too large for us or for GitLab."""
        name = attachment.name
        need_room(attachment, self._options.largest_attachment, self._desk)
        self._rest.need_project()
        self._rest.issue(ref.id)
        files = {"file": (name, attachment.content, attachment.media_type)}
        link = self._http.change("POST", f"{self._rest.path}/uploads", Upload, files=files).markdown
        self._note(ref, _issues.ended_by(link, _file(name)), _file(name), internal=True)

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is linked in a note of ours."""
        return self.has_comment(ref, _file(name))

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at the login, and at whether the project can be a desk. Changes nothing."""
        login = Check.of("login", found=self._rest.us().username)
        subject = f"project {self._options.project}"
        try:
            obstacles = "; ".join(self._rest.obstacles())
        except NotAuthorised as error:
            hint = "write the project's path, and make this user a member"
            return [login, Check.of(subject, str(error), hint)]
        return [
            login,
            Check.of(subject, obstacles, "use a private project with issues, in which this user is Reporter"),
        ]

    # -- asking -----------------------------------------------------------------------------------------------------

    def _change(self, ref: TicketRef, **values: str) -> Issue:
        """Change a ticket, and return it as it is then."""
        path = f"{self._rest.path}/issues/{numeric(ref.id)}"
        self._http.change("PUT", path, Issue, ticket=ref.id, json=values)
        with read_back(f"desk {self._desk}: ticket {ref.id} was changed"):
            return self._rest.issue(ref.id)

    def _need(self, there: Issue, state: str) -> None:
        if there.state != state:
            raise NotApplied(f"desk {self._desk}: ticket {there.iid} is not {state}")

    def _note(self, ref: TicketRef, text: str, marker: str, *, internal: bool) -> None:
        if internal:
            self._rest.need_project()
        there, content = self._rest.issue(ref.id), {"body": _without_orders(text), "internal": internal}
        self._http.change("POST", f"{self._path(there)}/notes", Note, ticket=ref.id, json=content)
        with read_back(f"desk {self._desk}: a note was added to ticket {ref.id}"):
            note = self._noted(ref, marker)
        if note is None or note.internal != internal:
            raise NotApplied(f"desk {self._desk}: the note is not on ticket {ref.id} as it was asked for")

    def _noted(self, ref: TicketRef, marker: str) -> Note | None:
        us, notes = self._rest.us().id, self._rest.notes(self._rest.issue(ref.id).iid)
        return next((one for one in notes if one.author.id == us and _issues.has_marker(one.body, marker)), None)

    def _search(self, state: str, **wanted: str | int) -> list[FoundTicket]:
        found = self._rest.search(state, **wanted)
        return [
            FoundTicket(self._ref(one), one.mark[0], one.state == "opened", one.title, one.mark[1]) for one in found
        ]

    # -- understanding ----------------------------------------------------------------------------------------------

    def _acts(self, there: Issue) -> Iterator[Act]:
        """Yield what people did: in notes, and by closing and opening, of which there are no notes."""
        for note in self._rest.notes(there.iid):
            if not self._person(note.author):
                continue
            if not note.system:
                number, by = f"note-{note.id}", note.author.name
                yield from said(number, by, note.created_at, note.body, internal=note.internal)
            elif note.body.startswith("assigned to "):  # in English, whatever people's languages are
                yield Act(id=f"note-{note.id}", kind="acknowledge", by=note.author.name, at=note.created_at)
        path = f"{self._path(there)}/resource_state_events"
        for change in self._rest.pages(path, Change, ticket=str(there.iid)):
            kind = meant_by("open", _closed(there)) if change.state == "closed" else meant_by("closed", "open")
            if kind and change.user is not None and self._person(change.user):
                yield Act(id=f"state-{change.id}", kind=kind, by=change.user.name, at=change.created_at)

    def _person(self, user: User) -> bool:
        return user.id != self._rest.us().id and not PROGRAM.fullmatch(user.username)

    def _path(self, there: Issue) -> str:
        return f"{self._rest.path}/issues/{there.iid}"

    def _ref(self, there: Issue) -> TicketRef:
        return TicketRef(self._desk, str(there.iid), there.web_url)


def _status(there: Issue) -> Status:
    if there.state == "opened":
        return "open" if there.assignees else "new"
    return _closed(there)


def _closed(there: Issue) -> Status:
    return "merged" if there.links.closed_as_duplicate_of else "closed"


def _without_orders(text: str) -> str:
    """Return `text` with a space before each slash that begins a line: only shown logs have one, everything else is escaped."""
    return re.sub("^/", " /", text, flags=re.MULTILINE)


def _file(name: str) -> str:
    return f"file {name}"


PLUGIN = ClientPlugin(
    name="gitlab",
    summary="Issues of a project at GitLab, with an access token.",
    options=GitLabOptions,
    build=GitLab,
    tested="a stateful stand-in that behaves as documented; not run against a real server",
)
