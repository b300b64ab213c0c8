"""The Courier: a short-lived child that renders, sends and polls one batch at one desk, and is gone with all it had to import.

Started as `python -P -m agent.child agent.courier` with a Job as JSON on standard input. Whatever happens to it, the outbox says
how far it came. A lock in the state folder keeps a second one for the same desk out, even if the daemon that started the first
was killed. Those for other desks work at the same time: one child costs a quarter of a second and 38 MB, and is seldom there.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from agent.system.first_imports import msgspec

# isort: split

from agent import logs
from agent.configuration.config import Configuration, load
from agent.configuration.decode import join
from agent.configuration.secrets import Secrets
from agent.consent.gate import ask
from agent.consent.levels import Level
from agent.delivery.batch import Delivery
from agent.delivery.desk_health import failed
from agent.delivery.job import BUSY, Job
from agent.following.model import DeskHealth
from agent.store import Store, StoreUnavailable
from agent.system.folder import FolderInUse, FolderUnusable, lock
from agent.wording.context import RenderContext
from ticketing_clients import TicketingClient, TicketType

if TYPE_CHECKING:
    from agent.calendar.planning import Surroundings

log = logs.get_logger()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticketing client is handed."""

    secrets: Secrets
    state_dir: Path
    now: float
    rhythm: float

    def secret(self, name: str) -> str:
        """Return the named secret; raises LookupError that says where it was looked for."""
        return self.secrets.get(name)


def build_client(
    configuration: Configuration, desk: str, state_dir: Path, now: float, rhythm: float | None = None
) -> TicketingClient:
    """Return the client of the desk with this configured name. Raises LookupError or ValueError when it cannot be used.

    rhythm: how often it is asked, in seconds; as often as couriers look when left out.
    """
    if desk not in configuration.desks:
        raise LookupError(f"there is no [desks.{join(desk)}] any more, and it still has tickets of ours or work to do")
    plugin, options = configuration.desks[desk]
    settings = configuration.settings
    context = Context(
        secrets=Secrets(settings.secrets), state_dir=state_dir, now=now, rhythm=rhythm or settings.delivery.poll
    )
    return plugin.build(options, context, desk)


def deliver(
    job: Job, configuration: Configuration, store: Store, *, now: Callable[[], float], clock: Callable[[], float]
) -> DeskHealth:
    """Run one batch in this process and record how the desk was.

    now: unix seconds by which the batch goes, evenly from the job's. clock: the host's own, by which consent may have ended
    because the host slept in the middle of the batch.
    """
    desk, poll = job.desk, configuration.settings.delivery.poll
    try:
        client = build_client(configuration, desk, Path(job.state_dir), job.now)
    except (LookupError, ValueError) as error:
        log.warning("the desk cannot be used as it is configured", desk=desk, detail=str(error))
        health = failed(store.desk_health(desk), "not_authorised", str(error), job.now, poll=poll)
    else:

        def allowed(rule: str, type_: TicketType | None) -> Level:
            at = max(now(), clock())
            return ask(Path(job.state_dir), configuration, at).level(rule, type_, at)

        zone = ZoneInfo(configuration.zone)

        @functools.cache
        def around() -> Surroundings:
            from agent.calendar.survey import survey  # noqa: PLC0415 - most batches only look, and plan nothing

            return survey(configuration.settings, job.host.id, zone, job.now, store)

        render = RenderContext(
            settings=configuration.settings,
            host=job.host,
            zone=zone,
            now=job.now,
            listens=client.capabilities.read,
            around=around,
        )
        delivery = Delivery(store, client, render, desk, now, allowed=allowed, watched=job.watched)
        health = delivery.run(poll=job.poll, rebuild=job.rebuild, looks=job.looks)
    store.set_desk_health(desk, health)
    return health


def lock_name(desk: str) -> str:
    """Return the name of the lock file that one courier for `desk` holds while it works."""
    return f"courier-{quote(desk, safe='')}.lock"


def main() -> int:
    """Deliver the batch on standard input; return the process's exit status."""
    logs.configure()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    folder = Path(job.state_dir)
    began = time.monotonic()
    try:
        with lock(folder, lock_name(job.desk)), Store.open(folder) as store:
            configuration = load(job.config, parts={"desks"})
            deliver(job, configuration, store, now=lambda: job.now + time.monotonic() - began, clock=time.time)
    except FolderInUse:
        log.info("another courier is still at work", desk=job.desk)
        return BUSY
    except (FolderUnusable, StoreUnavailable) as error:
        log.error("the records cannot be used", desk=job.desk, detail=str(error))  # noqa: TRY400 - the message says it all
        return 1
    return 0
