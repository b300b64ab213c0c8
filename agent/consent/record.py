"""The consent record: a file that is only ever added to, in which a line that was changed, taken out or moved is seen.

`consent.jsonl`  one line each: an entry, and an HMAC-SHA256 over it and the HMAC of the line before
`consent.key`    the key of these, made by chance at the first entry
`consent.head`   the HMAC of the last line that was written whole, so that a line taken off the end is missed

The key lies beside the record, for the agent must read it unattended. So this shows accidents, editors, half a restored
backup, and whoever may write the record but not read the key. Who has the agent's rights can make a new record, or put
back an older copy of all three files; that is only seen where an earlier head was kept elsewhere, as on tickets.

A record in which anything does not fit is not believed at all. The rest of a line that a crash left unfinished is not
that: nobody was told that it had been written. It is told of, and cut off before the next line.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from agent.consent.levels import AnyEntry
from agent.system.file_lock import try_to_hold, try_to_share
from agent.system.folder import sync_folder

RECORD, KEY, HEAD = "consent.jsonl", "consent.key", "consent.head"
#: stands for the line before the first
START = "0" * 64
_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","entry":(\{.*\})\}')
_DIGITS = re.compile(r"[0-9a-f]{64}\n")
# How often, and after how many seconds, a lock is tried again that another command or courier holds for some milliseconds.
_TRIES, _PAUSE = 200, 0.05

_entries = msgspec.json.Decoder(AnyEntry)


class RecordUnavailable(Exception):
    """The record cannot be read or written now; the message says why and how to mend it."""

    def __init__(self, path: Path, wrong: str, mend: str) -> None:
        """Given the file, what is wrong with it, and how to mend it."""
        super().__init__(f"{path}: {wrong}; {mend}")


class RecordDamaged(RecordUnavailable):
    """Something in the record is not as it was written; what it said last is not known, and it takes no more."""


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the record is not as it was written. line: from 1; one past the last when lines are missing there."""

    line: int
    what: str

    def __str__(self) -> str:
        """Return it as a sentence without a full stop."""
        return f"the consent record is damaged at line {self.line}: {self.what}; nothing is allowed"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the record holds. hashes: of each line. torn: whether a line that was never finished is at its end."""

    entries: tuple[AnyEntry, ...] = ()
    hashes: tuple[str, ...] = ()
    damage: Damage | None = None
    torn: bool = False


def read_record(folder: Path) -> History:
    """Return what the record in the state folder `folder` holds; empty where none was begun. Raises RecordUnavailable."""
    with _trouble_told(folder, "read"):
        if not folder.exists():
            return History()
        with _locked(folder, try_to_share):
            return _read(folder)


def record_stamps(folder: Path) -> tuple[object, ...]:
    """Return what is another as soon as any file of the record in `folder` is written, replaced or taken away; never raises."""
    return tuple([_stamp(file) for file in _files_of(folder)])


@lru_cache(maxsize=1)  # looked at each cycle: to put paths together takes longer than to ask for the dates
def _files_of(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in (RECORD, KEY, HEAD))


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_ino, found.st_size, found.st_ctime_ns


@contextmanager
def held_record(folder: Path) -> Iterator[None]:
    """Hold the record in `folder`, so that nobody adds to it while its files are copied. Raises RecordUnavailable."""
    with ExitStack() as held:
        with _trouble_told(folder, "locked"):
            held.enter_context(_locked(folder, try_to_share))
        yield


@contextmanager
def opened_record(folder: Path) -> Iterator[OpenRecord]:
    """Hold the record in `folder`, so that nobody else adds to it meanwhile. Raises RecordUnavailable."""
    with ExitStack() as held:
        with _trouble_told(folder, "locked"):
            held.enter_context(_locked(folder, try_to_hold))
            history = _read(folder)
        yield OpenRecord(folder, history)


class OpenRecord:
    """The record, held. `history`: what it holds now."""

    def __init__(self, folder: Path, history: History) -> None:
        """Made by `opened_record`."""
        self.history = history
        self._folder = folder

    def append(self, entries: Sequence[AnyEntry]) -> None:
        """Add `entries`; they survive a power cut when this returns. Raises RecordDamaged, RecordUnavailable."""
        if self.history.damage is not None:
            cure = f"look into it, then move {RECORD}, {KEY} and {HEAD} away and grant anew"
            raise RecordDamaged(self._folder / RECORD, str(self.history.damage), cure)
        if not entries:
            return
        with _trouble_told(self._folder, "written"):
            key = _key(self._folder)
            lines, hashes = b"", list(self.history.hashes)
            for entry in entries:
                raw = msgspec.json.encode(entry)
                hashes.append(_hash(key, hashes[-1] if hashes else START, raw))
                lines += b'{"hash":"%s","entry":%s}\n' % (hashes[-1].encode(), raw)
            self._write(lines, hashes[-1])
        self.history = History(entries=(*self.history.entries, *entries), hashes=tuple(hashes))

    def _write(self, lines: bytes, head: str) -> None:
        descriptor = _opened(self._folder / RECORD, os.O_RDWR | os.O_CREAT)
        try:
            whole = _whole_length(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
            try:
                os.ftruncate(descriptor, whole)
                _write_all(descriptor, lines, whole)
                fresh = _prepared(self._folder / HEAD, f"{head}\n")
            except OSError:
                # What is not acknowledged must not count: a grant that failed, as far as people know, would be in force.
                with suppress(OSError):
                    os.ftruncate(descriptor, whole)
                raise
            fresh.replace(self._folder / HEAD)
            sync_folder(self._folder)
        finally:
            os.close(descriptor)


def _read(folder: Path) -> History:
    """Return what is in the three files, and whether they fit together."""
    key, head = _text(folder / KEY), _text(folder / HEAD)
    try:
        raw = (folder / RECORD).read_bytes()
    except FileNotFoundError:
        raw = b""
    if _DIGITS.fullmatch(key) is None:
        # The head is there before the key, so one without a key is that of a record which was never begun.
        if raw or head not in {"", f"{START}\n"}:
            return History(damage=Damage(line=1, what=f"{KEY} is missing or cut"))
        return History()
    return _checked(raw, bytes.fromhex(key), head.removesuffix("\n") if _DIGITS.fullmatch(head) else "")


def _checked(raw: bytes, key: bytes, head: str) -> History:
    *lines, rest = raw.split(b"\n")
    entries: list[AnyEntry] = []
    hashes: list[str] = []
    damage: Damage | None = None
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or match[1].decode() != _hash(key, hashes[-1] if hashes else START, match[2]):
            damage = Damage(line=number, what="it, or a line before it, was changed, taken out or moved")
            break
        try:
            entries.append(_entries.decode(match[2]))
        except (ValueError, RecursionError):
            damage = Damage(line=number, what="it is not understood; was it written by a newer version?")
            break
        hashes.append(match[1].decode())
    if damage is None and head not in {START, *hashes}:
        what = (
            "the record once went on here" if head else f"{HEAD}, which says where the record ends, is missing or cut"
        )
        damage = Damage(line=len(lines) + 1, what=what)
    return History(entries=tuple(entries), hashes=tuple(hashes), damage=damage, torn=bool(rest))


def _hash(key: bytes, before: str, entry: bytes) -> str:
    return hmac.digest(key, before.encode() + b"\n" + entry, hashlib.sha256).hex()


def _key(folder: Path) -> bytes:
    """Return the key; make it, and before it the head, at the first entry."""
    path = folder / KEY
    if _DIGITS.fullmatch(_text(path)) is None:
        for file, text in ((folder / HEAD, START), (path, os.urandom(32).hex())):
            _prepared(file, f"{text}\n").replace(file)
            sync_folder(folder)
    return bytes.fromhex(_text(path))


def _text(path: Path) -> str:
    """Return what stands in the file; nothing where there is none."""
    try:
        return path.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return ""


def _whole_length(raw: bytes) -> int:
    """Return the length of `raw` without the unfinished line at its end."""
    return raw.rfind(b"\n") + 1


def _opened(path: Path, flags: int) -> int:
    """Open a file of the record; one that root makes belongs to whom the folder belongs, so that the agent can read it."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def _prepared(path: Path, text: str) -> Path:
    """Bring `text` to the disk beside `path`, so that it can take its place whole; return where it is."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = _opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        _write_all(descriptor, text.encode(), 0)
    finally:
        os.close(descriptor)
    return fresh


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    while content:
        count = os.pwrite(descriptor, content, at)
        content, at = content[count:], at + count
    os.fsync(descriptor)


@contextmanager
def _locked(folder: Path, lock: Callable[[int], None]) -> Iterator[None]:
    """Hold a lock on the folder itself, which is there before any file of the record and is never replaced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for tries in range(_TRIES, 0, -1):
            try:
                lock(descriptor)
                break
            except BlockingIOError:
                if tries == 1:
                    raise
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _trouble_told(folder: Path, what: str) -> Iterator[None]:
    path = folder / RECORD
    try:
        yield
    except BlockingIOError as error:
        raise RecordUnavailable(path, "another process holds it", "end `foretell` commands that hang") from error
    except OSError as error:
        cure = f"run as the owner of {folder}, on a disk that is writable and has space"
        raise RecordUnavailable(path, f"cannot be {what}: {error.strerror}", cure) from error
