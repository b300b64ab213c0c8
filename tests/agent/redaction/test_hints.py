"""Hints save time and hide nothing."""

from __future__ import annotations

import pytest

from agent.redaction import _commands, _keys, _pseudonyms
from agent.redaction._hints import Hinted
from redaction_corpus import forms, harmless

LINES = [form.text for form in forms()] + [line.decode() for lines in harmless().values() for line in lines]
HINTED = {
    f"{module.__name__}.{name}[{number}]": one
    for module in (_commands, _pseudonyms)
    for name, value in vars(module).items()
    for number, one in enumerate(value if isinstance(value, tuple) and not isinstance(value, Hinted) else [value])
    if isinstance(one, Hinted)
}


@pytest.mark.parametrize("name", HINTED)
def test_a_hint_is_in_all_that_its_pattern_fits(name):
    """Told on every planted and every harmless line."""
    hinted = HINTED[name]
    for line in LINES:
        assert [m.span() for m in hinted.finditer(line, line.lower())] == [
            m.span() for m in hinted.pattern.finditer(line)
        ]


@pytest.mark.parametrize(("key", "hint"), [("_SECRET_KEY", "_SECRET_HINT"), ("_PERSONAL_KEY", "_PERSONAL_HINT")])
def test_a_key_is_found_by_its_hint(key, hint):
    """In lines of plain ASCII, the only ones that hints are asked about."""
    for line in filter(str.isascii, LINES):
        if getattr(_keys, key).search(line):
            assert getattr(_keys, hint).search(line.lower())


def test_patterns_with_hints_were_found():
    """Or the tests above would be about none."""
    assert len(HINTED) > 15
