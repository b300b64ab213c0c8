"""Readers of files that people write, copy or send: configuration, consent, backups, recordings, catalogues, sources."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.bundle._sources import load_sources
from agent.calendar.calendar_check import require_calendar
from agent.configuration.config import load
from agent.configuration.decode import ConfigErrors
from agent.consent.file import FileRefused, _content, _entry
from agent.consent.record import RECORD, RecordUnavailable, read_record
from agent.lifecycle.endoflife import parse_answer
from agent.line_templates import load_templates
from agent.records.errors import BackupError
from agent.records.restore import read_manifest, restore_backup
from agent.replay.recording import RecordingError, readings
from agent.store import StoreNewer
from agent.wording.remedies import check_remedies
from collectors import CollectorError
from collectors._catalogue import parse_catalogue
from fuzzing import Reader

ROOT = Path(__file__).parents[2]
STORE = ROOT / "tests/fixtures/stores/0.1.0-bfddbb6"
NOW = 1_795_600_800.0


def of_a_file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    """Return `read` as a function of what a file of this name holds, in a folder of its own."""

    def of_bytes(raw: bytes) -> object:
        with tempfile.TemporaryDirectory(prefix="foretell-fuzz-") as folder:
            path = Path(folder, name)
            path.write_bytes(raw)
            return read(path)

    return of_bytes


def configuration(path: Path) -> None:
    """Read a configuration as the daemon does before it starts, and see that what is wrong with it can be said."""
    try:
        require_calendar(load(path, environ={}), NOW)
    except ConfigErrors as wrong:
        str(wrong).encode()


def consent_file(path: Path) -> None:
    """Read a consent file whose signature was found to be right: then it is still only as careful as who signed it."""
    raw = path.read_bytes()
    content = _content(path, raw)
    _entry(path, raw, content, "SHA256:key", NOW)


def consent_record(path: Path) -> None:
    """Read the record, which nobody believes whose hashes do not fit."""
    for name in ("consent.key", "consent.head"):
        (path.parent / name).write_bytes((STORE / name).read_bytes())
    read_record(path.parent)


def backup(path: Path) -> None:
    """Restore a backup into an empty folder."""
    read_manifest(path)
    state = path.parent / "state"
    state.mkdir(0o700)
    restore_backup(path, state, NOW)


def recording(raw: bytes) -> None:
    """Read a history, as it is and packed: what is wrong with one is wrong with the other."""
    for one in (raw, gzip.compress(raw, 1)):
        with contextlib.suppress(RecordingError):
            for _ in readings(io.BufferedReader(io.BytesIO(one)), {}):
                pass


def targets() -> Iterator[Reader]:
    """Yield each reader."""
    sample = (ROOT / "deploy/foretell.toml").read_bytes()
    yield Reader("configuration", of_a_file(configuration, "foretell.toml"), seeds=[sample])
    yield Reader("consent-file", of_a_file(consent_file, "consent.toml"), FileRefused)
    record = (STORE / RECORD).read_bytes()
    yield Reader("consent-record", of_a_file(consent_record, RECORD), RecordUnavailable, seeds=[record])
    yield Reader("backup", of_a_file(backup, "backup.tar.gz"), (BackupError, StoreNewer))
    yield Reader("recording", recording)
    yield Reader("endoflife", parse_answer, CollectorError, json=True)
    yield Reader("catalogue", parse_catalogue, CollectorError, json=True)
    remedies = [path.read_bytes() for path in sorted((ROOT / "agent/wording/remedies").glob("disk_*.toml"))]
    yield Reader("remedies", of_a_file(check, "own.toml"), seeds=remedies)
    templates = [(ROOT / "agent/redaction/templates/kernel.toml").read_bytes()]
    yield Reader(
        "line-templates", of_a_file(lambda path: load_templates([path]), "own.toml"), ValueError, seeds=templates
    )
    sources = [(ROOT / "agent/bundle/sources.toml").read_bytes()]
    yield Reader("bundle-sources", of_a_file(lambda path: load_sources([path]), "own.toml"), ValueError, seeds=sources)


def check(remedy: Path) -> None:
    """Look for what is wrong with a folder of one remedy."""
    for error in check_remedies(remedy.parent, ["en"]):
        str(error).encode()
