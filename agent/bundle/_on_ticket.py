"""What of a first look may stand on the ticket itself: its facts, every text of them redacted as a line of the bundle is."""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis import Diagnosis, DiagnosisFact
from agent.following.facts import DiagnosisFacts, FoundFact, UnseenFact
from agent.redaction import Redactor, Report

#: what a fact may be about on a ticket; names of users and numbers of processes serve nobody there
LABELS = ("path", "program", "unit", "needed_by", "device", "fstype", "mode", "window", "resource", "kind")


def on_ticket(found: Diagnosis, redactor: Redactor) -> DiagnosisFacts:
    """Return what of `found` the ticket may say at consent `facts`. Raises LeftOut: then it may say nothing of it."""
    facts = tuple(fact for one in found.within("facts").facts for fact in _fact(one, redactor))
    unseen = tuple(UnseenFact(what=one.what, reason=one.reason, count=one.count) for one in found.unseen)
    return DiagnosisFacts(at=found.at, found=facts, unseen=unseen)


def _fact(fact: DiagnosisFact, redactor: Redactor) -> Iterator[FoundFact]:
    """Yield the fact, or nothing when one of its texts may not leave at all."""
    texts = {label: fact.labels[label] for label in LABELS if fact.labels.get(label)}
    if isinstance(fact.value, str):
        texts["value"] = fact.value
    kept = {name: line for name, text in texts.items() for line in _redacted(text, redactor)}
    if kept.keys() == texts.keys():
        value = kept.pop("value", "") if isinstance(fact.value, str) else fact.value
        yield FoundFact(name=fact.name, value=value, unit=fact.unit, labels=kept, whole=fact.whole)


def _redacted(text: str, redactor: Redactor) -> Iterator[str]:
    return redactor.lines("text", [text.encode("utf-8", "surrogateescape")], Report())
