"""The report in a real Chromium, printed: every page of the paper has something on it, in every language."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.browser

HEADINGS = {"en": "What was prevented", "zh_Hans": "避免了什么", "zh_Hant": "避免了什麼"}


@pytest.fixture(scope="module")
def programs():
    """Return chromium with what it needs here, and pdftotext."""
    for program, package in (("chromium", "chromium fonts-noto-cjk"), ("pdftotext", "poppler-utils")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox in Chromium; the page is ours
    return [shutil.which("chromium"), "--headless", "--disable-gpu", "--no-pdf-header-footer", *rights]


@pytest.mark.parametrize("language", HEADINGS)
def test_it_prints_well(report, remembered, programs, tmp_path, language):
    """Few pages, none of them empty, and the first one begins with what it is."""
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(report(remembered, language=language), encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    subprocess.run(
        [*programs, profile, f"--print-to-pdf={paper}", page.as_uri()], check=True, capture_output=True, timeout=120
    )
    text = subprocess.run(["pdftotext", "-layout", paper, "-"], check=True, capture_output=True, timeout=60)
    *pages, rest = text.stdout.decode().split("\f")
    assert rest == ""
    assert 4 <= len(pages) <= 8
    assert "files-01" in pages[0].splitlines()[0]
    assert HEADINGS[language] in "".join(pages)
    assert all(len("".join(one.split())) > 80 for one in pages)
