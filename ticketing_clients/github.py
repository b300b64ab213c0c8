"""Issues of a repository at GitHub, or at GitHub Enterprise Server.

Its ways, each from its documentation, that shape this file:
- Labels, assignees and more are dropped in silence where the user may not write. So that right is looked up first, and what was
  made is read back.
- There is no field for a key. It stands in a comment that only the source of the text shows; labels, of which there can be only
  so many, narrow the search down to what has to be looked through. The search interface lags and is not used.
- Everybody who sees the repository sees everything, and may steer a case. So it has to be a private one, and there are no
  internal comments.
- Priority is a label. A ticket is open or closed, and closed for a reason; it has no due date and takes no files.
- An issue can be transferred to another repository (301) or deleted (410).
- A limit on what is written, apart from the one on requests: 80 a minute and 500 an hour; `_http` knows how it is told.

How it is asked is in `_github.rest`, what it shares with GitLab in `_issues`. The file is longer than most clients, because
every change is read back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from ticketing_clients import _issues
from ticketing_clients._acts import meant_by, said
from ticketing_clients._asking import need_all, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import cut, one_line
from ticketing_clients._errors import NotApplied, NotAuthorised, Rejected, TicketGone
from ticketing_clients._github.rest import Event, GitHubRest, Issue, Said
from ticketing_clients._options import CaFile, SecretName
from ticketing_clients._ticket import (
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

LONGEST_TITLE = 256  # code points; GitHub refuses more
LONGEST_BODY = 65_536  # code points; what its refusal says, and never more than the bytes that were measured
API_VERSION = "2022-11-28"  # the one that Enterprise Server knows too
CLOSED_AS: dict[str | None, Status] = {"not_planned": "rejected", "duplicate": "merged"}


class GitHubOptions(ClientOptions, frozen=True, kw_only=True):
    """Which repository, and how its labels are called."""

    repository: Annotated[
        str,
        msgspec.Meta(
            description="Private repository that gets the tickets, as OWNER/NAME.", pattern=r"^[\w.-]+/[\w.-]+$"
        ),
    ]
    url: Annotated[
        str, msgspec.Meta(description="Address of the REST API; https://HOST/api/v3 for an Enterprise Server.")
    ] = "https://api.github.com"
    token_secret: Annotated[
        SecretName,
        msgspec.Meta(
            description="Name of the secret that holds an access token of a user who may write to the repository;"
            " a fine-grained one with issues: read and write."
        ),
    ] = "github"  # noqa: S105 - the secret's name
    priorities: Annotated[
        dict[Priority, _issues.LabelName],
        msgspec.Meta(description="Names of the labels for priorities where they differ from P1, P2, P3 and P4."),
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further fields set when a ticket is opened: assignees, labels, milestone, type."),
    ] = msgspec.field(default_factory=dict)
    ca_file: CaFile = ""


class GitHub:
    """One repository, as the user of an access token sees it."""

    def __init__(self, options: GitHubOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "Foretell",
        }
        self._desk = desk
        self._fields = options.fields
        self._labels = _issues.PRIORITIES | options.priorities
        self._http = Http(desk, options.url, headers=headers, secrets=(token,), ca_file=options.ca_file)
        self._rest = GitHubRest(self._http, desk, options.repository)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            internal_comment=False,
            due="none",
            attach=False,
            longest_title=LONGEST_TITLE,
            longest_body=LONGEST_BODY,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._rest.need_repository()
        labels = _issues.labels_of(ticket, self._fields.get("labels", []), self._labels)
        content = {
            **self._fields,
            "title": cut(one_line(ticket.title), LONGEST_TITLE),
            "body": _issues.opening_text(ticket, LONGEST_BODY),
            "labels": labels,
        }
        made = self._http.change("POST", f"{self._rest.path}/issues", Issue, json=content)
        created = f"desk {self._desk}: ticket {made.number} was created"
        with read_back(created):
            there = self._rest.issue(str(made.number))
        assigned = _issues.folded([one.login for one in there.assignees])
        as_asked = {
            "labels": _issues.folded(labels) <= _issues.folded(there.label_names),
            "key": there.mark[0] == ticket.key,
            "assignees": _issues.folded(self._fields.get("assignees", [])) <= assigned,
        }
        need_all(as_asked, created, "this user may not set it, or somebody changed it")
        return self._ref(there)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        return [one for one in self._search("all", labels=_issues.key_label(key)) if one.key == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return [one for one in self._search("open", labels=_issues.host_label(host)) if one.host == host]

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        return [one for one in self._search("open", creator=self._rest.us().login) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.issue(ref.id)
        return TicketState(
            ref=ref,
            status=_status(there),
            desk_status=there.state if there.state_reason is None else f"{there.state} ({there.state_reason})",
            priority=self._priority(there),
            handler=", ".join(one.login for one in there.assignees),
            resolution=there.state_reason or "" if there.state == "closed" else "",
            acts=tuple(self._acts(there)),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`, which everybody who sees the ticket can read. Raises Rejected where the conversation is locked."""
        there = self._rest.issue(ref.id)
        body = _issues.comment_text(comment.body, comment.marker, LONGEST_BODY)
        try:
            self._http.change("POST", f"{self._path(there)}/comments", Said, ticket=ref.id, json={"body": body})
        except NotAuthorised as error:
            if there.locked:  # refused for this one alone
                raise Rejected(f"desk {self._desk}: ticket {ref.id} is locked: {error}") from error
            raise
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a comment of ours has exactly this marker."""
        us, path = self._rest.us().id, f"{self._path(self._rest.issue(ref.id))}/comments"
        ours = (one for one in self._rest.pages(path, Said, {}, ref.id) if one.user is not None and one.user.id == us)
        return any(_issues.has_marker(one.body or "", marker) for one in ours)

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Put on the label of `priority`, and take off those of lower ones, unless there is one of a higher."""
        there, wanted = self._rest.issue(ref.id), self._labels[priority]
        present = self._priority(there)
        if present is not None and present < priority:
            return
        path = f"{self._path(there)}/labels"
        if present != priority:
            self._http.change("POST", path, list[Any], ticket=ref.id, json={"labels": [wanted]})
        for label in _issues.lower_labels(there.label_names, self._labels, priority):
            # Somebody may have taken it off meanwhile; if it is the ticket that is not there, reading back tells.
            with contextlib.suppress(TicketGone):
                self._http.change("DELETE", f"{path}/{quote(label, safe='')}", list[Any], ticket=ref.id)
        with read_back(f"desk {self._desk}: label {wanted} was put on ticket {ref.id}"):
            now = self._priority(self._rest.issue(ref.id))
            if now is None or now > priority:
                raise NotApplied(f"desk {self._desk}: ticket {ref.id} does not have the label {wanted}")

    def resolve(self, ref: TicketRef) -> None:
        """Close the ticket as completed, unless it is closed already."""
        self._set(ref, "closed", state_reason="completed")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it. Raises TicketGone for a deleted or transferred one."""
        del ticket  # one that is gone is told as gone, and whoever asked decides
        self._set(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Close `ref` as a duplicate of `original`, which links them."""
        number = self._rest.issue(original.id).id
        self._set(ref, "closed", state_reason="duplicate", duplicate_issue_id=number)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Refuse: the interface takes no files."""
        raise Rejected(f"desk {self._desk}: GitHub takes no files, so {attachment.name} is not on ticket {ref.id}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return that there is none."""
        del ref, name
        return False

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at the login, and at whether the repository can be a desk. Changes nothing."""
        login = Check.of("login", found=self._rest.us().login)
        try:
            repository = self._rest.repository()
        except NotAuthorised as error:
            hint = "write the repository as OWNER/NAME, and give this token access to it"
            return [login, Check.of("repository", str(error), hint)]
        hint = "use a private repository with issues, to which this user may write"
        return [login, Check.of(f"repository {repository.full_name}", "; ".join(repository.obstacles()), hint)]

    # -- asking and understanding -----------------------------------------------------------------------------------

    def _set(self, ref: TicketRef, state: str, **values: Any) -> None:
        """Open or close a ticket that is not yet; raise NotApplied when reading back shows that it did not happen."""
        there = self._rest.issue(ref.id)
        if there.state == state:
            return
        self._http.change("PATCH", self._path(there), Issue, ticket=ref.id, json={"state": state, **values})
        with read_back(f"desk {self._desk}: ticket {ref.id} was set to {state}"):
            if self._rest.issue(ref.id).state != state:
                raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not {state}")

    def _acts(self, there: Issue) -> Iterator[Act]:
        """Yield what people did; a program, or an account that is deleted, is nobody."""
        us, path = self._rest.us().id, f"{self._path(there)}/timeline"
        for one in self._rest.pages(path, Event, {}, str(there.number)):
            if one.actor is None or one.actor.type != "User" or one.actor.id == us or not (one.id and one.created_at):
                continue
            kind: ActKind | None = None
            match one.event:
                case "commented":
                    yield from said(f"comment-{one.id}", one.actor.login, one.created_at, one.body or "")
                case "closed":
                    kind = meant_by("open", CLOSED_AS.get(one.state_reason, "resolved"))
                case "reopened":
                    kind = meant_by("resolved", "open")
                case "assigned":
                    kind = "acknowledge"
            if kind:
                yield Act(id=f"event-{one.id}", kind=kind, by=one.actor.login, at=one.created_at)

    def _priority(self, there: Issue) -> Priority | None:
        """Return the most urgent priority whose label is on the ticket."""
        return _issues.priority_of(there.label_names, self._labels)

    def _path(self, there: Issue) -> str:
        return f"{self._rest.path}/issues/{there.number}"

    def _search(self, state: str, **wanted: str) -> list[FoundTicket]:
        found = self._rest.search(state, **wanted)
        return [FoundTicket(self._ref(one), one.mark[0], one.state == "open", one.title, one.mark[1]) for one in found]

    def _ref(self, there: Issue) -> TicketRef:
        return TicketRef(self._desk, str(there.number), there.html_url)


def _status(there: Issue) -> Status:
    if there.state == "closed":
        return CLOSED_AS.get(there.state_reason, "resolved")
    return "open" if there.assignees else "new"


PLUGIN = ClientPlugin(
    name="github",
    summary="Issues of a private repository at GitHub or GitHub Enterprise Server, with an access token.",
    options=GitHubOptions,
    build=GitHub,
    tested="the vendor's specification and a stateful stand-in; not run against the real service",
    requests_per_minute=83,  # 5,000 an hour
)
