"""What is shipped: the wheel's contents, what the packages export, and the two commands of the README."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent", "collectors", "thresholds", "ticketing_clients")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel and return the paths in it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


def tracked(*patterns):
    """Return the files that git knows under `patterns`."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return {path for path in listed.stdout.split("\0") if path}


def test_the_wheel_has_every_file_of_the_packages(wheel):
    """Code, types, rules, templates and tables alike."""
    assert tracked(*PACKAGES) - set(wheel) == set()


def test_the_wheel_has_nothing_but_the_packages(wheel):
    """Tests, tools and deployment stay in the checkout, and so does what Python leaves behind."""
    tops = {path.partition("/")[0] for path in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert [path for path in wheel if "__pycache__" in path] == []


def test_the_wheel_says_its_licence(wheel):
    """Apache-2.0 asks for a copy."""
    assert [path for path in wheel if re.fullmatch(r"foretell-[^/]+\.dist-info/licenses/LICENSE", path)]


def test_two_builds_of_the_same_source_are_the_same_bytes(tmp_path):
    """Wheel and source archive, whatever the folder, its files' dates and modes, and the umask of who builds."""
    built = []
    for name, umask in (("one", "022"), ("another/deeper", "077")):
        source, out = tmp_path / name, tmp_path / f"dist-{umask}"
        source.mkdir(parents=True)
        for path in tracked("*"):
            copy = source / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy)
            if umask == "077":
                copy.chmod(copy.stat().st_mode & 0o700)
                os.utime(copy, (1, 1))
        build = f'umask {umask}; exec "$0" -m hatchling build -d "$1"'
        subprocess.run(["sh", "-c", build, sys.executable, out], cwd=source, check=True, capture_output=True)
        built.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert len(built[0]) == 2
    assert built[0] == built[1]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tests_are_of_what_is_installed(package):
    """In CI that is the wheel in the environment, and the checkout beside it does not count; elsewhere it is the checkout."""
    found = Path(importlib.import_module(package).__file__)
    assert found.is_relative_to(sysconfig.get_path("purelib")) is (os.environ.get("CI") == "true")


@pytest.mark.parametrize("package", PACKAGES[1:])
def test_a_package_exports_what_it_says(package):
    """`__all__` is sorted, complete, and names nothing private."""
    module = importlib.import_module(package)
    submodules = {name for name in vars(module) if f"{package}.{name}" in sys.modules}
    exported = {name for name in vars(module) if not name.startswith("_")} - submodules
    assert exported == set(module.__all__)
    assert list(module.__all__) == sorted(set(module.__all__))


def test_no_test_folder_is_a_package():
    """`tests/collectors/__init__.py` would shadow the real one."""
    assert tracked("tests/**/__init__.py", "tests/__init__.py") == set()


def test_every_dependency_is_locked_within_its_range():
    """The exact set that is tested is one that the ranges allow, and hashes stand at each."""
    lock = (ROOT / "requirements" / "run.txt").read_text("utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    named = {
        re.match(r"[\w-]+", one)[0].lower()
        for one in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    }
    assert named <= pinned
    assert lock.count("==") - lock.count("# ") <= lock.count("--hash=")


def test_the_command_is_installed():
    """`foretell` leads to the command line."""
    (command,) = distribution("foretell").entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("foretell", "agent.cli:main")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/add-a-rule.md"])
def test_every_make_command_in_the_documents_exists(document):
    """What a page says to type can be typed."""
    verbs = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    said = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", (ROOT / document).read_text("utf-8"), re.MULTILINE))
    assert said
    assert said <= verbs


def test_every_link_between_documents_leads_somewhere():
    """Links to files and folders of the checkout; what a golden file shows as hostile text is no document."""
    broken = [
        f"{document}: {target}"
        for document in tracked("*.md")
        if not document.startswith("tests/golden/")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / document).read_text("utf-8"))
        if not (ROOT / document).parent.joinpath(target).exists()
    ]
    assert broken == []
