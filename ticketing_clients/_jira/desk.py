"""A project of Jira as a desk: everything that is the same for Jira and for Jira Service Management.

How Jira is asked is in `platform`, how our tickets are known again in `labels`, how a workflow is read in `workflow`. The file is
longer than most, because no change of an issue may be taken as done, and two products stand on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, ClassVar

from ticketing_clients._acts import has_mark, plain_of_html
from ticketing_clients._asking import read_back
from ticketing_clients._client import Capabilities, Check, ClientContext
from ticketing_clients._errors import Conflict, DeskError, NotApplied, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients._jira.acts import acts_of
from ticketing_clients._jira.answers import Issue, Transition
from ticketing_clients._jira.checks import site_checks
from ticketing_clients._jira.labels import HOST, KEY, host_mark, labels_of, marks, without_clones
from ticketing_clients._jira.options import PRIORITIES, JiraPlatformOptions
from ticketing_clients._jira.platform import PER_ISSUE_LIMIT, Platform, quoted
from ticketing_clients._jira.text import LONGEST_SUMMARY, LONGEST_TEXT, summary
from ticketing_clients._jira.workflow import Meanings, listed, only_way, values_for
from ticketing_clients._ticket import (
    WORKING,
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Status,
    Ticket,
    TicketRef,
    TicketState,
)
from ticketing_clients._understanding import first_moment, most_urgent

KNOWN_BY = ("labels", "status", "creator", "summary")  # the fields by which our tickets are known
STATE = "status,priority,assignee,duedate,resolution"


def upload(attachment: Attachment) -> dict[str, Any]:
    """Return how a file is sent to Jira, which blocks forms of other sites unless they say that they are none."""
    file = (attachment.name, attachment.content, attachment.media_type)
    return {"files": {"file": file}, "headers": {"X-Atlassian-Token": "no-check"}}


class JiraDesk:
    """One project of a Jira, as the account of a token sees it. A product on it adds how to open, comment and attach."""

    _known_by: ClassVar[tuple[str, ...]] = KNOWN_BY
