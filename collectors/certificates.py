"""TLS certificates: until when those of servers and in files are valid, and what a client would find wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Literal

import msgspec

from collectors._network import NoSuchName, allowed, lookup, refuse_twice, split_target
from collectors._openssl import (
    Certificate,
    Trouble,
    chain_question,
    file_question,
    issuers_end,
    parse_chain,
    parse_file,
)
from collectors._plugin import (
    AbsolutePath,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Seconds,
)
from collectors._reading import CouldNotCheck, Reading
from collectors._side_by_side import SideBySide

DEADLINE = 60.0
MOST_FILES = 200
_END = "certificate_end_timestamp_seconds"
Found = tuple[list[Certificate], Trouble | None]


class CertificateServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server with a certificate."""

    address: Annotated[str, msgspec.Meta(description="HOST:PORT.", examples=["shop.example:443"])]
    name: Annotated[
        str | None, msgspec.Meta(description="Name that clients know it by; the host of `address` when left out.")
    ] = None
    starttls: Annotated[
        Literal["smtp", "imap", "pop3", "ldap", "ftp", "xmpp", "postgres", "mysql"] | None,
        msgspec.Meta(description="Protocol that begins in the clear."),
    ] = None
    ca_file: Annotated[
        AbsolutePath | None, msgspec.Meta(description="Authorities to trust instead of the system's, a PEM file.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse what is no address or no name."""
        split_target(self.address)
        if self.name is not None and not re.fullmatch(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]*", self.name):
            raise ValueError("name: is no host name")

    @property
    def label(self) -> str:
        """What it is called in readings."""
        return f"{self.address} {self.name}" if self.name else self.address


class CertificatesOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the certificates collector."""

    servers: Annotated[list[CertificateServer], msgspec.Meta(description="Servers to connect to.")] = msgspec.field(
        default_factory=list
    )
    files: Annotated[
        list[AbsolutePath],
        msgspec.Meta(
            description="Files with certificates, by path or shell pattern; of each, the first is the one it is about.",
            examples=[["/etc/letsencrypt/live/*/fullchain.pem"]],
        ),
    ] = msgspec.field(default_factory=list)
    timeout: Annotated[Seconds, msgspec.Meta(description="Longest time a server may take.")] = 10.0

    def __post_init__(self) -> None:
        """Refuse a server that stands there twice."""
        refuse_twice("servers", [one.label for one in self.servers])


class CertificatesCollector:
    """Asks openssl about each."""

    def __init__(self, options: CertificatesOptions, context: CollectorContext) -> None:
        self._options = options
        self._context = context
        self._probes = SideBySide[str, Found](2 * options.timeout, options.deadline or DEADLINE, at_once=4)

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield dates and troubles. Raises NotSupported when neither a server nor a file is named."""
        if not (self._options.servers or self._options.files):
            raise NotSupported("neither a server nor a file is named")
        questions: dict[str, Callable[[], Found]] = {
            one.label: partial(self._connect, one) for one in self._options.servers
        }
        for pattern in self._options.files:
            paths = self._paths(pattern)
            questions |= {path: partial(self._read, path) for path in paths}
            if not paths:
                yield CouldNotCheck(_END, {"target": pattern}, "there is no such file, or the agent may not look there")
        for target, answer in self._probes.ask(questions):
            if isinstance(answer, CollectorError | NoSuchName | OSError | ValueError):
                yield CouldNotCheck(_END, {"target": target}, f"{target}: {answer}")
                if not target.startswith("/"):
                    yield CouldNotCheck("certificate_trouble", {"target": target}, f"{target}: {answer}")
            elif isinstance(answer, Exception):
                raise answer  # a mistake of ours
            else:
                yield from _readings(target, *answer, at)

    def _paths(self, pattern: str) -> list[str]:
        if not set("*?[") & set(pattern):
            return [pattern]
        root = self._context.path("/")
        found = sorted(root.glob(pattern.lstrip("/")))
        return [f"/{path.relative_to(root)}" for path in found[:MOST_FILES]]

    def _connect(self, server: CertificateServer) -> Found:
        host, port = split_target(server.address)
        list(allowed(lookup(host, port)))
        ca_file = server.ca_file and str(self._context.path(server.ca_file))
        argv = chain_question(host, port, server.name or host, starttls=server.starttls, ca_file=ca_file)
        done = self._context.run(argv, timeout=self._options.timeout)
        if done.status != 0 and "Certificate chain" not in done.output:
            lines = done.errors.strip().splitlines()
            raise CollectorError(f"no TLS connection: {lines[-1] if lines else 'openssl said nothing'}")
        return parse_chain(done.output, done.errors)

    def _read(self, path: str) -> Found:
        found = self._context.path(path)
        with found.open("rb"):  # openssl's own words for a file that cannot be read help nobody
            pass
        done = self._context.run(file_question(str(found)), timeout=self._options.timeout)
        if done.truncated:
            raise CollectorError("there are too many certificates in it")
        return parse_file(done.output), None


def _readings(target: str, certificates: list[Certificate], trouble: Trouble | None, at: float) -> Iterator[Reading]:
    own, *others = certificates
    yield Reading(_END, own.end, "timestamp", {"target": target, "part": "own"}, at)
    issuers = issuers_end(others, at)
    if issuers is not None:
        yield Reading(_END, issuers, "timestamp", {"target": target, "part": "issuers"}, at)
    if trouble is not None:
        yield Reading("certificate_trouble", float(trouble), "count", {"target": target}, at)


PLUGIN = CollectorPlugin(
    name="certificates",
    summary="TLS certificates of servers and in files: until when they are valid, and what is wrong with their chain.",
    options=CertificatesOptions,
    build=CertificatesCollector,
    readings=(
        DeclaredReading(
            _END,
            "timestamp",
            ("target", "part"),
            "Until when it is valid: the server's or file's `own`, or the first to end of the `issuers` that came along.",
        ),
        DeclaredReading(
            "certificate_trouble",
            "count",
            ("target",),
            "What a client finds wrong: "
            + ", ".join(f"{one.value} {one.name.replace('_', ' ').lower()}" for one in Trouble)
            + ".",
        ),
    ),
    interval=3600.0,
    deadline=DEADLINE,
    when_configured=True,
)
