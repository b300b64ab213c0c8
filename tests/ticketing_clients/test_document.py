"""Texts cut to what a desk takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing_clients import Bullets, Document, Facts, Heading, Paragraph, Preformatted, to_plain
from ticketing_clients._document import shorten

texts = st.text(max_size=30)
blocks = st.one_of(
    texts.map(Heading),
    texts.map(Paragraph),
    texts.map(Preformatted),
    st.lists(texts, min_size=1, max_size=3).map(lambda items: Bullets(tuple(items))),
    st.lists(st.tuples(texts, texts), min_size=1, max_size=3).map(lambda rows: Facts(tuple(rows))),
)


@given(
    document=st.lists(blocks, min_size=1, max_size=5).map(lambda some: Document(tuple(some))),
    longest=st.integers(1, 200),
)
def test_a_shortened_document_fits_and_keeps_its_beginning(document, longest):
    """It is never longer than asked, begins as the whole does, and ends in the note if anything is missing."""
    whole, kept = to_plain(document)[:-1], to_plain(shorten(document, longest))[:-1]
    assert len(kept) <= longest
    if kept != whole:
        assert kept.endswith("…")
        assert whole.startswith(kept.removesuffix("…"))


def test_what_fits_keeps_its_structure():
    """A document below the limit is the same document."""
    document = Document((Heading("a"), Bullets(("b", "c")), Paragraph("d")))
    assert shorten(document, 100) == document


def test_the_first_block_that_is_too_long_is_the_last():
    """Whole blocks before it stay what they are; of itself as much stays as there is room for."""
    document = Document((Heading("磁盘"), Preformatted("one\ntwo 😀 three"), Paragraph("never seen")))
    assert shorten(document, 19) == Document((Heading("磁盘"), Preformatted("one\ntwo 😀…")))
