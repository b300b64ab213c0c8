"""When a look shows nothing new: in a whole agent with real couriers at the embedded desk."""

from __future__ import annotations

from agent.configuration.config import ConfigFile, load
from agent.configuration.settings import HOUR, MINUTE
from agent.daemon import make_resident
from agent.store import Store
from agent.system.folder import StateFolder
from only import BREACHED, only
from quiet_host import BEGAN, Minutes
from ticketing_clients.local import LocalDesk


def test_a_whole_agent_looks_at_its_own_desk_after_somebody_did_something_there(tmp_path, begun):
    """And not after it said something there itself, as that a promise was missed. Of the act its case hears."""
    clock = Minutes()
    file = ConfigFile(str(tmp_path / "foretell.toml"), BREACHED + only("memory"))
    with StateFolder(tmp_path) as folder, Store.open(tmp_path, now=BEGAN) as store:
        resident = make_resident(load(file, state=tmp_path), folder, store, clock)

        def looks(hours: int) -> int:
            begun.clear()
            for _ in range(hours * 2):
                clock.passed += HOUR / 2
                resident.tick()
                resident.dispatcher.wait(60)
            return sum(job.poll for job in begun)

        for _ in range(3):
            clock.passed += MINUTE
            resident.tick()
            resident.dispatcher.wait(60)
        assert looks(36) == 0
        [ticket] = LocalDesk(tmp_path, "local", clock.now()).tickets()
        LocalDesk(tmp_path, "local", clock.now()).record_act(ticket.ref, "acknowledge", by="ann")
        assert looks(4) == 2  # the second because its case is in another state by what the first one saw
        [case] = resident.pipeline.cases.values()
        assert (case.state, case.handler) == ("acknowledged", "ann")
        resident.stop()
