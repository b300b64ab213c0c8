"""Renewing the support catalogue: fetched over verified TLS, held to its pin, checked, and put into the state folder.

`python -P -m agent.child agent.lifecycle.catalogue` does it once, with a Task as JSON on standard input; the daemon starts that
when it is due. Offline is normal: then the one before stays, and its age is a reading. The file is endoflife.date's answer or a
catalogue of ours.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent import logs
from agent.configuration.settings import CatalogueSettings
from agent.lifecycle.dispatch import Task
from agent.lifecycle.endoflife import parse_answer
from agent.system.least_important import be_least_important
from collectors import CollectorError
from collectors._catalogue import KEPT, LARGEST, SHIPPED, Catalogue, parse_catalogue, read_catalogue
from ticketing_clients import DeskError

LARGEST_ANSWER = 32 << 20  # bytes; endoflife.date's answer about everything has a few million
_SECONDS = 120.0  # of processor time

log = logs.get_logger()


class NotRenewed(Exception):
    """There is no newer catalogue; the message says why and what can be done. The one before stays."""


def renew(settings: CatalogueSettings, state_dir: Path) -> Catalogue:
    """Fetch, check and keep the catalogue; return it. Raise NotRenewed."""
    raw = _fetch(settings)
    digest = hashlib.sha256(raw).hexdigest()
    if settings.sha256 and digest != settings.sha256.lower():
        raise NotRenewed(
            f"{settings.url} has the SHA-256 {digest}, and not the one in catalogue.sha256; see who changed it"
        )
    before = read_catalogue(SHIPPED)
    new = _understood(raw, settings.url, before)
    if new.taken < before.taken:
        raise NotRenewed(
            f"{settings.url} is of {new.taken}, older than the shipped one of {before.taken}; renew the mirror"
        )
    missing = sorted(before.products.keys() - new.products.keys())
    if len(missing) > len(before.products) // 2:
        raise NotRenewed(f"{settings.url} lacks most products, {missing[0]} for one; is it the whole answer?")
    try:
        _keep(state_dir / KEPT, new)
    except OSError as error:
        raise NotRenewed(
            f"{state_dir / KEPT} cannot be written: {error.strerror}; let the agent's user write there"
        ) from error
    return new


def _fetch(settings: CatalogueSettings) -> bytes:
    from ticketing_clients._http import Http  # noqa: PLC0415 - commands that only look need no HTTP library

    parts = urlsplit(settings.url)
    try:
        http = Http(
            "catalogue",
            f"{parts.scheme}://{parts.netloc}",
            headers={},
            ca_file=settings.ca_file,
            largest=LARGEST_ANSWER,
        )
        return http.fetch(parts.path.lstrip("/"))
    except ValueError as error:
        raise NotRenewed(f"catalogue.{error}") from error
    except DeskError as error:
        raise NotRenewed(str(error)) from error


def _understood(raw: bytes, url: str, before: Catalogue) -> Catalogue:
    """Return what was fetched as a catalogue of the products that are known here."""
    try:
        try:
            return parse_catalogue(raw)
        except CollectorError:
            return parse_answer(raw, before.products)
    except CollectorError as error:
        raise NotRenewed(f"{url}: {error}; name /api/v1/products/full of endoflife.date, or a copy of it") from error


def _keep(file: Path, catalogue: Catalogue) -> None:
    """Write it, complete or not at all, also when the power goes."""
    raw = msgspec.json.encode(catalogue)
    if len(raw) > LARGEST:
        raise NotRenewed(f"the catalogue would have {len(raw)} bytes, more than {LARGEST}")
    new = file.with_suffix(".new")
    with new.open("wb") as opened:
        opened.write(raw)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


def main() -> int:
    """Renew it as the task says; return the exit status."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    logs.configure()
    be_least_important(_SECONDS, file_size=LARGEST)
    try:
        new = renew(task.settings, Path(task.state_dir))
    except NotRenewed as error:
        log.warning("the support catalogue was not renewed", reason=str(error))
        return 1
    log.info("the support catalogue was renewed", taken=new.taken.isoformat(), products=len(new.products))
    return 0
