"""Logging for every process of the agent: one line an event, key=value, to standard error; the service manager keeps it.

The only file that imports structlog, and with the first line only: most children write none, and to import it takes a tenth of
a courier's time. What stays for long imports it at its start (`at_once`): it may have to log that no file can be opened.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from agent.system.light_imports import leaving_out

_level = ""  # until `configure` is called: structlog as it comes


class Logger:
    """Stands for structlog's logger until there is something to log."""

    def __getattr__(self, name: str) -> Any:
        """Return what structlog's logger has under this name."""
        return getattr(_logger(), name)


def get_logger() -> Any:
    """Return a logger for one file."""
    return Logger()


def configure(level: str = "info", *, at_once: bool = False) -> None:
    """Set up logging once per process. `level`: debug, info, warning or error."""
    global _level  # noqa: PLW0603 - there is one log in a process
    _level = level
    _logger.cache_clear()
    if at_once:
        _logger()


@functools.cache
def _logger() -> Any:
    # It takes rich and asyncio along where nobody stops it.
    with leaving_out({"asyncio": (), "pickle": ["PicklingError"]}, absent=("rich", "better_exceptions")):
        import structlog  # noqa: PLC0415 - as the first lines say
    if _level:
        import logging  # noqa: PLC0415 - structlog has imported it by now

        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, _level.upper())),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    return structlog.get_logger()
