"""Builds one bundle: each source read, redacted and counted; the whole packed, written and hashed.

Whatever goes wrong with a source leaves that source out, and the manifest says why; a file is in the bundle whole or not at all.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from agent.bundle._archive import pack
from agent.bundle._encryption import encrypt
from agent.bundle._manifest import Built, File, LeftOutSource, Manifest, Request
from agent.bundle._on_ticket import on_ticket
from agent.bundle._reading import Absent, Reader
from agent.bundle._sources import TELLS, Source
from agent.consent.levels import at_least, lets_out
from agent.following.facts import DiagnosisFacts
from agent.redaction import LeftOut, Redactor, Report
from agent.system.folder import put
from agent.version import VERSION
from thresholds import allows

#: lines of a log that may leave at consent `excerpt`
EXCERPT = 200
#: seconds that redacting one source may take
LONGEST = 20.0

Progress = Callable[[str], None]


def build(
    request: Request, sources: Mapping[str, Source], reader: Reader, redactor: Redactor, progress: Progress
) -> Built:
    """Write the bundle that `request` asks for and return what it is. `progress` hears each source's name before it is read.

    Raises OSError when it cannot be written, NotEncrypted when it is to be encrypted and cannot be.
    """
    files: dict[str, bytes] = {}
    entries: list[File] = []
    left_out: list[LeftOutSource] = []
    for name, source in sources.items():
        if not source.enabled or not allows(source.rules, request.case.rule):
            continue
        progress(name)
        if not lets_out(request.level, TELLS[source.kind]):
            left_out.append(LeftOutSource(source=name, why=f"consent `{request.level}` does not let it out"))
            continue
        try:
            entry, content = _file(name, source, request, reader, redactor)
        except (Absent, LeftOut) as error:
            left_out.append(LeftOutSource(source=name, why=str(error)))
            continue
        except Exception as error:  # noqa: BLE001 - one source's mistake costs that source, and says nothing of what it read
            left_out.append(LeftOutSource(source=name, why=f"failed: {type(error).__name__}"))
            continue
        if sum(map(len, files.values())) + len(content) > request.largest:
            left_out.append(LeftOutSource(source=name, why=f"the bundle may have {request.largest} bytes"))
            continue
        files[entry.name] = content
        entries.append(entry)
    told = None
    if reader.found is not None and any(sources[one.source].kind == "diagnosis" for one in entries):
        try:
            told = on_ticket(reader.found, redactor)
        except LeftOut as error:
            left_out.append(LeftOutSource(source="the comment on the ticket", why=str(error)))
    manifest = _manifest(request, entries, left_out, told)
    heads = {"README": _readme(manifest, sources), "MANIFEST.json": msgspec.json.format(msgspec.json.encode(manifest))}
    packed = pack(heads | files, request.case.opened_at or request.case.first_seen)
    leaves = encrypt(packed, request.recipients) if request.recipients else packed
    if request.clear is not None:
        put(Path(request.clear), packed)
    put(Path(request.target), leaves)
    return Built(sha256=sha256(leaves).hexdigest(), bytes=len(leaves), recipients=request.recipients, manifest=manifest)


def _file(name: str, source: Source, request: Request, reader: Reader, redactor: Redactor) -> tuple[File, bytes]:
    """Return one file of the bundle. Raises Absent, LeftOut."""
    tail = source.is_log
    most = source.lines if not tail or at_least(request.level, "logs") else min(source.lines, EXCERPT)
    report = Report()
    with reader.read(source, most) as raw:
        lines = InTime(raw.lines)
        try:
            kept, caps = _within(redactor.lines(raw.layout, lines, report), most, source.bytes, newest=tail)
        except LeftOut as error:
            if lines.over:
                raise Absent(f"redacting it takes longer than {LONGEST:g} s; lower its `lines`") from error
            raise
        notes = list(raw.notes)
    content = "".join(f"{line}\n" for line in kept).encode()
    entry = File(
        name=f"{name}.txt",
        source=name,
        read=report.lines_in,
        lines=len(kept),
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        withheld=dict(sorted(report.left_out.items())),
        redactions=dict(sorted(report.redactions.items())),
        caps=caps,
        notes=notes,
    )
    return entry, content


class InTime:
    """Lines for which there is so much time: one source too long must not cost the whole bundle. over: whether this one was."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Let the time run from the first of them on."""
        self._lines = lines
        self.over = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield them. Raises TimeoutError."""
        until = time.monotonic() + LONGEST
        for line in self._lines:
            if time.monotonic() > until:
                self.over = True
                raise TimeoutError
            yield line


def _within(lines: Iterable[str], most: int, largest: int, *, newest: bool) -> tuple[list[str], list[str]]:
    """Return the first or the newest of `lines` that are within both limits, and which of the limits cut something off.

    All lines are read: an error in a later one leaves out the earlier ones too.
    """
    kept: deque[str] = deque()
    caps: set[str] = set()
    size = 0
    full = False
    for line in lines:
        length = len(line.encode()) + 1
        if not newest and (full or len(kept) == most or size + length > largest):
            caps.add("lines" if len(kept) == most else "bytes")
            full = True
            continue
        kept.append(line)
        size += length
        while len(kept) > most or size > largest:
            caps.add("lines" if len(kept) > most else "bytes")
            size -= len(kept.popleft().encode()) + 1
    return list(kept), sorted(caps)


def _manifest(
    request: Request, files: list[File], left_out: list[LeftOutSource], told: DiagnosisFacts | None
) -> Manifest:
    return Manifest(
        agent=VERSION,
        case=request.case.key,
        rule=request.case.rule,
        host=request.host,
        level=request.level,
        made_at=request.at,
        since=request.since,
        files=files,
        left_out=left_out,
        on_ticket=told,
    )


def _readme(manifest: Manifest, sources: Mapping[str, Source]) -> bytes:
    """Return the README: the same as the manifest, for people."""
    lines = []
    for file in manifest.files:
        replaced, withheld = sum(file.redactions.values()), sum(file.withheld.values())
        lines.append(f"{file.name}: {sources[file.source].summary}")
        lines.append(f"    {file.lines} of {file.read} lines; {withheld} withheld, {replaced} places replaced")
        lines += [f"    limit reached: {cap}" for cap in file.caps]
        lines += [f"    {note}" for note in file.notes]
    if manifest.on_ticket is not None:
        lines += ["", f"Facts of the first look that a comment on the ticket says too: {len(manifest.on_ticket.found)}"]
    if manifest.left_out:
        lines += ["", "Not in here:", *(f"    {one.source}: {one.why}" for one in manifest.left_out)]
    template = Path(__file__).with_name("readme.txt").read_text("utf-8")
    made_at = datetime.fromtimestamp(manifest.made_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    known = {field: getattr(manifest, field) for field in ("agent", "case", "rule", "host", "level")}
    return template.format(**known, made_at=made_at, files="\n".join(lines)).encode()
