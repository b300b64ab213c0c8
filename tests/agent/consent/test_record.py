"""The consent record: what was written stays, and what was changed by hand is seen."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.consent import record as consent_record
from agent.consent.levels import Grant, Lapse, Revocation, Scope
from agent.consent.record import HEAD, KEY, RECORD, RecordDamaged, RecordUnavailable, opened_record, read_record

NOW = 1_795_600_800.0
SCOPE = Scope(customer="acme", classes=("disk_*", "type:capacity"))
GRANT = Grant(
    by="Jané Doe",
    entered_by="root",
    at=NOW,
    level="facts",
    scope=SCOPE,
    until=NOW + 86_400,
    wording="1",
    way="command",
)
REVOCATION = Revocation(by="Jané Doe", entered_by="root", at=NOW + 60, scope=SCOPE)
LAPSE = Lapse(at=NOW + 86_400, line=1)
ENTRIES = (GRANT, REVOCATION, LAPSE)


def written(folder, *entries):
    """Write each entry on its own, as commands do."""
    for entry in entries:
        with opened_record(folder) as record:
            record.append([entry])


def copied(folder, files):
    """Put `files`, by name, into a folder and return what is read there."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return read_record(folder)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the files of a sound record with three lines, by name."""
    folder = tmp_path_factory.mktemp("record")
    written(folder, *ENTRIES)
    return {name: (folder / name).read_bytes() for name in (RECORD, KEY, HEAD)}


def test_what_was_written_is_read_again(tmp_path):
    """In its order, with a hash for each line that is an anchor elsewhere."""
    written(tmp_path, *ENTRIES)
    history = read_record(tmp_path)
    assert history.entries == ENTRIES
    assert len(set(history.hashes)) == 3
    assert (history.damage, history.torn) == (None, False)


def test_several_entries_are_one_write(tmp_path):
    """A signed file and the ends that follow from it come together."""
    with opened_record(tmp_path) as record:
        record.append(ENTRIES)
        assert record.history == read_record_later(tmp_path, record)
    assert read_record(tmp_path).entries == ENTRIES


def read_record_later(folder, record):
    """Return what the held record says, made from its files."""
    files = {name: (folder / name).read_bytes() for name in (RECORD, KEY, HEAD)}
    with TemporaryDirectory() as other:
        assert record.history.entries == ENTRIES
        return copied(Path(other), files)


def test_nothing_is_written_to_look(tmp_path):
    """Neither where nothing was decided yet, nor where there is no folder."""
    assert read_record(tmp_path).entries == ()
    assert read_record(tmp_path / "none").entries == ()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_it(tmp_path):
    """Names of people are in it, and its key."""
    before = os.umask(0)
    try:
        written(tmp_path, GRANT)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_each_line_is_json_that_a_person_can_read(files):
    """With everyday tools."""
    assert b'"by":"Jan\xc3\xa9 Doe"' in files[RECORD]
    assert files[RECORD].count(b"\n") == 3


def test_two_records_of_the_same_entries_have_other_hashes(tmp_path):
    """Nobody without the key can work out a line."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, GRANT)
    assert read_record(tmp_path / "one").hashes != read_record(tmp_path / "other").hashes


def test_every_single_byte_that_is_changed_is_seen(files, tmp_path):
    """At each place of the record, of its key and of its head; the line that is named is the one, or the one after it."""
    for name, content in files.items():
        for place in range(len(content)):
            changed = bytearray(content)
            changed[place] ^= 1
            history = copied(tmp_path, {**files, name: bytes(changed)})
            assert history.damage is not None, (name, place)
            if name == RECORD:
                assert history.damage.line == content[:place].count(b"\n") + 1
                assert history.entries == ENTRIES[: history.damage.line - 1]


@settings(max_examples=300)
@given(data=st.data())
def test_any_byte_put_in_place_of_another_is_seen(files, data):
    """Whatever it is, wherever it is."""
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != files[name][place]))
    changed = files[name][:place] + bytes([byte]) + files[name][place + 1 :]
    with TemporaryDirectory() as folder:
        assert copied(Path(folder), {**files, name: changed}).damage is not None


@settings(max_examples=300)
@given(data=st.data())
def test_any_byte_taken_out_is_seen(files, data):
    """Also the last line's end."""
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    with TemporaryDirectory() as folder:
        taken = files[name][:place] + files[name][place + 1 :]
        assert copied(Path(folder), {**files, name: taken}).damage is not None


