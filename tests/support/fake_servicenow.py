"""A ServiceNow instance on loopback, as far as its documentation tells: the Table and Attachment APIs, incidents and their rules.

Written from ServiceNow's own pages on the Table API, the Attachment API, encoded queries, priority lookup rules, the states of an
incident, reopening and rate limits, and from what integrations report: rows filtered after the limit, tables that answer nothing.
"""

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.wrappers import Request

from fake_desk import FakeDesk, Specification, answer

USER, PASSWORD = "foretell.agent", "planted-5f2d7c9e-secret"
GROUP = "8a4dde73c6112278017a6a4baf547aa7"
CALLER = "46c6f9efa9fe198101ddf5eed9adf6e7"
ENGINEER = "681ccaf9c0a8016400b98a06818d57c7"
US = "0123456789abcdef0123456789abcdef"
LONGEST_ADDRESS = 2048

STATE_LABELS = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
CODES = ["Duplicate", "Known error", "Solution provided", "Workaround provided"]
#: impact, urgency → priority, as the documentation's sample rules have it
RULES = {
    ("1", "1"): "1",
    ("1", "2"): "2",
    ("1", "3"): "3",
    ("2", "1"): "2",
    ("2", "2"): "3",
    ("2", "3"): "4",
    ("3", "1"): "3",
    ("3", "2"): "4",
    ("3", "3"): "4",
}
COLUMNS = (
    *("number", "state", "active", "short_description", "description", "priority", "impact"),
    *("urgency", "due_date", "assigned_to", "assignment_group", "caller_id", "hold_reason", "close_code"),
    *("close_notes", "parent_incident", "resolved_by", "resolved_at", "closed_by", "closed_at", "reopened_by"),
    *("reopened_time", "reopen_count", "correlation_id", "correlation_display", "category", "u_site"),
)
REFERENCES = {
    "assigned_to": "sys_user",
    "resolved_by": "sys_user",
    "closed_by": "sys_user",
    "reopened_by": "sys_user",
    "caller_id": "sys_user",
    "assignment_group": "sys_user_group",
    "parent_incident": "incident",
}
STOCK = {"incident", "sys_user", "sys_user_group", "sys_choice"}  # what the role itil reads
WITH_RULES = STOCK | {"sys_journal_field", "sys_audit", "dl_u_priority", "sys_data_policy_rule", "sys_properties"}

Row = dict[str, str]


class TableSpecification(Specification):
    """A specification that is only of the Table API."""

    def broken_by(self, request: Request) -> str:
        """Return what breaks it in a request about a table."""
        return super().broken_by(request) if request.path.startswith("/api/now/table/") else ""


def published_by_api_evangelist() -> TableSpecification:
    """Return the strict specification, whose paths begin after /api/now; skip the test where it is not at hand."""
    return TableSpecification.at_hand("servicenow-table.apievangelist.json", prefix="/api/now")


def published_by_ballerina() -> TableSpecification:
    """Return the looser specification, whose parameters have other types; skip the test where it is not at hand."""
    return TableSpecification.at_hand("servicenow-table.ballerina.json")


