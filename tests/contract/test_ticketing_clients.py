"""The contract suite over the embedded desk; real desks run it in `tests/desks`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ticketing_clients.contract import NOON, ClientContract, Context
from ticketing_clients.local import FILE_NAME, PLUGIN, LocalDesk


class PersonAtLocalDesk:
    """Somebody who uses `foretell cases` by hand."""

    def __init__(self, desk: LocalDesk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder

    def does(self, ref, kind):
        texts = {"reply": "thank you"}
        self._desk.record_act(
            ref,
            kind,
            by="ann",
            text=texts.get(kind, ""),
            until=NOON + timedelta(days=1) if kind == "defer" else None,
            option=1 if kind == "accept_window" else None,
        )

    def sets_priority(self, ref, priority):
        self._desk.raise_priority(ref, priority)

    def sees(self, ref):
        (ticket,) = [one for one in self._desk.tickets() if one.ref == ref]
        said = [one.text for one in self._desk.comments(ref) if one.public]
        return ticket.title, "\n".join([ticket.body, *said])


class TestLocal(ClientContract):
    """The embedded desk keeps the contract."""

    @pytest.fixture
    def build(self, tmp_path):
        return lambda: PLUGIN.build(PLUGIN.options(client="local"), Context(tmp_path), "local")

    @pytest.fixture
    def unreachable(self, tmp_path):
        (tmp_path / "broken" / FILE_NAME).mkdir(parents=True)  # where the file should be, there is a folder
        return PLUGIN.build(PLUGIN.options(client="local"), Context(tmp_path / "broken"), "local")

    @pytest.fixture
    def person(self, client, tmp_path):
        return PersonAtLocalDesk(client, tmp_path)
