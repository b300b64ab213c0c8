"""The Debian package as it is built, and a booted host on which it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from booted_host import BootedHost, missing

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """Return the package, built from this checkout."""
    if why := missing() or ("" if shutil.which("dh") else "needs debhelper (apt-get install debhelper)"):
        pytest.skip(why)
    built = subprocess.run([ROOT / "deploy/debian/build.sh"], capture_output=True, text=True, check=False, timeout=900)
    assert built.returncode == 0, built.stderr
    return Path(shutil.copy(ROOT / built.stdout.split()[-1], tmp_path_factory.mktemp("package")))


@pytest.fixture(scope="module")
def bare_host(tmp_path_factory) -> Iterator[BootedHost]:
    """Return a booted host on which nothing of ours is installed."""
    if why := missing():
        pytest.skip(why)
    booted = BootedHost(tmp_path_factory.mktemp("machine"))
    try:
        yield booted
    finally:
        booted.stop()


@pytest.fixture(scope="module")
def host(package, bare_host) -> BootedHost:
    """Return a booted host on which the package was just installed."""
    bare_host.install(package)
    return bare_host
