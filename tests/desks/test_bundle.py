"""A bundle on its whole way to the real Request Tracker: what arrives is what was previewed, by hash."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from contextlib import closing

import msgspec
import pytest

from agent.configuration.config import load
from agent.consent.gate import decide
from agent.consent.levels import Grant, Revocation, Scope
from agent.delivery.bundling import Bundling
from agent.store import Store
from deliveries import HOST, Deliveries

pytestmark = pytest.mark.desks


class Office:
    """A case with a ticket at Request Tracker."""

    def __init__(self, folder, desk):
        (folder / "token").write_text(desk.token)
        config = folder / "foretell.toml"
        config.write_text(
            f'[delivery]\ndesk = "desk"\n[desks.desk]\nclient = "request_tracker"\nurl = "{desk.url}"\n'
            f'queue = "{desk.queue}"\ntoken_secret = "token"\n[secrets]\ntoken = "{folder / "token"}"\n'
        )
        self.desk, self.state = desk, folder / "state"
        self.configuration = load(config, parts={"rules"})
        self.deliveries = Deliveries(self.state, config)
        self.deliveries.now = time.time()
        key = self.deliveries.add_case("open")
        self.deliveries.deliver_here()
        with Store.open(self.state) as store:
            [opened] = store.take_events()
            self.case = msgspec.structs.replace(store.case(key), ticket=opened.ref)
            store.save_case(self.case, [], self.deliveries.now)

    def decide(self, entry, **values):
        """Have a person grant or revoke."""
        now, scope = time.time(), Scope(customer="default")
        decide(self.state, self.configuration, entry(by="Kim", entered_by="kim", at=now, scope=scope, **values), now)

    def queue(self):
        """Preview the bundle and queue it; return what was previewed."""
        with Store.open(self.state) as store:
            bundling = Bundling(self.configuration, self.state, store, HOST, time.time())
            built = bundling.prepare(self.case, "excerpt")
            previewed = bundling.file(self.case).read_bytes()
            assert hashlib.sha256(previewed).hexdigest() == built.sha256
            bundling.queue(self.case)
        return previewed

    def arrived(self):
        """Run a courier; return the files that the ticket has then, by name."""
        self.deliveries.now = time.time() + 120
        self.deliveries.deliver_here()
        fields = {"fields": "Filename,Content", "per_page": 100}
        found = self.desk.ask("GET", f"ticket/{self.case.ticket.id}/attachments", params=fields)["items"]
        # RT puts each byte of a file that is no text into JSON as the character with its number.
        return {one["Filename"]: one["Content"].encode("latin-1") for one in found if one["Filename"]}


@pytest.fixture
def office(tmp_path, request_tracker):
    """A case whose bundle may leave."""
    office = Office(tmp_path, request_tracker)
    now = time.time()
    office.decide(Grant, level="excerpt", until=now + 86_400.0, wording="1", way="command")
    return office


def test_what_arrives_is_what_was_previewed(office):
    """By hash, and it can be unpacked."""
    previewed = office.queue()
    [(name, content)] = office.arrived().items()
    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(previewed).hexdigest()
    assert name.startswith(f"foretell-{office.case.key[:12]}-")
    with closing(tarfile.open(fileobj=io.BytesIO(content))) as archive:
        assert {"README", "MANIFEST.json", "case.txt"} <= set(archive.getnames())


def test_what_was_revoked_while_it_waited_never_arrives(office):
    """The desk's own record is the judge."""
    office.queue()
    office.decide(Revocation)
    assert office.arrived() == {}
