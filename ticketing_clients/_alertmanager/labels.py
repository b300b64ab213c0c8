"""A ticket as an alert: which labels and annotations there are, and what each says. `reading` is the way back, for the Relay.

Labels are an alert's identity, so each of them stays what it is for as long as the alert stands: an agent remembers with which
it was opened, and a host that is renamed meanwhile keeps them. Only the priority changes, and only upward: then the alert of
the old one ends as `raised`, and that of the new one begins when the first did (`docs/decisions/0023`).

An alert that ends without an END annotation has expired: its agent is silent, and nobody has measured that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, get_args

import msgspec

from ticketing_clients._document import Document, cut, one_line, shorten, to_plain
from ticketing_clients._ticket import Priority, ProposedWindow, Ticket

#: why an alert ended: measured and closed, or worse, with another alert in its place
Ending = Literal["resolved", "raised"]

#: labels. Every one is one line of at most LONGEST_LABEL code points; an empty one is left out.
NAME, KEY, HOST, HOST_ID = "alertname", "foretell_key", "host", "host_id"
RULE, SUBJECT, TYPE, CUSTOMER, ROLE, PRIORITY = "rule", "subject", "type", "customer", "role", "priority"
LABELS = (NAME, KEY, HOST, HOST_ID, RULE, SUBJECT, TYPE, CUSTOMER, ROLE, PRIORITY)
LONGEST_LABEL = 200

#: annotations. Times are ISO 8601 in UTC; windows are `window_1` (the best) and so on.
SUMMARY, DESCRIPTION, LANGUAGE = "summary", "description", "language"
CROSSING, CROSSING_EXPECTED = "crossing", "crossing_expected"
FIRST_RESPONSE_DUE, FIX_DUE, WINDOW = "first_response_due", "fix_due", "window_"
CUSTOMER_NAME, CUSTOMER_CONTACT, CUSTOMER_TIER = "customer_name", "customer_contact", "customer_tier"
HOST_OS, HOST_SERIAL = "host_os", "host_serial"  # by consent
COMMENT, COMMENT_MARKER = "comment", "comment_marker"  # what was last said to the customer
WELL = "foretell_well"  # "true" while what was last said is that it is measured well, and waits for a confirmation
END = "foretell_end"  # an Ending
LONGEST_SUMMARY, LONGEST_DESCRIPTION = 250, 6_000

#: the name of the alert that stands while an agent lives; it is no ticket, and has no key
ALIVE = "ForetellAlive"

#: the priorities, the most urgent first
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert as Alertmanager's interface (version 2) and its webhook have it; what else they tell is passed over."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime

    @property
    def key(self) -> str:
        """The key of the ticket that it is; empty when it is somebody else's alert."""
        return self.labels.get(KEY, "")

    @property
    def is_life(self) -> bool:
        """Whether it only says that an agent lives; one of somebody's rule that is called so has a key."""
        return self.labels.get(NAME) == ALIVE and not self.key

    @property
    def ending(self) -> Ending | None:
        """Why it ended; None while it stands, and when it expired because its agent is silent."""
        said = self.annotations.get(END)
        return next((one for one in get_args(Ending) if one == said), None)


def labels_of(ticket: Ticket, more: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of `ticket`, with `more` that IT configured for this host (`site`, `team`)."""
    own = {
        NAME: alert_name(ticket.rule),
        KEY: ticket.key,
        HOST: ticket.device.name,
        HOST_ID: ticket.device.id,
        RULE: ticket.rule,
        SUBJECT: ticket.subject,
        TYPE: ticket.type,
        CUSTOMER: ticket.customer.id,
        ROLE: ticket.device.role,
        PRIORITY: ticket.priority,
    }
    return {name: cut(one_line(text), LONGEST_LABEL) for name, text in {**more, **own}.items() if text.strip()}


def labels_of_life(host: str, host_id: str, more: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of the alert that says that an agent lives, with `more` as above."""
    own = {NAME: ALIVE, HOST: host, HOST_ID: host_id}
    return {name: cut(one_line(text), LONGEST_LABEL) for name, text in {**more, **own}.items() if text.strip()}


def alert_name(rule: str) -> str:
    """Return the name under which alerts of `rule` are routed and silenced.

    >>> alert_name("disk_space"), alert_name("")
    ('ForetellDiskSpace', 'Foretell')
    """
    return "Foretell" + "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", rule))


def annotations_of(ticket: Ticket) -> dict[str, str]:
    """Return the annotations of `ticket`: everything that may change while the alert stands, and all long texts."""
    times = ticket.service_times
    said = {
        SUMMARY: cut(one_line(ticket.title), LONGEST_SUMMARY),
        DESCRIPTION: text_of(ticket.body),
        LANGUAGE: ticket.language,
        CROSSING: _time(ticket.crossing),
        CROSSING_EXPECTED: _time(ticket.crossing_expected),
        FIRST_RESPONSE_DUE: _time(times.first_response_due),
        FIX_DUE: _time(times.fix_due),
        CUSTOMER_NAME: ticket.customer.name,
        CUSTOMER_CONTACT: ticket.customer.contact,
        CUSTOMER_TIER: ticket.customer.tier,
        HOST_OS: ticket.device.os,
        HOST_SERIAL: ticket.device.serial,
    }
    said |= {f"{WINDOW}{number}": _window(window) for number, window in enumerate(ticket.windows, 1)}
    return {name: text for name, text in said.items() if text}


def text_of(body: Document) -> str:
    """Return `body` as the text of an annotation, cut between its blocks where it is too long."""
    return to_plain(shorten(body, LONGEST_DESCRIPTION)).rstrip("\n")


def _time(moment: datetime | None) -> str:
    """Return `moment` as ISO 8601 in UTC, empty for none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _window(window: ProposedWindow) -> str:
    """Return `window` as an interval of ISO 8601, its zone, and why it was chosen."""
    return f"{_time(window.start)}/{_time(window.end)} {window.zone} {one_line(window.reason)}".rstrip()
