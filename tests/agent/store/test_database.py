"""The SQLite file under the records: schema versions, damage, transactions, privacy, and several processes at once."""

import errno
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.store._database import Database
from agent.store._errors import StoreDamaged, StoreUnavailable

MIGRATIONS = (
    ("CREATE TABLE words (word TEXT PRIMARY KEY) STRICT",),
    ("ALTER TABLE words ADD COLUMN language TEXT NOT NULL DEFAULT 'en'",),
)
PAGE = 4096


@pytest.fixture
def path(tmp_path) -> Path:
    """Return where the file is to be."""
    return tmp_path / "words.sqlite"


def put(database: Database, *words: str) -> None:
    """Write `words` in one transaction."""
    with database.transaction():
        for word in words:
            database.write("INSERT INTO words (word) VALUES (?)", (word,))


def words(database: Database) -> set[str]:
    """Return what was written."""
    return {word for (word,) in database.read("SELECT word FROM words")}


def test_a_new_file_gets_the_newest_schema_and_is_private(path):
    """Nobody but its owner may read the records, whatever the umask."""
    with Database(path, MIGRATIONS) as database:
        put(database, "one")
        assert database.read("SELECT word, language FROM words") == [("one", "en")]
        assert database.read("PRAGMA journal_mode") == [("wal",)]
        assert database.read("PRAGMA synchronous") == [(2,)]
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert f"{path.name}-wal" in modes


def test_an_older_file_is_brought_forward_with_what_it_holds(path):
    """A step of the schema keeps every row."""
    with Database(path, MIGRATIONS[:1]) as database:
        put(database, "old")
    with Database(path, MIGRATIONS) as database:
        assert database.read("SELECT word, language FROM words") == [("old", "en")]


def copies(path: Path) -> list[Path]:
    """Return what was copied before upgrades, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.before-*"))


def test_an_older_file_is_copied_as_it_was_before_the_first_statement(path):
    """Private, of its own schema, and with what another process had written and not yet moved out of the log."""
    with Database(path, MIGRATIONS[:1]) as before:
        put(before, "old")
        assert path.with_name(f"{path.name}-wal").stat().st_size > 0
        Database(path, MIGRATIONS).close()
        [copy] = copies(path)
    assert copy.name.endswith("-schema-1")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with Database(copy, MIGRATIONS[:1]) as database:
        assert words(database) == {"old"}


def test_a_new_file_and_one_of_this_schema_are_not_copied(path):
    """Only an upgrade costs the space."""
    Database(path, MIGRATIONS).close()
    Database(path, MIGRATIONS).close()
    assert copies(path) == []


def test_the_last_two_copies_are_kept(path):
    """Upgrades do not fill the disk."""
    Database(path, MIGRATIONS[:1]).close()
    for year in (2023, 2024, 2025):
        path.with_name(f"{path.name}.before-{year}0101T000000Z-schema-0").touch()
    Database(path, MIGRATIONS).close()
    kept, made = copies(path)
    assert (kept.name, made.name[-9:]) == (f"{path.name}.before-20250101T000000Z-schema-0", "-schema-1")


def test_without_its_copy_nothing_is_upgraded(path, monkeypatch):
    """What cannot be undone is not begun."""

    def no_room(_original, _copy):
        raise OSError(errno.ENOSPC, "No space left on device")

    Database(path, MIGRATIONS[:1]).close()
    monkeypatch.setattr("agent.store._migration.take_snapshot", no_room)
    with pytest.raises(
        StoreUnavailable, match=r"cannot be copied before its upgrade \(No space left on device\); make room"
    ):
        Database(path, MIGRATIONS)
    with Database(path, MIGRATIONS[:1]) as database:
        assert database.read("PRAGMA user_version") == [(1,)]


def test_a_step_that_fails_leaves_the_file_as_it_was(path):
    """Half a migration would be worse than none."""
    with Database(path, MIGRATIONS[:1]) as database:
        put(database, "old")
    with pytest.raises(sqlite3.OperationalError):
        Database(path, (*MIGRATIONS, ("CREATE TABLE more (a TEXT) STRICT", "no SQL at all")))
    with Database(path, MIGRATIONS[:1]) as database:
        assert words(database) == {"old"}
        assert database.read("PRAGMA user_version") == [(1,)]
        assert database.read("SELECT name FROM sqlite_schema WHERE name = 'more'") == []


def test_a_newer_file_is_refused_and_left_alone(path):
    """A downgrade says so in words, and touches nothing."""
    with Database(path, MIGRATIONS) as database:
        put(database, "new")
    with pytest.raises(StoreUnavailable, match=r"newer Foretell \(schema 2, this one knows 1\); upgrade"):
        Database(path, MIGRATIONS[:1])
    with Database(path, MIGRATIONS) as database:
        assert words(database) == {"new"}


def overwrite_header(path: Path) -> None:
    """Put garbage over the first page."""
    with path.open("r+b") as file:
        file.write(b"\xa5" * PAGE)


def overwrite_inside(path: Path) -> None:
    """Put garbage over everything but the first page."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(PAGE)
        file.write(b"\xa5" * (size - PAGE))


