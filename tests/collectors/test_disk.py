"""Room in file systems."""

from types import SimpleNamespace

import pytest

from collectors import CollectorError, Completed, CouldNotCheck, StillRunning, disk
from collectors._mountinfo import parse_mountinfo, reachable
from collectors._usage import Asker
from collectors.contract import FakeHost

ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw,discard"


def lines(*mounts):
    """Return mountinfo of `mounts`."""
    return "\n".join(mounts) + "\n"


def laid_out(root, *mounts, answers=None):
    """Return a host with these mounts, all of them in the agent's view and their mount points there."""
    host = FakeHost(root, answers)
    seen = []
    for mount in parse_mountinfo(lines(*mounts)):
        host.path(mount.mountpoint).mkdir(parents=True, exist_ok=True)
        seen.append(f"1 1 {mount.number} / {host.path(mount.mountpoint)} rw - x x rw")
    return host.write("/proc/1/mountinfo", lines(*mounts)).write("/proc/self/mountinfo", lines(*seen))


def collect(host, **options):
    """Return what one run yields."""
    return list(disk.PLUGIN.build(disk.DiskOptions(**options), host).collect(1.0))


def read_places(items):
    """Return the mount points of which the size is known, in order."""
    return [item.labels["mountpoint"] for item in items if item.name == "filesystem_size_bytes"]


def test_a_line_of_mountinfo():
    """Optional fields are skipped, whatever their number."""
    (mount,) = parse_mountinfo(
        r"36 35 98:0 /sub /mnt/my\040disk\134x rw,noatime master:1 shared:7 - xfs /dev/sd\011a ro"
    )
    assert (mount.identity, mount.parent, mount.number) == (36, 35, "98:0")
    assert (mount.mountpoint, mount.device, mount.fstype) == ("/mnt/my disk\\x", "/dev/sd\ta", "xfs")


@pytest.mark.parametrize("space", ["\x0b", "\x85", "\u2028", "\u00a0"])
def test_white_space_the_kernel_does_not_escape_stays_in_the_name(space):
    """Only space, tab, newline, backslash and # are escaped; others must not split a line or a field."""
    (mount,) = parse_mountinfo(f"36 35 98:0 / /mnt/a{space}b rw - xfs /dev/sda rw\n")
    assert mount.mountpoint == f"/mnt/a{space}b"


@pytest.mark.parametrize(
    "text", ["36 35 98:0 / /mnt rw xfs /dev/sda rw", "36 35 98:0 - xfs /dev/sda rw", "a b c d e f - g h i"]
)
def test_a_damaged_line_is_refused(text):
    """Half a list of mounts is not a list of mounts."""
    with pytest.raises(ValueError, match=r"mountinfo|invalid literal"):
        parse_mountinfo(text)


def test_a_password_in_the_source_stays_there():
    """WebDAV sources are addresses."""
    (mount,) = parse_mountinfo("36 35 0:50 / /dav rw - fuse.davfs https://me:secret@dav.example/x rw")
    assert mount.device == "https://dav.example/x"


@pytest.mark.parametrize(
    ("mount", "superblock", "read_only"),
    [("rw", "rw", False), ("ro", "rw", True), ("rw", "ro,errors=remount-ro", True), ("rw,root=x", "rw,proto", False)],
)
def test_read_only_by_mount_or_by_file_system(mount, superblock, read_only):
    """A remount after an error makes the file system read only, not the mount."""
    (found,) = parse_mountinfo(f"36 35 98:0 / /mnt {mount} - ext4 /dev/sda {superblock}")
    assert found.read_only is read_only


@pytest.mark.parametrize(
    ("number", "fstype", "hangs"),
    [
        ("8:1", "ext4", False),
        ("0:44", "btrfs", False),
        ("0:44", "zfs", False),
        ("0:44", "tmpfs", False),
        ("0:44", "nfs4", True),
        ("0:44", "cifs", True),
        ("0:44", "some-new-network-fs", True),
        ("0:44", "fuse.sshfs", True),
        ("8:1", "fuseblk", True),
        ("8:1", "ocfs2", True),
    ],
)
def test_what_may_hang(number, fstype, hangs):
    """Whatever is not certainly kept by this kernel is asked through a child."""
    (mount,) = parse_mountinfo(f"36 35 {number} / /mnt rw - {fstype} x rw")
    assert mount.may_hang is hangs


