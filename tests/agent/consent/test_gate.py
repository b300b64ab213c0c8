"""The gate: the record and the signed file together, asked before each thing that leaves."""

import errno
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.configuration.config import load
from agent.consent import gate
from agent.consent import record as consent_record
from agent.consent.file import FILE
from agent.consent.gate import RecordWatch, ask, decide, look, record_trouble
from agent.consent.levels import Grant, Lapse, Revocation, Scope, SignedFile
from agent.consent.record import HEAD, KEY, RECORD, RecordDamaged, read_record
from consents import CONTENT, SigningDepartment

NOW = 1_795_600_800.0  # 2026-11-25 10:00 UTC
DAY = 86_400.0
SCOPE = Scope(customer="acme")


@pytest.fixture
def configuration(tmp_path):
    """A host of the customer acme; the signed file lies beside its configuration."""
    path = tmp_path / "etc" / "foretell.toml"
    path.parent.mkdir()
    path.write_text('[customer]\nid = "acme"\nzone = "UTC"\n')
    return load(path, parts={"rules"}, environ={})


@pytest.fixture
def state(tmp_path):
    """The state folder."""
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    return folder


@pytest.fixture
def department(configuration, tmp_path):
    """Whoever may sign for acme."""
    return SigningDepartment(configuration.source.parent, tmp_path)


@pytest.fixture
def level(state, configuration):
    """Return a function that says what may leave on a ticket about a disk, as a courier asks."""

    def asked(now=NOW, rule="disk_space", type_="capacity"):
        return ask(state, configuration, now).level(rule, type_, now)

    return asked


def grant(level="facts", at=NOW, until=NOW + DAY):
    """Return a grant by command."""
    return Grant(
        by="Jane Doe", entered_by="root", at=at, level=level, scope=SCOPE, until=until, wording="1", way="command"
    )


def revocation(at=NOW):
    """Return a revocation of everything."""
    return Revocation(by="Jane Doe", entered_by="root", at=at, scope=SCOPE)


def kinds(state):
    """Return what the record holds, by kind."""
    return [type(entry) for entry in read_record(state).entries]


def test_without_record_and_file_nothing_is_allowed_and_nothing_is_written(state, level):
    """The default."""
    assert level() == "none"
    assert list(state.iterdir()) == []


def test_a_grant_counts_from_now_until_its_end_and_the_end_is_written_down(state, configuration, level):
    """At the very second; after that no clock brings it back."""
    decide(state, configuration, grant(), NOW)
    assert level(NOW) == level(NOW + DAY - 1) == "facts"
    assert kinds(state) == [Grant]
    assert level(NOW + DAY) == "none"
    assert read_record(state).entries[1:] == (Lapse(at=NOW + DAY, line=1),)
    assert level(NOW + 1) == level(NOW + 2 * DAY) == "none"
    assert kinds(state) == [Grant, Lapse]


def test_a_revocation_counts_with_the_next_question(state, configuration, level):
    """So it reaches what is queued."""
    decide(state, configuration, grant("logs"), NOW)
    assert level() == "logs"
    decide(state, configuration, revocation(), NOW)
    assert level() == "none"


def test_a_clock_set_back_before_the_grant_allows_nothing(state, configuration, level):
    """Until it is right again."""
    decide(state, configuration, grant(), NOW)
    assert level(NOW - 1) == "none"
    assert level(NOW) == "facts"


def test_a_signed_file_counts_once_it_was_written_down(state, department, level):
    """By whoever asks first, once; for each ticket what it says of it."""
    department.deploy()
    assert level() == "excerpt"
    assert level(rule="memory_exhausted") == "facts"
    assert level(rule="kernel_outdated", type_="security") == "none"
    assert kinds(state) == [SignedFile]


def test_a_signed_file_counts_no_more_when_it_is_gone_and_again_when_it_is_back(
    state, department, level, configuration
):
    """It says what IT wants as long as it lies there."""
    department.deploy()
    assert level() == "excerpt"
    (configuration.source.parent / FILE).unlink()
    assert level() == "none"
    department.deploy()
    assert level() == "excerpt"
    assert kinds(state) == [SignedFile]


def test_a_signed_file_that_was_revoked_here_does_not_come_back(state, department, configuration, level):
    """Not by lying there, nor by being put there again; by one that was signed after that."""
    department.deploy()
    decide(state, configuration, revocation(), NOW)
    assert kinds(state) == [SignedFile, Revocation]
    assert level() == "none"
    department.deploy()
    assert level() == "none"
    department.deploy(CONTENT.replace("2026-11-25T09:00:00Z", "2026-11-25T10:30:00Z", 1))
    assert level(NOW + 3600) == "excerpt"


def test_a_file_from_before_a_revocation_is_refused(state, department, configuration, level):
    """Though it came to this host only after it."""
    decide(state, configuration, revocation(), NOW)
    department.deploy()
    assert level(NOW + 60) == "none"
    refused = ask(state, configuration, NOW + 60).file_trouble
    assert refused.endswith("was issued before consent was taken back here; issue and sign a new one")


