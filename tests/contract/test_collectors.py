"""Every built-in collector keeps the contract that third parties' collectors are held to."""

import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import collectors
from collectors import CollectorError, Completed, cpu, disk, memory, services, software
from collectors._processes import WatchedProcess
from collectors.contract import HOSTILE, CollectorContract, FakeHost

MOUNTINFO = "/proc/1/mountinfo"
OWN_MOUNTINFO = "/proc/self/mountinfo"
HUNG = CollectorError("no answer in time")


def escaped(name: str) -> str:
    """Return `name` as the kernel writes it into mountinfo."""
    return "".join(f"\\{ord(character):03o}" if character in " \t\n\\#" else character for character in name)


def mounts(root: Path, mountpoint: str, kind: str) -> tuple[str, str]:
    """Return what the host's first process and the agent (which sees the host under `root`) find mounted."""
    line = "30 1 8:1 / {} rw,relatime - {} {} rw\n"
    seen = str(root) + mountpoint
    return line.format(escaped(mountpoint), kind, escaped(HOSTILE)), line.format(escaped(seen), kind, "x")


class TestDisk(CollectorContract):
    """Room in file systems."""

    plugin = disk.PLUGIN
    silenced = frozenset({"filesystem_avail_bytes", "filesystem_size_bytes", "filesystem_files_free"})

    def working_host(self, root):
        """A local disk, mounted on a hostile name."""
        host = FakeHost(root)
        (root / HOSTILE).mkdir()
        theirs, ours = mounts(root, "/" + HOSTILE, "ext4")
        return host.write(MOUNTINFO, theirs).write(OWN_MOUNTINFO, ours)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No list of mounts; a damaged one; a mount that hangs; one that answers nonsense; one the sandbox hides."""
        yield FakeHost(root / "no list")
        yield FakeHost(root / "damaged").write(MOUNTINFO, "30 1 8:1").write(OWN_MOUNTINFO, "")
        for name, answer in {
            "hung": HUNG,
            "nonsense": Completed(0, "?", ""),
            "denied": Completed(1, "", "denied"),
        }.items():
            host = FakeHost(root / name, {"/usr/bin/stat": answer, "/bin/stat": answer})
            theirs, ours = mounts(root / name, "/srv", "nfs4")
            yield host.write(MOUNTINFO, theirs.replace("8:1", "0:51")).write(OWN_MOUNTINFO, ours.replace("8:1", "0:51"))
        yield FakeHost(root / "hidden").write(MOUNTINFO, mounts(root, "/srv", "ext4")[0]).write(OWN_MOUNTINFO, "")


PRESSURE = "some avg10=0.00 avg60=1.50 avg300=0.25 total=9\nfull avg10=0.00 avg60=0.50 avg300=0.00 total=1\n"


class TestCpu(CollectorContract):
    """How busy the processors are."""

    plugin = cpu.PLUGIN
    silenced = frozenset({"cpu_pressure_ratio"})

    def working_host(self, root):
        """A kernel that keeps pressure."""
        return FakeHost(root).write("/proc/pressure/cpu", PRESSURE)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """A damaged pressure file, and one that cannot be read."""
        yield FakeHost(root / "damaged").write("/proc/pressure/cpu", "some avg60=much")
        yield FakeHost(root / "unreadable").write("/proc/pressure/cpu/is-a-folder", "")


class TestMemory(CollectorContract):
    """Memory."""

    plugin = memory.PLUGIN
    silenced = frozenset({"memory_pressure_ratio", "oom_kills_total"})

    def working_host(self, root):
        """A kernel that keeps pressure and counts kills."""
        return FakeHost(root).write("/proc/pressure/memory", PRESSURE).write("/proc/vmstat", "pgpgin 5\noom_kill 2\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Damaged and unreadable files."""
        damaged = FakeHost(root / "damaged").write("/proc/pressure/memory", "some avg60=much")
        yield damaged.write("/proc/vmstat", "oom_kill several")
        yield FakeHost(root / "unreadable").write("/proc/pressure/memory/is-a-folder", "")


