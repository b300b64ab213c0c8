"""The tables of `agent.sqlite`, as steps from one version to the next. A step that was released is never changed."""

from __future__ import annotations

from agent.store._migration import Migration

# Records are msgpack: unlike JSON it keeps NaN and infinities, which a reading may well bring along.
MIGRATIONS: tuple[Migration, ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE cases (key TEXT PRIMARY KEY, state TEXT NOT NULL, closed_at REAL, record BLOB NOT NULL) STRICT",
        """
        CREATE TABLE case_events (
            id INTEGER PRIMARY KEY, case_key TEXT NOT NULL REFERENCES cases, at REAL NOT NULL, what TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX case_events_by_case ON case_events (case_key, id)",
        # The position orders the operations of a case; id is the one the desk sees.
        """
        CREATE TABLE operations (
            position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            case_key TEXT NOT NULL REFERENCES cases DEFERRABLE INITIALLY DEFERRED,
            kind TEXT NOT NULL, priority TEXT NOT NULL, created_at REAL NOT NULL, record BLOB NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued', attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
            reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
            rendered BLOB, digest TEXT NOT NULL DEFAULT '', ref BLOB
        ) STRICT
        """,
        "CREATE INDEX operations_by_case ON operations (case_key, position)",
        "CREATE INDEX operations_left ON operations (case_key, position) WHERE state IN ('queued', 'sending')",
        # Positions are never used again, so that what was read can be deleted by them.
        "CREATE TABLE desk_events (position INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB NOT NULL) STRICT",
    ),
    (
        # Many desks: until then there was one, whose name the outbox gets when the agent starts (`Outbox.name_desk`).
        "ALTER TABLE operations ADD COLUMN desk TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX operations_by_desk ON operations (desk, state, created_at)",
        "DROP INDEX operations_left",
        "CREATE INDEX operations_left ON operations (desk, case_key, position) WHERE state IN ('queued', 'sending')",
        "CREATE TABLE attempts (desk TEXT, outcome TEXT, count INTEGER NOT NULL, PRIMARY KEY (desk, outcome)) STRICT",
        "ALTER TABLE cases ADD COLUMN looked_at REAL NOT NULL DEFAULT 0",
    ),
    (
        # What was rendered until then was a ticket's core.
        "ALTER TABLE operations ADD COLUMN level TEXT NOT NULL DEFAULT 'none'",
    ),
)
