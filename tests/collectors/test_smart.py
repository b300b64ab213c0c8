"""What disks say of their own health."""

import json
from pathlib import Path

import pytest

from collectors import CollectorError, CouldNotCheck, NotSupported, smart
from collectors.contract import FakeHost
from privileged_facts import FACTS, write_facts

SAMPLES = Path(__file__).parent / "smartctl"  # written after smartctl's manual and its JSON format version 1.0
AT = 1_790_000_000.0


def sample(name):
    """Return smartctl's answer for a disk of this kind."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def collect(host, at=AT):
    """Return what one run yields."""
    return list(smart.PLUGIN.build(smart.SmartOptions(), host).collect(at))


def told(items):
    """Return the readings by name and what tells them apart."""
    return {(item.name, item.labels.get("kind", "")): item.value for item in items}


def test_a_disk_of_ata(tmp_path):
    """It expects nothing bad, but there are sectors that it could not read; the first number of a raw value is the count."""
    items = collect(write_facts(FakeHost(tmp_path), AT, smart=[sample("ata")]))
    assert told(items) == {
        ("smart_failing", ""): 0,
        ("smart_temperature_celsius", ""): 31,
        ("smart_bad_sectors", "reallocated"): 16,
        ("smart_bad_sectors", "reported"): 0,
        ("smart_bad_sectors", "pending"): 8,
        ("smart_bad_sectors", "uncorrectable"): 8,
    }
    assert items[0].labels == {"device": "sda", "model": "EXAMPLE ST4000"}


def test_a_disk_of_nvme(tmp_path):
    """It is worn beyond what was planned, says that it is failing, and has spare blocks left."""
    items = collect(write_facts(FakeHost(tmp_path), AT, smart=[sample("nvme")]))
    assert told(items) == {
        ("smart_failing", ""): 1,
        ("smart_wear_ratio", ""): 1,
        ("smart_spare_ratio", ""): 0.71,
        ("smart_temperature_celsius", ""): 44,
        ("smart_bad_sectors", "media"): 3,
    }


@pytest.mark.parametrize(
    ("more", "wear"),
    [
        ({"endurance_used": {"current_percent": 12}}, 0.12),
        ({"scsi_percentage_used_endurance_indicator": 7}, 0.07),
        (
            {
                "ata_smart_attributes": {
                    "table": [{"id": 177, "name": "Wear_Leveling_Count", "value": 93, "raw": {"value": 9}}]
                }
            },
            0.07,
        ),
    ],
)
def test_wear_is_told_in_several_ways(tmp_path, more, wear):
    """Newer ones of smartctl name it the same for all; before, each kind of disk had its own."""
    disk = {"device": {"name": "/dev/sdb", "type": "scsi"}, "smart_status": {"passed": True}} | more
    assert told(collect(write_facts(FakeHost(tmp_path), AT, smart=[disk])))["smart_wear_ratio", ""] == pytest.approx(
        wear
    )


def test_disks_behind_a_controller_are_told_apart(tmp_path):
    """They have one name, and a number each."""
    disk = {"smart_status": {"passed": True}}
    disks = [disk | {"device": {"name": "/dev/bus/0", "type": f"megaraid,{n}"}} for n in (8, 9)]
    items = collect(write_facts(FakeHost(tmp_path), AT, smart=disks))
    assert [item.labels["device"] for item in items] == ["bus/0 megaraid,8", "bus/0 megaraid,9"]


def test_a_disk_that_does_not_tell_could_not_be_checked(tmp_path):
    """Asleep, behind a bridge, or gone: with the words of smartctl."""
    message = "Device is in STANDBY mode, exit(2)"
    disk = {"device": {"name": "/dev/sdc", "type": "sat"}, "smartctl": {"messages": [{"string": message}]}}
    [item] = collect(write_facts(FakeHost(tmp_path), AT, smart=[disk]))
    assert isinstance(item, CouldNotCheck)
    assert item.reason == message


def test_facts_that_nobody_renews_are_no_facts(tmp_path):
    """The timer is off, or the disks hang: the cure is told."""
    host = write_facts(FakeHost(tmp_path), AT, smart=[sample("ata")])
    with pytest.raises(CollectorError, match=r"3 hours old; see: systemctl status foretell-privileged"):
        collect(host, AT + 3 * 3600)


def test_root_who_could_not_read_either_says_why(tmp_path):
    """And what is of another version is not guessed at."""
    with pytest.raises(CollectorError, match="no answer in 30 s"):
        collect(write_facts(FakeHost(tmp_path), AT, smart="smartctl gave no answer in 30 s"))
    with pytest.raises(CollectorError, match="format 2"):
        collect(FakeHost(tmp_path).write(FACTS, json.dumps({"format": 2, "at": AT})))


def test_without_the_timer_it_is_said_how_to_have_it(tmp_path):
    """No folder means that nobody ever writes it; a folder without a file that it failed."""
    with pytest.raises(NotSupported, match=r"enable --now foretell-privileged.timer"):
        collect(FakeHost(tmp_path))
    with pytest.raises(CollectorError, match="not there"):
        collect(FakeHost(tmp_path).write("/run/foretell-privileged/.facts.json.new", ""))


@pytest.mark.parametrize("vendor", ["QEMU", "ATA"])
def test_smartctl_is_missed_only_where_there_is_a_disk(tmp_path, vendor):
    """A virtual disk has no health."""
    host = FakeHost(tmp_path).write(
        FACTS, json.dumps({"format": 1, "at": AT, "smart": {"missing": "/usr/sbin/smartctl"}})
    )
    host.write("/sys/block/sda/device/vendor", f"{vendor}\n").write("/sys/block/sda/device/model", "HARDDISK\n")
    if vendor == "QEMU":
        with pytest.raises(NotSupported):
            collect(host)
    else:
        [item] = collect(host)
        assert item.reason == "/usr/sbin/smartctl is not installed; install smartmontools"
