"""Runs every fault against the real desks once, kill -9 at every system call included, and writes the result down.

    make fault-runs           all of it, as root: the better part of an hour
    tools/fault_runs.py ARG…  with pytest's own arguments, to choose; writes nothing

What is run is `tests/faults`; there a sample of the kills is taken, here all of them.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from dated_results import ROOT, put, table

TESTS = ("tests/faults/test_kills.py", "tests/faults/test_faulty_desk.py")
# The two desks side by side, the tests of each in their order.
OPTIONS = ("-p", "no:cacheprovider", "-v", "-n", "2", "--dist", "loadgroup")
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


def main(arguments: list[str]) -> int:
    """Run the faults; write their table if all of them were run and came out as promised. Return the exit status."""
    os.environ["FORETELL_EVERY_KILL"] = "1"
    os.chdir(ROOT)
    found = Rows()
    status = pytest.main([*OPTIONS, *TESTS, *arguments], plugins=[found])
    rows = sorted(found.rows, key=lambda row: str(row["desk"]))
    if rows and not arguments and status == pytest.ExitCode.OK:
        sums = [sum(row[figure] for row in rows) for figure in FIGURES]
        lines = [[row["desk"], row["fault"], *(row[figure] for figure in FIGURES)] for row in rows]
        put("fault runs", "make fault-runs", table(["desk", "fault", *FIGURES.values()], [*lines, ["all", "", *sums]]))
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
