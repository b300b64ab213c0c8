"""Who allowed what: levels, classes, ends, revocations, and every doubt that allows nothing."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration.config import shipped_rules
from agent.consent.levels import (
    LEVELS,
    NEEDED,
    TYPES,
    Consent,
    Grant,
    Lapse,
    Revocation,
    Scope,
    SignedFile,
    allowed,
    at_least,
    class_trouble,
    ended,
    lets_out,
    standings,
)
from agent.following.follow import GATHERINGS

NOW = 1_795_600_800.0  # 2026-11-25 10:00 UTC
DAY = 86_400.0
CUSTOMER = "acme"
#: every kind of ticket that there is: the shipped rules and gatherings, each with its type
TICKETS = [
    *((name, rule.get("type", "capacity")) for name, rule in shipped_rules().items()),
    *((name, "capacity") for name in sorted(GATHERINGS)),
]
GIVEN = [level for level in LEVELS if level != "none"]


def grant(level="facts", *classes, at=NOW, until=NOW + DAY, customer=CUSTOMER, way="command"):
    """Return a grant, for a day when nothing else is said."""
    return Grant(
        by="Jane Doe",
        entered_by="root",
        at=at,
        level=level,
        scope=Scope(customer=customer, classes=classes),
        until=until,
        wording="1",
        way=way,
    )


def revocation(*classes, at=NOW, customer=CUSTOMER):
    """Return a revocation."""
    return Revocation(by="Jane Doe", entered_by="root", at=at, scope=Scope(customer=customer, classes=classes))


def signed(*decisions, at=NOW, digest="d1"):
    """Return a signed file that was found."""
    return SignedFile(at=at, issued=at - 60, digest=digest, key="SHA256:k", decisions=decisions)


def level(*entries, rule="disk_space", type_="capacity", now=NOW, customer=CUSTOMER, file=""):
    """Return what the entries allow on tickets of a rule."""
    return allowed(entries, customer, rule, type_, now, file=file)


def test_nothing_is_allowed_by_default():
    """Nobody has been asked."""
    assert {level(rule=rule, type_=type_) for rule, type_ in TICKETS} == {"none"}


@pytest.mark.parametrize("given_level", GIVEN)
@pytest.mark.parametrize(("rule", "type_"), TICKETS)
def test_a_grant_for_one_kind_of_ticket_is_for_that_kind_alone(given_level, rule, type_):
    """By the rule's id, by its type, and for all."""
    by_rule = {
        other for other, kind in TICKETS if level(grant(given_level, rule), rule=other, type_=kind) == given_level
    }
    assert by_rule == {rule}
    by_type = {
        kind for kind in TYPES if level(grant(given_level, f"type:{type_}"), rule=rule, type_=kind) == given_level
    }
    assert by_type == {type_}
    assert level(grant(given_level), rule=rule, type_=type_) == given_level


@pytest.mark.parametrize(("rule", "type_"), TICKETS)
def test_an_excluded_kind_of_ticket_is_not_allowed_and_all_others_are(rule, type_):
    """A leading '!' says so, of rules and of types."""
    assert level(grant("facts", f"!{rule}"), rule=rule, type_=type_) == "none"
    assert level(grant("facts", f"!type:{type_}"), rule=rule, type_=type_) == "none"
    assert level(grant("facts", f"!{rule}"), rule="another", type_=type_) == "facts"
    assert level(grant("facts", "*", f"!{rule}"), rule=rule, type_=type_) == "none"


def test_a_pattern_of_rules_matches_no_type():
    """`t*` is for tmpfs_full, not for everything whose type is spelled with `type:`."""
    assert level(grant("facts", "t*"), rule="disk_space") == "none"
    assert level(grant("facts", "t*"), rule="tmpfs_full") == "facts"


@pytest.mark.parametrize("given_level", LEVELS)
def test_each_level_lets_out_its_own_kinds_and_those_before(given_level):
    """The one table that all channels go by."""
    let_out = {kind for kind in NEEDED if lets_out(given_level, kind)}
    assert let_out == {kind for kind, needed in NEEDED.items() if LEVELS.index(needed) <= LEVELS.index(given_level)}
    assert "core" in let_out


def test_at_none_the_core_alone_leaves():
    """DESIGN's promise 5."""
    assert [kind for kind in NEEDED if lets_out("none", kind)] == ["core"]


def test_levels_are_ordered():
    """By what they let out, not by their letters."""
    assert LEVELS == ("none", "facts", "excerpt", "logs")
    for one, other in itertools.product(LEVELS, LEVELS):
        assert at_least(one, other) == (LEVELS.index(one) >= LEVELS.index(other))


