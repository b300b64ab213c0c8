"""Runs the steps of one diagnosis, each for itself: what one of them cannot do, the others still do, within one time limit.

The steps work in a thread of their own. One that hangs in the kernel (a server that is gone) is left behind there, and
what was found up to then counts.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from agent.diagnosis._diagnosis import Detail, Diagnosis, DiagnosisFact, Item, Request, Unseen
from agent.diagnosis._look import Look, Memory
from collectors import CollectorError, NotSupported

GENERIC = "generic"
PACKAGE = "agent.diagnosis"
# A walk stops at its time and then still has to be told; only a step that hangs is waited for as long as this. Seconds.
GRACE = 3.0
# What the last look left stays until it is this old, so that looks in quick succession still tell what grew. Seconds.
LAST_LOOK = 3600.0

Step = Callable[[Look], Iterator[Item]]


def diagnoses() -> list[str]:
    """Return the ids of the diagnoses there are: the names of this package's public files."""
    found = pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__)
    return sorted(module.name for module in found if not module.name.startswith("_"))


def steps_of(wanted: str) -> tuple[str, Sequence[Step]]:
    """Return the id of the diagnosis made when `wanted` is asked for, and its steps: the generic one for an unknown id."""
    name = wanted if wanted in diagnoses() else GENERIC
    return name, importlib.import_module(f"{PACKAGE}.{name}").STEPS


def run(request: Request, grace: float = GRACE) -> Diagnosis:
    """Make the diagnosis that `request` asks for, here and now, and remember what it leaves for the next. Raises nothing.

    grace: seconds that a step which hangs is waited for.
    """
    began = time.monotonic()
    name, steps = steps_of(request.id)
    before, unknown = _recalled(request.memory)
    look = Look(
        request.subject,
        command=request.command,
        seconds=request.seconds,
        before=before,
        root=Path(request.root),
    )
    work = _Work(look, steps, unknown)
    work.start()
    work.join(request.seconds + grace)
    done = not work.is_alive()
    found = list(work.found)
    if not done:
        found.append(Unseen(what=work.step, reason="out_of_time", hint="it gave no answer"))
    fresh = before is not None and 0 <= look.at - before.at < LAST_LOOK
    if done and request.remember and request.memory is not None and look.after is not None and not fresh:
        found.extend(_remember(Path(request.memory), look.after))
    return Diagnosis(
        id=name,
        subject=request.subject,
        at=look.at,
        seconds=time.monotonic() - began,
        facts=tuple(item for item in found if isinstance(item, DiagnosisFact)),
        details=tuple(item for item in found if isinstance(item, Detail)),
        unseen=tuple(item for item in found if isinstance(item, Unseen)),
        finished=done and all(item.reason != "out_of_time" for item in found if isinstance(item, Unseen)),
    )


class _Work(threading.Thread):
    """The steps, one after the other. `step`: the one it is at. `found`: only ever added to."""

    def __init__(self, look: Look, steps: Sequence[Step], found: Iterable[Item]) -> None:
        super().__init__(name="diagnosis", daemon=True)
        self.look = look
        self.steps = steps
        self.found = list(found)
        self.step = ""

    def run(self) -> None:
        """Take every step for which there is time."""
        for step in self.steps:
            self.step = step.__name__
            if self.look.left <= 0:
                self.found.append(Unseen(what=self.step, reason="out_of_time"))
                continue
            try:
                for item in step(self.look):
                    self.found.append(item)
            except NotSupported as error:
                self.found.append(Unseen(what=self.step, reason="not_available", hint=str(error)))
            except PermissionError as error:
                self.found.append(Unseen(what=self.step, reason="not_permitted", hint=str(error)))
            except (CollectorError, OSError) as error:
                self.found.append(Unseen(what=self.step, reason="failed", hint=str(error)))
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not cost what the other steps find
                hint = f"unexpected {type(error).__name__}: {error}"
                self.found.append(Unseen(what=self.step, reason="failed", hint=hint))


def _recalled(path: str | None) -> tuple[Memory | None, list[Unseen]]:
    """Return what the last look left in the file, and why nothing is known of it when it cannot be read."""
    if path is None:
        return None, []
    try:
        return msgspec.msgpack.decode(Path(path).read_bytes(), type=Memory), []
    except FileNotFoundError:
        return None, []
    except (OSError, msgspec.MsgspecError) as error:
        return None, [Unseen(what="last look", reason="failed", hint=str(error))]


def _remember(path: Path, memory: Memory) -> list[Unseen]:
    """Leave `memory` for the next look, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        beside.write_bytes(msgspec.msgpack.encode(memory))
        beside.replace(path)
    except OSError as error:
        return [Unseen(what="next look", reason="failed", hint=f"nothing could be left for it: {error.strerror}")]
    return []
