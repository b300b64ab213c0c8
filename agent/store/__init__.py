"""What the agent remembers: cases, the outbox and single values in one SQLite file, the history of readings in another."""

from agent.store._blocks import Hour
from agent.store._copy import copy_records
from agent.store._errors import StoreDamaged, StoreUnavailable
from agent.store._history import History
from agent.store._store import FILE_NAME, Happening, Store

__all__ = ["FILE_NAME", "Happening", "History", "Hour", "Store", "StoreDamaged", "StoreUnavailable", "copy_records"]
