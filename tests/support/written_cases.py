"""Cases with their operations as a writer of its own writes and acknowledges them, to be killed, cut off and read again."""

from __future__ import annotations

from pathlib import Path

from agent.following.model import Case, Operation

AT = 1_795_600_800.0
HERE = Path(__file__).parent


def case(number: int, text: str = "") -> Case:
    """Return one of many cases."""
    return Case(
        key=f"{number:064}", rule="r", subject={"text": text}, first_seen=AT, last_seen=AT, changed_at=AT, operations=1
    )


def operation(number: int) -> Operation:
    """Return the opening of that case."""
    key = case(number).key
    return Operation(id=f"{number}-1", case=key, kind="open", topic="opened", desk="rt", facts={}, created_at=AT)


# Each line on standard output acknowledges one case with its operation, after they were written.
WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from written_cases import AT, case, operation
from agent.delivery.outbox import Outbox
from agent.store import Store
with Store.open(Path(sys.argv[1]), now=AT) as store:
    outbox = Outbox(store)
    for number in range(8):
        with store.transaction():
            store.save_case(case(number), ["opened"], AT)
            outbox.queue(operation(number))
        os.write(1, f"{number}\\n".encode())
"""
