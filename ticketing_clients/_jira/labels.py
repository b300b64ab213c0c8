"""Where our key is on an issue, and why there.

A label `foretell-KEY` needs no administrator, is made in the same request as the issue, is found exactly (labels are not cut into
words), and goes with an issue that is moved. Properties of issues are not searchable without an installed app; a custom field
would need somebody who makes it and puts it on screens. The host's marker is a label of its hash, for an id may hold blanks. Each
label is compared again on every hit.

Who clones an issue clones its labels. So of several issues with one key the one with the lowest id is ours, for it was there
first, and another only if its creator is we or the first one's: nobody's clone is closed as our duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from ticketing_clients._jira.answers import Issue
from ticketing_clients._ticket import Ticket

KEY, HOST = "foretell-", "foretell-host-"  # what our labels begin with
DIGEST = 64  # hex digits of a key, and of a host's hash


def host_mark(host: str) -> str:
    """Return what stands for a host's id: 64 hex digits."""
    return sha256(host.encode()).hexdigest()


def labels_of(ticket: Ticket) -> list[str]:
    """Return the labels of a new ticket; a label has no blanks."""
    ours = [KEY + ticket.key, HOST + host_mark(ticket.device.id)]
    return ["-".join(one.split()) for one in ticket.labels] + ours


def marks(labels: Iterable[str], prefix: str) -> set[str]:
    """Return the keys in `labels`, or with the prefix HOST the marks of hosts."""
    found = {label.removeprefix(prefix) for label in labels if label.startswith(prefix)}
    return {mark for mark in found if len(mark) == DIGEST}


def without_clones(issues: Iterable[Issue], us: str) -> list[Issue]:
    """Return of issues with one key those that are ours, the one with the lowest id first; `us` is our user's id."""
    in_order = sorted(issues, key=lambda one: int(one.id))
    return [one for one in in_order if _creator(one) in {us, _creator(in_order[0])}]


def _creator(issue: Issue) -> str:
    return issue.fields.creator.id if issue.fields.creator else ""
