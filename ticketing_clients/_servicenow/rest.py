"""ServiceNow's Table and Attachment APIs as typed answers: how they are asked, and what they ignore or leave out in silence.

- A part of a query that is not valid is ignored, so that all rows come back; with `glide.invalid_query.returns_no_rows` none do.
  So a field is probed before it is searched, and every hit is compared.
- There is no way to write a `^` within a value of a query, and a value may be a script (`javascript:`). So only values of plain
  letters are ever asked for.
- Rows that may not be read are left out after the limit was applied, so only an empty page is the last.
- A table that may not be read at all answers 403, or 200 without rows.
- What is written counts as stored values, times in UTC, unless display values are announced; so it is read as `value`, too.
- A transaction that was cut off answers 200 with what it had, and says failure beside it.

The file is longer than most, because of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ticketing_clients._asking import pages
from ticketing_clients._errors import DeskUnreachable, NotAuthorised, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients._servicenow.records import Cell, Record, condition

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 1000  # rows asked for at once
RECENT = 200  # the newest rows of a ticket's journal and history that are looked at
NOBODYS = "foretell-nobody"  # a value for asking whether a field is searched
OURSELVES = "sys_id=javascript:gs.getUserID()"  # the one script, from ServiceNow's own example

_SYS_ID = re.compile(r"[0-9a-f]{32}")


class _One(msgspec.Struct, frozen=True):
    result: dict[str, Cell]


class _Rows(msgspec.Struct, frozen=True):
    result: list[dict[str, Cell]]
    status: str = ""


class _Files(msgspec.Struct, frozen=True):
    result: list[File]


class File(msgspec.Struct, frozen=True):
    """A file on a record."""

    file_name: str
    size_bytes: int
    table_sys_id: str


class _Named(msgspec.Struct, frozen=True):
    sys_id: str


class _Written(msgspec.Struct, frozen=True):
    """The answer to a change. Without one, as when a change waits in a queue (202), nobody knows."""

    result: _Named


class _Token(msgspec.Struct, frozen=True):
    access_token: str


class Login(msgspec.Struct, frozen=True):
    """How to log in. `user` is a user name, or the client id of an OAuth application; an API key needs none."""

    way: Literal["password", "api_key", "oauth"]
    user: str
    secret: str


class ServiceNowRest:
    """One instance, asked through HTTP for records of `table` with `fields`.

    searched: the fields by which tickets are found again. Raises ValueError as Http does. Connects to nothing.
    """

    def __init__(
        self,
        desk: str,
        url: str,
        login: Login,
        *,
        ca_file: str,
        table: str,
        fields: tuple[str, ...],
        searched: tuple[str, ...],
    ) -> None:
        """Given the desk's name for messages, the instance's address and how to log in."""
        from ticketing_clients._http import Http, basic  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        def sign_in(headers: dict[str, str], *tokens: str) -> Http:
            return Http(desk, url, headers=headers, secrets=(login.secret, *tokens), ca_file=ca_file)

        self._desk = desk
        self._login = login
        self._sign_in = sign_in
        self._table = table
        self._fields = ",".join(fields)
        self._searched = searched
        self._us: Record | None = None
        self._signed_in: Http | None = None
        self._anonymous = sign_in({})
        match login.way:
            case "password":
                self._signed_in = sign_in({"Authorization": basic(login.user, login.secret)})
            case "api_key":
                self._signed_in = sign_in({"x-sn-apikey": login.secret})
            case "oauth":
                pass  # the token is asked for when it is needed, and kept for this client's one batch

    # -- tickets ----------------------------------------------------------------------------------------------------

    def ticket(self, sys_id: str, fields: str = "") -> Record:
        """Return the ticket, or only `fields` of it, separated by commas. Raises TicketGone for one that may not be read, too."""
        params = self._params(fields or self._fields)
        return Record(self._http().get(self._path(sys_id), _One, params=params, ticket=sys_id).result)

    def search(self, field: str, value: str, *more: str) -> list[Record]:
        """Return the tickets whose `field` is exactly `value`, the earliest made first, all pages of them."""
        self.need_fields()
        found = self.records(self._table, "^".join((condition(field, value), *more)), self._fields)
        return sorted((one for one in found if one.value(field) == value), key=_age)

    def need_fields(self) -> None:
        """Raise NotAuthorised when a search by a needed field would not be one.

        Nothing was sent, and all can be sent once somebody has mended it. That a field is searched but may not be read shows only
        after a ticket was made.
        """
        for field in self._searched:
            if wrong := self.unsearchable(field):
                raise NotAuthorised(f"desk {self._desk}: field {field}: {wrong}; see `foretell doctor`")
        self._searched = ()  # seen once is enough for a batch

    def unsearchable(self, field: str) -> str:
        """Return why tickets cannot be found by `field`, empty where they can. An empty table cannot show that it lacks it."""
        if self._page(self._table, condition(field, NOBODYS), field, limit=1):
            return "a search by it finds all tickets, as one by a field that is not there"
        some = self._page(self._table, "", f"sys_id,{field}", limit=1)
        return "it is not there, or may not be read" if some and field not in some[0].cells else ""

    def create(self, values: dict[str, Any]) -> str:
        """Make a ticket and return its sys_id."""
        path, params = f"api/now/table/{self._table}", {"sysparm_fields": "sys_id"}
        return self._http().change("POST", path, _Written, params=params, json=values).result.sys_id

    def change(self, sys_id: str, values: dict[str, str]) -> None:
        """Change fields of a ticket.

        403 is for one ticket when its state, a data policy or a business rule forbids it, and for all when the user lost its
        rights: it counts as for all only where the ticket may not be read either.
        """
        try:
            params = {"sysparm_fields": "sys_id"}
            self._http().change("PATCH", self._path(sys_id), _Written, ticket=sys_id, params=params, json=values)
        except NotAuthorised as error:
            self.ticket(sys_id, "sys_id")
            raise Rejected(str(error)) from error

    # -- files ------------------------------------------------------------------------------------------------------

    def attach(self, sys_id: str, name: str, media_type: str, content: bytes) -> None:
        """Put a file on a ticket."""
        try:
            self._http().change(
                "POST",
                "api/now/attachment/file",
                _Written,
                ticket=sys_id,
                params={"table_name": self._table, "table_sys_id": sys_id, "file_name": name},
                data=content,
                headers={"Content-Type": media_type},
            )
        except NotAuthorised as error:
            self.ticket(sys_id, "sys_id")
            raise Rejected(str(error)) from error

    def files(self, sys_id: str) -> list[File]:
        """Return the files on a ticket."""
        params: dict[str, str | int | list[str]] = {"sysparm_query": condition("table_sys_id", sys_id)}
        found = self._http().get("api/now/attachment", _Files, params={**params, "sysparm_limit": PAGE}).result
        return [one for one in found if one.table_sys_id == sys_id]

    # -- any table --------------------------------------------------------------------------------------------------

    def us(self) -> Record:
        """Return who we are: sys_id, user_name and name."""
        if self._us is None:
            found = self._page("sys_user", OURSELVES, "sys_id,user_name,name", limit=2)
            if len(found) != 1 or not found[0].value("user_name"):
                raise NotAuthorised(f"desk {self._desk}: this user may not read its own record in sys_user")
            self._us = found[0]
        return self._us

    def records(self, table: str, query: str, fields: str) -> list[Record]:
        """Return all records that the query finds and this user may read."""
        query += "^ORDERBYsys_id"
        return list(pages(lambda page: self._page(table, query, fields, limit=PAGE, offset=page * PAGE)))

    def readable(self, table: str, query: str, fields: str) -> list[Record]:
        """Return the newest records that the query finds, the oldest of them first; none where the table may not be read."""
        try:
            return self._page(table, f"{query}^ORDERBYDESCsys_created_on", fields, limit=RECENT)[::-1]
        except NotAuthorised:
            return []

    # -- asking -----------------------------------------------------------------------------------------------------

    def _page(self, table: str, query: str, fields: str, *, limit: int, offset: int = 0) -> list[Record]:
        params = {**self._params(fields), "sysparm_limit": limit, "sysparm_offset": offset}
        if query:
            params["sysparm_query"] = query
        answer = self._http().get(f"api/now/table/{table}", _Rows, params=params)
        if answer.status == "failure":
            raise DeskUnreachable(f"desk {self._desk}: {table} was read only in part: the transaction was cut off")
        return [Record(one) for one in answer.result]

    def _path(self, sys_id: str) -> str:
        """Return the address of a ticket; raise TicketGone for what is not a sys_id, so that nothing else gets into it."""
        if not _SYS_ID.fullmatch(sys_id):
            raise TicketGone(f"{sys_id!r} is not the sys_id of a ticket")
        return f"api/now/table/{self._table}/{sys_id}"

    def _params(self, fields: str) -> dict[str, str | int | list[str]]:
        return {
            "sysparm_fields": fields,
            "sysparm_display_value": "all",
            "sysparm_exclude_reference_link": "true",
        }

    def _http(self) -> Http:
        if self._signed_in is None:
            token = self._token()
            self._signed_in = self._sign_in({"Authorization": f"Bearer {token}"}, token)
        return self._signed_in

    def _token(self) -> str:
        """Return an access token. One more or less changes nothing at the desk, so nothing is unknown after a failure."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._login.user,
            "client_secret": self._login.secret,
        }
        try:
            return self._anonymous.change("POST", "oauth_token.do", _Token, data=form).access_token
        except OutcomeUnknown as error:
            raise DeskUnreachable(str(error)) from error
        except Rejected as error:
            raise NotAuthorised(str(error)) from error


def _age(ticket: Record) -> tuple[str, int, str]:
    number = ticket.value("number")
    return ticket.value("sys_created_on"), len(number), number
