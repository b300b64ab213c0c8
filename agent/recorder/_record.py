"""Records a host: every collector once, by itself, and what it asked for; then cleaned, written, and read again for a proof."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agent.bundle import LAYOUTS, pseudonyms_of
from agent.collecting import Collection, CollectionRunner, HostAccess
from agent.line_templates import load_templates
from agent.recorder._calls import CallNotes, replaced
from agent.recorder._cleaning import clean
from agent.recorder._fixture import Fixture, LeftOut, Manifest, Origin, shown, write
from agent.recorder._observing import Observer
from agent.recorder._replay import built, default_plugins, names, readings_text, replay
from agent.redaction import Redactor
from agent.version import VERSION
from collectors import Completed

READINGS = "readings.txt"
_CHROOT = "/usr/sbin/chroot"


class Rooted(HostAccess, frozen=True):
    """A host whose file system lies in a folder: its programs run in there (chroot, which needs root)."""

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run the host's own program, with the host's own paths."""
        return HostAccess().run([_CHROOT, str(self.root), *(shown(part, self.root) for part in argv)], timeout=timeout)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a recording: the host, its readings when read again, and the names of those that got lost on the way."""

    fixture: Fixture
    readings: str
    lost: list[str]


def record(
    access: HostAccess,
    out: Path,
    *,
    about: str,
    at: float,
    host_names: Sequence[str] = (),
    origin: Origin = "recorded",
    tell: Callable[[str], None] = lambda _: None,
) -> Taken:
    """Record the host behind `access` into the folder `out`, which is empty or not there yet.

    host_names: what else it is called. at: now, unix seconds. tell: hears the name of each collector before it runs. Raises
    OSError when `out` cannot be written, and Unmaskable when the host's own names cannot be read: then nothing is written.
    """
    pseudonyms = pseudonyms_of(access, secrets.token_bytes(32), host_names)
    redactor = Redactor(load_templates([LAYOUTS]), pseudonyms)
    calls = CallNotes(lambda path: shown(path, access.root))
    observer = Observer(access.root, calls, access)
    plugins, collections, clock = default_plugins(), [], time.monotonic()
    try:
        with replaced(calls.noting):
            for plugin in plugins:
                tell(plugin.name)
                runner = CollectionRunner([built(plugin, observer.context)], time.monotonic)
                collections.append(runner.collect(at))
    finally:
        observer.close()
    cleaned = clean(observer.seen, calls.calls, redactor, pseudonyms)
    left_out = cleaned.left_out | {LeftOut(name, why) for name, why in calls.left_out.items()}
    manifest = Manifest(
        about=about,
        origin=origin,
        at=at,
        clock=clock,
        version=VERSION,
        redactions=dict(cleaned.redactions),
        shortened=cleaned.shortened,
        left_out=sorted(left_out),
        entries=cleaned.entries,
    )
    fixture = Fixture(
        manifest=manifest,
        contents=cleaned.contents,
        later=cleaned.later,
        commands=cleaned.commands,
        calls=cleaned.calls,
    )
    told = readings_text(_together(collections))
    with tempfile.TemporaryDirectory(prefix="foretell-record-") as scratch:
        again = replay(fixture, Path(scratch))
    write(fixture, out)
    (out / READINGS).write_text(again, "utf-8", newline="\n")
    return Taken(fixture=fixture, readings=again, lost=sorted(names(told) - names(again)))


def _together(collections: list[Collection]) -> Collection:
    return Collection(
        readings=tuple(reading for one in collections for reading in one.readings),
        unchecked=tuple(gap for one in collections for gap in one.unchecked),
        outcomes=tuple(outcome for one in collections for outcome in one.outcomes),
    )
