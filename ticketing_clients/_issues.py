"""What issue trackers have in common that know only labels: where our key stands, how it is found, how priority is told.

The key is in a comment that only the source of an issue's text shows. A label of its own for each key would be one more label
for ever, so labels only narrow down where to look: 256 of them for keys, and one for each host.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import quote, unquote

import msgspec

from ticketing_clients._acts import last_line, lines_of
from ticketing_clients._document import Document
from ticketing_clients._markup.fit import fit
from ticketing_clients._markup.markdown import to_markdown
from ticketing_clients._ticket import Priority, Ticket

PRIORITIES: dict[Priority, str] = {"P1": "P1", "P2": "P2", "P3": "P3", "P4": "P4"}
MARK = re.compile(r"<!-- foretell key=([0-9a-f]+) host=([\w.%~]+) -->")

LabelName = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern="^[^,]+$")]


def key_label(key: str) -> str:
    """Return the label by which issues are found whose key begins like this one."""
    return f"foretell-key-{key[:2]}"


def host_label(host: str) -> str:
    """Return the label by which issues of a host are found, and seldom ones of another."""
    return f"foretell-host-{hashlib.sha256(host.encode()).hexdigest()[:8]}"  # a host's id may hold any letter


def labels_of(ticket: Ticket, further: Collection[str], labels: dict[Priority, str]) -> list[str]:
    """Return the labels of a new issue: the `further` ones configured, the ticket's own, its priority's, and ours."""
    return [*further, *ticket.labels, labels[ticket.priority], key_label(ticket.key), host_label(ticket.device.id)]


def opening_text(ticket: Ticket, longest: int) -> str:
    """Return the ticket's body in Markdown, with its key and host's marker, in at most `longest` code points."""
    host = quote(ticket.device.id, safe="").replace("-", "%2D")  # nothing that could end a comment
    return _ended(ticket.body, f"<!-- foretell key={ticket.key} host={host} -->", longest)


def mark_of(text: str) -> tuple[str, str]:
    """Return the key and the host's marker in an issue's `text`, empty where there are none.

    They are the last ones: a log that is shown above may hold others.
    """
    key, host = next(reversed(MARK.findall(text)), ("", ""))
    return key, unquote(host)


def comment_text(body: Document, marker: str, longest: int) -> str:
    """Return a comment's body in Markdown, with its marker, in at most `longest` code points."""
    return _ended(body, _hidden(marker), longest)


def ended_by(text: str, marker: str) -> str:
    """Return `text` in Markdown ended by a marker that is not shown."""
    return f"{text}\n\n{_hidden(marker)}"


def has_marker(text: str, marker: str) -> bool:
    """Return whether a comment's `text` ends with exactly this marker."""
    return lines_of(text).endswith(f"\n{_hidden(marker)}")


def folded(names: Collection[str]) -> set[str]:
    """Return `names` as these desks compare labels and logins: without regard to case."""
    return {name.casefold() for name in names}


def priority_of(names: Collection[str], labels: dict[Priority, str]) -> Priority | None:
    """Return the most urgent priority whose label is among `names`."""
    there = folded(names)
    return next((one for one in sorted(labels) if labels[one].casefold() in there), None)


def lower_labels(names: Collection[str], labels: dict[Priority, str], priority: Priority) -> list[str]:
    """Return the labels among `names` that stand for a lower priority than `priority`."""
    there = folded(names)
    return [labels[one] for one in sorted(labels) if one > priority and labels[one].casefold() in there]


def _hidden(marker: str) -> str:
    return f"<!-- {last_line(marker)} -->"


def _ended(body: Document, last: str, longest: int) -> str:
    return fit(body, lambda shown: f"{to_markdown(shown)}\n\n{last}", longest)
