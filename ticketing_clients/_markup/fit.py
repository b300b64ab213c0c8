"""A document in a markup, at a length that the desk takes: cut in the tree, so that no tag, escape or letter is cut in half."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import TypeVar

from ticketing_clients._document import Document, shorten, to_plain

Written = TypeVar("Written", bound=Sized)


def fit(
    document: Document, render: Callable[[Document], Written], longest: int, size: Callable[[Written], int] = len
) -> Written:
    """Return what `render` makes of `document`, or of as much of its beginning as gives at most `longest` by `size`.

    size: code points of a text unless told otherwise. Raises ValueError when not even the note "…" fits.
    """
    written = render(document)
    if size(written) <= longest:
        return written
    fitting, too_long = 0, len(to_plain(document))  # code points of plain text
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        attempt = render(shorten(document, middle))
        if size(attempt) <= longest:
            fitting, written = middle, attempt
        else:
            too_long = middle
    if not fitting:
        raise ValueError(f"not even a cut text fits into {longest}")
    return written
