"""What only root can read, as foretell-privileged writes it down for everybody else (`deploy/privileged/`)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from collectors._plugin import CollectorError, HostView, NotSupported

FACTS = "/run/foretell-privileged/facts.json"
FORMAT = 1
# It is written twice an hour; after this many seconds without, it no longer tells how the host is.
OLDEST = 7200.0

Part = TypeVar("Part")


class MissingProgram(CollectorError):
    """The program that would tell is not installed; the message names it."""


class _Facts(msgspec.Struct):
    format: int
    at: float
    smart: msgspec.Raw = msgspec.Raw(b"{}")
    thin_pools: msgspec.Raw = msgspec.Raw(b"{}")
    zfs_pools: msgspec.Raw = msgspec.Raw(b"{}")
    deleted: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct):
    found: msgspec.Raw = msgspec.Raw(b"")
    missing: str = ""
    problem: str = ""


def privileged_fact(context: HostView, name: str, shape: type[Part] | Any, at: float) -> Part:
    """Return the part called `name` as a `shape`, as it was at most two hours before `at` (unix seconds).

    Raise NotSupported where nobody writes it down, MissingProgram where its program is not installed, and CollectorError
    where it is too old, damaged, or could not be read by root either.
    """
    path = context.path(FACTS)
    try:
        facts = msgspec.json.decode(path.read_bytes(), type=_Facts)
        if facts.format != FORMAT:
            raise CollectorError(f"{FACTS} is of format {facts.format}, not {FORMAT}; install one version of Foretell")
        part = msgspec.json.decode(getattr(facts, name), type=_Part)
        if abs(at - facts.at) > OLDEST:
            hours = (at - facts.at) / 3600
            raise CollectorError(f"{FACTS} is {hours:.0f} hours old; see: systemctl status foretell-privileged.service")
        if part.missing:
            raise MissingProgram(f"{part.missing} is not installed")
        if part.problem or not part.found:
            raise CollectorError(f"root could not read it either: {part.problem or 'nothing was written down'}")
        value: Part = msgspec.json.decode(part.found, type=shape)
    except FileNotFoundError:
        if path.parent.is_dir():
            raise CollectorError(f"{FACTS} is not there; see: systemctl status foretell-privileged.service") from None
        reason = "it needs root, which the agent is not; to have it: systemctl enable --now foretell-privileged.timer"
        raise NotSupported(reason) from None
    except (ValueError, RecursionError) as error:
        raise CollectorError(f"{FACTS} is not understood: {error}") from error
    return value
