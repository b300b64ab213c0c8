"""The line format: what makes structure, and that values never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wording.lines import mark, parse, unmark
from ticketing_clients import Bullets, Facts, Heading, Paragraph


def test_lines_become_blocks():
    """Headings, bullets, rows and paragraphs; lists and tables hold together over empty lines, paragraphs do not."""
    text = "# Title\nfirst line\nsecond line\n\nanother\n\n- one\n\n- two\nHost :: web01\n\nRule :: disk :: space\n"
    assert parse(text).blocks == (
        Heading("Title"),
        Paragraph("first line second line"),
        Paragraph("another"),
        Bullets(("one", "two")),
        Facts((("Host", "web01"), ("Rule", "disk :: space"))),
    )


def test_a_value_of_nothing_makes_no_block():
    """A line that consists of an empty value is an empty line."""
    assert parse(f"text\n{mark('')}\nmore").blocks == (Paragraph("text"), Paragraph("more"))


def test_text_of_nothing_is_refused():
    """A template that says nothing at all is a mistake, and not an empty ticket."""
    with pytest.raises(ValueError, match="nothing"):
        parse(f"\n {mark('')}\n")


def test_none_is_refused():
    """No sentence has a hole where a value was not known."""
    with pytest.raises(ValueError, match="None"):
        mark(None)


@given(st.text())
def test_a_marked_value_is_one_line_of_text(value):
    """Whatever it is, alone on a line it is a paragraph with just its words, or nothing."""
    words = unmark(mark(value))
    assert "".join(words.split()) == "".join(value.replace("\ue000", "").split())
    assert parse(f"first\n\n{mark(value)}").blocks == (Paragraph("first"), *([Paragraph(words)] if words else []))


@given(st.text(), st.text())
def test_a_row_keeps_its_label_and_its_value(label, value):
    """Two marked values with the separator between them are one row of exactly these two."""
    row = parse(f"Label {mark(label)} :: {mark(value)} end").blocks
    assert row == (Facts(((unmark(f"Label {mark(label)}"), unmark(f"{mark(value)} end")),)),)


@given(st.text())
def test_marking_twice_is_marking_once(value):
    """A value that went through a macro is the same as one that did not."""
    assert mark(mark(value)) == mark(value)
