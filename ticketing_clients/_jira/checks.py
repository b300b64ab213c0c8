"""What `foretell doctor` asks of a Jira before anything has to be opened: what is missing, and where to mend it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ticketing_clients._client import Check
from ticketing_clients._jira.answers import Field
from ticketing_clients._jira.options import JiraPlatformOptions
from ticketing_clients._jira.platform import Platform
from ticketing_clients._ticket import Priority

# Jira fills these in by itself, whatever the screen says.
GIVEN = frozenset({"project", "issuetype", "reporter"})


def site_checks(platform: Platform, options: JiraPlatformOptions, priorities: Mapping[Priority, str]) -> list[Check]:
    """Look at the account's permissions, and at the ids and names that are configured."""
    lacking = ", ".join(platform.lacking())
    hint = "give this account a role in the project that has them"
    checks = [Check.of("permissions", lacking and f"lacks {lacking}", hint)]
    order, chosen = [one.id for one in platform.priorities()], [priorities[one] for one in sorted(priorities)]
    falling = [one for one in order if one in chosen] == chosen
    names = ", ".join(f"{one.id} {one.name}" for one in platform.priorities())
    wrong = "" if falling else f"{', '.join(chosen)} for P1 to P4 are not in falling order among {names}"
    checks.append(Check.of("priorities", wrong, "set their ids in priorities"))
    there = {one.id for one in platform.statuses()}
    configured = {one for ids in options.statuses.values() for one in ids} | set(options.resolve_via)
    unknown = ", ".join(sorted(configured - there))
    checks.append(Check.of("statuses", unknown and f"no status {unknown}", "set their ids in statuses and resolve_via"))
    resolutions = {one.id: one.name for one in platform.resolutions()}
    wanted = {options.resolution, options.duplicate_resolution, *options.wont_fix_resolutions} - {""}
    unknown = ", ".join(sorted(wanted - set(resolutions)))
    names = ", ".join(f"{number} {name}" for number, name in resolutions.items())
    hint = "set their ids in resolution, duplicate_resolution and wont_fix_resolutions"
    checks.append(Check.of("resolutions", unknown and f"no resolution {unknown} among {names}", hint, found=names))
    unknown = ", ".join(sorted({options.duplicate_link, options.follow_up_link} - set(platform.link_types())))
    checks.append(
        Check.of("links", unknown and f"no type {unknown}", "set their names in duplicate_link, follow_up_link")
    )
    files = platform.attachment_settings()
    wrong = "" if files.enabled else "switched off at this site"
    checks.append(Check.of("attachments", wrong, "switch them on", found=f"up to {files.upload_limit} bytes"))
    return checks


def missing_fields(screen: Mapping[str, Field], given: Mapping[str, Any], needed: Collection[str]) -> str:
    """Return what keeps a ticket with the `given` fields from being made on `screen`; empty when nothing does."""
    absent = sorted(name for name in needed if name not in screen)
    asked = sorted(
        f"{one.name} ({name})"
        for name, one in screen.items()
        if one.required and not one.has_default_value and name not in given and name not in GIVEN
    )
    reasons = [f"the screen has no {', '.join(absent)}"] if absent else []
    reasons += [f"it asks for {', '.join(asked)}, to be set in fields"] if asked else []
    return "; ".join(reasons)
