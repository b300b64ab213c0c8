"""The person's half of a verified end: reminded of it, written down, rated, and followed up where somebody is not content."""

from __future__ import annotations

import msgspec
import pytest

from agent.configuration.settings import DeliverySettings
from agent.following.facts import unpack
from agent.following.model import Case
from host_in_memory import DAY, HOUR, MINUTE, Host, filling, healthy, key_of


@pytest.fixture
def host() -> Host:
    """A host whose recovery was just verified, and waits for a person's word."""
    host = Host()
    host.open_case()
    host.cycle(healthy())
    assert host.cycle(healthy(), after=HOUR) == ["comment recovered"]
    return host


def closed(host: Host) -> Case:
    """The case after a person wrote what it was, and resolved the ticket."""
    host.person("cause", text="Old dumps were never removed.")
    host.person("done", text="Removed them, and set a limit.")
    host.cycle(healthy(), events=host.person("resolve", ticket_open=False))
    assert host.case().state == "closed"
    return host.case()


def test_who_says_nothing_is_reminded_and_then_it_is_closed_by_rule(host):
    """Every three days, and after seven it ends with that said."""
    asked = [(day, host.cycle(healthy(), after=DAY)) for day in range(1, 8)]
    assert [(day, what) for day, what in asked if what] == [
        (3, ["comment reminder"]),
        (6, ["comment reminder"]),
        (7, ["comment closed", "resolve closed"]),
    ]
    assert host.case().closed_by == "rule"
    assert all(one.public for one in host.said("reminder"))


def test_who_confirms_is_not_reminded(host):
    """One word is enough."""
    host.cycle(healthy(), events=host.person("confirm"))
    assert host.cycle(healthy(), after=10 * DAY) == []


def test_the_report_says_what_people_wrote(host):
    """Cause and what was done, in their words, beside what was measured before and after."""
    closed(host)
    facts = unpack(host.said("closed")[0].facts)
    assert (facts.cause, facts.done) == ("Old dumps were never removed.", "Removed them, and set a limit.")
    assert (facts.evidence, facts.healthy_evidence) == ({"used": 1.0}, {"used": 0.5})


def test_the_desks_own_resolution_counts_where_nobody_wrote_it_down(host):
    """What a desk keeps of how it was settled."""
    [seen] = host.person("resolve", ticket_open=False)
    state = msgspec.structs.replace(seen.state, resolution="extended by 50 GB")
    host.cycle(healthy(), events=[msgspec.structs.replace(seen, state=state)])
    assert unpack(host.said("closed")[0].facts).done == "extended by 50 GB"


def test_a_case_remembers_how_each_time_ended(host):
    """For the next one, and for whoever looks for the cause."""
    [episode] = closed(host).episodes
    assert (episode.cause, episode.done, episode.closed_by) == (
        "Old dumps were never removed.",
        "Removed them, and set a limit.",
        "person",
    )
    assert episode.opened_at < episode.closed_at == host.now


def test_the_next_one_is_told_what_helped_and_what_came_before(host):
    """The same disk, or else another one of this host."""
    closed(host)
    host.cycle(filling("/other"), after=HOUR)
    host.cycle(filling("/other"), after=5 * MINUTE)
    facts = unpack(host.operations[-1].facts)
    assert facts.helped.done == "Removed them, and set a limit."
    assert facts.helped.subject == {"mountpoint": "/srv"}
    assert [(one.ended, one.subject) for one in facts.earlier] == [("confirmed", {"mountpoint": "/srv"})]
    host.cycle(filling(), after=8 * DAY)
    host.cycle(filling(), after=5 * MINUTE)
    assert unpack(host.said("opened")[-1].facts).helped.done == "Removed them, and set a limit."


def test_a_good_rating_is_kept_and_the_ticket_that_it_opened_is_closed_again(host):
    """Many desks open a closed ticket when somebody writes on it."""
    closed(host)
    assert host.cycle(events=host.person("rate", option=5, ticket_open=True)) == ["resolve closed"]
    assert host.case().episodes[-1].rating == 5
    assert host.cycle(events=host.poll()) == []


@pytest.mark.parametrize("supervisor", ["", "boss", "rt"])
def test_who_is_not_content_is_followed_up(host, supervisor):
    """On the ticket in any case, which stays open; with the supervisor's desk, if there is one that has no ticket of it yet."""
    host.delivery = DeliverySettings(desk="local", supervisor=supervisor)
    closed(host)
    before = len(host.operations)
    host.cycle(events=host.person("rate", option=2, ticket_open=True))
    asked = [(one.kind, one.topic, one.desk, one.public) for one in host.operations[before:]]
    home = host.case().desks[0]
    told = [("comment", "dissatisfied", home, False)]
    assert asked == told + ([("open", "dissatisfied", supervisor, False)] if supervisor not in {"", home} else [])
    assert host.cycle(events=host.person("rate", option=1, ticket_open=True)) == []


def test_a_rating_says_nothing_of_the_next_time(host):
    """It belongs to the episode that it was given for."""
    closed(host)
    host.cycle(events=host.person("rate", option=2))
    host.cycle(filling(), after=DAY)
    host.cycle(filling(), after=5 * MINUTE)
    assert host.cases[key_of("/srv")].care.rating is None
    assert host.cases[key_of("/srv")].episodes[-1].rating == 2
