"""The command of the check that a case is about, as it is configured, so that a first look can ask it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.collecting import ConfiguredCollector
from collectors.nagios import NagiosOptions


def command_of(subject: Mapping[str, str], collectors: Iterable[ConfiguredCollector]) -> tuple[str, ...]:
    """Return program and arguments of the Nagios plugin that `subject` names; empty when it names none that is configured."""
    for one in collectors:
        if isinstance(one.options, NagiosOptions) and subject.get("check") in one.options.checks:
            return tuple(one.options.checks[subject["check"]].command)
    return ()
