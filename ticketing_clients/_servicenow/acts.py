"""What people did on a ServiceNow record, from its journal, its history, or else from the record itself.

Journal entries are in `sys_journal_field`, changes of fields in `sys_audit`. The role itil of a stock instance may read neither;
a read rule (ACL) on the first gives us answers in words, one on the second who did what when.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from ticketing_clients._acts import lines_of, meant_by, plain_of_html, said
from ticketing_clients._servicenow.records import Record
from ticketing_clients._ticket import WORKING, Act, ActKind, Status

JOURNAL_FIELDS = "sys_id,element,value,sys_created_by,sys_created_on"
HISTORY_FIELDS = "sys_id,fieldname,oldvalue,newvalue,user,sys_created_on"
SYSTEM = "system"  # the user of jobs and rules, such as the one that closes what was resolved long ago
SOMEBODY = "somebody"

# What ServiceNow shows as HTML within an otherwise plain journal.
_HTML = re.compile(r"\[code\](.*?)\[/code\]", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"\[(?=/?code\])", re.IGNORECASE)


def acts_of(
    there: Record, journal: Iterable[Record], history: list[Record], us: Record, status: Callable[[str, str], Status]
) -> tuple[Act, ...]:
    """Return what people who are not us did, oldest first. `status` tells what a state, and `active` beside it, means."""
    nobody = {us.value("user_name"), SYSTEM}
    told = (act for one in journal if one.value("sys_created_by") not in nobody for act in _said(one))
    done: Iterable[Act]
    if history:
        done = (act for one in history if one.value("user") not in nobody for act in _done(one, status))
    else:
        done = _standing(there, us, status(there.value("state"), there.value("active")))
    return tuple(sorted((*done, *told), key=lambda act: act.at))


def as_plain(text: str) -> str:
    """Return `text` so that a journal shows it as it is."""
    return _TAG.sub("[\N{WORD JOINER}", text)


def _said(entry: Record) -> Iterator[Act]:
    """Yield what somebody wrote: a reply where the customer sees it, and what it spells out wherever it stands."""
    text = lines_of(_HTML.sub(lambda html: plain_of_html(html[1]), entry.value("value")))
    if text:
        internal = entry.value("element") != "comments"
        yield from said(entry.value("sys_id"), entry.value("sys_created_by"), _made(entry), text, internal=internal)


def _done(change: Record, status: Callable[[str, str], Status]) -> Iterator[Act]:
    kind: ActKind | None = None
    if change.value("fieldname") == "assigned_to":
        kind = "acknowledge" if change.value("newvalue") else None
    elif change.value("oldvalue"):
        kind = meant_by(status(change.value("oldvalue"), ""), status(change.value("newvalue"), ""))
    if kind:
        yield Act(id=change.value("sys_id"), kind=kind, by=change.value("user"), at=_made(change))


def _standing(there: Record, us: Record, status: Status) -> Iterator[Act]:
    """Yield what the record shows of its past to a user who may not read its history.

    An id holds what stays as it is until it happens again. Who put a ticket on hold, or took it without being assigned, is only
    known until somebody else changes it.
    """
    ours, again = us.value("sys_id"), there.value("reopen_count") or "0"
    changed = there.time("sys_updated_on") or datetime.fromtimestamp(0, UTC)
    updated_by = there.value("sys_updated_by")
    by = there.shown("assigned_to") or (
        updated_by if updated_by not in {us.value("user_name"), SYSTEM, ""} else SOMEBODY
    )
    if status not in WORKING:
        which = "resolved" if status != "rejected" and there.value("resolved_by") else "closed"
        who, at = there.value(f"{which}_by"), there.time(f"{which}_at")
        kind = meant_by("open", status)
        if kind and who and at and who != ours:
            yield Act(id=f"{status}.{at:%Y%m%d%H%M%S}", kind=kind, by=there.shown(f"{which}_by"), at=at)
        return
    reopened_by, at = there.value("reopened_by"), there.time("reopened_time")
    if reopened_by and at and reopened_by != ours:
        yield Act(id=f"reopen.{at:%Y%m%d%H%M%S}", kind="reopen", by=there.shown("reopened_by"), at=at)
    if status == "waiting":
        yield Act(id=f"waiting.{again}.{there.value('hold_reason')}", kind="defer", by=by, at=changed)
    elif status == "open" and reopened_by != ours:  # nobody but a person starts work on it
        yield Act(id=f"open.{again}", kind="acknowledge", by=by, at=changed)


def _made(row: Record) -> datetime:
    return row.time("sys_created_on") or datetime.fromtimestamp(0, UTC)
