"""Every built-in collector keeps the contract that third parties' collectors are held to."""

import json
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

import collectors
from collectors import (
    CollectorError,
    Completed,
    arrays,
    certificates,
    cgroup,
    containers,
    cpu,
    deleted_files,
    disk,
    disk_errors,
    disk_io,
    dns,
    exporter,
    http,
    libraries,
    memory,
    mounts,
    nagios,
    ntp,
    packages,
    pools,
    port,
    services,
    smart,
    software,
    temperature,
    textfile,
    updates,
)
from collectors._chrony import CHRONYC
from collectors._openssl import OPENSSL
from collectors._processes import WatchedProcess
from collectors.contract import AT, HOSTILE, CollectorContract, FakeHost
from loopback import Page, container_engine, web_server
from privileged_facts import FACTS, write_facts

MOUNTINFO = "/proc/1/mountinfo"
OWN_MOUNTINFO = "/proc/self/mountinfo"
HUNG = CollectorError("no answer in time")
FOLDER = "/var/lib/prometheus/node-exporter"


def escaped(name: str) -> str:
    """Return `name` as the kernel writes it into mountinfo."""
    return "".join(f"\\{ord(character):03o}" if character in " \t\n\\#" else character for character in name)


def mounted(root: Path, mountpoint: str, kind: str) -> tuple[str, str]:
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
        theirs, ours = mounted(root, "/" + HOSTILE, "ext4")
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
            theirs, ours = mounted(root / name, "/srv", "nfs4")
            yield host.write(MOUNTINFO, theirs.replace("8:1", "0:51")).write(OWN_MOUNTINFO, ours.replace("8:1", "0:51"))
        yield FakeHost(root / "hidden").write(MOUNTINFO, mounted(root, "/srv", "ext4")[0]).write(OWN_MOUNTINFO, "")


PRESSURE = "some avg10=0.00 avg60=1.50 avg300=0.25 total=9\nfull avg10=0.00 avg60=0.50 avg300=0.00 total=1\n"


