"""The power is cut while records are written: what was acknowledged is there afterwards, whole."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys

import pytest

from agent.delivery.outbox import Outbox
from agent.store import Store
from written_cases import AT, HERE, WRITER, case

pytestmark = pytest.mark.faults

#: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the file system stops at once, and nothing that is in memory is written
SHUTDOWN, AT_ONCE = 0x8004587D, 2


@pytest.mark.parametrize("acknowledged", [1, 3, 5, 8])
def test_what_was_acknowledged_survives_a_power_cut(tmp_path, acknowledged):
    """An ext4 in a file, stopped dead after so many acknowledgements, and mounted again: its journal is all there is."""
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    mount = ["mount", "-o", "loop", image, folder]
    subprocess.run(mount, check=True)
    try:
        folder.chmod(0o700)
        os.sync()
        argv = [sys.executable, "-c", WRITER, folder, HERE]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(acknowledged)]
            power = os.open(folder, os.O_RDONLY)
            fcntl.ioctl(power, SHUTDOWN, struct.pack("I", AT_ONCE))
            os.close(power)
            writer.kill()
        assert [int(line) for line in told] == list(range(acknowledged))
        subprocess.run(["umount", folder], check=True)
        subprocess.run(mount, check=True)
        with Store.open(folder, now=AT) as store:
            assert store.set_aside is None
            saved = [one.key for one in store.cases()]
            assert saved == [one.operation.case for one in Outbox(store).all({"queued"})]
            assert saved == [case(number).key for number in range(len(saved))]
            assert len(saved) >= acknowledged
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
