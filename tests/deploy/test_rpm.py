"""The RPM, built here and installed into a Debian root: no system of Red Hat's kind is at hand."""

import csv
import hashlib
import re
import shutil
import subprocess
from base64 import urlsafe_b64encode
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from booted_host import base, missing

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.install


def told(*argv):
    """Return what a command says; a failure fails the test with all of it."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package():
    """Return the package, built from this checkout."""
    if why := missing() or ("" if shutil.which("rpmbuild") else "needs rpmbuild (apt-get install rpm)"):
        pytest.skip(why)
    return ROOT / told(str(ROOT / "deploy/rpm/build.sh")).split()[-1]


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory):
    """Return a root in which it was installed."""
    root = tmp_path_factory.mktemp("rpm") / "root"
    told("cp", "-a", str(base()), str(root))
    told("rpm", f"--root={root}", "--initdb")
    told("rpm", f"--root={root}", "-i", "--nodeps", str(package))
    return root


def test_it_needs_the_python_that_it_was_built_for_and_nothing_of_its_own(package):
    """What lies in its environment is neither asked of the system nor offered to it."""
    needs = told("rpm", "-qp", "--requires", str(package)).splitlines()
    assert [need for need in needs if need.startswith("python3 ")] == ["python3 >= 3.11", "python3 < 3.12"]
    assert [need for need in needs if ".so" in need or "site-packages" in need] == []
    assert {line.split()[0].split("(")[0] for line in told("rpm", "-qp", "--provides", str(package)).splitlines()} == {
        "foretell"
    }


def test_it_is_there_after_installing_with_its_user_and_both_units(installed):
    """Configuration and secrets are closed to others."""
    assert told("chroot", str(installed), "/usr/bin/foretell", "--version").startswith("foretell, version ")
    assert "foretell" in told("chroot", str(installed), "id", "-un", "foretell")
    for path, mode in (("", 0o750), ("secrets", 0o750), ("foretell.toml", 0o640)):
        assert (installed / "etc/foretell" / path).stat().st_mode & 0o777 == mode
    wanted = installed / "etc/systemd/system"
    assert (wanted / "multi-user.target.wants/foretell.service").is_symlink()
    assert (wanted / "timers.target.wants/foretell-privileged.timer").is_symlink()


def test_not_a_byte_of_a_wheel_was_changed_by_packing(installed):
    """By the digests that each wheel brings (RECORD). Compiled files and the command are made here; what is left out is known."""
    packages = installed / "opt/foretell/lib/python3.11/site-packages"
    records = list(packages.glob("*.dist-info/RECORD"))
    assert len(records) > 20
    [places] = re.findall(r"rm -r (.+)\)$", (ROOT / "deploy/environment.sh").read_text("utf-8"), re.MULTILINE)
    left_out = [f"{place}*" for place in places.split()]
    wrong, compared = [], 0
    for record in records:
        for name, digest, _ in csv.reader(record.read_text("utf-8").splitlines()):
            if digest and not name.startswith("..") and not any(fnmatchcase(name, place) for place in left_out):
                found = hashlib.sha256((packages / name).read_bytes()).digest()
                compared += 1
                if digest != f"sha256={urlsafe_b64encode(found).decode().rstrip('=')}":
                    wrong.append(name)
    assert (wrong, compared > 1000) == ([], True)


def test_removing_it_leaves_configuration_and_nothing_else(installed):
    """The last of these tests: afterwards it is gone."""
    told("rpm", f"--root={installed}", "-e", "foretell")
    assert sorted(path.name for path in (installed / "etc/foretell").iterdir()) == ["foretell.toml", "secrets"]
    left = [installed / "opt/foretell", installed / "usr/bin/foretell", installed / "usr/lib/foretell"]
    assert [path for path in left if path.exists()] == []
    assert not (installed / "etc/systemd/system/multi-user.target.wants/foretell.service").is_symlink()
