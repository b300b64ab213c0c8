"""The scores by which rules are chosen: right tickets, wrong ones, late ones and second ones are told apart."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

START = 1_772_668_800  # 2026-03-05 00:00 UTC
TOOL = Path(__file__).parents[2] / "tools" / "judge.py"
HOURS = 20 * 24


def left(host, hour):
    """Return what is left in percent: one disk fills in ten days, one lives at 95 % for two hours each night, one is at rest."""
    if host == "fills":
        return max(60 - 6 * hour / 24, 0)
    return 5 if host == "breathes" and hour % 24 in {3, 4} else 50


def write(folder):
    rows = ["timestamp,name,labels,value"]
    for host in ("fills", "breathes", "rests"):
        for hour in range(HOURS):
            labels = f"host={host};mountpoint=/srv;fstype=ext4"
            at = START + hour * 3600
            rows += [f"{at},filesystem_avail_bytes,{labels},{left(host, hour) * 1e9}"]
            rows += [f"{at},filesystem_size_bytes,{labels},100e9"]
    (folder / "disk.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    truth = ["labels,problem,start,end,class,note", "host=fills,disk_full,2026-03-15T00:00:00Z,,must_ticket,"]
    truth += [f"host={host},disk_full,,,must_not_ticket," for host in ("breathes", "rests")]
    (folder / "disk.truth.csv").write_text("\n".join(truth))


def run(*words):
    return subprocess.run(
        [sys.executable, "-P", TOOL, *words], capture_output=True, text=True, check=False, timeout=120
    )


def test_a_rule_is_scored_by_what_it_tells_and_what_it_should_not(tmp_path):
    """The shipped rules tell of the one disk, once; a fixed limit also tells of each night of the other."""
    write(tmp_path)
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stderr
    rows = {line[:34].strip(): line[34:].split() for line in ended.stdout.splitlines()}
    assert rows["caught"][:3] == ["1", "of", "1"]
    ours, netdata = float(rows["false a 100 host-months"][0]), float(rows["false a 100 host-months"][-1])
    assert ours == 0
    assert netdata > 100
    assert rows["duplicates"][0] == "0"
    nights, months = HOURS / 24, 3 * (HOURS - 1) / 24 / 30.4
    assert round(float(rows["tickets a host-month"][-1]) * months) == nights + 1, "none of them asks for a cause"
    assert rows["preventable, caught >= 4 h before"][:3] == ["1", "of", "1"]


def test_without_a_folder_it_says_what_it_wants():
    """In one line."""
    for words in ((), ("/nowhere",)):
        ended = run(*words)
        assert ended.returncode == 1
        assert ended.stderr.startswith("judge: name a folder with NAME.csv.gz")
