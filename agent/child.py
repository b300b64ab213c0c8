"""Begins a short-lived child of the daemon: `python -P -m agent.child MODULE`, whose `main()` returns the exit status."""

from __future__ import annotations

import gc
import importlib
import sys


def run(module: str) -> int:
    """Do what `module` is for; return the process's exit status.

    What it imports is needed until it ends: to look through that for garbage, again and again and once more at the end, would be
    a tenth of what a look at a desk costs.
    """
    gc.disable()
    main = importlib.import_module(module).main
    gc.freeze()
    gc.enable()
    status: int = main()
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
