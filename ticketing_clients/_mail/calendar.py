"""The proposed maintenance window as a calendar file (RFC 5545), which mail programs and desks offer to put into a calendar."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Event

from ticketing_clients._document import cut, one_line
from ticketing_clients._ticket import Attachment, Ticket

NAME, MEDIA_TYPE = "window.ics", "text/calendar; charset=utf-8; method=PUBLISH"
LONGEST_SUMMARY = 200  # code points


def proposed_window(ticket: Ticket, at: datetime) -> Attachment | None:
    """Return the best proposed window as a file made at `at`, None when no window is proposed.

    Tentative, for nobody has agreed to it yet; it does not block the reader's time. Its UID is the ticket's key, so that a
    later one about the same ticket takes its place.
    """
    if not ticket.windows:
        return None
    window = ticket.windows[0]
    event = Event()
    event.add("uid", f"{ticket.key}@foretell")
    event.add("sequence", 0)
    event.add("dtstamp", at.astimezone(UTC))
    event.add("dtstart", window.start.astimezone(UTC))
    event.add("dtend", window.end.astimezone(UTC))
    event.add("summary", cut(one_line(ticket.title), LONGEST_SUMMARY))
    event.add("description", one_line(window.reason))
    event.add("status", "TENTATIVE")
    event.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", "-//Foretell//Foretell//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return Attachment(name=NAME, media_type=MEDIA_TYPE, content=calendar.to_ical())
