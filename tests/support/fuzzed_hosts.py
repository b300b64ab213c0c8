"""Hosts that tell nonsense: recorded ones with one file or one program's answer changed, and what few hosts have."""

from __future__ import annotations

import atexit
import functools
import json
import math
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import msgspec
from hypothesis import strategies as st

from agent.diagnosis._kernel_log import parse_journal
from agent.recorder import _calls, _fixture, _replay
from agent.web.app import make_app
from agent.web.exchange import RequestRefused, environment, read_head, respond
from collectors import (
    CollectorError,
    CollectorPlugin,
    Completed,
    CouldNotCheck,
    NotSupported,
    Reading,
    certificates,
    containers,
    deleted_files,
    nagios,
    ntp,
    packages,
    pools,
    smart,
    textfile,
)
from collectors import _web as web
from collectors._chrony import CHRONYC
from collectors._exposition import Wanted
from collectors._network import NoSuchName
from collectors._openssl import OPENSSL
from collectors._sntp import read_answer
from collectors.contract import AT, FakeHost
from fuzzing import CORPUS, Reader, Target, limited, mutants
from privileged_facts import FACTS

HOSTS = CORPUS.parent / "hosts"
#: what a status page is made from before the first cycle
_NOTHING_YET = SimpleNamespace(
    cycle=300.0,
    snapshot=None,
    wording="",
    seconds_since_cycle=lambda: 0.0,
    find_cases=lambda _: [],
    metrics=lambda _: ("text/plain", b""),
)
Item = Reading | CouldNotCheck


def looked_over(items: Iterable[Item]) -> None:
    """See that what a collector yields can stand on `/metrics` and in a ticket. Raises what the collector raises."""
    for item in items:
        assert not isinstance(item, Reading) or math.isnan(item.value) or math.isfinite(item.value), item
        for text in [*item.labels.values(), getattr(item, "reason", "")]:
            assert text.isprintable()
            text.encode()


def tried(items: Iterable[Item]) -> None:
    """Collect; what a collector says by its own errors is said."""
    try:
        looked_over(items)
    except (NotSupported, CollectorError, OSError) as error:
        assert str(error)  # noqa: PT017 - whatever it is, it has to say something


class _Noting(_fixture.RecordedHost, frozen=True, kw_only=True):
    """Notes which places were asked for."""

    places: set[str]

    def path(self, absolute: str) -> Path:
        self.places.add(absolute)
        return super().path(absolute)

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        self.places.add(" ".join(argv))
        return super().run(argv, timeout=timeout)


class LaidOut:
    """A recorded host, laid out once; each of its collectors is run on what was changed of what it reads."""

    def __init__(self, name: str) -> None:
        self.fixture = _fixture.read(HOSTS / name)
        self.root = Path(tempfile.mkdtemp(prefix=f"foretell-fuzz-{name}-"))
        atexit.register(shutil.rmtree, self.root, ignore_errors=True)
        self.host = _fixture.lay_out(self.fixture, self.root)
        self.commands = {" ".join(one.argv): one for one in self.fixture.commands if not one.error}
        self.readers = self._readers()
        self.places = sorted(place for place in self.readers if self._good(place) is not None)

    def _good(self, place: str) -> str | None:
        command = self.commands.get(place)
        return command.output if command else self.fixture.contents.get(place)

    def good(self, place: str) -> bytes:
        """Return what stands there, or what the program answers."""
        return (self._good(place) or "").encode("utf-8", "surrogateescape")

    def collect(self, place: str, content: bytes) -> None:
        """Run the collectors that read `place`, where `content` is now."""
        file, command = self.root / place.lstrip("/"), self.commands.get(place)
        answers: Mapping[tuple[str, ...], _fixture.Command] = self.host.answers
        if command:
            output = content.decode("utf-8", "surrogateescape")
            answers = {**answers, tuple(command.argv): msgspec.structs.replace(command, output=output)}
        else:
            before = file.read_bytes()
            file.write_bytes(content)
        host = msgspec.structs.replace(self.host, answers=answers, later={})
        try:
            with self._standing():
                for plugin in self.readers[place]:
                    tried(_replay.built(plugin, host).collector.collect(self.fixture.manifest.at))
        finally:
            if not command:
                file.write_bytes(before)

    def _standing(self) -> Any:
        answers = _calls.CallAnswers(self.fixture.calls, lambda path: _fixture.shown(path, self.root))
        clock = _replay._StandingClock(self.fixture.manifest.clock)
        return _calls.replaced(answers.answering, {(time, "monotonic"): clock.monotonic, (time, "sleep"): clock.sleep})

    def _readers(self) -> dict[str, list[CollectorPlugin]]:
        """Return which collectors ask for which place."""
        found: dict[str, list[CollectorPlugin]] = {}
        for plugin in _replay.default_plugins():
            places: set[str] = set()
            noting = _Noting(root=self.root, state=self.host.state, answers=self.host.answers, later={}, places=places)
            with self._standing():
                tried(_replay.built(plugin, noting).collector.collect(self.fixture.manifest.at))
            for place in places:
                found.setdefault(place, []).append(plugin)
        return found


@functools.cache
def laid_out(name: str) -> LaidOut:
    """Return the recorded host, laid out for as long as this process lives."""
    return LaidOut(name)


