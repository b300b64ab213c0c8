"""A record of ServiceNow, field by field, and the condition by which records are asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

_PLAIN = re.compile(r"[\w@.+-]+", re.ASCII)


class Cell(msgspec.Struct, frozen=True):
    """A field of a record: as it is stored, and as this user is shown it."""

    value: str | None = ""
    display_value: str | None = ""


class Record(msgspec.Struct, frozen=True):
    """A row of a table. A field that is not there, or may not be read, is empty."""

    cells: dict[str, Cell]

    def value(self, field: str) -> str:
        """Return what is stored: a choice's value, a reference's sys_id, a time in UTC."""
        return self.cells.get(field, _EMPTY).value or ""

    def shown(self, field: str) -> str:
        """Return what a person sees: a choice's label, a reference's name, a journal's entries."""
        return self.cells.get(field, _EMPTY).display_value or ""

    def time(self, field: str) -> datetime | None:
        """Return a time; None where none is set."""
        text = self.value(field)
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None

    def number(self, field: str, otherwise: int) -> int:
        """Return a whole number; `otherwise` where there is none."""
        text = self.value(field)
        return int(text) if text.isdecimal() else otherwise


_EMPTY = Cell()


def condition(field: str, *values: str) -> str:
    """Return the part of a query by which `field` is one of `values`; raise ValueError for what could be more than a value."""
    if not values or not all(_PLAIN.fullmatch(value) for value in values):
        raise ValueError(f"not to be asked for in a query: {values}")
    return f"{field}={values[0]}" if len(values) == 1 else f"{field}IN{','.join(values)}"


def is_plain(value: str) -> bool:
    """Return whether `value` can be asked for in a query."""
    return _PLAIN.fullmatch(value) is not None
