"""Whether a Selector means a reading, and what subject that reading is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from thresholds._rule import Selector

HOST = "host"  # a replay has many hosts: this label is part of every subject that has it


def selects(select: Selector, labels: Mapping[str, str]) -> bool:
    """Return whether `labels` satisfy `where`. A label that a reading lacks is the empty text.

    >>> selects(Selector(reading="room", where={"fstype": ["!squashfs", "!iso*"]}), {"fstype": "ext4"})
    True
    """
    return all(allows(patterns, labels.get(label, "")) for label, patterns in select.where.items())


def may_select(select: Selector, labels: Mapping[str, str]) -> bool:
    """Return whether a reading of which only `labels` are known can be one that is meant."""
    return all(allows(patterns, labels[label]) for label, patterns in select.where.items() if label in labels)


def allows(patterns: Iterable[str], text: str) -> bool:
    """Return whether `text` is like one of the shell `patterns`, and like none of those that begin with '!'.

    >>> allows(["disk_*", "!disk_inodes"], "disk_space"), allows(["!disk_*"], "memory"), allows([], "memory")
    (True, True, True)
    """
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(fnmatchcase(text, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return not wanted or any(fnmatchcase(text, pattern) for pattern in wanted)


def subject_of(select: Selector, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the part of `labels` that identifies the subject."""
    return {label: labels[label] for label in (HOST, *select.subject) if label in labels}


def covers(unchecked: Mapping[str, str], subject: Mapping[str, str]) -> bool:
    """Return whether something that could not be checked, of which `unchecked` is known, may be about `subject`.

    A collector that could not ask for units by pattern says the pattern.

    >>> covers({"unit": "*.service", "more": ""}, {"unit": "ssh.service"}), covers({"unit": "a"}, {"unit": "b"})
    (True, False)
    """
    return all(
        unchecked.get(label, text) == text or fnmatchcase(text, unchecked[label]) for label, text in subject.items()
    )
