"""Hostile input: how it is made from good input, how long it may take, and where what was found is kept.

A Target tries one input on one reader of ours. `explore` makes an input from what Hypothesis draws and tries it; `replay` tries
one that is kept in the corpus, `tests/fixtures/fuzz/NAME`: seeds, which are good input, and `crash-...`, on which it once failed.
An input fails when anything comes out of the reader but what it returns and the errors that it declares, or when it takes
more than LIMIT.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from hypothesis import strategies as st

CORPUS = Path(__file__).parents[1] / "fixtures" / "fuzz"
LIMIT = 3.0  # seconds of processor time for one input; the slowest good one takes a tenth of that
LARGEST = 1 << 20  # bytes of an input

NUMBERS = (
    *(b"-1", b"0", b"1", b"255", b"2147483648", b"9223372036854775808", b"18446744073709551616", b"1" + b"0" * 400),
    *(b"1e308", b"1e309", b"-0.0", b"NaN", b"Infinity", b"-inf", b"1_000", b"0x10", b"9" * 5000),
    *(
        "٣".encode(),
        "²".encode(),
        b"",
    ),  # digits by Unicode: int() takes the first, and not the second that isdigit() takes
)
TOKENS = (
    *(
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"\r\n",
        b"\n\n",
        b" ",
        b"\t",
        b"'",
        b'"',
        b"\\",
        b"`$(id)`",
        b"\x1b[31m",
        b"%s%n",
        b"{}",
    ),
    *(
        "\u2028".encode(),
        "\u202e".encode(),
        "\N{BYTE ORDER MARK}".encode(),
        b"[" * 3000,
        b'{"a":' * 3000,
        b"A" * 70_000,
    ),
    *(
        b"../" * 20,
        b"=",
        b":",
        b";",
        b",",
        b"[",
        b"]",
        b"{",
        b"}",
        b"<html>",
        b"null",
        b"true",
        b"1970-01-01T00:00:00Z",
    ),
    *(b"9999-12-31T23:59:59Z", b"0001-01-01", b"2026-02-30"),
)
_NUMBER = re.compile(rb"\d+")


class TooLong(AssertionError):
    """An input takes more time than it may."""


class _Over(BaseException):
    """The time is over. Not an Exception, so that what is tried cannot catch it."""


class Target:
    """One reader of ours. name: of its folder in the corpus."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def tried(self) -> bytes:
        """The last input, as it would be kept."""
        raise NotImplementedError

    def explore(self, data: st.DataObject) -> None:
        """Make an input and try it."""
        raise NotImplementedError

    def replay(self, raw: bytes) -> None:
        """Try an input of the corpus."""
        raise NotImplementedError

    @property
    def kept(self) -> list[Path]:
        """The inputs in the corpus."""
        return sorted(path for path in (CORPUS / self.name).glob("*") if path.is_file())

    def keep(self) -> Path:
        """Put the input that was tried last into the corpus, as one on which the reader fails; return its file."""
        path = CORPUS / self.name / f"crash-{sha256(self.tried).hexdigest()[:12]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.tried)
        return path


class Reader(Target):
    """A function of bytes, and what good input of it looks like beside what the corpus has.

    read: returns, or raises one of `declared`. json: whether inputs are changed as JSON as well.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[bytes], object],
        declared: type[Exception] | tuple[type[Exception], ...] = (),
        *,
        seeds: Sequence[bytes] = (),
        json: bool = False,
    ) -> None:
        super().__init__(name)
        self._raw = b""
        self._read, self._declared = read, declared
        good = [*seeds, *(path.read_bytes() for path in self.kept)]
        self._inputs = (json_mutants(good) | mutants(good)) if json else mutants(good)

    @property
    def tried(self) -> bytes:
        """The bytes."""
        return self._raw

    def explore(self, data: st.DataObject) -> None:
        """Change a good input."""
        self.replay(data.draw(self._inputs))

    def replay(self, raw: bytes) -> None:
        """Read it."""
        self._raw = raw
        with limited(), contextlib.suppress(*_tuple(self._declared)):
            self._read(raw)


def _tuple(declared: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    return declared if isinstance(declared, tuple) else (declared,)


@contextlib.contextmanager
def limited(seconds: float = LIMIT) -> Iterator[None]:
    """Fail when the block takes this process more than `seconds` of processor time."""

    def stop(*_: object) -> NoReturn:
        raise _Over

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    except _Over:
        raise TooLong(f"it takes more than {seconds:g} s of processor time") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@st.composite
def mutants(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Change one of `seeds` in some places, or none: cut, repeated, overwritten, its numbers made others."""
    raw = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(raw)))
        end = min(len(raw), at + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["number", "token", "junk", "cut", "end", "repeat"])):
            case "number" if found := _NUMBER.search(raw, at):
                raw = raw[: found.start()] + draw(st.sampled_from(NUMBERS)) + raw[found.end() :]
            case "number" | "token":
                raw = raw[:at] + draw(st.sampled_from(TOKENS)) + raw[end:]
            case "junk":
                raw = raw[:at] + draw(st.binary(max_size=12)) + raw[end:]
            case "cut":
                raw = raw[:at] + raw[end:]
            case "end":
                raw = raw[:at]
            case _:
                raw = raw[:end] + raw[at:end] * draw(st.sampled_from([1, 2, 500, 20_000])) + raw[end:]
    return raw[:LARGEST]


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), 1.5),
    *(
        "",
        "x",
        "9" * 5000,
        "٣",
        "²",
        "-1",
        "\0",
        "\ud800",
        "<b>\u202e",
        "A" * 70_000,
        "2026-02-30",
        "9999-12-31T23:59:59-23:59",
    ),
    *(
        "0001-01-01T00:00:00+23:59",
        "P1",
        "null",
        "http://[",
        "https://x.test/?a=b",
        "../..",
        [],
        {},
        [[]],
        [None],
        {"id": None},
    ),
)


@st.composite
def json_mutants(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Change some values in one of `seeds` that is JSON: others, of other types, gone, or there many times."""
    document = json.loads(draw(st.sampled_from([one for one in seeds if _is_json(one)] or [b"{}"])))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return json.dumps(draw(st.sampled_from(VALUES))).encode()
        holder, key = draw(st.sampled_from(range(len(places))).map(places.__getitem__))
        match draw(st.sampled_from(["value", "value", "value", "gone", "many"])):
            case "gone":
                del holder[key]
            case "many" if isinstance(holder, list):
                holder += [copy.deepcopy(holder[key]) for _ in range(draw(st.sampled_from([1, 200])))]
            case _:
                holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return json.dumps(document).encode()


def _is_json(raw: bytes) -> bool:
    try:
        return isinstance(json.loads(raw), dict | list)
    except (ValueError, RecursionError):
        return False


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])
