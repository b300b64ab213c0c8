"""A pytest plugin that notes what desks answer to their clients: the seeds of `tests/fuzz`, in `tests/fixtures/fuzz/desks/seeds`.

    pytest -p answers_recorder tests/ticketing_clients                       the stand-ins
    pytest -p answers_recorder tests/desks/test_redmine.py                   a real desk

Of each kind of request (method, and path without its ids) the longest answer is kept, and one of each other status.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ticketing_clients import _http

SEEDS = Path(__file__).parents[1] / "fixtures" / "fuzz" / "desks" / "seeds"
LONGEST = 8_000  # bytes of an answer that is still worth keeping
_ID = re.compile(r"\d+|[0-9a-f-]{12,}", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a desk answered. asked: method and path without ids. body: its bytes, each as the letter of that number."""

    asked: str = ""
    status: int = 200
    headers: dict[str, str] = {}
    body: str = ""


def kind_of(method: str, path: str) -> str:
    """Return what requests have in common that ask for the same of other tickets."""
    return f"{method} {_ID.sub('*', path.partition('?')[0])}"


_heard: dict[str, dict[tuple[str, int], Answer]] = {}
_current = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note whose test begins: a module is named like its client."""
    global _current  # noqa: PLW0603 - a plugin is a module
    _current = item.path.stem.removeprefix("test_")


def pytest_configure() -> None:
    """Listen at the one place where answers come in."""
    send = _http.Http._send

    def listening(self: Any, exchange: Any, asked: Any, content: Any) -> Any:
        got = send(self, exchange, asked, content)
        if len(got.body) <= LONGEST:
            headers = {
                name: value for name, value in got.headers.items() if name in {"Content-Type", "Location", "Link"}
            }
            kind = kind_of(asked.method, asked.path)
            answer = Answer(asked=kind, status=got.status, headers=headers, body=got.body.decode("latin-1"))
            best = _heard.setdefault(_current, {}).setdefault((kind, got.status), answer)
            if len(best.body) < len(answer.body):
                _heard[_current][kind, got.status] = answer
        return got

    _http.Http._send = listening  # type: ignore[method-assign]


def pytest_unconfigure() -> None:
    """Write down what was heard, one answer a line."""
    SEEDS.mkdir(parents=True, exist_ok=True)
    for client, answers in _heard.items():
        lines = [msgspec.json.encode(answer) for _, answer in sorted(answers.items())]
        (SEEDS / f"{client}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
