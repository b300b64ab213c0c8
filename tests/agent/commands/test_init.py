"""`foretell init`: a file that is valid, from flags or from answers, and never over one that is there."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import load

FLAGS = {
    "--host-name": 'web "01"',
    "--role": "Mail für alle",
    "--criticality": "high",
    "--customer": "ACME",
    "--customer-id": "acme",
    "--contact": "it@acme.example",
    "--zone": "Europe/Berlin",
    "--desk": "request_tracker",
    "--url": "https://rt.example.org",
    "--queue": "Preventive",
    "--token-file": "/etc/foretell/secrets/rt",
}


@pytest.fixture
def out(tmp_path):
    """Where the file goes; its folder is not there yet."""
    return tmp_path / "etc" / "foretell.toml"


def test_without_answers_it_is_the_defaults(foretell, out):
    """Nobody is asked where nobody can answer."""
    ended = foretell("init", "--out", out)
    assert ended.status == 0
    assert f"foretell doctor --config {out}" in ended.out
    assert list(load(out).desks) == ["local"]
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_every_flag_is_in_the_file_which_is_valid(foretell, out):
    """The desk with its token's file, the customer, the host."""
    ended = foretell("init", "--yes", "--out", out, *(word for pair in FLAGS.items() for word in pair))
    assert ended.status == 0
    configuration = load(out)
    settings = configuration.settings
    assert (settings.host.name, settings.host.role, settings.host.criticality) == ('web "01"', "Mail für alle", "high")
    assert (settings.customer.id, settings.customer.name, configuration.zone) == ("acme", "ACME", "Europe/Berlin")
    assert settings.customer.contact == "it@acme.example"
    assert settings.delivery.desk == "request_tracker"
    assert settings.secrets == {"request_tracker": "/etc/foretell/secrets/rt"}
    plugin, options = configuration.desks["request_tracker"]
    assert plugin.name == "request_tracker"
    assert options.url == "https://rt.example.org"


def test_the_desk_finds_the_token_that_was_named(foretell, out, tmp_path):
    """The name in [secrets] is the one the desk asks for."""
    token = tmp_path / "token"
    token.write_text("planted")
    token.chmod(0o600)
    foretell(
        "init", "--yes", "--out", out, *(word for pair in (FLAGS | {"--token-file": token}).items() for word in pair)
    )
    ended = foretell("doctor", "--config", out, "--listen", "127.0.0.1:0", "--json")
    [desk] = [result for result in ended.json if result["number"] == 10]
    assert "was not found" not in desk["found"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--desk", "request_trakker"], 'did you mean "request_tracker"?'),
        (["--zone", "Europe/Belrin"], 'did you mean "Europe/Berlin"?'),
        (["--desk", "request_tracker"], "desks.request_tracker.url: is missing"),
    ],
)
def test_answers_that_are_wrong_leave_no_file(foretell, out, flags, said):
    """Each is told with its cure."""
    ended = foretell("init", "--yes", "--out", out, *flags)
    assert ended.status == 78
    assert said in ended.err
    assert ended.err.startswith("foretell: these answers: ")
    assert list(out.parent.iterdir()) == []


def test_a_file_that_is_there_is_not_overwritten(foretell, out):
    """Unless one insists."""
    out.parent.mkdir()
    out.write_text("mine")
    ended = foretell("init", "--out", out)
    assert (ended.status, out.read_text()) == (2, "mine")
    assert "--force overwrites it" in ended.err
    assert foretell("init", "--out", out, "--force").status == 0
    assert out.read_text() != "mine"


def test_a_place_that_may_not_be_written_is_77(process, tmp_path):
    """With another way."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    ended = process("init", "--out", closed / "foretell.toml", unprivileged=True)
    assert ended.status == 77
    assert "cannot be written: Permission denied; name another with --out" in ended.err


def test_a_person_is_asked_what_no_flag_answers(out):
    """On a terminal; an empty answer takes the default."""
    program = Path(sys.executable).with_name("foretell")
    ours, theirs = pty.openpty()
    os.write(ours, b"web01\n\nACME\n\nUTC\nlocal\n")
    with subprocess.Popen([program, "init", "--out", out], stdin=theirs, stdout=subprocess.PIPE, text=True) as asking:
        asked, _ = asking.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert asking.returncode == 0
    for question in (
        "Name people know this host by",
        "Name of the customer",
        "Time zone of the customer",
        "Service desk",
    ):
        assert question in asked
    configuration = load(out)
    assert (configuration.settings.host.name, configuration.settings.customer.name) == ("web01", "ACME")
    assert configuration.zone == "UTC"
