"""What is to be done at the desk, in order: queued with its case, journalled before it is tried, kept until it is settled.

    queued → sending → done                  the desk did it, and it was read back
       ↑        ├────→ queued                it did nothing: tried again
       │        ├────→ sending               nobody knows: asked before it is tried again
       └────────┴────→ rejected → dropped    it refused: a person retries or drops it

What waits for a case that is over before the desk was told of it is dropped too.

Cases do not wait for each other. Within a case one goes after the other, and a rejected one does not hold up the rest,
except that everything after a rejected `open` waits for it: without the ticket there is nothing to say it on. It goes on
when the opening is retried and done, or dropped.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from agent.model import Delivered, DeskEvent, Operation, QueuedOperation, QueueState, Refused
from agent.settings import DAY
from agent.status import Queue
from agent.store import Store
from ticketing_clients import TicketRef

_COLUMNS = "record, state, attempts, not_before, reason, detail, rendered, digest, ref"

# A wait of more than a day was reckoned by a clock that lied, and is over.
_LONGEST_WAIT = DAY

_DUE = f"""
WITH waiting AS (
    SELECT * FROM operations AS one
    WHERE state IN ('queued', 'sending') AND (kind = 'open' OR 'rejected' IS NOT (
        SELECT state FROM operations AS opening
        WHERE opening.case_key = one.case_key AND opening.position < one.position
            AND opening.kind = 'open' AND opening.state <> 'dropped'
        ORDER BY opening.position DESC LIMIT 1
    ))
)
SELECT {_COLUMNS} FROM waiting
WHERE position IN (SELECT min(position) FROM waiting GROUP BY case_key) AND NOT (not_before > ? AND not_before <= ?)
ORDER BY priority, position LIMIT ?
"""  # noqa: S608 - only our own column names are put in


class Outbox:
    """The operations in a Store. Every change is lasting when its call returns; all raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        """Work on `store`, and within its transactions."""
        self._store = store
        self._database = store.database

    def queue(self, operation: Operation) -> None:
        """Append `operation`; call it in the transaction that saves its case."""
        self._database.write(
            "INSERT INTO operations (id, case_key, kind, priority, created_at, record) VALUES (?, ?, ?, ?, ?, ?)",
            (
                operation.id,
                operation.case,
                operation.kind,
                str(operation.facts.get("priority", "P4")),
                operation.created_at,
                msgspec.msgpack.encode(operation),
            ),
        )

    # -- reading ----------------------------------------------------------------------------------------------------

    def due(self, now: float, limit: int) -> list[QueuedOperation]:
        """Return the next operation of each case that may be tried at `now` (unix seconds), the most urgent cases first."""
        return [_queued(row) for row in self._database.read(_DUE, (now, now + _LONGEST_WAIT, limit))]

    def all(self, states: Collection[QueueState]) -> list[QueuedOperation]:
        """Return every operation in one of `states`, in the order in which they were queued."""
        marks = ", ".join("?" * len(states))
        sql = f"SELECT {_COLUMNS} FROM operations WHERE state IN ({marks}) ORDER BY position"  # noqa: S608 - question marks
        return [_queued(row) for row in self._database.read(sql, tuple(states))]

    def latest_ticket(self, case: str) -> TicketRef | None:
        """Return the ticket on which the last operation of the case with this key was done, None when none was."""
        rows = self._database.read(
            "SELECT ref FROM operations WHERE case_key = ? AND state = 'done' ORDER BY position DESC LIMIT 1", (case,)
        )
        return _ref(rows[0][0]) if rows else None

    def summary(self) -> Queue:
        """Return how much waits and since when, and why the last try failed."""
        counts = self._database.read("SELECT state, count(*) FROM operations GROUP BY state")
        [(oldest,)] = self._database.read("SELECT min(created_at) FROM operations WHERE state IN ('queued', 'sending')")
        failed = self._database.read(
            """
            SELECT reason, detail FROM operations WHERE state IN ('queued', 'sending', 'rejected') AND reason <> ''
            ORDER BY not_before DESC LIMIT 1
            """
        )
        reason, detail = failed[0] if failed else ("", "")
        return Queue(counts=dict(counts), oldest_at=oldest, last_reason=reason, last_detail=detail)

    # -- on the way -------------------------------------------------------------------------------------------------

    def rendered(self, id: str, payload: bytes, digest: str) -> None:  # noqa: A002 - it is called that everywhere
        """Keep the exact bytes that will leave, and their SHA-256."""
        self._change(id, rendered=payload, digest=digest)

    def sending(self, id: str, not_before: float) -> bool:  # noqa: A002
        """Journal the intent, before the request. If nothing else is ever heard, ask the desk from `not_before` on.

        Return False when it is settled, refused or given up: then there is nothing to request.
        """
        sql = """
            UPDATE operations SET state = 'sending', attempts = attempts + 1, not_before = ?
            WHERE id = ? AND state IN ('queued', 'sending')
        """
        return self._database.write(sql, (not_before, id)) == 1

    def unknown(self, id: str, not_before: float, detail: str) -> None:  # noqa: A002
        """Record that nobody knows what the desk did; it is to be asked from `not_before` on."""
        self._change(id, state="sending", not_before=not_before, reason="outcome_unknown", detail=detail)

    def retry(self, id: str, not_before: float, reason: str, detail: str) -> None:  # noqa: A002
        """Record that the desk did nothing, and when to try again."""
        self._change(id, state="queued", not_before=not_before, reason=reason, detail=detail)

    def done(self, id: str, ref: TicketRef, at: float) -> None:  # noqa: A002
        """Record that the desk did it on the ticket `ref`, and tell the case."""
        with self._store.transaction():
            self._change(id, state="done", reason="", detail="", ref=msgspec.msgpack.encode(ref))
            one = self._operation(id)
            self._tell(Delivered(case=one.case, operation=id, kind=one.kind, ref=ref, at=at))

    def reject(self, id: str, reason: str, detail: str, at: float) -> None:  # noqa: A002
        """Set it aside because the desk refused it, and tell the case."""
        with self._store.transaction():
            self._change(id, state="rejected", not_before=at, reason=reason, detail=detail)
            one = self._operation(id)
            self._tell(Refused(case=one.case, operation=id, kind=one.kind, reason=reason, at=at))

    def clock_moved(self, step: float) -> None:
        """Let waits go on unbroken after the wall clock was moved by `step` seconds."""
        sql = (
            "UPDATE operations SET not_before = not_before + ? WHERE state IN ('queued', 'sending') AND not_before > 0"
        )
        self._database.write(sql, (step,))

    # -- by hand ----------------------------------------------------------------------------------------------------

    def requeue(self, id: str) -> bool:  # noqa: A002
        """Try it again at once; return False when it is settled or not there. What was rendered leaves unchanged."""
        sql = """
            UPDATE operations SET not_before = 0, state = CASE state WHEN 'rejected' THEN 'queued' ELSE state END
            WHERE id = ? AND state IN ('queued', 'sending', 'rejected')
        """
        return self._database.write(sql, (id,)) == 1

    def drop(self, id: str) -> bool:  # noqa: A002
        """Give it up; return False when it is settled already or not there. One on its way may still arrive."""
        sql = "UPDATE operations SET state = 'dropped' WHERE id = ? AND state IN ('queued', 'sending', 'rejected')"
        return self._database.write(sql, (id,)) == 1

    # -- not to be said any more ------------------------------------------------------------------------------------

    def withdraw(self, case: str) -> None:
        """Give up what waits for the case with this key from its last opening on, unless the desk may have had that."""
        self._database.write(
            """
            UPDATE operations SET state = 'dropped', detail = 'it was over before the desk was told'
            WHERE case_key = ? AND state = 'queued' AND position >= (
                SELECT CASE state WHEN 'queued' THEN position END FROM operations
                WHERE case_key = ? AND kind = 'open' ORDER BY position DESC LIMIT 1
            )
            """,
            (case, case),
        )

    # -- writing down -----------------------------------------------------------------------------------------------

    def _change(self, id: str, **columns: Any) -> None:  # noqa: A002
        """Set `columns`. Raises LookupError when there is no such operation."""
        settings = ", ".join(f"{column} = ?" for column in columns)
        sql = f"UPDATE operations SET {settings} WHERE id = ?"  # noqa: S608 - our own column names
        if self._database.write(sql, (*columns.values(), id)) != 1:
            raise LookupError(f"there is no operation {id} in the outbox")

    def _operation(self, id: str) -> Operation:  # noqa: A002
        [(record,)] = self._database.read("SELECT record FROM operations WHERE id = ?", (id,))
        return msgspec.msgpack.decode(record, type=Operation)

    def _tell(self, event: DeskEvent) -> None:
        self._store.put_event(event)


def _queued(row: tuple[Any, ...]) -> QueuedOperation:
    record, state, attempts, not_before, reason, detail, rendered, digest, ref = row
    return QueuedOperation(
        operation=msgspec.msgpack.decode(record, type=Operation),
        state=state,
        attempts=attempts,
        not_before=not_before,
        reason=reason,
        detail=detail,
        rendered=rendered,
        digest=digest,
        ref=_ref(ref) if ref is not None else None,
    )


def _ref(packed: bytes) -> TicketRef:
    return msgspec.msgpack.decode(packed, type=TicketRef)
