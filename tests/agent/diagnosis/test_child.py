"""The child that makes a diagnosis: it changes nothing, speaks to nobody, and always has an answer."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent.diagnosis import Diagnosis, Request, _child, diagnose, diagnoses, memory_file
from agent.diagnosis._child import _ARGV
from agent.system.children import ENVIRONMENT

# Every way to change a file's content, name, rights or times, and to speak to somebody else.
CALLS = (
    "open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,"
    "chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,utimensat,mknod,mknodat,mount,umount2,setxattr,"
    "lsetxattr,fsetxattr,socket,connect,bind,sendto"
)
# Nothing is written there, or nothing stays there: a file without a name ends with its process.
HARMLESS = re.compile(r'openat\(AT_FDCWD, "/dev/null"|O_TMPFILE')
OPENED_TO_READ = re.compile(r"open(at|at2)?\((?!.*(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND))")
LOCAL = re.compile(r"(socket|connect|bind|sendto)\(.*(AF_UNIX|sa_family=AF_UNIX)")


def small_mount():
    """Return a file system of this host that is walked in no time."""
    for mountpoint in ("/dev/shm", "/run", "/run/lock"):
        if os.path.ismount(mountpoint):
            return mountpoint
    pytest.skip("this host has no small file system mounted")


def test_a_diagnosis_comes_back_from_the_child(tmp_path):
    """Asked and answered in JSON, its memory left where it was told."""
    path = memory_file(tmp_path, "a1b2")
    found = diagnose(Request(id="disk_space", subject={"mountpoint": small_mount()}, memory=path))
    assert (found.id, found.finished, found.subject) == ("disk_space", True, {"mountpoint": small_mount()})
    assert {"used_bytes", "bytes_seen_ratio", "journal_bytes"} <= {fact.name for fact in found.facts}
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    again = diagnose(Request(id="disk_space", subject={"mountpoint": small_mount()}, memory=path))
    assert "compared_with_timestamp" in {fact.name for fact in again.facts}


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("raise SystemExit('no memory')", "its child ended with status 1: no memory"),
        ("import os; os.kill(os.getpid(), 9)", "its child ended with status -9"),
        ("print('{}')", "missing required field"),
        ("import time; time.sleep(3600)", "did not finish in 0.2 s"),
    ],
)
def test_a_child_that_fails_is_an_answer_too(monkeypatch, code, hint):
    """Nothing is raised, and nobody takes it for a healthy view."""
    monkeypatch.setattr(_child, "_ARGV", (sys.executable, "-I", "-S", "-c", code))
    monkeypatch.setattr(_child, "PATIENCE", 0.1)
    monkeypatch.setattr(_child, "GRACE", 0.0)
    found = diagnose(Request(id="x", seconds=0.1 if "sleep" in code else 60.0))
    [unseen] = found.unseen
    assert hint in unseen.hint
    assert not found.finished
    assert not found.whole


def test_it_hears_and_sees_nothing_of_ours(monkeypatch):
    """No environment, no folder to import from, no module written."""
    monkeypatch.setenv("TOKEN", "secret")
    assert _ARGV[1:4] == ("-E", "-P", "-B")
    assert "TOKEN" not in ENVIRONMENT


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace, which sees every call")
@pytest.mark.parametrize("name", diagnoses())
def test_it_changes_nothing_and_speaks_to_nobody(tmp_path, name):
    """Nor does any program that it starts: no file but its memory is written, made, moved or removed; no network."""
    memory = tmp_path / "diagnosis" / "key"
    subject = {"mountpoint": small_mount(), "unit": "ssh.service", "process": "sshd"}
    request = Request(id=name, subject=subject, memory=str(memory), seconds=60 if name == "software" else 10)
    calls = tmp_path / "calls"
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e", f"trace={CALLS}", "-o", calls]
    done = subprocess.run(
        [*strace, *_ARGV], input=msgspec.json.encode(request), capture_output=True, env=ENVIRONMENT, cwd="/", check=True
    )
    assert msgspec.json.decode(done.stdout, type=Diagnosis).facts or name == "service_failed"
    made = [line.partition(" ")[2].strip() for line in calls.read_text("utf-8", errors="replace").splitlines()]
    assert len(made) > 50, "strace saw hardly anything"
    # A process that is killed before strace could even read which call it was about to make never made it: "???( <detached ...>".
    changes = [
        call
        for call in made
        if not re.search(r"= -1 E|^\+\+\+|resumed>|^\?+\( <detached", call)
        and not (OPENED_TO_READ.match(call) or HARMLESS.search(call) or LOCAL.match(call))
        and str(memory.parent) not in call
    ]
    assert changes == []
