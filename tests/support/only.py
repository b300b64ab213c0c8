"""Configurations with which a test sees the same on every machine: few aspects of it are read, and one rule is broken."""

from agent.configuration.plugins import COLLECTORS

# A rule that every host breaks at once, and nothing else of its memory.
LOW_MEMORY = """
[rules.low_memory]
summary = "Little memory is left"
kind = "level"
select.reading = "memory_available_bytes"
limits = {warning = 1e15, warning_clear = 2e15, direction = "below"}
[rules.memory_exhausted]
enabled = false
"""
# The same, followed at once and every few seconds.
BREACHED = (
    """
[customer]
zone = "UTC"
[agent]
first_look = "0s"
cycle = "5s"
"""
    + LOW_MEMORY
)


def only(*collectors: str) -> str:
    """Return the table in which every built-in collector but `collectors` is switched off, ready for more keys."""
    others = (name for name in COLLECTORS.built_in() if name not in collectors)
    return "[collectors]\n" + "".join(f"{name}.enabled = false\n" for name in others)
