"""What the embedded desk keeps beyond the contract: several processes, a file that fails, people by hand."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import pytest

from ticketing_clients import DeskUnreachable
from ticketing_clients.contract import NOON, comment, new_ticket
from ticketing_clients.local import FILE_NAME, PLUGIN, LocalDesk


@pytest.fixture
def desk(tmp_path):
    """Return an empty desk."""
    return LocalDesk(tmp_path, "local", NOON.timestamp())


# Run as a process of its own, as courier and command line are: FOLDER, how many tickets, and whether to be killed after.
OPEN_TICKETS = """
import os, signal, sys
from pathlib import Path
from ticketing_clients.contract import NOON, new_ticket
from ticketing_clients.local import LocalDesk

desk = LocalDesk(Path(sys.argv[1]), "local", NOON.timestamp())
for _ in range(int(sys.argv[2])):
    desk.open(new_ticket())
if sys.argv[3] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def open_tickets(folder, number, end):
    """Start a process that opens so many tickets and then ends, or dies."""
    return subprocess.Popen([sys.executable, "-c", OPEN_TICKETS, str(folder), str(number), end])


def test_processes_share_the_file(tmp_path, desk):
    """Three processes that start on no file at all lose no ticket and no id."""
    others = [open_tickets(tmp_path, 10, "end") for _ in range(3)]
    assert [one.wait(60) for one in others] == [0, 0, 0]
    assert [one.ref.id for one in desk.tickets()] == [f"L{number}" for number in range(1, 31)]


def test_a_ticket_is_durable_when_open_returns(tmp_path, desk):
    """The process that opened it is killed right after; the ticket is there."""
    assert open_tickets(tmp_path, 1, "die").wait(60) == -signal.SIGKILL
    assert [ticket.status for ticket in desk.tickets()] == ["new"]


def test_only_its_owner_may_read_the_file(tmp_path, desk):
    """A ticket tells about the customer; so do the files that SQLite keeps beside it."""
    desk.open(new_ticket())
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_a_damaged_file_is_told_and_kept(tmp_path, desk):
    """What is not a database is named in the error, and left as it was."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1000)
    with pytest.raises(DeskUnreachable, match=FILE_NAME):
        desk.open(new_ticket())
    assert (tmp_path / FILE_NAME).read_bytes() == b"not a database" * 1000


def test_a_file_of_a_newer_version_is_left_alone(tmp_path, desk):
    """After a downgrade nothing is written into what is not understood."""
    desk.open(new_ticket())
    newer = sqlite3.connect(tmp_path / FILE_NAME)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(DeskUnreachable, match="newer version"):
        desk.open(new_ticket())


def test_a_failed_change_leaves_nothing_behind(tmp_path, desk):
    """A change is whole or not at all: when its second statement fails, the first is undone."""
    ref = desk.open(new_ticket())
    spoilt = sqlite3.connect(tmp_path / FILE_NAME)
    spoilt.execute("CREATE TRIGGER no_status BEFORE UPDATE ON tickets BEGIN SELECT RAISE(ABORT, 'no'); END")
    spoilt.close()
    with pytest.raises(DeskUnreachable):
        desk.record_act(ref, "acknowledge", by="ann")
    assert desk.read(ref).acts == ()


def test_the_page_tells_who_said_what(desk):
    """Comments and what people wrote come in one list; ours have no name."""
    ref = desk.open(new_ticket())
    desk.comment(ref, comment("m", "seen", public=True))
    desk.record_act(ref, "reply", by="ann", text="thank you")
    desk.record_act(ref, "acknowledge", by="ann")
    assert [(one.by, one.public, one.text.strip()) for one in desk.comments(ref)] == [
        ("", True, "seen"),
        ("ann", True, "thank you"),
    ]
    assert desk.read(ref).handler == "ann"


def test_a_duplicate_names_its_original(desk):
    """The closed twin says whose twin it is."""
    ticket = new_ticket()
    first, second = desk.open(ticket), desk.open(ticket)
    desk.close_duplicate(second, first)
    assert desk.read(second).resolution == f"duplicate of {first.id}"


def test_a_refusal_keeps_its_reason(desk):
    """Won't fix with a reason: the ticket is rejected for that reason."""
    ref = desk.open(new_ticket())
    desk.record_act(ref, "wont_fix", by="ann", text="replaced next month")
    state = desk.read(ref)
    assert (state.status, state.resolution) == ("rejected", "replaced next month")


def test_news_is_what_people_do_and_nothing_that_we_write(tmp_path, desk):
    """Nobody has ever done anything, until somebody has; and each act is another news."""
    ref = desk.open(new_ticket())
    heard = [PLUGIN.news(tmp_path)]
    desk.comment(ref, comment("ours"))
    heard.append(PLUGIN.news(tmp_path))
    assert heard == ["", ""]
    for _ in range(2):
        desk.record_act(ref, "reply", by="ann", text="I see.")
        heard.append(PLUGIN.news(tmp_path))
        desk.comment(ref, comment("another"))
        assert PLUGIN.news(tmp_path) == heard[-1]
    assert len(set(heard)) == 3


@pytest.mark.parametrize("content", [None, b"no database"], ids=["gone", "broken"])
def test_of_a_file_that_is_gone_or_broken_no_news_can_be_told(tmp_path, content):
    """Whoever asks has somebody look instead."""
    if content:
        (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(OSError, match=FILE_NAME):
        PLUGIN.news(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {FILE_NAME}
