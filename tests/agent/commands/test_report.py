"""`foretell report`: one file, of the time and in the language that were asked for."""

from __future__ import annotations

import pytest

import recorded_year


@pytest.fixture
def remembered(state):
    """Three months in the command's state folder."""
    state.mkdir(mode=0o700)
    recorded_year.write_year(state, disks=("/srv",))


@pytest.mark.usefixtures("remembered")
def test_it_writes_one_file_and_says_what_to_do_with_it(foretell, tmp_path):
    """For its owner only: it says what the host knows of itself."""
    out = tmp_path / "report.html"
    ended = foretell("report", "--since", "31d", "--until", "2026-11-01", "--language", "zh-CN", "--out", str(out))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == f"Wrote {out}. To keep it as a PDF, print it from a browser.\n"
    assert out.stat().st_mode & 0o777 == 0o600
    page = out.read_text()
    assert '<html lang="zh-Hans">' in page
    assert "2026-10-01 – 2026-10-31" in page  # noqa: RUF001 - a dash of dates


@pytest.mark.usefixtures("remembered")
def test_what_would_leave_can_be_looked_at(foretell, tmp_path):
    """As consent stands: nobody gave any."""
    out = tmp_path / "report.html"
    assert foretell("report", "--until", "2026-11-29", "--leaving", "--out", str(out)).status == 0
    assert "<svg" not in out.read_text()


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (["--language", "tlh"], 2, 'there is no catalogue for the language "tlh"; choose one of en, zh_Hans, zh_Hant'),
        (["--since", "soon"], 2, "soon"),
        (["--out", "/nowhere/report.html"], 77, "/nowhere/report.html cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_told(foretell, tmp_path, asked, status, said):
    """In a sentence, with what to do."""
    ended = foretell("report", "--out", str(tmp_path / "report.html"), *asked)
    assert ended.status == status
    assert said in ended.err


def test_without_records_there_is_nothing_to_report(foretell, tmp_path):
    """No agent has run: a command never begins records."""
    ended = foretell("report", "--out", str(tmp_path / "report.html"))
    assert (ended.status, "no agent has run on it yet" in ended.err) == (2, True)
