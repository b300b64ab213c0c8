"""What is to be done at the desk, in order: queued with its case, journalled before it is tried, kept until it is settled.

    queued → sending → done                  the desk did it, and it was read back
       ↑        ├────→ queued                it did nothing: tried again
       │        ├────→ sending               nobody knows: asked before it is tried again
       └────────┴────→ rejected → dropped    it refused: a person retries or drops it

What waits for a case that is over before the desk was told of it is dropped too.

Neither cases nor desks wait for each other. What one case has for one desk goes in order, and a rejected one does not hold up
the rest, except that everything after a rejected `open` waits for it: without the ticket there is nothing to say it on. It
goes on when the opening is retried and done, or dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any

import msgspec

from agent.calendar.windows import MaintenanceWindow
from agent.configuration.settings import DAY
from agent.consent.levels import Level
from agent.delivery.spool import FileConsent, FileFacts, Spool
from agent.following.model import (
    EXPIRED,
    FORBIDDEN,
    Case,
    Delivered,
    DeskEvent,
    Operation,
    Promise,
    QueuedOperation,
    QueueState,
    Refused,
    Topic,
)
from agent.status import Queue
from agent.store import Store
from ticketing_clients import Attachment, TicketRef

_COLUMNS = "record, desk, state, attempts, not_before, reason, detail, rendered, digest, level, ref"

# A wait of more than a day was reckoned by a clock that lied, and is over.
_LONGEST_WAIT = DAY

# The openings of a case's ticket at a desk.
_OPENINGS = "case_key = ? AND desk = ? AND state = 'done' AND kind IN ('open', 'reopen')"

# Why an opening needs no more looks for a twin of its ticket.
ALONE = "alone"

# Whether an operation was queued since the case opened last: by their order, for the clock may have been set back since.
_OF_THIS_TIME = """
position > coalesce(
    (SELECT max(position) FROM operations WHERE case_key = ? AND desk = ? AND kind IN ('open', 'reopen')), 0
)
"""

# With min(), SQLite takes the other columns from the row that has it. Of the chosen rows only are texts and all read.
_DUE = f"""
WITH next AS (
    SELECT min(position) AS position, priority, not_before FROM operations AS one
    WHERE desk = ? AND state IN ('queued', 'sending') AND (kind = 'open' OR 'rejected' IS NOT (
        SELECT state FROM operations AS opening
        WHERE opening.case_key = one.case_key AND opening.desk = one.desk AND opening.position < one.position
            AND opening.kind = 'open' AND opening.state <> 'dropped'
        ORDER BY opening.position DESC LIMIT 1
    ))
    GROUP BY case_key
)
SELECT {_COLUMNS} FROM operations
WHERE position IN (
    SELECT position FROM next WHERE NOT (not_before > ? AND not_before <= ?) ORDER BY priority, position LIMIT ?
)
ORDER BY priority, position
"""  # noqa: S608 - only our own column names are put in


class Outbox:
    """The operations in a Store. Every change is lasting when its call returns; all raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        """Work on `store`, and within its transactions."""
        self._store = store
        self._database = store.database
        self._spool = Spool(store.folder)

    def queue(self, operation: Operation) -> None:
        """Append `operation`; call it in the transaction that saves its case.

        A refused priority is given up for a higher one: somebody who retried it later would have the ticket's promise be less.
        """
        if operation.kind == "raise_priority":
            self._database.write(
                """
                UPDATE operations SET state = 'dropped', detail = 'a higher one is asked for since'
                WHERE case_key = ? AND desk = ? AND kind = 'raise_priority' AND state = 'rejected'
                """,
                (operation.case, operation.desk),
            )
        self._database.write(
            "INSERT INTO operations (id, case_key, desk, kind, priority, created_at, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                operation.id,
                operation.case,
                operation.desk,
                operation.kind,
                str(operation.facts.get("priority", "P4")),
                operation.created_at,
                msgspec.msgpack.encode(operation),
            ),
        )

    def case_closed(self, case: str) -> None:
        """Give up what was refused of the case with this key: retried later, it would open its ticket again for nobody.

        So is what would have raised its priority. Call it in the transaction that saves the case.
        """
        self._database.write(
            """
            UPDATE operations SET state = 'dropped', detail = 'the case was closed since'
            WHERE case_key = ? AND kind IN ('reopen', 'raise_priority') AND state = 'rejected'
            """,
            (case,),
        )

    def attach(self, case: Case, file: Attachment, at: float, needs: FileConsent | None = None) -> str:
        """Queue `file` for the home ticket of `case` and return the operation's id; it is kept in the spool until it is settled.

        needs: the consent without which it stays here, also when it is taken back while it waits; None for what is core.
        The same content is attached to a case once, however often it is queued.
        """
        digest = sha256(file.content).hexdigest()
        facts = FileFacts(
            name=file.name,
            media_type=file.media_type,
            size=len(file.content),
            sha256=digest,
            priority=case.priority,
            needs=needs,
        )
        operation = Operation(
            id=f"{case.key[:16]}-{digest[:16]}",
            case=case.key,
            kind="attach",
            topic="attached",
            desk=case.ticket.desk if case.ticket else case.desks[0],
            facts=msgspec.to_builtins(facts),
            created_at=at,
        )
        with self._store.transaction():  # in it, so that nobody sweeps what is not queued yet
            if not self._database.read("SELECT 1 FROM operations WHERE id = ?", (operation.id,)):
                self._spool.put(operation.id, file.content)
                self.queue(operation)
        return operation.id

    def has_said(self, case: str, topic: Topic, desk: str) -> bool:
        """Return whether a comment on `topic` was queued for this case since its last opening at `desk`, and not forbidden."""
        sql = f"""
            SELECT record, desk FROM operations
            WHERE kind = 'comment' AND case_key = ? AND reason IS NOT ? AND {_OF_THIS_TIME}
        """  # noqa: S608 - our own condition
        rows = self._database.read(sql, (case, FORBIDDEN, case, desk))
        return any(_recorded(*row).topic == topic for row in rows)

    def sweep(self) -> None:
        """Remove the files of operations that are settled."""
        with self._store.transaction():
            rows = self._database.read(
                "SELECT id FROM operations WHERE kind = 'attach' AND state IN ('queued', 'sending', 'rejected')"
            )
            self._spool.keep_only({name for (name,) in rows})

    def forbid(self, id: str, detail: str, at: float) -> None:  # noqa: A002 - it is called that everywhere
        """Give up a file or comment that may not leave any more, and tell the case. One on its way may still arrive."""
        self._give_up(id, FORBIDDEN, detail, at)
        self.sweep()

    def expire(self, id: str, at: float) -> None:  # noqa: A002
        """Give up what is no news any more, and tell the case, so that it can say what is."""
        self._give_up(id, EXPIRED, "it waited until it was no news any more", at)

    def _give_up(self, id: str, reason: str, detail: str, at: float) -> None:  # noqa: A002
        with self._store.transaction():
            one = self._operation(id)
            self._change(id, state="dropped", reason=reason, detail=detail)
            self._tell(Refused(case=one.case, operation=id, kind=one.kind, reason=reason, at=at, desk=one.desk))

    def expire_files(self, before: float) -> None:
        """Give up the files that need consent and were queued before this (unix seconds): a copy is not kept for ever."""
        rows = self._database.read(
            """
            SELECT id, record, desk FROM operations
            WHERE kind = 'attach' AND state IN ('queued', 'rejected') AND created_at < ?
            """,
            (before,),
        )
        for name, record, desk in rows:
            if _recorded(record, desk).facts.get("needs") is not None:
                self._change(name, state="dropped", detail="it waited for too long, and was removed")

    def name_desk(self, desk: str) -> None:
        """Say where the operations go that were queued when there was only one desk, and none was named."""
        self._database.write("UPDATE operations SET desk = ? WHERE desk = ''", (desk,))

    # -- reading ----------------------------------------------------------------------------------------------------

    def due(self, desk: str, now: float, limit: int) -> list[QueuedOperation]:
        """Return what may be tried at `desk` at `now` (unix seconds): each case's next operation, the most urgent cases first."""
        return [_queued(row) for row in self._database.read(_DUE, (desk, now, now + _LONGEST_WAIT, limit))]

    def desks(self) -> set[str]:
        """Return the names of the desks for which something waits."""
        rows = self._database.read("SELECT DISTINCT desk FROM operations WHERE state IN ('queued', 'sending')")
        return {desk for (desk,) in rows}

    def all(self, states: Collection[QueueState]) -> list[QueuedOperation]:
        """Return every operation in one of `states`, in the order in which they were queued."""
        marks = ", ".join("?" * len(states))
        sql = f"SELECT {_COLUMNS} FROM operations WHERE state IN ({marks}) ORDER BY position"  # noqa: S608 - question marks
        return [_queued(row) for row in self._database.read(sql, tuple(states))]

    def of_case(self, key: str) -> list[QueuedOperation]:
        """Return every operation of the case with this key, in the order in which they were queued."""
        sql = f"SELECT {_COLUMNS} FROM operations WHERE case_key = ? ORDER BY position"  # noqa: S608 - our own column names
        return [_queued(row) for row in self._database.read(sql, (key,))]

    def latest_ticket(self, case: str, desk: str) -> TicketRef | None:
        """Return the ticket at `desk` on which the last operation of the case with this key was done, None when none was."""
        rows = self._database.read(
            "SELECT ref FROM operations WHERE case_key = ? AND desk = ? AND state = 'done' ORDER BY position DESC LIMIT 1",
            (case, desk),
        )
        return _ref(rows[0][0]) if rows else None

    def attached_since(self, at: float) -> int:
        """Return the bytes of the files that need consent and were queued since then (unix seconds), whatever became of them."""
        return sum(one.size for one in self._consented("created_at >= ?", at))

    def has_ever_attached(self) -> bool:
        """Return whether a file that needs consent was ever queued, for any case; one that was forbidden later does not count."""
        return any(self._consented("reason IS NOT ?", FORBIDDEN))

    def has_attached(self, case: str, desk: str) -> bool:
        """Return whether a file that needs consent was queued for this case since it opened last at `desk`.

        One that was forbidden later does not count: it may be sent when consent comes again.
        """
        return any(
            self._consented(f"case_key = ? AND reason IS NOT ? AND {_OF_THIS_TIME}", case, FORBIDDEN, case, desk)
        )

    def _consented(self, condition: str, *values: object) -> Iterator[FileFacts]:
        """Yield the files that need consent for whose operations our own `condition` holds."""
        sql = f"SELECT record, desk FROM operations WHERE kind = 'attach' AND {condition}"  # noqa: S608 - our own condition
        files = (msgspec.convert(_recorded(*row).facts, FileFacts) for row in self._database.read(sql, values))
        return (one for one in files if one.needs is not None)

    def opened_at(self, case: str, desk: str) -> float | None:
        """Return when (unix seconds) the case's ticket at `desk` was last opened or reopened; None when we never did."""
        [(at,)] = self._database.read(
            f"SELECT max(not_before) FROM operations WHERE {_OPENINGS}",  # noqa: S608 - our own condition
            (case, desk),
        )
        return None if at is None else float(at)

    def twin_possible_since(self, case: str, desk: str) -> float | None:
        """Return since when (unix seconds) the case's ticket at `desk` may have a twin; None when that was settled, or never."""
        [(at,)] = self._database.read(
            f"SELECT max(not_before) FROM operations WHERE {_OPENINGS} AND reason <> ?",  # noqa: S608 - our own condition
            (case, desk, ALONE),
        )
        return None if at is None else float(at)

    def twin_impossible(self, case: str, desk: str) -> None:
        """Note that a twin of the case's ticket at `desk` would have been found by now."""
        self._database.write(f"UPDATE operations SET reason = ? WHERE {_OPENINGS}", (ALONE, case, desk))  # noqa: S608 - as above

    def is_opening(self, case: str, desk: str) -> bool:
        """Return whether the case's ticket at `desk` is still to be opened, or opened again."""
        return bool(
            self._database.read(
                """
                SELECT 1 FROM operations
                WHERE case_key = ? AND desk = ? AND state IN ('queued', 'sending') AND kind IN ('open', 'reopen') LIMIT 1
                """,
                (case, desk),
            )
        )

    def openings(self) -> Iterator[Operation]:
        """Yield what opened tickets, or opened them again, at their homes, with the facts of that moment, in order."""
        rows = self._database.read(
            "SELECT record, desk FROM operations WHERE kind IN ('open', 'reopen') AND state = 'done' ORDER BY position"
        )
        return (one for one in (_recorded(*row) for row in rows) if not one.copy)

    def summary(self, desk: str) -> Queue:
        """Return how much waits for `desk` and since when, why the last try failed, and how all tries ended."""
        states = self._database.read(
            "SELECT state, count(*), min(created_at) FROM operations WHERE desk = ? GROUP BY state", (desk,)
        )
        counts: dict[QueueState, int] = {state: count for state, count, _ in states}
        oldest = min((first for state, _, first in states if state in {"queued", "sending"}), default=None)
        reason, detail = self._last_failure(desk) if counts.keys() - {"done", "dropped"} else ("", "")
        attempts = self._database.read("SELECT outcome, count FROM attempts WHERE desk = ? ORDER BY outcome", (desk,))
        return Queue(counts=counts, oldest_at=oldest, last_reason=reason, last_detail=detail, attempts=dict(attempts))

    def _last_failure(self, desk: str) -> tuple[str, str]:
        """Return reason and detail of the last try that failed, of what is still to be done or was refused."""
        rows = self._database.read(
            """
            SELECT reason, detail FROM operations
            WHERE desk = ? AND state IN ('queued', 'sending', 'rejected') AND reason <> '' ORDER BY not_before DESC LIMIT 1
            """,
            (desk,),
        )
        return rows[0] if rows else ("", "")

    # -- on the way -------------------------------------------------------------------------------------------------

    def rendered(self, id: str, payload: bytes, digest: str, level: Level = "none") -> None:  # noqa: A002 - as everywhere
        """Keep the exact bytes that will leave, their SHA-256, and the consent that they need."""
        self._change(id, rendered=payload, digest=digest, level=level)

    def sending(self, id: str, not_before: float) -> bool:  # noqa: A002
        """Journal the intent, before the request. If nothing else is ever heard, ask the desk from `not_before` on.

        Return False when it is settled, refused or given up: then there is nothing to request.
        """
        sql = """
            UPDATE operations SET state = 'sending', attempts = attempts + 1, not_before = ?
            WHERE id = ? AND state IN ('queued', 'sending')
        """
        return self._database.write(sql, (not_before, id)) == 1

    def unknown(self, id: str, not_before: float, reason: str, detail: str) -> None:  # noqa: A002
        """Record that nobody knows what the desk did; it is to be asked from `not_before` on."""
        self._end_try(id, reason, state="sending", not_before=not_before, reason=reason, detail=detail)

    def retry(self, id: str, not_before: float, reason: str, detail: str) -> None:  # noqa: A002
        """Record that the desk did nothing, and when to try again."""
        self._end_try(id, reason, state="queued", not_before=not_before, reason=reason, detail=detail)

    def done(
        self,
        id: str,  # noqa: A002
        ref: TicketRef,
        at: float,
        *,
        left_out: bool = False,
        promise: Promise | None = None,
        windows: tuple[MaintenanceWindow, ...] = (),
    ) -> None:
        """Record that the desk did it on the ticket `ref`, or that it can do no such thing, and tell the case.

        promise: what the ticket now says is due. windows: which times it now tells of.
        """
        detail = "left out: the desk cannot do it" if left_out else ""
        with self._store.transaction():
            packed = msgspec.msgpack.encode(ref)
            one = self._end_try(id, "done", state="done", not_before=at, reason="", detail=detail, ref=packed)
            if one.kind in {"open", "reopen"}:
                # Tried again by hand, it may come after what was said on the ticket before.
                self._database.write(
                    """
                    UPDATE operations SET ref = ? WHERE case_key = ? AND desk = ? AND state = 'done'
                        AND position > (SELECT position FROM operations WHERE id = ?)
                    """,
                    (packed, one.case, one.desk, id),
                )
            self._tell(
                Delivered(
                    case=one.case,
                    operation=id,
                    kind=one.kind,
                    ref=ref,
                    at=at,
                    copy=one.copy,
                    left_out=left_out,
                    promise=promise,
                    windows=windows,
                )
            )

    def reject(self, id: str, reason: str, detail: str, at: float) -> None:  # noqa: A002
        """Set it aside because the desk refused it, and tell the case."""
        with self._store.transaction():
            one = self._end_try(id, reason, state="rejected", not_before=at, reason=reason, detail=detail)
            self._tell(
                Refused(case=one.case, operation=id, kind=one.kind, reason=reason, at=at, desk=one.desk, copy=one.copy)
            )

    def moved(self, case: str, desk: str, ref: TicketRef) -> None:
        """Note that the case's ticket at `desk` is another one now: it was merged, or it was the twin that is closed."""
        self._database.write(
            "UPDATE operations SET ref = ? WHERE case_key = ? AND desk = ? AND state = 'done'",
            (msgspec.msgpack.encode(ref), case, desk),
        )

    def clock_moved(self, step: float) -> None:
        """Let waits go on unbroken after the wall clock was moved by `step` seconds."""
        sql = (
            "UPDATE operations SET not_before = not_before + ? WHERE state IN ('queued', 'sending') AND not_before > 0"
        )
        self._database.write(sql, (step,))

    def settle(self, desk: str, now: float, until: float) -> None:
        """Leave what nobody knows the outcome of at `desk` alone until then (unix seconds).

        While nobody watched, the clock may have been moved, and a wait be over before the desk's search can know.
        """
        believed = "CASE WHEN not_before > ? THEN 0 ELSE not_before END"
        sql = f"UPDATE operations SET not_before = max({believed}, ?) WHERE desk = ? AND state = 'sending'"  # noqa: S608 - see above
        self._database.write(sql, (now + _LONGEST_WAIT, until, desk))

    def doubt(self) -> None:
        """Have the desks asked about all that waits before it is tried: in records that were restored, it may be done already."""
        self._database.write("UPDATE operations SET state = 'sending', not_before = 0 WHERE state = 'queued'")

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
        dropped = self._database.write(sql, (id,)) == 1
        self.sweep()
        return dropped

    # -- not to be said any more ------------------------------------------------------------------------------------

    def withdraw(self, case: str) -> None:
        """Give up what waits for the case with this key from its last opening on, at each desk that cannot have had that."""
        with self._store.transaction():
            openings = self._database.read(
                "SELECT desk, max(position), state FROM operations WHERE case_key = ? AND kind = 'open' GROUP BY desk",
                (case,),
            )
            for desk, position, state in openings:
                if state == "queued":
                    self._database.write(
                        """
                        UPDATE operations SET state = 'dropped', detail = 'it was over before the desk was told'
                        WHERE case_key = ? AND desk = ? AND state = 'queued' AND position >= ?
                        """,
                        (case, desk, position),
                    )

    # -- writing down -----------------------------------------------------------------------------------------------

    def _end_try(self, id: str, outcome: str, **columns: Any) -> Operation:  # noqa: A002
        """Set `columns` after a try that ended so, count it, and return the operation."""
        with self._store.transaction():
            self._change(id, **columns)
            one = self._operation(id)
            self._database.write(
                """
                INSERT INTO attempts (desk, outcome, count) VALUES (?, ?, 1)
                ON CONFLICT (desk, outcome) DO UPDATE SET count = count + 1
                """,
                (one.desk, outcome),
            )
        return one

    def _change(self, id: str, **columns: Any) -> None:  # noqa: A002
        """Set `columns`. Raises LookupError when there is no such operation."""
        settings = ", ".join(f"{column} = ?" for column in columns)
        sql = f"UPDATE operations SET {settings} WHERE id = ?"  # noqa: S608 - our own column names
        if self._database.write(sql, (*columns.values(), id)) != 1:
            raise LookupError(f"there is no operation {id} in the outbox")

    def _operation(self, id: str) -> Operation:  # noqa: A002
        [(record, desk)] = self._database.read("SELECT record, desk FROM operations WHERE id = ?", (id,))
        return _recorded(record, desk)

    def _tell(self, event: DeskEvent) -> None:
        self._store.put_event(event)


def _queued(row: tuple[Any, ...]) -> QueuedOperation:
    record, desk, state, attempts, not_before, reason, detail, rendered, digest, level, ref = row
    return QueuedOperation(
        operation=_recorded(record, desk),
        state=state,
        attempts=attempts,
        not_before=not_before,
        reason=reason,
        detail=detail,
        rendered=rendered,
        digest=digest,
        level=level,
        ref=_ref(ref) if ref is not None else None,
    )


def _recorded(record: bytes, desk: str) -> Operation:
    """Return an operation; the column knows the desk of one that was recorded before there were many."""
    return msgspec.structs.replace(msgspec.msgpack.decode(record, type=Operation), desk=desk)


def _ref(packed: bytes) -> TicketRef:
    return msgspec.msgpack.decode(packed, type=TicketRef)
