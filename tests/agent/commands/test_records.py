"""The state folder as commands meet it: missing, not permitted, a file, damaged, too new, relative."""

import sqlite3
from contextlib import closing

import pytest

LOOKING = [["cases"], ["outbox"]]


@pytest.mark.parametrize("words", [*LOOKING, ["status"]])
def test_an_unreadable_folder_is_77(process, state, words):
    """It is a matter of permission, and told with the cure."""
    state.mkdir()
    state.chmod(0)
    ended = process(*words, unprivileged=True)
    assert (ended.status, ended.out) == (77, "")
    assert ended.err.startswith(f"foretell: {state}")
    assert "run as the agent's user" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("store")
def test_records_of_another_user_are_77(process, state):
    """The folder may be seen, the files not."""
    for file in state.iterdir():
        file.chmod(0)
    ended = process("cases", unprivileged=True)
    assert ended.status == 77
    assert "Permission denied" in ended.err


@pytest.mark.parametrize("words", [*LOOKING, ["status"], ["check"], ["run"], ["doctor"]])
def test_a_file_is_no_state_folder(foretell, state, words):
    """Every command says it in the same way."""
    state.touch()
    ended = foretell(*words)
    assert ended.status == 2
    assert "--state-dir" in ended.err
    assert "is a file" in ended.err


@pytest.mark.parametrize("words", LOOKING)
def test_damaged_records_are_set_aside_and_it_is_said(process, state, words):
    """An empty list would look like a host without a problem."""
    state.mkdir(0o700)
    (state / "agent.sqlite").write_bytes(b"nonsense" * 4096)
    ended = process(*words, "--json")
    assert (ended.status, ended.out) == (75, "")
    [aside] = [path.name for path in state.iterdir() if ".damaged-" in path.name]
    assert f"were damaged and are set aside as {aside}" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [*LOOKING, ["run"]])
def test_records_of_a_newer_version_are_not_touched(foretell, state, words):
    """This one would break them."""
    state.mkdir(0o700)
    with closing(sqlite3.connect(state / "agent.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    ended = foretell(*words)
    assert ended.status == 78  # a service manager does not try again: no later try would help
    assert "made by a newer Foretell (schema 99" in ended.err
    assert "upgrade Foretell or restore a backup" in ended.err


@pytest.mark.usefixtures("store")
def test_a_relative_folder_is_meant_from_here(foretell, state):
    """Also for the children, which start elsewhere."""
    ended = foretell("outbox", "--state-dir", state.name)
    assert (ended.status, ended.out) == (0, "The outbox is empty.\n")
