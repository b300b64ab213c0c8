"""Collectors: each reads one aspect of the host and judges nothing.

A collector is one public module of this package that ends in `PLUGIN = CollectorPlugin(...)`; its configured name is its
file name. Everything a plugin author needs is exported here.
"""

from collectors._plugin import (
    Collector,
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    Completed,
    DeclaredReading,
    NotSupported,
    Seconds,
    StillRunning,
)
from collectors._reading import CouldNotCheck, Labels, Reading, safe_text

__all__ = [
    "Collector",
    "CollectorContext",
    "CollectorError",
    "CollectorOptions",
    "CollectorPlugin",
    "Completed",
    "CouldNotCheck",
    "DeclaredReading",
    "Labels",
    "NotSupported",
    "Reading",
    "Seconds",
    "StillRunning",
    "safe_text",
]
