"""What every table of the file is, and the sorts of values that several of them take."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

Tier = Literal["premium", "standard", "basic"]
Maturity = Literal["low", "medium", "high"]
Criticality = Literal["high", "normal", "low"]
Schedule = Literal["never", "monthly", "quarterly", "yearly"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]
LocalDate = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-12-20"])]
LocalMoment = Annotated[
    str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}(T([01]\d|2[0-3]):[0-5]\d)?$", examples=["2026-12-20T22:00"])
]
RecurrenceRule = Annotated[str, msgspec.Meta(pattern=r"^FREQ=[A-Z0-9=;,+-]+$", examples=["FREQ=MONTHLY;BYDAY=2SA"])]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration file."""
