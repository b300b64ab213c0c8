"""Runs the tests of the fault matrix, row by row, and writes down what came of each: `make fault-matrix`, `ROWS="2 7"` for some.

The matrix is `tests/faults/matrix.toml`. A row that is not run keeps what stands there of it, with its day. Tests that this
machine cannot run are told as skipped, with the reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from dated_results import PAGE, ROOT, table

MATRIX = ROOT / "tests" / "faults" / "matrix.toml"
HEAD = ("row", "fault", "promise", "tests", "runs", "result", "day")
BEGIN, END = "<!-- fault matrix -->", "<!-- end of fault matrix -->"


def run(tests: list[str]) -> tuple[int, int, str]:
    """Run the tests of one row, in a process of their own; return how many ran, how many failed, and what came of it in words."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "junit_family=xunit1",
            f"--junitxml={report}",
        ]
        subprocess.run([*argv, *tests], check=False)
        cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 - pytest wrote it
    skipped = [one for case in cases for one in case.iter("skipped")]
    failed = sum(any(True for kind in ("failure", "error") for _ in case.iter(kind)) for case in cases)
    ran = len(cases) - len(skipped)
    words = f"{failed} failed" if failed else "kept" if ran else "not run"
    reasons = sorted({one.get("message", "") for one in skipped})
    return ran, failed, "; ".join([words, *(f"skipped: {why}" for why in reasons)])


def earlier(page: str) -> dict[str, tuple[object, ...]]:
    """Return what stands in the page of each row, by its number: runs, result and day."""
    _, _, section = page.partition(BEGIN)
    lines = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in section.partition(END)[0].splitlines()
        if line.startswith("| ")
    ]
    return {cells[0]: (int(cells[4].replace(",", "")), cells[5], cells[6]) for cells in lines[2:]}


def main(wanted: list[str]) -> int:
    """Run the rows; return the exit status."""
    os.chdir(ROOT)
    matrix = tomllib.loads(MATRIX.read_text("utf-8"))["rows"]
    today, failed, found = f"{datetime.now(UTC):%Y-%m-%d}", False, {}
    for row in matrix:
        if not wanted or set(wanted) & set(row["row"].split(", ")):
            ran, wrong, result = run(row["tests"])
            failed |= wrong > 0
            found[row["row"]] = (ran, result, today)
    # Read only now: others may have run other rows meanwhile.
    page = PAGE.read_text("utf-8")
    known = earlier(page) | found
    rows = [
        (row["row"], row["fault"], row["promise"], _names(row["tests"]), *known.get(row["row"], (0, "not run yet", "")))
        for row in matrix
    ]
    section = re.compile(f"(?s){re.escape(BEGIN)}.*{re.escape(END)}")
    PAGE.write_text(section.sub(lambda _: f"{BEGIN}\n{table(HEAD, rows)}\n{END}", page), "utf-8")
    return int(failed)


def _names(tests: list[str]) -> str:
    """Return the files of tests without what they all have in common."""
    return ", ".join(sorted({Path(test.partition("::")[0]).stem.removeprefix("test_") for test in tests}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
