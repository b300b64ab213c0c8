"""The template project in the documentation, as its reader uses it: installed, tested, listed, and judged by a rule."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.collect

FORETELL = ("-c", "import sys; from agent.cli import main; sys.exit(main())")
TEMPLATE = Path(__file__).parents[2] / "docs/plugin-template"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment that has all that ours has, and the template on top: its Python, and the copy of the project."""
    folder = tmp_path_factory.mktemp("template")
    project = folder / "project"
    shutil.copytree(TEMPLATE, project)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    (site,) = (folder / "venv/lib").glob("python3*/site-packages")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", project]
    subprocess.run(install, check=True, timeout=300)
    return python, project


def run(python, *arguments, cwd):
    """Run the environment's Python; return what it says."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "FORETELL"))}
    return subprocess.run(
        [python, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=clean, timeout=300
    )


def test_its_own_tests_pass(environment):
    """The contract suite's among them."""
    python, project = environment
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", cwd=project)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 10


def test_it_is_listed_among_the_plugins(environment):
    """By its name and summary."""
    python, project = environment
    done = run(python, *FORETELL, "plugins", "--json", cwd=project)
    assert '"name": "entropy"' in done.stdout
    assert "Randomness the kernel has ready." in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the template reads a file of Linux")
def test_it_runs_once_it_is_configured_and_a_rule_judges_it(environment, tmp_path):
    """The README's own lines."""
    python, project = environment
    (text,) = re.findall(r"```toml\n(.*?)```", (project / "README.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "foretell.toml").write_text(text.replace("warning = 100", "warning = 100000"))
    arguments = ["check", "--config", tmp_path / "foretell.toml", "--state-dir", tmp_path / "state"]
    done = run(python, *FORETELL, *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "The kernel runs out of randomness" in done.stdout
