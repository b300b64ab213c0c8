"""The embedded desk: tickets in a SQLite file of the agent's own, for a host without a service desk, and for `foretell demo`.

Daemon, courier and command line open the file at the same time, so each call opens it for itself and lets go. What people do here
they do by hand through `record_act`. A change is one transaction: it is there for good, or it was not made.

The file is longer than most clients, because it is the desk as well.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ticketing_clients._acts import LONGEST_TEXT
from ticketing_clients._asking import need_room
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin, TicketingClient
from ticketing_clients._document import cut, one_line, to_plain
from ticketing_clients._errors import DeskUnreachable, TicketGone
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

FILE_NAME = "local-desk.sqlite"
LONGEST_TITLE, LONGEST_BODY, LARGEST_ATTACHMENT = 200, 100_000, 10 * 1024 * 1024
WAIT_FOR_OTHERS = 10.0  # seconds for another process to finish writing

VERSION = 1  # of the schema; a change adds a step from the one before
SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, host TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
    status TEXT NOT NULL, priority TEXT NOT NULL, handler TEXT NOT NULL DEFAULT '', due REAL NOT NULL, opened_at REAL NOT NULL,
    resolution TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS tickets_by_key ON tickets (key);
CREATE INDEX IF NOT EXISTS tickets_by_host ON tickets (host, status);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES tickets, marker TEXT NOT NULL, public INTEGER NOT NULL,
    body TEXT NOT NULL, at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS acts (
    id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES tickets, kind TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL,
    text TEXT NOT NULL, until REAL, option INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS attachments (
    id INTEGER PRIMARY KEY, ticket INTEGER NOT NULL REFERENCES tickets, name TEXT NOT NULL, media_type TEXT NOT NULL,
    content BLOB NOT NULL, at REAL NOT NULL
) STRICT;
"""

PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")  # the most urgent first

# What a person's act makes of the ticket's status; the others leave it.
STATUS_AFTER: dict[ActKind, Status] = {
    "acknowledge": "open",
    "defer": "waiting",
    "wont_fix": "rejected",
    "resolve": "resolved",
    "reopen": "open",
}


class LocalTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the page and the command line show it."""

    ref: TicketRef
    key: str
    host: str
    title: str
    body: str
    status: Status
    priority: Priority
    handler: str
    due: datetime
    opened_at: datetime
    resolution: str


class LocalComment(msgspec.Struct, frozen=True, kw_only=True):
    """Something said on a ticket. `by` is empty when we said it."""

    at: datetime
    by: str
    public: bool
    text: str


class LocalDesk:
    """The desk in `state_dir`, under its configured name. `now` stamps what is written, unix seconds."""

    def __init__(self, state_dir: Path, desk: str, now: float) -> None:
        """Given the agent's folder, the desk's name and the time. Opens nothing yet."""
        self._path = state_dir / FILE_NAME
        self._desk = desk
        self._now = now

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do."""
        return Capabilities(
            longest_title=LONGEST_TITLE, longest_body=LONGEST_BODY, largest_attachment=LARGEST_ATTACHMENT
        )

    def check(self) -> list[Check]:
        """Look at the file; one that is not there yet is made with the first ticket."""
        if not self._path.exists():
            return [Check.of("local desk", found=f"no ticket yet in {self._path.parent}")]
        with self._reading() as database:
            (tickets,) = database.execute("SELECT count(*) FROM tickets").fetchone()
        return [Check.of("local desk", found=f"{tickets} tickets in {self._path}")]

    def open(self, ticket: Ticket) -> TicketRef:
        """Create the ticket and return where it is."""
        with self._changing() as database:
            made = database.execute(
                "INSERT INTO tickets (key, host, title, body, status, priority, due, opened_at)"
                " VALUES (?, ?, ?, ?, 'new', ?, ?, ?)",
                (
                    ticket.key,
                    ticket.device.id,
                    cut(one_line(ticket.title), LONGEST_TITLE),
                    cut(to_plain(ticket.body), LONGEST_BODY),
                    ticket.priority,
                    ticket.service_times.fix_due.timestamp(),
                    self._now,
                ),
            )
            return self._ref(made.lastrowid)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; lowest id first."""
        return self._search("key = ?", key)

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return the open tickets of the host with marker `host`."""
        return [one for one in self._search("host = ?", host) if one.open]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people did. Raises TicketGone."""
        with self._reading() as database:
            row = self._row(database, ref)
            acts = database.execute("SELECT * FROM acts WHERE ticket = ? ORDER BY id", (row["id"],)).fetchall()
        return TicketState(
            ref=ref,
            status=row["status"],
            desk_status=row["status"],
            priority=row["priority"],
            handler=row["handler"],
            due=_time(row["due"]),
            resolution=row["resolution"],
            acts=tuple(_act(one) for one in acts),
        )

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Add `comment`."""
        with self._changing() as database:
            database.execute(
                "INSERT INTO comments (ticket, marker, public, body, at) VALUES (?, ?, ?, ?, ?)",
                (
                    self._row(database, ref)["id"],
                    comment.marker,
                    comment.public,
                    cut(to_plain(comment.body), LONGEST_BODY),
                    self._now,
                ),
            )

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a comment with exactly this marker is on the ticket."""
        with self._reading() as database:
            number = self._row(database, ref)["id"]
            found = database.execute("SELECT 1 FROM comments WHERE ticket = ? AND marker = ?", (number, marker))
            return found.fetchone() is not None

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Set the priority if the present one is lower; never lower it."""
        with self._changing() as database:
            row = self._row(database, ref)
            if PRIORITIES.index(priority) < PRIORITIES.index(row["priority"]):
                database.execute("UPDATE tickets SET priority = ? WHERE id = ?", (priority, row["id"]))

    def resolve(self, ref: TicketRef) -> None:
        """Set the ticket to resolved, unless it is closed already."""
        with self._changing() as database:
            row = self._row(database, ref)
            if row["status"] in WORKING:
                self._set_status(database, row["id"], "resolved", "")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Open the ticket again and return it."""
        del ticket  # no ticket of this desk is ever gone, so none needs a follow-up
        with self._changing() as database:
            row = self._row(database, ref)
            if row["status"] not in WORKING:
                self._set_status(database, row["id"], "open", "")
        return ref

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Attach a file. Raises Rejected when it is too large; the ticket stays."""
        need_room(attachment, LARGEST_ATTACHMENT, self._desk, "the local desk")
        with self._changing() as database:
            database.execute(
                "INSERT INTO attachments (ticket, name, media_type, content, at) VALUES (?, ?, ?, ?, ?)",
                (
                    self._row(database, ref)["id"],
                    attachment.name,
                    attachment.media_type,
                    attachment.content,
                    self._now,
                ),
            )

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name is on the ticket."""
        with self._reading() as database:
            number = self._row(database, ref)["id"]
            found = database.execute("SELECT 1 FROM attachments WHERE ticket = ? AND name = ?", (number, name))
            return found.fetchone() is not None

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Reject `ref` as a duplicate of `original`."""
        with self._changing() as database:
            row = self._row(database, ref)
            self._set_status(database, row["id"], "rejected", f"duplicate of {original.id}")

    # -- for people: the page and the command line --------------------------------------------------------------------

    def tickets(self) -> list[LocalTicket]:
        """Return all tickets, the oldest first."""
        with self._reading() as database:
            return [self._shown(row) for row in database.execute("SELECT * FROM tickets ORDER BY id")]

    def comments(self, ref: TicketRef) -> list[LocalComment]:
        """Return what was said on a ticket, by us and by people, the oldest first. Raises TicketGone."""
        with self._reading() as database:
            number = self._row(database, ref)["id"]
            rows = database.execute(
                "SELECT at, '' AS by, public, body AS text FROM comments WHERE ticket = :ticket"
                " UNION ALL SELECT at, by, 1, text FROM acts WHERE ticket = :ticket AND text != '' ORDER BY at",
                {"ticket": number},
            )
            return [
                LocalComment(at=_time(row["at"]), by=row["by"], public=bool(row["public"]), text=row["text"])
                for row in rows
            ]

    def record_act(
        self,
        ref: TicketRef,
        kind: ActKind,
        *,
        by: str,
        text: str = "",
        until: datetime | None = None,
        option: int | None = None,
    ) -> Act:
        """Note what the person `by` did, change the ticket as that act does, and return it. Raises TicketGone."""
        with self._changing() as database:
            number = self._row(database, ref)["id"]
            made = database.execute(
                "INSERT INTO acts (ticket, kind, by, at, text, until, option) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
                (number, kind, by, self._now, cut(text, LONGEST_TEXT), until.timestamp() if until else None, option),
            ).fetchone()
            if kind in STATUS_AFTER:
                self._set_status(database, number, STATUS_AFTER[kind], text if kind == "wont_fix" else "")
            if kind == "acknowledge":
                database.execute("UPDATE tickets SET handler = ? WHERE id = ?", (by, number))
            return _act(made)

    # -- the file -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file, making it if it is not there. What SQLite cannot do (disk full, locked, damaged) was not done."""
        try:
            # For its owner only; SQLite gives the files it makes beside it the same mode.
            if not self._path.exists():
                self._path.touch(mode=0o600)
            with contextlib.closing(sqlite3.connect(self._path, timeout=WAIT_FOR_OTHERS)) as database:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")  # WAL with NORMAL loses rows in a power cut
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version > VERSION:
                    raise DeskUnreachable(
                        f"desk {self._desk}: {self._path} was written by a newer version; use that one"
                    )
                if version < VERSION:
                    database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
                yield database
        except (sqlite3.Error, OSError) as error:
            raise DeskUnreachable(f"desk {self._desk}: {self._path}: {error}") from error

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: what is yielded to is done as a whole, for good, or not at all."""
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")  # so that what is read before a change still holds when it is made
            with database:
                yield database

    def _row(self, database: sqlite3.Connection, ref: TicketRef) -> sqlite3.Row:
        row: sqlite3.Row | None = database.execute("SELECT * FROM tickets WHERE 'L' || id = ?", (ref.id,)).fetchone()
        if row is None:
            raise TicketGone(f"desk {self._desk}: there is no ticket {ref.id}")
        return row

    def _set_status(self, database: sqlite3.Connection, number: int, status: Status, resolution: str) -> None:
        database.execute("UPDATE tickets SET status = ?, resolution = ? WHERE id = ?", (status, resolution, number))

    def _ref(self, number: int | None) -> TicketRef:
        return TicketRef(self._desk, f"L{number}")

    def _search(self, condition: str, value: str) -> list[FoundTicket]:
        if not self._path.exists():  # a look makes no file
            return []
        with self._reading() as database:
            sql = f"SELECT id, key, status, title, host FROM tickets WHERE {condition} ORDER BY id"  # noqa: S608 - ours
            return [
                FoundTicket(self._ref(row["id"]), row["key"], row["status"] in WORKING, row["title"], row["host"])
                for row in database.execute(sql, (value,))
            ]

    def _shown(self, row: sqlite3.Row) -> LocalTicket:
        times = {"due": _time(row["due"]), "opened_at": _time(row["opened_at"])}
        values = {name: row[name] for name in row.keys() if name != "id"}  # noqa: SIM118 - a Row iterates over values
        return LocalTicket(ref=self._ref(row["id"]), **(values | times))


def _news(folder: Path) -> str:
    """Return the file and the last act in it; empty where there is none. Raises OSError, also where the file is gone."""
    path = folder / FILE_NAME
    number = path.stat().st_ino  # a file that took its place is usually another
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0)) as database:
            last = database.execute("SELECT id, at FROM acts ORDER BY id DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
    return "" if last is None else f"{number} {last[0]} {last[1]}"


def _act(row: sqlite3.Row) -> Act:
    return Act(
        id=str(row["id"]),
        kind=row["kind"],
        by=row["by"],
        at=_time(row["at"]),
        text=row["text"],
        until=_time(row["until"]) if row["until"] is not None else None,
        option=row["option"],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _build(options: ClientOptions, context: ClientContext, desk: str) -> TicketingClient:
    del options  # this desk has none of its own
    return LocalDesk(context.state_dir, desk, context.now)


PLUGIN = ClientPlugin(
    name="local",
    summary="The embedded desk: tickets in a file of the agent's own, shown on the status page.",
    options=ClientOptions,
    build=_build,
    tested="itself, by the contract suite",
    news=_news,
)