def cut(path: Path) -> None:
    """Cut the file in the middle of a page."""
    with path.open("r+b") as file:
        file.truncate(PAGE + 100)


@pytest.mark.parametrize("harm", [overwrite_header, overwrite_inside, cut])
def test_a_damaged_file_is_set_aside_and_begun_anew(path, harm):
    """What is left of it stays there under a dated name, and the caller can tell."""
    with Database(path, MIGRATIONS, check=True) as database:
        put(database, *(f"word {number}" for number in range(1000)))
        assert database.set_aside is None
    harm(path)
    harmed = path.read_bytes()
    with Database(path, MIGRATIONS, check=True) as database:
        assert words(database) == set()
        put(database, "anew")
        aside = database.set_aside
    assert aside is not None
    assert aside.name.startswith("words.sqlite.damaged-2")
    assert aside.read_bytes() == harmed
    with Database(path, MIGRATIONS, check=True) as database:
        assert (words(database), database.set_aside) == ({"anew"}, None)


def test_damage_met_at_work_is_set_aside_at_the_next_opening(path):
    """A file too large to be read through at each start is given up when its damage shows."""
    with Database(path, MIGRATIONS) as database:
        put(database, *(f"word {number}" for number in range(1000)))
    overwrite_inside(path)
    with Database(path, MIGRATIONS) as database:
        assert database.set_aside is None
        with pytest.raises(StoreDamaged, match="damaged"):
            words(database)
    with Database(path, MIGRATIONS) as database:
        assert database.set_aside is not None
        assert words(database) == set()


def test_a_damaged_file_that_is_in_use_is_not_taken_away(path):
    """A command must not move the records away under a running agent."""
    with Database(path, MIGRATIONS) as agent:
        put(agent, "kept")
        Path(f"{path}-damaged").touch()
        with pytest.raises(StoreDamaged, match="in use"):
            Database(path, MIGRATIONS)
        put(agent, "too")
        assert words(agent) == {"kept", "too"}


def test_a_transaction_happens_as_a_whole_or_not_at_all(path):
    """An exception inside takes everything back; a transaction within another ends with it."""
    with Database(path, MIGRATIONS) as database:
        with pytest.raises(sqlite3.IntegrityError):
            put(database, "one", "two", "one")
        assert words(database) == set()
        with database.transaction():
            put(database, "inner")
            put(database, "outer")
        assert words(database) == {"inner", "outer"}


def test_a_mistake_of_ours_is_not_taken_for_a_sick_disk(path):
    """A broken rule of the schema is a bug and is shown as one."""
    with Database(path, MIGRATIONS) as database:
        put(database, "once")
        with pytest.raises(sqlite3.IntegrityError):
            put(database, "once")
        put(database, "again")
        assert words(database) == {"once", "again"}


