"""The child that makes the health report of a period that is over: a Task as JSON on standard input.

It writes the whole report into a folder on this host, and queues what may leave of it for the desk, where one is configured.
"""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent import logs
from agent.configuration.config import Configuration, load
from agent.configuration.settings import MINUTE
from agent.consent.gate import ask
from agent.following.model import HEALTH_REPORT
from agent.report.dispatch import Task
from agent.report.making import Wanted, make_report
from agent.report.schedule import Finished, due
from agent.report.ticket import queue_ticket
from agent.store import Store
from agent.system.folder import put
from agent.system.least_important import be_least_important

#: of the state folder: where reports are kept when no other folder is configured
FOLDER = "reports"
# A year of a large host takes seconds; this is for what nobody thought of.
LONGEST = 10 * MINUTE
LARGEST = 1 << 40  # bytes of a file that it may write: our own records are among them, and are bounded elsewhere

log = logs.get_logger()


def report_on(found: Finished, task: Task, configuration: Configuration, store: Store) -> Path:
    """Make the report of a period that is over, wherever it is wanted, and return where it is on this host. Raises OSError."""
    settings, folder = configuration.settings.report, Path(task.state_dir)
    wanted = Wanted(period=found.period, now=task.now, language=settings.language)
    target = Path(settings.folder) if settings.folder else folder / FOLDER
    target.mkdir(mode=0o700, exist_ok=True)
    path = target / f"health-{found.name}.html"
    put(path, make_report(wanted, configuration, folder, store, task.host).encode())
    if settings.desk:
        level = ask(folder, configuration, task.now).level(HEALTH_REPORT, None, task.now)
        leaves = msgspec.structs.replace(wanted, level=level)
        page = make_report(leaves, configuration, folder, store, task.host).encode()
        queue_ticket(page, found.name, store, configuration, task.host, level=level, now=task.now)
    store.reported = found.name
    return path


def main() -> int:
    """Do the Task on standard input; return the process's exit status."""
    logs.configure()
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    folder = Path(task.state_dir)
    be_least_important(LONGEST, file_size=LARGEST)
    configuration = load(task.config, parts={"collectors", "rules"}, state=folder)
    with Store.open(folder) as store:
        found = due(
            configuration.settings.report.schedule,
            task.now,
            ZoneInfo(configuration.zone),
            known_since=store.installed_at,
            reported=store.reported,
        )
        if found is None:
            return 0
        try:
            path = report_on(found, task, configuration, store)
        except OSError as error:
            log.error("the health report cannot be written", file=error.filename, reason=error.strerror)  # noqa: TRY400 - it says all
            return 1
    log.info("health report made", period=found.name, file=str(path))
    return 0
