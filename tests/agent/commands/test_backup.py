"""`foretell backup` and `foretell restore`: what is written, what is refused, and that nothing is lost or half done."""

import io
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from agent.consent.record import read_record
from agent.delivery.outbox import Outbox
from agent.store import FILE_NAME, SCHEMAS, Store
from agent.system.folder import StateFolder

FIXTURE = Path(__file__).parents[2] / "fixtures/stores/0.1.0-bfddbb6"
# Adds a word to the local desk's file and to the records, both always the same number, until it is ended.
WRITER = """
import sqlite3, sys
one = sqlite3.connect(sys.argv[1], isolation_level=None)
one.execute("CREATE TABLE words (word INTEGER PRIMARY KEY, twin INTEGER)")
for number in range(10**9):
    one.execute("BEGIN IMMEDIATE")
    one.execute("INSERT INTO words VALUES (?, NULL)", (number,))
    one.execute("UPDATE words SET twin = word WHERE word = ?", (number,))
    one.execute("COMMIT")
    if number == 20:
        print("writing", flush=True)
"""


@pytest.fixture
def full(state):
    """A state folder with a case at the desk, one that waits, consent, history, and a file that waits to be attached."""
    shutil.copytree(FIXTURE, state)
    state.chmod(0o700)
    for folder, content in (("spool", b"to be attached"), ("diagnosis", b"remembered"), ("bundles", b"made anew")):
        (state / folder).mkdir()
        (state / folder / "one").write_bytes(content)
    (state / "reserve-0").touch()
    return state


@pytest.fixture
def archive(foretell, full, tmp_path):
    """A backup of it."""
    assert full.exists()
    file = tmp_path / "backup.tar.gz"
    assert foretell("backup", file).status == 0
    return file


def rewritten(archive, change):
    """Write the archive anew, each file's name and content as `change` returns them; None leaves it out."""
    with tarfile.open(archive) as members:
        files = {member.name: members.extractfile(member).read() for member in members}
    with tarfile.open(archive, "w:gz") as members:
        for name, content in files.items():
            if (changed := change(name, content)) is not None:
                entry = tarfile.TarInfo(changed[0])
                entry.size = len(changed[1])
                members.addfile(entry, io.BytesIO(changed[1]))


