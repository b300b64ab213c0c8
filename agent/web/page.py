"""The page's child: a Page as MessagePack on standard input, compressed HTML on standard output. Jinja2 is in here only."""

from __future__ import annotations

import gzip
import sys
from itertools import groupby
from pathlib import Path

import msgspec

from agent.configuration.settings import DAY
from agent.following.model import Case
from agent.status import Snapshot, health
from agent.store import Store, StoreUnavailable
from agent.web.build import front_view, story_view
from agent.web.environment import make_environment
from agent.web.line import TimeLine
from agent.web.past import Past
from agent.web.rendering import CasePage, EngineerPage, Page, StatusPage
from agent.wording import plain
from agent.wording.spoken import Spoken
from collectors import Reading

# Of one reading name. The daemon keeps the page for a cycle, so its size is bounded; `/metrics` has everything.
MOST_ROWS = 200
LATELY, MOST_DONE = 14 * DAY, 5


# Controls, and what turns the direction of writing around, have no business on a page, wherever a text came from.
_HARMFUL = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")) | {
    code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
}


def render(page: Page) -> str:
    """Return `page` as HTML, in which every text of the host, a desk or a person is letters and nothing else."""
    return _html(page).translate(_HARMFUL)


def _html(page: Page) -> str:
    summary = page.snapshot.summary if isinstance(page, EngineerPage) else page.summary
    folder = Path(page.wording) if page.wording else None
    spoken = Spoken(
        page.reader.language, host=summary.host_name, zone=summary.zone, now=summary.cycle_at, folder=folder
    )
    environment = make_environment(spoken, summary, page.reader, _path(page), folder)
    match page:
        case StatusPage(consent=consent):
            with Past(page.records) as past:
                view = front_view(summary, _done_lately(page.records, summary.cycle_at), consent, spoken, past)
            line = TimeLine(view.cases, view.at, view.zone)
            return environment.get_template("status.html").render(view=view, line=line)
        case CasePage(details=details):
            with Past(page.records) as past:
                story = story_view(details, summary, spoken, past)
            return environment.get_template("case.html").render(view=story, details=details, case=details.case)
        case EngineerPage(snapshot=snapshot):
            return environment.get_template("engineer.html").render(
                health=health(summary),
                consent=page.consent,
                readings=_grouped(snapshot),
                most_rows=MOST_ROWS,
                plain=plain,
            )


def _path(page: Page) -> str:
    """Return where `page` is found."""
    inside = "/engineer" if page.reader.audience == "engineer" else ""
    return f"{inside}/cases/{page.details.case.key[:16]}" if isinstance(page, CasePage) else inside or "/"


def _done_lately(records: str, now: float) -> list[Case]:
    """Return the cases with a ticket that were closed lately, the last one first."""
    if not records:
        return []
    try:
        with Store.open(Path(records)) as store:
            return store.closed_lately(now - LATELY, MOST_DONE)
    except StoreUnavailable:
        return []  # the page says of damaged records in its own place


def _grouped(snapshot: Snapshot) -> list[tuple[str, list[Reading]]]:
    """Return the readings by name, both in order."""
    ordered = sorted(snapshot.readings, key=lambda reading: (reading.name, reading.series))
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda reading: reading.name)]


def main() -> None:
    """Render what stands on standard input."""
    page: Page = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Page)
    sys.stdout.buffer.write(gzip.compress(render(page).encode(), 6, mtime=0))


if __name__ == "__main__":
    main()
