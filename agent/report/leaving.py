"""What of a report may leave the host: by the same table that tickets and bundles go by (DESIGN 4.5). Pure.

The ticket's core always leaves: which rule, on what, measured values and limits, dates, priorities, service levels. How things
went between two tickets, what runs here in which version and what was measured for how long need consent `facts`. People's
words, and what a system said of why it could not be checked, stay here: nothing of a report is redacted, so none of it is free
text.
"""

from __future__ import annotations

import msgspec

from agent.consent.evidence import permitted
from agent.consent.levels import Level, lets_out
from agent.report.model import Coverage, Report


def leaving(report: Report, level: Level) -> Report:
    """Return what of `report` may leave at this level of consent."""
    replace = msgspec.structs.replace
    measured, versions = lets_out(level, "measurement"), lets_out(level, "version")
    told = {(one.about.rule, frozenset(one.about.subject.items())) for one in report.tickets}
    risks = [one for one in report.risks if measured or one.number]
    capacities = [
        one if measured else replace(one, points=(), marks=())
        for one in report.capacities
        if measured or (one.about.rule, frozenset(one.about.subject.items())) in told
    ]
    coverage = report.coverage
    unseen = [replace(one, reason="") for one in coverage.unseen]
    return replace(
        report,
        level=level,
        tickets=[replace(one, done="") for one in report.tickets],
        risks=[replace(one, evidence=permitted(one.evidence, level)) for one in risks],
        capacities=capacities,
        loads=report.loads if measured else (),
        lifecycle=report.lifecycle if versions else (),
        coverage=replace(coverage, unseen=unseen) if measured else Coverage(),
    )
