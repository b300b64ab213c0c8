"""The Courier: a short-lived child that renders, sends and polls one batch at one desk, and is gone with all it had to import.

Started as `python -P -m agent.courier` with a Job as JSON on standard input. Whatever happens to it, the outbox says how far
it came. A lock in the state folder keeps a second one for the same desk out, even if the daemon that started the first was
killed. Those for other desks work at the same time: one child costs a quarter of a second and 38 MB, and is seldom there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import structlog

from agent import logs
from agent.config import Configuration, load
from agent.consent import Level
from agent.consent_gate import ask
from agent.courier_process import Job
from agent.decode import join
from agent.delivery import Delivery
from agent.desk_health import failed
from agent.folder import FolderInUse, lock
from agent.model import DeskHealth
from agent.render import RenderContext
from agent.secrets import Secrets
from agent.store import Store
from agent.version import VERSION
from ticketing_clients import TicketingClient, TicketType

log = structlog.get_logger()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticketing client is handed."""

    secrets: Secrets
    state_dir: Path
    now: float

    def secret(self, name: str) -> str:
        """Return the named secret; raises LookupError that says where it was looked for."""
        return self.secrets.get(name)


def build_client(configuration: Configuration, desk: str, state_dir: Path, now: float) -> TicketingClient:
    """Return the client of the desk with this configured name. Raises LookupError or ValueError when it cannot be used."""
    if desk not in configuration.desks:
        raise LookupError(f"there is no [desks.{join(desk)}] any more, and it still has tickets of ours or work to do")
    plugin, options = configuration.desks[desk]
    return plugin.build(
        options, Context(secrets=Secrets(configuration.settings.secrets), state_dir=state_dir, now=now), desk
    )


def deliver(job: Job, configuration: Configuration, store: Store, now: Callable[[], float]) -> DeskHealth:
    """Run one batch in this process and record how the desk was."""
    desk = job.desk
    try:
        client = build_client(configuration, desk, Path(job.state_dir), job.now)
    except (LookupError, ValueError) as error:
        log.warning("the desk cannot be used as it is configured", desk=desk, detail=str(error))
        health = failed(store.desk_health(desk), "not_authorised", str(error), job.now)
    else:

        def allowed(rule: str, type_: TicketType) -> Level:
            return ask(Path(job.state_dir), configuration, now()).level(rule, type_, now())

        render = RenderContext(
            settings=configuration.settings,
            host=job.host,
            zone=ZoneInfo(configuration.zone),
            now=job.now,
            version=VERSION,
            listens=client.capabilities.read,
            allowed=allowed,
        )
        health = Delivery(store, client, render, desk, now).run(poll=job.poll, rebuild=job.rebuild)
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
            configuration = load(Path(job.config) if job.config else None, parts={"desks"})
            deliver(job, configuration, store, now=lambda: job.now + time.monotonic() - began)
    except FolderInUse:
        log.info("another courier is still at work", desk=job.desk)
    return 0


if __name__ == "__main__":
    sys.exit(main())
