"""An appointment as a calendar file (RFC 5545), which mail programs and desks offer to put into a calendar.

Published, not an invitation (RFC 5546): nobody is asked to answer it, people answer on the ticket. A later version with the same
UID and a higher SEQUENCE takes an earlier one's place; one that is taken back is cancelled.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vCalAddress

from ticketing_clients._document import cut, one_line
from ticketing_clients._ticket import Appointment, Attachment

LONGEST_SUMMARY = 200  # code points
STATUS = {"tentative": "TENTATIVE", "confirmed": "CONFIRMED", "cancelled": "CANCELLED"}
# Whose entry it is has to be said (RFC 5546); nobody reads mail to a host, and this is how programs write that.
NOBODY = "invalid:nomail"


def calendar_file(appointment: Appointment, at: datetime) -> Attachment:
    """Return `appointment` as a file made at `at`; its name holds the version, for desks that keep one file of a name."""
    method = "CANCEL" if appointment.status == "cancelled" else "PUBLISH"
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", at.astimezone(UTC))
    start, end = (_local(moment, appointment.zone) for moment in (appointment.start, appointment.end))
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", cut(one_line(appointment.summary), LONGEST_SUMMARY))
    event.add("description", one_line(appointment.description))
    event.add("status", STATUS[appointment.status])
    event.add("transp", "OPAQUE" if appointment.status == "confirmed" else "TRANSPARENT")
    organizer = vCalAddress(NOBODY)
    organizer.params["CN"] = "Foretell"
    event.add("organizer", organizer)
    calendar = Calendar()
    calendar.add("prodid", "-//Foretell//Foretell//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if start.tzinfo is not UTC or end.tzinfo is not UTC:
        calendar.add_component(_zone(appointment))
    calendar.add_component(event)
    return Attachment(
        name=f"maintenance-{appointment.sequence}.ics",
        media_type=f"text/calendar; charset=utf-8; method={method}",
        content=calendar.to_ical(),
    )


def _zone(appointment: Appointment) -> Timezone:
    """Return the zone's rules around the appointment: who reads it need not have a zone database, or the same one."""
    around = timedelta(days=366)
    return Timezone.from_tzinfo(
        ZoneInfo(appointment.zone),
        appointment.zone,
        first_date=(appointment.start - around).date(),
        last_date=(appointment.end + around).date(),
    )


def _local(moment: datetime, zone: str) -> datetime:
    """Return `moment` as people there write it; in UTC where their clocks show that time twice and the second is meant."""
    local = moment.astimezone(ZoneInfo(zone))
    again = local.replace(fold=0).astimezone(UTC)
    return local if zone != "UTC" and again == moment.astimezone(UTC) else moment.astimezone(UTC)
