"""A mount that hangs beside healthy disks: these are read in time, and it is asked once for as long as it hangs."""

import os
import time
from pathlib import Path

import pytest

from agent.collecting import CollectionRunner, ConfiguredCollector, HostAccess
from collectors import disk
from hung_mount import hung_mount

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK), reason="SKIPPED: needs root and FUSE (/dev/fuse)"),
]


def askers(mountpoint):
    """Return the processes that were started to ask the mount."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:  # ended
                continue
            found += [int(process.name)] if str(mountpoint).encode() in command else []
    return found


def test_healthy_disks_are_read_beside_it_and_it_is_asked_once(tmp_path):
    """Its program has read the question and is silent, so that the child cannot even be killed."""
    mountpoint = tmp_path / "silent"
    options = disk.DiskOptions(answer_within=0.5)
    with hung_mount(mountpoint) as mount:
        collector = disk.PLUGIN.build(options, HostAccess())
        runner = CollectionRunner(
            [ConfiguredCollector(plugin=disk.PLUGIN, options=options, collector=collector)], time.monotonic
        )
        told = []
        for _ in range(3):
            runner._schedules[0]._due = time.monotonic()  # a cycle later
            began = time.monotonic()
            collection = runner.collect(time.time())
            assert time.monotonic() - began < disk.PLUGIN.deadline
            assert collection.outcomes[0].success
            sizes = {reading.labels["mountpoint"] for reading in collection.readings if "size" in reading.name}
            assert "/" in sizes
            assert str(mountpoint) not in sizes
            [answers] = [
                reading.value
                for reading in collection.readings
                if reading.name == "mount_answers" and reading.labels["mountpoint"] == str(mountpoint)
            ]
            [unknown] = [one for one in collection.unchecked if one.labels.get("mountpoint") == str(mountpoint)]
            told.append((answers, unknown.reason))
            assert mount.questions == 1
            assert len(askers(mountpoint)) == 1, "one question is outstanding, and one only"
        assert {answers for answers, _ in told} == {0}
        assert "cannot be killed" in told[0][1]
        assert "not asked again while the last question hangs" in told[-1][1]

        mount.break_off()
        until, reason = time.monotonic() + 10, ""
        while (askers(mountpoint) or "not connected" not in reason) and time.monotonic() < until:
            time.sleep(0.05)
            runner._schedules[0]._due = time.monotonic()
            collection = runner.collect(time.time())
            [reason] = [one.reason for one in collection.unchecked if one.labels.get("mountpoint") == str(mountpoint)]
        assert not askers(mountpoint), "nothing is left behind"
        assert "not connected" in reason
