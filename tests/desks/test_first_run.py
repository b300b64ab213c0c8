"""`foretell init --test-ticket` at real desks: the login is tried, a ticket that says it is a test comes and is resolved."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.desks

HOST = "first-run"  # of no other test: the doctor warns of a name that another host id has at the desk
REDMINE = ("project=preventive", "tracker=3", "key_field=1", "host_field=2")


def initialise(folder, name, token, *flags):
    """Run it as IT does; return how it ended, and the ticket's number."""
    (folder / "token").write_text(token)
    (folder / "token").chmod(0o600)
    program = Path(sys.executable).with_name("foretell")
    argv = [
        program,
        "init",
        "--yes",
        "--out",
        folder / "foretell.toml",
        "--desk",
        name,
        "--token-file",
        folder / "token",
    ]
    more = ["--host-name", HOST, "--state-dir", folder / "state", "--test-ticket", *flags]
    ended = subprocess.run([*argv, *more], capture_output=True, text=True, check=False, timeout=120)
    number = re.search(r"Opened the test ticket (\d+)", ended.stdout)
    return ended, number and number[1]


def test_at_request_tracker(request_tracker, tmp_path):
    """A person sees it there, resolved."""
    flags = ("--url", request_tracker.url, "--queue", request_tracker.queue)
    ended, number = initialise(tmp_path, "request_tracker", request_tracker.token, *flags)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "read back; resolved again." in ended.stdout
    ticket = request_tracker.ask("GET", f"ticket/{number}")
    assert (ticket["Subject"], ticket["Status"]) == (f"[TEST] Foretell on {HOST} can open tickets here", "resolved")


def test_at_redmine(redmine, tmp_path):
    """What this desk needs besides is given by `--desk-option`."""
    options = (word for option in REDMINE for word in ("--desk-option", option))
    ended, number = initialise(tmp_path, "redmine", redmine.token, "--url", redmine.url, *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "read back; resolved again." in ended.stdout
    issue = redmine.ask("GET", f"issues/{number}.json")["issue"]
    assert (issue["subject"], issue["status"]["name"]) == (
        f"[TEST] Foretell on {HOST} can open tickets here",
        "Resolved",
    )


def test_a_wrong_token_is_told_and_nothing_is_opened(request_tracker, tmp_path):
    """With the exit status of something that is not permitted; the file is there to be mended."""
    flags = ("--url", request_tracker.url, "--queue", request_tracker.queue)
    ended, number = initialise(tmp_path, "request_tracker", "1-14-wrong", *flags)
    assert (ended.returncode, number) == (77, None)
    assert "No test ticket: mend that first" in ended.stdout
    assert (tmp_path / "foretell.toml").exists()
