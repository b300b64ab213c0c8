"""What the customer's pages show, as plain data: whoever has these can have the pages, also where no agent is beside them.

Times are unix seconds. Titles and measurements are sentences in the reader's language already, and hold no more than a ticket's
core does; everything else is put into words by the templates.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agent.chart import Chart
from agent.status import Health
from agent.web.consent import ConsentView
from thresholds import Forecast
from ticketing_clients import Document, Priority

#: how a case stands, as the customer sees it
Standing = Literal["diagnosed", "agreed", "worked_on", "put_off", "checked", "waiting", "done"]
#: what a happening on a case's time line is about; the templates say it
Story = Literal[
    "seen",
    "ticket_opened",
    "told_with_others",
    "raised",
    "written",
    "attached",
    "ticket_resolved",
    "reply",
    "acknowledge",
    "confirm",
    "accept_window",
    "defer",
    "wont_fix",
    "resolve",
    "reopen",
    "rate",
    "cause",
    "done",
    "worse",
    "note_ended",
    "deferral_ended",
    "recovering",
    "relapsed",
    "verified",
    "returned",
    "closed_by_person",
    "closed_by_rule",
    "closed_by_parent",
    "gone",
    "answer_met",
    "answer_missed",
    "fix_met",
    "fix_missed",
    "window_moved",
    "window_over",
    "window_withdrawn",
    "escalated",
    "maintenance_ended",
]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A time for the work: agreed by a person, or proposed."""

    start: float
    end: float
    agreed: bool = False


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """One case as the customer sees it.

    path: of its page, empty where it has none. since: when it came to stand so. settled_by: until when the desk promised to
    have it settled. next_at: when there will be news at the latest, None when there is news as soon as something changes.
    until: when what is put off comes up again. ticket: what people call it, empty until the desk has it.
    others: how many more problems its ticket speaks for.
    """

    title: str
    priority: Priority
    standing: Standing
    since: float
    path: str = ""
    measured: str = ""
    forecast: Forecast | None = None
    windows: tuple[Window, ...] = ()
    settled_by: float | None = None
    next_at: float | None = None
    until: float | None = None
    handler: str = ""
    ticket: str = ""
    url: str = ""
    others: int = 0
    chart: Chart | None = None


class DeskView(msgspec.Struct, frozen=True, kw_only=True):
    """A service desk, as this host finds it. reachable: None before anything was to be sent. waiting: messages on their way."""

    name: str
    reachable: bool | None = None
    waiting: int = 0
    oldest_at: float | None = None
    refused: int = 0
    last_contact: float | None = None


class FrontView(msgspec.Struct, frozen=True, kw_only=True):
    """The front page. at: as of when. next_at: when it is measured again. more: cases that are not listed.

    glance: drawings of what everybody asks about, whether or not there is a problem.
    unchecked: what could not be checked, as people call it. unjudged: how much was measured and cannot be judged yet.
    """

    host: str
    zone: str
    at: float
    next_at: float
    health: Health
    cases: tuple[CaseView, ...] = ()
    more: int = 0
    done: tuple[CaseView, ...] = ()
    glance: tuple[Chart, ...] = ()
    unchecked: tuple[str, ...] = ()
    unjudged: int = 0
    desks: tuple[DeskView, ...] = ()
    consent: ConsentView | None = None


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's time line. by: the person. kind: None where only IT's words (`plain`) say it."""

    at: float
    kind: Story | None
    by: str = ""
    plain: str = ""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text on the ticket: what was sent, exactly, or what a person wrote (`by`). public: whether the customer sees it."""

    at: float
    title: str = ""
    body: Document | None = None
    words: str = ""
    by: str = ""
    desk: str = ""
    public: bool = True


class StoryView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one case: how it stands, what happened, oldest first, and what was written."""

    host: str
    zone: str
    at: float
    case: CaseView
    happened: tuple[Happening, ...] = ()
    texts: tuple[Text, ...] = ()
