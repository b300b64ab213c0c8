"""What systemd says about units: the questions to systemctl, and its answers read. Pure.

Measured on systemd 252 with 138 services, processor time of systemctl and systemd together: `show *.service` 150 ms, about 1.1 ms
a unit; `list-units` 10 ms, `busctl call … ListUnitsByPatterns` 9 ms, whatever their number. So all units are listed, and
only those that are at work, or asked for by name, are looked at one by one: 40 ms for all, timers included; and of those at
work only the ones that were started anew since they were looked at (`_starts`). D-Bus without a child would save 7 ms of a run
and cost a library in the daemon.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

SYSTEMCTL = "/usr/bin/systemctl"
_PROPERTIES = (
    "Id,Names,LoadState,ActiveState,SubState,NRestarts,StateChangeTimestampMonotonic,"
    "Result,ExecMainExitTimestampMonotonic,ConditionResult,ConditionTimestampMonotonic,"
    # of timers (`_timers`); a unit tells only those that its kind has
    "UnitFileState,Unit,ActiveEnterTimestampMonotonic,"
    "LastTriggerUSec,NextElapseUSecRealtime,LastTriggerUSecMonotonic,NextElapseUSecMonotonic"
)
# A run that its own ExecCondition= called off went as it was meant to.
_WELL = frozenset({"success", "exec-condition"})
_COLUMNS = 4  # of `list-units`: unit, load, active, sub; then the description
# A unit that reloads or refreshes still does its work (org.freedesktop.systemd1(5)); one that activates does not yet.
_WORKING = frozenset({"active", "reloading", "refreshing"})


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as systemd holds it.

    names: its id first, then its aliases. known: there is such a unit, were it masked.
    restarts: automatic ones since it was last started by hand; None for units that cannot restart.
    changed: seconds on the monotonic clock at its last change of state; 0 when it has had none.
    state: its sub-state, systemd's own word for it. ran: when it last ended by itself, by that clock; 0 when never.
    well: whether that, or that its conditions kept it from starting, went as it was meant to.
    """

    names: tuple[str, ...]
    known: bool
    active: bool
    failed: bool
    restarts: int | None = None
    changed: float = 0.0
    state: str = ""
    ran: float = 0.0
    well: bool = True


def list_question(names_or_patterns: Iterable[str]) -> list[str]:
    """Return the argv that lists the loaded units of these names or shell patterns."""
    argv = [SYSTEMCTL, "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--full", "--"]
    return [*argv, *names_or_patterns]


# Of most hosts systemd says every time what it said before, and to understand 150 units takes 0.6 ms.
@lru_cache(maxsize=1)
def parse_list(output: str) -> tuple[Unit, ...]:
    """Given the output of `systemctl list-units`, return the units with what it tells of them. Raise ValueError."""
    units = []
    for line in output.splitlines():
        columns = line.split(maxsplit=_COLUMNS)
        if len(columns) < _COLUMNS:
            raise ValueError("systemctl said nothing of a unit's state")
        name, load, active, sub = columns[:_COLUMNS]
        units.append(
            Unit(
                names=(name,),
                known=load != "not-found",
                active=active in _WORKING,
                failed=active == "failed",
                state=sub,
            )
        )
    return tuple(units)


def is_at_work(unit: Unit) -> bool:
    """Return whether there is more to ask about a listed unit: it runs, is on its way, or failed."""
    return unit.state not in {"dead", "exited"}


def question(names_or_patterns: Iterable[str]) -> list[str]:
    """Return the argv that asks for all units of these names or shell patterns at once, inactive ones too (`--all`)."""
    return [SYSTEMCTL, "show", "--all", "--no-pager", f"--property={_PROPERTIES}", "--", *names_or_patterns]


@lru_cache(maxsize=1)  # as that of `parse_list`
def parse_units(output: str) -> tuple[Unit, ...]:
    """Given the output of `systemctl show`, return its units. Raise ValueError when a part of it is not understood."""
    return tuple([_unit(properties) for properties in parse_show(output)])


def parse_show(output: str) -> list[dict[str, str]]:
    """Given the output of `systemctl show`, return the properties of each unit. Raise ValueError when it is cut."""
    blocks = (block.split("\n") for block in output.strip("\n").split("\n\n") if block)
    return [dict(line.split("=", 1) for line in block) for block in blocks]


def _unit(properties: dict[str, str]) -> Unit:
    if "Id" not in properties or "ActiveState" not in properties:
        raise ValueError(f"systemctl said nothing of a unit's state: {properties}")
    aliases = [name for name in properties.get("Names", "").split(" ") if name not in {"", properties["Id"]}]
    restarts = properties.get("NRestarts", "")
    ran = monotonic(properties, "ExecMainExitTimestampMonotonic")
    skipped = monotonic(properties, "ConditionTimestampMonotonic") if properties.get("ConditionResult") == "no" else 0.0
    return Unit(
        names=(properties["Id"], *aliases),
        known=properties.get("LoadState", "not-found") != "not-found",
        active=properties["ActiveState"] in _WORKING,
        failed=properties["ActiveState"] == "failed",
        restarts=int(restarts) if restarts.isdecimal() else None,
        changed=monotonic(properties, "StateChangeTimestampMonotonic"),
        state=properties.get("SubState", ""),
        ran=max(ran, skipped),
        well=skipped > ran or properties.get("Result", "success") in _WELL,
    )


def monotonic(properties: dict[str, str], name: str) -> float:
    """Return a property that is a time on the monotonic clock, in seconds; 0 when it has never been."""
    return int(properties.get(name) or 0) / 1e6