class TestCpu(CollectorContract):
    """How busy the processors are."""

    plugin = cpu.PLUGIN
    silenced = frozenset({"cpu_pressure_ratio", "runnable_per_core"})

    def working_host(self, root):
        """A kernel that keeps pressure."""
        host = FakeHost(root).write("/proc/pressure/cpu", PRESSURE)
        return host.write("/proc/stat", "cpu 1 2 3 4\nprocs_running 3\nprocs_blocked 1\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """A damaged pressure file, and one that cannot be read; a kernel that does not tell its queue."""
        yield FakeHost(root / "damaged").write("/proc/pressure/cpu", "some avg60=much")
        yield FakeHost(root / "no queue").write("/proc/stat", "cpu 1 2 3 4\nprocs_running 3\n")
        yield FakeHost(root / "unreadable").write("/proc/pressure/cpu/is-a-folder", "")


class TestMemory(CollectorContract):
    """Memory."""

    plugin = memory.PLUGIN
    silenced = frozenset({"memory_pressure_ratio", "oom_kills_total", "swapped_pages_total"})

    def working_host(self, root):
        """A kernel that keeps pressure and counts kills."""
        return FakeHost(root).write("/proc/pressure/memory", PRESSURE).write("/proc/vmstat", "pswpin 5\noom_kill 2\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Damaged and unreadable files."""
        damaged = FakeHost(root / "damaged").write("/proc/pressure/memory", "some avg60=much")
        yield damaged.write("/proc/vmstat", "oom_kill several")
        yield FakeHost(root / "unreadable").write("/proc/pressure/memory/is-a-folder", "")


DISKSTATS = "254 0 {} 380093 43600 9800442 3060423 1421213 569715 69704280 1335642 0 470400 4715163 3 6 5 1 3 1\n"


class TestDiskIo(CollectorContract):
    """What disks are asked to do."""

    plugin = disk_io.PLUGIN
    silenced = frozenset({"disk_busy_ratio", "io_pressure_ratio"})

    def working_host(self, root):
        """A disk with a hostile name, which has no white space in the kernel's list."""
        name = HOSTILE.translate(dict.fromkeys(map(ord, " \n")))
        host = FakeHost(root).write("/proc/diskstats", DISKSTATS.format(name)).write("/proc/pressure/io", PRESSURE)
        return host.write(f"/sys/block/{name}/device/x", "")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Damaged counters of a disk; a list that cannot be read; damaged pressure."""
        damaged = FakeHost(root / "damaged").write("/proc/diskstats", "254 0 vda 1 2 three")
        yield damaged.write("/sys/block/vda/device/x", "")
        yield FakeHost(root / "unreadable").write("/proc/diskstats/is-a-folder", "")
        yield FakeHost(root / "pressure").write("/proc/diskstats", "").write("/proc/pressure/io", "some avg60=much")


class TestDiskErrors(CollectorContract):
    """Errors that file systems counted."""

    plugin = disk_errors.PLUGIN
    silenced = frozenset({"filesystem_errors_total"})

    def working_host(self, root):
        """A file system of each kind on a device with a hostile name."""
        host = FakeHost(root).write(f"/sys/fs/ext4/{HOSTILE}/errors_count", "3\n")
        return host.write(f"/sys/fs/btrfs/{HOSTILE}/devinfo/1/error_stats", "write_errs 0\nread_errs 2\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Damaged, empty and unreadable counts; a device of btrfs that cannot be asked."""
        yield FakeHost(root / "damaged").write("/sys/fs/ext4/sda1/errors_count", "many")
        yield FakeHost(root / "unreadable").write("/sys/fs/ext4/sda1/errors_count/is-a-folder", "")
        yield FakeHost(root / "empty").write("/sys/fs/btrfs/x/devinfo/1/error_stats", "")
        yield FakeHost(root / "invalid").write("/sys/fs/btrfs/x/devinfo/1/error_stats", "invalid\n")
        yield FakeHost(root / "refused").write("/sys/fs/btrfs/x/devinfo/1/error_stats/is-a-folder", "")


class TestArrays(CollectorContract):
    """Arrays of disks."""

    plugin = arrays.PLUGIN
    silenced = frozenset({"array_state"})

    def working_host(self, root):
        """One of each kind, with hostile names."""
        host = FakeHost(root).write(f"/sys/block/{HOSTILE}/md/array_state", "clean\n")
        host.write(f"/sys/block/{HOSTILE}/md/degraded", "1\n").write(f"/proc/spl/kstat/zfs/{HOSTILE}/state", "ONLINE\n")
        host.write("/sys/fs/btrfs/1-2/label", HOSTILE).write("/sys/fs/btrfs/1-2/devinfo/1/missing", "0\n")
        return host.write("/sys/fs/btrfs/1-2/devinfo/2/missing", "1\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No state, a damaged number, a state nobody knows, a device that is neither there nor missing."""
        yield FakeHost(root / "no state").write("/sys/block/md0/md/degraded", "0\n")
        host = FakeHost(root / "damaged").write("/sys/block/md0/md/array_state", "clean\n")
        yield host.write("/sys/block/md0/md/degraded", "one")
        yield FakeHost(root / "unknown").write("/proc/spl/kstat/zfs/tank/state", "WELL\n")
        host = FakeHost(root / "perhaps").write("/sys/fs/btrfs/x/devinfo/1/missing", "?\n")
        yield host.write("/sys/fs/btrfs/x/devinfo/2/missing", "0\n")


class TestSmart(CollectorContract):
    """Health of disks."""

    plugin = smart.PLUGIN
    silenced = frozenset({"smart_failing"})

    def working_host(self, root):
        """A disk whose model and name are hostile."""
        name = HOSTILE.replace("\udcff", "")  # no JSON can hold it
        sector = {"id": 197, "name": name, "value": 1, "raw": {"value": 3, "string": name}}
        disk = {
            "device": {"name": name, "type": name},
            "model_name": name,
            "smart_status": {"passed": False},
            "ata_smart_attributes": {"table": [sector]},
        }
        return write_facts(FakeHost(root), AT, smart=[disk])

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Old facts, damaged ones, none where there should be some, a part that failed, a disk that does not tell."""
        yield write_facts(FakeHost(root / "old"), AT - 86400, smart=[])
        yield FakeHost(root / "damaged").write(FACTS, '{"format": 1, "at"')
        yield FakeHost(root / "none").write("/run/foretell-privileged/x", "")
        yield write_facts(FakeHost(root / "failed"), AT, smart="no answer")
        yield write_facts(FakeHost(root / "silent"), AT, smart=[{"device": {"name": "/dev/sda"}}])
        yield write_facts(FakeHost(root / "strange"), AT, smart=[{"device": "sda"}])


class TestPools(CollectorContract):
    """Pools of storage."""

    plugin = pools.PLUGIN
    silenced = frozenset({"pool_free_bytes"})

    def working_host(self, root):
        """A pool with a hostile name."""
        name = HOSTILE.replace("\udcff", "")
        pool = {"name": name, "size": 10, "used": 4, "free": 6, "health": "ONLINE"}
        return write_facts(FakeHost(root), AT, zfs_pools=[pool], thin_pools=[])

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Facts that are old, failed or nonsense; a btrfs whose numbers are none."""
        yield write_facts(FakeHost(root / "old"), AT - 86400, zfs_pools=[], thin_pools=[])
        yield write_facts(FakeHost(root / "failed"), AT, zfs_pools="no answer", thin_pools=[])
        thin = [{"vg_name": "a", "lv_name": "b", "lv_size": "much", "data_percent": "1"}]
        yield write_facts(FakeHost(root / "nonsense"), AT, thin_pools=thin, zfs_pools=[])
        yield FakeHost(root / "btrfs").write("/sys/fs/btrfs/x/allocation/metadata/total_bytes", "?")


class TestDeletedFiles(CollectorContract):
    """Deleted files that are held open."""

    plugin = deleted_files.PLUGIN
    silenced = frozenset({"deleted_files_bytes"})

    def working_host(self, root):
        """Some on a file system with a hostile name."""
        host = FakeHost(root).write(MOUNTINFO, mounted(root, "/" + HOSTILE, "ext4")[0]).write(OWN_MOUNTINFO, "")
        return write_facts(host, AT, deleted={"8:1": 4096})

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Old facts, and a part that failed."""
        yield write_facts(FakeHost(root / "old"), AT - 86400, deleted={})
        yield write_facts(FakeHost(root / "failed"), AT, deleted="Permission denied")


class TestMounts(CollectorContract):
    """What fstab says."""

    plugin = mounts.PLUGIN
    silenced = frozenset({"mount_missing", "swap_missing"})

    def working_host(self, root):
        """A mount point and swap with hostile names; one is there."""
        host = FakeHost(root).write(MOUNTINFO, mounted(root, "/srv", "ext4")[0]).write(OWN_MOUNTINFO, "")
        name = HOSTILE.replace(" ", "\\040").replace("\n", "\\012")
        host.write("/proc/swaps", "Filename Type Size Used Priority\n")
        return host.write("/etc/fstab", f"/dev/a /srv ext4\n/dev/b /{name} ext4 nofail 0 0\n/{name} none swap sw 0 0\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """A damaged fstab, no list of mounts, no list of swap."""
        yield FakeHost(root / "damaged").write("/etc/fstab", "/dev/sda1\n")
        yield FakeHost(root / "no list").write("/etc/fstab", "/dev/sda1 / ext4\n")
        host = FakeHost(root / "no swaps").write(MOUNTINFO, "").write(OWN_MOUNTINFO, "")
        yield host.write("/etc/fstab", "/dev/sda1 none swap\n")


class TestTemperature(CollectorContract):
    """Sensors."""

    plugin = temperature.PLUGIN
    silenced = frozenset({"temperature_celsius", "cpu_thermal_throttles_total"})

    def working_host(self, root):
        """A chip with a hostile name, and a processor that has throttled."""
        host = FakeHost(root).write("/sys/class/hwmon/hwmon0/name", HOSTILE)
        host.write("/sys/class/hwmon/hwmon0/temp1_input", "45000\n").write(
            "/sys/class/hwmon/hwmon0/temp1_crit", "100000\n"
        )
        host.write("/sys/class/hwmon/hwmon0/temp1_label", HOSTILE)
        return host.write("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "7\n")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """A sensor that cannot be read, a damaged one, a damaged count."""
        yield FakeHost(root / "unreadable").write("/sys/class/hwmon/hwmon0/temp1_input/is-a-folder", "")
        yield FakeHost(root / "damaged").write("/sys/class/hwmon/hwmon0/temp1_input", "hot")
        yield FakeHost(root / "count").write("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "?")


CGROUP = {
    "cgroup.controllers": "cpu memory",
    "cpu.max": "50000 100000\n",
    "cpu.stat": "usage_usec 900\nnr_periods 5\nnr_throttled 2\n",
    "memory.max": "1073741824\n",
    "memory.current": "104857600\n",
    "memory.stat": "inactive_file 4096\n",
    "memory.events": "oom 1\noom_kill 1\n",
}


class TestCgroup(CollectorContract):
    """A container's limits."""

    plugin = cgroup.PLUGIN
    silenced = frozenset({"cgroup_memory_limit_bytes", "cgroup_cpu_limit"})

    def working_host(self, root, **changed):
        """A container with both limits; nothing in it has a name."""
        host = FakeHost(root)
        for name, text in (CGROUP | changed).items():
            host.write(f"/sys/fs/cgroup/{name}", text)
        return host

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Both damaged, in different ways."""
        yield self.working_host(root / "damaged", **{"cpu.max": "some", "memory.max": "much"})
        yield self.working_host(root / "lacking", **{"cpu.stat": "usage_usec 900\n", "memory.stat": "anon 1\n"})


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
        units = "".join(
            f"Id={hostile}.{kind}\nNames={hostile}.{kind}\nLoadState=loaded\nActiveState=failed\nNRestarts=2\n\n"
            for kind in ("service", "timer")
        )
        listed = f"{hostile.replace(' ', '')}.service loaded active running x\n"
        answers = {"show": Completed(0, units, ""), "list-units": Completed(0, listed, "")}
        host = FakeHost(root, {f"/usr/bin/systemctl {verb}": answer for verb, answer in answers.items()})
        host.write("/run/systemd/system/x", "")
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
            host = FakeHost(root / name, {"/usr/bin/rpm": answer}).write("/var/lib/rpm/rpmdb.sqlite", "")
            yield host.write("/etc/os-release", "ID=arch")


# A link-local address is refused, whatever the host.
REFUSED = "169.254.169.254:80"


class TestPort(CollectorContract):
    """TCP services."""

    plugin = port.PLUGIN

    def options(self):
        """One that is closed, and one that is never spoken to."""
        return port.PortOptions(targets=["127.0.0.1:1", REFUSED])

    def working_host(self, root):
        """Any host."""
        return FakeHost(root)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """The same: one of the targets cannot be asked."""
        yield FakeHost(root)


class TestHttp(CollectorContract):
    """Web addresses."""

    plugin = http.PLUGIN

    @pytest.fixture(autouse=True)
    def _served(self):
        self.url = "http://127.0.0.1:1/"
        with web_server({"/": Page(HOSTILE)}) as (self.url, _):
            yield

    def options(self):
        """One with a hostile name, one that is never spoken to."""
        targets = [
            http.HttpTarget(url=self.url, name=HOSTILE, token_secret="token"),
            http.HttpTarget(url=f"http://{REFUSED}/"),
        ]
        return http.HttpOptions(targets=targets)

    def working_host(self, root):
        """A host with the secret."""
        return FakeHost(root, secrets={"token": "t"})

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """The secret is not there."""
        yield FakeHost(root)


class TestDns(CollectorContract):
    """Names."""

    plugin = dns.PLUGIN
    silenced = frozenset({"dns_resolved"})

    def options(self):
        """A name that every host knows."""
        return dns.DnsOptions(names=["localhost"])

    def working_host(self, root):
        """Any host."""
        return FakeHost(root)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """One that has no file descriptor left to ask with."""
        with mock.patch("collectors.dns._look_up", side_effect=OSError(24, "Too many open files")):
            yield FakeHost(root)


CHAIN = "Certificate chain\n 0 s:{0}\n   i:CN = x\n   v:NotBefore: x; NotAfter: Dec  4 07:57:01 2026 GMT\n---\n"


class TestCertificates(CollectorContract):
    """TLS certificates."""

    plugin = certificates.PLUGIN
    silenced = frozenset({"certificate_end_timestamp_seconds", "certificate_trouble"})

    def options(self):
        """A server, and files by pattern."""
        server = certificates.CertificateServer(address="localhost:443")
        return certificates.CertificatesOptions(servers=[server], files=["/etc/tls/*.pem"])

    def working_host(self, root):
        """A server with a hostile name, a file with one."""
        hostile = HOSTILE.replace("\n", " ")
        chain = Completed(0, CHAIN.format(hostile), f"depth=0 CN = {hostile}\nverify error:num=20:x\n")
        text = f"0: Certificate\n  Issuer: {hostile}\n  Not After : Dec  4 07:57:01 2026 GMT\n  Subject: x\nTotal found: 1\n"
        answers = {f"{OPENSSL} s_client": chain, f"{OPENSSL} storeutl": Completed(0, text, "")}
        return FakeHost(root, answers).write(f"/etc/tls/{HOSTILE}.pem", "x")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No openssl; one that hangs, is refused, is too old, tells nonsense, or is cut short."""
        answers = {
            "missing": None,
            "hung": HUNG,
            "refused": Completed(1, "", "connect:errno=111"),
            "old": Completed(0, "Certificate chain\n 0 s:CN = a\n   i:CN = b\n-----BEGIN", ""),
            "nonsense": Completed(0, "Certificate chain\n", ""),
            "cut": Completed(0, "Total found: 2\n", "", truncated=True),
        }
        for name, answer in answers.items():
            host = FakeHost(root / name, {OPENSSL: answer} if answer else {})
            yield host.write("/etc/tls/a.pem", "x")


class TestNtp(CollectorContract):
    """The clock."""

    plugin = ntp.PLUGIN
    silenced = frozenset({"ntp_synchronized", "ntp_offset_seconds"})

    def working_host(self, root):
        """A chronyd with a source of a hostile name."""
        tracking = f"7F000001,{HOSTILE.replace(chr(10), '')},9,1.5,-0.00000154,0,0,0,0,0,0,0,1.0,Normal\n"
        host = FakeHost(root, {CHRONYC: Completed(0, tracking, "")}).write("/run/chrony/chronyd.pid", "1")
        return host.write(CHRONYC, "")

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """A chronyd that hangs, is gone or tells nonsense; a systemd that does."""
        for name, answer in {"hung": HUNG, "gone": Completed(1, "506 Cannot talk to daemon\n", "")}.items():
            host = FakeHost(root / name, {CHRONYC: answer}).write("/run/chrony/chronyd.pid", "1")
            yield host.write(CHRONYC, "")
        for name, answer in {"hung too": HUNG, "perhaps": Completed(0, "NTPSynchronized=perhaps\n", "")}.items():
            yield FakeHost(root / name, {ntp.TIMEDATECTL: answer}).write("/run/systemd/system/x", "")


class TestContainers(CollectorContract):
    """Containers."""

    plugin = containers.PLUGIN
    silenced = frozenset({"container_running"})

    @pytest.fixture(autouse=True)
    def _engine(self, tmp_path):
        name = HOSTILE.replace("\udcff", "")  # no JSON can hold it
        listed = [{"Id": "a1", "Names": [f"/{name}"], "State": "running", "Status": "Up"}]
        with container_engine(tmp_path / "run/docker.sock", json.dumps(listed).encode()):
            yield

    def options(self):
        """One that has to run."""
        return containers.ContainersOptions(required=[HOSTILE])

    def working_host(self, root):
        """An engine."""
        return FakeHost(root)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No engine; one that has left its socket behind."""
        yield FakeHost(root / "none")
        yield FakeHost(root / "gone").write("/run/docker.sock", "")


class TestNagios(CollectorContract):
    """Plugins of others."""

    plugin = nagios.PLUGIN
    silenced = frozenset({"nagios_status", "nagios_performance"})

    def options(self):
        """One with a hostile name."""
        return nagios.NagiosOptions(checks={HOSTILE: nagios.NagiosCheck(command=["/opt/check_x"])})

    def working_host(self, root):
        """It prints something hostile, and a value of each unit."""
        label = HOSTILE.replace("'", "''").replace("\n", " ")
        output = f"OK {HOSTILE.partition(chr(10))[0]} | '{label}'=1;2;3;0;9 a=5% b=2ms;1 c=3KB;;;;9 d=7c e=U\n{HOSTILE}"
        return FakeHost(root, {"/opt/check_x": Completed(2, output, HOSTILE)})

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """It is missing, hangs, or ends as no plugin should."""
        answers = {
            "missing": None,
            "hung": HUNG,
            "127": Completed(127, "", HOSTILE),
            "killed": Completed(-9, "x|a=1", ""),
        }
        for name, answer in answers.items():
            yield FakeHost(root / name, {"/opt/check_x": answer} if answer else {})


class TestExporter(CollectorContract):
    """Metrics of exporters."""

    plugin = exporter.PLUGIN

    @pytest.fixture(autouse=True)
    def _served(self):
        text = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\udcff", "")
        pages = {"/metrics": Page(f'queue_length{{queue="{text}"}} 3\nother 1\n'), "/broken": Page("queue_length{ 3\n")}
        with web_server(pages) as (self.url, _):
            yield

    def options(self):
        """One that is read, one that is broken."""
        return exporter.ExporterOptions(
            targets={
                HOSTILE: exporter.ExporterTarget(url=f"{self.url}/metrics", metrics=["queue_*"]),
                "broken": exporter.ExporterTarget(url=f"{self.url}/broken", metrics=["queue_length"]),
            }
        )

    def working_host(self, root):
        """Any host."""
        return FakeHost(root)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """The same: one of the exporters is broken."""
        yield FakeHost(root)


class TestTextfile(CollectorContract):
    """Metrics in files."""

    plugin = textfile.PLUGIN
    silenced = frozenset({"textfile_age_seconds", "backup_bytes"})

    def options(self):
        """The folder that Debian has."""
        return textfile.TextfileOptions(metrics=["backup_*"])

    def working_host(self, root):
        """A file of a hostile name."""
        return FakeHost(root).write(f"{FOLDER}/{HOSTILE.replace('/', '')}.prom", 'backup_bytes{job="a"} 3\n')

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Files that are broken, not finished, no text, too long, or no file."""
        contents = {"broken": "backup_bytes{ 3\n", "cut": "backup_bytes 3", "bytes": "backup_bytes \udcff\n"}
        for name, text in {**contents, "long": "#" * 1_000_001 + "\n"}.items():
            yield FakeHost(root / name).write(f"{FOLDER}/a.prom", text)
        yield FakeHost(root / "folder").write(f"{FOLDER}/a.prom/x", "")


class TestPackages(CollectorContract):
    """Installed packages."""

    plugin = packages.PLUGIN
    silenced = frozenset({"packages_installed", "software_support_end_timestamp_seconds"})

    def working_host(self, root):
        """A distribution with a hostile name, and a package of a known product with a hostile version."""
        name = HOSTILE.translate(dict.fromkeys(map(ord, "\n\"'\\`$")))
        host = FakeHost(root).write("/etc/os-release", f'ID=debian\nVERSION_ID=12\nPRETTY_NAME="{name}"\n')
        entry = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"
        odd = HOSTILE.replace("\n", "")
        return host.write("/var/lib/dpkg/status", entry.format("docker-ce", "28" + odd) + entry.format(odd, odd))

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """No os-release; an rpm that hangs, fails, or says too much."""
        yield FakeHost(root / "nameless").write("/var/lib/dpkg/status", "")
        for name, answer in {
            "hung": HUNG,
            "failed": Completed(1, "", "rpmdb: damaged"),
            "endless": Completed(0, "a\t0:1-1\n", "", truncated=True),
        }.items():
            host = FakeHost(root / name, {"/usr/bin/rpm": answer}).write("/var/lib/rpm/rpmdb.sqlite", "")
            yield host.write("/etc/os-release", "ID=rocky\nVERSION_ID=9.4\n")


class TestUpdates(CollectorContract):
    """Pending updates."""

    plugin = updates.PLUGIN
    silenced = frozenset({"updates_pending", "updates_security"})

    def _debian(self, root, answer, age):
        host = FakeHost(root, {"/usr/bin/apt-get": answer}).write("/usr/bin/apt-get", "")
        name = "/var/lib/apt/lists/mirror_InRelease"
        os.utime(host.write(name, "").path(name), (AT - age, AT - age))
        return host

    def working_host(self, root):
        """A package with a hostile name that would be updated."""
        return self._debian(root, Completed(0, f"Inst {HOSTILE} [1] (2 {HOSTILE} [all])\n", ""), 60.0)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """Lists that are old or missing; an apt that hangs, fails, or says too much."""
        yield self._debian(root / "old", Completed(0, "", ""), 90 * 86400.0)
        yield FakeHost(root / "none").write("/usr/bin/apt-get", "")
        answers = {"hung": HUNG, "failed": Completed(100, "", "E: no"), "long": Completed(0, "", "", truncated=True)}
        for name, answer in answers.items():
            yield self._debian(root / name, answer, 60.0)


class TestLibraries(CollectorContract):
    """Libraries that are used after they were replaced."""

    plugin = libraries.PLUGIN
    silenced = frozenset({"services_with_deleted_libraries"})

    def working_host(self, root):
        """A process with a hostile name that uses a deleted library."""
        maps = "7f00-7f80 r-xp 0 08:01 1      /usr/lib/libz.so (deleted)\n"
        host = FakeHost(root).write("/proc/7/maps", maps).write("/proc/7/cgroup", "0::/\n")
        return host.write("/proc/7/comm", HOSTILE)

    def failing_hosts(self, root) -> Iterator[FakeHost]:
        """What should be a folder of processes is none."""
        yield FakeHost(root / "damaged").write("/proc", "")


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

    def kept(self, name):
        """Return a path where nothing is."""
        return Path("/nonexistent") / name

    def run(self, argv, *, timeout):
        """Run nothing: what needs a child has to say so."""
        raise CollectorError(f"not asked here: {argv[0]} for {timeout} s")

    def secret(self, name):
        """Have none."""
        raise CollectorError(f"there is no {name} here")


NOT_ON_EVERY_MACHINE = [
    arrays.PLUGIN,
    cgroup.PLUGIN,
    deleted_files.PLUGIN,
    disk_errors.PLUGIN,
    mounts.PLUGIN,
    pools.PLUGIN,
    smart.PLUGIN,
    temperature.PLUGIN,
]


@pytest.mark.parametrize(
    "plugin", [case.plugin for case in CollectorContract.__subclasses__()], ids=lambda plugin: plugin.name
)
def test_this_host_is_read_or_said_not_to_be(plugin):
    """On a real machine each collector gives readings, or says that there is no such thing."""
    try:
        items = list(plugin.build(plugin.options(), HostItself()).collect(1.0))
    except collectors.NotSupported:
        # What is configured looks at nothing by default; some need systemd, the others what not every machine has.
        without_systemd = not os.path.isdir("/run/systemd/system")  # noqa: PTH112 - the collector's words
        needs_systemd = plugin in {services.PLUGIN, ntp.PLUGIN}
        assert plugin.when_configured or (needs_systemd and without_systemd) or plugin in NOT_ON_EVERY_MACHINE
    else:
        assert items or plugin.when_configured
