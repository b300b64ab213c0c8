"""A check of IT's own: what it says is asked of it again, and reaches the ticket redacted, or not at all."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from agent.bundle._masking import LAYOUTS
from agent.bundle._on_ticket import on_ticket
from agent.collecting import HostAccess
from agent.configuration.config import load
from agent.diagnosis import Diagnosis, DiagnosisFact, Unseen, command_of, nagios_problem
from agent.diagnosis._diagnosis import Request
from agent.diagnosis._runner import run
from agent.line_templates import load_templates
from collectors import CollectorError, Completed
from redaction_corpus import redactor

CHECK = "/usr/lib/nagios/plugins/check_mailq"
OUTPUT = "MAILQ CRITICAL - 731 mails of kim@shop.example wait | unsent=731;20;100;0\nfirst: /var/spool/a\nsecond: /var/spool/b\n"


@pytest.fixture
def asked(scripted):
    """Return a function that asks a check which answers so."""
    return lambda answer: list(
        nagios_problem.asked_again(scripted({"check": "mail"}, {CHECK: answer}, command=(CHECK, "-w", "20")))
    )


def test_what_it_says_first_is_a_fact_and_more_of_it_a_detail(asked):
    """Its values are readings already; lines of a text that nobody knows need more consent than a fact."""
    status, text, more = asked(Completed(2, OUTPUT, ""))
    assert (status.name, status.value) == ("exit_status", 2.0)
    assert (text.name, text.value, text.consent) == (
        "check_text",
        "MAILQ CRITICAL - 731 mails of kim@shop.example wait",
        "facts",
    )
    assert (more.name, more.consent) == ("check.txt", "logs")
    assert "second: /var/spool/b" in more.text


def test_a_check_that_says_nothing_has_said_nothing(asked):
    """No empty row on a ticket."""
    assert [one.name for one in asked(Completed(1, "", ""))] == ["exit_status"]


def test_a_check_that_cannot_be_run_is_not_seen(asked):
    """The runner of the steps says so, and goes on."""
    with pytest.raises(CollectorError, match="is missing"):
        asked(CollectorError(f"{CHECK} is missing"))


def test_a_check_that_is_not_configured_any_more_is_said_to_be_gone(scripted):
    """Its case may outlive it."""
    [one] = nagios_problem.asked_again(scripted({"check": "mail"}))
    assert isinstance(one, Unseen)
    assert (one.what, one.reason) == ("check", "gone")


def test_its_text_is_on_a_ticket_redacted():
    """An address of somebody's is none of the desk's."""
    said = DiagnosisFact(name="check_text", value="731 mails of kim@shop.example wait", unit="text")
    masked = redactor(load_templates([LAYOUTS]))
    [fact] = on_ticket(Diagnosis(id="nagios_problem", at=time.time(), facts=(said,)), masked).found
    assert "731 mails of" in str(fact.value)
    assert "kim@shop.example" not in str(fact.value)


def test_the_command_is_the_one_that_is_configured(tmp_path):
    """By the name of the check; anything else has none."""
    file = tmp_path / "foretell.toml"
    file.write_text(f'[collectors.nagios.checks.mail]\ncommand = ["{CHECK}", "-w", "20"]\n')
    collectors = load(file, parts={"collectors"}, context=HostAccess()).collectors
    assert command_of({"check": "mail"}, collectors) == (CHECK, "-w", "20")
    assert command_of({"check": "other"}, collectors) == command_of({"mountpoint": "/"}, collectors) == ()


def test_the_child_asks_it_really(tmp_path):
    """Through the request that it is handed as JSON."""
    plugin = Path(tmp_path / "check_it")
    plugin.write_text("#!/bin/sh\necho 'IT WARNING - two of three | up=2'\nexit 1\n")
    plugin.chmod(0o755)
    request = Request(id="nagios_problem", subject={"check": "it"}, command=(str(plugin),))
    found = run(msgspec.json.decode(msgspec.json.encode(request), type=Request))
    assert found.id == "nagios_problem"
    assert {fact.name: fact.value for fact in found.facts if fact.name in {"exit_status", "check_text"}} == {
        "exit_status": 1.0,
        "check_text": "IT WARNING - two of three",
    }
