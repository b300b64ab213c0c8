"""What must not leave does not, in whichever way it is written and wherever it stands."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.redaction import LeftOut, Report
from redaction_corpus import OWN_SECRET, SHAPES, decoded, forms, leaks, open_templates, planted_leaks, redactor

PLANTED = list(forms())


def test_the_corpus_is_large_and_in_two_languages():
    """A few easy forms would prove nothing."""
    groups = Counter(form.group for form in PLANTED)
    assert len({form.text for form in PLANTED}) >= 200
    assert groups["chinese"] >= 30
    assert all(form.secrets and all(len(secret) > 2 for secret in form.secrets) for form in PLANTED)


def test_the_search_sees_what_is_planted():
    """In clear, and where it is encoded: or the tests below could not fail."""
    for form in PLANTED:
        if form.text.isascii() and "\\" not in form.text:
            assert leaks(form.text, form.secrets) == form.secrets, form.text


@pytest.mark.parametrize("templates", [None, open_templates()], ids=["shipped templates", "every line let out"])
def test_nothing_planted_comes_out_of_any_source(templates):
    """Each form in each place of each source, searched byte by byte, also decoded."""
    assert planted_leaks(redactor(templates)) == []


def test_planted_lines_leave_without_their_secrets():
    """They are masked, not merely held back: most of a line is evidence."""
    rules, report = redactor(), Report()
    lines = [SHAPES["journal"][0].replace("{}", form.text).encode() for form in PLANTED]
    out = list(rules.lines("journal", lines, report))
    assert all("shop.service: " in line for line in out)
    assert report.left_out == {"private_key": 1}  # the one that begins a key


WITHOUT_BREAKS = st.characters(exclude_categories=["Cs", "Cc"])


@given(st.text(WITHOUT_BREAKS), st.sampled_from(PLANTED), st.text(WITHOUT_BREAKS))
def test_whatever_stands_around_it_a_labelled_secret_does_not_leave(before, form, after):
    """Parted by a blank from the rest of the line, on either side."""
    line = f"2026-11-24T00:44:01Z web01 x: {before} {form.text} {after}"
    out = "\n".join(redactor(open_templates()).lines("journal", [line.encode()], Report()))
    around = "\n".join(decoded(f"{before}\n{after}")).lower()
    if form.group == "keys":
        assert [leak for leak in leaks(out, form.secrets) if leak.lower() not in around] == []


@given(st.lists(st.binary() | st.text().map(str.encode)), st.sampled_from(sorted(SHAPES)))
def test_no_input_raises(lines, layout):
    """Whatever bytes a log holds, what leaves is printable text."""
    report = Report()
    try:
        out = list(redactor(open_templates()).lines(layout, lines, report))
    except LeftOut as left_out:  # pragma: no cover - would be a mistake in a rule
        pytest.fail(str(left_out))
    assert all(line.isprintable() for line in out)
    assert report.lines_in == len(lines) == report.lines_out + report.left_out.total()


@given(st.text(WITHOUT_BREAKS), st.text(WITHOUT_BREAKS))
def test_what_the_agent_itself_knows_is_masked_in_any_text(before, after):
    """Also without anything that would give it away."""
    line = f"2026-11-24T00:44:01Z web01 x: {before}{OWN_SECRET}{after}"
    assert OWN_SECRET not in "\n".join(redactor(open_templates()).lines("journal", [line.encode()], Report()))
