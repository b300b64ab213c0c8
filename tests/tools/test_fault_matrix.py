"""The fault matrix names only tests that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = tomllib.loads((ROOT / "tests/faults/matrix.toml").read_text("utf-8"))["rows"]


def test_each_row_names_tests_that_there_are():
    """By file, and by class and function in it."""
    for row in ROWS:
        for test in row["tests"]:
            path, *names = test.split("::")
            text = (ROOT / path).read_text("utf-8")
            assert all(re.search(rf"^ *(class|def) {name}\b", text, re.MULTILINE) for name in names), test


def test_no_row_of_the_matrix_is_left_out():
    """1 to 26; there is no 12, and 27, the mixture of all, has a command of its own."""
    told = {int(number) for row in ROWS if row["row"] != "-" for number in row["row"].split(",")}
    assert told == set(range(1, 27)) - {12}
