"""The program that root runs: its commands are fixed, what it writes is whole, and it names nothing."""

import importlib.util
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from collectors import smart
from collectors.contract import FakeHost

PROGRAM = Path(__file__).resolve().parents[2] / "deploy/privileged/foretell_privileged.py"
SAMPLES = Path(__file__).resolve().parents[1] / "collectors/smartctl"


@pytest.fixture(scope="module")
def program():
    """Return the program as a module."""
    spec = importlib.util.spec_from_file_location("foretell_privileged", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder):
    """Run the program as its unit does; return how it ended."""
    environment = {"RUNTIME_DIRECTORY": str(folder)} if folder else {}
    argv = [sys.executable, "-I", "-S", str(PROGRAM)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_it_writes_one_file_that_the_group_may_read(tmp_path):
    """With Python's own library alone, under any umask, and in the place of a file that somebody left there."""
    (tmp_path / ".facts.json.new").symlink_to(tmp_path / "elsewhere")
    ended = run(tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]
    assert stat.S_IMODE((tmp_path / "facts.json").stat().st_mode) == 0o640
    told = json.loads((tmp_path / "facts.json").read_text())
    assert told["format"] == 1
    assert {"smart", "thin_pools", "zfs_pools", "deleted"} <= told.keys()
    assert all(set(told[name]) < {"found", "missing", "problem"} for name in ("smart", "thin_pools", "deleted"))


def test_without_its_unit_it_says_how_to_start_it():
    """It would not know where to write."""
    ended = run(None)
    assert ended.returncode == 2
    assert "systemctl start foretell-privileged.service" in ended.stderr


def test_a_disk_is_asked_as_the_scan_names_it_and_its_serial_number_is_left_out(program, tmp_path):
    """A name that is none is not handed on; what the agent then reads is the sample's."""
    asked = []
    devices = [
        {"name": "/dev/sda", "type": "sat"},
        {"name": "/dev/sda; reboot", "type": "sat"},
        {"name": "/dev/../x", "type": "a"},
    ]

    def answer(_, arguments):
        asked.append(list(arguments))
        return json.dumps({"devices": devices}) if "--scan" in arguments else (SAMPLES / "ata.json").read_text()

    told = program.facts({"smart": lambda: program.smart(answer)})
    assert [arguments[-2:] for arguments in asked[1:]] == [["--device=sat", "/dev/sda"]]
    program.write(tmp_path, told)
    text = (tmp_path / "facts.json").read_text()
    assert "Z1234567" not in text
    assert "wwn" not in text
    host = FakeHost(tmp_path / "host").write("/run/foretell-privileged/facts.json", text)
    items = list(smart.PLUGIN.build(smart.SmartOptions(), host).collect(told["at"]))
    assert "smart_failing" in {item.name for item in items}


def test_what_one_part_cannot_is_said_in_its_place(program):
    """The others are told all the same."""

    def fail():
        raise OSError("Input/output error")

    def lack():
        raise program.MissingError("/usr/sbin/lvs")

    told = program.facts({"smart": fail, "thin_pools": lack, "deleted": dict})
    assert told["smart"] == {"problem": "OSError: Input/output error"}
    assert told["thin_pools"] == {"missing": "/usr/sbin/lvs"}
    assert told["deleted"] == {"found": {}}


def test_pools_of_zfs_are_read_by_their_columns(program):
    """`zpool list -Hp` separates them by tabs."""
    [pool] = program.zfs_pools(lambda *_: "tank\t1000\t400\t600\tONLINE\n")
    assert pool == {"name": "tank", "size": 1000, "used": 400, "free": 600, "health": "ONLINE"}


def test_a_deleted_file_that_is_held_open_is_counted_once(program, tmp_path):
    """A real one of this process, held twice; gone when it is closed."""
    if os.statvfs(tmp_path).f_blocks == 0 or sys.platform != "linux":
        pytest.skip("SKIPPED: needs a Linux file system with room")
    path = tmp_path / "held"
    with path.open("wb") as file, path.open("rb"):
        file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
        path.unlink()
        own = {status.st_ino: status.st_blocks * 512 for _, status in program.deleted_of(Path("/proc/self"))}
        assert own[os.fstat(file.fileno()).st_ino] >= 1 << 20
        assert sum(program.deleted().values()) >= 1 << 20
