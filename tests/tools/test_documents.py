"""The examples in the documents are run, so that they stay true."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec

from agent.configuration.config import load

ROOT = Path(__file__).parent.parent.parent


def examples(document, language):
    """Return the code blocks of a document in one language."""
    text = (ROOT / document).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_example_collector_keeps_the_contract(tmp_path):
    """What a newcomer copies is right: the whole suite is run on it, as a newcomer would run it."""
    collector, test = examples("docs/add-a-collector.md", "python")
    (tmp_path / "entropy.py").write_text(collector)
    (tmp_path / "test_entropy.py").write_text(test.replace("from collectors import entropy", "import entropy"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_entropy.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


def test_the_example_rule_is_one(tmp_path):
    """It loads as a whole new rule, judged by a kind that there is, on readings that there are."""
    (text,) = examples("docs/add-a-rule.md", "toml")
    file = tmp_path / "foretell.toml"
    file.write_text(
        text.replace('id = "swap_filling"', "[rules.swap_filling]")
        .replace("[select]", "[rules.swap_filling.select]")
        .replace("[limits]", "[rules.swap_filling.limits]")
    )
    assert "swap_filling" in load(file).rules_by_id


def test_the_example_configuration_of_the_readme_is_right(tmp_path):
    """It loads as it stands."""
    (text,) = examples("README.md", "toml")
    file = tmp_path / "foretell.toml"
    file.write_text(text)
    configuration = load(file)
    assert list(configuration.desks) == ["helpdesk"]


def test_the_sample_file_is_the_defaults():
    """As shipped it changes nothing: the same options everywhere as without a file."""
    sample, none = load(ROOT / "deploy" / "foretell.toml"), load(environ={})
    assert msgspec.structs.replace(sample.settings, collectors={}) == none.settings
    assert [(one.name, one.options) for one in sample.collectors] == [
        (one.name, one.options) for one in none.collectors
    ]
    assert sample.rules_by_id == none.rules_by_id
    assert sample.notes == none.notes


def test_each_decision_has_a_number_of_its_own():
    """In the name and in the title alike, none left out: people cite them by it."""
    files = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [file.name.partition("-")[0] for file in files]
    assert numbers == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.read_text("utf-8").split(":")[0] for file in files] == [f"# {number}" for number in numbers]