WRITER = """
import sys
from pathlib import Path
from agent.store._database import Database
migrations = (("CREATE TABLE words (word TEXT PRIMARY KEY) STRICT",),)
with Database(Path(sys.argv[1]), migrations) as database:
    for number in range(100):
        with database.transaction():
            [(before,)] = database.read("SELECT count(*) FROM words")
            database.write("INSERT INTO words (word) VALUES (?)", (f"{before} {sys.argv[2]}",))
"""


def test_processes_that_make_and_write_one_file_at_once_lose_nothing(path):
    """Each transaction sees all that were there before it, whoever wrote them."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with Database(path, MIGRATIONS[:1]) as database:
        assert {int(word.split()[0]) for word in words(database)} == set(range(300))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """The error names the file, what is wrong, and how to mend it."""
    with pytest.raises(StoreUnavailable, match=r"missing/words\.sqlite: it cannot be opened \(No such file"):
        Database(tmp_path / "missing" / "words.sqlite", MIGRATIONS)


def test_unused_space_can_be_given_back(path):
    """A file whose bound was lowered gets smaller."""
    with Database(path, MIGRATIONS) as database:
        put(database, *(f"{'long' * 100} {number}" for number in range(1000)))
        full = database.size()
        database.write("DELETE FROM words")
        assert database.size() == full
        assert database.used() < full / 4
        database.shrink()
        assert database.size() < full / 4


def test_in_a_hurry_others_are_hardly_waited_for(path):
    """A process that is told to end must not wait ten seconds for one that hangs with the file locked; what it has is whole."""
    with Database(path, MIGRATIONS) as database, Database(path, MIGRATIONS) as other:
        put(database, "before")
        database.hurry()
        with other.transaction():
            other.write("INSERT INTO words (word) VALUES (?)", ("theirs",))
            with pytest.raises(StoreUnavailable, match="locked"):
                put(database, "ours")
            assert database.read("PRAGMA busy_timeout") == [(1000,)]
        put(database, "after")
        assert words(database) == {"before", "theirs", "after"}


def test_whoever_changes_the_file_makes_another_version_of_it(path):
    """We, another connection of ours, and another process; those before never come back."""
    with Database(path, MIGRATIONS[:1]) as database, Database(path, MIGRATIONS[:1]) as other:
        seen = [database.version()]
        for change in (
            lambda: put(database, "ours"),
            lambda: put(other, "theirs"),
            lambda: database.write("UPDATE words SET word = word || '!'"),
            lambda: other.write("DELETE FROM words"),
            lambda: subprocess.run([sys.executable, "-c", WRITER, str(path), "0"], check=True),
        ):
            change()
            seen.append(database.version())
    assert len(set(seen)) == len(seen)


def test_the_version_stays_while_nothing_is_changed(path):
    """Whoever reads, or holds a transaction in which nothing is written, or opens the file."""
    with Database(path, MIGRATIONS) as database, Database(path, MIGRATIONS) as other:
        put(database, "one")
        version = database.version()
        for one in (database, other):
            with one.transaction():
                assert words(one) == {"one"}
        Database(path, MIGRATIONS).close()
        assert database.version() == version


def test_what_is_not_yet_done_or_rolled_back_is_in_no_version_of_another(path):
    """What is read is as of a version that was asked for before."""
    with Database(path, MIGRATIONS) as database, Database(path, MIGRATIONS) as other:
        version = database.version()
        with pytest.raises(sqlite3.IntegrityError):
            put(other, "never", "never")
        assert (database.version(), words(database)) == (version, set())
        with other.transaction():
            other.write("INSERT INTO words (word) VALUES ('now')")
            assert (database.version(), words(database)) == (version, set())
        assert database.version() != version
