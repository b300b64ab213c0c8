"""Records that were restored from a backup meet a desk that has moved on since: nothing is said twice."""

from __future__ import annotations

import copy
import time

import pytest

from agent.records.backup import make_backup
from agent.records.restore import restore_backup
from deliveries import Deliveries
from fake_redmine import HOST_FIELD, KEY_FIELD, TRACKER, FakeRedmine


@pytest.fixture
def desk():
    """A desk with no ticket yet."""
    with FakeRedmine(latency=0.0).running() as desk:
        yield desk


def test_what_was_delivered_after_the_backup_is_not_delivered_again(desk, tmp_path):
    """The ticket is found by its key and its comment by its marker; both count as done."""
    (tmp_path / "token").write_text("planted")
    config = tmp_path / "foretell.toml"
    config.write_text(
        f'[delivery]\ndesk = "desk"\n[desks.desk]\nclient = "redmine"\nurl = "{desk.url}"\nproject = "preventive"\n'
        f"tracker = {TRACKER}\nkey_field = {KEY_FIELD}\nhost_field = {HOST_FIELD}\n"
        f'token_secret = "token"\n[secrets]\ntoken = "{tmp_path / "token"}"\n'
    )
    state = tmp_path / "state"
    deliveries = Deliveries(state, config)
    deliveries.now = time.time()
    deliveries.add_case("open", "comment")
    make_backup(state, tmp_path / "backup.tar.gz", deliveries.now)
    deliveries.settle()
    first = copy.deepcopy(desk.issues)
    assert (len(first), deliveries.waiting()) == (1, [])

    restore_backup(tmp_path / "backup.tar.gz", state, deliveries.now)
    assert len(deliveries.waiting()) == 2
    deliveries.settle()
    assert deliveries.waiting() == []
    assert desk.issues == first
