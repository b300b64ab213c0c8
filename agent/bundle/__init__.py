"""Bundles: the redacted evidence that goes along with a ticket, if consent allows it.

    case → sources by name → lines → redaction → files → MANIFEST.json, README → one .tar.gz

A child of low priority does it all; `agent.delivery.bundling` decides what is built, kept, approved and queued.
"""

from agent.bundle._child import NotBuilt, build_in_child
from agent.bundle._encryption import NotEncrypted, encrypt
from agent.bundle._manifest import Built, File, LeftOutSource, Manifest, Request
from agent.bundle._masking import LAYOUTS, Unmaskable, make_redactor, pseudonyms_of
from agent.bundle._sources import load_sources

__all__ = [
    "LAYOUTS",
    "Built",
    "File",
    "LeftOutSource",
    "Manifest",
    "NotBuilt",
    "NotEncrypted",
    "Request",
    "Unmaskable",
    "build_in_child",
    "encrypt",
    "load_sources",
    "make_redactor",
    "pseudonyms_of",
]
