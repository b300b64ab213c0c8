"""What a diagnosis is asked, and what it finds: facts for the ticket, details for the bundle, what was not seen. Data only."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from collectors import safe_text

#: what a customer must have allowed before a part may leave the host, from the least to the most
ConsentClass = Literal["facts", "excerpt", "logs"]
_CLASSES: tuple[ConsentClass, ...] = ("facts", "excerpt", "logs")

#: why something was not seen
UnseenReason = Literal["not_permitted", "hidden", "out_of_time", "not_available", "too_many", "gone", "failed"]

# What a fact's label, a line of a detail and a whole detail may be at most, in characters.
LONGEST_PATH = 1000
LONGEST_LINE = 1000
LONGEST_DETAIL = 1 << 16


class DiagnosisFact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found, shaped like a Reading: `name`, `value`, `unit` and `labels` are keys and numbers of no language.

    unit: one of a Reading's, or `text` for a value that is a word of the system's own (`exit-code`, `rw,relatime`).
    consent: what its leaving the host needs. whole: nothing that belongs to it was hidden; otherwise it is "at least".
    """

    name: str
    value: float | str
    unit: str
    labels: dict[str, str] = {}
    consent: ConsentClass = "facts"
    whole: bool = True

    def __post_init__(self) -> None:
        """Make the host's texts harmless."""
        for label, text in self.labels.items():
            self.labels[label] = safe_text(text, LONGEST_PATH)
        if isinstance(self.value, str):
            msgspec.structs.force_setattr(self, "value", safe_text(self.value, LONGEST_LINE))


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """A text for the bundle. `name` is one of the file names in our own code, never of the host's making."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z-]+\.txt$")]
    text: str
    consent: ConsentClass = "facts"
    cut: bool = False


def detail(name: str, lines: list[str], consent: ConsentClass = "facts") -> Detail:
    """Return a Detail of `lines`, each made harmless, cut after the last that fits."""
    kept: list[str] = []
    room = LONGEST_DETAIL
    for line in lines:
        safe = safe_text(line, LONGEST_LINE)
        room -= len(safe) + 1
        if room < 0:
            break
        kept.append(safe)
    return Detail(name=name, text="".join(f"{line}\n" for line in kept), consent=consent, cut=len(kept) < len(lines))


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """Something that belongs to the picture and is missing in it.

    what: a word of ours (`directories`, `processes`, `journal`), or the step of the look that failed.
    count: how many, where that is known. hint: why in plain words, or how to let it be seen.
    """

    what: str
    reason: UnseenReason
    count: int | None = None
    hint: str = ""

    def __post_init__(self) -> None:
        """Make the hint harmless: it may quote a program of the host."""
        msgspec.structs.force_setattr(self, "hint", safe_text(self.hint, 300))


#: what a step of a diagnosis yields
Item = DiagnosisFact | Detail | Unseen


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a diagnosis is asked.

    id: the rule's `diagnosis`, or the rule's own id. subject: the finding's, which says what it is about.
    root: where the host's file system is to be seen. command: of the check that it is about, to be asked again.
    memory: the file in which one look leaves for the next what it found. remember: whether it does; otherwise it only reads it.
    seconds: after so long it ends with what it has found by then.
    """

    id: str
    subject: dict[str, str] = {}
    root: str = "/"
    command: tuple[str, ...] = ()
    memory: str | None = None
    remember: bool = True
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 120.0


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What one diagnosis found. `at`: unix seconds when it began. `seconds`: how long it took.

    id: the file in this package that did the work (`generic` for a rule that has none of its own).
    finished: whether every step came to its end; otherwise `unseen` says what did not.
    """

    id: str
    subject: dict[str, str] = {}
    at: float
    seconds: float = 0.0
    facts: tuple[DiagnosisFact, ...] = ()
    details: tuple[Detail, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    finished: bool = True

    @property
    def whole(self) -> bool:
        """Whether everything that was looked for could be seen."""
        return self.finished and not self.unseen

    def within(self, level: ConsentClass) -> Diagnosis:
        """Return only what may leave the host at this level of consent."""
        allowed = _CLASSES[: _CLASSES.index(level) + 1]
        return msgspec.structs.replace(
            self,
            facts=tuple(fact for fact in self.facts if fact.consent in allowed),
            details=tuple(one for one in self.details if one.consent in allowed),
        )
