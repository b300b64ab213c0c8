"""What systemd says about units: the question for `systemctl show`, and its answer read. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SYSTEMCTL = "/usr/bin/systemctl"
_PROPERTIES = "Id,Names,LoadState,ActiveState,NRestarts,StateChangeTimestampMonotonic"
# A unit that reloads or refreshes still does its work (org.freedesktop.systemd1(5)); one that activates does not yet.
_WORKING = frozenset({"active", "reloading", "refreshing"})


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as systemd holds it.

    names: its id first, then its aliases. known: there is such a unit, were it masked.
    restarts: automatic ones since it was last started by hand; None for units that cannot restart.
    changed: seconds on the monotonic clock at its last change of state; 0 when it has had none.
    """

    names: tuple[str, ...]
    known: bool
    active: bool
    failed: bool
    restarts: int | None
    changed: float


def question(names_or_patterns: Iterable[str]) -> list[str]:
    """Return the argv that asks for all units of these names or shell patterns at once, inactive ones too (`--all`)."""
    return [SYSTEMCTL, "show", "--all", "--no-pager", f"--property={_PROPERTIES}", "--", *names_or_patterns]


def parse_units(output: str) -> list[Unit]:
    """Given the output of `systemctl show`, return its units. Raise ValueError when a part of it is not understood."""
    blocks = (block.split("\n") for block in output.strip("\n").split("\n\n") if block)
    return [_unit(dict(line.split("=", 1) for line in block)) for block in blocks]


def _unit(properties: dict[str, str]) -> Unit:
    if "Id" not in properties or "ActiveState" not in properties:
        raise ValueError(f"systemctl said nothing of a unit's state: {properties}")
    aliases = [name for name in properties.get("Names", "").split(" ") if name not in {"", properties["Id"]}]
    restarts = properties.get("NRestarts", "")
    return Unit(
        names=(properties["Id"], *aliases),
        known=properties.get("LoadState", "not-found") != "not-found",
        active=properties["ActiveState"] in _WORKING,
        failed=properties["ActiveState"] == "failed",
        restarts=int(restarts) if restarts.isdecimal() else None,
        changed=int(properties.get("StateChangeTimestampMonotonic") or 0) / 1e6,
    )
