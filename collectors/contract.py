"""The contract every collector keeps, as a test class that the author of one derives from. Needs pytest.

    class TestTapes(CollectorContract):
        plugin = tapes.PLUGIN

        def working_host(self, root):
            host = FakeHost(root, {"/usr/bin/mt": Completed(0, f"{HOSTILE} ready", "")})
            return host.write("/proc/tapes", f"0 {HOSTILE}")

        def failing_hosts(self, root):
            yield FakeHost(root / "hung", {"/usr/bin/mt": CollectorError("no answer in time")})

`working_host` has names as hostile as a host can give; on each of `failing_hosts` a source hangs, is denied or damaged,
and none of the readings named in `silenced` may be told.
"""

# ruff: noqa: S101 - a shipped test: assert is how pytest asserts

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import pytest

from collectors._plugin import Collector, CollectorError, CollectorOptions, CollectorPlugin, Completed, NotSupported
from collectors._reading import CouldNotCheck, Reading, safe_text

# Undecodable, many-lined, escape sequences, reversed text, markup, and what a shell would run.
HOSTILE = 'evil\udcff\n\x1b[31m\u202e"\'\\<b>&$(id)`id`;x{a="b"} #é'
AT = 1_790_000_000.0

_SHELLS = frozenset(
    {"ash", "bash", "cmd.exe", "csh", "dash", "env", "fish", "ksh", "powershell.exe", "sh", "sudo", "zsh"}
)
_SUFFIX = {
    "bytes": "_bytes",
    "ratio": "_ratio",
    "seconds": "_seconds",
    "celsius": "_celsius",
    "timestamp": "_timestamp_seconds",
    "info": "_info",
    "count": "",
    "boolean": "",
}
_RANGE = {
    "bytes": (0, 2**80),
    "ratio": (0, 1),
    "boolean": (0, 1),
    "info": (1, 1),
    "timestamp": (0, 2**40),
    "celsius": (-273.15, 10_000),
}
_TOUCHES = frozenset({"open", "os.listdir", "os.scandir", "os.posix_spawn", "subprocess.Popen", "socket.connect"})