@settings(max_examples=300)
@given(data=st.data())
def test_any_byte_put_in_is_seen_or_counts_for_nothing(files, data):
    """Behind the last line it can be what a crash left of one that was being written: told, and no part of the record."""
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name])))
    byte = bytes([data.draw(st.integers(0, 255))])
    with TemporaryDirectory() as folder:
        history = copied(Path(folder), {**files, name: files[name][:place] + byte + files[name][place:]})
    if name == RECORD and place == len(files[name]) and byte != b"\n":
        assert (history.entries, history.torn, history.damage) == (ENTRIES, True, None)
    else:
        assert history.damage is not None


def lines_of(files):
    return files[RECORD].splitlines(keepends=True)


@pytest.mark.parametrize(
    "order", [(0, 2, 1), (1, 0, 2), (2, 1, 0), (0, 0, 1, 2), (0, 1, 2, 2), (0, 2), (1, 2), (0, 1), (0,), ()]
)
def test_lines_that_are_moved_repeated_or_taken_out_are_seen(files, tmp_path, order):
    """Also those at the end, and all of them."""
    history = copied(tmp_path, {**files, RECORD: b"".join(lines_of(files)[number] for number in order)})
    first_wrong = next((at for at, number in enumerate(order) if at != number), len(order))
    assert history.damage is not None
    assert history.damage.line == first_wrong + 1


def test_a_line_of_another_record_is_seen(files, tmp_path):
    """Its hash was made with another key."""
    (tmp_path / "other").mkdir()
    written(tmp_path / "other", *ENTRIES)
    theirs = (tmp_path / "other" / RECORD).read_bytes().splitlines(keepends=True)
    history = copied(tmp_path, {**files, RECORD: b"".join([*lines_of(files)[:2], theirs[2]])})
    assert history.damage is not None
    assert history.damage.line == 3


@pytest.mark.parametrize(("gone", "line"), [(RECORD, 1), (KEY, 1), (HEAD, 4)])
def test_a_file_of_the_record_that_is_gone_is_seen(files, tmp_path, gone, line):
    """Any of the three."""
    history = copied(tmp_path, {name: content for name, content in files.items() if name != gone})
    assert history.damage is not None
    assert history.damage.line == line


def test_record_and_head_that_are_gone_together_are_seen(files, tmp_path):
    """The key is only made after the head."""
    assert copied(tmp_path, {KEY: files[KEY]}).damage is not None


def test_a_damaged_record_takes_no_more(files, tmp_path):
    """What it said last is not known; the way out is told."""
    copied(tmp_path, {**files, HEAD: b"0" * 63 + b"1\n"})
    with pytest.raises(
        RecordDamaged, match=r"damaged at line 4: .*; nothing is allowed; look into it, then move .* away"
    ):
        written(tmp_path, GRANT)
    assert (tmp_path / RECORD).read_bytes() == files[RECORD]


def test_a_line_of_a_newer_version_is_not_guessed_at(tmp_path, monkeypatch):
    """A field that is not known may narrow what was allowed."""
    written(tmp_path, GRANT)
    encode = consent_record.msgspec.json.encode
    monkeypatch.setattr(
        consent_record.msgspec.json, "encode", lambda entry: encode(entry).replace(b'"by"', b'"host":"web1","by"')
    )
    with opened_record(tmp_path) as record:
        record.append([GRANT])
    monkeypatch.undo()
    history = read_record(tmp_path)
    assert history.damage is not None
    assert (history.damage.line, "newer version" in history.damage.what) == (2, True)


