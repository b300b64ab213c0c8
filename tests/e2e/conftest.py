"""A real disk of its own, and a configuration that watches it for a customer of a real Request Tracker."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from only import only
from whole_way import DISK, host_of


@pytest.fixture
def disk(tmp_path: Path):
    """A small ext4 of its own, loop-mounted."""
    image, mount = tmp_path / "disk.img", tmp_path / "srv"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.fixture
def config(tmp_path: Path, disk: Path, request_tracker) -> Path:
    """One customer, one disk to watch, one desk."""
    token = tmp_path / "token"
    token.write_text(request_tracker.token)
    token.chmod(0o600)
    path = tmp_path / "foretell.toml"
    path.write_text(
        f"""
        [host]
        id = "{host_of(disk)}"
        name = "web01"
        [customer]
        id = "acme"
        name = "ACME"
        contact = "customer@client.test"
        zone = "Europe/Berlin"
        [windows]
        weekly = [{{days = ["mon", "tue", "wed", "thu", "fri"], start = "22:00", duration = "4h"}}]
        [delivery]
        desk = "helpdesk"
        [secrets]
        rt = "{token}"
        [desks.helpdesk]
        client = "request_tracker"
        url = "{request_tracker.url}"
        queue = "{request_tracker.queue}"
        token_secret = "rt"
        urgency_field = "Urgency"
        window_field = "Window"
        [rules]
        disk_space.select.where.mountpoint = ["{disk}"]
        disk_inodes.enabled = false
        disk_readonly.enabled = false
        tmpfs_full.enabled = false
    """
        + only("disk")
    )
    return path
