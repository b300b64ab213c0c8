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
from agent.web.consent import ConsentView
from agent.web.reader import Reader

LONGEST_RENDER = 20.0  # a page takes a second; on a host that is short of everything it is wanted most
MOST_CACHED = 16
MOST_CACHED_BYTES = 1_000_000


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What every page is made with. records: the state folder, for what was measured until now; empty where there is none.

    wording: IT's folder of wording, empty when there is none.
    """

    reader: Reader = Reader()
    records: str = ""
    wording: str = ""


class StatusPage(Rendered, frozen=True, kw_only=True, tag="status"):
    """The front page."""

    summary: Summary
    consent: ConsentView | None = None


class EngineerPage(Rendered, frozen=True, kw_only=True, tag="engineer"):
    """What goes on inside: everything that is known now."""

    snapshot: Snapshot
    consent: ConsentView | None = None


class CasePage(Rendered, frozen=True, kw_only=True, tag="case"):
    """One case; the summary says what surrounds it."""

    details: CaseDetails
    summary: Summary


Page = StatusPage | EngineerPage | CasePage


class RenderFailed(Exception):
    """The child did not deliver a page; the message says what it said."""


def render_in_child(page: Page) -> bytes:
    """Return `page` as compressed HTML (gzip). Raises RenderFailed. It goes out as MessagePack: JSON has no NaN, readings do."""
    argv = [sys.executable, "-E", "-P", "-m", "agent.web.page"]
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

    def render(self, snapshot: Snapshot, name: str, make: Callable[[], Page]) -> bytes:
        """Return the page called `name` as of `snapshot`; `make` is asked for it when nobody had it yet.

        Raises RenderFailed, also when the queue does not move.
        """
        if not self._lock.acquire(timeout=LONGEST_RENDER):
            raise RenderFailed("other pages are being made and do not get ready")
        try:
            if self._snapshot is not snapshot or len(self._pages) >= MOST_CACHED:
                self._snapshot, self._pages = snapshot, {}
            page = self._pages.get(name) or self._render(make())
            if sum(map(len, self._pages.values())) + len(page) <= MOST_CACHED_BYTES:
                self._pages[name] = page
            return page
        finally:
            self._lock.release()
