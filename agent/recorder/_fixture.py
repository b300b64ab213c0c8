"""A recorded host as a folder, and as a host that can be asked again: `files/`, `commands.json`, `calls.json`, `manifest.json`.

In `files/` stands what the collectors read, below the folder as it was below the root, and in `later/` what stood there when the
same collector looked again; what they only looked for is in the
manifest, with its kind and time. There is no symlink in it: one that was of matter is made when the host is laid out.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec

from agent.collecting import HostAccess
from agent.recorder._calls import Call
from collectors import CollectorError, Completed

FORMAT = 1
OWN_MOUNTS = "/proc/self/mountinfo"  # the agent's own view, in which the host stands where its files are laid out

Origin = Literal["recorded", "written"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in the host's file system. target: where a link leads. modified: unix seconds, 0 where it does not matter.

    read: whether what it holds is kept, in `files/`; of others only that they are there. changes: it is in `later/`, too.
    """

    kind: Literal["file", "folder", "link"] = "file"
    target: str = ""
    modified: int = 0
    read: bool = False
    changes: bool = False


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A program that was run, and its answer; error: why it gave none."""

    argv: list[str]
    status: int = 0
    output: str = ""
    errors: str = ""
    truncated: bool = False
    error: str = ""


class LeftOut(msgspec.Struct, frozen=True, order=True):
    """Something that was read and is not kept, and why."""

    what: str
    why: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorded host says of itself. clock: what the monotonic clock told then, seconds.

    origin: `recorded` on a host, or `written` by hand from documented formats. at: when, unix seconds. redactions: how often
    each rule put something in place of what stood there. shortened: which files are kept in part, and which part.
    """

    format: int = FORMAT
    about: str
    origin: Origin
    at: float
    clock: float
    version: str
    redactions: dict[str, int] = {}
    shortened: dict[str, str] = {}
    left_out: list[LeftOut] = []
    entries: dict[str, Entry] = {}


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded host in memory. contents: what the entries that were read hold, by path; later: and when read again."""

    manifest: Manifest
    contents: Mapping[str, str] = {}
    later: Mapping[str, str] = {}
    commands: list[Command] = []
    calls: list[Call] = []


class FixtureUnreadable(Exception):
    """A folder is no recorded host; the message says which file and what is wrong with it."""


def write(fixture: Fixture, folder: Path) -> None:
    """Write a recorded host into `folder`, which must not exist yet, or be empty. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    for name, contents in {"files": fixture.contents, "later": fixture.later}.items():
        for path, content in sorted(contents.items()):
            place = folder / name / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, "utf-8", newline="\n")
    for name, value in {
        "manifest": fixture.manifest,
        "commands": fixture.commands,
        "calls": fixture.calls,
    }.items():
        text = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1).decode()
        (folder / f"{name}.json").write_text(text + "\n", "utf-8", newline="\n")


def read(folder: Path) -> Fixture:
    """Return the recorded host in `folder`. Raises FixtureUnreadable."""
    manifest = _decoded(folder / "manifest.json", Manifest)
    if manifest.format != FORMAT:
        raise FixtureUnreadable(f"{folder}: its format is {manifest.format}, and this version knows {FORMAT}")
    contents, later = {}, {}
    for path, entry in manifest.entries.items():
        if not path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise FixtureUnreadable(f"{folder}: {path} is no place below the root")
        if entry.read:
            contents[path] = _text(folder / "files" / path.lstrip("/"))
        if entry.changes:
            later[path] = _text(folder / "later" / path.lstrip("/"))
    commands, calls = folder / "commands.json", folder / "calls.json"
    return Fixture(
        manifest=manifest,
        contents=contents,
        later=later,
        commands=_decoded(commands, list[Command]),
        calls=_decoded(calls, list[Call]),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise FixtureUnreadable(f"{path}: {error}") from error


def _decoded(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError) as error:
        raise FixtureUnreadable(f"{path}: {error}") from error


class RecordedHost(HostAccess, frozen=True, kw_only=True):
    """A host that answers from what was recorded (`CollectorContext`); its files are laid out below `root`."""

    answers: Mapping[tuple[str, ...], Command]
    later: Mapping[str, str]
    asked: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)

    def path(self, absolute: str) -> Path:
        """Return where the path is laid out; what changes has changed when the same collector asks again."""
        path = super().path(absolute)
        if absolute in self.later:
            asker = threading.current_thread().name, absolute
            self.asked[asker] += 1
            if self.asked[asker] == 2:  # noqa: PLR2004 - the second look
                path.write_text(self.later[absolute], "utf-8", newline="\n")
        return path

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:  # noqa: ARG002 - nothing is waited for
        """Return what the program answered; raises CollectorError when it gave no answer then, or was not run."""
        asked = tuple(shown(part, self.root) for part in argv)
        command = self.answers.get(asked)
        if command is None:
            raise CollectorError(f"{argv[0]} was not run with these arguments when the host was recorded")
        if command.error:
            raise CollectorError(command.error)
        output, errors = command.output, command.errors
        return Completed(status=command.status, output=output, errors=errors, truncated=command.truncated)


def shown(text: str, root: Path) -> str:
    """Return a path below `root` as the host itself knows it; other texts as they are."""
    above = str(root).rstrip("/")
    if not above or not (text == above or text.startswith(above + "/")):
        return text
    return text.removeprefix(above) or "/"


def lay_out(fixture: Fixture, root: Path) -> RecordedHost:
    """Make the files of a recorded host below the folder `root`, and return the host."""
    for path, entry in sorted(fixture.manifest.entries.items()):
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "folder":
            place.mkdir(exist_ok=True)
        elif entry.kind == "link":
            place.symlink_to(entry.target)
        else:
            content = fixture.contents.get(path, "")
            place.write_text(_below(content, root) if path == OWN_MOUNTS else content, "utf-8", newline="\n")
    for path, entry in fixture.manifest.entries.items():
        if entry.modified and entry.kind != "link":
            os.utime(root / path.lstrip("/"), (entry.modified, entry.modified))
    answers = {tuple(command.argv): command for command in fixture.commands}
    return RecordedHost(root=root, state=root / "kept by the agent", answers=answers, later=fixture.later)


def _below(mountinfo: str, root: Path) -> str:
    """Return the agent's own mounts as they would be if the host's were seen below `root` (proc_pid_mountinfo(5))."""
    lines = []
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        fields[4] = (str(root) + fields[4]).rstrip("/")
        lines.append(" ".join(fields))
    return "\n".join(lines) + "\n"
