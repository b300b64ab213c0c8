"""Ansible on a booted host, with nothing but what is there: for the tests of the role and of the book for a fleet.

ansible-core is a program of its own, under the GPL and no dependency of ours: it is put into an environment beside the host's
base root, for the tests alone. It runs on the host itself, which has no network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from booted_host import BASE, BootedHost

DEPLOY = Path(__file__).parents[2] / "deploy" / "ansible"
ANSIBLE = BASE.with_name("ansible")
RELEASE = "ansible-core==2.17.*"
ON_HOST = "/root/ansible"
PACKAGES = ("python3-apt", "python-apt-common", "distro-info-data")  # what Ansible's own `apt` needs on a host


def bring(host: BootedHost, package: Path, debs: Path) -> None:
    """Bring Ansible, the role, and our package to the host. debs: a folder of ours. Skips the test where that cannot be."""
    if why := _made():
        pytest.skip(why)
    fetched = subprocess.run(["apt-get", "download", *PACKAGES], cwd=debs, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"{PACKAGES[0]} cannot be fetched: {fetched.stderr.strip()}")
    there = host.root / ON_HOST.removeprefix("/")
    shutil.copytree(DEPLOY / "roles", there / "roles")
    shutil.copytree(ANSIBLE, host.root / str(ANSIBLE).removeprefix("/"), symlinks=True)
    shutil.copy(package, there / "foretell.deb")
    for deb in debs.iterdir():
        shutil.copy(deb, there)
    host.run("sh", "-c", f"dpkg -i {ON_HOST}/*_*.deb")


def play(host: BootedHost, book: str, *options: str, works: bool = True) -> tuple[int, str]:
    """Play a book that lies beside the role; return how many tasks changed something, and all that was said."""
    argv = (str(ANSIBLE / "bin/python"), str(ANSIBLE / "bin/ansible-playbook"), *options, f"{ON_HOST}/{book}")
    environment = ("ANSIBLE_NOCOLOR=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "HOME=/root")
    said = host.run(*environment, *argv, check=False, patience=240)
    recaps = re.findall(r"changed=(\d+) .*failed=(\d+)", said)
    assert recaps, said
    assert all(failed == "0" for _, failed in recaps) is works, said
    return sum(int(changed) for changed, _ in recaps), said


def _made() -> str:
    """Make Ansible's environment unless it is there; return why there can be none, empty when it is there."""
    if (ANSIBLE / "bin/ansible-playbook").exists():
        return ""
    shutil.rmtree(ANSIBLE, ignore_errors=True)
    steps = [
        ["/usr/bin/python3", "-m", "venv", "--copies", str(ANSIBLE)],
        [str(ANSIBLE / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", RELEASE],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(ANSIBLE, ignore_errors=True)
            return f"{RELEASE} cannot be installed: {done.stderr.strip().splitlines()[-1:]}"
    return ""
