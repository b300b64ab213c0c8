"""Remedies: the shipped ones, and the files in which IT overrides or adds to them."""

from __future__ import annotations

import msgspec
import pytest

from agent.configuration.config import shipped_rules
from agent.wording.languages import languages
from agent.wording.remedies import GENERIC, SHIPPED, check_remedies, find_remedy
from ticket_cases import case, in_language, text_of, ticket

LANGUAGES = ("en", "zh_Hans", "zh_Hant")


def problems(folder) -> list[str]:
    """Return what is wrong with a folder, without the path to it."""
    return [str(error).replace(f"{folder}/", "") for error in check_remedies(folder, LANGUAGES)]


def test_every_shipped_remedy_is_in_order_and_has_what_a_ticket_says():
    """As IT's files are checked; none lacks a proposal, steps and how it does not happen again."""
    assert problems(SHIPPED) == []
    for path in SHIPPED.glob("*.toml"):
        remedy = find_remedy(path.stem, "en")
        assert remedy.action
        assert remedy.suggestion.endswith(".")
        assert remedy.steps
        assert remedy.prevention


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("rule", sorted(shipped_rules()))
def test_every_shipped_rule_reads_well_with_its_remedy_or_the_generic_one(rule, language):
    """Whoever adds a rule need not add a remedy at once: the ticket is whole all the same."""
    shipped = shipped_rules()[rule]
    subject = dict.fromkeys(shipped["select"].get("subject", []), "x1")
    facts = msgspec.structs.replace(case(rule, subject=subject), remedy=shipped.get("remedy", rule))
    made = ticket(facts, in_language(language))
    remedy = find_remedy(facts.remedy, language)
    assert made.title
    assert len(text_of(made).splitlines()) > 40
    assert remedy.suggestion
    if language == "en":
        assert remedy.suggestion in text_of(made)


def test_what_a_file_leaves_out_stays_as_shipped(tmp_path):
    """One line is enough for a runbook; a list replaces the shipped list; a language of its own goes before both."""
    (tmp_path / "disk_space.toml").write_text(
        'runbook = "https://wiki.example/full"\nsuggestion = "Order more."\n[[steps]]\nsay = "Ask the portal."\n'
    )
    (tmp_path / "disk_space.zh_Hant.toml").write_text('suggestion = "請在入口網站申請。"\n', encoding="utf-8")
    shipped, own, chinese = (
        find_remedy("disk_space", language, folder)
        for language, folder in (("en", None), ("en", tmp_path), ("zh_Hant", tmp_path))
    )
    assert (own.runbook, own.suggestion, len(own.steps)) == ("https://wiki.example/full", "Order more.", 1)
    assert (own.action, own.prevention) == (shipped.action, shipped.prevention)
    assert (chinese.suggestion, chinese.runbook) == ("請在入口網站申請。", own.runbook)


def test_a_remedy_of_ones_own_begins_from_the_generic_one(tmp_path):
    """For a rule that somebody added; and the generic one itself can be changed for all."""
    (tmp_path / "ups_battery.toml").write_text("minutes = 20\n")
    (tmp_path / "generic.toml").write_text('action = "calling us"\n')
    assert find_remedy("ups_battery", "en", tmp_path).minutes == 20
    assert find_remedy("ups_battery", "en", tmp_path).action == "calling us"
    assert find_remedy("../../etc/passwd", "en") == find_remedy(GENERIC, "en")


def test_every_mistake_names_its_file_its_key_and_how_to_mend_it(tmp_path):
    """All at once, as for the rest of the configuration."""
    (tmp_path / "disk_space.toml").write_text('risk = "huge"\nactoin = "x"\nsuggestion = "Call {hots}."\n')
    (tmp_path / "cpu.toml").write_text("= 1\n")
    (tmp_path / "memory.toml").write_bytes(b"action = '\xff'\n")
    (tmp_path / "disk_space.zh_Hanz.toml").write_text("minutes = 5\n")
    (tmp_path / "notes.txt").write_text("hello\n")
    told = "\n".join(problems(tmp_path))
    for part in (
        "disk_space.toml: risk: ",
        "disk_space.toml: actoin: unknown",
        "disk_space.toml: suggestion: {hots} stands for nothing — mend: known here: host, subject",
        "cpu.toml: is not TOML",
        "memory.toml: is not UTF-8 text",
        'disk_space.zh_Hanz.toml: "zh_Hanz" in its name is no language of tickets — mend: did you mean "zh_Han',
        "notes.txt: is no remedy",
    ):
        assert part in told


def test_braces_of_a_shell_are_no_placeholders(tmp_path):
    """What stands in a command is the command's."""
    (tmp_path / "disk_space.toml").write_text("[[steps]]\nsay = 'Add up'\nrun = \"du | awk '{print $1}' {subject}\"\n")
    assert problems(tmp_path) == []
