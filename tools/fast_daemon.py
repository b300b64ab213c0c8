"""The daemon on a clock that runs faster than the host's, for `tools/soak.py`: all else in it is what is installed.

    tools/fast_daemon.py CONFIG STATE_DIR HOST:PORT SPEED

libfaketime would do it from outside, but does not reach what Python's locks wait with (sem_clockwait).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import daemon_process

if TYPE_CHECKING:
    from agent.daemon import Daemon


class FastClock:
    """Both clocks, `speed` times as fast as the host's from now on."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._wall, self._steady = time.time(), time.monotonic()

    def now(self) -> float:
        """Return unix seconds."""
        return self._wall + self._passed()

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return self._steady + self._passed()

    def _passed(self) -> float:
        return (time.monotonic() - self._steady) * self._speed


def main(config: str, state_dir: str, listen: str, speed: float) -> None:
    """Run until SIGTERM.

    Its parts are replaced by hand: `unittest.mock` would bring asyncio and OpenSSL, which no daemon has in it.
    """
    from agent import daemon  # noqa: PLC0415 - after what its process imports first, as in `foretell run`

    clock, compose = FastClock(speed), daemon.compose

    @contextmanager
    def fast(*given: Any) -> Iterator[Daemon]:
        with compose(*given) as made:
            made.period /= speed  # the scheduler goes by the host's time
            yield made

    vars(daemon).update(HostClock=lambda: clock, compose=fast)
    daemon_process.run(Path(state_dir), Path(config), listen, "info")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
