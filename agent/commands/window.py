"""`foretell window`: times for the work on a case, and agreeing to one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from agent.calendar.calendar_check import require_calendar
from agent.calendar.planning import Plan
from agent.calendar.survey import survey
from agent.calendar.windows import MaintenanceWindow, Reason, RuledOut
from agent.commands import options
from agent.commands.acting import pass_on, require_state
from agent.commands.exits import CommandFailed, Exit
from agent.commands.records import opened_store, the_case
from agent.configuration.config import Configuration, load
from agent.following.facts import case_facts
from agent.following.model import Case, CaseState
from agent.store import Store
from agent.system.host import identify
from agent.terminal import KEY_SHOWN
from agent.wording import plain
from agent.wording.context import RenderContext
from agent.wording.render import plan_of

_WORKING: frozenset[CaseState] = frozenset({"open", "acknowledged", "deferred"})
_OBSTACLES = {
    "short": "nothing of this length can begin in them",
    "freeze": "closed to changes",
    "holiday": "public holiday",
    "notice": "too little notice",
    "crossing": "too late, it could happen before",
    "taken": "other work on this host is agreed for then",
}


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The times for the work on one case. options: by their numbers; as the ticket has them when on_ticket."""

    on_ticket: bool
    options: dict[int, MaintenanceWindow]
    plan: Plan


@click.group("window")
def command() -> None:
    """Suggest times for the work on a case, or agree to one.

    \b
    Examples:
      foretell window suggest 3f9a
      foretell window accept 3f9a 2
    """


@command.command("suggest", short_help="show times for the work on a case")
@click.argument("key")
@options.config
@options.state_dir
@options.as_json
def suggest(key: str, config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Show the times that the case's ticket proposes or, when these are over, new ones; with reasons, and what was ruled out.

    Exit status 1 when there is none: then the work is better not put off.

    \b
    Example:
      foretell window suggest 3f9a
    """
    configuration, now = load(config_path, parts={"rules", "desks"}), time.time()
    require_calendar(configuration, now)
    with opened_store(state_dir) as store:
        case = the_case(store, key)
        suggestion = _suggestion(store, configuration, case, now)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_contract(case, suggestion))).decode())
    else:
        click.echo("\n".join(_lines(case, suggestion, configuration.zone)))
    return Exit.DONE if suggestion.options or case.agreed else Exit.FINDINGS


@command.command("accept", short_help="agree to one of them")
@click.argument("key")
@click.argument("number", type=click.IntRange(min=1))
@options.config
@options.state_dir
@options.as_json
def accept(key: str, number: int, config_path: Path | None, state_dir: Path, *, as_json: bool) -> int:
    """Agree to the time with this NUMBER in `foretell window suggest KEY`: it becomes planned maintenance of this host.

    \b
    Example:
      foretell window accept 3f9a 1
    """
    configuration, now = load(config_path, parts={"rules", "desks"}), time.time()
    require_calendar(configuration, now)
    with opened_store(state_dir) as store:
        case = the_case(store, key)
        require_state(case, _WORKING, "given a time")
        window = _suggestion(store, configuration, case, now).options.get(number)
        if window is None:
            raise CommandFailed(
                f"there is no time {number} for {case.key[:KEY_SHOWN]}; see `foretell window suggest {case.key[:KEY_SHOWN]}`",
                Exit.USAGE,
            )
        when = pass_on(store, configuration, case, "accept_window", option=number, window=window)
    if as_json:
        agreed = {"key": case.key, "number": number, **_told(window)}
        click.echo(msgspec.json.format(msgspec.json.encode(agreed)).decode())
    else:
        click.echo(f"Agreed for {case.key[:KEY_SHOWN]}: {_period(window, configuration.zone)}; {when}.")
    return Exit.DONE


def _suggestion(store: Store, configuration: Configuration, case: Case, now: float) -> Suggestion:
    """Return what the ticket proposes as far as it is not over, or else what is planned now."""
    host, zone = identify(configuration.settings.host, store.folder), ZoneInfo(configuration.zone)
    context = RenderContext(
        settings=configuration.settings,
        host=host,
        zone=zone,
        now=now,
        around=lambda: survey(configuration.settings, host.id, zone, now, store),
    )
    plan = plan_of(case_facts(msgspec.structs.replace(case, agreed=None), configuration.rules_by_id), context)
    told = {number: window for number, window in enumerate(case.proposed, 1) if window.end > now}
    return Suggestion(on_ticket=bool(told), options=told or dict(enumerate(plan.windows, 1)), plan=plan)


def _contract(case: Case, suggestion: Suggestion) -> dict[str, Any]:
    """Return what `--json` promises, with stable keys; times are ISO 8601 in UTC, amounts seconds or a ratio."""
    return {
        "key": case.key,
        "agreed": {**_told(case.agreed.window), "by": case.agreed.by} if case.agreed else None,
        "on_ticket": suggestion.on_ticket,
        "options": [{"number": number, **_told(window)} for number, window in suggestion.options.items()],
        "ruled_out": [
            {"start": _utc(one.start), "end": _utc(one.end), "code": one.code, "name": one.name}
            for one in suggestion.plan.proposal.ruled_out
        ],
        "act_now": suggestion.plan.act_now,
    }


def _told(window: MaintenanceWindow) -> dict[str, Any]:
    return {
        "start": _utc(window.start),
        "end": _utc(window.end),
        "zone": window.zone,
        "reasons": [{"code": reason.code, "amount": reason.amount} for reason in window.reasons],
    }


def _lines(case: Case, suggestion: Suggestion, zone: str) -> list[str]:
    lines = []
    if case.agreed:
        lines += [f"Agreed by {case.agreed.by}: {_period(case.agreed.window, zone)}", ""]
    if suggestion.on_ticket:
        lines.append("As its ticket proposes:")
    elif suggestion.options:
        lines.append("Planned now; the ticket has none of these:")
    elif suggestion.plan.failed:
        lines.append("No time is proposed: it has happened, and the work is better begun now.")
    else:
        lines.append("No agreed hours will do; the work is better not put off.")
    lines += [
        f"  {number}  {_period(window, zone)}{_why(window.reasons)}" for number, window in suggestion.options.items()
    ]
    if not suggestion.on_ticket and suggestion.plan.proposal.ruled_out:
        lines += ["", "Passed over:", *(f"  {_passed_over(one, zone)}" for one in suggestion.plan.proposal.ruled_out)]
    return lines


def _why(reasons: tuple[Reason, ...]) -> str:
    words = {
        "notice": lambda amount: f"in {plain.duration(amount)}",
        "margin": lambda amount: f"over {plain.duration(amount)} before it could happen",
        "quiet": lambda amount: f"usually {amount:.0%} busy",
    }
    said = [words[reason.code](reason.amount) for reason in reasons if reason.code in words]
    return f"  ({', '.join(said)})" if said else ""


def _passed_over(one: RuledOut, zone: str) -> str:
    why = _OBSTACLES[one.code] + (f" ({one.name})" if one.name else "")
    return f"{plain.moment(one.start, zone)} to {plain.moment(one.end, zone)}: {why}"


def _period(window: MaintenanceWindow, zone: str) -> str:
    return f"{plain.moment(window.start, zone)} to {plain.moment(window.end, zone)}"


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
