"""`foretell knowledge export`: what was learnt, for others to read, and nothing that may not leave."""

from __future__ import annotations

import html
from pathlib import Path

import msgspec
import pytest

from agent.following.model import Episode
from thresholds import Severity

KEY = "a1" * 32
SECRET = "hunter2hunter2"
EPISODE = Episode(
    opened_at=1_795_000_000.0,
    closed_at=1_795_100_000.0,
    closed_by="person",
    severity=Severity.WARNING,
    priority="P3",
    measured={"value": 12e9, "whole": 1e11, "unit": "bytes"},
    measured_after={"value": 62e9, "whole": 1e11, "unit": "bytes"},
    cause="Nightly dumps were never removed",
    done=f"Removed them with mysql -p{SECRET}",
    rating=5,
)


@pytest.fixture
def learnt(store, snapshot):
    """A closed case, of which people wrote down what it was; one that is open; one that ended untold."""
    case = msgspec.structs.replace(snapshot.cases[0], state="closed", episodes=(EPISODE,), closed_at=EPISODE.closed_at)
    store.save_case(case, [], EPISODE.closed_at)
    store.save_case(msgspec.structs.replace(snapshot.cases[0], key="b2" * 32, episodes=(EPISODE,)), [], 0.0)
    store.save_case(msgspec.structs.replace(case, key="c3" * 32, episodes=()), [], 0.0)
    return case


def the_article(folder: Path) -> str:
    [file] = folder.iterdir()
    assert file.name == f"disk_space-{KEY[:12]}.md"
    return html.unescape(file.read_text())  # as whoever shows it does


@pytest.mark.usefixtures("learnt")
def test_without_consent_peoples_words_stay_here(foretell, tmp_path):
    """Symptom, where to look, the numbers and the prevention are there all the same."""
    ended = foretell("knowledge", "export", "--out", str(tmp_path / "articles"))
    assert (ended.status, ended.out.splitlines()[0]) == (0, f"1 articles in {tmp_path / 'articles'}")
    assert "people's words are left out" in ended.out
    text = the_article(tmp_path / "articles")
    assert text.startswith("# A file system is running full: /srv\n")
    assert "12.0 GB of 100.0 GB" in text
    assert "62.0 GB of 100.0 GB" in text
    assert "growpart" in text
    assert "dumps" not in text.replace("forgotten dumps", "")
    assert SECRET not in text


@pytest.mark.usefixtures("learnt")
def test_with_consent_they_are_redacted(foretell, tmp_path):
    """What it was and what helped is said; a secret in it is not."""
    assert foretell("consent", "grant", "facts", "--for", "1d", "--by", "Ann Field", "--yes").status == 0
    listed = foretell("knowledge", "export", "--out", str(tmp_path / "articles"), "--json").json
    text = the_article(tmp_path / "articles")
    assert [one["file"] for one in listed] == [str(tmp_path / "articles" / f"disk_space-{KEY[:12]}.md")]
    assert "Nightly dumps were never removed" in text
    assert "Removed them with mysql" in text
    assert SECRET not in text


@pytest.mark.usefixtures("learnt")
def test_a_folder_that_cannot_be_written_is_said(foretell, tmp_path):
    """In one sentence."""
    (tmp_path / "file").write_text("")
    ended = foretell("knowledge", "export", "--out", str(tmp_path / "file" / "below"))
    assert ended.status == 77
    assert "cannot be written" in ended.err
