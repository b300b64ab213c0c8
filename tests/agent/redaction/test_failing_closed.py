"""Whatever fails, nothing of the source leaves, and nothing of it is in what is said about that."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from agent.redaction import LeftOut, Pseudonyms, Report, Templates, _redactor
from agent.redaction._private_keys import PrivateKeys
from agent.system.safe_reading import Refused
from redaction_corpus import redactor

LINE = b"2026-11-24T00:44:01Z web01 systemd[1]: Started hunter2.\n"


def failing(line):
    """Fail as a rule with a mistake in it would, with the line in the error."""
    raise ValueError(line)


def failing_late(line):
    """Fail only after something was found."""
    yield from ()
    raise RecursionError(line)


def reason(rules, lines):
    """Return why a source is left out; the test fails when it is not."""
    with pytest.raises(LeftOut) as caught:
        list(rules.lines("journal", lines, Report()))
    return str(caught.value)


@pytest.mark.parametrize("how", [failing, failing_late])
@pytest.mark.parametrize("rule", redactor().rules)
def test_a_rule_that_fails_leaves_the_file_out(rule, how):
    """Each in turn, and the reason names the rule."""
    rules = redactor()
    rules.rules[rule] = how
    said = reason(rules, [LINE])
    error = "ValueError" if how is failing else "RecursionError"
    assert said == f"the rule {rule} failed: {error}"


@pytest.mark.parametrize(
    ("name", "rule"),
    [("plain_text", "plain_text"), ("replaced", "joining")],
)
def test_what_is_no_rule_fails_alike(name, rule, monkeypatch):
    """Reading a line as text, and joining what the rules found."""
    monkeypatch.setattr(_redactor, name, lambda *_: failing("hunter2"))
    said = reason(redactor(), [LINE])
    assert said == f"the rule {rule} failed: ValueError"


@pytest.mark.parametrize(
    ("where", "name", "rule"),
    [(Templates, "fields", "templates"), (Pseudonyms, "field", "fields"), (PrivateKeys, "holds", "private_key")],
)
def test_templates_fields_and_private_keys_fail_alike(where, name, rule, monkeypatch):
    """They are rules, too."""
    monkeypatch.setattr(where, name, lambda *_: failing("hunter2"))
    said = reason(redactor(), [LINE])
    assert said == f"the rule {rule} failed: ValueError"


def test_a_rule_that_fails_on_the_last_line_takes_all_lines_with_it():
    """Whoever takes the lines learns at the end that none of them may leave."""
    rules = redactor()
    rules.rules["mail"] = lambda line: failing(line) if "last" in line else ()
    lines = [LINE] * 1000 + [LINE.replace(b"hunter2", b"last")]
    said = reason(rules, lines)
    assert said == "the rule mail failed: ValueError"


def test_nothing_of_the_source_is_in_the_error():
    """Not in its text, and not in anything chained to it."""
    rules = redactor()
    rules.rules["mail"] = failing
    with pytest.raises(LeftOut) as caught:
        list(rules.lines("journal", [LINE], Report()))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def broken(error) -> Iterator[bytes]:
    """Break off in the middle of a source."""
    yield LINE
    raise error


@pytest.mark.parametrize("error", [OSError(5, "hunter2"), UnicodeError("hunter2"), Refused("x: is a pipe")])
def test_a_source_that_breaks_off_is_left_out(error):
    """Half of it could be the half that says nothing is wrong."""
    said = reason(redactor(), broken(error))
    assert said == f"reading failed: {type(error).__name__}"
