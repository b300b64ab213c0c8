"""Jira Cloud over version 3 of its REST interface, and Jira Data Center over version 2.

Its ways, each from its documentation, that shape this file:
- A field that is on no screen of the project is refused with 400, the priority and the due date among them, and so is a summary
  with a line break. So the screen is looked at before a ticket is made: then the reason says what to put where.
- Texts are its document format in the cloud, its wiki markup in a data center; each refuses the other's.
- It has no merged issues, and a deleted one is gone for good.
- Who sees an issue sees its comments, unless they are limited to a role: a project that customers may browse needs
  `internal_role`.

Where our key is, and how it is found in spite of an index that lags, is told in `_jira/labels` and `_jira/platform`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ticketing_clients._acts import last_line
from ticketing_clients._asking import read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientPlugin
from ticketing_clients._document import Document
from ticketing_clients._errors import DeskError, NotApplied, Rejected
from ticketing_clients._jira import text
from ticketing_clients._jira.checks import missing_fields
from ticketing_clients._jira.desk import JiraDesk, upload
from ticketing_clients._jira.options import Id, JiraPlatformOptions
from ticketing_clients._ticket import Attachment, Comment, Ticket, TicketRef


class JiraOptions(JiraPlatformOptions, frozen=True, kw_only=True):
    """What an issue is made of."""

    issue_type: Annotated[
        Id, msgspec.Meta(description="Id of the issue type of the tickets, see the project's settings.")
    ]
    deployment: Annotated[
        Literal["cloud", "data_center"],
        msgspec.Meta(
            description="Which Jira it is: cloud (user and API token) or data_center (personal access token)."
        ),
    ] = "cloud"
    internal_role: Annotated[
        str,
        msgspec.Meta(
            description="Name of the project role that alone may read internal comments; without it, all who see the ticket may."
        ),
    ] = ""


class Made(msgspec.Struct, frozen=True):
    """What an issue's creation answers."""

    id: str


class Jira(JiraDesk):
    """One project of a Jira, in which tickets are issues of one type."""

    def __init__(self, options: JiraOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        super().__init__(options, context, desk, cloud=options.deployment == "cloud")
        self._options = options

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return msgspec.structs.replace(super().capabilities, internal_comment=bool(self._options.internal_role))

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        fields = {
            **self._fields(ticket),
            "project": {"key": self._options.project},
            "issuetype": {"id": self._options.issue_type},
            "description": self._text(ticket.body),
        }
        self._platform.need_project()
        if wrong := self._obstacles(fields):
            kind = f"issue type {self._options.issue_type} of project {self._options.project}"
            raise Rejected(f"desk {self._desk}: no ticket can be made with {kind}: {wrong}; see `foretell doctor`")
        made = self._http.change("POST", f"{self._platform.api}/issue", Made, json={"fields": fields})
        return self._made(made.id, fields)

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`, limited to the internal role unless it is public."""
        content: dict[str, Any] = {"body": self._text(comment.body, last_line(comment.marker))}
        if not comment.public and self._options.internal_role:
            content["visibility"] = {"type": "role", "value": self._options.internal_role}
        self._platform.issue(ref.id, "status")  # asked first, for 404 to a change may mean us as well
        path = f"{self._platform.path(ref.id)}/comment"
        self._http.change("POST", path, Made, ticket=ref.id, json=content)
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if not self.has_comment(ref, comment.marker):
                raise NotApplied(f"desk {self._desk}: the comment is not on ticket {ref.id}")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file, and read back that all of it is there. Raises Rejected when the site does not take so much."""
        self._platform.issue(ref.id, "status")
        self._need_room(attachment)
        path = f"{self._platform.path(ref.id)}/attachments"
        self._http.change("POST", path, list[Made], ticket=ref.id, **upload(attachment))
        self._read_back_file(ref, attachment)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def _check_opening(self) -> list[Check]:
        """Look at the screen on which issues of the configured type are made."""
        subject = f"issue type {self._options.issue_type}"
        try:
            return [
                Check.of(subject, self._obstacles(self._options.fields), "put the fields on the screen for creating")
            ]
        except DeskError as error:
            return [Check.of(subject, str(error), "write the id of a type that the project has")]

    # -- writing ----------------------------------------------------------------------------------------------------

    def _obstacles(self, given: dict[str, Any]) -> str:
        """Return what keeps a ticket with the `given` fields from being made."""
        ours = {"summary", "description", "labels", "priority"} | ({"duedate"} if self._options.set_due else set())
        screen = self._platform.create_fields(self._options.issue_type)
        return missing_fields(screen, dict.fromkeys(ours) | given, ours)

    def _text(self, body: Document, last: str = "") -> Any:
        return (text.adf if self._platform.cloud else text.wiki)(body, last)


PLUGIN = ClientPlugin(
    name="jira",
    summary="Jira Cloud with an API token, and Jira Data Center with a personal access token.",
    options=JiraOptions,
    build=Jira,
    tested="the vendor's specification (Cloud) and a stateful stand-in; not run against a real site",
)
