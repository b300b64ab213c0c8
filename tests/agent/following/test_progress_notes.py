"""Progress notes: while it is urgent people read every half hour what is measured now, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from agent.configuration.settings import HostSettings
from agent.following.facts import unpack
from agent.following.model import EXPIRED, Delivered, Refused
from host_in_memory import DAY, HOUR, MINUTE, TICKET, Host, full, healthy, key_of
from thresholds import Finding


def measured(value: float) -> Finding:
    """The disk is full, and has so much left."""
    finding = full()
    return Finding(finding.rule, finding.subject, finding.severity, 0.0, {"value": value, "unit": "bytes"})


@pytest.fixture
def host() -> Host:
    """A host on which much depends: its full disk is P1, and the ticket is there."""
    host = Host()
    host.host = HostSettings(criticality="high")
    host.cycle(measured(9e9))
    host.cycle(measured(9e9), after=5 * MINUTE)
    assert host.case().priority == "P1"
    host.deliver("open")
    return host


def arrive(host: Host) -> None:
    """The last note reaches the desk."""
    said = host.said("progress")[-1]
    done = Delivered(case=said.case, operation=said.id, kind="comment", ref=TICKET, at=host.now)
    host.cycle(events=[done], after=0)


def test_a_note_comes_every_half_hour_with_what_is_measured_then(host):
    """In public, at home, with the value now and that of the last note."""
    for minute in range(1, 61):
        asked = host.cycle(measured(9e9 - minute * 1e8))
        assert (asked == ["comment progress"]) == (minute in {30, 60}), minute
        if asked:
            arrive(host)
    first, second = (unpack(one.facts) for one in host.said("progress"))
    assert all(one.public and not one.copy for one in host.said("progress"))
    assert (first.evidence["value"], first.noted) == (6e9, {})
    assert (second.evidence["value"], second.noted["value"]) == (3e9, 6e9)
    assert second.noted_at == host.said("progress")[0].created_at


def test_notes_stop_when_measurements_are_good_and_go_on_after_a_relapse(host):
    """Nobody is told that it is bad while it recovers."""
    host.cycle(healthy(), after=20 * MINUTE)
    assert host.cycle(healthy(), after=20 * MINUTE) == []
    assert host.case().care.note_due is None
    host.cycle(measured(1e9), after=10 * MINUTE)
    assert host.case().care.note_due == host.now + 30 * MINUTE


def test_notes_stop_when_a_person_puts_it_off_or_closes_it(host):
    """Whoever decided so knows."""
    host.cycle(measured(1e9), events=host.person("defer"))
    assert host.cycle(measured(1e9), after=HOUR) == []
    assert host.case().care.note_due is None


def test_a_note_that_did_not_get_there_is_not_followed_by_another(host):
    """A desk that cannot be reached does not get five at once when it is back; one that expired is followed by a fresh one."""
    host.cycle(measured(1e9), after=30 * MINUTE)
    [waiting] = host.said("progress")
    assert waiting.expires == host.now + 30 * MINUTE
    host.cycle(measured(1e9), after=30 * MINUTE)
    host.cycle(measured(1e9), after=30 * MINUTE)
    assert host.said("progress") == [waiting]
    gone = Refused(case=key_of("/srv"), operation=waiting.id, kind="comment", reason=EXPIRED, at=host.now)
    host.cycle(measured(2e9), after=30 * MINUTE, events=[gone])
    assert [unpack(one.facts).evidence["value"] for one in host.said("progress")] == [1e9, 2e9]


def test_only_what_is_urgent_has_notes():
    """P2 has none unless that is configured."""
    host = Host()
    host.cycle(full())
    host.cycle(full(), after=5 * MINUTE)
    host.deliver("open")
    assert host.cycle(full(), after=DAY) == []
    assert host.case().care.note_due is None


def test_who_makes_it_urgent_at_the_desk_gets_the_notes():
    """A person's P1 counts like ours."""
    host = Host()
    host.cycle(full())
    host.cycle(full(), after=5 * MINUTE)
    host.deliver("open")
    [seen] = host.poll()
    seen = msgspec.structs.replace(seen, state=msgspec.structs.replace(seen.state, priority="P1"))
    host.cycle(full(), events=[seen])
    assert host.cycle(full(), after=31 * MINUTE) == ["comment progress"]
