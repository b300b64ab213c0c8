"""What is looked at on a live Zendesk for `foretell doctor`. Nothing is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ticketing_clients._client import Check
from ticketing_clients._errors import Rejected
from ticketing_clients._ticket import Status
from ticketing_clients._understanding import absent
from ticketing_clients._zendesk.answers import Field, Settings, User
from ticketing_clients._zendesk.rest import ZendeskRest

URGENCIES: tuple[str | None, ...] = (None, "low", "normal", "high", "urgent")
FEW_PRIORITIES = 1  # the sub-type of a priority field that has only normal and high


def urgency(priority: str | None) -> int:
    """Return how urgent one of Zendesk's priorities is, 0 for none and for what is none."""
    return URGENCIES.index(priority) if priority in URGENCIES else 0


def checks(
    rest: ZendeskRest,
    *,
    group: int | None,
    largest_attachment: int,
    set_on_create: Collection[str],
    set_to_solve: Collection[str],
    task: bool,
    priorities: list[str],
    statuses: Mapping[Status, list[int]],
) -> list[Check]:
    """Return what was found.

    set_on_create, set_to_solve: ids of custom fields. task: whether tickets are tasks. priorities: those for P1 to P4.
    statuses: ids of custom ones.
    """
    us, settings = rest.us(), rest.settings()
    fields = [one for one in rest.fields() if one.active]
    return [
        Check.of("login", found=f"{us.name} ({us.role}), the one sender of all that we say"),
        *_of_account(us, settings, largest_attachment),
        *_of_group(rest, group),
        *_of_fields(fields, set_on_create, set_to_solve, task=task),
        _of_priorities(fields, priorities),
        *_of_statuses(rest, statuses),
    ]


def _of_account(us: User, settings: Settings, largest: int) -> Iterator[Check]:
    limits = [f"sees only the tickets {us.ticket_restriction}"] if us.ticket_restriction else []
    limits += ["may not comment in public"] if us.only_private_comments else []
    yield Check.of("rights", ", ".join(limits), "give this agent a role that sees and answers all tickets")
    yield Check.of("tags", "" if settings.tickets.tagging else "switched off", "switch tags on for tickets")
    allowed = settings.limits.attachment_size or largest
    yield Check.of("attachments", "" if largest <= allowed else f"up to {allowed} bytes", "lower largest_attachment")


def _of_group(rest: ZendeskRest, group: int | None) -> Iterator[Check]:
    if group is not None:
        try:
            rest.http.get(f"groups/{group}", dict[str, Any])
            wrong = ""
        except Rejected as error:
            wrong = str(error)
        yield Check.of(f"group {group}", wrong, "write the id of a group, as in its address")


def _of_fields(
    fields: list[Field], set_on_create: Collection[str], set_to_solve: Collection[str], *, task: bool
) -> Iterator[Check]:
    known = {str(one.id) for one in fields}
    missing = sorted({*set_on_create, *set_to_solve} - known)
    yield Check.of("custom fields", ", ".join(f"no {one}" for one in missing), "write the ids of active ones")
    # Those that cannot be removed are Zendesk's own, which we set or which always have a value.
    unset = [
        f"{one.title} ({one.id})"
        for one in fields
        if one.required and one.removable and str(one.id) not in {*set_on_create, *set_to_solve}
    ]
    yield Check.of("required to solve", ", ".join(unset), "set them in resolve_fields")
    if task:
        wrong = "" if any(one.type == "tickettype" for one in fields) else "not active"
        yield Check.of("type", wrong, "activate the ticket field Type: only a task has a time by which it is due")


def _of_priorities(fields: list[Field], priorities: list[str]) -> Check:
    few = any(one.type == "priority" and one.sub_type_id == FEW_PRIORITIES for one in fields)
    wrong = [f"no {one}" for one in dict.fromkeys(priorities) if few and one in {"low", "urgent"}]
    order = [urgency(one) for one in priorities]
    if order != sorted(order, reverse=True):
        wrong.append(f"{priorities} for P1 to P4 are not in falling order")
    return Check.of("priorities", ", ".join(wrong), "set those that the account has in priorities")


def _of_statuses(rest: ZendeskRest, statuses: Mapping[Status, list[int]]) -> Iterator[Check]:
    if statuses:
        active = {one.id for one in rest.statuses().values() if one.active}
        yield Check.of("statuses", absent(statuses, active), "set the ids of active custom ones in statuses")
