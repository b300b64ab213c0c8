"""The proposed window as a calendar file, read back as a calendar program does."""

from __future__ import annotations

from datetime import timedelta

import icalendar

from ticketing_clients import ProposedWindow
from ticketing_clients._mail.calendar import proposed_window
from ticketing_clients.contract import NOON, WORDS, new_ticket

ZONED = ProposedWindow(start=NOON, end=NOON + timedelta(hours=2), zone="Asia/Shanghai", reason="a, b; c\nd 夜里")


def event_of(ticket):
    (event,) = icalendar.Calendar.from_ical(proposed_window(ticket, NOON).content).events
    return event


def test_the_best_window_is_a_tentative_event():
    """It has the window's moments and the ticket's title, and does not block anybody's time."""
    event = event_of(new_ticket(windows=(ZONED, *new_ticket().windows)))
    assert (event.start, event.end) == (ZONED.start, ZONED.end)
    assert (event["SUMMARY"], event["DESCRIPTION"]) == (WORDS, "a, b; c d 夜里")
    assert (event["STATUS"], event["TRANSP"]) == ("TENTATIVE", "TRANSPARENT")


def test_a_later_file_about_the_same_ticket_is_the_same_event():
    """Calendar programs know it by its UID, which is of the ticket's key alone."""
    ticket = new_ticket(windows=(ZONED,))
    later = proposed_window(ticket, NOON + timedelta(days=1)).content
    assert icalendar.Calendar.from_ical(later).events[0]["UID"] == event_of(ticket)["UID"]


def test_a_title_cannot_add_a_line():
    """What looks like the file's own syntax is only text."""
    event = event_of(new_ticket(title="x\r\nATTENDEE:mailto:eve@evil.test", windows=(ZONED,)))
    assert "ATTENDEE" not in event
    assert event["SUMMARY"] == "x ATTENDEE:mailto:eve@evil.test"


def test_without_a_window_there_is_no_file():
    """No window fits: there is nothing to put into a calendar."""
    assert proposed_window(new_ticket(windows=()), NOON) is None
