"""The recorder: a host as its collectors see it, redacted, as a folder from which they can read it again.

    collectors → places, programs and calls they ask for → redaction → folder → replay: do the same readings come out?

What the built-in collectors ask for is what is recorded: there is no list of files anywhere, and a new collector needs none.
"""

from agent.recorder._fixture import FORMAT, Fixture, FixtureUnreadable, LeftOut, Manifest, lay_out, read, write
from agent.recorder._record import READINGS, Rooted, Taken, record
from agent.recorder._replay import answering, built, default_plugins, replay

__all__ = [
    "FORMAT",
    "READINGS",
    "Fixture",
    "FixtureUnreadable",
    "LeftOut",
    "Manifest",
    "Rooted",
    "Taken",
    "answering",
    "built",
    "default_plugins",
    "lay_out",
    "read",
    "record",
    "replay",
    "write",
]
