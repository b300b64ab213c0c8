"""A Diagnosis as plain text for IT: what `foretell cases diagnose` prints, and a bundle can carry.

Customers read it in their own language, by templates; here the names of facts stand as they are, only without underscores.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis import Diagnosis, DiagnosisFact, Unseen
from agent.wording import plain


def diagnosis_lines(diagnosis: Diagnosis, zone: str = "UTC") -> Iterator[str]:
    """Yield the lines of `diagnosis`: its facts, then what could not be seen; times are in `zone`. Details are texts already."""
    for fact in diagnosis.facts:
        yield _fact(fact, zone)
    if diagnosis.facts and diagnosis.unseen:
        yield ""
    if diagnosis.unseen:
        yield "Not seen:"
    for unseen in diagnosis.unseen:
        yield f"  {_unseen(unseen)}"


def _fact(fact: DiagnosisFact, zone: str) -> str:
    value = fact.value if isinstance(fact.value, str) else plain.amount(fact.value, fact.unit, zone)
    name = fact.name.removesuffix(f"_{fact.unit}").replace("_", " ")
    about = f"  ({plain.subject(fact.labels)})" if fact.labels else ""
    return f"{name}: {'' if fact.whole else 'at least '}{value}{about}"


def _unseen(unseen: Unseen) -> str:
    count = "" if unseen.count is None else f"{unseen.count} "
    hint = f" ({unseen.hint})" if unseen.hint else ""
    return f"{count}{unseen.what.replace('_', ' ')}: {unseen.reason.replace('_', ' ')}{hint}"
