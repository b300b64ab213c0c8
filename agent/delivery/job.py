"""What a courier is told to do, and how it says that it could not begin."""

from __future__ import annotations

import os

import msgspec

from agent.configuration.config import ConfigFile
from agent.configuration.settings import DAY
from agent.system.host import HostIdentity

# The exit status of a courier that did nothing, because one that an earlier daemon had started is still at its desk.
BUSY = os.EX_TEMPFAIL


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One batch for the courier at one desk. `now` is the daemon's unix time, which the whole batch goes by.

    poll: whether it looks at the desk: at the tickets of the cases with the keys `looks`, at all open ones where that is None.
    watched: for so many seconds the daemon has seen the clock go evenly; how long ago is what was done before, nobody knows.
    """

    config: ConfigFile | None
    state_dir: str
    host: HostIdentity
    desk: str
    now: float
    poll: bool = False
    looks: tuple[str, ...] | None = None
    rebuild: bool = False
    watched: float = DAY
