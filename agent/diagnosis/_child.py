"""Starts the child that makes a diagnosis, and always has an answer: where the child failed, it says so."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from agent.diagnosis._diagnosis import Diagnosis, Request, Unseen
from agent.diagnosis._runner import GRACE
from agent.system.children import ChildError, run_child

# What its start and end may take on a host with little time for it. Seconds.
PATIENCE = 15.0
LARGEST_ANSWER = 4 << 20
# -P: the folder it starts in brings no modules. -B: it writes none.
_ARGV = (sys.executable, "-E", "-P", "-B", "-m", "agent.diagnosis")


def memory_file(state_dir: Path, key: str) -> str:
    """Return the file in which the diagnoses of the case with this key remember what they found."""
    return str(state_dir / "diagnosis" / key)


def diagnose(request: Request) -> Diagnosis:
    """Make the diagnosis that `request` asks for, in a child of low priority. Returns within its time and a little more.

    Raises nothing: a child that was killed or not understood is a Diagnosis that is not `finished`, and `unseen` says why.
    """
    at = time.time()
    try:
        done = run_child(
            _ARGV,
            timeout=request.seconds + GRACE + PATIENCE,
            limit=LARGEST_ANSWER,
            reads=msgspec.json.encode(request),
        )
        if done.status == 0:
            return msgspec.json.decode(done.output.encode("utf-8", "surrogateescape"), type=Diagnosis)
        last = done.errors.strip().rpartition("\n")[2]
        hint = f"its child ended with status {done.status}: {last}"
    except (ChildError, ValueError, RecursionError) as error:
        hint = str(error)
    unseen = (Unseen(what="diagnosis", reason="failed", hint=hint),)
    return Diagnosis(id=request.id, subject=request.subject, at=at, unseen=unseen, finished=False)
