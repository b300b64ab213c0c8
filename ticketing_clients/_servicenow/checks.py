"""What `foretell doctor` asks a ServiceNow instance. What a stock role may not read is said, and not held against the desk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ticketing_clients._client import Check
from ticketing_clients._errors import Rejected
from ticketing_clients._servicenow.records import condition
from ticketing_clients._servicenow.rest import ServiceNowRest
from ticketing_clients._ticket import Status

MEGABYTE = 1024 * 1024
UNTOLD = "this user may not read what the desk allows"


def checks_of(
    rest: ServiceNowRest,
    *,
    table: str,
    searched: Sequence[str],
    given: Collection[str],
    group: str,
    statuses: Mapping[Status, Collection[str]],
    close_code: str,
    priorities: Sequence[tuple[int, int, int]],
    largest_attachment: int,
) -> list[Check]:
    """Return one check per thing that can keep tickets from being opened, followed or resolved.

    given: the fields that we set. priorities: impact, urgency, and the priority that is expected of them.
    """
    us = rest.us()
    checks = [Check.of("login", found=us.value("user_name"))]
    hint = f"write the table's name, and give {us.value('user_name')} a role that reads it, such as itil"
    try:
        wrong = [(field, rest.unsearchable(field)) for field in searched]
    except Rejected as error:
        return [*checks, Check.of(f"table {table}", str(error), hint)]
    checks += [
        Check.of(f"field {field}", why, "use a text field of the table that this user may read and write")
        for field, why in wrong
    ]
    if group:
        found = rest.readable("sys_user_group", condition("sys_id", group), "sys_id,name")
        why = "" if any(one.value("sys_id") == group for one in found) else "not seen"
        checks.append(Check.of(f"group {group}", why, "write the sys_id of a group, as in its address"))
    checks += [
        _choice(rest, table, "state", [one for known in statuses.values() for one in known], "statuses"),
        _choice(rest, table, "close_code", [close_code], "close_code"),
    ]
    checks += [_priorities(rest, priorities), _policies(rest, table, given), _size(rest, largest_attachment)]
    return [*checks, *_stories(rest, table)]


def _choice(rest: ServiceNowRest, table: str, field: str, wanted: Collection[str], option: str) -> Check:
    """Look whether `wanted` are among the values to choose from; a table without its own has those of task."""
    query = f"{condition('name', table, 'task')}^{condition('element', field)}^{condition('inactive', 'false')}"
    found = [one for one in rest.readable("sys_choice", query, "name,element,value") if one.value("element") == field]
    names = {one.value("name") for one in found}
    values = {one.value("value") for one in found if one.value("name") == (table if table in names else "task")}
    unknown = ", ".join(sorted(set(wanted) - values))
    why = f"no {unknown} among {', '.join(sorted(values))}" if values and unknown else ""
    return Check.of(option, why, f"set what the desk has in {option}", found="well" if values else UNTOLD)


def _priorities(rest: ServiceNowRest, expected: Sequence[tuple[int, int, int]]) -> Check:
    rules = rest.readable("dl_u_priority", condition("active", "true"), "impact,urgency,priority")
    made = {(one.number("impact", 0), one.number("urgency", 0)): one.number("priority", 0) for one in rules}
    wrong = [
        f"impact {i} and urgency {u} make {made.get((i, u), 'none')}, not {p}"
        for i, u, p in expected
        if made.get((i, u)) != p
    ]
    rising = sorted(p for _, _, p in expected) == [p for _, _, p in expected]
    why = "; ".join(wrong if made else []) or ("" if rising else "P1 to P4 are not from the most to the least urgent")
    return Check.of(
        "priorities", why, "set impact, urgency and priority of each in priorities", found="well" if made else UNTOLD
    )


def _policies(rest: ServiceNowRest, table: str, given: Collection[str]) -> Check:
    """Look which fields a data policy wants, on opening or on resolving, that we do not set."""
    query = f"{condition('table', table, 'task')}^{condition('mandatory', 'true')}"
    rules = rest.readable("sys_data_policy_rule", query, "table,field,mandatory")
    ours = [one for one in rules if one.value("table") in {table, "task"} and one.value("mandatory") == "true"]
    missing = ", ".join(sorted({one.value("field") for one in ours} - set(given)))
    return Check.of(
        "required fields",
        missing and f"data policies may want {missing}",
        "set them in fields",
        found="well"
        if rules
        else "this user may not read data policies; a ticket that lacks a field says so when it is refused",
    )


def _size(rest: ServiceNowRest, largest: int) -> Check:
    name = "com.glide.attachment.max_size"
    found = [
        one
        for one in rest.readable("sys_properties", condition("name", name), "name,value")
        if one.value("name") == name
    ]
    most = found[0].number("value", 0) * MEGABYTE if found else 0
    why = f"the desk takes {most} bytes, less than largest_attachment" if most and most < largest else ""
    return Check.of("attachments", why, "lower largest_attachment", found=f"up to {most} bytes" if most else UNTOLD)


def _stories(rest: ServiceNowRest, table: str) -> list[Check]:
    """Look whether answers and the history of fields are told: any row of the table shows it."""
    journal = rest.readable("sys_journal_field", condition("name", table), "sys_id")
    history = rest.readable("sys_audit", condition("tablename", table), "sys_id")
    hint = "give this user's role a read rule (ACL) on sys_journal_field, its fields included"
    untold = "not readable: who did what is told by the ticket's present state alone"
    return [
        Check.of("answers", "" if journal else "not readable: what people write is not seen", hint),
        Check.of("history", found="well" if history else untold),
    ]
