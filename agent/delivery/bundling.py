"""Bundles on their way: which is built when, where it is kept until it leaves, and what is queued for the ticket.

    consent → built and kept → (approved) → queued for the ticket that is there → gone from here

The bytes that are kept are the bytes that leave: nothing is built again between a preview and its sending. A daemon starts
`python -P -m agent.child agent.delivery.bundling` for one case, a Task as JSON on standard input; `foretell bundle` does the same
by hand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec

from agent import logs
from agent.bundle import Built, NotBuilt, Request, build_in_child
from agent.case_details import case_details
from agent.configuration.config import Configuration, load
from agent.configuration.settings import DAY
from agent.consent.gate import ask
from agent.consent.levels import Level, at_least, lowest
from agent.delivery.bundle_dispatch import FOLDER, Task
from agent.delivery.outbox import Outbox
from agent.delivery.spool import FileConsent
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Diagnosed, Operation
from agent.store import History, Store
from agent.system.folder import FolderInUse, lock, put
from agent.system.host import HostIdentity
from agent.wording import plain
from ticketing_clients import Attachment

LOCK = "bundle.lock"
MEDIA_TYPE, ENCRYPTED = "application/gzip", "application/octet-stream"
#: what leaves without being asked for each time; a tail of logs is asked for by a person
BY_ITSELF: Level = "excerpt"
UTC = "UTC"
# So many hours of our own readings before the bundle is made.
_MEASURED = 7 * 24

log = logs.get_logger()


class Refusal(Exception):
    """The bundle is not built or does not leave; the message says why and what can be done."""


class Bundling:
    """The bundles of one state folder. Raises StoreUnavailable everywhere."""

    def __init__(
        self, configuration: Configuration, state_dir: Path, store: Store, host: HostIdentity, now: float
    ) -> None:
        """Given the configuration with its rules, and the time in unix seconds."""
        self.configuration = configuration
        self._state_dir = state_dir
        self._store = store
        self.host = host
        self.now = now
        self._outbox = Outbox(store)

    # -- consent ----------------------------------------------------------------------------------------------------

    def level(self, case: Case) -> Level:
        """Return what may leave with `case` now. Raises Refusal for a gathering: its ticket speaks for many problems."""
        rule = self.configuration.rules_by_id.get(case.rule)
        if rule is None:
            raise Refusal(
                f"{case.rule} is no rule that is judged here: make the bundle of one of the problems themselves"
            )
        return ask(self._state_dir, self.configuration, self.now).level(rule.id, rule.type, self.now)

    def _need(self, case: Case, needed: Level) -> None:
        level = self.level(case)
        if not at_least(level, needed):
            raise Refusal(
                f"consent for {case.rule} is `{level}`, and this needs `{needed}`. To allow it: foretell consent grant "
                f'{needed} --for 30d --by "NAME" --class {case.rule}'
            )

    # -- building ---------------------------------------------------------------------------------------------------

    def prepare(
        self, case: Case, level: Level, progress: Callable[[str], None] = lambda _: None, clear: Path | None = None
    ) -> Built:
        """Build the bundle of `case` at `level` and keep it in place of an earlier one.

        `progress` hears the name of each source. clear: where it is put as it is before it is encrypted, too. Raises Refusal.
        """
        self._need(case, level)
        file, record = self._places(case.key)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            with lock(self._state_dir, LOCK):
                for earlier in (record, *file.parent.glob(f"{case.key}.tar.gz*")):
                    earlier.unlink(missing_ok=True)
                built = build_in_child(self._request(case, level, file, clear), progress)
                put(record, msgspec.json.encode(built))
        except FolderInUse as error:
            raise Refusal("another bundle is being built; try again in a minute") from error
        except (NotBuilt, OSError) as error:
            raise Refusal(f"the bundle cannot be built: {error}") from error
        return built

    def _request(self, case: Case, level: Level, file: Path, clear: Path | None) -> Request:
        configuration, began = self.configuration, case.opened_at or case.first_seen
        rule = configuration.rules_by_id[case.rule]
        return Request(
            case=case,
            level=level,
            at=self.now,
            since=began - configuration.settings.bundle.span,
            diagnosis=rule.diagnosis or rule.id,
            config=configuration.file,
            state_dir=str(self._state_dir),
            host=self.host.id,
            names=(self.host.name,),
            case_lines=self._case_lines(case, rule.summary),
            measured=self._measured(case),
            target=str(file),
            largest=configuration.settings.bundle.largest,
            recipients=self._recipients,
            clear=str(clear.absolute()) if clear else None,
            credentials=os.environ.get("CREDENTIALS_DIRECTORY"),
        )

    def _case_lines(self, case: Case, summary: str) -> list[str]:
        """Return the case and its story. Who did what stays here: names of people leave at no level."""
        story = case_details(self._store, self._state_dir, case, {}).time_line
        known = {"rule": case.rule, "about": summary, "severity": case.severity.name.lower(), "state": case.state}
        facts = [f"{name}: {value}" for name, value in (known | case.subject | case.evidence).items()]
        return [*facts, "", *(f"{plain.moment(one.at, UTC)}  {one.what}" for one in story)]

    def _measured(self, case: Case) -> list[str]:
        """Return the hourly means, lows and highs of everything that has the labels of the case's subject."""
        history = History(self._store, self.configuration.settings.history)
        labels = [f'{label}="{value}"' for label, value in case.subject.items()]
        lines = []
        for series in history.series():
            if all(label in series for label in labels):
                hours = history.hourly(series, self.now - _MEASURED * 3600, self.now + 1)
                lines += [
                    f"{plain.moment(hour.at, UTC)}  {series}  mean {hour.mean:.6g}, {hour.low:.6g} to {hour.high:.6g}"
                    for hour in hours
                ]
        return lines

    # -- what is kept -----------------------------------------------------------------------------------------------

    def kept(self, case: Case) -> Built | None:
        """Return what the kept bundle of `case` is; None when there is none, it was changed, or others are to read it now."""
        file, record = self._places(case.key)
        try:
            built = msgspec.json.decode(record.read_bytes(), type=Built)
            as_built = sha256(file.read_bytes()).hexdigest() == built.sha256
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return built if as_built and built.recipients == self._recipients else None

    def file(self, case: Case) -> Path:
        """Return where the kept bundle of `case` is."""
        return self._places(case.key)[0]

    def _places(self, key: str) -> tuple[Path, Path]:
        folder = self._state_dir / FOLDER
        return folder / f"{key}{self._ending}", folder / f"{key}.json"

    @property
    def _recipients(self) -> tuple[str, ...]:
        return tuple(self.configuration.settings.bundle.recipients)

    @property
    def _ending(self) -> str:
        return ".tar.gz.age" if self._recipients else ".tar.gz"

    # -- sending ----------------------------------------------------------------------------------------------------

    def queue(self, case: Case, approved: str | None = None) -> str:
        """Queue the kept bundle for the ticket of `case`, byte for byte, and return the operation's id.

        approved: SHA-256 that a person saw; nothing else leaves then. Raises Refusal.
        """
        built = self.kept(case)
        if built is None:
            raise Refusal("there is no bundle that could be sent; make one: foretell bundle preview KEY")
        if approved is not None and approved != built.sha256:
            raise Refusal(f"what was approved is not what is kept (SHA-256 {built.sha256}); look at it again")
        if approved is None and self.configuration.settings.bundle.approval:
            raise Refusal(f"it waits for approval: foretell bundle build {case.key[:12]} --approve {built.sha256}")
        level = built.manifest.level
        self._need(case, level)
        if case.ticket is None:
            raise Refusal("there is no ticket yet that it could be attached to")
        per_day = self.configuration.settings.bundle.per_day
        if self._outbox.attached_since(self.now - DAY) + built.bytes > per_day:
            raise Refusal(f"{per_day} bytes of bundles in 24 hours are reached; it waits, or raise bundle.per_day")
        content = self.file(case).read_bytes()
        if sha256(content).hexdigest() != built.sha256:
            raise Refusal("the kept bundle was changed just now, and does not leave")
        name = f"foretell-{case.key[:12]}-{built.sha256[:12]}{self._ending}"
        needs = FileConsent(
            level=level,
            rule=case.rule,
            type=self.configuration.rules_by_id[case.rule].type,
            recipients=built.recipients,
        )
        media_type = ENCRYPTED if built.recipients else MEDIA_TYPE
        self._tell(case, built)
        operation = self._outbox.attach(
            case, Attachment(name=name, media_type=media_type, content=content), self.now, needs
        )
        for place in self._places(case.key):  # the spool has it now
            place.unlink(missing_ok=True)
        return operation

    def comment(self, case: Case, built: Built) -> Operation | None:
        """Return the comment that tells on the ticket what the first look in this bundle found; None when none is wanted."""
        found = built.manifest.on_ticket
        if found is None or not self.configuration.settings.bundle.on_ticket:
            return None
        facts = case_facts(case, self.configuration.rules_by_id)
        # With the time: the same may be found again when the case is back, or consent.
        digest = sha256(msgspec.json.encode((found, self.now))).hexdigest()
        return Operation(
            id=f"{case.key[:16]}-{digest[:16]}",
            case=case.key,
            kind="comment",
            topic="diagnosis",
            desk=case.ticket.desk if case.ticket else "",
            public=True,
            facts=pack(msgspec.structs.replace(facts, diagnosis=found)),
            created_at=self.now,
        )

    def _tell(self, case: Case, built: Built) -> None:
        """Queue what the first look found as a comment, once for each time that the case opens."""
        operation = self.comment(case, built)
        if operation is not None and not self._outbox.has_said(case.key, "diagnosis", operation.desk):
            found = len(built.manifest.on_ticket.found) if built.manifest.on_ticket else 0
            with self._store.transaction():
                self._outbox.queue(operation)
                self._store.put_event(Diagnosed(case=case.key, found=found, at=self.now))

    def by_itself(self, case: Case) -> str:
        """Build and queue the bundle of `case` without anybody asking; return the operation's id. Raises Refusal."""
        level = lowest([self.level(case), BY_ITSELF])
        built = self.kept(case)
        if built is None or built.manifest.level != level:
            built = self.prepare(case, level if level != "none" else "facts")
        settings = self.configuration.settings.bundle
        ready = built.manifest.made_at + settings.grace
        if not self._outbox.has_ever_attached() and built.manifest.made_at <= self.now < ready:
            raise Refusal("it is the first bundle ever, and waits for the grace time: foretell bundle preview shows it")
        return self.queue(case)


def main() -> int:
    """Do the Task on standard input; return the process's exit status."""
    logs.configure()
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    folder = Path(task.state_dir)
    configuration = load(task.config, parts={"rules"})
    with Store.open(folder) as store:
        case = store.case(task.key)
        if case is None:
            return 0
        try:
            operation = Bundling(configuration, folder, store, task.host, task.now).by_itself(case)
        except Refusal as refusal:
            log.info("no bundle yet", case=task.key, reason=str(refusal))
            return 0
    log.info("bundle queued", case=task.key, operation=operation)
    return 0
