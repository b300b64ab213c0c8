"""One cycle on paper, for `foretell check`: the daemon's code on a scratch folder, begun from the agent's real records."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.calendar.calendar_check import require_calendar
from agent.clock import HostClock
from agent.collecting import CollectionRunner, look_ahead
from agent.configuration.config import Configuration, load
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Operation
from agent.following.routing import targets
from agent.pipeline import Cycle, Pipeline
from agent.snapshot import Surroundings, take_snapshot
from agent.status import Snapshot
from agent.store import History, Store, StoreUnavailable, copy_records
from agent.system.host import GENERATED_ID, HostIdentity, identify
from agent.wording.context import RenderContext
from agent.wording.render import render_ticket
from thresholds import Severity


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle saw and would do.

    titles: by case key, of the tickets in `would_open`, which may still be held back.
    desks: by case key, the desks that would get them, the home first.
    without_records: why the agent's own records could not be taken over; empty when they were, or there are none.
    """

    snapshot: Snapshot
    without_records: str
    would_open: list[Case]
    titles: Mapping[str, str]
    desks: Mapping[str, tuple[str, ...]]


def rehearse(config_path: Path | None, state_dir: Path, scratch: Path, now: float) -> Rehearsal:
    """Run one cycle at `now` (unix seconds) with the host's collectors, sending and keeping nothing.

    Cases and memories are taken over from `state_dir` if they can be read, so that the answer is the daemon's.
    """
    configuration = load(config_path, state=state_dir)
    look_ahead(configuration.collectors)
    require_calendar(configuration, now)
    settings = configuration.settings
    clock = HostClock()
    without_records = _take_over(state_dir, scratch)
    with Store.open(scratch, now=now) as store:
        host = identify(settings.host, scratch)
        runner = CollectionRunner(configuration.collectors, clock.monotonic)
        history = History(store, settings.history)
        began = clock.monotonic()
        pipeline = Pipeline(configuration, host, store, history, runner.collect)
        known = {key for key, case in pipeline.cases.items() if case.state not in {"pending", "closed"}}
        cycle = pipeline.cycle(now)
        around = Surroundings(
            started_at=now,
            duration=clock.monotonic() - began,
            period=settings.agent.cycle,
            first_look_ends=store.installed_at + settings.agent.first_look,
        )
    would_open = _would_open(cycle, known)
    return Rehearsal(
        snapshot=take_snapshot(cycle, configuration, host, around),
        without_records=without_records,
        would_open=would_open,
        titles={case.key: _title(case, configuration, host, now) for case in would_open},
        desks={case.key: targets(case, settings.customer, settings.delivery) for case in would_open},
    )


def _take_over(state_dir: Path, scratch: Path) -> str:
    """Copy the agent's records as they are now, without touching them; return why that cannot be, empty when it can."""
    try:
        copy_records(state_dir, scratch)
        with suppress(FileNotFoundError):  # only a host without a machine id has one
            shutil.copy(state_dir / GENERATED_ID, scratch)
    except StoreUnavailable as error:
        return str(error)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def _would_open(cycle: Cycle, known: set[str]) -> list[Case]:
    """Return the cases that would get a ticket now or, if the finding lasts, when what holds them back is over."""
    return [
        case
        for case in cycle.cases.values()
        if (case.state == "pending" and case.severity >= Severity.WARNING and case.parent is None)
        or (case.state == "open" and case.key not in known and case.parent is None)
    ]


def _title(case: Case, configuration: Configuration, host: HostIdentity, now: float) -> str:
    facts = pack(case_facts(case, configuration.rules_by_id))
    operation = Operation(id=case.key[:16], case=case.key, kind="open", topic="opened", facts=facts, created_at=now)
    context = RenderContext(settings=configuration.settings, host=host, zone=ZoneInfo(configuration.zone), now=now)
    return render_ticket(operation, context).title
