"""Cloned and re-imaged machines, as the desk's tickets give them away."""

from __future__ import annotations

import pytest

from agent.doctor.identity import check_identity
from agent.system.host import HostIdentity
from ticketing_clients import Device
from ticketing_clients.contract import Context, new_ticket
from ticketing_clients.local import PLUGIN, LocalDesk

HOST = HostIdentity(id="5f0c", name="web01", os="")


class SearchableDesk(LocalDesk):
    """The embedded desk, with the search by name that desks of many hosts have."""

    def list_named(self, name):
        return [one for one in self._search("status = ?", "new") if one.names(name)]


@pytest.fixture
def desk(tmp_path):
    return SearchableDesk(tmp_path, "desk", 0.0)


def put(desk, title, host=HOST.id):
    return desk.open(new_ticket(title=title, device=Device(id=host, name="")))


def told(desk):
    return [(check.well, check.found, check.hint) for check in check_identity(desk, HOST)]


def test_tickets_that_name_this_host_are_well(desk):
    """Its own id, its own name, in whatever case; others' tickets are none of its business."""
    put(desk, "The disk / of WEB01 is full")
    put(desk, "The disk / of web010 is full", host="another")
    assert told(desk) == [(True, "web01 (5f0c), 1 open tickets", "")]


def test_a_clone_is_seen_by_its_name_on_our_tickets(desk):
    """The same id under another name."""
    put(desk, "The disk / of web02 is full")
    [(well, found, hint)] = told(desk)
    assert not well
    assert "do not name web01: L1 (The disk / of web02 is full)" in found
    assert "host.id" in hint


def test_a_host_that_was_set_up_anew_is_told_its_earlier_id(desk):
    """This name under another id."""
    put(desk, "The disk / of web01 is full", host="earlier")
    [(well, found, hint)] = told(desk)
    assert not well
    assert "another host id: L1" in found
    assert 'host.id = "earlier"' in hint


def test_a_desk_that_cannot_be_searched_by_name_is_asked_for_our_own(tmp_path):
    """Half of the answer is better than none."""
    desk = PLUGIN.build(PLUGIN.options(client="local"), Context(tmp_path), "desk")
    put(desk, "The disk / of web01 is full", host="earlier")
    assert [well for well, *_ in told(desk)] == [True]