def test_what_a_crash_left_of_a_line_is_told_and_not_fatal(files, tmp_path):
    """Wherever it stopped; the next line is written in its place."""
    whole = b"".join(lines_of(files)[:2])
    head = lines_of(files)[1][len(b'{"hash":"') :][:64] + b"\n"
    for length in range(1, len(lines_of(files)[2])):
        torn = whole + lines_of(files)[2][:length]
        history = copied(tmp_path, {**files, RECORD: torn, HEAD: head})
        assert (history.entries, history.torn, history.damage) == (ENTRIES[:2], True, None)
    written(tmp_path, LAPSE)
    history = read_record(tmp_path)
    assert (history.entries, history.torn, history.damage) == (ENTRIES, False, None)


class PowerCutError(BaseException):
    """Nothing runs after it, not even what tidies up."""


CALLS = ("pwrite", "fsync", "ftruncate")


def cut_at(monkeypatch, number):
    """Let the power fail at the given call that changes or syncs a file; a write is half done then."""
    left = [number]

    def dying(real, name):
        def call(*arguments):
            left[0] -= 1
            if left[0] == 0:
                if name == "pwrite":
                    descriptor, content, at = arguments
                    real(descriptor, content[: len(content) // 2], at)
                raise PowerCutError
            return real(*arguments)

        return call

    for name in CALLS:
        monkeypatch.setattr(consent_record.os, name, dying(getattr(os, name), name))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", dying(replace, "replace"))


@pytest.mark.parametrize("before", [(), (GRANT,)])
def test_a_power_cut_at_any_call_leaves_the_record_before_or_after(tmp_path, monkeypatch, before):
    """Never a damaged one, which would take consent away; and what comes next can be written."""
    seen = set()
    for number in range(1, 40):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(folder, *before)
        try:
            with monkeypatch.context() as patched:
                cut_at(patched, number)
                written(folder, REVOCATION)
        except PowerCutError:
            history = read_record(folder)
            assert history.damage is None, number
            assert history.entries in {before, (*before, REVOCATION)}
            seen.add(history.entries)
            written(folder, LAPSE)
            assert read_record(folder).entries == (*history.entries, LAPSE)
        else:
            break
    assert number > 5
    assert seen == {before, (*before, REVOCATION)}


@pytest.mark.parametrize("call", CALLS)
def test_a_disk_that_refuses_leaves_the_record_as_it_was(files, tmp_path, monkeypatch, call):
    """Whoever was told that it failed must not find it in force later."""
    copied(tmp_path, files)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(consent_record.os, call, refuse)
        with pytest.raises(RecordUnavailable, match="No space left on device; run as"):
            written(tmp_path, GRANT)
    assert read_record(tmp_path).entries == ENTRIES
    written(tmp_path, GRANT)
    assert read_record(tmp_path).entries == (*ENTRIES, GRANT)


def test_many_at_once_lose_nothing(tmp_path):
    """Each waits for the other, and goes on from its line."""
    grants = [
        Grant(**{**{name: getattr(GRANT, name) for name in GRANT.__struct_fields__}, "by": str(n)}) for n in range(24)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda grant: written(tmp_path, grant), grants))
    history = read_record(tmp_path)
    assert history.damage is None
    assert {entry.by for entry in history.entries} == {grant.by for grant in grants}
    assert len(history.entries) == len(grants)


def test_one_that_never_lets_go_is_told_of(tmp_path, monkeypatch):
    """After a while, instead of waiting for ever."""
    monkeypatch.setattr(consent_record, "_PAUSE", 0)
    with opened_record(tmp_path), pytest.raises(RecordUnavailable, match="another process holds it; end `foretell`"):
        written(tmp_path, GRANT)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to write into another's folder")
def test_what_root_writes_belongs_to_the_agent(tmp_path):
    """`sudo foretell consent grant` must not lock the agent out of its own record."""
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    os.chown(folder, 65534, 65534)
    written(folder, GRANT, REVOCATION)
    assert {path.stat().st_uid for path in folder.iterdir()} == {65534}
