"""Puts what a run found into a page of the documentation, between two marks: the day, the command, and its table."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; what is not a text is a figure and stands on the right."""
    align = ["---" if isinstance(one, str) else "---:" for one in rows[0]]
    lines = [head, align, *([f"{one:,}" if isinstance(one, int) else f"{one}" for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def put(section: str, command: str, text: str, page: Path = PAGE) -> None:
    """Print `text`, and write it into `section` of the page with its day, its `command`, the commit and the machine."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors"
    dated = f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, commit {commit}, {machine}:\n\n{text}"
    print(dated)
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before = page.read_text("utf-8")
    after, found = re.subn(f"(?s){re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n{dated}\n{end}", before)
    if not found:
        raise SystemExit(f"{page} has no place for this; cure: put the marks {begin} and {end} where it belongs")
    page.write_text(after, "utf-8")
