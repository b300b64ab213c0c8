"""What people did on a Zendesk ticket, read from its audits: one audit is one update, whatever was changed and said in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from ticketing_clients._acts import LONGEST_TEXT, meant_by, plain_of_html, said
from ticketing_clients._document import cut
from ticketing_clients._ticket import Act, ActKind, Status
from ticketing_clients._zendesk.answers import Audit, Event, ZendeskTicket

_SCORES = {"good": 5, "bad": 1}  # also as `good_with_comment` and `bad_with_comment`
MERGED = "closed_by_merge"  # the tag that Zendesk gives to a ticket which it closed by merging it into another


def acts_in(
    audits: Sequence[Audit],
    names: Mapping[int, str],
    there: ZendeskTicket,
    us: int,
    meaning: Callable[[str, str], Status],
) -> Iterator[Act]:
    """Yield what people did, oldest first, in all `audits` of the ticket `there`.

    People are neither we, nor the desk's automations (which are nobody), nor its triggers (which work within a person's update).
    names: of people by their ids. meaning: what a status and a custom status' id, as audits write them, mean.
    """
    status, custom = "new", ""
    for audit in audits:
        before, moved, taken = meaning(status, custom), False, False
        for event in audit.events:
            by_person = event.via is None or event.via.channel != "rule"
            match event.type, event.field_name:
                case "Create" | "Change", "status":
                    status, moved = str(event.value), moved or by_person
                case "Create" | "Change", "custom_status_id":
                    custom, moved = str(event.value), moved or by_person
                case "Change", "assignee_id":
                    taken = bool(event.value) and by_person
        if audit.author_id == us or audit.author_id < 1:
            continue
        by = names.get(audit.author_id, str(audit.author_id))
        kind = _meant(before, meaning(status, custom) if moved else before, there, taken=taken)
        # An answer of the customer makes a waiting ticket open: nobody has taken it on by that.
        if kind and not (kind == "acknowledge" and audit.author_id == there.requester_id):
            yield Act(id=f"{audit.id}.status", kind=kind, by=by, at=audit.created_at)
        for event in audit.events:
            if event.type == "Comment":
                yield from _said(event, audit, by)


def _meant(before: Status, after: Status, there: ZendeskTicket, *, taken: bool) -> ActKind | None:
    """Return what a person meant by changing the status, or else by giving the ticket to somebody."""
    if before == after:
        return "acknowledge" if taken else None
    merged = after == "closed" and MERGED in there.tags
    return None if merged else meant_by(before, after)


def _said(event: Event, audit: Audit, by: str) -> Iterator[Act]:
    """Yield what a person wrote: what it spells out, or else a reply if it is not among the desk's own people."""
    text = plain_of_html(event.html_body) if event.html_body else (event.body or "").strip()
    if text:
        yield from said(str(event.id), by, audit.created_at, text, internal=not event.public)


def rating_in(there: ZendeskTicket, requester: str) -> Iterator[Act]:
    """Yield the answer to Zendesk's own question of how satisfied the requester is, as a rating of 5 or of 1.

    The ticket tells no time of it but that of its last change.
    """
    said = there.satisfaction_rating
    score = said.score.partition("_")[0] if said else ""
    if said is not None and score in _SCORES:
        yield Act(
            id=f"satisfaction-{said.id}-{score}",
            kind="rate",
            by=requester,
            at=datetime.fromisoformat(there.updated_at),
            text=cut(said.comment or "", LONGEST_TEXT),
            option=_SCORES[score],
        )
