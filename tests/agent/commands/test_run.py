"""`foretell run`: what a person sees of the daemon, from the first summary to the end of a case, and why it does not start."""

import os
import shutil
import signal
import socket
import subprocess
import urllib.request

import pytest

from agent.system.folder import StateFolder
from only import only
from running_agent import RunningAgent, until

MISSING_PROGRAM = (
    """
[customer]
zone = "UTC"
[agent]
first_look = "0s"
cycle = "5s"
[rules]
process_missing = {for = "0s", verify = "1s"}
"""
    + only("services")
    + """\
services.interval = "5s"
services.processes = [{name = "wanted-program"}]
"""
)


@pytest.fixture
def daemon(tmp_path, config):
    """Return a function that starts the daemon on the state folder; it is ended with the test."""
    started = []

    def start(**environ):
        started.append(RunningAgent(tmp_path, config, os.environ | {"COLUMNS": "80"} | environ))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_the_first_summary_tells_what_was_read_found_and_opened(daemon):
    """Then the page's address and the way to the demo; Ctrl-C ends it cleanly."""
    running = daemon()
    printed = running.shows("foretell demo")
    order = [
        "Read",
        "memory",
        "Found",
        "Little memory is left",
        "Tickets",
        "Opened at local",
        "Status page: http://127.0.0.1:",
    ]
    places = [printed.index(words) for words in order]
    assert places == sorted(places)
    assert max(map(len, printed.splitlines())) <= 80
    with urllib.request.urlopen(f"{running.page}healthz") as answer:
        assert answer.status == 200
    assert running.stop() == 0
    assert {line.partition("level=")[2].split()[0] for line in running.err.read_text().splitlines()} <= {"info"}


def test_what_it_holds_back_is_told_with_the_reason(daemon, config):
    """`for` times are never shortened for show."""
    config.write_text(config.read_text().replace('kind = "level"', 'kind = "level"\nfor = "10m"'))
    running = daemon()
    printed = " ".join(running.shows("foretell demo").split())
    assert "must last before it is believed; due in 10 minutes" in printed
    assert "Nothing to open. What is held back is not old enough" in printed
    assert running.stop(signal.SIGTERM) == 0


def test_told_to_it_goes_on_with_the_configuration_as_it_is_now(daemon, config):
    """The same process; the cases stay, and what the new file names is true from then on."""
    running = daemon()
    running.shows("foretell demo")
    config.write_text(config.read_text().replace('cycle = "5s"', 'cycle = "6s"'))
    running.process.send_signal(signal.SIGHUP)
    until(lambda: "going on with the configuration" in running.err.read_text())
    assert running.stop() == 0
    assert running.out.read_text().count("Status page: ") == 1


def test_told_to_read_a_broken_file_it_goes_on_with_the_old_one(daemon, config):
    """The file, the key and the cure are in the log and on the page, and it becomes well again with the file."""
    running = daemon()
    running.shows("foretell demo")
    good = config.read_text()
    config.write_text(good.replace("cycle =", "cycel ="))
    running.process.send_signal(signal.SIGHUP)
    until(lambda: "the old one stays in force" in running.err.read_text())
    assert "agent.cycel" in running.err.read_text()
    with urllib.request.urlopen(f"{running.page}healthz") as answer:
        assert answer.status == 200
    config.write_text(good)
    running.process.send_signal(signal.SIGHUP)
    until(lambda: "going on with the configuration" in running.err.read_text())
    assert running.stop() == 0