class RecordedHosts(Target):
    """One place of one recorded host, changed, and every collector that reads it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._raw = b""

    @property
    def tried(self) -> bytes:
        """Host, place and content."""
        return self._raw

    def explore(self, data: st.DataObject) -> None:
        """Choose a host and a place, and change what is there."""
        name = data.draw(st.sampled_from(sorted(path.name for path in HOSTS.iterdir())))
        host = laid_out(name)
        place = data.draw(st.sampled_from(host.places))
        content = data.draw(mutants([host.good(place)]))
        self.replay(json.dumps({"host": name, "place": place, "content": content.decode("latin-1")}).encode())

    def replay(self, raw: bytes) -> None:
        """Collect what is told of a host, a place and its content (each byte as the letter of that number)."""
        self._raw = raw
        case = json.loads(raw)
        host = laid_out(case["host"])
        with limited():
            host.collect(case["place"], case["content"].encode("latin-1"))


def on_a_host(
    plugin: CollectorPlugin, host: Callable[[Path, bytes], FakeHost], **options: Any
) -> Callable[[bytes], object]:
    """Return the run of a collector on a host that `host` makes of some bytes below a folder."""

    def collect(raw: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="foretell-fuzz-") as folder:
            context = host(Path(folder), raw)
            tried(plugin.build(plugin.options(**options), context).collect(AT))

    return collect


def said_by(
    program: str, *, then: Callable[[FakeHost], FakeHost] = lambda host: host
) -> Callable[[Path, bytes], FakeHost]:
    """Return what makes a host on which a program prints the bytes."""

    def host(root: Path, raw: bytes) -> FakeHost:
        return then(FakeHost(root, {program: Completed(0, raw.decode("utf-8", "surrogateescape"), "")}))

    return host


def standing_in(path: str) -> Callable[[Path, bytes], FakeHost]:
    """Return what makes a host on which the bytes stand in a file."""

    def host(root: Path, raw: bytes) -> FakeHost:
        return FakeHost(root).write(path, raw.decode("utf-8", "surrogateescape"))

    return host


def _http(raw: bytes) -> None:
    """Read an answer as it comes from the network."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.settimeout(1)
        theirs.sendall(raw[:100_000])  # a socket holds that much
        theirs.shutdown(socket.SHUT_WR)
        web.fetch(urlsplit("http://127.0.0.1/metrics"), timeout=1, largest=50_000, opened=lambda: ours)


def _request(raw: bytes) -> None:
    """Answer what is asked of the status page."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw[:100_000])
        theirs.shutdown(socket.SHUT_WR)
        if head := read_head(ours):
            respond(make_app(_NOTHING_YET, "127.0.0.1:9469"), environment(head, ("127.0.0.1", 9469)))


def _openmetrics(raw: bytes) -> None:
    """Read an exporter's page in the stricter of the two formats."""
    looked_over(Wanted(["*"], 1000).read(raw.decode("utf-8", "surrogateescape"), {}, AT, {}, "x", strict=True))


def _listed(raw: bytes) -> None:
    """Read a container engine's list."""
    with tempfile.TemporaryDirectory(prefix="foretell-fuzz-") as folder:
        host = FakeHost(Path(folder)).write("/run/docker.sock", "")
        collector = containers.PLUGIN.build(containers.ContainersOptions(required=["web"]), host)
        with mock.patch.object(containers, "fetch", return_value=web.Answer(200, {}, raw, truncated=False)):
            tried(collector.collect(AT))


def targets() -> Iterator[Target]:
    """Yield each reader."""
    yield RecordedHosts("hosts")
    openssl = {
        "servers": [certificates.CertificateServer(address="localhost:443")],
        "files": ["/etc/tls/*.pem"],
    }
    check = {"x": nagios.NagiosCheck(command=["/opt/check_x"])}
    chrony = lambda host: host.write("/run/chrony/chronyd.pid", "1").write(CHRONYC, "")  # noqa: E731
    pem = lambda host: host.write("/etc/tls/a.pem", "x")  # noqa: E731
    yield Reader("nagios", on_a_host(nagios.PLUGIN, said_by("/opt/check_x"), checks=check))
    yield Reader("openssl", on_a_host(certificates.PLUGIN, said_by(OPENSSL, then=pem), **openssl))
    yield Reader("chrony", on_a_host(ntp.PLUGIN, said_by(CHRONYC, then=chrony)))
    yield Reader("sntp", lambda raw: read_answer(raw, 0x0102030405060708, AT, 0.01), CollectorError)
    yield Reader("textfile", on_a_host(textfile.PLUGIN, standing_in("/var/lib/prometheus/node-exporter/a.prom")))
    facts = [on_a_host(plugin, standing_in(FACTS)) for plugin in (smart.PLUGIN, pools.PLUGIN, deleted_files.PLUGIN)]
    yield Reader("privileged-facts", lambda raw: [collect(raw) for collect in facts], json=True)
    yield Reader("openmetrics", _openmetrics, ValueError)
    yield Reader("apk", on_a_host(packages.PLUGIN, standing_in("/lib/apk/db/installed")))
    yield Reader("rpm", on_a_host(packages.PLUGIN, said_by("/usr/bin/rpm", then=_with_rpm)))
    yield Reader("containers", _listed, json=True)
    yield Reader("journal", lambda raw: parse_journal(raw.decode("utf-8", "surrogateescape")))
    yield Reader("request", _request, RequestRefused)
    yield Reader("http", _http, (web.Broken, NoSuchName, CollectorError, OSError))


def _with_rpm(host: FakeHost) -> FakeHost:
    return host.write("/var/lib/rpm/rpmdb.sqlite", "")
