"""What people did on an issue, from its changes and comments.

============================================  ==============================================
by a person who is not us                     act
============================================  ==============================================
comment that a customer may read              reply, or what its lines `foretell: …` spell
internal comment                              only what its lines spell
assigned to somebody                          acknowledge
status to in progress, waiting                acknowledge, defer
status to done                                resolve; wont_fix with a configured resolution
status to one configured as rejected          wont_fix
status from done to another                   reopen
============================================  ==============================================

An app is no person: what an automation rule closes, nobody said was fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from ticketing_clients._acts import meant_by, plain_of_html, said
from ticketing_clients._jira.answers import Event, Moment, Remark
from ticketing_clients._ticket import Act, ActKind, Status


def acts_of(
    events: Iterable[Event],
    remarks: Iterable[Remark],
    us: str,
    meaning: Callable[[str], Status],
    wont_fix: Collection[str],
) -> tuple[Act, ...]:
    """Return what people who are not `us` (a user's id) did, oldest first.

    meaning: of a status's id. wont_fix: ids of resolutions.
    """
    in_order = sorted(events, key=lambda event: (event.at, int(event.id)))  # the cloud tells the newest first
    found = [act for event in in_order if _person(event, us) for act in _of_event(event, meaning, wont_fix)]
    found += [act for remark in remarks if _person(remark, us) for act in _of_remark(remark)]
    return tuple(sorted(found, key=lambda act: act.at))  # a change before the comment that explains it


def _person(moment: Moment, us: str) -> bool:
    return moment.author is not None and moment.author.id != us and moment.author.account_type != "app"


def _by(moment: Moment) -> str:
    return (moment.author.display_name or moment.author.id) if moment.author else ""


def _of_event(event: Event, meaning: Callable[[str], Status], wont_fix: Collection[str]) -> Iterator[Act]:
    resolution = next((item.to for item in event.items if item.field == "resolution"), None)
    for item in event.items:
        kind: ActKind | None = None
        if item.field == "status" and item.was and item.to:
            kind = meant_by(meaning(item.was), meaning(item.to))
            if kind == "resolve" and resolution in wont_fix:
                kind = "wont_fix"
        elif item.field == "assignee" and item.to:
            kind = "acknowledge"
        if kind:
            yield Act(id=f"{event.id}.{item.field}", kind=kind, by=_by(event), at=event.at)


def _of_remark(remark: Remark) -> Iterator[Act]:
    text = plain_of_html(remark.rendered_body)
    if text:
        # Changes and comments are numbered apart.
        yield from said(f"comment.{remark.id}", _by(remark), remark.at, text, internal=not remark.public)
