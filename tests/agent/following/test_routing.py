"""Which desks a case is told to, by the configuration's routes, and the keys by which copies are known."""

from __future__ import annotations

import msgspec
import pytest

from agent.configuration.settings import CustomerSettings, DeliverySettings, Route, RouteMatch
from agent.following.model import Case, Operation
from agent.following.routing import copy_key, is_copy, targets, ticket_key

CASE = Case(
    key="a" * 64,
    rule="disk_space",
    subject={"mountpoint": "/srv/data", "host": "web01"},
    priority="P2",
    first_seen=0.0,
    last_seen=0.0,
    changed_at=0.0,
)
CUSTOMER = CustomerSettings(id="acme", tier="premium")


def desks(*routes: Route, case: Case = CASE) -> tuple[str, ...]:
    """Return where the case goes."""
    return targets(case, CUSTOMER, DeliverySettings(desk="default", routes=list(routes)))


def route(desk: str, *, goes_on: bool = False, **match: object) -> Route:
    """Return a route to `desk` for what matches."""
    return Route(desk=desk, goes_on=goes_on, match=RouteMatch(**match))


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({}, True),
        ({"rule": ["disk_*"]}, True),
        ({"rule": ["memory_*", "disk_space"]}, True),
        ({"rule": ["disk_*", "!disk_space"]}, False),
        ({"rule": ["Disk_*"]}, False),
        ({"labels": {"mountpoint": ["/srv/*"]}}, True),
        ({"labels": {"mountpoint": ["/srv/*"], "host": ["db*"]}}, False),
        ({"labels": {"unit": ["*"]}}, True),
        ({"labels": {"unit": ["?*"]}}, False),
        ({"priority": ["P1", "P2"]}, True),
        ({"priority": ["P1"]}, False),
        ({"customer": ["ac*"]}, True),
        ({"customer": ["globex"]}, False),
        ({"tier": ["premium", "standard"]}, True),
        ({"tier": ["basic"]}, False),
        ({"rule": ["disk_*"], "priority": ["P3"]}, False),
    ],
)
def test_all_that_is_given_has_to_match(match, matches):
    """Of each one item, by shell patterns."""
    assert desks(route("special", **match)) == (("special",) if matches else ("default",))


def test_the_first_that_matches_wins():
    """As in Alertmanager, later ones are not even looked at."""
    assert desks(route("a", rule=["memory_*"]), route("b"), route("c")) == ("b",)


def test_continue_adds_copies():
    """The first is the home; the default desk gets nothing where a route matched."""
    assert desks(route("a", goes_on=True), route("b", goes_on=True), route("c", rule=["x"])) == ("a", "b")
    assert desks(route("a", goes_on=True), route("b"), route("c")) == ("a", "b")


def test_no_desk_is_named_twice():
    """Two routes may lead to it."""
    assert desks(route("a", goes_on=True), route("b", goes_on=True), route("a")) == ("a", "b")


def test_a_gathering_is_routed_by_its_own_name():
    """A storm is no case of a rule."""
    storm = msgspec.structs.replace(CASE, rule="storm", subject={})
    assert desks(route("on_call", rule=["storm"]), case=storm) == ("on_call",)
    assert desks(route("on_call", rule=["storm"])) == ("default",)


def test_the_settings_name_every_desk_once():
    """In the order of the routes, the default desk last."""
    delivery = DeliverySettings(desk="b", routes=[route("c"), route("b"), route("a"), route("c")])
    assert delivery.desks == ("c", "b", "a")


def test_a_copy_is_known_by_its_key_and_tells_its_case():
    """Two desks' copies differ; each says by its beginning which case it is about."""
    one, other = copy_key(CASE.key, "one"), copy_key(CASE.key, "other")
    assert len({CASE.key, one, other}) == 3
    assert {len(one), len(other)} == {64}
    assert is_copy(one)
    assert is_copy(other)
    assert not is_copy(CASE.key)
    assert one.startswith(CASE.key[:40])


@pytest.mark.parametrize(("copy", "key"), [(False, CASE.key), (True, copy_key(CASE.key, "rt"))])
def test_a_ticket_carries_the_key_of_what_it_is(copy, key):
    """The case's own at home."""
    operation = Operation(
        id="x", case=CASE.key, kind="open", topic="opened", desk="rt", copy=copy, facts={}, created_at=0.0
    )
    assert ticket_key(operation) == key