class FakeHost:
    """A CollectorContext over a folder and a table of what programs answer; it refuses what a collector must not do.

    answers: by the program's path, or by that and its first argument with a blank between them.
    """

    def __init__(
        self,
        root: Path,
        answers: Mapping[str, Completed | CollectorError] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.root = root
        self.answers = dict(answers or {})
        self.secrets = dict(secrets or {})
        self.asked: list[list[str]] = []

    def write(self, absolute: str, text: str) -> FakeHost:
        """Put a file at the host's `absolute` path; return the host, so that calls can follow each other."""
        path = self.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return self

    def path(self, absolute: str) -> Path:
        """Return the path below the folder."""
        return self.root / absolute.lstrip("/")

    def kept(self, name: str) -> Path:
        """Return the path in a folder of its own below the folder."""
        return self.root / "kept by the agent" / name

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Return or raise the program's answer; one that is not in the table is missing."""
        program = Path(argv[0])
        assert program.is_absolute(), f"{program} would be looked up on PATH"
        assert program.name not in _SHELLS, f"{argv} goes through a shell"
        assert all(isinstance(part, str) and "\0" not in part for part in argv)
        assert 0 < timeout < math.inf
        self.asked.append(list(argv))
        missing = CollectorError(f"{program} is not installed")
        answer = self.answers.get(" ".join(argv[:2]), self.answers.get(argv[0], missing))
        if isinstance(answer, CollectorError):
            raise answer
        return answer

    def secret(self, name: str) -> str:
        """Return the secret, when the host was made with one of this name."""
        if name not in self.secrets:
            raise CollectorError(f'secret "{name}" was not found')
        return self.secrets[name]


class CollectorContract:
    """What holds for every collector. Derive a test class from it and name the plugin."""

    plugin: ClassVar[CollectorPlugin]
    silenced: ClassVar[frozenset[str]] = frozenset()

    def options(self) -> CollectorOptions:
        """Return the options of both hosts; the defaults unless overridden."""
        return self.plugin.options()

    def working_host(self, root: Path) -> FakeHost:
        """Lay out under `root` a host on which this collector finds something, with HOSTILE wherever a host may choose."""
        raise NotImplementedError

    def failing_hosts(self, root: Path) -> Iterator[FakeHost]:
        """Yield hosts, each under its own folder of `root`, on which a source hangs, is denied or is damaged.

        Each is tried before the next is asked for, so that what surrounds it may be changed in between.
        """
        raise NotImplementedError

    def collected(self, root: Path) -> list[Reading | CouldNotCheck]:
        """Return what one run on the working host yields."""
        return list(self._build(self.working_host(root)).collect(AT))

    def _build(self, host: FakeHost) -> Collector:
        return self.plugin.build(self.options(), host)

    def test_the_plugin_says_what_it_is(self) -> None:
        """Name, summary and declared readings are complete, and a reading's name carries its base unit."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", self.plugin.name)
        assert self.plugin.summary.strip()
        assert self.plugin.deadline > 0
        names = [declared.name for declared in self.plugin.readings]
        assert len(set(names)) == len(names) > 0
        for declared in self.plugin.readings:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", declared.name)
            assert declared.name.endswith(_SUFFIX[declared.unit]), f"{declared.name} is in {declared.unit}"
            assert declared.meaning.strip()

    def test_every_option_is_described_and_may_be_left_out(self) -> None:
        """The reference and the sample configuration are made from the descriptions."""
        assert msgspec.convert({}, self.plugin.options) == self.plugin.options()
        for struct in msgspec.json.schema(self.plugin.options)["$defs"].values():
            for name, option in struct.get("properties", {}).items():
                assert option.get("description"), f"{name} has no description"

    def test_build_does_not_touch_the_host(self) -> None:
        """A configuration is validated on a host where nothing may be read yet."""
        with _Watch() as watch:
            self.plugin.build(self.options(), _Untouchable())
        assert watch.touched == []

    def test_it_yields_only_what_it_declares(self, tmp_path: Path) -> None:
        """Names, units and labels are the declared ones, values are in the unit's range, each series comes once."""
        declared = [*self.plugin.readings, *self.plugin.declares(self.options())]
        items = self.collected(tmp_path)
        readings = [item for item in items if isinstance(item, Reading)]
        assert readings, "the working host gave no reading at all"
        for item in items:
            fitting = [one for one in declared if fnmatchcase(item.name, one.name)]
            assert fitting or (item.name == "" and isinstance(item, CouldNotCheck)), f"{item.name} is not declared"
            assert not item.name or "*" in fitting[0].labels or set(item.labels) <= set(fitting[0].labels)
            assert isinstance(item, CouldNotCheck) or item.unit == fitting[0].unit or fitting[0].unit == "*"
        for reading in readings:
            assert reading.at == AT
            _check_value(reading)
        series = [reading.series for reading in readings]
        assert len(set(series)) == len(series), "a page with one series twice is refused as a whole"

    def test_hostile_names_come_out_harmless(self, tmp_path: Path) -> None:
        """No label carries a control character, an undecodable byte or reversed text, or is endless."""
        for item in self.collected(tmp_path):
            for text in [*item.labels.values(), *([item.reason] if isinstance(item, CouldNotCheck) else [])]:
                assert text.isprintable()
                assert safe_text(text, len(text)) == text
                text.encode("utf-8")

    def test_it_can_be_asked_again(self, tmp_path: Path) -> None:
        """A second run tells the same readings, stamped with its own time."""
        host = self.working_host(tmp_path)
        collector = self._build(host)
        first, second = (_names(collector.collect(at)) for at in (AT, AT + 60))
        assert {name for name, _ in first} == {name for name, _ in second}
        assert {at for _, at in second} <= {AT + 60}

    def test_a_failed_source_is_never_a_healthy_reading(self, tmp_path: Path) -> None:
        """What hung, was denied or is damaged says so: an error of the collector, or "could not check"."""
        tried = 0
        for tried, host in enumerate(self.failing_hosts(tmp_path), 1):  # noqa: B007 - counted
            try:
                items = list(self._build(host).collect(AT))
            except (CollectorError, OSError) as error:
                assert str(error).strip()  # noqa: PT017 - either outcome is right, and both are looked at
                continue
            except NotSupported:
                pytest.fail(f"{host.root.name}: a failure is not the same as 'there is no such thing'")
            unknown = [item for item in items if isinstance(item, CouldNotCheck)]
            assert unknown, f"{host.root.name}: nothing says that it could not be checked"
            assert all(item.reason.strip() for item in unknown)
            told = {item.name for item in items if isinstance(item, Reading)}
            assert not told & self.silenced, f"{host.root.name}: told although unknown"
        assert tried


def _check_value(reading: Reading) -> None:
    if not math.isnan(reading.value):
        low, high = _RANGE.get(reading.unit, (-math.inf, math.inf))
        assert math.isfinite(reading.value)
        assert low <= reading.value <= high, reading
        assert reading.unit != "boolean" or reading.value in {0.0, 1.0}


def _names(items: Iterable[Reading | CouldNotCheck]) -> list[tuple[str, float]]:
    return [(item.name, item.at) for item in items if isinstance(item, Reading)]


class _Untouchable:
    def path(self, absolute: str) -> Path:
        raise AssertionError(f"build asked for {absolute}")

    def kept(self, name: str) -> Path:
        raise AssertionError(f"build asked for {name}")

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        raise AssertionError(f"build ran {argv} for {timeout} s")

    def secret(self, name: str) -> str:
        raise AssertionError(f"build asked for the secret {name}")


class _Watch:
    """Notes what this process opens, lists, starts or connects to while the `with` block runs."""

    _running: ClassVar[list[_Watch]] = []
    _hooked: ClassVar[list[bool]] = []

    def __init__(self) -> None:
        self.touched: list[str] = []

    def __enter__(self) -> Self:
        if not self._hooked:  # an audit hook stays for the life of the process
            sys.addaudithook(self._note)
            self._hooked.append(True)
        self._running.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.remove(self)

    @classmethod
    def _note(cls, event: str, arguments: tuple[object, ...]) -> None:
        if event in _TOUCHES:
            for watch in cls._running:
                watch.touched.append(f"{event} {arguments[:1]}")
