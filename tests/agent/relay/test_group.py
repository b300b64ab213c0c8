"""What is made of Alertmanager's webhook."""

import json

import pytest

from agent.relay.group import group_key, group_of
from agent.relay.notification import NotUnderstood, parse
from fleet import CASE_KEY, CUSTOMER, NOW, alert, group, notification


def test_members_stand_in_the_order_in_which_they_began_whoever_told_of_them():
    one, two = alert(1, since=NOW - 5), alert(2, since=NOW - 9)
    assert [member.host for member in group(one, two).members] == ["web02", "web01"]
    assert group(one, two) == group(two, one)


def test_a_changed_route_leaves_the_group_what_it_is():
    """Alertmanager's groupKey holds the route's matchers; an edit there must not open every ticket anew."""
    assert group(alert(1)).key == group(alert(1), groupKey='{}/{team="other"}:{site="berlin"}').key


@pytest.mark.parametrize(
    ("customer", "receiver", "labels"),
    [
        ("acme", "other", {"rule": "a"}),
        ("beta", "foretell", {"rule": "a"}),
        ("acme", "foretell", {"rule": "b"}),
        ("acme", "foretell", {"rule": "a", "site": "x"}),
    ],
)
def test_another_customer_receiver_or_label_is_another_group(customer, receiver, labels):
    assert group_key(customer, receiver, labels) != group_key("acme", "foretell", {"rule": "a"})


def test_the_most_urgent_member_that_fires_says_how_urgent_the_group_is():
    assert group(alert(1, priority="P3"), alert(2, priority="P2")).priority == "P2"
    assert group(alert(1, priority="P3"), alert(2, priority="P1", ended=NOW)).priority == "P3"


@pytest.mark.parametrize(("labels", "priority"), [({"severity": "critical"}, "P2"), ({"severity": "odd"}, "P3")])
def test_an_alert_of_somebody_elses_is_as_urgent_as_it_is_severe(labels, priority):
    foreign = alert(1, **labels)
    del foreign["labels"]["priority"]
    assert group(foreign).priority == priority


def test_an_alert_that_made_room_for_a_louder_one_is_not_a_member_and_no_end():
    raised = alert(1, ended=NOW, end="raised", foretell_key="a" * 64)
    louder = alert(2, priority="P1", foretell_key="a" * 64)
    assert [member.priority for member in group(raised, louder).members] == ["P1"]
    assert not group(raised, louder).over


def test_a_group_is_settled_only_when_every_agent_has_closed_its_case():
    closed = alert(1, ended=NOW, end="resolved", foretell_key="a" * 64)
    silent = alert(2, ended=NOW, foretell_key="b" * 64)
    foreign = alert(3, ended=NOW)
    assert group(closed).settled
    assert not group(closed, silent).settled
    assert not group(closed, foreign).settled
    assert [member.unmeasured for member in group(closed, silent, foreign).members] == [False, True, False]


def test_a_group_of_which_more_fires_than_is_listed_is_not_over():
    assert not group(alert(1, ended=NOW), alert(2), truncatedAlerts=7).over


def test_its_state_changes_with_the_members_that_are_listed_and_in_steps_with_the_rest():
    few = [alert(n) for n in range(3)]
    assert group(*few).state == group(*reversed(few)).state
    assert group(*few).state != group(*few, alert(9)).state
    assert group(*few).state != group(*few[:2], alert(2, ended=NOW)).state
    many = [alert(n, since=NOW + n) for n in range(100)]
    states = {group(*many[: 21 + n]).state for n in range(79)}
    assert len(states) == 7  # one more, two or three, four to seven, ...


def test_that_an_agent_lives_is_no_member_and_alone_no_notification():
    """A route that sends heartbeats to the relay makes no ticket of them; a rule that is called alive does."""
    life = alert(7, alertname="ForetellAlive")
    told = parse(notification(alert(1), life))
    assert [one.labels["host"] for one in told.alerts] == ["web01"]
    with pytest.raises(NotUnderstood, match="ForetellAlive"):
        parse(notification(life))
    assert parse(notification(alert(7, alertname="ForetellAlive", foretell_key=CASE_KEY))).alerts


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff", b'{"version": 4}', notification(), notification(alert(1), version="3")]
)
def test_what_is_no_notification_is_refused_in_words(body):
    with pytest.raises(NotUnderstood):
        parse(body)


def test_a_real_notification_of_alertmanager_0_25_is_understood():
    """As it was received from Debian's Alertmanager; fields that nobody needs included."""
    told = json.loads(notification(alert(1, ended=NOW, end="resolved")))
    told["alerts"][0]["somethingNew"] = 1
    assert group_of(parse(json.dumps(told).encode()), CUSTOMER).over
