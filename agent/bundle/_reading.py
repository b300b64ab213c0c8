"""Reads the raw lines of one source, within its limits. What they hold is nobody's to believe: they go through redaction next."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from agent.bundle._manifest import Request
from agent.bundle._sources import Source
from agent.collecting import CollectionRunner, ConfiguredCollector
from agent.diagnosis import Diagnosis, command_of, diagnose, memory_file
from agent.diagnosis import Request as DiagnosisRequest
from agent.redaction import LONGEST_LINE
from agent.system.safe_reading import Refused, open_below
from agent.wording.diagnosis_text import diagnosis_lines
from collectors import CollectorContext, CollectorError, Completed

JOURNALCTL, DPKG_QUERY, RPM = "/usr/bin/journalctl", "/usr/bin/dpkg-query", "/usr/bin/rpm"
ANSWER_WITHIN = 30.0  # seconds
LOOK_FOR = 45.0  # seconds that the first look may take
# So many lines of a log are read for each that may be kept, for most are not allowed to leave.
READ_AHEAD = 4
TYPICAL_LINE = 100  # bytes
# `collectors.safe_text` writes these so; in the middle of a key they would hide it from redaction, which drops the characters.
_INVISIBLE = re.compile(r"\\u(?:00ad|200[b-f]|206[0-4]|feff)")
_UNIT = re.compile(r"[\w:.\\][\w@:.\\-]{0,255}")  # no pattern and no option: `journalctl --unit` understands more


class Absent(Exception):
    """There is nothing to read; the message says why in words of ours, and quotes nothing of the host."""


class Raw(msgspec.Struct, kw_only=True):
    """The lines of a source, and what their reader must know; notes are complete once the lines are read."""

    layout: str
    lines: Iterable[bytes]
    notes: list[str] = []


Run = Callable[..., Completed]


class Reader:
    """Reads sources for one request. `access`: how files are seen; `run`: starts a program, its output bounded by `limit`."""

    def __init__(
        self,
        request: Request,
        collectors: Iterable[ConfiguredCollector],
        access: CollectorContext,
        run: Run,
        look: Callable[[DiagnosisRequest], Diagnosis] = diagnose,
    ) -> None:
        """`collectors`: those that are configured. `look` makes the first look."""
        self._request = request
        self._collectors = list(collectors)
        self._access = access
        self._run = run
        self._look = look
        #: what the first look found, once it was read
        self.found: Diagnosis | None = None

    @contextlib.contextmanager
    def read(self, source: Source, lines: int) -> Iterator[Raw]:
        """Open `source`, of which at most `lines` will be kept. Raises Absent."""
        if source.kind == "file":
            try:
                most = min(source.bytes, lines * TYPICAL_LINE) * READ_AHEAD
                with open_below(self._access.path(source.folder), source.file, most) as file:
                    yield Raw(layout=source.layout, lines=file.lines(LONGEST_LINE), notes=file.notes)
            except Refused as error:
                raise Absent(str(error)) from error
            return
        yield {
            "case": self._case,
            "measured": self._measured,
            "diagnosis": self._diagnosis,
            "readings": self._readings,
            "packages": self._packages,
            "journal": self._journal,
        }[source.kind](source, lines)

    def _case(self, _source: Source, _lines: int) -> Raw:
        return _text(self._request.case_lines)

    def _measured(self, _source: Source, _lines: int) -> Raw:
        if not self._request.measured:
            raise Absent("nothing was measured yet")
        return _text(self._request.measured)

    def _diagnosis(self, _source: Source, _lines: int) -> Raw:
        request = self._request
        memory = memory_file(Path(request.state_dir), request.case.key)
        asked = DiagnosisRequest(
            id=request.diagnosis,
            subject=request.case.subject,
            root=str(self._access.path("/")),
            command=command_of(request.case.subject, self._collectors),
            memory=memory,
            seconds=LOOK_FOR,
        )
        # Lines of logs are the journals' business: here they would have passed no template.
        found = self.found = self._look(asked).within("facts")
        lines = list(diagnosis_lines(found))
        for detail in found.details:
            lines += ["", detail.name, *detail.text.splitlines()]
        return _text(lines)

    def _readings(self, source: Source, _lines: int) -> Raw:
        wanted = [one for one in self._collectors if one.name in source.collectors]
        if not wanted:
            raise Absent("the collectors are switched off")
        seen = CollectionRunner(wanted, time.monotonic).collect(self._request.at)
        lines = [f"{one.series} {one.value:.15g} {one.unit}" for one in seen.readings]
        lines += [f"{one.collector}: {one.not_supported}" for one in seen.outcomes if one.not_supported]
        lines += [f"could not check {gap.name} {dict(gap.labels)}: {gap.reason}" for gap in seen.unchecked]
        return _text(lines)

    def _packages(self, source: Source, _lines: int) -> Raw:
        for argv in (
            (DPKG_QUERY, "--show", "--showformat=${Package} ${Version} ${Architecture}\n"),
            (RPM, "--query", "--all", "--queryformat", "%{NAME} %{EVR} %{ARCH}\n"),
        ):
            if self._access.path(argv[0]).exists():
                output = self._output(argv, source)
                return Raw(layout="packages", lines=sorted(output.splitlines()))
        raise Absent("this host has neither dpkg-query nor rpm")

    def _journal(self, source: Source, lines: int) -> Raw:
        request = self._request
        units = [request.case.subject.get("unit", "") if unit == "{unit}" else unit for unit in source.units]
        if not all(map(_UNIT.fullmatch, units)):
            raise Absent("the problem is about no unit")
        output = self._output(
            (
                *(JOURNALCTL, "--no-pager", "--output=short-iso", "--utc", f"--lines={lines * READ_AHEAD}"),
                *(f"--since=@{int(request.since)}", f"--until=@{int(request.at)}"),
                *(["--dmesg"] if source.kernel else [f"--unit={unit}" for unit in units]),
            ),
            source,
        )
        return Raw(layout="journal", lines=output.splitlines())

    def _output(self, argv: tuple[str, ...], source: Source) -> bytes:
        """Return what a program says. Nothing of it is quoted when it fails: nobody has redacted that."""
        try:
            answer = self._run(argv, timeout=ANSWER_WITHIN, limit=source.bytes * READ_AHEAD)
        except CollectorError as error:
            raise Absent(f"{Path(argv[0]).name} is missing, or did not finish in {ANSWER_WITHIN:g} s") from error
        if "not seeing messages" in answer.errors or "insufficient permissions" in answer.errors:
            raise Absent("the journal is not open to the agent; add it to the group systemd-journal")
        if answer.status != 0:
            raise Absent(f"{Path(argv[0]).name} failed with status {answer.status}")
        if answer.truncated:
            raise Absent(
                f"there is more of it than {source.bytes * READ_AHEAD} bytes; lower its `lines` or raise `bytes`"
            )
        return answer.output.encode("utf-8", "surrogateescape")


def _text(lines: Iterable[str]) -> Raw:
    return Raw(layout="text", lines=[_INVISIBLE.sub("", line).encode("utf-8", "surrogateescape") for line in lines])
