"""Bundles: the redacted evidence that goes along with a ticket, if consent allows it.

    case → sources by name → lines → redaction → files → MANIFEST.json, README → one .tar.gz

A child of low priority does it all; `agent.bundling` decides what is built, kept, approved and queued.
"""

from agent.bundle._archive import put
from agent.bundle._child import NotBuilt, build_in_child
from agent.bundle._manifest import Built, File, LeftOutSource, Manifest, Request
from agent.bundle._sources import load_sources

__all__ = [
    "Built",
    "File",
    "LeftOutSource",
    "Manifest",
    "NotBuilt",
    "Request",
    "build_in_child",
    "load_sources",
    "put",
]
