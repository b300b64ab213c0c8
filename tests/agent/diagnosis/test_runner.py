"""The steps of a diagnosis: each for itself, together in time, and what was found always counts."""

import importlib
import re
import threading
import time
from pathlib import Path

import msgspec
import pytest

from agent.configuration.config import load
from agent.diagnosis import Detail, Diagnosis, DiagnosisFact, Request, Unseen, _runner, diagnoses
from agent.diagnosis._diagnosis import LONGEST_DETAIL, detail
from agent.diagnosis._look import Look, Memory
from agent.diagnosis._runner import GENERIC, run, steps_of
from collectors import CollectorError, NotSupported

DOCUMENTATION = Path(__file__).parents[3] / "docs/diagnosis.md"
REMEMBERED = Memory(at=1000.0, user=0, total=10, seen=9, floor=1, amounts={b"/srv/\xff": 7})


def fact(name):
    """Return some fact."""
    return DiagnosisFact(name=name, value=1.0, unit="count")


def good(_look):
    """A step that finds something."""
    yield fact("good")


@pytest.fixture
def steps(monkeypatch):
    """Return what replaces the steps of every diagnosis."""

    def replace(*steps):
        monkeypatch.setattr(_runner, "steps_of", lambda wanted: (wanted, steps))

    return replace


def names(diagnosis):
    """Return the names of its facts."""
    return [one.name for one in diagnosis.facts]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CollectorError("it said no"), "failed"),
        (OSError(5, "Input/output error"), "failed"),
        (PermissionError(13, "Permission denied"), "not_permitted"),
        (NotSupported("no such thing here"), "not_available"),
        (ZeroDivisionError("ours"), "failed"),
    ],
)
def test_a_step_that_fails_costs_only_itself(steps, error, reason):
    """What it found before and what the others find stays; why it failed is said."""

    def bad(_look):
        yield fact("before")
        raise error

    steps(bad, good)
    found = run(Request(id="x"))
    assert names(found) == ["before", "good"]
    [unseen] = found.unseen
    assert (unseen.what, unseen.reason) == ("bad", reason)
    assert str(error) in unseen.hint
    assert found.finished
    assert not found.whole


def test_a_step_that_hangs_is_left_behind(steps):
    """With what it had found; it is named, and the diagnosis is not finished."""
    never = threading.Event()

    def hangs(_look):
        yield fact("before")
        never.wait()

    steps(good, hangs, good)
    began = time.monotonic()
    found = run(Request(id="x", seconds=0.1), grace=0.1)
    never.set()
    assert time.monotonic() - began < 30
    assert names(found) == ["good", "before"]
    assert [(one.what, one.reason) for one in found.unseen] == [("hangs", "out_of_time")]
    assert not found.finished


def test_steps_for_which_there_is_no_time_are_named(steps):
    """None is left out silently."""

    def long(look):
        yield fact("long")
        while look.left > 0:
            time.sleep(0.01)

    steps(long, good)
    found = run(Request(id="x", seconds=0.05), grace=30)
    assert names(found) == ["long"]
    assert [(one.what, one.reason) for one in found.unseen] == [("good", "out_of_time")]
    assert not found.finished


def test_one_look_remembers_for_the_next(steps, tmp_path):
    """Bytes and all, in a private file of a private folder."""
    path = tmp_path / "diagnosis" / "key"
    seen = []

    def remembering(look):
        seen.append(look.before)
        look.after = REMEMBERED
        return iter(())

    steps(remembering)
    for _ in range(2):
        assert run(Request(id="x", memory=str(path))).whole
    assert seen == [None, REMEMBERED]
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_who_only_wants_to_look_leaves_no_trace(steps, tmp_path):
    """What was remembered is read and stays as it is."""
    path = tmp_path / "key"
    path.write_bytes(msgspec.msgpack.encode(REMEMBERED))
    path.chmod(0o400)
    seen = []

    def remembering(look):
        seen.append(look.before)
        look.after = msgspec.structs.replace(REMEMBERED, at=2000.0)
        return iter(())

    steps(remembering)
    assert run(Request(id="x", memory=str(path), remember=False)).whole
    assert seen == [REMEMBERED]
    assert msgspec.msgpack.decode(path.read_bytes(), type=Memory) == REMEMBERED


@pytest.mark.parametrize("content", [b"", b"\xc1", msgspec.msgpack.encode({"at": 1})])
def test_a_damaged_memory_is_said_and_replaced(steps, tmp_path, content):
    """It is nobody's past."""
    path = tmp_path / "key"
    path.write_bytes(content)

    def remembering(look):
        assert look.before is None
        look.after = REMEMBERED
        return iter(())

    steps(remembering)
    [unseen] = run(Request(id="x", memory=str(path))).unseen
    assert (unseen.what, unseen.reason) == ("last look", "failed")
    assert run(Request(id="x", memory=str(path), remember=False)).unseen != ()


