"""A look at a host whose files lie in a folder and whose programs answer what the test says; and people without rights."""

import os
import pickle
import shutil
import tempfile
from pathlib import Path

import pytest

from agent.diagnosis._look import Look
from collectors import CollectorError, Completed

NOBODY = 65534
AT = 1_795_600_800.0  # 2026-11-25 10:00 UTC


class ScriptedLook(Look):
    """A Look that runs nothing: `answers` has what each program says. `asked` is what was asked of them."""

    def __init__(self, root, subject=None, answers=None, **more):
        super().__init__(subject or {}, root=root, **{"at": AT, **more})
        self.answers = answers or {}
        self.asked = []

    def write(self, absolute, text):
        """Put a file on the host."""
        path = self.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return self

    def run(self, argv, *, timeout):
        """Answer in the program's stead."""
        assert Path(argv[0]).is_absolute()
        assert 0 < timeout < 120
        self.asked.append(list(argv))
        answer = self.answers.get(argv[0], CollectorError(f"cannot run {argv[0]}"))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Completed) else Completed(0, answer, "")


@pytest.fixture
def scripted(tmp_path):
    """Return what makes a ScriptedLook."""

    def make(subject=None, answers=None, **more):
        return ScriptedLook(tmp_path / "host", subject, answers, **more)

    return make


@pytest.fixture
def systemd(scripted):
    """Return what makes a look at a host on which systemd runs."""

    def make(subject=None, answers=None):
        look = scripted(subject, answers)
        look.path("/run/systemd/system").mkdir(parents=True)
        return look

    return make


@pytest.fixture
def open_folder():
    """Yield a folder that every user can reach; pytest's own are private."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_nobody():
    """Return a function that calls another in a process without rights, and returns what that returned."""

    def call(function):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setresgid(NOBODY, NOBODY, NOBODY)
                    os.setresuid(NOBODY, NOBODY, NOBODY)
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump(function(), pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(pid, 0)
        assert status == 0, "it failed there"
        return pickle.loads(answer)  # noqa: S301 - from ourselves

    return call
