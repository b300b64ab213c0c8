"""Starts other programs safely: absolute path, no shell, clean environment, bounded time and output, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from collectors import Completed

# Nothing of ours is handed down: not NOTIFY_SOCKET, not a proxy, not a PATH somebody else can write to.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
LARGEST_OUTPUT = 1 << 20
GRACE = 1.0  # seconds between TERM and KILL, and then until a killed child is given up as stuck in the kernel
_CHUNK = 1 << 16
# Seconds between two looks whether a silent child still lives: after it said something from the first to the last, doubling.
_FIRST_LOOK, _LAST_LOOK = 0.001, 0.1


_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()


class ChildError(Exception):
    """The program is missing or did not finish in time; the message says which and after how long.

    is_over: where the child cannot even be killed, because it is stuck in the kernel, tells whether it has ended since.
    """

    def __init__(self, message: str, is_over: Callable[[], bool] | None = None) -> None:
        super().__init__(message)
        self.is_over = is_over


def run_child(
    argv: Sequence[str],
    *,
    timeout: float,
    limit: int = LARGEST_OUTPUT,
    grace: float = GRACE,
    reads: bytes = b"",
    hears: Callable[[bytes], None] = lambda _: None,
) -> Completed:
    """Run `argv` for at most `timeout` seconds and return its status and the first `limit` bytes of each output.

    `reads` is its standard input. `hears` is called with each piece of its standard error as it comes.
    It has its own process group, which is ended with it: what it started in the background does not stay, and does not
    keep us waiting by holding the pipe. Returns at the latest `grace` and one more second after the timeout.
    Raises ChildError, and ValueError when the program's path is not absolute.
    """
    if not Path(argv[0]).is_absolute():
        raise ValueError(f"{argv[0]!r} is not an absolute path")
    deadline = time.monotonic() + timeout
    try:
        with _input(reads) as stdin:
            child = subprocess.Popen(
                list(argv),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
            )
    except OSError as error:
        raise ChildError(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        pipes = ((child.stdout, lambda _: None), (child.stderr, hears))
        outputs = [_Output(pipe, limit, heard) for pipe, heard in pipes if pipe]
        with _lock:
            _running.add(child)
        try:
            finished = _read_until_exit(child, outputs, deadline)
        finally:
            with _lock:  # before it is reaped: until then its number is no other's
                _running.discard(child)
        ended = _end_group(child, grace if not finished else 0.0)
    finally:
        for output in outputs:
            output.pipe.close()
    if not finished and not ended:
        message = f"{argv[0]} did not finish in {timeout:g} s and cannot be killed"
        raise ChildError(message, lambda: child.poll() is not None)
    if not finished:
        raise ChildError(f"{argv[0]} did not finish in {timeout:g} s")
    return Completed(
        status=child.returncode,
        output=outputs[0].text,
        errors=outputs[1].text,
        truncated=any(output.truncated for output in outputs),
    )


def end_children() -> None:
    """End every child that runs, with all its own: this process is about to end, and leaves nothing behind."""
    with _lock:
        for child in _running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def _input(content: bytes) -> Iterator[IO[bytes] | int]:
    if not content:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("input"), "w+b") as file:  # in memory, so that it works on a full disk
        file.write(content)
        file.seek(0)
        yield file


class _Output:
    """What came out of one pipe, up to a limit; the excess is read, so that the child is not blocked, and forgotten."""

    def __init__(self, pipe: IO[bytes], limit: int, heard: Callable[[bytes], None]) -> None:
        self.pipe = pipe
        self.heard = heard
        self.limit = limit
        self.kept = bytearray()
        self.truncated = False
        os.set_blocking(pipe.fileno(), False)

    def read(self) -> bool:
        """Take one chunk of what is there now; return whether there may be more."""
        try:
            chunk = os.read(self.pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        room = self.limit - len(self.kept)
        self.kept += chunk[:room]
        self.truncated |= len(chunk) > room
        self.heard(chunk)
        return bool(chunk)

    @property
    def text(self) -> str:
        return self.kept.decode("utf-8", "surrogateescape")


def _read_until_exit(child: subprocess.Popen[bytes], outputs: list[_Output], deadline: float) -> bool:
    """Collect the outputs until the child itself has exited (True) or time is up (False)."""
    # A child that ends closes its pipes, which wakes us; only where others hold them it has to be looked at.
    pause = _LAST_LOOK
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            selector.register(output.pipe, selectors.EVENT_READ, output)
        while (left := deadline - time.monotonic()) > 0:
            ready = selector.select(min(pause, left))
            pause = _FIRST_LOOK if ready else min(pause * 2, _LAST_LOOK)
            for key, _ in ready:
                if not key.data.read():
                    selector.unregister(key.fileobj)
            if _has_exited(child):
                for output in outputs:
                    # What a survivor in the background still writes is not waited for, nor read for ever.
                    while time.monotonic() < deadline and output.read():
                        pass
                return True
    return False


def _has_exited(child: subprocess.Popen[bytes]) -> bool:
    # WNOWAIT leaves the dead child in the process table: until it is reaped, its number cannot become another's group.
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(child: subprocess.Popen[bytes], grace: float) -> bool:
    """End everything in the child's group, politely first if there is `grace`, and reap the child; False if it stays."""
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # all gone, or become another user's: not ours to end
        if grace:
            os.killpg(child.pid, signal.SIGTERM)
            ask_until = time.monotonic() + grace
            while not _has_exited(child) and time.monotonic() < ask_until:
                time.sleep(0.01)
        os.killpg(child.pid, signal.SIGKILL)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:  # stuck in the kernel; nothing more can be done, and it must not hold us
        return False
    return True
