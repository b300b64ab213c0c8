"""Consent: who allowed which level of data for which customer and ticket class, until when, in which wording. Pure.

A record is a list of entries in the order in which they were written. For one ticket the last that speaks of it decides
alone: a grant gives its level until its end and `none` from that second on, a revocation gives `none`. So a lower grant
lowers, and the end of a grant never brings an older one back. Every doubt (a grant from the future, a class that is not
known, a file that is gone) is `none`. `agent.consent.record` keeps the record, `agent.consent.gate` is asked before data
leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

import msgspec

from agent.configuration.settings import DAY
from ticketing_clients import TicketType

#: each lets out what those before it let out, and more
Level = Literal["none", "facts", "excerpt", "logs"]
LEVELS: tuple[Level, ...] = get_args(Level)

#: what may leave now on tickets of a rule and type; of a type that is not known, or of all, the least
Allowed = Callable[[str, TicketType | None], Level]

#: what can leave this host, by what it tells about it
Kind = Literal[
    "core",  # DESIGN's closed list: host label, rule, subject, measured value and limit, dates, priority, agent version
    "measurement",  # further numbers about the subject, under keys known to `agent.consent.evidence`
    "serial",
    "version",
    "unit",
    "process",
    "path",  # also below the mount
    "package",
    "line",  # of a log, allowlisted and redacted
    "tail",  # of a log, for a limited time, redacted; a person is asked each time
]
#: The least level at which each kind may leave: the one table that every channel goes by. What is not in it (names of users,
#: of other hosts, addresses) leaves at no level; redaction puts pseudonyms in its place.
NEEDED: Mapping[Kind, Level] = {
    "core": "none",
    "measurement": "facts",
    "serial": "facts",
    "version": "facts",
    "unit": "facts",
    "process": "facts",
    "path": "facts",
    "package": "facts",
    "line": "excerpt",
    "tail": "logs",
}

#: versions of what people are shown when they grant: a file in `wording/templates/consent/`, and the language if not English
WORDINGS = ("1", "1.zh_Hans", "1.zh_Hant")
NEWEST_WORDING = "1"
#: consent is asked for anew at least once a year, and a month to do so
LONGEST = 400 * DAY
TYPES: tuple[TicketType, ...] = get_args(TicketType)
BY_TYPE = "type:"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=str.lower):
    """A line of the record. A field that is not known may narrow what is allowed, so such a line is not read."""


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tickets are spoken of.

    customer: id. classes: shell patterns of rule ids (`disk_*`, and gatherings such as `storm`), or of ticket types where
    they begin with `type:` (`type:capacity`); a leading '!' excludes; all tickets when there are none.
    """

    customer: str
    classes: tuple[str, ...] = ()

    def covers(self, customer: str, rule: str, type_: TicketType) -> bool:
        """Return whether tickets of `rule`, which have this type, of this customer are spoken of."""
        excluded = [one.removeprefix("!") for one in self.classes if one.startswith("!")]
        wanted = [one for one in self.classes if not one.startswith("!")]
        if customer != self.customer or any(_is_of(one, rule, type_) for one in excluded):
            return False
        return not wanted or any(_is_of(one, rule, type_) for one in wanted)


def nothing_allowed(_rule: str, _type: TicketType | None) -> Level:
    """Allow a ticket's core, where nobody can be asked for more."""
    return "none"


def _is_of(pattern: str, rule: str, type_: str) -> bool:
    if pattern.startswith(BY_TYPE):
        return fnmatchcase(type_, pattern.removeprefix(BY_TYPE))
    return fnmatchcase(rule, pattern)


class Grant(Entry, frozen=True, kw_only=True):
    """Somebody allowed a level.

    by: the person. entered_by: the account that ran the command, or the key that signed the file. at: unix seconds when it
    was granted. until: unix seconds from which it no longer holds. wording: version of what the person was shown.
    """

    by: Annotated[str, msgspec.Meta(min_length=1)]
    entered_by: str
    at: float
    level: Level
    scope: Scope
    until: float
    wording: str
    way: Literal["command", "file"]


class Revocation(Entry, frozen=True, kw_only=True):
    """Somebody took back whatever was allowed before for these tickets."""

    by: Annotated[str, msgspec.Meta(min_length=1)]
    entered_by: str
    at: float
    scope: Scope


class SignedFile(Entry, frozen=True, kw_only=True, tag="file"):
    """A file that IT signed was found. What it says holds only as long as it lies there.

    at: unix seconds when it was found first. issued: unix seconds, by who made it. digest: SHA-256 of its bytes, in hex.
    key: fingerprint of the key that signed it.
    """

    at: float
    issued: float
    digest: str
    key: str
    decisions: tuple[Grant | Revocation, ...]


class Lapse(Entry, frozen=True, kw_only=True):
    """A grant was seen to have ended; the clock may be set back after that, the grant stays ended.

    line: of the grant or file in the record, from 1. place: of the grant in the file, from 0.
    """

    at: float
    line: int
    place: int = 0


