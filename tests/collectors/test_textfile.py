"""Files with metrics: read as node_exporter reads them, and what is wrong with one spoils no other."""

import os

import pytest

from collectors import CouldNotCheck, NotSupported, Reading, textfile
from collectors.contract import FakeHost

FOLDER = "/var/lib/prometheus/node-exporter"


def values(items):
    """Return readings by name and labels; what could not be checked by its reason."""
    return {
        (item.name, *item.labels.values()): item.value if isinstance(item, Reading) else item.reason for item in items
    }


def collector(host, **options):
    """Return the collector on this host."""
    return textfile.PLUGIN.build(textfile.TextfileOptions(**options), host)


def test_metrics_of_all_files_come_with_the_age_of_each(tmp_path):
    """Under their own names; other files in the folder are left alone."""
    host = (
        FakeHost(tmp_path)
        .write(f"{FOLDER}/backup.prom", 'backup_bytes{job="db"} 3\n')
        .write(f"{FOLDER}/raid.prom", "raid_ok 1\n")
    )
    host.write(f"{FOLDER}/raid.prom.tmp", "raid_ok 0\n")
    os.utime(host.path(f"{FOLDER}/backup.prom"), (900, 900))
    os.utime(host.path(f"{FOLDER}/raid.prom"), (1200, 1200))
    assert values(collector(host).collect(1000.0)) == {
        ("textfile_age_seconds", "backup.prom"): 100,
        ("backup_bytes", "db"): 3,
        ("textfile_age_seconds", "raid.prom"): 0,  # from the future: the clock was set back
        ("raid_ok",): 1,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raid_ok{ 1\n", "raid.prom"),
        ("raid_ok 1", "its last line is not finished"),
        ("raid_ok \udcff\n", "utf-8"),
        ("#" * 1500 + "\n", "longer than `largest`"),
    ],
)
def test_a_file_that_is_broken_is_said_to_be_and_its_metrics_are_missed(tmp_path, text, reason):
    """The other file is read all the same."""
    host = FakeHost(tmp_path).write(f"{FOLDER}/raid.prom", "raid_ok 1\n").write(f"{FOLDER}/x.prom", "x 5\n")
    made = collector(host, largest=1000)
    assert values(made.collect(1.0))["raid_ok",] == 1
    host.write(f"{FOLDER}/raid.prom", text)
    found = values(made.collect(2.0))
    assert reason in found["textfile_age_seconds", "raid.prom"]
    assert found["raid_ok",].startswith("raid.prom: ")
    assert found["x",] == 5


def test_a_pipe_holds_up_nobody(tmp_path):
    """Nor is a folder read."""
    host = FakeHost(tmp_path).write(f"{FOLDER}/folder.prom/x", "").write(f"{FOLDER}/ok.prom", "ok 1\n")
    os.mkfifo(host.path(f"{FOLDER}/pipe.prom"))
    found = values(collector(host).collect(1.0))
    assert found["textfile_age_seconds", "pipe.prom"] == "pipe.prom: it is not a regular file"
    assert isinstance(found["textfile_age_seconds", "folder.prom"], str)
    assert found["ok",] == 1


def test_a_series_in_two_files_counts_once(tmp_path):
    """The first by name; it is said where it stands."""
    host = FakeHost(tmp_path).write(f"{FOLDER}/a.prom", "x 1\n").write(f"{FOLDER}/b.prom", "x 2\n")
    items = [item for item in collector(host).collect(1.0) if item.name == "x"]
    assert items[0].value == 1
    assert isinstance(items[1], CouldNotCheck)
    assert "a.prom" in items[1].reason


def test_only_what_is_wanted_is_taken(tmp_path):
    """By name or pattern; the rest may even be malformed."""
    host = FakeHost(tmp_path).write(f"{FOLDER}/a.prom", "raid_ok 1\nother{ 2\n")
    assert ("raid_ok",) in values(collector(host, metrics=["raid_*"]).collect(1.0))


def test_without_the_folder_there_is_nothing_to_read(tmp_path):
    """Its name is told."""
    with pytest.raises(NotSupported, match=FOLDER):
        list(collector(FakeHost(tmp_path)).collect(1.0))