def test_a_file_older_than_the_last_is_refused(department, configuration, state, level):
    """A backup of the configuration must not bring back what was taken back with the newer one."""
    department.deploy(CONTENT.replace("T09:00:00Z", "T09:30:00Z", 1).replace('"excerpt"', '"facts"'))
    assert level() == "facts"
    department.deploy()
    assert level() == "none"
    refused = ask(state, configuration, NOW).file_trouble
    assert refused.endswith("was issued before another that was believed here; issue and sign a new one")


def test_a_refused_file_leaves_what_was_granted_by_command(state, department, configuration, level):
    """And is told of."""
    decide(state, configuration, grant(), NOW)
    department.deploy()
    (configuration.source.parent / FILE).write_text(CONTENT + " ")
    assert level() == "facts"
    assert "signed this" in ask(state, configuration, NOW).file_trouble


def test_looking_shows_the_same_and_writes_nothing(state, department, configuration):
    """`foretell consent show` and `doctor` run beside the agent."""
    department.deploy()
    assert look(state, configuration, NOW).level("disk_space", "capacity", NOW) == "excerpt"
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("name", [RECORD, KEY, HEAD])
def test_a_damaged_record_allows_nothing_and_says_where(state, department, configuration, level, name):
    """Not even what IT signed: it may have been revoked."""
    department.deploy()
    decide(state, configuration, grant("logs"), NOW)
    assert level() == "logs"
    (state / name).write_bytes((state / name).read_bytes()[:-2] + b"\n")
    line = {RECORD: 2, KEY: 1, HEAD: 3}[name]
    assert level() == "none"
    for consent in (ask(state, configuration, NOW), look(state, configuration, NOW)):
        assert consent.trouble.startswith(f"the consent record is damaged at line {line}: ")
    assert record_trouble(state).startswith(f"the consent record is damaged at line {line}: ")
    with pytest.raises(RecordDamaged):
        decide(state, configuration, grant(), NOW)


def test_on_a_full_disk_what_is_written_holds_and_a_new_file_does_not(
    state, department, configuration, level, monkeypatch
):
    """A file whose finding cannot be written could not be revoked."""
    decide(state, configuration, grant(), NOW)
    department.deploy()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(consent_record.os, "pwrite", full)
    assert level() == "facts"
    assert "No space left on device" in ask(state, configuration, NOW).file_trouble
    assert level(NOW + DAY) == "none"
    monkeypatch.undo()
    assert level() == "excerpt"


def test_a_record_that_cannot_be_read_allows_nothing(state, configuration, level):
    """Whatever it would say."""
    decide(state, configuration, grant(), NOW)
    (state / KEY).unlink()
    (state / KEY).mkdir()
    assert level() == "none"
    assert "cannot be" in ask(state, configuration, NOW).trouble
    assert "cannot be" in look(state, configuration, NOW).trouble
    assert "cannot be" in record_trouble(state)


def test_couriers_that_ask_at_once_write_a_file_down_once(state, department, configuration):
    """There is one for each desk."""
    department.deploy()
    with ThreadPoolExecutor(4) as pool:
        consents = list(pool.map(lambda _: ask(state, configuration, NOW), range(12)))
    assert {consent.level("disk_space", "capacity", NOW) for consent in consents} == {"excerpt"}
    assert kinds(state) == [SignedFile]


def test_the_anchor_is_the_records_last_hash(state, configuration):
    """What a ticket may carry, so that a record made anew is seen."""
    first = decide(state, configuration, grant(), NOW).anchor
    second = decide(state, configuration, revocation(), NOW)
    assert second.hashes == (first, second.anchor) == read_record(state).hashes
    assert ask(state, configuration, NOW).anchor == second.anchor


@pytest.mark.parametrize("name", [RECORD, KEY, HEAD])
def test_who_watches_the_record_sees_damage_and_its_mending(state, configuration, name):
    """Whichever of its files it is in, and also where it was damaged and mended without a change of size."""
    watch = RecordWatch(state)
    assert watch.trouble() == ""
    decide(state, configuration, grant("logs"), NOW)
    assert watch.trouble() == ""
    whole = (state / name).read_bytes()
    (state / name).write_bytes(whole[:-2] + b"?\n")
    assert watch.trouble() == record_trouble(state) != ""
    (state / name).write_bytes(whole)
    assert watch.trouble() == ""


def test_who_watches_the_record_reads_it_when_it_has_changed(state, configuration, monkeypatch):
    """Of a record that stays as it is only the dates are looked at."""
    decide(state, configuration, grant("logs"), NOW)
    watch, read = RecordWatch(state), []
    monkeypatch.setattr(gate, "record_trouble", lambda folder: read.append(folder) or "")
    for _ in range(3):
        watch.trouble()
    assert len(read) == 1
    decide(state, configuration, grant(), NOW)
    watch.trouble()
    assert len(read) == 2
