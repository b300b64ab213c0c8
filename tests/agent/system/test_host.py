"""Who this host is."""

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from agent.configuration.settings import HostSettings
from agent.system.host import APPLICATION, host_zone, identify, is_zone

MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"


@pytest.fixture
def root(tmp_path):
    """Return a host's file system with a machine id."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text(MACHINE_ID + "\n")
    return tmp_path


def test_the_id_is_a_hash_made_for_this_application(root, tmp_path):
    """It lasts, it is 32 hex digits, and nothing of the machine id is in it."""
    assert identify(HostSettings(root=str(root)), tmp_path).id == "7acae5198fce4435b1c8a1b4a7c386f1"


@pytest.mark.skipif(
    not shutil.which("systemd-id128") or not Path("/etc/machine-id").exists(), reason="no systemd-id128"
)
def test_the_id_is_what_systemd_makes_of_the_same_machine(tmp_path):
    """So that a person can check it by hand."""
    argv = [shutil.which("systemd-id128"), "machine-id", f"--app-specific={APPLICATION.hex}"]
    made = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    assert identify(HostSettings(), tmp_path).id == made


@pytest.mark.parametrize("content", ["uninitialized\n", "", "xyz"])
def test_without_a_machine_id_one_is_made_and_kept(root, content):
    """The same at every start, and nobody else's."""
    (root / "etc/machine-id").write_text(content)
    state = root / "state"
    state.mkdir()
    first = identify(HostSettings(root=str(root)), state).id
    assert len(first) == 32
    assert identify(HostSettings(root=str(root)), state).id == first
    shutil.rmtree(state)
    state.mkdir()
    assert identify(HostSettings(root=str(root)), state).id != first


def test_an_older_place_of_the_machine_id_is_known(root):
    """D-Bus had it before systemd."""
    (root / "var/lib/dbus").mkdir(parents=True)
    (root / "etc/machine-id").rename(root / "var/lib/dbus/machine-id")
    assert identify(HostSettings(root=str(root)), root).id == "7acae5198fce4435b1c8a1b4a7c386f1"


def test_an_id_that_cannot_be_kept_is_an_error(root):
    """A new id at every start would be a new host at the desk each time."""
    (root / "etc/machine-id").unlink()
    with pytest.raises(FileNotFoundError):
        identify(HostSettings(root=str(root)), root / "nowhere")


def test_the_configuration_goes_first(root):
    """Id and name are as configured."""
    host = identify(HostSettings(id="rack7-3", name="files", root=str(root)), root)
    assert (host.id, host.name) == ("rack7-3", "files")


def test_the_name_is_the_host_name_otherwise(root):
    """As the host calls itself."""
    assert identify(HostSettings(root=str(root)), root).name == socket.gethostname()


@pytest.mark.parametrize(
    ("content", "os_name"),
    [
        ('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        ("PRETTY_NAME='Alpine Linux v3.20'", "Alpine Linux v3.20"),
        ('PRETTY_NAME="evil\u202eOS"', "evilOS"),
    ],
)
def test_the_operating_system_is_named_by_its_distributor(root, content, os_name):
    """In its own words, made harmless."""
    (root / "etc/os-release").write_text(content, encoding="utf-8")
    assert identify(HostSettings(root=str(root)), root).os == os_name


def test_without_a_distributor_the_system_names_itself(root):
    """The kernel's name and release."""
    assert identify(HostSettings(root=str(root)), root).os == f"{os.uname().sysname} {os.uname().release}"


def test_the_zone_is_that_of_the_environment_or_of_the_link(tmp_path):
    """TZ first, then /etc/localtime, and UTC when neither is a zone's name."""
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert host_zone({}, link) == "Europe/Berlin"
    assert host_zone({"TZ": ":Asia/Tokyo"}, link) == "Asia/Tokyo"
    assert host_zone({"TZ": "CET-1CEST"}, link) == "Europe/Berlin"
    assert host_zone({}, tmp_path / "none") == "UTC"


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Berln", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_zone_is_not_taken_for_one(name):
    """Neither a folder of zones nor a path."""
    assert not is_zone(name)


def test_the_kept_id_is_written_whole(root):
    """Only the finished file stays, and it is a plain file."""
    (root / "etc/machine-id").unlink()
    state = root / "state"
    state.mkdir()
    identify(HostSettings(root=str(root)), state)
    assert [file.name for file in state.iterdir()] == ["host-id"]
    assert stat.S_ISREG((state / "host-id").stat().st_mode)


@pytest.mark.parametrize(
    ("place", "content", "serial"),
    [
        ("proc/device-tree/serial-number", b"10000000a3c1f2d4\0", "10000000a3c1f2d4"),
        ("sys/class/dmi/id/product_serial", b"7XJ4K02\n", "7XJ4K02"),
        ("sys/class/dmi/id/product_serial", b"To Be Filled By O.E.M.\n", ""),
        ("sys/class/dmi/id/product_serial", b"\xff\xfe\n", ""),
        ("sys/class/dmi/id/product_serial", b"\n", ""),
    ],
)
def test_the_serial_number_is_what_the_maker_wrote(root, place, content, serial):
    """Or nothing, where the maker wrote none."""
    (root / place).parent.mkdir(parents=True)
    (root / place).write_bytes(content)
    assert identify(HostSettings(root=str(root)), root).serial == serial


def test_a_serial_number_that_nobody_may_read_is_not_told(root):
    """On most PCs the kernel keeps it for root: then there is none, and all else is as it was."""
    assert identify(HostSettings(root=str(root)), root).serial == ""
    (root / "sys/class/dmi/id/product_serial").mkdir(parents=True)  # refuses to be read whoever asks
    assert identify(HostSettings(root=str(root)), root).serial == ""
