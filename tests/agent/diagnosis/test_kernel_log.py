"""What the kernel and services wrote, from the journal or from the kernel's buffer; and that it may not be read."""

import pytest

from agent.diagnosis import disk_readonly
from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Unseen
from agent.diagnosis._kernel_log import (
    MOST_LINES,
    TROUBLE,
    Line,
    NotPermitted,
    kernel_lines,
    parse_buffer,
    parse_journal,
    shown,
)
from collectors import CollectorError, Completed

JOURNALCTL, DMESG = "/usr/bin/journalctl", "/usr/bin/dmesg"
# As systemd 252 and 219 write them: a text, bytes that are none, a line too long to be given, more fields, and one cut off.
JOURNAL = (
    '{"__REALTIME_TIMESTAMP":"1795600803000000","MESSAGE":"EXT4-fs error (device sda1): ext4_find_entry:1682: inode #2"}\n'
    '{"__REALTIME_TIMESTAMP":"1795600802000000","MESSAGE":[119,101,105,114,100,255,27,91,51,49,109]}\n'
    '{"__REALTIME_TIMESTAMP":"1795600801000000","MESSAGE":null,"PRIORITY":"6"}\n'
    '{"__REALTIME_TIMESTAMP":"17956008000'
)
BUFFER = """\
2026-11-25T10:00:00,250000+00:00 EXT4-fs (sda1): mounted filesystem with ordered data mode
2026-11-25T10:00:01,250000+00:00 blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ)
 continued
2026-11-25T10:00:02,250000+00:00 EXT4-fs (sda1): Remounting filesystem read-only
"""
MOUNTINFO = "21 1 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 ro,errors=remount-ro,username=kim\n"


def test_the_journal_is_read_newest_first():
    """And a line that was cut off is left out."""
    assert parse_journal(JOURNAL) == [
        Line(at=1795600803.0, text="EXT4-fs error (device sda1): ext4_find_entry:1682: inode #2"),
        Line(at=1795600802.0, text="weird\udcff\x1b[31m"),
        Line(at=1795600801.0, text="(a line too long to show)"),
    ]


def test_the_kernels_buffer_reads_the_same():
    """Times with a comma, a line without."""
    assert [(line.at, line.text) for line in parse_buffer(BUFFER)][:2] == [
        (1795600802.25, "EXT4-fs (sda1): Remounting filesystem read-only"),
        (1795600801.25, " continued"),
    ]


def test_lines_are_shown_oldest_first_with_their_time():
    """In UTC."""
    lines = [Line(at=2.0, text="b"), Line(at=1.0, text="a")]
    assert shown(lines) == ["1970-01-01T00:00:01Z  a", "1970-01-01T00:00:02Z  b"]


def test_where_systemd_runs_its_journal_is_asked_and_else_the_kernel(systemd):
    """Only so many lines, and only what matches."""
    look = systemd(answers={JOURNALCTL: JOURNAL})
    assert [line.at for line in kernel_lines(look, TROUBLE)] == [1795600803.0]
    [asked] = look.asked
    assert {"--dmesg", f"--lines={MOST_LINES}", "--no-pager"} <= set(asked)


def test_without_systemd_the_kernel_is_asked_itself(scripted):
    """By dmesg."""
    look = scripted(answers={DMESG: BUFFER})
    assert [line.text[:7] for line in kernel_lines(look, TROUBLE)] == ["EXT4-fs", "blk_upd"]


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        (
            JOURNALCTL,
            Completed(0, "", "Hint: You are currently not seeing messages from other users and the system.\n"),
        ),
        (JOURNALCTL, Completed(1, "", "No journal files were opened due to insufficient permissions.\n")),
        (DMESG, Completed(1, "", "dmesg: read kernel buffer failed: Operation not permitted\n")),
    ],
)
def test_a_log_that_may_not_be_read_is_told_from_an_empty_one(systemd, scripted, program, answer):
    """With what would open it."""
    look = (systemd if program == JOURNALCTL else scripted)(answers={program: answer})
    with pytest.raises(NotPermitted, match=r"systemd-journal|dmesg_restrict"):
        kernel_lines(look, TROUBLE)


