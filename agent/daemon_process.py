"""The daemon's process: a fresh Python, in which nothing is left of the command line that began it (1.5 MB).

What it imports it holds until it ends, so what all parts of it share is imported first, lightly.
"""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from agent.system.first_imports import msgspec
from agent.system.light_imports import leaving_out

# With it collectors, which are imported as the configuration is read, ask addresses, and seldom one over TLS.
with leaving_out({"ssl": ()}):
    import http.client  # noqa: F401

from agent import logs
from agent.configuration.config import Configuration
from agent.startup import load_all
from agent.status import Snapshot
from agent.system.orders import Orders

# So many objects more than were freed, and Python searches for garbage; a cycle makes some thousands, and frees them by itself.
# To search at Python's own 700 took 0.15 ms of each.
GARBAGE = 10_000


def main(words: Sequence[str]) -> int:
    """Given options and their values as `agent.commands.run` writes them, run until told to stop; return the exit status."""
    given = dict(zip(words[::2], words[1::2], strict=True))
    config = Path(given["--config"]) if "--config" in given else None
    try:
        run(Path(given["--state-dir"]), config, given.get("--listen"), given["--log-level"])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - as in agent.cli: nothing may reach a person as a traceback
        return int(importlib.import_module("agent.commands.exits").explain(error))
    return 0


def run(state_dir: Path, config: Path | None, listen: str | None, log_level: str) -> None:
    """Run the daemon until it is told to stop. Raises what `load_all` and `compose` raise."""
    logs.configure(log_level, at_once=True)
    configuration: Configuration | None = load_all(config, state_dir)
    from agent.daemon import compose  # noqa: PLC0415 - meanwhile time passes between the first two looks at counters (`load_all`)

    orders, say_first = Orders(), _say_summary
    while configuration:
        with compose(configuration, state_dir, listen, orders, partial(_after_first_cycle, say_first)) as daemon:
            configuration = daemon.run()
        say_first = _say_nothing


def _after_first_cycle(say: Callable[[Snapshot, str], None], snapshot: Snapshot, address: str) -> None:
    """Say what there is to say, and exempt what was made until now from Python's search for garbage.

    It stays until the end, or until the configuration is read anew, and to search all of it would hold up whoever asks then. Nor
    is each cycle's new made searched in the midst of it: a cycle leaves nothing behind that only a search would find.
    """
    say(snapshot, address)
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _say_nothing(snapshot: Snapshot, address: str) -> None:
    """Print nothing: the configuration was read anew, and everything else was said at the start."""


def _say_summary(snapshot: Snapshot, address: str) -> None:
    """Print what the first cycle saw, from a child: the tables' library never lives in the daemon."""
    argv = [sys.executable, "-E", "-P", "-m", "agent.commands.first_summary", address]
    sys.stdout.flush()
    subprocess.run(argv, input=msgspec.msgpack.encode(snapshot), check=False, timeout=30)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
