"""Real lines without anything to hide come out as they are."""

from __future__ import annotations

import pytest

from agent.redaction import Report
from redaction_corpus import altered, harmless, open_templates, redactor


@pytest.mark.parametrize("templates", [None, open_templates()], ids=["shipped templates", "every line let out"])
def test_at_most_one_in_fifty_harmless_lines_is_altered(templates):
    """Of more than a thousand that leave."""
    counts = [altered(redactor(templates), layout, lines) for layout, lines in harmless().items()]
    _, out, changed = map(sum, zip(*counts, strict=True))
    assert out > 1000
    assert changed <= out * 0.02


@pytest.mark.parametrize(
    "message",
    [
        "EXT4-fs (sda1): mounted filesystem 3ac4e187-9ccc-46d8-a7a6-758363ba9fdb r/w with ordered data mode. Quota mode: none.",
        "Out of memory: Killed process 1234 (java) total-vm:17179869184kB, anon-rss:8123456kB, UID:1000",
        "I/O error, dev sda, sector 123456789 op 0x0:(READ) flags 0x80700 phys_seg 4 prio class 2",
        "sd 0:0:0:0: [sda] 1953525168 512-byte logical blocks: (1.00 TB/932 GiB)",
        "nvme0: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10",
        "md/raid1:md0: Disk failure on sdb1, disabling device.",
        "MPTCP token hash table entries: 32768 (order: 8, 786432 bytes, linear)",
        "mce: [Hardware Error]: Machine check events logged",
    ],
)
def test_what_an_engineer_needs_of_disks_and_memory_is_kept(message):
    """Word for word: sizes are no telephone numbers, UUIDs no tokens."""
    line = f"[ 8112.001122] {message}"
    assert list(redactor().lines("kernel", [line.encode()], Report())) == [line]
