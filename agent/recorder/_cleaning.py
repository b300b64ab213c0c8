"""Takes out of a recorded host who it is: names, addresses and serials, and what no rule can vouch for; shortens what is long.

Every text goes through the rules of a bundle (`agent.redaction`), except lines that are nothing but counters or packages: a
counter must not be taken for a telephone number, nor a version for an address. At the end pseudonyms, serials and identifiers
are numbered in the order in which they appear: the same host gives the same texts, and from a number there is no way back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from agent.recorder._calls import Call
from agent.recorder._fixture import Command, Entry, LeftOut
from agent.recorder._observing import Observed
from agent.redaction import LeftOut as Refused
from agent.redaction import Pseudonyms, Redactor, Report

MOST_OF_ONE = 256 << 10  # characters of one file or output
MOST_OF_ALL = 2 << 20
MOST_ENTRIES = 5_000

_SERIAL_FILES = re.compile(r"(?:.*_)?(?:serial|uuid|wwid|wwn|asset_tag|eui|nguid)|machine-id|unique_id")
_PRIVATE_KEY = "PRIVATE KEY"
# Of these only what the readers of package lists and mappings look at.
_MAPPINGS = r"/proc/\d+/maps"
_KEPT_OF: dict[str, tuple[re.Pattern[str], str]] = {
    r"/var/lib/dpkg/status": (re.compile(r"(?:Package|Status|Version|Source): .*|"), "names, versions and states"),
    r"/(?:usr/)?lib/apk/db/installed": (re.compile(r"[PVo]:.*|"), "names, versions and origins"),
    _MAPPINGS: (re.compile(r".* \(deleted\)"), "files that are deleted"),
}
_PACKAGE = re.compile(r"(?:Package|Source|Version|Status): [\w.+:~ ()-]+|[PVo]:[\w.+:~-]+|[\w.+-]+\t\d+:[\w.+~^-]+")
_NUMBER = re.compile(r"-?[\d.]+%?|[A-Za-z_]\w*=-?[\d.]+|kB")
_WORD = re.compile(r"[A-Za-z_][\w():.-]{0,40}")
_MOST_WORDS = 2

_NUMBERED: dict[str, tuple[re.Pattern[str], Callable[[str, int], str]]] = {
    "pseudonym": (
        re.compile(r"\b(?:host|user|addr|mac|mail)-[0-9a-f]{6}\b"),
        lambda old, number: f"{old.partition('-')[0]}-{number:06}",
    ),
    "uuid": (
        re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"),
        lambda _, number: f"00000000-0000-0000-0000-{number:012}",
    ),
    "identifier": (re.compile(r"\b[0-9a-f]{32,64}\b"), lambda old, number: f"{number:0{len(old)}}"),
    "disk": (re.compile(r"(?<=/by-id/)[^\s\"'/]+"), lambda _, number: f"disk-{number}"),
    "serial": (
        re.compile(r"(?i)(?<=serial_number\": \")[^\"]+|(?<=serial number: )\s*\S+|(?<=serial=)\S+|(?<=wwn=)\S+"),
        lambda _, number: f"serial-{number}",
    ),
}


class Cleaned(msgspec.Struct):
    """What of a host may leave: entries, contents by path, commands, calls; and what was done to get there."""

    entries: dict[str, Entry] = {}
    contents: dict[str, str] = {}
    later: dict[str, str] = {}
    commands: list[Command] = []
    calls: list[Call] = []
    left_out: set[LeftOut] = set()
    shortened: dict[str, str] = {}
    redactions: Counter[str] = msgspec.field(default_factory=Counter)


def clean(seen: Observed, calls: list[Call], redactor: Redactor, pseudonyms: Pseudonyms) -> Cleaned:
    """Return what of all that was seen may leave."""
    return _Cleaner(redactor, pseudonyms).clean(seen, calls)


class _Cleaner:
    def __init__(self, redactor: Redactor, pseudonyms: Pseudonyms) -> None:
        self._redactor = redactor
        self._pseudonyms = pseudonyms
        self._numbers = _Numbers()
        self._to = Cleaned()
        self._room = MOST_OF_ALL

    def clean(self, seen: Observed, calls: list[Call]) -> Cleaned:
        """Clean everything in a fixed order, so that what appears first has the same number each time."""
        self._to.left_out = {LeftOut(self._short(one.what), one.why) for one in seen.left_out}
        for path, entry in sorted(seen.entries.items())[:MOST_ENTRIES]:
            self._entry(path, entry, seen.contents.get(path), seen.later.get(path))
        if len(seen.entries) > MOST_ENTRIES:
            self._leave_out("places", f"{len(seen.entries) - MOST_ENTRIES} of {len(seen.entries)} are too many")
        told = {tuple(command.argv): command for command in reversed(seen.commands)}
        self._to.commands = [self._command(told[argv]) for argv in sorted(told)]
        self._to.calls = [
            msgspec.structs.replace(call, arguments=self._value(call.arguments), answers=self._value(call.answers))
            for call in calls
        ]
        return self._to

    def _entry(self, path: str, entry: Entry, content: bytes | None, later: bytes | None) -> None:
        name = self._short(path)
        if name in self._to.entries or ".." in PurePosixPath(name).parts:
            self._leave_out(name, "two places have the same name once redacted")
            return
        if entry.read:
            text = self._content(path, name, content or b"")
            if text is None:
                return
            if not text and re.fullmatch(_MAPPINGS, path):
                del self._to.shortened[name]  # one of hundreds of processes that use nothing deleted
                return
            self._to.contents[name] = text
            again = None if later is None else self._content(path, name, later)
            if again is not None:
                self._to.later[name] = again
        target = self._short(entry.target) if entry.target else ""
        self._to.entries[name] = msgspec.structs.replace(entry, target=target, changes=name in self._to.later)

    def _content(self, path: str, name: str, raw: bytes) -> str | None:
        if _SERIAL_FILES.fullmatch(PurePosixPath(path).name):
            self._leave_out(name, "it identifies the host or a part of it")
            return None
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self._leave_out(name, "it is no text, and no rule can look into it")
            return None
        for pattern, (wanted, which) in _KEPT_OF.items():
            if re.fullmatch(pattern, path):
                text = "".join(f"{line}\n" for line in text.splitlines() if wanted.fullmatch(line))
                self._to.shortened[name] = f"only {which}"
        return self._text(name, text)

    def _command(self, command: Command) -> Command:
        name = self._short(" ".join(command.argv[:2]))
        output = self._text(f"output of {name}", command.output)
        errors = self._text(f"errors of {name}", command.errors)
        refused = output is None or errors is None
        return msgspec.structs.replace(
            command,
            argv=[self._short(part) for part in command.argv],
            output=output or "",
            errors=errors or "",
            error="its answer could not be recorded" if refused else self._short(command.error),
        )

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._short(value)
        if isinstance(value, dict):
            return {name: held if name == "is" else self._value(held) for name, held in value.items()}
        return [self._value(one) for one in value] if isinstance(value, list) else value

    def _short(self, text: str) -> str:
        """Return a name or a message of one line; what may not leave is empty."""
        cleaned = self._text(text[:40], text)
        return cleaned or ""

    def _text(self, name: str, text: str) -> str | None:
        """Return what of `text` may leave, None when nothing may."""
        if len(text) > MOST_OF_ONE or len(text) > self._room:
            self._leave_out(name, "too long" if len(text) > MOST_OF_ONE else "the whole would be too long")
            return None
        if _PRIVATE_KEY in text:
            self._leave_out(name, "it holds a private key")
            return None
        report = Report()
        try:
            lines = [self._line(line, report) for line in text.split("\n")]
        except Refused as error:
            self._leave_out(name, str(error))
            return None
        missing = lines.count(None)
        if missing:
            self._leave_out(name, f"{missing} of {len(lines)} lines: " + ", ".join(sorted(report.left_out)))
        self._to.redactions += report.redactions
        cleaned = self._numbers.numbered("\n".join(line for line in lines if line is not None), self._to.redactions)
        self._room -= len(cleaned)
        return cleaned

    def _line(self, line: str, report: Report) -> str | None:
        if not line or (_is_harmless(line) and not any(self._names(line))):
            return line
        raw = line.encode("utf-8", "surrogateescape")
        return next(iter(self._redactor.lines("text", [raw], report)), None)

    def _names(self, line: str) -> Iterator[object]:
        yield from self._pseudonyms.hosts(line)
        yield from self._pseudonyms.users(line)

    def _leave_out(self, name: str, why: str) -> None:
        self._to.left_out.add(LeftOut(name, why))


def _is_harmless(line: str) -> bool:
    """Return whether a line is nothing but counters, each with at most a word or two, or nothing but a package.

    >>> _is_harmless("   8       0 sda 4111111111111111 17"), _is_harmless("Version: 8.0.1.3"), _is_harmless("10.1.2.3 web01 db")
    (True, True, False)
    """
    if _PACKAGE.fullmatch(line):
        return True
    words = [word for word in line.split() if not _NUMBER.fullmatch(word) or word.count(".") > 1]
    return len(words) <= _MOST_WORDS and all(_WORD.fullmatch(word) and word.count(".") == 0 for word in words)


class _Numbers:
    """Gives what tells one thing from others a number, by the order in which it appears."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {kind: {} for kind in _NUMBERED}

    def numbered(self, text: str, counts: Counter[str]) -> str:
        for kind, (pattern, made) in _NUMBERED.items():
            known = self._known[kind]

            def number(found: re.Match[str], kind: str = kind, known: dict[str, str] = known, made: Any = made) -> str:
                old = found[0]
                if old in known.values():
                    return old
                if old not in known:
                    known[old] = made(old, len(known) + 1)
                if kind != "pseudonym":
                    counts[kind] += 1
                return known[old]

            text = pattern.sub(number, text)
        return text
