"""How a command passes on what a person says about a case: the daemon alone changes cases; the local desk shows it too."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from agent.calendar.windows import MaintenanceWindow
from agent.commands.exits import CommandFailed, Exit
from agent.configuration.config import Configuration
from agent.following.model import Acted, Case, CaseState
from agent.store import Store
from agent.system.folder import is_in_use
from agent.terminal import KEY_SHOWN
from agent.wording import plain
from ticketing_clients import Act, ActKind
from ticketing_clients.local import PLUGIN as LOCAL
from ticketing_clients.local import LocalDesk


def require_state(case: Case, heeded: Collection[CaseState], called: str) -> None:
    """Refuse an act that would change nothing in the state in which the case is."""
    if case.state not in heeded:
        raise CommandFailed(f"{case.key[:KEY_SHOWN]} cannot be {called}: {plain.STATES[case.state]}", Exit.USAGE)


def pass_on(
    store: Store,
    configuration: Configuration,
    case: Case,
    kind: ActKind,
    *,
    until: datetime | None = None,
    option: int | None = None,
    window: MaintenanceWindow | None = None,
) -> str:
    """Leave the act for the daemon; return when it takes it in, in words."""
    now, who = time.time(), getpass.getuser()
    desks = configuration.desks
    if case.ticket is not None and case.ticket.desk in desks and desks[case.ticket.desk][0] is LOCAL:
        desk = LocalDesk(store.folder, case.ticket.desk, now)
        act = desk.record_act(case.ticket, kind, by=who, until=until, option=option)
    else:
        at = datetime.fromtimestamp(now, UTC)
        act = Act(id=f"host-{uuid.uuid4()}", kind=kind, by=who, at=at, until=until, option=option)
    store.put_event(Acted(case=case.key, act=act, at=now, window=window))
    return taken_in(store.folder)


def taken_in(state_dir: Path) -> str:
    """Return when the daemon takes in what was left for it, in words that end a sentence."""
    when = "with its next cycle" if is_in_use(state_dir) else "when it runs again; now it does not"
    return f"the daemon takes it in {when}"
