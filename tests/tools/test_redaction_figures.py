"""The figures in docs/consent.md are those that the tool prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_says_what_the_tool_prints():
    """Word for word, and nothing planted comes out."""
    figures = subprocess.run(
        [sys.executable, ROOT / "tools" / "redaction_figures.py"], capture_output=True, text=True, check=True
    ).stdout
    assert figures in (ROOT / "docs" / "consent.md").read_text("utf-8")
