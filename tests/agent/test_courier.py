"""One batch of a courier, in this process, at the desk that is always there."""

from __future__ import annotations

import msgspec
import pytest

from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR
from agent.consent.gate import decide
from agent.consent.levels import Grant, Scope
from agent.courier import deliver
from agent.delivery.outbox import Outbox
from agent.following.facts import DiagnosisFacts, pack, unpack
from agent.following.model import Delivered, Refused
from agent.store import Store
from deliveries import DESK, START, Deliveries

CONFIGURATION = f"""
[customer]
id = "acme"
[delivery]
desk = "{DESK}"
[desks.{DESK}]
client = "local"
"""


@pytest.fixture
def deliveries(tmp_path):
    """What waits for the desk: a ticket, and what a first look found, which leaves for an hour."""
    config = tmp_path / "foretell.toml"
    config.write_text(CONFIGURATION)
    deliveries = Deliveries(tmp_path / "state", config)
    key = deliveries.add_case("open")
    [opening] = deliveries.operations
    with Store.open(deliveries.folder) as store:
        facts = unpack(opening.facts)
        facts = msgspec.structs.replace(facts, diagnosis=DiagnosisFacts(at=START))
        found = msgspec.structs.replace(
            opening, id=f"{key[:16]}-9", kind="comment", topic="diagnosis", facts=pack(facts)
        )
        Outbox(store).queue(found)
    grant = Grant(
        by="Jane",
        entered_by="root",
        at=START,
        level="facts",
        scope=Scope(customer="acme"),
        until=START + HOUR,
        wording="1",
        way="command",
    )
    decide(deliveries.folder, load(config), grant, START)
    return deliveries


@pytest.mark.parametrize(("slept", "came_of_it"), [(0.0, Delivered), (3 * DAY, Refused)])
def test_consent_that_ended_while_the_host_slept_lets_nothing_out(deliveries, slept, came_of_it):
    """The courier had begun its batch before, and its own time went on evenly."""
    configuration = load(deliveries.config, parts={"desks"})
    with Store.open(deliveries.folder) as store:
        deliver(deliveries.job(), configuration, store, now=lambda: START, clock=lambda: START + slept)
        assert [type(event) for event in store.take_events()] == [Delivered, came_of_it]
