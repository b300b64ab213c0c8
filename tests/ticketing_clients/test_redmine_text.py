"""Redmine's two markups; what the real server makes of them is looked at in `tests/desks`."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing_clients import Document, Paragraph, Preformatted
from ticketing_clients._redmine_text import render

formattings = pytest.mark.parametrize("formatting", ["textile", "common_mark"])


@formattings
@given(text=st.text(st.characters(codec="utf-8")))
def test_a_text_can_be_read_back_whole(formatting, text):
    """Entities are all that is done to a text: with them decoded it is letter by letter the same line."""
    source = render(Document((Paragraph(text),)), formatting)
    assert html.unescape(source.removeprefix("p. ").replace("<i></i>", "")) == " ".join(text.split())
    assert not set('<>"@[{|`\\*~') & set(source.replace("<i></i>", ""))


@formattings
def test_plain_words_stay_as_they_are(formatting):
    """Mails show the source, so what is no markup is not touched."""
    text = "Disk /var (ext4) on web-01 is 91% full; it will be full on 2026-12-04 at 10:30. Well!"
    assert render(Document((Paragraph(text),)), formatting).removeprefix("p. ") == text


@pytest.mark.parametrize("tag", ["</pre>", "</PRE >", "<code>", "</notextile>", "<kbd"])
def test_no_tag_ends_preformatted_textile(tag):
    """Between the tags that we write there is none that Textile reads."""
    source = render(Document((Preformatted(f"a {tag} *b*"),)), "textile")
    assert source.removeprefix("<pre>\n").removesuffix("\n</pre>") == f"a <\N{WORD JOINER}{tag[1:]} *b*"


@given(text=st.text(st.sampled_from("`a\n")))
def test_no_line_ends_a_fence(text):
    """A fence is longer than any in the text."""
    fence, *lines, end = render(Document((Preformatted(text),)), "common_mark").split("\n")
    assert fence == end
    assert "\n".join(lines) == text
    assert fence not in text
