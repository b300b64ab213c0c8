"""What fstab says, and what is."""

import pytest

from collectors import CouldNotCheck, NotSupported, mounts
from collectors.contract import FakeHost

FSTAB = r"""# <file system> <mount point> <type> <options> <dump> <pass>
UUID=5e1d / ext4 errors=remount-ro 0 1
UUID=77aa /srv/my\040data/ xfs defaults 0 2
nas:/export /home nfs4 _netdev,nofail 0 0
/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0
/dev/sdc1 /backup ext4 noauto,x-systemd.automount 0 0
/dev/sdd1 /archive ext4 noauto 0 0
proc /proc proc defaults 0 0
"""
ROOT = "27 1 254:0 / / rw - ext4 /dev/vda1 rw\n"


def collect(root, fstab, mountinfo=ROOT, swaps=None):
    """Return what one run yields of a host with these files."""
    host = FakeHost(root).write("/etc/fstab", fstab)
    host.write("/proc/1/mountinfo", mountinfo).write("/proc/self/mountinfo", mountinfo)
    if swaps is not None:
        host.write("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n" + swaps)
    return list(mounts.PLUGIN.build(mounts.MountsOptions(), host).collect(1.0))


def missing(items):
    """Return by place or device whether it is missing; None where that is not known."""
    return {
        item.labels.get("mountpoint", item.labels.get("device")): None
        if isinstance(item, CouldNotCheck)
        else item.value
        for item in items
    }


def test_what_should_be_mounted_and_is_not(tmp_path):
    """`noauto` is nobody's expectation, unless it is mounted on demand."""
    items = collect(tmp_path, FSTAB)
    assert missing(items) == {"/": 0, "/srv/my data": 1, "/home": 1, "/backup": 1}
    assert {item.labels["mountpoint"]: item.labels["nofail"] for item in items}["/home"] == "yes"


def test_an_automount_that_waits_is_there(tmp_path):
    """Systemd mounts autofs where the first use will mount the rest."""
    waiting = "40 27 0:44 / /backup rw - autofs systemd-1 rw,fd=5\n"
    assert missing(collect(tmp_path, FSTAB, ROOT + waiting))["/backup"] == 0


@pytest.mark.parametrize(
    ("fstab", "swaps", "told"),
    [
        ("/swapfile none swap sw 0 0\n", "/swapfile file 1 0 -2\n", {"/swapfile": 0}),
        ("/swapfile none swap sw 0 0\n", "", {"/swapfile": 1}),
        ("UUID=a none swap sw 0 0\n", "/dev/vda5 partition 1 0 -2\n", {"UUID=a": 0}),
        ("UUID=a none swap sw 0 0\n", "", {"UUID=a": 1}),
        ("UUID=a none swap\nUUID=b none swap\n", "/dev/vda5 partition 1 0 -2\n", {"UUID=a": None, "UUID=b": None}),
        ("UUID=a none swap\n/s none swap\n", "/s file 1 0 -2\n", {"UUID=a": 1, "/s": 0}),
    ],
)
def test_swap(tmp_path, fstab, swaps, told):
    """By name where it has one, by their number where the name leads nowhere."""
    assert missing(collect(tmp_path, fstab, swaps=swaps)) == told


def test_a_name_of_swap_is_followed_to_its_device(tmp_path):
    """The kernel lists the device, fstab the name."""
    link = FakeHost(tmp_path).path("/dev/mapper/vg-swap")
    link.parent.mkdir(parents=True)
    link.symlink_to("../dm-1")
    swaps = "/dev/dm-1 partition 1 0 -2\n"
    assert missing(collect(tmp_path, "/dev/mapper/vg-swap none swap\n", swaps=swaps)) == {"/dev/mapper/vg-swap": 0}


@pytest.mark.parametrize("fstab", ["", "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n", "/dev/sr0 /cd udf noauto 0 0\n"])
def test_an_fstab_that_expects_nothing(tmp_path, fstab):
    """As in containers and images of clouds."""
    with pytest.raises(NotSupported):
        collect(tmp_path, fstab)
