"""The host as collectors are handed it while it is recorded: every place they ask for or open and every program is noted.

Opening and listing are seen through Python's audit events, so that whatever way a collector reads by, nothing is missed and
nothing is listed twice. A collector that only asks whether something is there has asked this context for its path.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agent.collecting import HostAccess
from agent.recorder._calls import CallNotes
from agent.recorder._fixture import Command, Entry, LeftOut, shown
from collectors import CollectorError, Completed

MOST_BYTES = 8 << 20  # of one file as it is read, before it is shortened
# Their times are those of the moment at which somebody looks.
_TIMELESS = ("/proc", "/sys", "/run", "/dev")
# Of what is listed here only that is noted which is looked into.
_COUNTLESS = ("/proc", "/sys")


class Observed(msgspec.Struct):
    """What was seen: entries and what they hold by path, commands in their order, what could not be kept and why.

    later: what a file held when the same collector read it again and it had changed: counters are looked at twice.
    """

    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    later: dict[str, bytes] = {}
    commands: list[Command] = []
    left_out: set[LeftOut] = set()


class Observer:
    """Notes what is read below `root` by the threads that collect."""

    def __init__(self, root: Path, calls: CallNotes, commands: HostAccess) -> None:
        """`commands` runs the programs; `calls` notes what is learnt by a call of a function."""
        self.seen = Observed()
        self._root = root
        self._real_root = root.resolve()
        self._calls = calls
        self._busy = threading.local()
        self._lock = threading.Lock()
        self._readers: dict[str, str] = {}
        # What Python itself opens, such as modules that are imported late.
        self._not_the_hosts = tuple(f"{Path(place).resolve()}/" for place in sys.path if place)

        def glob(folder: Path, pattern: str, **more: Any) -> Iterator[Path]:
            """Stand in place of `Path.glob`: what fits the pattern is noted, not all that lies beside it."""
            with self._quietly():
                found = list(Path.glob(folder, pattern, **more))
            for path in found:
                self.note(str(path))
            return iter(found)

        def fspath(path: Path) -> str:
            """Stand in place of `Path.__fspath__`: whatever the system is asked about a path goes through here."""
            if not getattr(self._busy, "busy", False):
                self.note(str(path))
            return str(path)

        observed = type("ObservedPath", (type(Path()),), {"glob": glob, "__fspath__": fspath})
        self.context = _Context(observed(root), commands, self)
        observers.add(self)

    def close(self) -> None:
        """Note nothing any more."""
        observers.discard(self)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what an audit event says; never raises, for that would forbid what is audited."""
        if not threading.current_thread().name.startswith("collect-") or getattr(self._busy, "busy", False):
            return
        if self._calls.inside or not arguments or not isinstance(arguments[0], str | bytes):
            return
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        place = os.fsdecode(arguments[0])
        inside = place.startswith(f"{str(self._root).rstrip('/')}/")
        if inside and not place.startswith(self._not_the_hosts):
            self.note(place, read=event == "open", listed=event != "open")

    def note(self, place: str, *, read: bool = False, listed: bool = False) -> None:
        """Note that the place (as this process sees it) was asked for, read or listed."""
        path = shown(place, self._root)
        with self._quietly():
            try:
                self._keep(place, path, read=read, listed=listed)
            except FileNotFoundError:
                pass  # that nothing is there needs no note
            except OSError as error:
                self._leave_out(path, error.strerror or type(error).__name__)

    def command(self, command: Command) -> None:
        """Note a program and its answer."""
        with self._lock:
            self.seen.commands.append(command)

    def _keep(self, place: str, path: str, *, read: bool, listed: bool) -> None:
        if not path.isprintable():
            self._leave_out(path.encode("unicode_escape", "replace").decode(), "its name is not text")
            return
        real = Path(place).resolve()
        if real != self._real_root and self._real_root not in real.parents:
            self._leave_out(path, "a symlink leads out of the folder that is recorded")
            return
        status = os.stat(place)  # noqa: PTH116 - a text
        if stat.S_ISDIR(status.st_mode):
            self._entry(path, Entry(kind="folder", modified=_time(path, status)))
            if listed and not path.startswith(_COUNTLESS):
                with os.scandir(place) as found:
                    names = sorted(one.name for one in found)
                for name in names:
                    self.note(f"{place.rstrip('/')}/{name}")
        elif stat.S_ISREG(status.st_mode):
            entry = Entry(modified=_time(path, status), read=read)
            if read:
                content = _content(place)
                if len(content) > MOST_BYTES:
                    self._leave_out(path, f"longer than {MOST_BYTES >> 20} MiB")
                    return
                self._hold(path, content)
            self._entry(path, entry)
        elif os.path.islink(place):  # noqa: PTH114 - a text
            self._entry(path, Entry(kind="link", target=shown(os.readlink(place), self._root)))  # noqa: PTH115
        else:
            self._entry(path, Entry())

    def _hold(self, path: str, content: bytes) -> None:
        reader = threading.current_thread().name
        first = self.seen.contents.setdefault(path, content)
        if self._readers.setdefault(path, reader) == reader and content != first:
            self.seen.later.setdefault(path, content)

    def _entry(self, path: str, entry: Entry) -> None:
        known = self.seen.entries.get(path)
        if known is None or (entry.read and not known.read):
            self.seen.entries[path] = entry

    def _leave_out(self, path: str, why: str) -> None:
        with self._lock:
            self.seen.left_out.add(LeftOut(path, why))

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._busy.busy = getattr(self._busy, "busy", False), True
        try:
            yield
        finally:
            self._busy.busy = before


class _Context:
    """The host's files and programs, each noted as it is asked for (`CollectorContext`). No secret is given away here."""

    def __init__(self, root: Path, commands: HostAccess, observer: Observer) -> None:
        self._root = root
        self._commands = commands
        self._observer = observer

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read, and note that it was asked for."""
        path = self._root / absolute.lstrip("/")
        self._observer.note(str(path))
        return path

    def kept(self, name: str) -> Path:
        """Return a place where nothing is: what the agent keeps is not the host's."""
        return Path("/nonexistent") / name

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run the program, and note what it answered or why it did not."""
        asked = [shown(part, self._root) for part in argv]
        try:
            done = self._commands.run(argv, timeout=timeout)
        except CollectorError as error:
            self._observer.command(Command(argv=asked, error=str(error)))
            raise
        note = Command(argv=asked, status=done.status, output=done.output, errors=done.errors, truncated=done.truncated)
        self._observer.command(note)
        return done

    def secret(self, name: str) -> str:
        """Give none away."""
        raise CollectorError(f"no secret is used while a host is recorded: {name}")


def _time(path: str, status: os.stat_result) -> int:
    return 0 if path.startswith(_TIMELESS) else int(status.st_mtime)


def _content(place: str) -> bytes:
    with open(place, "rb") as file:  # noqa: PTH123 - a text
        return file.read(MOST_BYTES + 1)


observers: weakref.WeakSet[Observer] = weakref.WeakSet()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"open", "os.listdir", "os.scandir"}:
        for observer in list(observers):
            observer.heard(event, arguments)


sys.addaudithook(_hook)
