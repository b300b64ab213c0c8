"""The page's child: a Page as MessagePack on standard input, HTML on standard output. The only place with Jinja2 in `web`."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import Any

import jinja2
import msgspec

from agent import plain
from agent.status import Snapshot, Summary, health
from agent.web.rendering import CasePage, Page, StatusPage
from collectors import Reading

# Of one reading name. The daemon keeps the page for a cycle, so its size is bounded; `/metrics` has everything.
MOST_ROWS = 200


def render(page: Page) -> str:
    """Return `page` as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    summary = page.snapshot.summary if isinstance(page, StatusPage) else page.summary
    environment.filters |= _filters(summary)
    environment.globals |= {"now": summary, "health": health(summary), "words": plain}
    match page:
        case StatusPage(snapshot=snapshot):
            return environment.get_template("status.html").render(readings=_grouped(snapshot), most_rows=MOST_ROWS)
        case CasePage(details=details):
            return environment.get_template("case.html").render(details=details, case=details.case)


def _filters(summary: Summary) -> dict[str, Any]:
    """Return what templates say times, amounts and subjects with, as seen from the moment of `summary`."""
    return {
        "moment": lambda at: plain.moment(at, summary.zone),
        "distance": lambda at: plain.distance(at, summary.cycle_at),
        "duration": plain.duration,
        "subject": plain.subject,
        "title": lambda judged: plain.title(judged, summary.rules),
        "amount": lambda value, unit: plain.amount(value, unit, summary.zone),
        "size": lambda amount: plain.amount(amount, "bytes"),
        "measured": lambda facts: plain.measured(facts, summary.zone),
    }


def _grouped(snapshot: Snapshot) -> list[tuple[str, list[Reading]]]:
    """Return the readings by name, both in order."""
    ordered = sorted(snapshot.readings, key=lambda reading: (reading.name, reading.series))
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda reading: reading.name)]


def main() -> None:
    """Render what stands on standard input."""
    page: Page = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Page)
    sys.stdout.buffer.write(render(page).encode())


if __name__ == "__main__":
    main()
