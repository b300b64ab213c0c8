"""Runs every fault against the real desks once, kill -9 at every system call included, and writes the result down.

    make fault-runs           all of it, as root: half an hour
    tools/fault_runs.py ARG…  with further arguments for pytest, to try; writes nothing

What is run is `tests/faults`; there a sample of the kills is taken, here all of them.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from dated_results import ROOT, put, table

TESTS = ("tests/faults/test_kills.py", "tests/faults/test_faulty_desk.py")
# The two desks are run side by side, each by a pytest of its own.
DESKS = ("at_redmine", "not at_redmine")
FIGURES = {
    "cases": "cases",
    "tickets": "tickets found",
    "operations": "operations",
    "lost": "lost",
    "duplicates": "duplicates",
    "couriers": "couriers run",
}


class Rows:
    """A plugin of pytest that collects what the tests tell."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the row from the report on the test's own run; its setup and teardown repeat it."""
        if report.when == "call":
            self.rows += [row for name, row in report.user_properties if name == "fault run"]  # type: ignore[misc]  # typed as object


def run(desk: str, arguments: list[str]) -> tuple[int, list[dict[str, Any]]]:
    """Run the faults of one desk; return pytest's exit status and the rows."""
    found = Rows()
    status = pytest.main(["-p", "no:cacheprovider", "-v", "-k", desk, *TESTS, *arguments], plugins=[found])
    return int(status), found.rows


def main(arguments: list[str]) -> int:
    """Run the faults; write their table if all of them were run and came out as promised. Return the exit status."""
    os.environ["FORETELL_EVERY_KILL"] = "1"
    os.chdir(ROOT)
    with ProcessPoolExecutor(len(DESKS)) as pool:
        ended = list(pool.map(run, DESKS, [arguments] * len(DESKS)))
    status = max(status for status, _ in ended)
    if status == pytest.ExitCode.OK and not arguments:
        rows = [row for _, rows in ended for row in rows]
        sums = [sum(row[figure] for row in rows) for figure in FIGURES]
        lines = [[row["desk"], row["fault"], *(row[figure] for figure in FIGURES)] for row in rows]
        put("fault runs", "make fault-runs", table(["desk", "fault", *FIGURES.values()], [*lines, ["all", "", *sums]]))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
