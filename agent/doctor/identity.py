"""Whether the desk knows this host as it knows itself: a cloned machine shares its id, a re-imaged one has lost it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.system.host import HostIdentity
from ticketing_clients import Check, FoundTicket, NamesHosts, TicketingClient

SUBJECT = "host's identity"
MOST_NAMED = 3


def check_identity(client: TicketingClient, host: HostIdentity) -> list[Check]:
    """Look for open tickets that contradict the host's id or name; empty where the desk cannot be asked. Raises DeskError."""
    if not client.capabilities.list_open:
        return []
    ours = client.list_open(host.id)
    strange = [one for one in ours if one.title and not one.names(host.name)]
    namesakes = client.list_named(host.name) if isinstance(client, NamesHosts) else []
    others = [one for one in namesakes if one.host != host.id]
    checks = []
    if strange:
        found = f"this host's id is on tickets that do not name {host.name}: {_listed(strange)}"
        hint = "a cloned machine? give one of the two an id of its own in host.id"
        checks.append(Check(subject=SUBJECT, well=False, found=found, hint=hint))
    if others:
        found = f"{host.name} is named in tickets of another host id: {_listed(others)}"
        hint = f'set up anew? write host.id = "{others[0].host}" to go on with them, or close them'
        checks.append(Check(subject=SUBJECT, well=False, found=found, hint=hint))
    return checks or [Check(subject=SUBJECT, well=True, found=f"{host.name} ({host.id}), {len(ours)} open tickets")]


def _listed(tickets: Sequence[FoundTicket]) -> str:
    more = f" and {len(tickets) - MOST_NAMED} more" if len(tickets) > MOST_NAMED else ""
    return ", ".join(f"{one.ref.id} ({one.title})" for one in tickets[:MOST_NAMED]) + more