@pytest.mark.parametrize(
    ("program", "errors", "reason"),
    [
        (JOURNALCTL, "Failed to open files: Bad message\n", "Bad message"),
        (JOURNALCTL, "", "journalctl failed with status 2"),
        (DMESG, "", "dmesg failed with status 2"),
    ],
)
def test_a_program_that_fails_is_not_an_empty_log(systemd, scripted, program, errors, reason):
    """Its own words say why, where it has any."""
    look = (systemd if program == JOURNALCTL else scripted)(answers={program: Completed(2, "", errors)})
    with pytest.raises(CollectorError, match=reason):
        kernel_lines(look, TROUBLE)


@pytest.mark.parametrize(
    "line",
    [
        "EXT4-fs error (device sda1): ext4_find_entry:1682: inode #2: comm ls: reading directory lblock 0",
        "EXT4-fs (sda1): Remounting filesystem read-only",
        "Buffer I/O error on dev sda1, logical block 1, lost sync page write",
        "Aborting journal on device sda1-8.",
        "XFS (dm-0): Metadata corruption detected at xfs_agf_read_verify",
        "BTRFS error (device sdb): parent transid verify failed",
        "ata1.00: failed command: READ FPDMA QUEUED",
        "sd 0:0:0:0: [sda] tag#0 Sense Key : Medium Error [current]",
        "critical medium error, dev sda, sector 2048",
        "nvme nvme0: I/O 12 QID 3 timeout, aborting",
        "md/raid1:md0: Disk failure on sdb1, disabling device.",
        "EDAC MC0: 1 CE memory read error on CPU_SrcID#0",
        "INFO: task jbd2/sda1-8:250 blocked for more than 120 seconds.",
    ],
)
def test_trouble_is_known_by_the_kernels_own_words(line):
    """Of disks, file systems and memory."""
    assert TROUBLE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.",
        "nvme nvme0: 8/0/0 default/read/poll queues",
        "ata1: SATA link up 6.0 Gbps (SStatus 133 SControl 300)",
        "XFS (dm-0): Ending clean mount",
        "EDAC MC0: Giving out device to module skx_edac controller Skylake Socket#0",
    ],
)
def test_what_every_boot_says_is_no_trouble(line):
    """Or every host would seem broken."""
    assert not TROUBLE.search(line)


def test_a_disk_that_cannot_be_written_tells_how_and_why(scripted):
    """How it is mounted, what its driver counted, the state of its device, and the kernel's words."""
    look = scripted({"mountpoint": "/"}, answers={DMESG: BUFFER})
    look.write("/proc/1/mountinfo", MOUNTINFO).write(
        "/proc/self/mountinfo", MOUNTINFO.replace(" / / ", f" / {look.root} ")
    )
    look.write("/sys/devices/pci/block/sda/sda1/partition", "1").write(
        "/sys/devices/pci/block/sda/device/state", "offline\n"
    )
    look.path("/sys/dev/block").mkdir(parents=True)
    look.path("/sys/dev/block/8:1").symlink_to("../../devices/pci/block/sda/sda1")
    look.write("/sys/fs/ext4/sda1/errors_count", "17\n").write("/sys/fs/ext4/sda1/last_error_time", "1795600801\n")
    found = [item for step in disk_readonly.STEPS for item in step(look)]
    told = {item.name: item.value for item in found if isinstance(item, DiagnosisFact)}
    assert told == {
        "mount_state": "read-only everywhere",
        "filesystem_options": "ro,errors=remount-ro",
        "filesystem_errors_total": 17.0,
        "last_error_timestamp": 1795600801.0,
        "device_state": "offline",
        "kernel_errors": 2.0,
        "last_kernel_error_timestamp": 1795600802.25,
    }
    [detail] = [item for item in found if isinstance(item, Detail)]
    assert detail.consent == "excerpt"


def test_a_log_that_is_closed_is_said_and_no_error_count_is_claimed(scripted):
    """None seen is not none."""
    look = scripted(answers={DMESG: Completed(1, "", "dmesg: read kernel buffer failed: Operation not permitted\n")})
    [unseen] = disk_readonly.kernel_trouble(look)
    assert isinstance(unseen, Unseen)
    assert (unseen.what, unseen.reason) == ("kernel_log", "not_permitted")
