"""What commands share that look into the state folder beside a running daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.commands.exits import CommandFailed, Exit
from agent.following.model import Case
from agent.store import Store


@contextmanager
def opened_store(state_dir: Path) -> Iterator[Store]:
    """Open the store of an agent that has run here before; a command never makes one."""
    if not Store.exists(state_dir):
        raise CommandFailed(f"there are no records in {state_dir}: no agent has run on it yet", Exit.USAGE)
    with Store.open(state_dir) as store:
        if store.set_aside is not None:
            raise CommandFailed(
                f"the records in {state_dir} were damaged and are set aside as {store.set_aside.name}; "
                "`foretell run` begins anew and asks the desk what is open",
                Exit.TEMPORARY,
            )
        yield store


def the_case(store: Store, prefix: str) -> Case:
    """Return the case whose key begins with `prefix`, if only one does."""
    found = store.find_cases(prefix)
    if len(found) != 1:
        what = "No case's key begins" if not found else f"{len(found)} cases' keys begin"
        raise CommandFailed(f"{what} with {prefix!r}; see `foretell cases list`", Exit.USAGE)
    return found[0]