AnyEntry = Grant | Revocation | SignedFile | Lapse


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A grant or revocation with its place in the record, and the file it came in."""

    line: int
    place: int
    made: Grant | Revocation
    file: SignedFile | None = None


Standing = Literal["in_force", "not_yet", "ended", "withdrawn", "replaced"]


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer allows, as far as it is known at one moment. Ask `level` before each thing that leaves.

    entries: the record. file: digest of the signed file that lies there and is good; empty when there is none.
    trouble: why nothing is allowed whatever the record says; empty when it can be trusted.
    file_trouble: why the signed file that lies there was refused.
    hashes: of the record's lines. torn: whether a line that a crash left unfinished is at its end; it never counted.
    """

    customer: str
    entries: tuple[AnyEntry, ...] = ()
    file: str = ""
    trouble: str = ""
    file_trouble: str = ""
    hashes: tuple[str, ...] = ()
    torn: bool = False

    @property
    def anchor(self) -> str:
        """The hash that the record ends with. Kept elsewhere (on a ticket), it shows whether the record was made anew."""
        return self.hashes[-1] if self.hashes else ""

    def level(self, rule: str, type_: TicketType | None, now: float) -> Level:
        """Return what may leave on tickets of `rule` at `now` (unix seconds); a type that is not known allows the least."""
        if self.trouble:
            return "none"
        return allowed(self.entries, self.customer, rule, type_, now, file=self.file)


def wording_in(language: str) -> str:
    """Return the version of the newest text in `language`; of the English one where nobody vouches for a translation.

    >>> wording_in("en"), wording_in("zh_Hant"), wording_in("de")
    ('1', '1.zh_Hant', '1')
    """
    translated = f"{NEWEST_WORDING}.{language}"
    return translated if translated in WORDINGS else NEWEST_WORDING


def lets_out(level: Level, kind: Kind) -> bool:
    """Return whether at `level` something of this kind may leave.

    >>> lets_out("none", "core"), lets_out("none", "path"), lets_out("excerpt", "path"), lets_out("excerpt", "tail")
    (True, False, True, False)
    """
    return at_least(level, NEEDED[kind])


def at_least(level: Level, needed: Level) -> bool:
    """Return whether `level` lets out all that `needed` does."""
    return LEVELS.index(level) >= LEVELS.index(needed)


def lowest(levels: Sequence[Level]) -> Level:
    """Return the least of `levels`: what may leave where several speak, for example on one ticket for many problems."""
    return min(levels, key=LEVELS.index)


def allowed(
    entries: Sequence[AnyEntry], customer: str, rule: str, type_: TicketType | None, now: float, *, file: str = ""
) -> Level:
    """Return the level for tickets of `rule` with this type (None: not known) of `customer` at `now` (unix seconds).

    file: digest of the signed file that lies there now.
    """
    if type_ is None:
        return lowest([allowed(entries, customer, rule, one, now, file=file) for one in TYPES])
    speaking = [one for one in decisions(entries) if one.made.scope.covers(customer, rule, type_)]
    if not speaking or not isinstance(speaking[-1].made, Grant):
        return "none"
    holds = _standing(speaking[-1], _lapsed(entries), now, file) == "in_force"
    return speaking[-1].made.level if holds else "none"


def decisions(entries: Sequence[AnyEntry]) -> Iterator[Decision]:
    """Yield what was granted and revoked, in the order in which it counts."""
    for line, entry in enumerate(entries, 1):
        if isinstance(entry, SignedFile):
            for place, made in enumerate(entry.decisions):
                yield Decision(line=line, place=place, made=made, file=entry)
        elif not isinstance(entry, Lapse):
            yield Decision(line=line, place=0, made=entry)


def standings(consent: Consent, now: float) -> list[tuple[Decision, Standing]]:
    """Return every decision of the record with how it stands at `now`, for people.

    One that a later one with the same classes, or with all, speaks over is replaced.
    """
    lapsed, made = _lapsed(consent.entries), list(decisions(consent.entries))
    stand: list[tuple[Decision, Standing]] = []
    for number, decision in enumerate(made):
        scope = decision.made.scope
        later = [one.made.scope for one in made[number + 1 :]]
        replaced = any(one.customer == scope.customer and one.classes in {(), scope.classes} for one in later)
        standing = _standing(decision, lapsed, now, consent.file)
        stand.append((decision, "replaced" if replaced and standing == "in_force" else standing))
    return stand


def ended(entries: Sequence[AnyEntry], now: float) -> list[Lapse]:
    """Return an entry for every grant that is over at `now` and not yet noted to be."""
    lapsed = _lapsed(entries)
    return [
        Lapse(at=now, line=one.line, place=one.place)
        for one in decisions(entries)
        if isinstance(one.made, Grant) and one.made.until <= now and (one.line, one.place) not in lapsed
    ]


def class_trouble(pattern: str) -> str:
    """Return what is wrong with the ticket class `pattern`; empty when nothing is.

    >>> class_trouble("disk_*"), class_trouble("!type:security"), class_trouble("")
    ('', '', 'it names nothing')
    """
    name = pattern.removeprefix("!")
    if name.startswith(BY_TYPE) and not any(fnmatchcase(f"{BY_TYPE}{one}", name) for one in TYPES):
        return f"no ticket has this type; there are {', '.join(TYPES)}"
    return "" if name else "it names nothing"


def _lapsed(entries: Sequence[AnyEntry]) -> set[tuple[int, int]]:
    return {(one.line, one.place) for one in entries if isinstance(one, Lapse)}


def _standing(decision: Decision, lapsed: set[tuple[int, int]], now: float, file: str) -> Standing:
    """Return how a decision stands, whatever later ones say."""
    found = decision.file
    if found is not None and found.digest != file:
        return "withdrawn"
    if not isinstance(decision.made, Grant):
        return "in_force"
    if now < max(decision.made.at, found.at if found else 0.0):
        return "not_yet"  # the clock was set back; how long it is until the end is not known
    if now >= decision.made.until or (decision.line, decision.place) in lapsed:
        return "ended"
    return "in_force"
