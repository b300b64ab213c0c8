"""GLPI's REST interface as typed answers: a session around the requests, ranges of rows, and yes that means no."""

from __future__ import annotations

import contextlib
import weakref
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import DeskError, NotApplied, NotAuthorised, TicketGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ticketing_clients._http import Http

PAGE = 100
ASSIGNED_TO = 2  # what an actor has to do with a ticket

Kind = TypeVar("Kind")


# What goes back into a header of each request.
SessionToken = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+$")]


class Configuration(msgspec.Struct, frozen=True):
    """The desk's own settings. document_max_size: megabytes."""

    document_max_size: int | None = None


class Row(msgspec.Struct, frozen=True):
    """A ticket. Times are text without a zone."""

    id: int
    status: int
    priority: int
    name: str = ""
    externalid: str | None = None
    time_to_resolve: datetime | None = None
    is_deleted: int = 0


class Names(msgspec.Struct, frozen=True):
    """The names behind a row's numbers."""

    users_id: str | None = None


class Followup(msgspec.Struct, frozen=True, rename={"names": "_keys_names"}):
    """What was written on a ticket. `users_id` is 0 for somebody who is known by e-mail only."""

    id: int
    users_id: int
    date: datetime
    content: str | None
    is_private: int
    names: Names = Names()


class Event(msgspec.Struct, frozen=True):
    """One value that somebody changed."""

    id: int
    user_name: str
    date_mod: datetime
    id_search_option: int
    old_value: str | None = ""
    new_value: str | None = ""


class Actor(msgspec.Struct, frozen=True, rename={"names": "_keys_names"}):
    """Somebody who has to do with a ticket; `type` says what."""

    users_id: int
    type: int
    names: Names = Names()


class File(msgspec.Struct, frozen=True):
    """A document."""

    id: int
    filename: str | None = ""
    sha1sum: str | None = ""


class Files(msgspec.Struct, frozen=True, rename={"documents": "_documents"}):
    """A ticket's documents."""

    documents: list[File] = []


class Link(msgspec.Struct, frozen=True):
    """That one ticket has to do with another."""

    tickets_id_1: int
    tickets_id_2: int


class Session(
    msgspec.Struct, frozen=True, rename={"user": "glpiID", "login": "glpiname", "profile": "glpiactiveprofile"}
):
    """Who we are, what we may do by name of the right, and what time it is there."""

    user: int
    login: str
    glpi_currenttime: datetime
    profile: dict[str, Any]
    glpiactiveentities: Any = None


