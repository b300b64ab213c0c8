"""How a collector reaches the host: its files, its programs, and what the agent keeps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from agent.configuration.secrets import Secrets
from agent.system.folder import DEFAULT_STATE_DIR
from collectors import CollectorError, Completed


# The same few files are read each cycle, and to put a path together takes as long as to open what is there.
@lru_cache(maxsize=64)
def _below(root: Path, absolute: str) -> Path:
    return root / absolute.lstrip("/")


class HostAccess(msgspec.Struct, frozen=True):
    """What a collector is handed (`CollectorContext`).

    root: where the host's file system is to be seen. state: the state folder.
    """

    root: Path = Path("/")
    secrets: Secrets = Secrets({})
    state: Path = DEFAULT_STATE_DIR

    def path(self, absolute: str) -> Path:
        """Return where the host's `absolute` path is to be read."""
        return _below(self.root, absolute)

    def kept(self, name: str) -> Path:
        """Return where the agent keeps a file of this name for collectors."""
        return self.state / name

    def run(self, argv: Sequence[str], *, timeout: float) -> Completed:
        """Run `argv` for at most `timeout` seconds; raises CollectorError when it is missing or did not finish.

        That is StillRunning where it could not even be ended. Nor is one run that would tell of our container, not of the host.
        """
        from agent.system.host_programs import run_program  # noqa: PLC0415 - a courier knows the host's collectors and runs none

        return run_program(argv, root=self.root, timeout=timeout)

    def secret(self, name: str) -> str:
        """Return the secret called `name`; raises CollectorError when there is none that can be read."""
        try:
            return self.secrets.get(name)
        except LookupError as error:
            raise CollectorError(str(error)) from error
