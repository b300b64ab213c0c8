"""`foretell run` as a process of its own: what it prints and logs, its page and metrics, and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

FORETELL = Path(sys.executable).with_name("foretell")
# Waits are for a condition and end at once when it is there; this is only when to give up.
PATIENCE = 40.0


class RunningAgent:
    """A running `foretell run`, and its page. `folder`: where its output goes; `prefix`: by which program it is started."""

    def __init__(
        self,
        folder: Path,
        config: Path,
        environment: Mapping[str, str] | None = None,
        *,
        prefix: Sequence[str | Path] = (),
        options: Sequence[str | Path] = (),
        listen: str = "127.0.0.1:0",
    ) -> None:
        self.out, self.err = folder / "out", folder / "err"
        argv = [*prefix, FORETELL, "run", "--config", config, "--listen", listen, *options]
        self.began = time.monotonic()
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                list(map(str, argv)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environment if environment is not None else os.environ),
            )

    def shows(self, text: str) -> str:
        """Wait until `text` was printed; return everything that was."""
        until(lambda: text in self.out.read_text() or self.process.poll() is not None)
        printed = self.out.read_text()
        assert text in printed, self.log
        return printed

    @property
    def page(self) -> str:
        """The address that it told."""
        return self.shows("Status page: ").partition("Status page: ")[2].split()[0]

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.err.read_text()

    def get(self, path: str = "") -> str:
        """Return what is at a path of the page, whatever its status."""
        try:
            with urllib.request.urlopen(f"{self.page}{path}", timeout=10) as answer:
                text: str = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        return text

    def metrics(self) -> dict[str, float]:
        """Return each series of `/metrics` by its name and labels."""
        return {
            series: float(value)
            for series, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", self.get("metrics"), re.MULTILINE)
        }

    @property
    def cycles(self) -> float:
        """How many cycles have finished."""
        return self.metrics()["foretell_cycles_total"]

    def family(self) -> list[psutil.Process]:
        """Return the agent and every process that it has started."""
        agent = psutil.Process(self.process.pid)
        return [agent, *agent.children(recursive=True)]

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does; return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Leave nothing running, whatever has happened."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
