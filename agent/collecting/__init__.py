"""Collecting: each collector is run when it is due, reaches the host by what it is handed, and none holds up another."""

from agent.collecting._configured import ConfiguredCollector, look_ahead
from agent.collecting._host_access import HostAccess
from agent.collecting._results import Collection, Outcome
from agent.collecting._runner import CollectionRunner
from agent.collecting._schedule import RETRY_AFTER

__all__ = [
    "RETRY_AFTER",
    "Collection",
    "CollectionRunner",
    "ConfiguredCollector",
    "HostAccess",
    "Outcome",
    "look_ahead",
]