def test_a_memory_that_cannot_be_written_is_said(steps, tmp_path):
    """A full disk is what one diagnoses."""

    def remembering(look):
        look.after = REMEMBERED
        return iter(())

    steps(remembering)
    (tmp_path / "key.new").mkdir()
    [unseen] = run(Request(id="x", memory=str(tmp_path / "key"))).unseen
    assert (unseen.what, unseen.reason) == ("next look", "failed")


def test_a_look_has_no_time_left_for_programs_when_it_is_over():
    """And none runs longer than it has."""
    now = [0.0]
    look = Look({}, seconds=10.0, monotonic=lambda: now[0])
    assert look.run(["/bin/echo", "a"], timeout=60).output == "a\n"
    now[0] = 10.5
    assert look.left == 0
    with pytest.raises(CollectorError, match="no time was left"):
        look.run(["/bin/echo", "a"], timeout=60)
    with pytest.raises(CollectorError, match="cannot run /nonexistent"):
        Look({}).run(["/nonexistent"], timeout=1)


def test_every_rule_has_a_diagnosis_of_its_own():
    """A shipped one names a file that is there, the generic one if that is meant; what it does not name is its own id."""
    wanted = {rule.id: rule.diagnosis or rule.id for rule, _ in load().rules if rule.diagnosis != GENERIC}
    generic = {rule for rule, diagnosis in wanted.items() if steps_of(diagnosis)[0] == GENERIC}
    assert generic == set()
    assert set(diagnoses()) - {GENERIC} <= set(wanted.values())


@pytest.mark.parametrize("wanted", ["of_somebody_else", "_runner", "../evil", "", "os"])
def test_an_unknown_id_gets_the_generic_one(wanted):
    """And imports nothing by its name."""
    assert steps_of(wanted) == (GENERIC, importlib.import_module("agent.diagnosis.generic").STEPS)


@pytest.mark.parametrize("name", diagnoses())
def test_every_diagnosis_is_steps_that_say_what_they_yield(name):
    """Functions with a sentence each."""
    found, steps = steps_of(name)
    assert found == name
    assert steps
    assert all(step.__doc__ for step in steps)


def test_the_example_in_the_documentation_is_a_diagnosis(scripted):
    """It is what authors begin with."""
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
    module = {}
    exec(compile(code, str(DOCUMENTATION), "exec"), module)  # noqa: S102 - our own text
    look = scripted(answers={"/usr/sbin/postqueue": "A1B2  512 Tue\n   (connection refused)\n"})
    found = [item for step in module["STEPS"] for item in step(look)]
    assert [item.name for item in found] == ["mails_waiting", "mail-reasons.txt"]
    assert (found[0].value, found[1].text) == (1.0, "(connection refused)\n")


def test_the_documentation_has_every_diagnosis():
    """And each rule beside the one that is made for it."""
    text = DOCUMENTATION.read_text("utf-8")
    rows = {row[1]: row[2] for row in re.finditer(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE)}
    assert sorted(rows) == diagnoses()
    for rule, _ in load().rules:
        assert rule.id in rows[rule.diagnosis or rule.id].split(", ")


def test_a_level_of_consent_lets_out_what_it_allows_and_no_more():
    """Each includes those below it."""
    parts = [Detail(name=f"{level}.txt", text="", consent=level) for level in ("facts", "excerpt", "logs")]
    whole = Diagnosis(
        id="x",
        at=0.0,
        facts=(fact("a"), DiagnosisFact(name="b", value="x", unit="text", consent="logs")),
        details=parts,
    )
    assert names(whole.within("facts")) == ["a"]
    assert [one.name for one in whole.within("facts").details] == ["facts.txt"]
    assert [one.name for one in whole.within("excerpt").details] == ["facts.txt", "excerpt.txt"]
    assert names(whole.within("logs")) == ["a", "b"]
    assert whole.within("logs").details == tuple(parts)


def test_details_are_cut_at_their_size_and_say_so():
    """After a whole line."""
    cut = detail("a.txt", ["x" * 999] * 100)
    assert cut.cut
    assert len(cut.text) == LONGEST_DETAIL // 1000 * 1000
    assert not detail("a.txt", ["x"]).cut
    assert detail("a.txt", ["evil\n\x1b[0m\u202e\udcff"]).text == "evil\\n\\x1b[0m\\xff\n"


def test_a_diagnosis_survives_its_way_out_of_the_child():
    """Whatever the host's texts were."""
    hostile = "\udcff\n\u202e\x1b"
    found = Diagnosis(
        id="x",
        at=1.0,
        facts=(DiagnosisFact(name="a", value=hostile, unit="text", labels={"path": hostile}),),
        details=(detail("a.txt", [hostile]),),
        unseen=(Unseen(what="a", reason="failed", hint=hostile),),
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Diagnosis) == found
    assert re.fullmatch(r"[ -~]+", found.facts[0].labels["path"])
