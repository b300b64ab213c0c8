"""What the kernel and services wrote: from the journal, or from the kernel's own buffer where there is no journal."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from agent.diagnosis._diagnosis import Unseen
from agent.diagnosis._look import Look
from collectors import CollectorError

JOURNALCTL, DMESG = "/usr/bin/journalctl", "/usr/bin/dmesg"
ANSWER_WITHIN = 20.0  # seconds
MOST_LINES = 2000
# Failing hardware and file systems, as Linux's own drivers word it (block, ata, scsi, nvme, md, edac; ext4, jbd2, xfs, btrfs).
_TROUBLE = (
    r"\bI/O error",
    r"Medium Error|critical (?:medium|target) error",
    r"ata\d+(?:\.\d+)?: .*(?:failed|error|exception)",
    r"nvme\d*.*(?:timeout|removing|error)",
    r"md/raid.*(?:failure|failed)",
    r"EXT4-fs (?:error|warning)|EXT4-fs \(.*\): Remounting",
    r"JBD2: .*error|Aborting journal",
    r"XFS \(.*\): .*(?:corrupt|shutting down|error)",
    r"BTRFS (?:error|critical|warning)",
    r"Machine check|EDAC .*\b[CU]E\b",
    r"blocked for more than",
)
TROUBLE = re.compile("|".join(_TROUBLE), re.IGNORECASE)
OUT_OF_MEMORY = re.compile(
    r"(?P<kind>Out of memory|Memory cgroup out of memory): Killed process (?P<pid>\d+) \((?P<program>.*)\)"
    r"(?:.*anon-rss:(?P<kilobytes>\d+)kB)?"
)


class NotPermitted(CollectorError):
    """The log may not be read by this user; the message says how to allow it."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a log. at: unix seconds, 0 when it was not said."""

    at: float
    text: str


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What `journalctl --output=json` says of one line: text, bytes that are no text, or none when it is too long."""

    message: str | list[int] | None = msgspec.field(name="MESSAGE", default=None)
    microseconds: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="0")


def kernel_lines(look: Look, pattern: re.Pattern[str]) -> list[Line]:
    """Return the kernel's lines since boot that match `pattern`, newest first. Raises CollectorError, NotPermitted."""
    lines = journal(look, "--dmesg") if look.path("/run/systemd/system").is_dir() else _buffer(look)
    return [line for line in lines if pattern.search(line.text)]


def journal(look: Look, *which: str, lines: int = MOST_LINES) -> list[Line]:
    """Return the last lines of the journal that `which` chooses, newest first. Raises CollectorError, NotPermitted."""
    argv = [
        JOURNALCTL,
        "--no-pager",
        "--reverse",
        f"--lines={lines}",
        "--output=json",
        "--output-fields=MESSAGE",
        *which,
    ]
    answer = look.run(argv, timeout=ANSWER_WITHIN)
    if "not seeing messages" in answer.errors or "insufficient permissions" in answer.errors:
        raise NotPermitted("the journal is not open to the agent; add it to the group systemd-journal")
    if answer.status != 0:
        raise CollectorError(answer.errors.strip() or f"journalctl failed with status {answer.status}")
    return parse_journal(answer.output)


def parse_journal(output: str) -> list[Line]:
    """Given journalctl's JSON, a line each, return the lines; the last may have been cut, and is left out then."""
    lines = []
    for text in output.split("\n"):
        try:
            entry = msgspec.json.decode(text.encode("utf-8", "surrogateescape"), type=_Entry)
        except (ValueError, RecursionError):
            continue
        message = entry.message
        if isinstance(message, list):
            message = bytes(byte & 0xFF for byte in message).decode("utf-8", "surrogateescape")
        stamp = entry.microseconds
        lines.append(
            Line(at=int(stamp[:18]) / 1e6 if stamp.isdecimal() else 0.0, text=message or "(a line too long to show)")
        )
    return lines


def _buffer(look: Look) -> list[Line]:
    answer = look.run([DMESG, "--time-format=iso"], timeout=ANSWER_WITHIN)
    if "not permitted" in answer.errors:
        raise NotPermitted("the kernel's messages are open to root only (kernel.dmesg_restrict)")
    if answer.status != 0:
        raise CollectorError(answer.errors.strip() or f"dmesg failed with status {answer.status}")
    return parse_buffer(answer.output)


def parse_buffer(output: str) -> list[Line]:
    """Given dmesg's output with ISO times, return its lines, newest first; a continued line keeps the time before it."""
    lines: list[Line] = []
    for text in output.split("\n"):
        stamp, _, rest = text.partition(" ")
        try:
            lines.append(Line(at=datetime.fromisoformat(stamp.replace(",", ".")).timestamp(), text=rest))
        except ValueError:
            if text:
                lines.append(Line(at=lines[-1].at if lines else 0.0, text=text))
    return lines[::-1]


def unreadable(what: str, error: CollectorError) -> Unseen:
    """Return that a log could not be read, and why."""
    return Unseen(what=what, reason="not_permitted" if isinstance(error, NotPermitted) else "failed", hint=str(error))


def shown(lines: list[Line]) -> list[str]:
    """Return lines as a detail has them, oldest first, each with its time in UTC."""
    return [f"{_utc(line.at)}  {line.text}" for line in reversed(lines)]


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
