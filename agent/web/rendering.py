"""Pages are rendered by a short-lived child, at most once per snapshot, so that Jinja2 never lives in the daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

import agent
from agent.status import CaseDetails, Snapshot, Summary

LONGEST_RENDER = 10.0
MOST_CACHED = 16


class StatusPage(msgspec.Struct, frozen=True, kw_only=True, tag="status"):
    """The front page."""

    snapshot: Snapshot


class CasePage(msgspec.Struct, frozen=True, kw_only=True, tag="case"):
    """One case; the summary says what surrounds it."""

    details: CaseDetails
    summary: Summary


Page = StatusPage | CasePage


class RenderFailed(Exception):
    """The child did not deliver a page; the message says what it said."""


def render_in_child(page: Page) -> bytes:
    """Return `page` as HTML. Raises RenderFailed. It goes out as MessagePack: JSON has no NaN, readings do."""
    argv = [sys.executable, "-P", "-m", "agent.web.page"]
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(agent.__file__).parent.parent)}
    try:
        child = subprocess.run(
            argv,
            input=msgspec.msgpack.encode(page),
            capture_output=True,
            timeout=LONGEST_RENDER,
            env=environment,
            cwd="/",
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise RenderFailed(error.stderr.decode(errors="replace").strip()[-2000:]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RenderFailed(str(error)) from error
    return child.stdout


class PageRenderer:
    """Rendered pages of the present snapshot. One child at a time; whoever asks meanwhile waits, and gets what it made."""

    def __init__(self, render: Callable[[Page], bytes] = render_in_child) -> None:
        self._render = render
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._pages: dict[str, bytes] = {}

    def render(self, snapshot: Snapshot, name: str, page: Page) -> bytes:
        """Return the page called `name` as of `snapshot`. Raises RenderFailed, also when the queue does not move."""
        if not self._lock.acquire(timeout=LONGEST_RENDER):
            raise RenderFailed("other pages are being made and do not get ready")
        try:
            if self._snapshot is not snapshot or len(self._pages) >= MOST_CACHED:
                self._snapshot, self._pages = snapshot, {}
            if name not in self._pages:
                self._pages[name] = self._render(page)
            return self._pages[name]
        finally:
            self._lock.release()
