"""What the agent remembers: cases, the outbox and single values in one SQLite file, the history of readings in another."""

from agent.store._blocks import Hour
from agent.store._copy import copy_database, copy_records, version_of
from agent.store._errors import StoreDamaged, StoreNewer, StoreUnavailable
from agent.store._history import FILE_NAME as HISTORY_NAME
from agent.store._history import MIGRATIONS as HISTORY_MIGRATIONS
from agent.store._history import History
from agent.store._schema import MIGRATIONS
from agent.store._store import FILE_NAME, Happening, Store

#: the files with a schema, and the newest version of it that this Foretell knows
SCHEMAS = {FILE_NAME: len(MIGRATIONS), HISTORY_NAME: len(HISTORY_MIGRATIONS)}

__all__ = [
    "FILE_NAME",
    "SCHEMAS",
    "Happening",
    "History",
    "Hour",
    "Store",
    "StoreDamaged",
    "StoreNewer",
    "StoreUnavailable",
    "copy_database",
    "copy_records",
    "version_of",
]