@pytest.mark.e2e
def test_a_case_is_followed_by_hand_from_the_ticket_to_the_report(daemon, config, foretell, tmp_path):
    """Opened, acknowledged, gone, verified, confirmed, closed: each seen by the commands and on the page."""
    program = tmp_path / "wanted-program"
    shutil.copy(shutil.which("sleep"), program)
    config.write_text(MISSING_PROGRAM)
    running = daemon()

    def case():
        [only] = [one for one in foretell("cases", "--all", "--json").json if one["rule"] == "process_missing"]
        return only

    running.shows("Opened at local")
    key = case()["key"]
    with urllib.request.urlopen(running.page) as page:
        assert "wanted-program" in page.read().decode()
    assert foretell("status").status == 1

    assert "takes it in with its next cycle" in foretell("cases", "ack", key[:8], "--config", config).out
    until(lambda: case()["state"] == "acknowledged")

    with subprocess.Popen([program, "600"]) as mended:
        until(lambda: case()["state"] == "awaiting_confirmation")
        assert foretell("cases", "confirm", key[:8], "--config", config).status == 0
        until(lambda: case()["state"] == "closed")
        until(lambda: foretell("cases", "show", key, "--json").json["ticket"]["status"] == "resolved")
        mended.kill()
    told = foretell("cases", "show", key).out
    assert "confirmed by" in told
    assert "a person has confirmed it" in " ".join(told.split())
    assert running.stop() == 0


def test_status_tells_a_running_daemon_from_a_stopped_one(daemon, foretell):
    """Never run, running, stopped."""
    never = foretell("status", "--json")
    assert (never.status, never.json) == (3, {"alive": False, "health": None, "summary": None})
    running = daemon()
    running.shows("Watching")
    assert foretell("status", "--json").json["alive"] is True
    assert running.stop() == 0
    ended = foretell("status")
    assert ended.status == 3
    assert ended.out.startswith("The daemon is not running; this is how things were at ")
    assert foretell("status", "--json").json["alive"] is False


def test_what_tells_of_now_is_written_into_memory_where_the_service_manager_has_a_folder_there(
    daemon, foretell, state, tmp_path
):
    """And `status`, which knows the state folder only, finds it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    running = daemon(RUNTIME_DIRECTORY=str(runtime))
    running.shows("foretell demo")
    assert [path.name for path in runtime.iterdir()] == ["status.json"]
    assert (state / "status.json").is_symlink()
    assert '"cycle": ' in foretell("status", "--json").out


def test_check_leaves_a_running_daemon_alone(daemon, foretell, config):
    """It sees the ticket that is open, and opens none."""
    running = daemon()
    running.shows("Opened at local")
    until(lambda: foretell("cases", "--json").json[0]["ticket"] is not None)
    ended = foretell("check", "--config", config)
    assert ended.status == 1
    assert "Nothing to open; 1 ticket is open already." in ended.out
    assert running.stop() == 0


def test_a_second_agent_on_the_folder_is_75(foretell, state):
    """With the process id of the first."""
    with StateFolder(state):
        ended = foretell("run")
    assert ended.status == 75
    assert ended.err == f"foretell: {state} is in use by another process (pid {os.getpid()}); stop that one first\n"


def test_a_busy_port_is_78_with_the_cure(process):
    """One line, and no code to edit."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        ended = process("run", "--listen", address)
    assert (ended.status, ended.out) == (78, "")
    assert ended.err.startswith(f"foretell: cannot listen on {address}: the port is in use by another program;")
    assert "--listen HOST:PORT" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("address", ["foo", "127.0.0.1:99999", "127.0.0.1:http", "::1:80", ""])
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_what_is_no_address_is_wrong_use(foretell, command, address):
    """Told before anything is begun."""
    ended = foretell(command, "--listen", address)
    assert ended.status == 2
    assert "write it as HOST:PORT, like 127.0.0.1:19469 or [::1]:19469" in ended.err


def test_damaged_records_are_set_aside_and_the_agent_goes_on(daemon, state):
    """It is said, and nothing is thrown away."""
    state.mkdir(0o700)
    (state / "agent.sqlite").write_bytes(b"nonsense" * 4096)
    running = daemon()
    running.shows("Watching")
    assert running.stop() == 0
    assert [path for path in state.iterdir() if ".damaged-" in path.name]
    assert "damaged, set aside, begun anew" in running.err.read_text()


def test_a_folder_that_may_not_be_made_is_77(process, tmp_path):
    """With the command that makes it."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    ended = process("run", "--state-dir", closed / "state", unprivileged=True)
    assert ended.status == 77
    assert f"install -d -m 0700 -o USER {closed / 'state'}" in ended.err
