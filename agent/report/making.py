"""Makes a report of one state folder, from its records to the page: for `foretell report` and for the one made by itself."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.configuration.config import Configuration
from agent.consent.levels import Level
from agent.report.gathering import Gatherer, Progress
from agent.report.leaving import leaving
from agent.report.page import write_page
from agent.report.schedule import Period
from agent.store import Store
from agent.system.host import HostIdentity
from agent.wording.languages import find_language
from agent.wording.words import in_language


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which report. language: any of its names (`agent.wording.languages`), the customer's when empty.

    now: unix seconds when it is made. level: what of it may leave; None for all of it, on this host.
    """

    period: Period
    now: float
    language: str = ""
    level: Level | None = None


def make_report(
    wanted: Wanted,
    configuration: Configuration,
    state_dir: Path,
    store: Store,
    host: HostIdentity,
    *,
    progress: Progress = lambda _: None,
) -> str:
    """Return the report as HTML; `progress` hears the share that is done. Raises StoreUnavailable, LanguageNotKnown."""
    settings = configuration.settings
    folder = Path(settings.wording.folder) if settings.wording.folder else None
    language = find_language(wanted.language or settings.customer.language, folder / "languages" if folder else None)
    report = Gatherer(configuration, state_dir, store, host).gather(wanted.period, wanted.now, progress)
    if wanted.level is not None:
        report = leaving(report, wanted.level)
    return write_page(report, in_language(language, folder))