class TestServices(CollectorContract):
    """Units and processes."""

    plugin = services.PLUGIN
    silenced = frozenset({"service_active", "service_failed", "process_missing", "processes_running"})

    def options(self):
        """Name a unit and a program."""
        return services.ServicesOptions(required=["web"], processes=[WatchedProcess(name=HOSTILE)])

    def working_host(self, root):
        """A unit and a process with hostile names."""
        hostile = HOSTILE.replace("\n", " ")
        units = f"Id={hostile}.service\nNames={hostile}.service\nLoadState=loaded\nActiveState=failed\nNRestarts=2\n"
        host = FakeHost(root, {"/usr/bin/systemctl": Completed(0, units, "")}).write("/run/systemd/system/x", "")
        return host.write("/proc/1/stat", f"1 ({HOSTILE[:15]}) S 0").write("/proc/1/cmdline", f"/bin/{HOSTILE}\0-d\0")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No systemd though a unit was named; systemctl missing, hung, refused, cut short, damaged; processes hidden."""
        yield FakeHost(root / "no systemd")
        answers = {
            "missing": None,
            "hung": HUNG,
            "refused": Completed(1, "", "Failed to connect to bus"),
            "cut": Completed(0, "Id=a.service\nActiveState=active", "", truncated=True),
            "damaged": Completed(0, "Id=a.service\nNRes", ""),
        }
        for name, answer in answers.items():
            host = FakeHost(root / name, {"/usr/bin/systemctl": answer} if answer else {})
            yield host.write("/run/systemd/system/x", "")


class TestSoftware(CollectorContract):
    """Release, kernel and reboot."""

    plugin = software.PLUGIN
    silenced = frozenset({"os_support_end_timestamp_seconds", "kernel_outdated"})

    def working_host(self, root):
        """A system that calls itself something hostile."""
        name = HOSTILE.translate(dict.fromkeys(map(ord, "\n\"'\\`$")))
        host = FakeHost(root).write("/etc/os-release", f'ID="{name}"\nVERSION_ID="{name}"\nPRETTY_NAME="{name}"\n')
        return host.write("/run/reboot-required", "")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No os-release, a damaged one, a damaged date, an rpm that hangs or fails."""
        yield FakeHost(root / "nothing")
        yield FakeHost(root / "damaged").write("/etc/os-release", 'ID="debian')
        yield FakeHost(root / "no date").write("/etc/os-release", "ID=x\nVERSION_ID=1\nSUPPORT_END=soon")
        for name, answer in {"hung": HUNG, "failed": Completed(2, "", "rpmdb: damaged")}.items():
            host = FakeHost(root / name, {"/usr/bin/rpm": answer}).write("/usr/bin/rpm", "")
            yield host.write("/etc/os-release", "ID=arch")


def test_no_built_in_is_left_out():
    """A new collector is held to the contract too."""
    names = {module.name for module in pkgutil.iter_modules(collectors.__path__) if not module.name.startswith("_")}
    held = {case.plugin.name for case in CollectorContract.__subclasses__() if case.__module__ == __name__}
    assert held == names - {"contract"}


class HostItself:
    """A context over the machine that runs the tests."""

    def path(self, absolute):
        """Return the path as it is."""
        return Path(absolute)

    def run(self, argv, *, timeout):
        """Run nothing: what needs a child has to say so."""
        raise CollectorError(f"not asked here: {argv[0]} for {timeout} s")


@pytest.mark.parametrize(
    "plugin", [case.plugin for case in CollectorContract.__subclasses__()], ids=lambda plugin: plugin.name
)
def test_this_host_is_read_or_said_not_to_be(plugin):
    """On a real machine each collector gives readings, or says that there is no such thing."""
    try:
        items = list(plugin.build(plugin.options(), HostItself()).collect(1.0))
    except collectors.NotSupported:
        assert plugin is services.PLUGIN
        assert not os.path.isdir("/run/systemd/system")  # noqa: PTH112 - the same words as the collector's
    else:
        assert items
