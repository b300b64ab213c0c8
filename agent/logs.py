"""Logging for every process of the agent: one line an event, key=value, to standard error; the service manager keeps it.

The only file that imports structlog, which takes rich and asyncio along where nobody stops it.
"""

from __future__ import annotations

import logging
import sys

from agent.system.light_imports import leaving_out

with leaving_out({"asyncio": (), "pickle": ["PicklingError"]}, absent=("rich", "better_exceptions")):
    import structlog

get_logger = structlog.get_logger


def configure(level: str = "info") -> None:
    """Set up structlog once per process. `level`: debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
