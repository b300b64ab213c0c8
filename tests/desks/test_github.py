"""The GitHub client on the stand-in, with every request held to GitHub's own description of its interface."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fake_desk import Specification
from fake_github import FakeGitHub, client_at
from ticketing_clients import Rejected
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, new_ticket

pytestmark = pytest.mark.desks

SCRIPT = Path(__file__).with_name("github_specification.sh")


@pytest.fixture(scope="module")
def specification():
    """GitHub's own description, read once. Skips, saying why, where it is not there and cannot be fetched."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which fetches GitHub's description of its interface")
    done = subprocess.run([str(SCRIPT)], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"needs GitHub's description of its interface: {done.stderr.strip()}")
    return Specification(Path(done.stdout.strip().removeprefix("SPECIFICATION=")), mend=keep_what_is_used)


def keep_what_is_used(document):
    """Leave out the thousand paths that have nothing to do with issues: they only take time."""
    document["paths"] = {
        path: said
        for path, said in document["paths"].items()
        if path in {"/user", "/repos/{owner}/{repo}"} or path.startswith("/repos/{owner}/{repo}/issues")
    }


@pytest.fixture
def desk(specification):
    """Return a running stand-in that answers what does not keep the description with 400."""
    with FakeGitHub(specification).running() as desk:
        yield desk


class TestContract(ClientContract):
    """The contract is kept with requests as GitHub describes them."""

    @pytest.fixture
    def build(self, desk, tmp_path):
        return lambda: client_at(desk.url, tmp_path)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return client_at("http://127.0.0.1:9", tmp_path, PLANTED_SECRET)

    @pytest.fixture
    def person(self, desk):
        return desk


def test_every_further_field_is_one_that_github_describes(desk, tmp_path):
    """What the option's description names is accepted."""
    fields = {"labels": ["ops"], "assignees": ["enya"], "milestone": 3, "type": "Task"}
    client = client_at(desk.url, tmp_path, fields=fields)
    assert client.read(client.open(new_ticket())).handler == "enya"


def test_the_description_judges(desk, tmp_path):
    """A field of the wrong kind is refused by it, so that silence means something."""
    fields = {"milestone": ["the third"]}
    with pytest.raises(Rejected, match="the third"):
        client_at(desk.url, tmp_path, fields=fields).open(new_ticket())
    assert len(desk.violations) == 1
    desk.violations.clear()
