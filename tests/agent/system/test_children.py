"""Children: bounded in time and output, clean in what they see, and never left behind."""

import hashlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from agent.system import children
from agent.system.children import ChildError, run_child

IN_TIME = 30.0  # seconds; far more than any of these needs


def python(code, **more):
    """Run a line of Python as a child."""
    return run_child([sys.executable, "-I", "-S", "-c", code], **{"timeout": IN_TIME, **more})


def lives(pid):
    """Return whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def gone(pid):
    """Return whether a killed process goes within its moment."""
    until = time.monotonic() + IN_TIME
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not lives(pid)


def test_status_and_both_outputs_come_back():
    """What was printed where, and how it ended."""
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.status, done.output, done.errors, done.truncated) == (3, "out\n", "err\n", False)


def test_what_still_runs_is_ended_when_the_agent_ends(tmp_path):
    """A thread that waits for it ends too, with what the signal says."""
    started, statuses = tmp_path / "started", []
    code = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(60)"
    waiting = threading.Thread(target=lambda: statuses.append(python(code).status))
    waiting.start()
    while not started.exists():
        time.sleep(0.01)
    children.end_children()
    waiting.join(IN_TIME)
    assert statuses == [-signal.SIGKILL]
    assert not children._running


def test_a_child_ended_by_a_signal_says_so():
    """A negative status is the signal's number, as subprocess has it."""
    assert python("import os; os.kill(os.getpid(), 9)").status == -9


def test_bytes_that_are_no_text_survive():
    """Undecodable output comes back as surrogates, for `safe_text` to show."""
    assert python(r"import sys; sys.stdout.buffer.write(b'a\xff')").output == "a\udcff"


def test_it_sees_nothing_of_ours(monkeypatch):
    """Environment, working folder, standard input, session and descriptors are its own."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("TOKEN", "secret")
    code = "import os, sys; print(sorted(os.environ), os.getcwd(), sys.stdin.read() == '', os.getsid(0) == os.getpid())"
    reader, writer = os.pipe()
    inheritable = True
    os.set_inheritable(writer, inheritable)
    try:
        done = python(code + f"\ntry: os.fstat({writer}); print('leaked')\nexcept OSError: pass")
    finally:
        os.close(reader)
        os.close(writer)
    assert done.output == "['LANG', 'LC_ALL', 'PATH'] / True True\n"


def test_it_reads_what_it_was_given_to_read():
    """Standard input has the bytes, far more than a pipe holds, and then ends."""
    given = bytes(range(256)) * 4096
    code = "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    assert python(code, reads=given).output.strip() == hashlib.sha256(given).hexdigest()


def test_output_beyond_the_limit_is_read_and_forgotten():
    """The child is not blocked by a full pipe, our memory is not filled, and it is said."""
    done = python("import sys; sys.stdout.write('x' * 3_000_000); sys.stderr.write('e')", limit=1000)
    assert (len(done.output), done.errors, done.truncated) == (1000, "e", True)


def test_output_of_exactly_the_limit_is_not_called_cut():
    """The limit itself still fits."""
    assert python("print('x' * 999)", limit=1000).truncated is False


def test_a_child_that_closes_its_outputs_is_still_waited_for():
    """The end of its outputs is not its end."""
    assert python("import os, time; os.close(1); os.close(2); time.sleep(.05); os._exit(5)").status == 5


def test_a_child_that_has_said_nothing_yet_is_left_alone(monkeypatch):
    """To wake up for a look costs as much as a tenth of the child; its end wakes us anyway."""
    looks = []
    has_exited = children._has_exited
    monkeypatch.setattr(children, "_has_exited", lambda child: looks.append(time.monotonic()) or has_exited(child))
    began = time.monotonic()
    assert run_child(["/bin/sleep", "0.08"], timeout=IN_TIME).status == 0
    assert looks[0] - began >= 0.08


def test_a_program_that_is_missing_says_so():
    """The message names the program."""
    with pytest.raises(ChildError, match="cannot run /nonexistent/program: No such file or directory"):
        run_child(["/nonexistent/program"], timeout=1)


def test_a_relative_program_is_refused():
    """Nobody's PATH decides what we run."""
    with pytest.raises(ValueError, match="'ls' is not an absolute path"):
        run_child(["ls"], timeout=1)


def test_nothing_is_interpreted_by_a_shell():
    """Arguments arrive as they are."""
    assert run_child(["/bin/echo", "$(id);`id`"], timeout=IN_TIME).output == "$(id);`id`\n"


def test_a_child_that_ignores_term_is_killed_with_what_it_started(tmp_path):
    """The whole group goes, and the caller is told how long it waited."""
    pids = tmp_path / "pids"
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = os.fork()
if other:
    with open({str(pids) + ".new"!r}, "w") as file: print(os.getpid(), other, file=file)
    os.rename({str(pids) + ".new"!r}, {str(pids)!r})
time.sleep(3600)
"""
    with pytest.raises(ChildError, match=r"did not finish in 0\.5 s$"):
        python(code, timeout=0.5, grace=0.05)
    child, grandchild = map(int, pids.read_text().split())
    assert gone(child)
    assert gone(grandchild)


def test_a_polite_child_is_asked_before_it_is_killed(tmp_path):
    """TERM comes first, and there is time to tidy up."""
    tidied = tmp_path / "tidied"
    code = f"""
import signal, sys, time
def tidy(*_):
    open({str(tidied)!r}, "w").close()
    sys.exit()
signal.signal(signal.SIGTERM, tidy)
time.sleep(3600)
"""
    with pytest.raises(ChildError):
        python(code, timeout=0.4, grace=IN_TIME)
    assert tidied.exists()


def test_a_grandchild_that_holds_the_pipe_does_not_keep_us_waiting():
    """The child's own end counts; what it left in the background is ended."""
    began = time.monotonic()
    done = python("import os, time; pid = os.fork()\nif pid: print(pid, flush=True)\nelse: time.sleep(3600)")
    assert time.monotonic() - began < IN_TIME / 2
    assert gone(int(done.output))


def test_no_descriptor_and_no_zombie_stays():
    """A daemon runs thousands of these."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    python("pass")
    with pytest.raises(ChildError):
        python("import time; time.sleep(3600)", timeout=0.05)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_child_stuck_in_the_kernel_is_given_up(monkeypatch):
    """What even KILL does not end must not hold the agent; it is said."""
    killed = []
    with monkeypatch.context() as patched:
        patched.setattr(children.os, "killpg", lambda group, number: killed.append((group, number)))
        patched.setattr(children, "GRACE", 0.05)
        with pytest.raises(ChildError, match=r"did not finish in 0\.05 s and cannot be killed") as caught:
            python("import time; time.sleep(3600)", timeout=0.05, grace=0.05)
    del caught
    stuck, _ = killed[0]
    assert [number for _, number in killed] == [signal.SIGTERM, signal.SIGKILL]
    os.killpg(stuck, signal.SIGKILL)
    os.waitpid(stuck, 0)
