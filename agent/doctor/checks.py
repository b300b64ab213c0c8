"""Numbered self-checks, each with what was found and how to mend it. They look and change nothing.

The numbers never change their meaning, so that a runbook can name them; a new check takes the next one.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, distribution
from pathlib import Path

from agent.bundle import NotEncrypted, encrypt
from agent.collecting import CollectionRunner
from agent.configuration.config import Configuration, load
from agent.configuration.decode import ConfigErrors
from agent.configuration.secrets import Secrets
from agent.consent.gate import look
from agent.consent.levels import LEVELS
from agent.doctor.calendar import examine_calendar
from agent.doctor.desk import examine_desk
from agent.doctor.examination import Result
from agent.store import Store, StoreUnavailable, copy_records
from agent.system.children import ChildError, run_child
from agent.system.folder import is_in_use
from agent.web.server import ListenError, can_listen
from agent.wording._values import size

# Enough for the ballast, a database that grows for a year, and the work of its compaction.
ROOM_WANTED = 300_000_000
# A clock before this one's release is certainly wrong.
RELEASED = 1_790_000_000.0


def examine(config_path: Path | None, state_dir: Path, listen: str | None) -> Iterator[Result]:
    """Yield the result of every check that can be made, in the order of their numbers."""
    yield _python()
    yield _installed_files()
    try:
        configuration = load(config_path, state=state_dir)
    except ConfigErrors as error:
        yield Result(
            number=3,
            subject="configuration",
            verdict="wrong",
            found=str(error),
            hint="mend the file; the rest is not checked",
            reason="configuration",
        )
        return
    yield _configuration(configuration)
    yield from _secrets(configuration)
    yield _state_folder(state_dir)
    yield _records(state_dir)
    yield _clock()
    yield _page(listen or configuration.settings.agent.listen, state_dir)
    yield from _collectors(configuration)
    for desk in configuration.settings.delivery.desks:
        yield from examine_desk(configuration, desk, state_dir)
    yield from _consent(configuration, state_dir)
    yield examine_calendar(configuration, time.time())


def _python() -> Result:
    return Result(number=1, subject="python", verdict="well", found=f"{sys.version.split()[0]} at {sys.executable}")


def _installed_files() -> Result:
    """Compare what is installed with what the distribution says it installed: another one may have overwritten ours."""
    ours = distribution("foretell")
    changed = sorted(_changed_files(ours))
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004 - three names are enough to start
        return Result(
            number=2,
            subject="installed files",
            verdict="warning",
            found=f"changed since they were installed: {', '.join(changed[:3])}{more}",
            hint="install Foretell again, in an environment of its own",
        )
    return Result(
        number=2, subject="installed files", verdict="well", found=f"foretell {ours.version}, as it was installed"
    )


def _changed_files(ours: Distribution) -> Iterator[str]:
    for path, recorded, _ in csv.reader((ours.read_text("RECORD") or "").splitlines()):
        algorithm, _, digest = recorded.partition("=")
        if not digest or path.startswith(
            ".."
        ):  # a script names the interpreter of its place: who packages us writes it anew
            continue
        try:
            content = Path(str(ours.locate_file(path))).read_bytes()
        except OSError:
            yield path
            continue
        if urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode() != digest:
            yield path


def _configuration(configuration: Configuration) -> Result:
    where = str(configuration.source or "built-in defaults")
    rules, collectors = len(configuration.rules), len(configuration.collectors)
    desks = configuration.settings.delivery.desks
    told = f"{'desk' if len(desks) == 1 else 'desks'} {', '.join(desks)}"
    found = f"{where}: {collectors} collectors, {rules} rules, {told}"
    if configuration.notes:
        return Result(
            number=3,
            subject="configuration",
            verdict="warning",
            found=f"{found}; {'; '.join(configuration.notes)}",
            hint="change it if this is not meant",
        )
    return Result(number=3, subject="configuration", verdict="well", found=found)


def _secrets(configuration: Configuration) -> Iterator[Result]:
    exposed = list(Secrets(configuration.settings.secrets).exposed())
    for sentence in exposed:
        yield Result(number=4, subject="secrets", verdict="warning", found=sentence)
    if not exposed:
        count = len(configuration.settings.secrets)
        yield Result(number=4, subject="secrets", verdict="well", found=f"{count} named, none readable by everybody")


def _state_folder(state_dir: Path) -> Result:
    nearest = next(path for path in (state_dir, *state_dir.absolute().parents) if os.access(path, os.F_OK))
    if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        return Result(
            number=5,
            subject="state folder",
            verdict="wrong",
            found=f"{nearest} may not be written",
            hint=f"run as the agent's user, or: install -d -m 0700 -o USER {state_dir}",
            reason="not_permitted",
        )
    room = shutil.disk_usage(nearest).free
    found = f"{state_dir}, {size(room)} free"
    if room < ROOM_WANTED:
        hint = f"make room, or name another folder with --state-dir; {size(ROOM_WANTED)} are comfortable"
        return Result(number=5, subject="state folder", verdict="warning", found=found, hint=hint)
    return Result(number=5, subject="state folder", verdict="well", found=found)


def _records(state_dir: Path) -> Result:
    """Look at a copy: opening the records would set damaged ones aside."""
    with tempfile.TemporaryDirectory(prefix="foretell-doctor-") as scratch:
        try:
            copy_records(state_dir, Path(scratch))
        except StoreUnavailable as error:
            return Result(number=6, subject="records", verdict="wrong", found=str(error))
        if not Store.exists(Path(scratch)):
            return Result(number=6, subject="records", verdict="well", found="none yet; the first run makes them")
        with Store.open(Path(scratch)) as store:
            count = len(store.cases())
    found = f"sound, {count} {'case is' if count == 1 else 'cases are'} not closed"
    return Result(number=6, subject="records", verdict="well", found=found)


def _clock() -> Result:
    now = time.time()
    if now < RELEASED:
        found = f"it is {time.strftime('%Y-%m-%d', time.gmtime(now))}, before this version was made"
        return Result(number=7, subject="clock", verdict="wrong", found=found, hint="set the clock; run an NTP client")
    try:
        said = run_child(
            ["/usr/bin/timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout=5
        ).output.strip()
    except ChildError as error:
        return Result(
            number=7, subject="clock", verdict="unknown", found=f"plausible; {error}", hint="see that NTP runs"
        )
    if said == "yes":
        return Result(number=7, subject="clock", verdict="well", found="synchronised")
    if said == "no":
        return Result(number=7, subject="clock", verdict="warning", found="not synchronised", hint="run an NTP client")
    return Result(
        number=7,
        subject="clock",
        verdict="unknown",
        found="plausible; timedatectl does not tell",
        hint="see that NTP runs",
    )


def _page(listen: str, state_dir: Path) -> Result:
    with suppress(OSError):  # whether an agent runs may not be seen; then the address is simply tried
        if is_in_use(state_dir):
            found = "an agent is running on this state folder and has it"
            return Result(number=8, subject="page", verdict="well", found=found)
    try:
        can_listen(listen)
    except ListenError as error:
        return Result(number=8, subject="page", verdict="wrong", found=str(error), reason="configuration")
    return Result(number=8, subject="page", verdict="well", found=f"{listen} is free")


def _collectors(configuration: Configuration) -> Iterator[Result]:
    collection = CollectionRunner(configuration.collectors, time.monotonic).collect(time.time())
    for outcome in collection.outcomes:
        subject = f"collector {outcome.collector}"
        if outcome.not_supported:
            yield Result(number=9, subject=subject, verdict="well", found=f"nothing to read: {outcome.not_supported}")
        elif outcome.unchecked:
            reasons = "; ".join(missing.reason for missing in outcome.unchecked[:5])
            found = f"{outcome.readings} readings; could not check {len(outcome.unchecked)}: {reasons}"
            yield Result(number=9, subject=subject, verdict="unknown", found=found)
        else:
            found = f"{outcome.readings} readings in {outcome.duration:.2f} s"
            yield Result(number=9, subject=subject, verdict="well", found=found)


def _consent(configuration: Configuration, state_dir: Path) -> Iterator[Result]:
    """Say what may leave on tickets, and what of that is not believed."""
    now = time.time()
    consent = look(state_dir, configuration, now)
    if consent.trouble:
        hint = "look into it, then move the consent.* files there away and grant anew; until then nothing more leaves"
        yield Result(number=13, subject="consent", verdict="wrong", found=consent.trouble, hint=hint)
    if consent.file_trouble:
        yield Result(number=13, subject="consent", verdict="warning", found=consent.file_trouble)
    if consent.torn:
        found = "a line at the end of the record was never finished, as after a crash; it does not count"
        hint = "whoever granted or revoked then was told that it failed; do it again"
        yield Result(number=13, subject="consent", verdict="warning", found=found, hint=hint)
    encryption = _encryption_trouble(configuration)
    if encryption:
        hint = "until then no bundle is made"
        yield Result(number=13, subject="consent", verdict="wrong", found=encryption, hint=hint)
    if not (consent.trouble or consent.file_trouble or consent.torn or encryption):
        levels = {consent.level(rule, by_id.type, now) for rule, by_id in configuration.rules_by_id.items()}
        found = f"tickets may carry: {', '.join(level for level in LEVELS if level in levels)}"
        yield Result(number=13, subject="consent", verdict="well", found=found)


def _encryption_trouble(configuration: Configuration) -> str:
    """Return why bundles cannot be encrypted as configured; empty when they can, or need not be."""
    recipients = configuration.settings.bundle.recipients
    try:
        if recipients:
            encrypt(b"", recipients)
    except NotEncrypted as error:
        return str(error)
    return ""
