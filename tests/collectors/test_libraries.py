"""Services that still use libraries which an update has replaced."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.collecting import HostAccess
from collectors import NotSupported, libraries
from collectors.contract import FakeHost

LIB = "7f00-7f80 r-xp 00026000 08:01 1234                       /usr/lib/x86_64-linux-gnu/libssl.so.3"


def process(host, pid, maps, unit="nginx.service"):
    """Write what the host shows of a process."""
    host.write(f"/proc/{pid}/maps", maps).write(f"/proc/{pid}/comm", "worker\n")
    return host.write(f"/proc/{pid}/cgroup", f"0::/system.slice/{unit}\n")


def test_services_are_counted_once(tmp_path):
    """Forty workers of one service are one service; who has the new library is none."""
    host = process(FakeHost(tmp_path), 10, f"{LIB} (deleted)\n")
    process(process(host, 11, f"{LIB} (deleted)\n"), 12, f"{LIB}\n", unit="ssh.service")

    assert libraries.services_with_deleted_libraries(host) == ({"nginx.service"}, 0)


@pytest.mark.parametrize(
    "line",
    [
        "7f00-7f80 r--p 0 08:01 1                       /usr/lib/libssl.so.3 (deleted)",
        "7f00-7f80 rw-s 0 00:01 1                       /memfd:pulse (deleted)",
        "7f00-7f80 r-xp 0 00:01 1                       /memfd:jit (deleted)",
        "7f00-7f80 rw-s 0 00:05 1                       /dev/zero (deleted)",
        "7f00-7f80 r-xp 0 00:2a 1                       /tmp/.unpacked.so (deleted)",
        "7f00-7f80 r-xp 0 00:2a 1                       /usr/lib/libx.so (deleted) really",
    ],
)
def test_what_is_no_replaced_library_does_not_count(tmp_path, line):
    """Shared memory, compiled code and unpacked plugins are deleted by design."""
    assert libraries.services_with_deleted_libraries(process(FakeHost(tmp_path), 10, line + "\n")) == (set(), 0)


def test_a_host_without_proc_has_no_such_thing(tmp_path):
    """Windows keeps libraries in use from being replaced."""
    with pytest.raises(NotSupported):
        list(libraries.PLUGIN.build(libraries.PLUGIN.options(), FakeHost(tmp_path)).collect(1.0))


def test_a_proc_without_any_process_is_no_good_news(tmp_path):
    """Something else is mounted there: none found would read as all well."""
    host = FakeHost(tmp_path).write("/proc/version", "Linux\n")
    with pytest.raises(FileNotFoundError, match="no process at all"):
        libraries.services_with_deleted_libraries(host)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="reads the mappings of another process (root)")
def test_a_real_process_with_a_replaced_library_is_found():
    """Its library is removed while it runs."""
    folder = Path("/opt/foretell-test-libraries/lib")
    real = next(Path("/lib").glob("*-linux-gnu/libz.so.1*"), None)
    if real is None:
        pytest.skip("needs some library to load")
    folder.mkdir(parents=True)
    try:
        library = Path(shutil.copy(real.resolve(), folder / "libfortest.so"))
        code = f"import ctypes, sys; ctypes.CDLL('{library}'); print('up', flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout.readline() == "up\n"
            library.unlink()
            found = libraries._uses_deleted(HostAccess().path(f"/proc/{child.pid}/maps"))
            child.communicate("")
    finally:
        shutil.rmtree(folder.parent)
    assert found
