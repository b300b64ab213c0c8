"""Reads HTML that people wrote for its text. Imported where a desk sends HTML: the parser and its names cost half a megabyte."""

from __future__ import annotations

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Gathers in `pieces` the text that is shown, with a line break for each element that begins or ends a line."""

    silent = frozenset({"blockquote", "script", "style", "head"})
    breaking = frozenset({"p", "br", "div", "li", "tr", "pre", "h1", "h2", "h3", "h4", "hr", "blockquote"})

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, or a part that is left out."""
        del attrs
        self.depth += tag in self.silent
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """End a line, or a part that is left out."""
        self.depth = max(0, self.depth - (tag in self.silent))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Keep text outside what is left out."""
        if not self.depth:
            self.pieces.append(data)

    def _break(self, tag: str) -> None:
        if tag in self.breaking:
            self.pieces.append("\n")