def test_a_mount_under_another_one_is_out_of_reach():
    """Stacked on the same place, or below a directory that was mounted over later, with all that is mounted on it."""
    mounts = parse_mountinfo(
        lines(
            ROOT,
            "30 27 8:1 / /data rw - ext4 stacked rw",
            "31 30 8:2 / /data rw - ext4 top rw",
            "32 27 8:3 / /mnt/a rw - ext4 below rw",
            "33 32 8:4 / /mnt/a/b rw - ext4 deeper rw",
            "34 27 8:5 / /mnt rw - ext4 over rw",
            "35 34 8:6 / /mnt/c rw - ext4 onto rw",
            "36 27 8:7 / /mntx rw - ext4 beside rw",
        )
    )
    assert [mount.device for mount in reachable(mounts)] == ["/dev/vda1", "top", "over", "onto", "beside"]


def test_a_root_that_is_its_own_parent_is_reachable():
    """The first mount of a namespace may name itself."""
    assert len(reachable(parse_mountinfo("1 1 0:2 / / rw - rootfs rootfs rw"))) == 1


def test_every_real_file_system_is_read_once(tmp_path):
    """Pseudo file systems, overlays of containers and further mounts of one file system are left out."""
    host = laid_out(
        tmp_path,
        ROOT,
        "28 27 0:20 / /proc rw - proc proc rw",
        "29 27 0:21 / /dev rw - devtmpfs udev rw",
        "30 27 254:0 /srv/data /exported/data rw - ext4 /dev/vda1 rw",
        "31 27 254:0 / /b rw - ext4 /dev/vda1 rw",
        "32 27 0:30 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw",
        "33 27 0:31 / /opt/merged rw - overlay overlay rw",
        "34 27 0:32 / /tmp rw - tmpfs tmpfs rw",
        "35 27 0:33 / /var/lib/docker/containers/y/shm rw - tmpfs shm rw",
        "36 27 8:17 / /srv rw - xfs /dev/sdb1 rw",
        "37 27 0:34 / /sys ro - tmpfs tmpfs rw",  # as systemd-nspawn makes it
    )
    assert read_places(collect(host)) == ["/", "/srv", "/tmp"]


def test_an_overlay_at_the_root_is_the_system_itself(tmp_path):
    """In a container or a live system there is no other root."""
    assert read_places(collect(laid_out(tmp_path, "27 1 0:40 / / rw - overlay overlay rw"))) == ["/"]


def test_a_file_bound_from_elsewhere_is_not_a_file_system(tmp_path):
    """Container engines bind resolv.conf; the directory bound from the same disk is read."""
    host = laid_out(
        tmp_path,
        "40 1 8:1 /c/hosts /hosts rw - ext4 /dev/sda1 rw",
        "41 1 8:1 /c/volume /var/volume rw - ext4 /dev/sda1 rw",
    )
    host.path("/hosts").rmdir()
    host.write("/hosts", "127.0.0.1 localhost\n")
    assert read_places(collect(host)) == ["/var/volume"]


def test_what_to_leave_out_is_configurable(tmp_path):
    """By type and by place."""
    host = laid_out(tmp_path, ROOT, "34 27 0:32 / /tmp rw - tmpfs tmpfs rw", "35 27 8:5 / /a rw - ext4 a rw")
    assert read_places(collect(host, exclude_fstypes=["tmpfs"], exclude_mountpoints=["/a*"])) == ["/"]


def test_room_for_users_and_for_root_are_told_apart(tmp_path, monkeypatch):
    """Reserved blocks are root's."""
    counted = SimpleNamespace(f_frsize=4096, f_blocks=1000, f_bfree=300, f_bavail=250, f_files=64, f_ffree=4)
    monkeypatch.setattr("os.statvfs", lambda _path: counted)
    read = {item.name: item.value for item in collect(laid_out(tmp_path, ROOT.replace("rw,discard", "ro")))}
    assert read == {
        "filesystem_avail_bytes": 250 * 4096,
        "filesystem_free_bytes": 300 * 4096,
        "filesystem_size_bytes": 1000 * 4096,
        "filesystem_files": 64,
        "filesystem_files_free": 4,
        "filesystem_readonly": 1,
    }


