"""What systemd knows of a unit, in the words an engineer asks for first. Everything is asked of systemd, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._kernel_log import journal, shown, unreadable
from agent.diagnosis._look import Look
from collectors import CollectorError, NotSupported
from collectors._systemd import SYSTEMCTL

ANSWER_WITHIN = 10.0  # seconds
LAST_LINES = 100
_NEEDS = ("Requires", "Requisite", "BindsTo")
# property of systemd: the fact it becomes
_WORDS = {
    "LoadState": "unit_load_state",
    "ActiveState": "unit_active_state",
    "SubState": "unit_sub_state",
    "Result": "unit_result",
    "UnitFileState": "unit_file_state",
    "ConditionResult": "unit_condition_met",
}
_ASKED = (
    *("Id", *_WORDS, *_NEEDS, "ExecMainCode", "ExecMainStatus", "NRestarts", "Restart"),
    *("NeedDaemonReload", "ActiveEnterTimestamp", "InactiveEnterTimestamp", "FragmentPath"),
)
# How the main process ended (waitid(2), CLD_EXITED, CLD_KILLED, CLD_DUMPED): what its status is the number of.
_ENDED = {"1": "exit_status", "2": "exit_signal", "3": "exit_signal"}

Properties = Mapping[str, str]


def show(look: Look, units: Iterable[str], properties: Iterable[str]) -> list[Properties]:
    """Return what systemd says of each unit, or of those that a pattern finds. Raises NotSupported, CollectorError."""
    if not look.path("/run/systemd/system").is_dir():
        raise NotSupported("systemd does not run on this host")
    argv = [SYSTEMCTL, "show", "--all", "--no-pager", f"--property={','.join(properties)}", "--", *units]
    answer = look.run(argv, timeout=ANSWER_WITHIN)
    if answer.status != 0:
        raise CollectorError(answer.errors.strip() or f"systemctl failed with status {answer.status}")
    return parse_show(answer.output)


def parse_show(output: str) -> list[Properties]:
    """Given the answer of `systemctl show`, return the properties of each unit."""
    blocks = (block.split("\n") for block in output.strip("\n").split("\n\n") if block)
    return [dict(line.split("=", 1) for line in block if "=" in line) for block in blocks]


def state(look: Look, unit: str) -> Iterator[Item]:
    """Yield how a unit is, how it ended, and which of the units that it cannot do without are not working."""
    found = show(look, [unit], _ASKED)
    if not found:
        yield Unseen(what="unit", reason="gone", hint="systemd does not know it any more")
        return
    told = found[0]
    labels = {"unit": told.get("Id", unit)}
    for key, name in _WORDS.items():
        if told.get(key) and not (key == "ConditionResult" and told[key] == "yes"):
            yield DiagnosisFact(name=name, value=told[key], unit="text", labels=labels)
    ended, status = _ENDED.get(told.get("ExecMainCode", "")), told.get("ExecMainStatus", "")
    if ended and status.isdecimal():
        yield DiagnosisFact(name=ended, value=float(status), unit="count", labels=labels)
    if told.get("NRestarts", "").isdecimal():
        yield DiagnosisFact(name="unit_restarts", value=float(told["NRestarts"]), unit="count", labels=labels)
    if told.get("NeedDaemonReload") == "yes":
        yield DiagnosisFact(name="unit_file_changed", value=1.0, unit="boolean", labels=labels)
    yield detail("unit.txt", [f"{key}={told[key]}" for key in _ASKED if told.get(key)])
    yield from _dependencies(look, told)


def _dependencies(look: Look, told: Properties) -> Iterator[Item]:
    needed = sorted({unit for key in _NEEDS for unit in told.get(key, "").split()})
    if not needed:
        return
    for one in show(look, needed, ("Id", "LoadState", "ActiveState", "Result")):
        if one.get("ActiveState") not in {"active", "reloading", "refreshing"}:
            labels = {"unit": one.get("Id", "?"), "needed_by": told.get("Id", "?")}
            value = one.get("ActiveState", "unknown")
            yield DiagnosisFact(name="dependency_state", value=value, unit="text", labels=labels)


def last_lines(look: Look, unit: str) -> Iterator[Item]:
    """Yield the last lines that a unit wrote, or that systemd wrote about it."""
    if not look.path("/run/systemd/system").is_dir():
        raise NotSupported("systemd does not run on this host")
    try:
        lines = journal(look, f"--unit={unit}", "--boot", lines=LAST_LINES)
    except CollectorError as error:
        yield unreadable("journal", error)
        return
    if lines:
        yield DiagnosisFact(name="last_line_timestamp", value=lines[0].at, unit="timestamp", labels={"unit": unit})
        yield detail("unit-journal.txt", shown(lines), consent="logs")
