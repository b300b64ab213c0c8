"""An agent that watches one port of this host and has a desk of the test's choice, while time passes as the test likes."""

from __future__ import annotations

import time
from pathlib import Path

from agent.configuration.config import load
from agent.daemon import make_resident
from agent.following.model import Case
from agent.store import Store
from agent.system.folder import StateFolder
from only import only
from whole_way import MINUTE, Hours


class PortWatcher:
    """The daemon's own parts in this process, couriers as processes of their own. `desk`: TOML that says where tickets go."""

    def __init__(self, folder: Path, port: int, desk: str, *, host: str) -> None:
        (folder / "foretell.toml").write_text(
            f'host = {{ id = "{host}", name = "web01" }}\nagent.first_look = "0s"\n'
            + desk
            + "\n"
            + only("port")
            + f'port.targets = ["127.0.0.1:{port}"]\n'
        )
        self.clock = Hours()
        self.clock.wall = time.time()  # an Alertmanager's clock is the real one
        state = folder / "state"
        state.mkdir(mode=0o700)
        self.store = Store.open(state, now=self.clock.wall)
        self.resident = make_resident(load(folder / "foretell.toml"), StateFolder(state), self.store, self.clock)

    def cycle(self, after: float = MINUTE) -> None:
        """Let time pass, run one tick, and let the courier finish."""
        self.clock.advance(after)
        self.resident.tick()
        self.resident.dispatcher.wait(120)

    @property
    def case(self) -> Case:
        """The only case there is."""
        [case] = self.resident.pipeline.cases.values()
        return case
