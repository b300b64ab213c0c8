"""What a replay tells programs."""

from pathlib import Path

from agent.configuration.config import load
from agent.following.problems import PROBLEM
from agent.replay.replay import Outcome, ReplayedTicket
from agent.replay.report import as_contract


def test_what_asks_for_the_cause_of_others_stands_apart_from_them(tmp_path: Path):
    """Whoever counts tickets by what they are about would count one trouble twice."""
    path = tmp_path / "foretell.toml"
    path.write_text("")
    told = as_contract(outcome_of("disk_space", PROBLEM), load(path, state=tmp_path))
    assert [one["rule"] for one in told["tickets"]] == ["disk_space"]
    assert [one["reason"] for one in told["problems"]] == ["the cause of what returns"]


def outcome_of(*rules):
    """Return a month of one host in which each of `rules` opened a ticket."""
    tickets = [
        ReplayedTicket(
            key=f"{number:064x}",
            rule=rule,
            host="web01",
            subject={"host": "web01"},
            opened_at=float(number),
            priority="P3",
            highest="P3",
            evidence={},
            forecast=None,
        )
        for number, rule in enumerate(rules)
    ]
    return Outcome(tickets=tickets, missed=[], hosts=1, host_days=30.4, series=1, readings=1, unknown=0)