def test_no_inodes_is_not_no_inodes_left(tmp_path, monkeypatch):
    """Btrfs and vfat have no fixed number of them; a file system without a size keeps nothing."""
    counted = SimpleNamespace(f_frsize=4096, f_blocks=10, f_bfree=3, f_bavail=3, f_files=0, f_ffree=0)
    monkeypatch.setattr("os.statvfs", lambda _path: counted)
    names = {item.name for item in collect(laid_out(tmp_path, ROOT))}
    assert "filesystem_avail_bytes" in names
    assert not {"filesystem_files", "filesystem_files_free"} & names
    counted.f_blocks = 0
    assert {item.name for item in collect(laid_out(tmp_path, ROOT))} == {"filesystem_readonly"}


def test_without_leave_to_read_the_hosts_list_the_agents_own_serves(tmp_path):
    """A sandbox shows mounts as read only that are not; the file system's own state is believed."""
    sandboxed = lines("27 1 254:0 / {} ro - ext4 /dev/vda1 rw".format("/"), "28 27 8:2 / /ro ro - ext4 /dev/sdb ro,x")
    host = FakeHost(tmp_path).write("/proc/self/mountinfo", sandboxed)
    read = {(item.name, item.labels["mountpoint"]): getattr(item, "value", None) for item in collect(host)}
    assert read["filesystem_readonly", "/"] == 0
    assert read["filesystem_readonly", "/ro"] == 1


def test_a_mount_the_sandbox_hides_is_not_measured_by_what_lies_below(tmp_path):
    """Statvfs on the bare directory would tell the room of another file system."""
    host = laid_out(tmp_path, ROOT, "30 27 8:1 / /data rw - ext4 /dev/sda1 rw")
    host.write("/proc/self/mountinfo", f"1 1 254:0 / {host.path('/')} rw - x x rw\n")
    items = collect(host)
    assert read_places(items) == ["/"]
    assert [item.labels["mountpoint"] for item in items if isinstance(item, CouldNotCheck)] == ["/data"]


STAT = {"/usr/bin/stat": Completed(0, "4096 1000 300 250 64 4\n", "")}
NFS = "30 27 0:50 / /srv rw - nfs4 server:/srv rw"


def never(path):
    """Fail: no process of ours may touch it."""
    raise AssertionError(f"{path} may hang, and was asked in this process")


def test_a_network_mount_is_asked_by_a_child_only(tmp_path, monkeypatch):
    """And so is what is mounted below it, since the way there leads through it."""
    host = laid_out(tmp_path, NFS, "31 30 0:51 / /srv/scratch rw - tmpfs tmpfs rw", answers=STAT)
    monkeypatch.setattr("os.statvfs", never)
    items = collect(host)
    assert read_places(items) == ["/srv", "/srv/scratch"]
    assert {item.value for item in items if item.name == "filesystem_avail_bytes"} == {250 * 4096}
    assert [argv[-1] for argv in host.asked] == [str(host.path("/srv")), str(host.path("/srv/scratch"))]


def test_what_this_kernel_keeps_costs_no_child(tmp_path):
    """Below the kernel's own trees nothing waits for a server."""
    host = laid_out(tmp_path, "24 27 0:6 / /dev rw - devtmpfs udev rw", "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw")
    assert read_places(collect(host)) == ["/dev/shm"]
    assert host.asked == []


def test_without_stat_an_interpreter_asks(tmp_path, monkeypatch):
    """MacOS has another stat, Windows none; the question is put to this interpreter, alone."""
    monkeypatch.setattr("sys.platform", "darwin")
    import sys  # noqa: PLC0415 - its path is the program expected here

    host = laid_out(tmp_path, NFS, answers={sys.executable: STAT["/usr/bin/stat"]})
    assert read_places(collect(host)) == ["/srv"]
    assert "statvfs" in host.asked[0][4]


def test_a_refusal_is_told_with_its_reason(tmp_path):
    """A broken FUSE mount answers at once; it is asked again next time."""
    broken = {"/usr/bin/stat": Completed(1, "", "stat: cannot read: Transport endpoint is not connected\n")}
    host = laid_out(tmp_path, NFS, answers=broken)
    one = disk.PLUGIN.build(disk.DiskOptions(), host)
    for _ in range(2):
        (unknown,) = [item for item in one.collect(1.0) if isinstance(item, CouldNotCheck)]
        assert "not connected" in unknown.reason
        assert unknown.labels["mountpoint"] == "/srv"
    assert len(host.asked) == 2