def test_another_customers_grant_allows_nothing_here():
    """Ids are compared as a whole, and no pattern is one."""
    for customer in ("other", "ACME", "acm", "acme2", "*", ""):
        assert level(grant("logs", customer=customer)) == "none"


def test_a_grant_ends_at_the_very_second():
    """Just before it holds, and not at it."""
    entry = grant(until=NOW + DAY)
    assert level(entry, now=NOW + DAY - 1e-3) == "facts"
    assert level(entry, now=NOW + DAY) == "none"
    assert level(entry, now=NOW + 10 * DAY) == "none"


def test_a_grant_from_the_future_allows_nothing_yet():
    """The clock was set back; nobody knows how long it is until the end."""
    assert level(grant(at=NOW), now=NOW - 1) == "none"
    assert level(grant(at=NOW), now=NOW) == "facts"


def test_a_grant_that_was_seen_to_end_stays_ended_when_the_clock_is_set_back():
    """An end is written down as soon as it is seen."""
    entries = [grant(until=NOW + DAY)]
    [lapse] = ended(entries, NOW + DAY)
    assert lapse == Lapse(at=NOW + DAY, line=1)
    assert level(*entries, now=NOW + 1) == "facts"
    assert level(*entries, lapse, now=NOW + 1) == "none"


def test_an_end_is_noted_once_and_for_its_own_grant():
    """Also of one among several in a file."""
    file = signed(grant(until=NOW + DAY), grant("logs", "disk_*", until=NOW + 2 * DAY))
    entries = [grant(until=NOW + 3 * DAY), file]
    assert ended(entries, NOW + DAY - 1) == []
    lapses = ended(entries, NOW + DAY)
    assert [(one.line, one.place) for one in lapses] == [(2, 0)]
    assert ended([*entries, *lapses], NOW + DAY) == []
    assert [(one.line, one.place) for one in ended([*entries, *lapses], NOW + 2 * DAY)] == [(2, 1)]


def test_a_revocation_counts_for_all_that_was_granted_before():
    """And not for what is granted afterwards."""
    assert level(grant("logs"), grant("facts", "disk_*"), revocation()) == "none"
    assert level(grant("logs"), revocation(), grant("facts")) == "facts"


def test_a_revocation_for_a_class_leaves_the_others():
    """So do later grants for a class."""
    entries = [grant("excerpt"), revocation("type:security")]
    assert level(*entries) == "excerpt"
    assert level(*entries, rule="kernel_outdated", type_="security") == "none"


def test_another_customers_revocation_takes_nothing_back():
    """Each decides for itself."""
    assert level(grant(), revocation(customer="other")) == "facts"


def test_a_later_grant_lowers():
    """The last word counts, not the most."""
    assert level(grant("logs"), grant("facts")) == "facts"


def test_the_end_of_a_grant_brings_no_older_one_back():
    """Who lowered the level for a week did not ask for more after it."""
    entries = [grant("logs", until=NOW + 30 * DAY), grant("facts", until=NOW + 7 * DAY)]
    assert level(*entries, now=NOW + 8 * DAY) == "none"


def test_a_type_that_is_not_known_allows_the_least_of_all_types():
    """Whether a grant or a revocation speaks of a type."""
    assert level(grant("facts", "type:capacity"), type_=None) == "none"
    assert level(grant("facts"), revocation("type:security"), type_=None) == "none"
    assert level(grant("logs"), grant("facts", "type:network"), type_=None) == "facts"
    assert level(grant("facts"), type_=None) == "facts"


def test_a_signed_file_holds_as_long_as_it_lies_there():
    """The same file, to the byte."""
    entry = signed(grant("excerpt", way="file"))
    assert level(entry, file="d1") == "excerpt"
    assert level(entry, file="d2") == level(entry, file="") == "none"


def test_a_file_that_is_gone_brings_nothing_older_back():
    """What it said of a ticket was the last word on it."""
    assert level(grant("logs"), signed(grant("facts", way="file")), file="") == "none"


def test_in_a_file_the_later_decision_counts():
    """A general one first, exceptions after it."""
    entry = signed(grant("facts"), grant("logs", "disk_*"), revocation("type:security"))
    assert level(entry, file="d1", rule="memory_exhausted") == "facts"
    assert level(entry, file="d1") == "logs"
    assert level(entry, file="d1", rule="kernel_outdated", type_="security") == "none"


def test_a_file_is_not_believed_before_it_was_found():
    """Its own dates are of another clock."""
    assert level(signed(grant(at=NOW - 60)), file="d1", now=NOW - 30) == "none"


