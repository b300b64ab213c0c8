"""The tool that asks how honest the dates of forecasts are, on disks whose end is known."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "honesty.py"
START = 1_772_668_800  # 2026-03-05 00:00 UTC
SIZE = 1e11


def asked(tmp_path, used):
    """Return what the tool says of a disk, looked at every hour for 30 days, of which `used` of the days is in use."""
    history = tmp_path / "disk.csv"
    with history.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "name", "labels", "value"])
        for hour in range(30 * 24):
            left = SIZE * (1 - min(used(hour / 24), 1.0))
            rows.writerow([START + hour * 3600, "filesystem_avail_bytes", "host=a;mountpoint=/srv", left])
            rows.writerow([START + hour * 3600, "filesystem_size_bytes", "host=a;mountpoint=/srv", SIZE])
    command = [sys.executable, TOOL, history]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_disk_that_fills_steadily_is_one_filling_whose_dates_came_true(tmp_path):
    """Once full it stays one, and nothing of what was told was early or late."""
    told = asked(tmp_path, lambda days: 0.5 + 0.02 * days)

    assert "disk.csv: 1 reached, 0 averted" in told
    [everything] = [line.split() for line in told.splitlines() if line.split()[:1] == ["all"]]
    _, fillings, early, _, _, _, late, _, error, _ = everything
    assert (fillings, early, late) == ("1", "0", "0")
    assert float(error) < 0.2


def test_a_disk_that_fills_faster_and_faster_is_full_before_the_earliest(tmp_path):
    """The tool has to be able to say so."""
    told = asked(tmp_path, lambda days: 0.5 + 0.005 * days + (0.06 * (days - 24) ** 2 if days > 24 else 0))

    [everything] = [line.split() for line in told.splitlines() if line.split()[:1] == ["all"]]
    assert int(everything[2]) > 20


def test_room_that_somebody_made_is_averted_and_proves_nothing(tmp_path):
    """It is counted, and its dates are in no share."""
    told = asked(tmp_path, lambda days: 0.5 + 0.02 * days - (0.4 if days > 22 else 0))

    assert "disk.csv: 0 reached, 1 averted" in told
    assert "%" not in told
