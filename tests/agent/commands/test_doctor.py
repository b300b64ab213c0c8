"""`foretell doctor`: how its results are shown, and which exit status they come to."""

import pytest

from agent.commands import doctor
from agent.doctor.checks import Result


def result(number, verdict, reason=None, hint=""):
    """Return a check's result."""
    return Result(number=number, subject="subject", verdict=verdict, found="found", hint=hint, reason=reason)


WELL, WARNING, WRONG, UNKNOWN = (result(1, verdict) for verdict in ("well", "warning", "wrong", "unknown"))
UNREACHABLE = result(10, "wrong", "unreachable")
REFUSED = result(10, "wrong", "not_authorised")
FORBIDDEN = result(5, "wrong", "not_permitted")
CONFIGURATION = result(3, "wrong", "configuration")


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([WELL], 0),
        ([WELL, WARNING, UNKNOWN], 1),
        ([WELL, WRONG], 1),
        ([WELL, UNKNOWN], 3),
        ([WARNING, UNREACHABLE], 69),
        ([UNKNOWN, REFUSED], 77),
        ([FORBIDDEN, UNREACHABLE], 77),
        ([FORBIDDEN, UNREACHABLE, CONFIGURATION], 78),
        ([result(10, "wrong", "throttled")], 1),
    ],
)
def test_the_exit_status_is_of_what_has_to_be_mended_first(foretell, monkeypatch, results, status):
    """What keeps the agent from its work comes before what could be better."""
    monkeypatch.setattr(doctor, "examine", lambda *_: iter(results))
    assert foretell("doctor").status == status


def test_each_result_is_a_numbered_line_with_its_hint(foretell, monkeypatch):
    """The hint stands below, in the same column."""
    monkeypatch.setattr(doctor, "examine", lambda *_: iter([WELL, result(10, "wrong", hint="mend it")]))
    lines = [line.rstrip() for line in foretell("doctor").out.splitlines()]
    assert lines == [" 1 well    subject: found", "10 wrong   subject: found", "           mend it"]


def test_json_has_every_result_with_stable_keys(foretell, tmp_path):
    """All of a real examination."""
    ended = foretell("doctor", "--json", "--listen", "127.0.0.1:0")
    assert ended.status in {0, 1, 3}
    assert all(one.keys() == {"number", "subject", "verdict", "found", "hint", "reason"} for one in ended.json)
    assert sorted({one["number"] for one in ended.json}) == list(range(1, 15))
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_configuration_is_78(foretell, tmp_path):
    """With the mistakes."""
    config = tmp_path / "foretell.toml"
    config.write_text("[agent]\ncycle = 'soon'\n")
    ended = foretell("doctor", "--config", config)
    assert ended.status == 78
    assert "agent.cycle" in ended.out


def test_an_unreadable_state_folder_is_77_and_everything_else_is_checked(process, state):
    """One trouble does not hide the others."""
    state.mkdir()
    state.chmod(0)
    ended = process("doctor", "--json", "--listen", "127.0.0.1:0", unprivileged=True)
    assert (ended.status, ended.err) == (77, "")
    by_number = {one["number"]: one for one in ended.json}
    assert sorted(by_number) == [*range(1, 11), 12, 13, 14]  # a desk that cannot be used tells nothing of this host
    assert by_number[5]["verdict"] == by_number[6]["verdict"] == "wrong"
    assert "install -d -m 0700" in by_number[5]["hint"]
