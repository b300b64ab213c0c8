"""Escalation: handed on once, to where the route says, when it will not be settled in time or cannot be explained."""

from __future__ import annotations

import pytest

from agent.configuration.settings import DeliverySettings, Route, RouteMatch
from agent.following.model import Diagnosed, Promise
from host_in_memory import DAY, HOUR, MINUTE, Host, filling, key_of


def opened(delivery: DeliverySettings) -> Host:
    host = Host()
    host.delivery = delivery
    host.cycle(filling(days=3))
    host.cycle(filling(days=3), after=5 * MINUTE)
    now = host.now
    host.deliver(
        "open",
        Promise(
            priority="P3",
            since=now,
            answer_due=now + 8 * HOUR,
            answer_warning=now + 6 * HOUR,
            fix_due=now + 3 * DAY,
            fix_warning=now + 2 * DAY,
        ),
    )
    host.operations.clear()
    return host


def asked(host: Host) -> list[tuple[str, str, str, bool]]:
    return [(one.kind, one.topic, one.desk, one.copy) for one in host.operations]


def test_what_will_not_be_settled_in_time_is_handed_on_once():
    """The second line gets a copy and the reason; the customer's ticket stays, and says so to the desk's people."""
    host = opened(DeliverySettings(desk="rt", escalate_to="second"))
    host.cycle(filling(days=3), after=7 * HOUR)
    assert asked(host) == [
        ("comment", "overdue_soon", "rt", False),
        ("open", "escalated", "second", True),
        ("comment", "escalated", "rt", False),
        ("comment", "escalated", "second", True),
    ]
    assert host.case().desks == ("rt", "second")
    host.operations.clear()
    host.cycle(filling(days=3), after=2 * DAY)
    assert [one.topic for one in host.operations] == ["overdue_soon"]


def test_a_first_look_that_explains_nothing_hands_it_on():
    """One that found something does not."""
    host = opened(DeliverySettings(desk="rt", escalate_to="second"))
    host.cycle(filling(days=3), events=[Diagnosed(case=key_of("/srv"), found=3, at=host.now)])
    assert asked(host) == []
    host.cycle(filling(days=3), events=[Diagnosed(case=key_of("/srv"), found=0, at=host.now)])
    assert ("open", "escalated", "second", True) in asked(host)


@pytest.mark.parametrize(
    ("routes", "to"),
    [
        ([Route(desk="rt", escalate_to="third")], "third"),
        ([Route(desk="rt", match=RouteMatch(rule=["cpu_*"]), escalate_to="third")], "second"),
        ([Route(desk="rt")], "second"),
    ],
)
def test_the_first_route_that_is_for_it_says_where_to(routes, to):
    """Else what holds for all."""
    host = opened(DeliverySettings(desk="rt", escalate_to="second", routes=routes))
    host.cycle(filling(days=3), events=[Diagnosed(case=key_of("/srv"), found=0, at=host.now)])
    assert host.case().care.escalated_to == to


def test_where_nowhere_is_configured_it_is_only_warned():
    """And nothing is noted as handed on."""
    host = opened(DeliverySettings(desk="rt"))
    host.cycle(filling(days=3), after=7 * HOUR)
    assert [one.topic for one in host.operations] == ["overdue_soon"]
    assert host.case().care.escalated_at is None


def test_what_a_person_put_off_is_not_handed_on():
    """Whoever decided to wait knows that it is late."""
    host = opened(DeliverySettings(desk="rt", escalate_to="second"))
    host.cycle(filling(days=20), events=host.person("defer"))
    host.cycle(filling(days=20), events=[Diagnosed(case=key_of("/srv"), found=0, at=host.now)])
    assert host.case().care.escalated_at is None
