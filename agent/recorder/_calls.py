"""What collectors learn from the system by a call rather than from a file: noted in a recording, answered from it later.

Collectors call the operating system and psutil directly, and do not pay for being recorded: for the time of a `with` block the
functions themselves are replaced, in a process that does nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import inspect
import json
import os
import platform
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import msgspec
import psutil

MOST_ANSWERS = 50
Ask = Callable[..., Any]


class Call(msgspec.Struct, kw_only=True):
    """A function that was asked with these arguments, and what it answered, one time after the other."""

    function: str
    arguments: list[Any] = []
    answers: list[Any] = []


@contextlib.contextmanager
def replaced(replacement: Callable[[str, Ask], Ask], also: Mapping[tuple[ModuleType, str], Ask] = {}) -> Iterator[None]:
    """Have `replacement(name, function)` stand in place of each function of the system that a collector may ask.

    also: what stands in place of further ones, by module and name.

    What is imported meanwhile may keep the replacement for good: import the collectors before.
    """
    with contextlib.ExitStack() as stack:
        asked = {
            (module, name): replacement(f"{module.__name__}.{name}", getattr(module, name))
            for module, name in _functions()
        }
        for (module, name), instead in {**asked, **also}.items():
            stack.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, instead)
        yield


def _functions() -> list[tuple[ModuleType, str]]:
    asked = [(os, "statvfs"), (os, "getloadavg"), (platform, "release")]
    asked += [(psutil, name) for name in psutil.__all__ if inspect.isfunction(getattr(psutil, name))]
    return [(module, name) for module, name in asked if hasattr(module, name)]


def plain(answer: object) -> Any:
    """Return what a function answered in a form that JSON can hold. Raises TypeError when there is none."""
    if answer is None or isinstance(answer, str | int | float):
        return answer
    if isinstance(answer, os.PathLike):
        return os.fspath(answer)
    if isinstance(answer, Mapping):
        return {str(key): plain(value) for key, value in answer.items()}
    fields = [name for name in dir(answer) if name.startswith("f_")]  # as statvfs has them
    # f_fsid is made of the file system's UUID: it says which one of all in the world it is.
    names = getattr(answer, "_fields", None) or [name for name in fields if name != "f_fsid"]
    if isinstance(answer, tuple) and names:
        return {"is": type(answer).__name__, **{name: plain(getattr(answer, name)) for name in names}}
    if isinstance(answer, list | tuple):
        return [plain(one) for one in answer]
    raise TypeError(f"{type(answer).__name__} cannot be written down")


def whole(noted: Any) -> Any:
    """Return the answer that `plain` made `noted` of; raise the error that it was."""
    if isinstance(noted, dict) and "error" in noted:
        raise OSError(noted["error"], os.strerror(noted["error"]))
    if isinstance(noted, dict) and "is" in noted:
        fields = {name: whole(value) for name, value in noted.items() if name != "is"}
        return namedtuple(noted["is"], fields)(**fields)  # noqa: PYI024 - its fields are known only now
    if isinstance(noted, dict):
        return {name: whole(value) for name, value in noted.items()}
    return [whole(one) for one in noted] if isinstance(noted, list) else noted


class CallNotes:
    """Asks the system itself and notes the answers. One that cannot be written down is passed on, and named in `left_out`."""

    def __init__(self, shown: Callable[[str], str]) -> None:
        """`shown` gives a path as the host itself knows it."""
        self._shown = shown
        self._calls: dict[str, Call] = {}
        self._asker: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self._inside = threading.local()

    @property
    def calls(self) -> list[Call]:
        """Every call, by function and arguments."""
        return [self._calls[key] for key in sorted(self._calls)]

    @property
    def inside(self) -> bool:
        """Whether this thread is in a noted function: what that reads by itself need not be noted again."""
        return getattr(self._inside, "depth", 0) > 0

    def noting(self, name: str, function: Ask) -> Ask:
        """Return what asks `function` and notes its answer."""

        def ask(*arguments: object, **more: object) -> object:
            if self.inside:
                return function(*arguments, **more)
            self._inside.depth = 1
            try:
                answer = function(*arguments, **more)
            except OSError as error:
                self._note(name, arguments, more, {"error": error.errno or errno.EIO})
                raise
            finally:
                self._inside.depth = 0
            self._note(name, arguments, more, answer)
            return answer

        return ask

    def _note(self, name: str, arguments: tuple[object, ...], more: Mapping[str, object], answer: object) -> None:
        try:
            key, asked = call_key(name, arguments, more, self._shown)
            noted = plain(answer)
        except TypeError as error:
            self.left_out[name] = str(error)
            return
        asker = self._asker.setdefault(key, threading.current_thread().name)
        call = self._calls.setdefault(key, Call(function=name, arguments=asked))
        # Another collector that asks the same gets the same answers, from the first on.
        if asker == threading.current_thread().name and len(call.answers) < MOST_ANSWERS:
            call.answers.append(noted)


class CallAnswers:
    """Answers from notes: to each thread one after the other, and then the last one for ever."""

    def __init__(self, calls: list[Call], shown: Callable[[str], str]) -> None:
        """`shown` gives a path as the host itself knows it."""
        self._shown = shown
        self._answers = {json.dumps([call.function, *call.arguments]): call.answers for call in calls}
        self._given = threading.local()

    def answering(self, name: str, _: Ask) -> Ask:
        """Return what answers in place of a function; it raises OSError when nothing is known."""

        def answer(*arguments: object, **more: object) -> object:
            key, _ = call_key(name, arguments, more, self._shown)
            answers = self._answers.get(key)
            if not answers:
                raise OSError(errno.ENODATA, f"nothing is recorded of {name}", *map(str, arguments[:1]))
            given = vars(self._given)
            given[key] = min(given.get(key, -1) + 1, len(answers) - 1)
            return whole(answers[given[key]])

        return answer


def call_key(
    name: str, arguments: tuple[object, ...], more: Mapping[str, object], shown: Callable[[str], str]
) -> tuple[str, list[Any]]:
    """Return what tells this call from others, and its arguments as they are written down."""
    asked = [plain(one) for one in arguments] + ([plain(more)] if more else [])
    asked = [shown(one) if isinstance(one, str) and one.startswith("/") else one for one in asked]
    return json.dumps([name, *asked]), asked
