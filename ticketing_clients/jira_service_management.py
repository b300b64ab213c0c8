"""Jira Service Management in the cloud: requests that customers see, on the platform that `_jira/` speaks to.

Its ways, each from its documentation, that shape this file:
- A request is made with the fields of its request type's form and no others. What the form has not (labels, the priority, the due
  date) is set on the issue afterwards, one by one, so that one which is on no screen does not keep the others away.
- So the labels that hold our key may come a request later. That the key is there from the first moment, the last line of the
  description says it too, between blanks, for a search by text knows words: `foretell KEY HOST`.
- A comment is public or internal; through the platform's interface it would always be public. A public one is mailed.
- A file is uploaded first and attached then, here always for the agents alone.
- What is due is what was agreed: the last clock that runs is the one of the resolution. Without one it is the due date.
- Who is to be the customer has to be one already: we make no accounts.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from ticketing_clients._acts import last_line
from ticketing_clients._asking import read_back
from ticketing_clients._client import Check, ClientContext, ClientPlugin
from ticketing_clients._errors import DeskError, NotApplied, Rejected, TicketGone
from ticketing_clients._jira.answers import Issue
from ticketing_clients._jira.checks import missing_fields
from ticketing_clients._jira.desk import KNOWN_BY, JiraDesk, upload
from ticketing_clients._jira.labels import KEY, host_mark
from ticketing_clients._jira.options import Id, JiraPlatformOptions
from ticketing_clients._jira.platform import quoted
from ticketing_clients._jira.requests import (
    Agreements,
    Customers,
    MadeRequest,
    RequestForm,
    Said,
    ServiceDesk,
    Uploaded,
)
from ticketing_clients._jira.text import wiki
from ticketing_clients._ticket import Attachment, Comment, Ticket, TicketRef, TicketState

API = "rest/servicedeskapi"
REFERENCE = re.compile(r"foretell ([0-9a-f]{64}) ([0-9a-f]{64})")  # the key and the host's mark


class ServiceManagementOptions(JiraPlatformOptions, frozen=True, kw_only=True):
    """What a request is made of."""

    request_type: Annotated[Id, msgspec.Meta(description="Id of the request type of the tickets, as in its address.")]
    on_behalf: Annotated[
        bool, msgspec.Meta(description="Whether a ticket is raised for the customer's contact, who then sees it.")
    ] = True
    agreement: Annotated[
        str,
        msgspec.Meta(description="Id of the SLA that says when a ticket is due; without it, the last one that runs."),
    ] = ""


class ServiceManagement(JiraDesk):
    """One service project of Jira Service Management, in which tickets are requests of one type."""

    _known_by = (*KNOWN_BY, "description")

    def __init__(self, options: ServiceManagementOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        # Customers and uploads are called experimental, and want to hear that this is known.
        super().__init__(options, context, desk, cloud=True, headers={"X-ExperimentalApi": "opt-in"})
        self._options = options
        self._number = ""
        self._known_form: RequestForm | None = None

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the request, complete it, and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._platform.need_project()
        reference = f"foretell {ticket.key} {host_mark(ticket.device.id)}"
        fields = {**self._fields(ticket), "description": wiki(ticket.body, reference)}
        screen, ours = self._form().screen, {"labels", "priority", "duedate"}
        first = {name: value for name, value in fields.items() if name in screen or name not in ours}
        if wrong := missing_fields(screen, first, ("summary", "description")):
            kind = f"request type {self._options.request_type} of project {self._options.project}"
            raise Rejected(f"desk {self._desk}: no ticket can be made with {kind}: {wrong}; see `foretell doctor`")
        content = {
            "serviceDeskId": self._service_desk(),
            "requestTypeId": self._options.request_type,
            "requestFieldValues": first,
        }
        contact = ticket.customer.contact if self._options.on_behalf else ""
        customer = self._customer(contact) if contact else ""
        flaws = [] if customer or not contact else ["its customer cannot see it: the contact is no customer there"]
        if customer:
            content["raiseOnBehalfOf"] = customer
        made = self._http.change("POST", f"{API}/request", MadeRequest, json=content).issue_id
        with read_back(f"desk {self._desk}: ticket {made} was created"):
            for name in sorted(fields.keys() - first.keys()):
                value = fields[name]
                adding = {"update": {name: [{"add": one} for one in value]}} if isinstance(value, list) else None
                try:
                    self._edit(TicketRef(self._desk, made), name, adding or {"fields": {name: value}})
                except Rejected as error:
                    flaws.append(str(error))
        return self._made(made, fields, flaws)

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state, due when the desk's own agreement says so. Raises TicketGone."""
        state = super().read(ref)
        try:
            clocks = self._http.get(f"{API}/request/{ref.id}/sla", Agreements, ticket=ref.id).values
        except TicketGone:
            return state  # the issue is there, but no request any more: it was moved to a project that has none
        wanted = self._options.agreement
        due = max((one.due for one in clocks if one.due and one.id == (wanted or one.id)), default=state.due)
        return msgspec.structs.replace(state, due=due)

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`, for the agents alone unless it is public."""
        self._platform.issue(ref.id, "status")  # asked first, for 404 to a change may mean us as well
        content = {"body": wiki(comment.body, last_line(comment.marker)), "public": comment.public}
        said = self._http.change("POST", f"{API}/request/{ref.id}/comment", Said, ticket=ref.id, json=content)
        with read_back(f"desk {self._desk}: comment on ticket {ref.id} was added"):
            if said.public != comment.public or not self.has_comment(ref, comment.marker):
                kind = "public" if comment.public else "internal"
                raise NotApplied(f"desk {self._desk}: the {kind} comment is not on ticket {ref.id}")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file for the agents, and read back that all of it is there. Raises Rejected when it is too large."""
        self._platform.issue(ref.id, "status")
        self._need_room(attachment)
        path = f"{API}/servicedesk/{self._service_desk()}/attachTemporaryFile"
        waiting = self._http.change("POST", path, Uploaded, **upload(attachment)).temporary_attachments
        content = {"temporaryAttachmentIds": [one.temporary_attachment_id for one in waiting], "public": False}
        self._http.change("POST", f"{API}/request/{ref.id}/attachment", object, ticket=ref.id, json=content)
        self._read_back_file(ref, attachment)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def _check_opening(self) -> list[Check]:
        """Look at the form of the request type, and at whether requests may be made for customers."""
        options, subject = self._options, f"request type {self._options.request_type}"
        try:
            form = self._form()
        except DeskError as error:
            return [
                Check.of(
                    subject, str(error), "write the id of a request type of the project, and make this account an agent"
                )
            ]
        needed = ("summary", "description")
        wrong = missing_fields(form.screen, dict.fromkeys(needed) | options.fields, needed)
        lacking = "not permitted" if options.on_behalf and not form.can_raise_on_behalf_of else ""
        hint = "make this account an agent of the service project, or set on_behalf to false"
        return [
            Check.of(subject, wrong, "put the fields on the request type's form"),
            Check.of("raising on behalf of customers", lacking, hint),
        ]

    # -- asking -----------------------------------------------------------------------------------------------------

    def _service_desk(self) -> str:
        """Return the id of the project's service desk."""
        if not self._number:
            self._number = self._http.get(f"{API}/servicedesk/{self._options.project}", ServiceDesk).id
        return self._number

    def _form(self) -> RequestForm:
        """Return the form of the request type; it stays the same for a batch."""
        if self._known_form is None:
            path = f"{API}/servicedesk/{self._service_desk()}/requesttype/{self._options.request_type}/field"
            self._known_form = self._http.get(path, RequestForm)
        return self._known_form

    def _customer(self, contact: str) -> str:
        """Return the account of the customer with exactly this address, empty when there is none."""
        path = f"{API}/servicedesk/{self._service_desk()}/customer"
        found = self._http.get(path, Customers, params={"query": contact}).values
        same = (one.id for one in found if (one.email_address or "").casefold() == contact.casefold())
        return next(same, "")

    # -- understanding ----------------------------------------------------------------------------------------------

    def _marks(self, issue: Issue, prefix: str) -> set[str]:
        """Return the keys or marks of hosts on an issue, by its labels and by the last line of its description."""
        text = msgspec.json.encode(issue.fields.description).decode()
        told_of = {key if prefix == KEY else host for key, host in REFERENCE.findall(text)}
        return super()._marks(issue, prefix) | told_of

    def _clause(self, prefix: str, mark: str) -> str:
        """Return the JQL for the issues that may have `mark`."""
        return f"({super()._clause(prefix, mark)} OR description ~ {quoted(mark)})"


PLUGIN = ClientPlugin(
    name="jira_service_management",
    summary="Jira Service Management Cloud: requests that customers see, with an API token.",
    options=ServiceManagementOptions,
    build=ServiceManagement,
    tested="the vendor's specification and a stateful stand-in; not run against a real site",
)
