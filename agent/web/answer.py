"""A response before it is written: status, type, body."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

HTML, TEXT, CSS, SVG = (
    "text/html; charset=utf-8",
    "text/plain; charset=utf-8",
    "text/css; charset=utf-8",
    "image/svg+xml",
)

Headers = tuple[tuple[str, str], ...]


class Answer(msgspec.Struct, frozen=True):
    """A response before it is written."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Headers = ()


def text(status: HTTPStatus, sentence: str, headers: Headers = ()) -> Answer:
    """Return an answer of one plain sentence."""
    return Answer(status, TEXT, f"{sentence}\n".encode(), headers)
