"""The daemon on a clock that runs faster than the host's, for `tools/soak.py`: all else in it is what is installed.

    tools/fast_daemon.py CONFIG STATE_DIR HOST:PORT SPEED

libfaketime would do it from outside, but does not reach what Python's locks wait with (sem_clockwait).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from unittest import mock

from agent import logs
from agent.daemon import compose
from agent.startup import load_all
from agent.system.orders import Orders


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
    """Run until SIGTERM."""
    logs.configure()
    clock = FastClock(speed)
    configuration = load_all(Path(config), Path(state_dir))
    with (
        mock.patch("agent.daemon.HostClock", return_value=clock),
        compose(configuration, Path(state_dir), listen, Orders(), lambda *_: None) as daemon,
    ):
        daemon.period /= speed  # the scheduler goes by the host's time
        daemon.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