class GlpiRest:
    """One GLPI, asked through what `connect` makes of headers; a session begins with the first request."""

    def __init__(
        self, connect: Callable[[dict[str, str], tuple[str, ...]], Http], user_token: str, app_token: str
    ) -> None:
        """Given how to connect with which headers and secrets, and the tokens; `app_token` is empty where none is used."""
        self._connect = connect
        self._user_token = user_token
        self._app = {"App-Token": app_token} if app_token else {}
        self._http: Http | None = None
        self._session: Session | None = None
        self._searches = False

    @property
    def http(self) -> Http:
        """Return the requests of our session."""
        if self._http is None:
            # Content as it is: before GLPI 11 it comes with its markup escaped once more.
            headers = {**self._app, "X-GLPI-Sanitized-Content": "false"}
            login = self._connect({**headers, "Authorization": f"user_token {self._user_token}"}, (self._user_token,))
            token = login.part("initSession", "session_token", SessionToken)
            self._http = self._connect({**headers, "Session-Token": token}, (self._user_token, token))
            weakref.finalize(self, _leave, self._http)
        return self._http

    def session(self) -> Session:
        """Return who we are there."""
        if self._session is None:
            self._session = self.http.part("getFullSession", "session", Session)
        return self._session

    def may(self, what: str, right: int) -> bool:
        """Return whether our profile has a right, as a bit of what is named."""
        rights = self.session().profile.get(what)
        return bool(int(rights or 0) & right)

    def searches(self) -> bool:
        """Return whether tickets have an external id, which came with GLPI 11."""
        if not self._searches:
            options = self.http.get("listSearchOptions/Ticket", dict[str, Any]).values()
            known = ((one.get("table"), one.get("field")) for one in options if isinstance(one, dict))
            self._searches = ("glpi_tickets", "externalid") in known
        return self._searches

    def ticket(self, number: str) -> Row:
        """Return the ticket. Raises TicketGone, also for one that was moved to an entity where this user sees nothing."""
        try:
            return self.http.get(f"Ticket/{numeric(number)}", Row, ticket=number)
        except NotAuthorised as error:
            self.http.get("Ticket", list[Row], params={"range": "0-0"})
            raise TicketGone(f"{error}; was it moved?") from error

    def rows(self, path: str, kind: type[Kind], *, ticket: str = "", **params: str | list[str]) -> list[Kind]:
        """Return all rows at `path`, lowest id first."""
        window = {"sort": "id", "order": "ASC", "get_hateoas": "0", **params}

        def page(number: int) -> list[Kind]:
            asked = {**window, "range": f"{number * PAGE}-{number * PAGE + PAGE - 1}"}
            return self.http.get(path, list[kind], params=asked, ticket=ticket)  # type: ignore[valid-type]  # known at run time

        return list(pages(page, full=PAGE))

    def followups(self, number: str) -> list[Followup]:
        """Return what was written on the ticket, with the writers' names."""
        path = f"Ticket/{numeric(number)}/ITILFollowup"
        return self.rows(path, Followup, ticket=number, **{"add_keys_names[]": "users_id"})

    def events(self, number: str) -> list[Event]:
        """Return the ticket's history."""
        return self.rows(f"Ticket/{numeric(number)}/Log", Event, ticket=number)

    def handlers(self, number: str) -> list[str]:
        """Return the names of those to whom the ticket is assigned."""
        path = f"Ticket/{numeric(number)}/Ticket_User"
        actors = self.rows(path, Actor, ticket=number, **{"add_keys_names[]": "users_id"})
        return [one.names.users_id or f"user {one.users_id}" for one in actors if one.type == ASSIGNED_TO]

    def linked(self, number: int, other: int) -> bool:
        """Return whether a ticket is linked to another; links are not told as a part of a ticket."""
        links = self.rows("Ticket_Ticket", Link, **{"searchText[tickets_id_1]": f"^{number}$"})
        return any((one.tickets_id_1, one.tickets_id_2) == (number, other) for one in links)

    def largest(self) -> int | None:
        """Return how many bytes a document may have there; None when it tells none."""
        megabytes = self.http.part("getGlpiConfig", "cfg_glpi", Configuration).document_max_size
        return megabytes * 1024 * 1024 if megabytes else None

    def add(self, kind: str, *, ticket: str = "", **values: Any) -> int:
        """Add an item and return its id. Raises NotApplied when success turns out to be a refusal."""
        return self.added(self.http.change("POST", kind, Any, ticket=ticket, json={"input": values}), kind)

    def added(self, answer: Any, kind: str) -> int:
        """Return the id in the answer to an addition; GLPI says 201 or 207 also to what it did not add."""
        match answer:
            case {"id": int() as number} | [{"id": int() as number}] if number > 0:
                return number
        raise NotApplied(f"GLPI added no {kind}: {_message(answer)}")

    def update(self, number: str, **values: Any) -> str:
        """Change a ticket; return what GLPI says about it, for it says 200 or 207 also to what it did not do."""
        answer = self.http.change("PUT", f"Ticket/{numeric(number)}", Any, ticket=number, json={"input": values})
        return _message(answer)


def _message(answer: Any) -> str:
    """Return the words in an answer about one item."""
    rows = answer if isinstance(answer, list) else [answer]
    return "; ".join(str(one["message"]) for one in rows if isinstance(one, dict) and one.get("message"))


def _leave(http: Http) -> None:
    """End a session; one that is not ended ends by itself."""
    with contextlib.suppress(DeskError):
        http.get("killSession", Any)
