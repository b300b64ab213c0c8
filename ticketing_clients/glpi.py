"""GLPI 11 over its REST interface `apirest.php`. Written from its documentation and source, not run against a real server.

What shapes this file:
- Key and host marker are in the ticket's external id, which came with GLPI 11; an older one would drop it in silence, so it is
  looked for before anything is opened. It is asked of the database by `searchText`, which lags behind nothing.
- Times have no zone: they are those of GLPI's own clock, whose zone is configured and which `check` compares.
- Priority is made from urgency and impact unless the profile may set it. So all three are sent, and read back.
- Resolving is a solution, which the requester approves or refuses. Solving a ticket solves the duplicates linked to it, in both
  directions: a duplicate is solved first and linked afterwards.
- On a closed ticket nobody writes who may not reopen it. Our own follow-ups are not to stop the clock of the first answer.
- Success (201, 200, 207) may hold a refusal.

How it is asked is in `_glpi.rest`. The file is longer than most clients for its many options, and because nothing is taken as
done.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from ticketing_clients._acts import meant_by, plain_of_html, said
from ticketing_clients._articles import LONGEST_BODY, article, has_mark, marked
from ticketing_clients._asking import need_all, need_room, numeric, read_back
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import Document, Paragraph, cut, one_line
from ticketing_clients._errors import NotApplied, NotAuthorised, TicketGone
from ticketing_clients._glpi.rest import File, Files, Followup, GlpiRest, Row
from ticketing_clients._options import CaFile, Id, SecretName
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
from ticketing_clients._understanding import most_urgent, need_falling, still_open

LONGEST_TITLE = 255  # code points; GLPI's columns, that of the external id too
NEW, ASSIGNED, PLANNED, WAITING, SOLVED, CLOSED = range(1, 7)
MEANINGS: dict[int, Status] = {
    NEW: "new",
    ASSIGNED: "open",
    PLANNED: "open",
    WAITING: "waiting",
    SOLVED: "resolved",
    CLOSED: "closed",
}
PRIORITIES: dict[Priority, int] = {"P1": 5, "P2": 4, "P3": 3, "P4": 2}
STATUS = 12  # the search option by which the history names a change of status
DUPLICATES = 2  # a kind of link
# What the profile needs, as the bits of its rights.
RIGHTS = {
    "see all tickets": ("ticket", 1024),
    "set the priority": ("ticket", 65536),
    "follow up on all tickets": ("followup", 4096),
    "see private follow-ups": ("followup", 8192),
    "read histories": ("logs", 1),
}
CLOCKS_APART = timedelta(minutes=15)  # more than that is another zone, not a clock that is off

_BY = re.compile(r"(?P<name>.*)\((?P<id>\d+)\)")


class GlpiOptions(ClientOptions, frozen=True, kw_only=True):
    """Where the desk is, and how its tickets were set up."""

    url: Annotated[
        str, msgspec.Meta(description="Web address of GLPI, as people open it; its legacy REST API is to be enabled.")
    ]
    time_zone: Annotated[
        str, msgspec.Meta(description="Time zone of GLPI's user for the token, for GLPI tells times without one.")
    ] = "UTC"
    token_secret: Annotated[
        SecretName, msgspec.Meta(description="Name of the secret that holds the user's API token.")
    ] = "glpi"  # noqa: S105 - the secret's name
    app_token_secret: Annotated[
        SecretName | None,
        msgspec.Meta(description="Name of the secret that holds the API client's App-Token, if it has one."),
    ] = None
    entity: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(description="Id of the entity that gets the tickets; the user's own when left out."),
    ] = None
    group: Annotated[Id | None, msgspec.Meta(description="Id of the group that gets the tickets, if one does.")] = None
    priorities: Annotated[
        dict[Priority, Annotated[int, msgspec.Meta(ge=1, le=6)]],
        msgspec.Meta(description="Priorities (1 very low to 6 major) where they differ from P1 5, P2 4, P3 3, P4 2."),
    ] = msgspec.field(default_factory=dict)
    solution: Annotated[
        str,
        msgspec.Meta(description="Text of the solution that resolves a ticket, shown to the requester.", min_length=1),
    ] = "The readings have been healthy again for the agreed time; the figures are in the follow-ups."
    fields: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Further fields set when a ticket is opened, such as itilcategories_id."),
    ] = msgspec.field(default_factory=dict)
    resolve_fields: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="Further fields set when a ticket is resolved: those of the solution, such as solutiontypes_id."
        ),
    ] = msgspec.field(default_factory=dict)
    ca_file: CaFile = ""


class Glpi:
    """One GLPI, as the user of an API token sees it."""

    def __init__(self, options: GlpiOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing.

        Raises ValueError for a time zone that is not there, and for priorities that do not fall.
        """
        from ticketing_clients._http import Http  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        token = context.secret(options.token_secret).strip()
        app = context.secret(options.app_token_secret).strip() if options.app_token_secret else ""
        self._options = options
        self._desk = desk
        self._now = context.now
        self._url = options.url.rstrip("/")
        self._priorities = PRIORITIES | options.priorities
        need_falling(self._priorities)
        try:
            self._zone = ZoneInfo(options.time_zone)
        except (LookupError, OSError, ValueError):
            raise ValueError(f"time_zone: {options.time_zone} is not the name of a time zone") from None

        def connect(headers: dict[str, str], secrets: tuple[str, ...]) -> Http:
            address = f"{self._url}/apirest.php"
            return Http(desk, address, headers=headers, secrets=(*secrets, app), ca_file=options.ca_file)

        connect({"Authorization": token, "App-Token": app}, (token,))  # what is wrong with these is said now
        self._rest = GlpiRest(connect, token, app)

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do; how large a file may be only the live desk knows."""
        return Capabilities(longest_title=LONGEST_TITLE, longest_body=LONGEST_BODY)

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is. Raises OutcomeUnknown when it may or may not exist now."""
        self._need_external_id()
        options, priority = self._options, self._priorities[ticket.priority]
        due = ticket.service_times.fix_due.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")
        external = cut(f"{ticket.key}.{_marker(ticket.device.id)}.{ticket.device.id}", LONGEST_TITLE)
        content = {
            **options.fields,
            "name": cut(one_line(ticket.title), LONGEST_TITLE),
            "content": article(ticket.body),
            "externalid": external,
            "urgency": min(priority, 5),  # only a priority can be major
            "impact": min(priority, 5),
            "priority": priority,
        }
        if ticket.service_times.fix_due.timestamp() > self._now:
            content["time_to_resolve"] = due  # refused once it has passed
        if options.entity is not None:
            content["entities_id"] = options.entity
        if options.group:
            content["_groups_id_assign"] = options.group
        if contact := ticket.customer.contact:
            content["_users_id_requester"] = [0]
            content["_users_id_requester_notif"] = {"use_notification": [1], "alternative_email": [contact]}
        number = str(self._rest.add("Ticket", **content))
        created = f"desk {self._desk}: ticket {number} was created"
        with read_back(created):
            there = self._rest.ticket(number)
        as_asked = {
            "external id": there.externalid == external,
            "priority": there.priority == priority,
            "due time": "time_to_resolve" not in content or there.time_to_resolve == datetime.fromisoformat(due),
        }
        need_all(as_asked, created, "a rule of the desk changed it, or this profile may not set it")
        return self._ref(there)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first. One in the dustbin is not found."""
        return [self._found(one) for one in self._search(f"^{key}.") if _parts(one)[0] == key]

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        marker = _marker(host)
        return still_open(self._found(one) for one in self._search(f".{marker}.") if _parts(one)[1] == marker)

    def list_named(self, name: str) -> list[FoundTicket]:
        """Return our open tickets that speak of a host called `name`."""
        found = map(self._found, self._rest.rows("Ticket", Row, **{"searchText[name]": name}))
        return [one for one in still_open(found) if one.names(name)]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        there = self._rest.ticket(ref.id)
        acts = [*self._changes(there), *self._said(there)]
        return TicketState(
            ref=ref,
            status=_status(there),
            desk_status=f"{there.status} {_status(there)}",
            priority=most_urgent(self._priorities, not_above=range(there.priority + 1)),
            handler=", ".join(self._rest.handlers(ref.id)),
            due=self._time(there.time_to_resolve) if there.time_to_resolve else None,
            acts=tuple(sorted(acts, key=operator.attrgetter("at"))),
        )

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment` as a follow-up, a private one unless it is public. Raises Rejected on a ticket closed for good."""
        self._rest.ticket(ref.id)  # asked first: GLPI refuses a follow-up on no ticket as if it were a wrong one
        self._rest.add(
            "ITILFollowup",
            ticket=ref.id,
            itemtype="Ticket",
            items_id=numeric(ref.id),
            content=marked(comment),
            is_private=int(not comment.public),
            _do_not_compute_takeintoaccount=1,
        )
        with read_back(f"desk {self._desk}: follow-up on ticket {ref.id} was added"):
            if not any(one.is_private != comment.public for one in self._ours(ref, comment.marker)):
                raise NotApplied(f"desk {self._desk}: the follow-up is not on ticket {ref.id} as it was asked for")

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a follow-up of ours has exactly this marker."""
        return bool(self._ours(ref, marker))

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower; never lower it."""
        wanted = self._priorities[priority]
        if self._rest.ticket(ref.id).priority < wanted:
            told = self._rest.update(ref.id, priority=wanted)
            with read_back(f"desk {self._desk}: priority {wanted} was asked for on ticket {ref.id}"):
                if self._rest.ticket(ref.id).priority < wanted:
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} did not take priority {wanted}; {told}")

    def resolve(self, ref: TicketRef) -> None:
        """Add the configured solution, unless the ticket is solved already; an entity may close it at once."""
        if _status(self._rest.ticket(ref.id)) in WORKING:
            content = article(Document((Paragraph(self._options.solution),)))
            values = {
                **self._options.resolve_fields,
                "itemtype": "Ticket",
                "items_id": numeric(ref.id),
                "content": content,
            }
            self._rest.add("ITILSolution", ticket=ref.id, **values)
            with read_back(f"desk {self._desk}: a solution was added to ticket {ref.id}"):
                if _status(self._rest.ticket(ref.id)) in WORKING:
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not solved")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Put the ticket back to work and return it. Raises TicketGone for one in the dustbin."""
        del ticket  # a deleted one is told as gone, and whoever asked decides
        status = _status(self._rest.ticket(ref.id))
        if status == "deleted":
            raise TicketGone(f"desk {self._desk}: ticket {ref.id} is in the dustbin")
        if status not in WORKING:
            told = self._rest.update(ref.id, status=ASSIGNED)
            with read_back(f"desk {self._desk}: ticket {ref.id} was to be opened again"):
                if _status(self._rest.ticket(ref.id)) not in WORKING:
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} was not opened again; {told}")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Solve `ref`, and then link it to `original` as its duplicate: the other way round both would be solved."""
        self.resolve(ref)
        pair = (numeric(ref.id), numeric(original.id))
        if not self._rest.linked(*pair):
            self._rest.add("Ticket_Ticket", tickets_id_1=pair[0], tickets_id_2=pair[1], link=DUPLICATES)
            with read_back(f"desk {self._desk}: ticket {ref.id} was linked"):
                if not self._rest.linked(*pair):
                    raise NotApplied(f"desk {self._desk}: ticket {ref.id} is not linked to ticket {original.id}")

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a document, and read back that it is there whole. Raises Rejected when it is too large for the live desk."""
        name, size = attachment.name, len(attachment.content)
        number = self._rest.ticket(ref.id).id
        largest = self._rest.largest()
        if largest is not None:
            need_room(attachment, largest, self._desk, "the desk")
        manifest = {"name": name, "_filename": [name], "itemtype": "Ticket", "items_id": number}
        answer = self._rest.http.change(
            "POST",
            "Document",
            Any,
            ticket=ref.id,
            data={"uploadManifest": json.dumps({"input": manifest})},
            files={"filename[0]": (name, attachment.content, attachment.media_type)},
        )
        made = self._rest.added(answer, "Document")
        with read_back(f"desk {self._desk}: {name} was attached to ticket {ref.id}"):
            whole = self._rest.http.get(f"Document/{made}", File).sha1sum == _sha1(attachment.content)
            if not whole or not self.has_attachment(ref, name):
                raise NotApplied(
                    f"desk {self._desk}: {name} ({size} bytes) is not on ticket {ref.id}; does it take this type?"
                )

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a document of this name is on the ticket; one that failed is there without a file's name."""
        params = {"with_documents": "1", "get_hateoas": "0"}
        files = self._rest.http.get(f"Ticket/{numeric(ref.id)}", Files, params=params, ticket=ref.id).documents
        return any(one.filename == name for one in files)

    # -- the live desk ----------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Look at login, rights, entity, external id, clock and size limit of the live desk. Changes nothing."""
        session, options, largest = self._rest.session(), self._options, self._rest.largest()
        lacking = [name for name, (what, right) in RIGHTS.items() if not self._rest.may(what, right)]
        apart = abs(self._time(session.glpi_currenttime) - datetime.fromtimestamp(self._now, UTC))
        there = f"{session.glpi_currenttime} there is not now in {options.time_zone}" if apart > CLOCKS_APART else ""
        entities = json.dumps(session.glpiactiveentities)
        outside = options.entity is not None and str(options.entity) not in re.findall(r"\d+", entities)
        return [
            Check.of("login", found=session.login),
            Check.of(
                "rights", ", ".join(f"may not {one}" for one in lacking), "give them to this user's default profile"
            ),
            Check.of(
                "entity", "not among this user's" if outside else "", "give the profile to this user in that entity"
            ),
            Check.of("external id", "" if self._rest.searches() else "tickets have none", "GLPI 11 or later is needed"),
            Check.of("clock", there, "set time_zone to that of GLPI, or of this user's preferences"),
            Check.of("attachments", found=f"up to {largest} bytes" if largest else "no limit told"),
        ]

    # -- asking -----------------------------------------------------------------------------------------------------

    def _need_external_id(self) -> None:
        """Raise NotAuthorised when tickets could not be found again. Nothing was sent, and all can be once it is mended."""
        if not self._rest.searches():
            raise NotAuthorised(f"desk {self._desk}: tickets have no external id before GLPI 11; see `foretell doctor`")

    def _search(self, external: str) -> list[Row]:
        self._need_external_id()
        return self._rest.rows("Ticket", Row, **{"searchText[externalid]": external})

    def _ours(self, ref: TicketRef, marker: str) -> list[Followup]:
        us = self._rest.session().user
        return [one for one in self._rest.followups(ref.id) if one.users_id == us and has_mark(one.content, marker)]

    # -- understanding ----------------------------------------------------------------------------------------------

    def _changes(self, there: Row) -> Iterator[Act]:
        """Yield what people did by changing the ticket's status; who solves a ticket confirms it by closing it."""
        for one in self._rest.events(str(there.id)):
            who = _BY.fullmatch(one.user_name)
            if one.id_search_option != STATUS or who is None or int(who["id"]) == self._rest.session().user:
                continue
            old, new = int(one.old_value or 0), int(one.new_value or 0)
            approved = (old, new) == (SOLVED, CLOSED)
            kind: ActKind | None = (
                "confirm" if approved else meant_by(MEANINGS.get(old, "open"), MEANINGS.get(new, "open"))
            )
            if kind:
                yield Act(
                    id=f"l{one.id}", kind=kind, by=who["name"].strip() or one.user_name, at=self._time(one.date_mod)
                )

    def _said(self, there: Row) -> Iterator[Act]:
        for one in self._rest.followups(str(there.id)):
            text = plain_of_html(one.content or "")
            if one.users_id == self._rest.session().user or not text:
                continue
            by = one.names.users_id or (f"user {one.users_id}" if one.users_id else "somebody by e-mail")
            yield from said(f"f{one.id}", by, self._time(one.date), text, internal=bool(one.is_private))

    def _time(self, there: datetime) -> datetime:
        return there.replace(tzinfo=self._zone).astimezone(UTC)

    def _found(self, there: Row) -> FoundTicket:
        key, _, host = _parts(there)
        return FoundTicket(self._ref(there), key, _status(there) in WORKING, there.name, host)

    def _ref(self, there: Row) -> TicketRef:
        return TicketRef(self._desk, str(there.id), f"{self._url}/front/ticket.form.php?id={there.id}")


def _status(there: Row) -> Status:
    """Return what a ticket's status means; one that we do not know is somebody's at work."""
    return "deleted" if there.is_deleted else MEANINGS.get(there.status, "open")


def _marker(host: str) -> str:
    """Return a host's id as 64 hex digits: nothing in them means anything in a search."""
    return hashlib.sha256(host.encode()).hexdigest()


def _parts(there: Row) -> tuple[str, str, str]:
    """Return the key, the host's marker and the host's id in a ticket's external id; a very long id is cut there."""
    key, _, rest = (there.externalid or "").partition(".")
    marker, _, host = rest.partition(".")
    return key, marker, host


def _sha1(content: bytes) -> str:
    """Return what GLPI keeps of a file to know it again."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


PLUGIN = ClientPlugin(
    name="glpi",
    summary="GLPI 11 over its REST interface apirest.php, with a user's API token.",
    options=GlpiOptions,
    build=Glpi,
    tested="a stateful stand-in that behaves as documented; not run against a real server",
)
