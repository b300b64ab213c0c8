"""Why a replayed ticket was opened, as a drawing: the series before and after, the limit, and the forecast as it then was."""

from __future__ import annotations

from collections.abc import Iterable

from agent.chart import Chart, Mark, Point, draw
from agent.configuration.config import Configuration
from agent.configuration.settings import DAY
from agent.replay.recording import Recorded
from agent.replay.replay import ReplayedTicket
from agent.wording import plain

BEFORE, AFTER = 30 * DAY, 7 * DAY  # drawn around the opening; more where the ticket was open for longer


def explain(ticket: ReplayedTicket, recorded: Iterable[Recorded], configuration: Configuration) -> str:
    """Return the drawing of `ticket` as SVG, with its readings from the same history.

    Raises ValueError when its rule judges no series of its own, as a ticket that speaks for several.
    """
    rule = configuration.rules_by_id.get(ticket.rule)
    if rule is None:
        raise ValueError(f"{ticket.rule} speaks for several problems and has no series of its own")
    begin, end = (
        ticket.opened_at - BEFORE,
        max(ticket.opened_at + AFTER, ticket.crossed_at or 0.0, ticket.closed_at or 0.0),
    )
    about = {label: text for label, text in ticket.subject.items() if label != "host"}
    drawn = [
        (series, Point(at, value))
        for series, value, at in recorded
        if series.host == ticket.host and series.name == rule.select.reading and begin <= at <= end
        if all(series.labels.get(label, "") == text for label, text in about.items())
    ]
    limit = ticket.evidence.get("limit")
    marks = [Mark(ticket.opened_at, f"{ticket.priority} ticket")]
    marks += [Mark(at, "opened again") for at in ticket.reopened_at]
    marks += [Mark(ticket.crossed_at, "limit reached")] if ticket.crossed_at else []
    marks += [Mark(ticket.closed_at, "over")] if ticket.closed_at else []
    where = f"{ticket.host}, {plain.subject(about)}" if about and ticket.host else ticket.host or plain.subject(about)
    return draw(
        Chart(
            title=f"{rule.summary}: {where}",
            points=[point for _, point in drawn],
            unit=drawn[0][0].unit if drawn else "",
            zone=configuration.zone,
            limit=float(limit) if isinstance(limit, int | float) else None,
            forecast=ticket.forecast,
            seen_at=ticket.opened_at,
            marks=marks,
            note=plain.measured(ticket.evidence, configuration.zone),
        )
    )
