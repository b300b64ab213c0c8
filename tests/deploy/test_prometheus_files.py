"""What is shipped for Prometheus and Grafana: checked by their own programs and types, and about metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from agent.configuration.plugins import COLLECTORS
from agent.metrics import LABELS, own_metrics
from agent.relay.metrics import RelayMetrics

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES = sorted(PROMETHEUS.glob("*.rules.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
BOARDS = sorted((DEPLOY / "grafana").glob("*.json"))


def promtool(*arguments):
    """Run it; fail with what it says, skip where it is not."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian package prometheus): the rules were NOT checked")
    done = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_rules_and_configuration():
    """Every expression, template and key."""
    promtool("check", "rules", *RULES)
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_the_rules_keep_their_own_tests():
    """As `promtool test rules` runs them."""
    assert "SUCCESS" in promtool("test", "rules", *TESTS)


def test_every_rule_has_a_test():
    """An alert or a recording that nobody has seen fire, and stay away, is not shipped."""
    made = {name for file in RULES for name in re.findall(r"- (?:alert|record): (\S+)", file.read_text("utf-8"))}
    tested = "\n".join(file.read_text("utf-8") for file in TESTS)
    assert {name for name in made if name not in tested} - {"instance:foretell_silent:bool10m"} == set()


@pytest.mark.parametrize("file", [*RULES, *BOARDS], ids=lambda file: file.name)
def test_only_metrics_that_there_are_are_asked_for(file):
    """The agent's and the relay's own, the readings, and what the rules record."""
    known = {one.name for one in own_metrics()}
    known |= {f"foretell_{one.name}" for plugin in COLLECTORS.built_in() for one in COLLECTORS.load(plugin).readings}
    known |= {
        name
        for family in RelayMetrics().registry.collect()
        for name in (family.name, f"{family.name}_total", f"{family.name}_bucket")
    }
    text = file.read_text("utf-8")
    asked = set(re.findall(r"(?<![\w:])foretell_\w+(?![\w:])", re.sub(r"name: foretell_\w+|# .*", "", text)))
    recorded = {name for rules in RULES for name in re.findall(r"- record: (\S+)", rules.read_text("utf-8"))}
    assert asked - known == set()
    assert set(re.findall(r"\w+:foretell_\w+:\w+", text)) <= recorded


def test_every_label_of_the_agents_own_metrics_is_explained():
    """In the reference page, and none that no metric has."""
    assert {label for one in own_metrics() for label in one.labels} == LABELS.keys()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_dashboard_is_one_by_grafanas_own_types(board):
    """Read by them and written again nothing is lost: there is no key in it that Grafana does not know."""
    told = json.loads(board.read_text("utf-8"))
    again = json.loads(json.dumps(Dashboard.from_json(told), cls=JSONEncoder))
    assert again == told
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in told["panels"]]
    assert len(set(places)) == len(places)
    assert all(one["gridPos"]["x"] + one["gridPos"]["w"] <= 24 for one in told["panels"])
    assert len({one["id"] for one in told["panels"]}) == len(told["panels"])