class FakeServiceNow(FakeDesk):
    """An instance with one integration user, whose rights can be changed.

    readable: tables that this user may read. forbidden: "empty" answers those that it may not with no rows, "403" says so.
    unwritable: fields that are dropped in silence. hidden: sys_ids that this user may not read. ignored: fields that a query
    takes for invalid. returns_no_rows: the property glide.invalid_query.returns_no_rows. mandatory: fields that a data policy
    wants on opening. cut_off: a table whose reading is ended half-way. accepted: what logs in, of Authorization or x-sn-apikey.
    """

    routes: ClassVar[list[Rule]] = [
        Rule("/api/now/table/<table>", endpoint="listed", methods=["GET"]),
        Rule("/api/now/table/<table>", endpoint="created", methods=["POST"]),
        Rule("/api/now/table/<table>/<sys_id>", endpoint="shown", methods=["GET"]),
        Rule("/api/now/table/<table>/<sys_id>", endpoint="changed", methods=["PATCH"]),
        Rule("/api/now/attachment/file", endpoint="uploaded", methods=["POST"]),
        Rule("/api/now/attachment", endpoint="files", methods=["GET"]),
        Rule("/oauth_token.do", endpoint="token", methods=["POST"]),
    ]

    def __init__(self, specification: Specification | None = None, *, readable: set[str] = WITH_RULES) -> None:
        super().__init__(specification)
        self.readable = set(readable)
        self.forbidden = "empty"
        self.unwritable: set[str] = set()
        self.returns_no_rows = False
        self.ignored: set[str] = set()
        self.mandatory: set[str] = set()
        self.hidden: set[str] = set()
        self.cut_off = ""
        self.largest = 1024 * 1024 * 1024
        self.client_secret = PASSWORD
        self.accepted = {f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
        self.columns = list(COLUMNS)
        self.clock = datetime(2026, 12, 1, 12, tzinfo=UTC)
        self.tables: dict[str, list[Row]] = {name: [] for name in WITH_RULES | {"sys_attachment"}}
        people = [(US, USER, "Foretell Agent", ""), (CALLER, "carol", "Carol Customer", "Customer@client.test")]
        for sys_id, user_name, name, email in [*people, (ENGINEER, "enya", "Enya Engineer", "enya@desk.test")]:
            self.put("sys_user", sys_id=sys_id, user_name=user_name, name=name, email=email, active="true")
        self.put("sys_user_group", sys_id=GROUP, name="Service Desk")
        for field, values in (("state", list(STATE_LABELS)), ("close_code", CODES)):
            for value in values:
                self.put("sys_choice", name="incident", element=field, value=value, inactive="false")
        # Those of task are others, and do not count for a table that has its own.
        self.put("sys_choice", name="task", element="state", value="-5", inactive="false")
        for (impact, urgency), priority in RULES.items():
            self.put("dl_u_priority", impact=impact, urgency=urgency, priority=priority, active="true")
        self.put("sys_data_policy_rule", table="incident", field="close_code", mandatory="true")
        self.put("sys_properties", name="com.glide.attachment.max_size", value="1024")
        strange = self.insert({"short_description": "of somebody else", "impact": "3", "urgency": "3"}, "enya")
        self.update(strange, {"work_notes": "looked at it", "state": "2"}, "enya")

    # -- state ------------------------------------------------------------------------------------------------------

    def put(self, table: str, /, **values: str) -> Row:
        """Add a row as it is."""
        self.clock += timedelta(seconds=1)
        row = {"sys_id": uuid.uuid4().hex, "sys_created_on": f"{self.clock:%Y-%m-%d %H:%M:%S}", **values}
        self.tables[table].append(row)
        return row

    def row(self, table: str, sys_id: str) -> Row | None:
        """Return the row with this sys_id."""
        return next((one for one in self.tables[table] if one["sys_id"] == sys_id), None)

    def insert(self, values: dict[str, Any], user: str) -> Row:
        """Make an incident as `user`; fields that are not there are dropped."""
        number = f"INC{10_000 + len(self.tables['incident']):07}"
        fixed = {"number": number, "state": "1", "active": "true", "impact": "3", "urgency": "3", "reopen_count": "0"}
        row = self.put("incident", **dict.fromkeys(self.columns, "") | fixed)
        self._take(row, values, user)
        row["priority"] = RULES[row["impact"], row["urgency"]]
        row.update(sys_updated_by=user, sys_updated_on=row["sys_created_on"])
        return row

    def update(self, row: Row, values: dict[str, Any], user: str) -> None:
        """Change an incident as `user`, with what its business rules do then."""
        self.clock += timedelta(seconds=1)
        now, before = f"{self.clock:%Y-%m-%d %H:%M:%S}", dict(row)
        who = next((one["sys_id"] for one in self.tables["sys_user"] if one["user_name"] == user), "")
        self._take(row, values, user)
        old, new = before["state"], row["state"]
        if new == "6" != old:
            row.update(resolved_by=who, resolved_at=now)
        if new in {"7", "8"} and old != new:
            row.update(closed_by=who, closed_at=now, active="false")
        if old == "6" and new in {"1", "2", "3"}:
            row.update(reopened_by=who, reopened_time=now, reopen_count=str(int(row["reopen_count"]) + 1))
        row["priority"] = RULES[row["impact"], row["urgency"]]
        row.update(sys_updated_by=user, sys_updated_on=now)
        for field in ("state", "assigned_to"):
            if before[field] != row[field]:
                change = {"fieldname": field, "oldvalue": before[field], "newvalue": row[field], "user": user}
                self.put("sys_audit", tablename="incident", documentkey=row["sys_id"], **change)

    def _take(self, row: Row, values: dict[str, Any], user: str) -> None:
        for name, value in values.items():
            if name in {"comments", "work_notes"} and value:
                entry = {"element": name, "value": str(value), "sys_created_by": user}
                self.put("sys_journal_field", name="incident", element_id=row["sys_id"], **entry)
            elif name in self.columns and name != "priority":  # which is read only
                row[name] = str(value)[:160] if name == "short_description" else str(value)

    # -- requests ---------------------------------------------------------------------------------------------------

    def authorised(self, request: Request) -> bool:
        """Return whether the header is one that logs in; the token's own address needs none."""
        sent = request.headers.get("Authorization") or request.headers.get("x-sn-apikey", "")
        return request.path == "/oauth_token.do" or sent in self.accepted

    def listed(self, request: Request, table: str) -> Any:
        """Return one page of rows: rows that may not be read are left out after the page was cut."""
        if len(request.url) > LONGEST_ADDRESS:
            return answer(414, _error("Request-URI Too Long"))
        if table not in self.tables:
            return 400, _error(f"Invalid table {table}")
        if table not in self.readable:
            return (403, _error("User Not Authorized")) if self.forbidden == "403" else (200, {"result": []})
        params = request.args
        assert params["sysparm_display_value"] == "all"
        found = self._found(table, params.get("sysparm_query", ""))
        first = int(params["sysparm_offset"])
        page = found[first : first + int(params["sysparm_limit"])]
        rows = [self._cells(table, one, params) for one in page if one["sys_id"] not in self.hidden]
        if self.cut_off == table:
            cut = _error("Transaction cancelled: maximum execution time exceeded")
            return 200, {"result": rows[: len(rows) // 2], **cut}
        return 200, {"result": rows}

    def shown(self, request: Request, table: str, sys_id: str) -> Any:
        """Return one row."""
        row = self.row(table, sys_id)
        if row is None or sys_id in self.hidden:
            return 404, _error("No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        return 200, {"result": self._cells(table, row, request.args)}

    def created(self, request: Request, table: str) -> Any:
        """Make an incident."""
        assert table == "incident"
        values = request.get_json()
        if missing := sorted(name for name in self.mandatory if not values.get(name)):
            detail = f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
            return 403, _error("Operation Failed", detail)
        row = self.insert({k: v for k, v in values.items() if k not in self.unwritable}, USER)
        return 201, {"result": {"sys_id": row["sys_id"]}}

    def changed(self, request: Request, table: str, sys_id: str) -> Any:
        """Change an incident, if its state and the data policies let us."""
        row = self.row(table, sys_id)
        if row is None or sys_id in self.hidden:
            return 404, _error("No Record found", "Record doesn't exist or ACL restricts the record retrieval")
        if row["state"] in {"7", "8"}:
            return 403, _error("Operation Failed", "ACL Exception Update Failed due to security constraints")
        values = {k: v for k, v in request.get_json().items() if k not in self.unwritable}
        lacking = [name for name in ("close_code", "close_notes") if not (values.get(name) or row[name])]
        if values.get("state") in {"6", "7"} and lacking:
            detail = f"Data Policy Exception: The following fields are mandatory: {', '.join(lacking)}"
            return 403, _error("Operation Failed", detail)
        self.update(row, values, USER)
        return 200, {"result": {"sys_id": sys_id}}

    def uploaded(self, request: Request) -> Any:
        """Take a file whole, or say why not."""
        table, sys_id, name = (request.args[one] for one in ("table_name", "table_sys_id", "file_name"))
        if self.row(table, sys_id) is None:
            return 404, _error("Invalid table_sys_id")
        if request.content_length > self.largest:
            return 413, _error("File size exceeds the limit")
        file = {
            "sys_id": uuid.uuid4().hex,
            "table_name": table,
            "table_sys_id": sys_id,
            "file_name": name,
            "content_type": request.content_type,
        }
        if "sys_attachment" not in self.unwritable:
            self.put("sys_attachment", size_bytes=str(len(request.get_data())), **file)
        return 201, {"result": file}

    def files(self, request: Request) -> Any:
        """Return what is known of files, in plain values."""
        found = self._found("sys_attachment", request.args["sysparm_query"])
        return 200, {"result": found[: int(request.args["sysparm_limit"])]}

    def token(self, request: Request) -> Any:
        """Return an access token for a client that says its secret in the body."""
        assert not request.args, "a secret in an address is in every log"
        asked = (request.form["grant_type"], request.form["client_id"], request.form["client_secret"])
        if asked != ("client_credentials", USER, self.client_secret):
            return 401, {"error_description": "access_denied", "error": "server_error"}
        token = uuid.uuid4().hex
        self.accepted.add(f"Bearer {token}")
        return 200, {"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": 1799}

    # -- asking -----------------------------------------------------------------------------------------------------

    def _found(self, table: str, query: str) -> list[Row]:
        """Return the rows that an encoded query finds. A part that is not valid is ignored, or nothing is found."""
        rows = list(self.tables[table])
        fields = set(self.columns) | {"sys_id"} if table == "incident" else {name for row in rows for name in row}
        for part in filter(None, query.split("^")):
            if order := re.fullmatch(r"ORDERBY(DESC)?(\w+)", part):
                rows.sort(key=lambda row: row.get(order[2], ""), reverse=bool(order[1]))
                continue
            asked = re.fullmatch(r"([a-z_]+)(=|IN)(.*)", part)
            if asked is None or asked[1] not in fields - self.ignored:
                rows = [] if self.returns_no_rows else rows
                continue
            values = asked[3].split(",") if asked[2] == "IN" else [asked[3]]
            wanted = {US if one == "javascript:gs.getUserID()" else one.lower() for one in values}
            rows = [row for row in rows if row.get(asked[1], "").lower() in wanted]  # without regard to case
        return rows

    def _cells(self, table: str, row: Row, params: Any) -> dict[str, dict[str, str]]:
        """Return the fields asked for, each as stored and as shown; those that are not there are ignored."""
        asked = params.get("sysparm_fields", "")
        journals = {"comments", "work_notes"} if table == "incident" else set()
        names = [name for name in asked.split(",") if name in row or name in journals]
        return {name: {"value": row.get(name, ""), "display_value": self._display(row, name)} for name in names}

    def _display(self, row: Row, name: str) -> str:
        if name in {"comments", "work_notes"}:
            return self.journal(row["sys_id"], name)
        if name == "state" and "number" in row:
            return STATE_LABELS.get(row[name], row[name])
        other = self.row(REFERENCES[name], row[name]) if name in REFERENCES and row.get(name) else None
        return other.get("name") or other["number"] if other else row.get(name, "")

    def journal(self, sys_id: str, element: str) -> str:
        """Return the text of a journal as it is shown: the newest entry first, each below its time, author and field."""
        label = {"comments": "Additional comments", "work_notes": "Work notes"}[element]
        entries = [
            one for one in self.tables["sys_journal_field"] if one["element_id"] == sys_id and one["element"] == element
        ]
        return "".join(
            f"{one['sys_created_on']} - {one['sys_created_by']} ({label})\n{one['value']}\n\n"
            for one in reversed(entries)
        )


class PersonAtServiceNow:
    """An engineer in the desk's own forms, and for replies the customer."""

    def __init__(self, desk: FakeServiceNow) -> None:
        self.desk = desk
        self.acts: dict[str, Callable[[Row], None]] = {
            "acknowledge": lambda row: self.sets(row, state="2"),
            "reply": lambda row: self.desk.update(row, {"comments": "thank you"}, "carol"),
            "confirm": lambda row: self.sets(row, comments="> old\nforetell: confirm"),
            "accept_window": lambda row: self.sets(row, comments="foretell: accept 1"),
            "defer": lambda row: self.sets(row, state="3", hold_reason="4"),
            "wont_fix": lambda row: self.sets(row, state="8"),
            "resolve": lambda row: self.sets(row, state="6", close_code="Known error", close_notes="replaced the disk"),
            "reopen": lambda row: self.sets(row, state="2"),
        }

    def sets(self, row: Row, **values: str) -> None:
        """Change fields as the engineer."""
        self.desk.update(row, values, "enya")

    def ticket(self, ref: Any) -> Row:
        """Return the row of a ticket."""
        row = self.desk.row("incident", ref.id)
        assert row is not None
        return row

    def does(self, ref: Any, kind: str) -> None:
        """Act so that the desk's table says `kind`."""
        self.acts[kind](self.ticket(ref))

    def sets_priority(self, ref: Any, priority: str) -> None:
        """Set impact and urgency of the ticket."""
        impact, urgency = {"P1": "11", "P2": "21", "P3": "22", "P4": "32"}[priority]
        self.sets(self.ticket(ref), impact=impact, urgency=urgency)

    def sees(self, ref: Any) -> tuple[str, str]:
        """Return what the portal shows to the customer: no work notes."""
        row = self.ticket(ref)
        return row["short_description"], row["description"] + self.desk.journal(ref.id, "comments")


def _error(message: str, detail: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}
