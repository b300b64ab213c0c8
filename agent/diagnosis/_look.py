"""What every step of a diagnosis is handed: what it is about, its access to the host, and the time it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from agent.system.folder import DEFAULT_STATE_DIR
from agent.system.host_programs import run_program
from collectors import CollectorError, Completed


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What one look leaves for the next: amounts by path, all that it saw of the total, and under whose rights.

    at: unix seconds. floor: paths of less than this are not in `amounts`. Paths are bytes, for they need not be text.
    """

    at: float
    user: int
    total: int
    seen: int
    floor: int
    amounts: dict[bytes, int]


class Look:
    """One look at the host by one diagnosis. It is a CollectorContext too, so that what collectors read with can be used here.

    command: of the check that it is about, as it is configured; empty for anything else.
    before: what the last look left. after: what a step leaves for the next one.
    """

    def __init__(
        self,
        subject: Mapping[str, str],
        *,
        command: Sequence[str] = (),
        seconds: float = 120.0,
        before: Memory | None = None,
        root: Path = Path("/"),
        state: Path = DEFAULT_STATE_DIR,
        at: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`root`: where the host's file system is to be seen. `monotonic` and `wait` are the clock, replaced in tests."""
        self.subject = subject
        self.command = command
        self.before = before
        self.after: Memory | None = None
        self.root = root
        self.state = state
        self.at = time.time() if at is None else at
        self.wait = wait
        self._monotonic = monotonic
        self._deadline = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until this look has to end; 0 when it is over."""
        return max(0.0, self._deadline - self._monotonic())

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read."""
        return self.root / absolute.lstrip("/")

    def kept(self, name: str) -> Path:
        """Return where the agent keeps a file of this name for collectors."""
        return self.state / name

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run `argv` as collectors do, for no longer than the look has. Raises CollectorError."""
        seconds = min(timeout, self.left)
        if seconds <= 0:
            raise CollectorError(f"no time was left to run {argv[0]}")
        return run_program(argv, root=self.root, timeout=seconds)
