"""Restores a backup: read and checked whole before anything is touched; what was there is kept under a dated name.

Consent is not turned back. Where the folder has a record, that one stays: in an older one, what was taken back since would be
allowed again. Nor is anything said twice at a desk: what waits in the restored queue may have been done since, so it is asked
for first, and each desk is asked what it has open for this host.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import msgspec

from agent.consent.record import HEAD, KEY, RECORD
from agent.delivery.outbox import Outbox
from agent.records.backup import ASIDE, FORMAT, MANIFEST, Manifest, digest
from agent.records.errors import BackupError
from agent.store import FILE_NAME, SCHEMAS, Store, StoreNewer, version_of
from agent.system.folder import StateFolder, sync_folder

CONSENT = (RECORD, KEY, HEAD)
# Locks that others may hold, room that is set aside, copies that are dated already, and what is no record. Also in what was
# just unpacked, where opening the records made some of them.
_STAYS = ("*.lock", "*-lock", "reserve-*", "catalogue.json", "*.new", "*.damaged-*", "*.before-*", f"{ASIDE}*")
_LARGEST_MANIFEST = 16 << 20


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did. aside: where what was there is now. kept_consent: whether the folder's own record stayed."""

    manifest: Manifest
    aside: str | None
    kept_consent: bool


def read_manifest(archive: Path) -> Manifest:
    """Return what the backup `archive` says of itself. Raises BackupError."""
    with _opened(archive) as members:
        return _manifest(archive, members)


def restore_backup(archive: Path, state_dir: Path, now: float) -> Restored:
    """Put the backup `archive` in the place of the records in `state_dir`. `now` is unix seconds, for the dated name.

    Raises BackupError, FolderInUse while an agent holds the folder, FolderUnusable, StoreNewer. Then nothing has changed.
    """
    with StateFolder(state_dir):
        try:
            with tempfile.TemporaryDirectory(prefix="restore-", suffix=".new", dir=state_dir) as scratch:
                fresh = Path(scratch)
                manifest = _unpack(archive, fresh)
                _check_schemas(archive, manifest, fresh)
                kept_consent = (state_dir / RECORD).exists()
                if kept_consent:
                    for name in CONSENT:
                        (fresh / name).unlink(missing_ok=True)
                with Store.open(fresh) as store:
                    store.want_rebuild(now)
                    Outbox(store).doubt()
                _belong_to_owner(state_dir)
                aside = _exchange(state_dir, fresh, now, keep=CONSENT if kept_consent else ())
        except OSError as error:
            where = error.filename or state_dir
            raise BackupError(
                f"{where}: {error.strerror}; run as the agent's user or root, and see that there is room"
            ) from error
        return Restored(manifest=manifest, aside=str(aside) if aside else None, kept_consent=kept_consent)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as members:
            yield members
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BackupError(f"{archive} is no backup, or not all of one ({error}); take another") from error
    except OSError as error:
        if error.errno is None:  # gzip's own way to say it
            raise BackupError(f"{archive} is no backup, or not all of one ({error}); take another") from error
        raise BackupError(f"{archive} cannot be read: {error.strerror}") from error


def _manifest(archive: Path, members: tarfile.TarFile) -> Manifest:
    first = members.next()
    content = members.extractfile(first) if first and first.name == MANIFEST and first.isreg() else None
    if content is None:
        raise BackupError(f"{archive} is no backup: {MANIFEST} is not its first file")
    told = content.read(_LARGEST_MANIFEST)
    try:
        if msgspec.json.decode(told, type=dict)["format"] > FORMAT:
            raise BackupError(f"{archive} was made by a newer Foretell; upgrade this one first")
        return msgspec.json.decode(told, type=Manifest)
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise BackupError(f"{archive} is no backup: its {MANIFEST} is not understood ({error})") from error


def _unpack(archive: Path, fresh: Path) -> Manifest:
    """Write the files of the manifest below `fresh`, each checked; anything else in the archive is refused."""
    with _opened(archive) as members:
        manifest = _manifest(archive, members)
        left = {one.name: one for one in manifest.files}
        for member in members:
            if member.name == MANIFEST:
                continue
            one = left.pop(member.name, None)
            content = members.extractfile(member) if member.isreg() else None
            if one is None or content is None or member.size != one.size or not _stays_below(one.name):
                raise BackupError(f"{archive} was altered: {member.name} is not what its manifest says; take another")
            target = fresh / one.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fsync(descriptor)
            if digest(target) != one.sha256:
                raise BackupError(f"{archive} was altered: {one.name} does not match its hash; take another")
    if left or FILE_NAME not in {one.name for one in manifest.files}:
        raise BackupError(f"{archive} is not all of a backup: {', '.join(sorted(left)) or FILE_NAME} is missing")
    return manifest


def _stays_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _check_schemas(archive: Path, manifest: Manifest, fresh: Path) -> None:
    for one in manifest.files:
        if one.name.endswith(".sqlite"):
            called = archive / one.name
            version, known = version_of(fresh / one.name, called), SCHEMAS.get(one.name)
            if known is not None and version > known:
                raise StoreNewer(called, version, known)


def _belong_to_owner(folder: Path) -> None:
    """Give what root has made in `folder` to whom the folder belongs, the agent's user."""
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    for path, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(path, name), owner.st_uid, owner.st_gid, follow_symlinks=False)


def _exchange(folder: Path, fresh: Path, now: float, keep: Collection[str]) -> Path | None:
    """Move what is in `folder` aside, and what is in `fresh` in its place; undone when it does not work out."""
    old = [path for path in folder.iterdir() if path.name not in keep and not _stays(path.name)]
    aside = folder / f"{ASIDE}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    moved: list[tuple[Path, Path]] = []

    def move(path: Path, target: Path) -> None:
        moved.append((path, path.rename(target / path.name)))

    try:
        if old:
            aside.mkdir(mode=0o700)
        for path in old:
            move(path, aside)
        for path in [one for one in fresh.iterdir() if not _stays(one.name)]:
            move(path, folder)
        sync_folder(folder)
    except BaseException:
        for was, is_now in reversed(moved):
            is_now.rename(was)
        with suppress(OSError):
            aside.rmdir()
        raise
    if old:
        _belong_to_owner(folder)
    return aside if old else None


def _stays(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _STAYS)
