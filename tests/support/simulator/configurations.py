"""What the configuration file of a simulated agent says: a few files that differ in what matters to the life of a case."""

from __future__ import annotations

import functools

from agent.configuration.config import ConfigFile, Configuration, load

HOME, SECOND, BOSS = "home", "second", "boss"

_BASE = """
host = { id = "0123456789abcdef0123456789abcdef", name = "web01" }
customer = { id = "acme", name = "Acme", contact = "ann@acme.test", zone = "Europe/Berlin" }
cases = { confirm_within = "1d", remind_every = "8h", storm_cases = 5, wont_fix = "10d", rating_within = "2d" }
bundle = { grace = "0s" }
desks = { home = { client = "local"%(options)s }, second = { client = "local" }, boss = { client = "local" } }
rules.disk_failing.verify = "2h"
"""
_HOME = 'delivery = { desk = "home", poll = "1h" }\n'
#: what the configuration file says, by what is special about it
CONFIGURATIONS = {
    "one desk": _BASE % {"options": ""} + _HOME,
    "a rule less": _BASE % {"options": ""} + _HOME + "rules.disk_readonly.enabled = false",
    "copies": _BASE % {"options": ""}
    + """
[delivery]
desk = "home"
poll = "15m"
escalate_to = "second"
supervisor = "boss"
routes = [{ desk = "home", continue = true }, { desk = "second", match.rule = ["disk_*"] }]
""",
    "few tickets": _BASE % {"options": ", new_tickets = 1"} + _HOME,
}


@functools.cache
def configuration(kind: str) -> Configuration:
    """Return the configuration of this kind, without its collectors: the simulated host is read instead."""
    return load(ConfigFile("/etc/foretell/foretell.toml", CONFIGURATIONS[kind]), parts={"rules", "desks"})
