"""Tries hostile input on every reader of ours for some minutes: `make fuzz MINUTES=10`, one reader with `ONLY=configuration`.

Each reader in turn gets some dozen inputs that nobody has tried before. One on which it fails is made as small as Hypothesis
can, told with its traceback, and put into the corpus, where `make test` tries it from then on. Ends with 1 if there was any.
A run over all readers is written down in `docs/fuzzing.md`.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
import traceback

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fuzzed_desks
import fuzzed_files
import fuzzed_hosts
from dated_results import ROOT, put, table
from fuzzing import Target, TooLong

AT_ONCE = 50  # inputs of one reader before the next has its turn
ROUND = settings(max_examples=AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck))


HEAD = ("reader", "inputs", "in the corpus", "failed on")


class Tally:
    """What came of one reader: how many inputs in how many seconds, and which of them it failed on."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.inputs = 0
        self.seconds = 0.0
        self.failed: list[str] = []

    def go_on(self) -> None:
        """Try AT_ONCE more inputs, or until one fails."""

        @hypothesis.seed(secrets.randbits(64))
        @ROUND
        @given(st.data())
        def explore(data: st.DataObject) -> None:
            self.inputs += 1
            try:
                self.target.explore(data)
            except TooLong as slow:  # to make it smaller would take all the time there is
                self._failed(slow)

        began = time.monotonic()
        try:
            explore()
        except Exception as error:  # noqa: BLE001 - whatever comes out of a reader is what is looked for
            self._failed(error)
        self.seconds += time.monotonic() - began

    def _failed(self, error: Exception) -> None:
        path = self.target.keep()
        self.failed.append(path.name)
        print(f"\n{path}:\n{''.join(traceback.format_exception(error))}", flush=True)

    @property
    def row(self) -> tuple[object, ...]:
        """The row of the table, under HEAD."""
        return self.target.name, self.inputs, len(self.target.kept), len(self.failed)


def main(arguments: list[str]) -> int:
    """Try until the time is over; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--only", default="", help="readers whose name begins so")
    chosen = parser.parse_args(arguments)
    every = [target for part in (fuzzed_files, fuzzed_hosts, fuzzed_desks) for target in part.targets()]
    tallies = [Tally(target) for target in every if target.name.startswith(chosen.only)]
    end = time.monotonic() + chosen.minutes * 60
    while time.monotonic() < end:
        # Each gets the same time, however slow it is. One that has failed is to be mended first.
        waiting = [tally for tally in tallies if not tally.failed]
        if not waiting:
            break
        min(waiting, key=lambda tally: tally.seconds).go_on()
    rows = [tally.row for tally in tallies]
    failed = any(tally.failed for tally in tallies)
    if failed or chosen.only:
        print(table(HEAD, rows))
    else:
        put("fuzz run", f"make fuzz MINUTES={chosen.minutes:g}", table(HEAD, rows), ROOT / "docs" / "fuzzing.md")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