def test_a_revocation_counts_for_a_file_that_still_lies_there():
    """Until another is signed."""
    assert level(signed(grant()), revocation(), file="d1") == "none"
    assert level(signed(grant()), revocation(), signed(grant(), digest="d2"), file="d2") == "facts"


def test_with_trouble_nothing_is_allowed_whatever_the_entries_say():
    """A record that cannot be believed says nothing."""
    entries = (grant("logs"),)
    assert Consent(customer=CUSTOMER, entries=entries).level("disk_space", "capacity", NOW) == "logs"
    damaged = Consent(customer=CUSTOMER, entries=entries, trouble="damaged at line 2")
    assert damaged.level("disk_space", "capacity", NOW) == "none"


def test_people_are_told_how_each_decision_stands():
    """In force, replaced, ended, not yet, or its file is gone."""
    entries = (
        grant("facts", "type:network"),
        grant("facts", until=NOW - 1, at=NOW - 2),
        signed(grant("facts", "storm")),
        grant("facts", "disk_*"),
        grant("excerpt", "disk_*"),
        grant("facts", "tmpfs_full", at=NOW + 60),
    )
    told = [standing for _, standing in standings(Consent(customer=CUSTOMER, entries=entries), NOW)]
    assert told == ["replaced", "ended", "withdrawn", "replaced", "in_force", "not_yet"]


@pytest.mark.parametrize("pattern", ["type:", "type:capactiy", "!type:x", "", "!"])
def test_a_class_that_can_name_nothing_is_a_slip(pattern):
    """It is told before it is believed to allow something."""
    assert class_trouble(pattern)


PATTERNS = st.sampled_from(
    ["*", "disk_*", "!disk_*", "disk_space", "type:*", "type:capacity", "!type:security", "storm"]
)
TIMES = st.integers(-3, 3).map(lambda days: NOW + days * DAY)
GRANTS = st.builds(
    lambda level, classes, at, length: grant(level, *classes, at=at, until=at + length * DAY),
    st.sampled_from(GIVEN),
    st.lists(PATTERNS, max_size=2),
    TIMES,
    st.integers(1, 4),
)
DECISIONS = GRANTS | st.builds(lambda classes, at: revocation(*classes, at=at), st.lists(PATTERNS, max_size=2), TIMES)
ENTRIES = DECISIONS | st.builds(
    lambda made, at, digest: signed(*made, at=at, digest=digest),
    st.lists(DECISIONS, max_size=3),
    TIMES,
    st.sampled_from("ab"),
)


@given(st.lists(ENTRIES, max_size=6), st.sampled_from(TICKETS), TIMES, st.sampled_from(["", "a"]))
def test_whatever_is_allowed_a_grant_that_holds_now_and_speaks_of_the_ticket_allows(entries, ticket, now, file):
    """No combination of entries allows more than one grant that is in force."""
    rule, type_ = ticket
    answer = level(*entries, rule=rule, type_=type_, now=now, file=file)
    made = [
        one
        for entry in entries
        if not isinstance(entry, SignedFile) or entry.digest == file
        for one in (entry.decisions if isinstance(entry, SignedFile) else [entry])
    ]
    grounds = {
        one.level
        for one in made
        if isinstance(one, Grant) and one.at <= now < one.until and one.scope.covers(CUSTOMER, rule, type_)
    }
    assert answer in grounds | {"none"}


@given(st.lists(ENTRIES, max_size=6), st.sampled_from(TICKETS), TIMES)
def test_after_a_revocation_of_all_nothing_is_allowed(entries, ticket, now):
    """Whatever was there before."""
    rule, type_ = ticket
    assert level(*entries, revocation(), rule=rule, type_=type_, now=now, file="a") == "none"


@given(st.lists(ENTRIES, max_size=6), st.sampled_from(TICKETS), TIMES, TIMES)
def test_a_noted_end_is_as_good_as_a_revocation_whatever_the_clock_says_later(entries, ticket, seen, now):
    """Setting it back wins nothing."""
    rule, type_ = ticket
    revoked = [
        msgspec.structs.replace(one, decisions=tuple(over_is_revoked(made, seen) for made in one.decisions))
        if isinstance(one, SignedFile)
        else over_is_revoked(one, seen)
        for one in entries
    ]
    noted = level(*entries, *ended(entries, seen), rule=rule, type_=type_, now=now, file="a")
    assert noted == level(*revoked, rule=rule, type_=type_, now=now, file="a")


def over_is_revoked(made, seen):
    """Return a decision, or a revocation in its place when it is a grant that is over at `seen`."""
    if isinstance(made, Grant) and made.until <= seen:
        return revocation(*made.scope.classes, at=made.at)
    return made
