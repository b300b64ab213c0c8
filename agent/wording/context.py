"""What rendering needs beside the facts. A file of its own, for a courier that only looks needs no templates and no calendars."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from agent.configuration.settings import Settings
from agent.consent.levels import Level
from agent.system.host import HostIdentity

if TYPE_CHECKING:
    from agent.calendar.planning import Surroundings


class NoNews(Exception):
    """There is nothing left to tell: what it was about is over by now."""


class RenderContext(msgspec.Struct, frozen=True, kw_only=True):
    """What rendering needs beside the facts. zone: of dates and windows; now: unix seconds.

    listens: whether what people answer at the desk reaches us; at a copy it does not.
    level: what consent lets out with this text.
    around: what windows are planned in; the customer's calendar alone when None.
    """

    settings: Settings
    host: HostIdentity
    zone: ZoneInfo
    now: float
    listens: bool = True
    level: Level = "none"
    around: Callable[[], Surroundings] | None = None

    @property
    def version(self) -> str:
        """The agent's."""
        from agent.version import VERSION  # noqa: PLC0415 - a tenth of what a courier that only looks would cost

        return VERSION

    def surroundings(self) -> Surroundings:
        """Return what windows are planned in."""
        from agent.calendar.survey import survey  # noqa: PLC0415 - whoever only looks at tickets plans nothing

        return self.around() if self.around else survey(self.settings, self.host.id, self.zone, self.now)