def held_by(folder):
    """Return every file's content below `folder`, but for locks."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_everything_that_cannot_be_made_anew_is_in_it(foretell, archive):
    """Private, with its hashes and schemas, and without what belongs to a process."""
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    listed = foretell("restore", "--list", archive, "--json").json
    assert {one["name"] for one in listed["files"]} == {
        *("agent.sqlite", "history.sqlite", "local-desk.sqlite", "pseudonyms.key"),
        *("consent.jsonl", "consent.key", "consent.head", "spool/one", "diagnosis/one"),
    }
    assert (listed["format"], listed["schemas"]) == (1, {"agent.sqlite": 2, "history.sqlite": 1})
    told = foretell("restore", "--list", archive).out
    assert "Made by foretell 0.1.0" in told
    assert "spool/one" in told
    assert [path.name for path in archive.parent.glob("*backup*")] == [archive.name]


def test_what_was_backed_up_is_there_again_on_a_new_disk(foretell, full, archive):
    """Cases and consent as they were; what waited is asked for at the desk before it is sent."""
    shutil.rmtree(full)
    ended = foretell("restore", archive)
    assert ended.status == 0, ended.err
    assert "what was taken back since is allowed again" in ended.out
    with Store.open(full) as store:
        assert {case.rule for case in store.cases()} == {"low_memory", "busy"}
        [waiting] = Outbox(store).all({"queued", "sending"})
        assert waiting.state == "sending"
        assert store.rebuild_wanted("local")
    assert [entry.by for entry in read_record(full).entries] == ["Ada Lovelace"]
    assert (full / "spool/one").read_bytes() == b"to be attached"
    assert {stat.S_IMODE(path.stat().st_mode) for path in full.rglob("*") if path.is_file()} == {0o600}


def test_what_was_there_is_kept_and_consent_is_not_turned_back(foretell, process, full, archive):
    """A grant that was taken back after the backup stays taken back."""
    assert foretell("consent", "revoke", "--by", "Ada Lovelace").status == 0
    (full / "diagnosis/one").write_bytes(b"remembered since")
    ended = process("restore", archive, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["kept_consent"] is True
    assert Path(ended.json["aside"]).parent == full
    assert (Path(ended.json["aside"]) / "diagnosis/one").read_bytes() == b"remembered since"
    assert (full / "diagnosis/one").read_bytes() == b"remembered"
    record = read_record(full)
    assert (record.damage, len(record.entries)) == (None, 2)


def test_a_running_agent_keeps_the_folder(foretell, full, archive):
    """It is told to be stopped first, and nothing has changed."""
    before = held_by(full)
    with StateFolder(full):
        ended = foretell("restore", archive)
    assert ended.status == 75
    assert "stop that one first" in ended.err
    assert held_by(full) == before


def altered(name, content):
    """Change one byte of a case."""
    return name, content[:-1] + bytes([content[-1] ^ 1]) if name == "diagnosis/one" else content


def shortened(name, content):
    """Leave one file out."""
    return None if name == "spool/one" else (name, content)


def foreign(name, content):
    """Put a file outside the folder, and say so in the manifest."""
    if name == "manifest.json":
        return name, content.replace(b"diagnosis/one", b"../outside")
    return "../outside" if name == "diagnosis/one" else name, content


def of_the_future(name, content):
    """Be of a form that is not known yet."""
    return name, content.replace(b'"format": 1', b'"format": 2') if name == "manifest.json" else content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (altered, "diagnosis/one does not match its hash"),
        (shortened, "is not all of a backup: spool/one is missing"),
        (foreign, "was altered: ../outside is not what its manifest says"),
        (of_the_future, "was made by a newer Foretell; upgrade this one first"),
        (lambda name, content: None if name == "manifest.json" else (name, content), "manifest.json is not its first"),
    ],
)
def test_an_archive_that_is_not_what_its_manifest_says_changes_nothing(foretell, full, archive, change, said):
    """Whatever was done to it."""
    rewritten(archive, change)
    before = held_by(full)
    ended = foretell("restore", archive)
    assert (ended.status, held_by(full)) == (2, before)
    assert said in ended.err
    assert not (full.parent / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_no_archive_or_half_of_one_is_told(foretell, full, archive, content):
    """In one line."""
    archive.write_bytes(archive.read_bytes()[:3000] if content is None else content)
    before = held_by(full)
    ended = foretell("restore", archive)
    assert (ended.status, held_by(full)) == (2, before)
    assert ended.err.startswith(f"foretell: {archive} is no backup, or not all of one")
    assert ended.err.count("\n") == 1


def test_records_of_a_newer_foretell_are_refused(foretell, full, tmp_path):
    """This one would break them; an upgrade is the cure."""
    with closing(sqlite3.connect(full / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    assert foretell("backup", tmp_path / "newer.tar.gz").status == 0  # who can read them can keep them
    shutil.rmtree(full)
    ended = foretell("restore", tmp_path / "newer.tar.gz")
    assert ended.status == 78
    assert f"made by a newer Foretell (schema 99, this one knows {SCHEMAS[FILE_NAME]})" in ended.err
    assert not (full / FILE_NAME).exists()


def test_a_step_that_fails_is_undone(foretell, full, archive, monkeypatch):
    """The disk may fail in the middle of it."""
    rename, before = Path.rename, held_by(full)

    def failing(path, target):
        if path.name == "spool" and ".new" in path.parent.name:
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    ended = foretell("restore", archive)
    assert ended.status == 2
    assert "Input/output error" in ended.err
    assert held_by(full) == before


def test_a_backup_beside_a_busy_writer_is_of_one_moment(foretell, full, tmp_path):
    """Half of a transaction is never in it."""
    with subprocess.Popen([sys.executable, "-c", WRITER, full / FILE_NAME], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout.readline() == b"writing\n"
            assert foretell("backup", tmp_path / "busy.tar.gz").status == 0
        finally:
            writer.kill()
    with tarfile.open(tmp_path / "busy.tar.gz") as members:
        members.extract(FILE_NAME, tmp_path / "out", filter="data")
    with closing(sqlite3.connect(tmp_path / "out" / FILE_NAME)) as database:
        [(written, halves)] = database.execute("SELECT count(*), count(*) FILTER (WHERE twin IS NOT word) FROM words")
    assert written > 20
    assert halves == 0


def test_a_backup_is_not_overwritten_unasked_and_needs_records(foretell, full, archive):
    """Each with its cure."""
    ended = foretell("backup", archive)
    assert (ended.status, "--force overwrites it" in ended.err) == (2, True)
    assert foretell("backup", archive, "--force").status == 0
    shutil.rmtree(full)
    ended = foretell("backup", archive.with_name("other.tar.gz"))
    assert ended.status == 2
    assert "no agent has run on it yet" in ended.err


def test_records_of_another_host_are_told_with_the_key_to_set(foretell, archive):
    """A new machine in the place of a dead one has another machine id."""

    def renamed(name, content):
        if name == "manifest.json":
            told = msgspec.json.decode(content) | {"host_id": "f" * 32, "host_name": "web01"}
            return name, msgspec.json.encode(told)
        return name, content

    rewritten(archive, renamed)
    ended = foretell("restore", archive)
    assert ended.status == 0
    assert f'records of another host, web01. If this one takes its place, set `host.id = "{"f" * 32}"`' in ended.out


def test_a_place_that_may_not_be_written_is_77(process, full, tmp_path):
    """It is a matter of permission."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ended = process("backup", closed / "backup.tar.gz", "--state-dir", full, unprivileged=True)
    assert ended.status == 77
    assert "Permission denied; run as the agent's user" in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_the_agents_user(foretell, full, archive):
    """The agent does not run as root, and has to read and write all of it."""
    agent = 12345
    for path in (full, *full.rglob("*")):
        os.chown(path, agent, agent)
    assert foretell("restore", archive).status == 0
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (full, *full.rglob("*"))} == {(agent, agent)}
