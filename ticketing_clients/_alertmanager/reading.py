"""An alert as the ticket that it is: the way back from `labels`, for whoever receives alerts, which is the Relay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count

import msgspec

from ticketing_clients._alertmanager import labels as on
from ticketing_clients._document import Block, Bullets, Document, Facts, Heading, Paragraph, Preformatted
from ticketing_clients._ticket import Customer, Device, Priority, ProposedWindow, ServiceTimes, Ticket, TicketType

_ROW = re.compile(r"(.+?)(?:: |：)(.+)")


class NotATicket(ValueError):
    """The alert is no ticket of an agent's; the message says what is missing or wrong."""


def ticket_of(alert: on.Alert) -> Ticket:
    """Return the ticket that `alert` is. Raises NotATicket."""
    labels, said = alert.labels, alert.annotations
    try:
        return Ticket(
            key=labels[on.KEY],
            rule=labels.get(on.RULE, ""),
            subject=labels.get(on.SUBJECT, ""),
            type=msgspec.convert(labels[on.TYPE], TicketType),
            title=said[on.SUMMARY],
            body=document_of(said[on.DESCRIPTION]),
            priority=msgspec.convert(labels[on.PRIORITY], Priority),
            device=Device(
                id=labels[on.HOST_ID],
                name=labels[on.HOST],
                os=said.get(on.HOST_OS, ""),
                serial=said.get(on.HOST_SERIAL, ""),
                role=labels.get(on.ROLE, ""),
            ),
            customer=Customer(
                id=labels[on.CUSTOMER],
                name=said.get(on.CUSTOMER_NAME, labels[on.CUSTOMER]),
                contact=said.get(on.CUSTOMER_CONTACT, ""),
                tier=said.get(on.CUSTOMER_TIER, "standard"),
            ),
            language=said[on.LANGUAGE],
            service_times=ServiceTimes(
                first_response_due=datetime.fromisoformat(said[on.FIRST_RESPONSE_DUE]),
                fix_due=datetime.fromisoformat(said[on.FIX_DUE]),
            ),
            crossing=_moment(said, on.CROSSING),
            crossing_expected=_moment(said, on.CROSSING_EXPECTED),
            windows=tuple(_windows(said)),
        )
    except KeyError as error:
        raise NotATicket(f"there is no {error.args[0]} on the alert") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise NotATicket(f"an alert says what no agent does: {error}") from error


def _moment(said: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(said[name]) if name in said else None


def _windows(said: Mapping[str, str]) -> Iterator[ProposedWindow]:
    for number in count(1):
        text = said.get(f"{on.WINDOW}{number}")
        if text is None:
            return
        times, zone, *reason = text.split(" ", 2)
        start, end = map(datetime.fromisoformat, times.split("/"))
        yield ProposedWindow(start=start, end=end, zone=zone, reason="".join(reason))


def document_of(text: str) -> Document:
    r"""Return `text`, which `to_plain` made of a document, as a document of the same plain text.

    >>> document_of("What to do\n----------\n\n* Look.\n* Mend.").blocks
    (Heading(text='What to do'), Bullets(items=('Look.', 'Mend.')))
    """
    blocks = [block for part in re.split(r"\n{2,}", text.strip("\n")) if part for block in _blocks(part)]
    return Document(tuple(blocks) or (Paragraph(""),))


def _blocks(part: str) -> Iterator[Block]:
    lines = part.split("\n")
    rows = [_ROW.fullmatch(line) for line in lines]
    if len(lines) == 2 and set(lines[1]) == {"-"}:  # noqa: PLR2004 - a heading and what underlines it
        yield Heading(lines[0])
    elif all(line.startswith("* ") for line in lines):
        yield Bullets(tuple(line[2:] for line in lines))
    elif len(lines) == 1:
        yield Paragraph(part)
    elif all(rows):
        yield Facts(tuple((row[1], row[2]) for row in rows if row))
    else:
        yield Preformatted(part)
