"""The languages of tickets, by whatever name somebody calls them."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest

from agent.configuration.settings import WordingSettings
from agent.wording.languages import LanguageNotKnown, catalogue, find_language, languages
from ticket_cases import CONTEXT, FILLING, in_language, ticket

HEAD = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: de\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("en", "en"),
        ("en_GB.UTF-8", "en"),
        ("zh", "zh_Hans"),
        ("zh-CN", "zh_Hans"),
        ("zh_SG", "zh_Hans"),
        ("zh-Hans-CN", "zh_Hans"),
        ("ZH_hant", "zh_Hant"),
        ("zh_TW", "zh_Hant"),
        ("zh-HK", "zh_Hant"),
        ("zh_MO", "zh_Hant"),
        ("zh-Hant-HK", "zh_Hant"),
    ],
)
def test_a_language_is_found_by_the_names_it_goes_by(name, language):
    """Chinese by script or by place; whatever comes after what is known is left out."""
    assert find_language(name) == language


@pytest.mark.parametrize("name", ["klingon", "", "z", "e n"])
def test_a_language_that_is_not_there_is_refused_with_those_that_are(name):
    """Nobody gets English because a name was misspelt."""
    with pytest.raises(LanguageNotKnown) as refused:
        find_language(name)
    assert "zh_Hans" in refused.value.cure or "did you mean" in refused.value.cure


def test_it_adds_a_language_by_a_catalogue_in_its_folder(tmp_path):
    """What the catalogue has is said in it, and the rest in English."""
    if shutil.which("msgfmt") is None:
        pytest.skip("msgfmt is not installed (Debian package gettext): NOT tried with a catalogue made by it")
    folder = tmp_path / "languages" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "foretell.po").write_text(
        HEAD + '\nmsgid "Thursday"\nmsgstr "Donnerstag"\n\nmsgid "1,234.5"\nmsgstr "1.234,5"\n'
    )
    subprocess.run(["msgfmt", "--check", "-o", folder / "foretell.mo", folder / "foretell.po"], check=True)
    own = tmp_path / "languages"
    assert languages(own) == ("en", "de", "zh_Hans", "zh_Hant")
    assert find_language("de-AT", own) == "de"
    settings = msgspec.structs.replace(in_language("de_CH").settings, wording=WordingSettings(folder=str(tmp_path)))
    made = ticket(FILLING, msgspec.structs.replace(CONTEXT, settings=settings))
    assert made.language == "de"
    assert "Donnerstag 26 November" in made.title


def test_a_file_that_is_no_catalogue_is_an_error(tmp_path):
    """It is not taken for a language without sentences."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "foretell.mo").write_bytes(b"no catalogue")
    with pytest.raises(OSError, match="magic"):
        catalogue("de", tmp_path)
