"""The silence that an accepted window becomes."""

import re
from datetime import UTC, datetime

import pytest

from agent.relay.silences import comment_for, group_in, silence_for
from fleet import NOW, alert, group
from ticketing_clients import Act, ProposedWindow

WINDOW = ProposedWindow(
    start=datetime.fromtimestamp(NOW + 60, UTC), end=datetime.fromtimestamp(NOW + 660, UTC), zone="UTC", reason=""
)
ACT = Act(id="42.1", kind="accept_window", by="Ann", at=datetime.fromtimestamp(NOW, UTC), option=1)


def matches(silence, labels):
    """Return whether Alertmanager would mute an alert with these labels."""
    return all(
        re.fullmatch(one.value, labels.get(one.name, "")) if one.is_regex else labels.get(one.name, "") == one.value
        for one in silence.matchers
    )


def test_it_lasts_as_long_as_the_window_and_is_of_whom_accepted_it():
    silence = silence_for(group(alert(1)), ACT, WINDOW, "77")
    assert (silence.starts_at, silence.ends_at, silence.created_by) == (WINDOW.start, WINDOW.end, "Ann on ticket 77")


@pytest.mark.parametrize(("priority", "muted"), [("P4", True), ("P3", True), ("P2", False), ("P1", False)])
def test_what_is_more_urgent_pierces_it(priority, muted):
    silence = silence_for(group(alert(1, priority="P3"), alert(2, priority="P4")), ACT, WINDOW, "77")
    assert matches(silence, alert(3, priority=priority)["labels"]) is muted


def test_another_groups_alerts_are_not_muted():
    silence = silence_for(group(alert(1)), ACT, WINDOW, "77")
    assert not matches(silence, alert(2, site="munich")["labels"])


@pytest.mark.parametrize(
    ("severity", "muted"), [("warning", True), ("info", True), ("critical", False), ("page", False)]
)
def test_alerts_that_only_say_how_severe_they_are_are_muted_up_to_that(severity, muted):
    foreign = alert(1, severity="warning")
    del foreign["labels"]["priority"]
    silence = silence_for(group(foreign), ACT, WINDOW, "77")
    assert matches(silence, foreign["labels"] | {"severity": severity}) is muted


def test_it_is_found_again_by_what_it_says():
    told = group(alert(1))
    silence = silence_for(told, ACT, WINDOW, "77")
    assert group_in(silence.comment) == told.key
    assert silence.comment.startswith(comment_for(told.key))
    assert group_in("somebody's own, foretell relay or not") == ""
