"""The snapshot's small part on disk, and the state at a glance."""

import stat

import msgspec
import pytest

from agent.following.model import Case
from agent.status import Desk, Snapshot, Summary, health, in_brief, read_summary, write_summary
from thresholds import Severity


def test_what_was_written_is_read_back_without_the_readings(tmp_path, snapshot):
    """`foretell status` knows what the daemon knew, but for the readings, which stay small that way."""
    write_summary(tmp_path, snapshot)
    assert read_summary(tmp_path) == snapshot.summary
    assert b"filesystem_size_bytes" in (tmp_path / "status.json").read_bytes()  # the name, in the collector's run
    assert b"sda1" not in (tmp_path / "status.json").read_bytes()


def test_a_newer_summary_replaces_the_older(tmp_path, snapshot):
    """Nothing but the summary is left behind, and only its owner reads it."""
    write_summary(tmp_path, snapshot)
    write_summary(tmp_path, msgspec.structs.replace(snapshot, cycle=62))
    assert read_summary(tmp_path).cycle == 62
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    assert stat.S_IMODE((tmp_path / "status.json").stat().st_mode) == 0o600


def test_with_a_folder_in_memory_only_its_name_is_on_the_disk(tmp_path, snapshot):
    """Each cycle writes there; whoever knows the state folder finds it, and a link that leads elsewhere is mended."""
    state, runtime = tmp_path / "state", tmp_path / "run"
    state.mkdir()
    runtime.mkdir()
    write_summary(state, snapshot)  # as an agent did that had no such folder
    for cycle in (62, 63):
        write_summary(state, msgspec.structs.replace(snapshot, cycle=cycle), runtime)
        assert read_summary(state).cycle == cycle
    assert (state / "status.json").readlink() == runtime / "status.json"
    assert [path.name for path in (*state.iterdir(), *runtime.iterdir())] == ["status.json", "status.json"]
    assert stat.S_IMODE((runtime / "status.json").stat().st_mode) == 0o600


def test_without_the_folder_in_memory_again_the_link_gives_way(tmp_path, snapshot):
    """Begun by hand after the service had run; and once that folder is gone, as after a boot, nothing is known."""
    state, runtime = tmp_path / "state", tmp_path / "run"
    state.mkdir()
    runtime.mkdir()
    write_summary(state, snapshot, runtime)
    (runtime / "status.json").unlink()
    assert read_summary(state) is None
    write_summary(state, snapshot)
    assert not (state / "status.json").is_symlink()
    assert read_summary(state) == snapshot.summary


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"version": 1}'])
def test_without_a_usable_summary_there_is_none(tmp_path, content):
    """A missing file, a torn one or one of another version is no error: the daemon has not told yet."""
    if content is not None:
        (tmp_path / "status.json").write_bytes(content)
    assert read_summary(tmp_path) is None


def well(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot of a host where all is well."""
    return msgspec.structs.replace(
        snapshot, findings=[], unjudged=[], held=[], cases=[], desks=[], degraded={}, collectors=[]
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda _: {}, "well"),
        (lambda full: {"unjudged": full.unjudged}, "well"),
        (lambda full: {"collectors": full.collectors}, "unknown"),
        (lambda full: {"collectors": full.collectors[3:]}, "well"),
        (lambda full: {"findings": full.findings[1:]}, "well"),
        (lambda full: {"findings": full.findings}, "attention"),
        (lambda full: {"cases": full.cases}, "attention"),
        (lambda full: {"degraded": full.degraded}, "attention"),
        (lambda full: {"desks": full.desks}, "attention"),
        (lambda _: {"desks": [Desk(name="well", reachable=True), Desk(name="ill", reachable=False)]}, "attention"),
        (lambda full: {"cases": [critical(full.cases[0])]}, "critical"),
        (lambda full: {"cases": [msgspec.structs.replace(critical(full.cases[0]), state="recovering")]}, "well"),
    ],
)
def test_the_state_at_a_glance_is_the_worst_there_is(snapshot, change, expected):
    """What could not be checked is never well; what is not supported here is no fault; a verified recovery is no alarm."""
    assert health(msgspec.structs.replace(well(snapshot), **change(snapshot))) == expected


def critical(case: Case) -> Case:
    """Return the case as it is when it has become critical."""
    return msgspec.structs.replace(case, severity=Severity.CRITICAL)


def test_cases_are_counted_by_state(snapshot):
    """Pending ones are those held back; every state that is not closed has a number."""
    counts = snapshot.cases_by_state
    assert counts["pending"] == 1
    assert counts["open"] == 1
    assert "closed" not in counts


def test_the_state_in_brief_needs_nothing_but_itself(snapshot):
    """When no page can be made, a few lines still say how things stand."""
    assert in_brief(snapshot).splitlines() == [
        "foretell 0.1.0 on files-01: attention",
        "pending: 1 cases",
        "open: 1 cases",
        "could not be checked: 2",
        "waiting for the desk helpdesk: 1, refused by it: 1",
        "waiting for the desk on call: 0, refused by it: 0",
        "the state folder cannot be written; nothing new is remembered",
    ]


def test_a_snapshot_is_a_summary_with_readings(snapshot):
    """The summary takes every field but the readings along."""
    assert isinstance(snapshot, Summary)
    assert {*Snapshot.__struct_fields__} - {*Summary.__struct_fields__} == {"readings"}
