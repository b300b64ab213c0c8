"""The interface of a collector: a value named PLUGIN at the end of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec

from collectors._reading import CouldNotCheck, Reading

# A number of seconds; configuration may write it as a duration ("90s", "15m", "24h", "7d").
Seconds = Annotated[float, msgspec.Meta(ge=0, extra={"duration": True})]

AbsolutePath = Annotated[str, msgspec.Meta(pattern="^/", examples=["/etc/ssl/certs/ours.pem"])]


class NotSupported(Exception):
    """There is nothing of this kind on this host (no systemd, no pressure files). Not a failure, and said as such."""


class CollectorError(Exception):
    """The collector as a whole could not read its source; the message says what and how to mend it."""


class StillRunning(CollectorError):
    """A child did not finish, and could not be ended: it is stuck in the kernel. `is_over` tells whether it has ended since."""

    def __init__(self, message: str, is_over: Callable[[], bool]) -> None:
        super().__init__(message)
        self.is_over = is_over


class Completed(msgspec.Struct, frozen=True):
    """A finished child: its exit status, and its output decoded with surrogateescape and cut at the runner's limit."""

    status: int
    output: str
    errors: str
    truncated: bool = False


class HostView(Protocol):
    """The host's files and programs, as a collector and a first diagnosis see them."""

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read (a container mounts the host elsewhere, a test a fixture)."""

    def kept(self, name: str) -> Path:
        """Return where the agent keeps a file of this name for collectors (a renewed catalogue); it need not be there."""

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run `argv` (absolute program path, no shell, clean environment, own process group) for at most `timeout` seconds.

        Raises CollectorError when the program is missing or did not finish in time: StillRunning when it cannot be ended.
        """


class CollectorContext(HostView, Protocol):
    """What a collector is handed. It opens nothing else, and starts no process by itself."""

    def secret(self, name: str) -> str:
        """Return the secret called `name`, read anew each time so that a rotated one is used; keep it nowhere.

        Raises CollectorError, which says where it was looked for.
        """


class Collector(Protocol):
    """Reads one aspect of the host. Kept for the life of the daemon, called by one thread at a time."""

    def collect(self, at: float) -> Iterable[Reading | CouldNotCheck]:
        """Yield the Readings of now, stamped `at` (unix seconds).

        Raises NotSupported when the host has no such thing, CollectorError (or OSError) when its source cannot be read.
        """


class CollectorOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options every collector has; a collector's own options derive from this."""

    enabled: Annotated[bool, msgspec.Meta(description="Whether this collector runs.")] = True
    interval: Annotated[
        Seconds | None, msgspec.Meta(description="Time between two runs; the plugin's own default when left out.")
    ] = None
    deadline: Annotated[
        Seconds | None, msgspec.Meta(description="Longest time one run may take before it counts as 'could not check'.")
    ] = None


class DeclaredReading(msgspec.Struct, frozen=True):
    """A reading a collector may yield: what the reference page lists and the contract suite holds it to.

    name: of those that `CollectorPlugin.declares` returns, it may be a shell pattern, and `labels` may be `("*",)`.
    """

    name: str
    unit: str
    labels: tuple[str, ...]
    meaning: str


def _nothing_more(_: CollectorOptions) -> tuple[DeclaredReading, ...]:
    return ()


class CollectorPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A collector as a value. `build` validates and never touches the host.

    interval: default seconds between runs; 0 means every cycle. deadline: default longest run in seconds. unhurried: a run takes
    seconds, and what it finds may be told a cycle later: the daemon does not wait for it.
    when_configured: whether it runs only where its table has a key, because it looks at nothing that was not named there.
    declares: the readings whose names the options decide, beyond `readings`.
    """

    name: str
    summary: str
    options: type[CollectorOptions]
    build: Callable[[Any, CollectorContext], Collector]
    readings: tuple[DeclaredReading, ...]
    interval: float = 0.0
    deadline: float = 10.0
    when_configured: bool = False
    declares: Callable[[Any], Iterable[DeclaredReading]] = _nothing_more
    unhurried: bool = False
