"""Makes a backup: one archive of the state folder as of now, beside a running agent, with a manifest by which it is checked.

Everything in the folder is in it but what LEFT_OUT names: databases by SQLite's own backup, other files as they are, and the
consent record held meanwhile, so that its three files agree. Readings that are only in memory yet are not.

The configuration and the secrets of desks are not: they do not lie in this folder, IT keeps them where it keeps such things,
and an archive with a desk's token in it could not be put just anywhere. The folder's own keys are: nobody else can use them,
and without them the consent record would not be believed and pseudonyms would change.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from agent.configuration.settings import HostSettings
from agent.consent.record import held_record
from agent.records.errors import BackupError
from agent.store import SCHEMAS, Store, copy_database
from agent.system.folder import sync_folder
from agent.system.host import identify_without_trace
from agent.version import VERSION

MANIFEST = "manifest.json"
#: of the archive's own shape
FORMAT = 1
#: where a restore puts what was there before it
ASIDE = "before-restore-"
# What is one process's own, made anew by itself (a bundle, too, until it was sent), or a copy of what is in it anyway.
LEFT_OUT = (
    *("*.lock", "*-lock", "*-wal", "*-shm", "*.new", "reserve-*", "status.json", "catalogue.json", "bundles"),
    *("*-damaged", "*.damaged-*", "*.before-*", f"{ASIDE}*"),
)


class BackedUp(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup. name: below the state folder, with "/". size: bytes. sha256: of its content."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself.

    version: the Foretell that made it. made_at: unix seconds. host_id, host_name: of the host whose records these are, unless
    its configuration names others. schemas: of its databases, by file name.
    """

    format: int
    version: str
    made_at: float
    host_id: str
    host_name: str
    schemas: dict[str, int]
    files: tuple[BackedUp, ...]


def make_backup(state_dir: Path, target: Path, now: float) -> Manifest:
    """Write the backup of `state_dir` to `target`, for its owner only, whole or not at all. `now` is unix seconds.

    Raises BackupError, StoreUnavailable, RecordUnavailable.
    """
    if not Store.exists(state_dir):
        raise BackupError(f"there are no records in {state_dir}: no agent has run on it yet")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            copy = Path(scratch) / "records"
            copy.mkdir()
            # A file that waits to be attached goes when it was sent: taken before the queue, it is not missed by it.
            _copy_files(state_dir, copy)
            schemas = {path.name: copy_database(path, copy / path.name) for path in sorted(state_dir.glob("*.sqlite"))}
            with held_record(state_dir):
                _copy_files(state_dir, copy)
            host = identify_without_trace(HostSettings(), copy)
            manifest = Manifest(
                format=FORMAT,
                version=VERSION,
                made_at=now,
                host_id=host.id,
                host_name=host.name,
                schemas={name: schemas[name] for name in schemas if name in SCHEMAS},
                files=tuple(_described(copy)),
            )
            _pack(copy, manifest, Path(scratch) / "archive")
            (Path(scratch) / "archive").replace(target)
        sync_folder(target.parent)
    except OSError as error:
        where = error.filename or target
        raise BackupError(
            f"{where}: {error.strerror}; run as the agent's user or root, and see that there is room"
        ) from error
    return manifest


def digest(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_files(folder: Path, copy: Path) -> None:
    for name in _names(folder):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(folder / name, target)
        except FileNotFoundError:  # gone since it was listed
            continue


def _names(folder: Path) -> Iterator[Path]:
    """Yield the files that are copied as they are, from `folder` on."""
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _left_out(name)]
        for name in files:
            whole = Path(path, name)
            if not _left_out(name) and whole.suffix != ".sqlite" and not whole.is_symlink():
                yield whole.relative_to(folder)


def _left_out(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def _described(copy: Path) -> Iterator[BackedUp]:
    for path in sorted(one for one in copy.rglob("*") if one.is_file()):
        name = path.relative_to(copy).as_posix()
        yield BackedUp(name=name, size=path.stat().st_size, sha256=digest(path))


def _pack(copy: Path, manifest: Manifest, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            told = msgspec.json.format(msgspec.json.encode(manifest))
            archive.addfile(_entry(MANIFEST, len(told), manifest.made_at), io.BytesIO(told))
            for one in manifest.files:
                with (copy / one.name).open("rb") as content:
                    archive.addfile(_entry(one.name, one.size, manifest.made_at), content)
        file.flush()
        os.fsync(descriptor)


def _entry(name: str, size: int, at: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, int(at), 0o600
    return entry
