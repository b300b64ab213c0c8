"""The doctor at a desk: its own live checks, this host's identity there, and how many hosts it can serve."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.configuration.config import Configuration
from agent.configuration.decode import join
from agent.courier import build_client
from agent.doctor.examination import Obstacle, Result, Verdict
from agent.doctor.identity import check_identity
from agent.doctor.sizing import OUR_SHARE, most_hosts, requests_a_minute
from agent.system.host import identify_without_trace
from ticketing_clients import DeskError, Reason

_DESK_HINTS: Mapping[Reason, str] = {
    "unreachable": "check the address, the network, and that the desk is running",
    "not_authorised": "check the token, and what its user may do",
}


def examine_desk(configuration: Configuration, desk: str, state_dir: Path) -> Iterator[Result]:
    """Yield what the desk with this configured name answers, whether it knows this host, and whether it serves so many."""
    yield from _live(configuration, desk, state_dir)
    yield _sizing(configuration, desk)


def _live(configuration: Configuration, desk: str, state_dir: Path) -> Iterator[Result]:
    subject = f"desk {desk}"

    def wrong(found: str, hint: str, reason: Obstacle) -> Result:
        return Result(number=10, subject=subject, verdict="wrong", found=found, hint=hint, reason=reason)

    try:
        client = build_client(configuration, desk, state_dir, time.time())
        checks = client.check()
        identity = check_identity(client, identify_without_trace(configuration.settings.host, state_dir))
    except LookupError as error:
        yield wrong(str(error), "name its file in [secrets], readable for the agent's user", "not_authorised")
    except ValueError as error:
        yield wrong(str(error), f"change [desks.{join(desk)}]", "configuration")
    except PermissionError as error:
        yield wrong(f"{error.filename}: {error.strerror}", "run as the agent's user", "not_permitted")
    except DeskError as error:
        hint = _DESK_HINTS.get(error.reason, "see what the desk says; its log may say more")
        yield wrong(str(error).removeprefix(f"{subject}: "), hint, error.reason)
    else:
        for check in checks:
            verdict: Verdict = "well" if check.well else "wrong"
            yield Result(
                number=10, subject=subject, verdict=verdict, found=f"{check.subject}: {check.found}", hint=check.hint
            )
        for check in identity:
            found = check.found
            yield Result(
                number=11, subject=subject, verdict="well" if check.well else "warning", found=found, hint=check.hint
            )


def _sizing(configuration: Configuration, desk: str) -> Result:
    """Reckon what all hosts together ask of the desk, against what it allows."""
    delivery = configuration.settings.delivery
    plugin, options = configuration.desks[desk]
    limit = options.requests_per_minute or plugin.requests_per_minute
    asked = requests_a_minute(delivery.hosts, delivery.poll)
    hosts = "1 host asks" if delivery.hosts == 1 else f"{delivery.hosts} hosts ask"
    found = f"{hosts} about {asked:.1f} times a minute on a quiet day"
    if limit is None:
        return Result(number=12, subject=f"desk {desk}", verdict="well", found=f"{found}; no limit is known")
    found = f"{found}, of {limit} that it allows"
    if asked <= OUR_SHARE * limit:
        return Result(number=12, subject=f"desk {desk}", verdict="well", found=found)
    most = most_hosts(limit, delivery.poll)
    hint = f"look less often (delivery.poll); at this rhythm the desk serves {most} hosts; see docs/sizing.md"
    return Result(number=12, subject=f"desk {desk}", verdict="warning", found=found, hint=hint)