def test_a_silent_mount_is_left_alone_longer_and_longer(tmp_path):
    """Its child may be stuck in the kernel; one answer and it is asked every time again."""
    host = FakeHost(tmp_path, {"/usr/bin/stat": CollectorError("no answer in time")})
    asker = Asker(host, 1.0)
    asked = []
    for run in range(20):
        asker.start_run()
        before = len(host.asked)
        with pytest.raises(CollectorError):
            asker.usage(tmp_path)
        asked.extend([run] if len(host.asked) > before else [])
    assert asked == [0, 2, 5, 10, 19]
    host.answers = STAT
    answered = 0
    for _ in range(30):
        asker.start_run()
        try:
            answered += asker.usage(tmp_path).files == 64
        except CollectorError:
            assert answered == 0
    assert answered == 30 - 8


def test_a_mount_whose_question_hangs_in_the_kernel_is_not_asked_again(tmp_path):
    """Every further child would hang beside the first; when that has ended, one more is asked."""
    over = []
    host = laid_out(tmp_path, NFS, answers={"/usr/bin/stat": StillRunning("cannot be killed", lambda: bool(over))})
    one = disk.PLUGIN.build(disk.DiskOptions(), host)
    for _ in range(100):
        items = list(one.collect(1.0))
        assert [item.value for item in items if item.name == "mount_answers"] == [0]
        assert any(isinstance(item, CouldNotCheck) for item in items)
    assert len(host.asked) == 1
    over.append(True)
    host.answers = STAT
    assert [item.value for item in one.collect(1.0) if item.name == "mount_answers"] == [1]


def test_a_mount_that_is_closed_to_us_is_not_called_broken(tmp_path):
    """FUSE shows a user's mount to that user only; one whose program is gone is broken for everybody."""
    for told, said in {"Permission denied": [], "Transport endpoint is not connected": [0]}.items():
        answer = Completed(1, "", f"stat: cannot read file system information for 'x': {told}\n")
        host = laid_out(tmp_path / str(len(said)), NFS, answers={"/usr/bin/stat": answer})
        assert [item.value for item in collect(host) if item.name == "mount_answers"] == said


def test_one_dead_server_does_not_use_up_the_deadline(tmp_path):
    """After two silent mounts the rest waits for the next run, and all of them say so."""
    mounts = [f"3{n} 27 0:5{n} / /srv/{n} rw - nfs4 server:/{n} rw" for n in range(5)]
    host = laid_out(tmp_path, *mounts, answers={"/usr/bin/stat": CollectorError("no answer in time")})
    one = disk.PLUGIN.build(disk.DiskOptions(), host)
    for runs in (1, 2, 3):
        assert sum(isinstance(item, CouldNotCheck) for item in one.collect(1.0)) == 5
        assert len(host.asked) <= 2 * runs


def test_volumes_of_macos(tmp_path, monkeypatch):
    """The sealed system volume is left out for the Data volume beside it; a server's share is asked by a child."""
    found = [
        SimpleNamespace(device="/dev/disk3s1s1", mountpoint="/", fstype="apfs", opts="ro,local,rootfs"),
        SimpleNamespace(device="/dev/disk3s5", mountpoint="/System/Volumes/Data", fstype="apfs", opts="rw,local"),
        SimpleNamespace(device="/dev/disk3s6", mountpoint="/System/Volumes/VM", fstype="apfs", opts="rw,local"),
        SimpleNamespace(device="//me@nas/share", mountpoint="/Volumes/share", fstype="smbfs", opts="rw"),
    ]
    monkeypatch.setattr("psutil.LINUX", False)
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: found)
    host = FakeHost(tmp_path, STAT)
    host.path("/System/Volumes/Data").mkdir(parents=True)
    items = collect(host)
    assert read_places(items) == ["/Volumes/share", "/System/Volumes/Data"]
    assert [argv[-1] for argv in host.asked] == [str(host.path("/Volumes/share"))]
    assert items[0].labels["device"] == "//nas/share"
