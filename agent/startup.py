"""Reads the whole configuration as the daemon needs it before it starts, or goes on with another: nothing is found out later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from agent.collecting import look_ahead
from agent.configuration.config import Configuration, load
from agent.configuration.decode import ConfigError, ConfigErrors
from agent.configuration.settings import WindowSettings
from agent.system.folder import DEFAULT_STATE_DIR

_CALENDAR_CHECK = (sys.executable, "-E", "-P", "-m", "agent.calendar.calendar_check")


def load_all(path: Path | None, state: Path = DEFAULT_STATE_DIR) -> Configuration:
    """Return the configuration in `path`, its calendar checked too; see `config.load`. Raises ConfigErrors.

    Its collectors that look twice have looked once: time passes while the rest of the daemon is imported and put together.
    """
    configuration = load(path, state=state)
    look_ahead(configuration.collectors)
    if configuration.settings.windows != WindowSettings():
        _check_calendar(configuration)
    if configuration.settings.agent.web_config:
        from agent.web.web_config import read_web_config  # noqa: PLC0415 - brings TLS, YAML and bcrypt, which few need

        read_web_config(Path(configuration.settings.agent.web_config))
    return configuration


def _check_calendar(configuration: Configuration) -> None:
    """Have a child look at the calendar: the libraries that expand it never live in the daemon."""
    asked = msgspec.json.encode(configuration.file)
    answer = subprocess.run(_CALENDAR_CHECK, input=asked, check=True, stdout=subprocess.PIPE, timeout=60).stdout
    if wrong := msgspec.json.decode(answer, type=list[ConfigError]):
        raise ConfigErrors(wrong)
