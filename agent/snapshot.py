"""Makes the Snapshot of a finished cycle: what the page, `/metrics`, `foretell status` and `foretell check` show."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.collecting import Outcome
from agent.configuration.config import Configuration
from agent.following.model import Case, KeptPromises
from agent.pipeline import Cycle
from agent.status import CollectorRun, Desk, HeldCase, Snapshot
from agent.system.host import HostIdentity
from agent.version import VERSION
from thresholds import Rule


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle does not know of itself. Times are unix seconds, `duration` and `period` seconds."""

    number: int = 1
    started_at: float
    duration: float
    period: float
    first_look_ends: float
    desks: list[Desk] = []
    degraded: dict[str, str] = {}
    history_bytes: int = 0
    promises: list[KeptPromises] = []


def take_snapshot(cycle: Cycle, configuration: Configuration, host: HostIdentity, around: Surroundings) -> Snapshot:
    """Return everything that is known after `cycle`."""
    rules = configuration.rules_by_id
    active = [case for case in cycle.cases.values() if case.state not in {"pending", "closed"}]
    held = [case for case in cycle.cases.values() if case.state == "pending"]
    return Snapshot(
        version=VERSION,
        host_id=host.id,
        host_name=host.name,
        zone=configuration.zone,
        started_at=around.started_at,
        cycle=around.number,
        cycle_at=cycle.at,
        cycle_duration=around.duration,
        next_cycle_at=cycle.at + around.period,
        collectors=[_run(outcome) for outcome in cycle.collection.outcomes],
        readings=list(cycle.collection.readings),
        findings=[finding for finding in cycle.findings if finding.severity],
        unjudged=list(cycle.unjudged),
        held=[_held(case, rules, around.first_look_ends) for case in held],
        cases=sorted(active, key=lambda case: (case.priority, case.first_seen)),
        desks=around.desks,
        degraded=around.degraded,
        history_bytes=around.history_bytes,
        promises=around.promises,
        rules={name: rule.summary for name, rule in rules.items()},
        reads={name: rule.select.reading for name, rule in rules.items()},
    )


def _run(outcome: Outcome) -> CollectorRun:
    return CollectorRun(
        name=outcome.collector,
        success=outcome.success,
        duration=outcome.duration,
        names=outcome.names,
        unchecked=outcome.unchecked,
        not_supported=outcome.not_supported,
    )


def _held(case: Case, rules: Mapping[str, Rule], first_look_ends: float) -> HeldCase:
    since = case.breach_since if case.breach_since is not None else case.first_seen
    hold = case.hold or "for"
    until = {"for": since + (rules[case.rule].hold if case.rule in rules else 0.0), "first_look": first_look_ends}.get(
        hold
    )
    return HeldCase(
        key=case.key, rule=case.rule, subject=case.subject, severity=case.severity, hold=hold, since=since, until=until
    )
