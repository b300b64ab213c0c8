"""`foretell consent`: what may leave, who allowed it, and taking it back."""

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.configuration.config import load, shipped_rules
from agent.consent import file as consent_file
from agent.consent.gate import ask
from agent.consent.levels import TYPES
from agent.consent.record import HEAD, KEY, RECORD, read_record
from consents import SigningDepartment

DAY = 86_400.0
FORETELL = Path(sys.executable).with_name("foretell")
GRANT = ("consent", "grant", "facts", "--for", "90d", "--by", "Jane Doe", "--yes")


@pytest.fixture
def state(state):
    """The state folder, without records: consent needs none."""
    state.mkdir(0o700)
    return state


@pytest.fixture
def at_terminal(monkeypatch):
    """Return a function after which a person sits there and answers."""

    def answering(answer):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)

    return answering


def levels(foretell, *arguments):
    """Return what is allowed by rule, as `--json` tells it."""
    return {one["rule"]: one["level"] for one in foretell("consent", "--json", *arguments).json["allowed"]}


@pytest.mark.usefixtures("state")
def test_the_default_is_that_nothing_is_allowed(foretell):
    """And how to allow more is told."""
    ended = foretell("consent")
    assert ended.status == 0
    assert "none  all tickets" in ended.out
    assert "foretell consent grant" in ended.out
    assert set(levels(foretell).values()) == {"none"}


@pytest.mark.parametrize("level", ["facts", "excerpt", "logs"])
def test_a_grant_is_for_all_tickets_where_nothing_else_is_said(foretell, state, level):
    """From now until then, with who, by which account, and in which words."""
    began = time.time()
    ended = foretell("consent", "grant", level, "--for", "90d", "--by", "Jane Doe", "--yes")
    assert ended.status == 0
    assert f"Allowed by Jane Doe: {level}, for tickets of default: all, until " in ended.out
    assert set(levels(foretell).values()) == {level}
    [grant] = read_record(state).entries
    assert began <= grant.at <= time.time()
    assert grant.until == grant.at + 90 * DAY
    assert (grant.by, grant.wording, grant.way) == ("Jane Doe", "1", "command")
    assert f"The record now ends with {read_record(state).hashes[-1]}" in ended.out


@pytest.mark.usefixtures("state")
def test_a_grant_for_classes_is_for_these_alone(foretell):
    """By rule and by type."""
    assert foretell(*GRANT, "--class", "disk_*", "--class", "!disk_inodes", "--class", "type:lifecycle").status == 0
    given = {rule for rule, level in levels(foretell).items() if level == "facts"}
    rules = shipped_rules()
    lifecycle = {name for name, rule in rules.items() if rule["type"] == "lifecycle"}
    assert given == {name for name in rules if name.startswith("disk_")} - {"disk_inodes"} | lifecycle
    assert {"disk_space", "os_support_end"} <= given


def test_the_person_is_shown_what_is_allowed_before_it_is(foretell, state, at_terminal):
    """In words, and is asked; a no allows nothing."""
    at_terminal("n")
    ended = foretell(*GRANT[:-1])
    assert "What leaves the computer then" in ended.out
    assert "serial numbers" in ended.out
    assert "Excerpts of logs" not in ended.out
    assert (ended.status, ended.err) == (1, "foretell: nothing was allowed\n")
    assert read_record(state).entries == ()


def test_a_person_who_agrees_allows_it(foretell, state, at_terminal):
    """At a terminal, without `--yes`."""
    at_terminal("y")
    ended = foretell("consent", "grant", "logs", "--for", "7d", "--by", "Jane Doe")
    assert ended.status == 0
    assert "Excerpts of logs" in ended.out
    assert "Before each of these you are asked again" in ended.out
    assert len(read_record(state).entries) == 1


def test_where_nobody_can_agree_nothing_is_allowed(process, state):
    """A script has to say that somebody did."""
    ended = process(*GRANT[:-1])
    assert ended.status == 2
    assert "add --yes when Jane Doe has read the above" in ended.err
    assert list(state.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("none", "--for", "1d", "--by", "J"), "'none' is not one of 'facts', 'excerpt', 'logs'"),
        (("facts", "--by", "J"), "Missing option '--for'"),
        (("facts", "--for", "1d"), "Missing option '--by'"),
        (("facts", "--for", "soon", "--by", "J"), "--for: 'soon' is not a duration"),
        (("facts", "--for", "0s", "--by", "J"), "--for must be more than nothing and at most 400d"),
        (("facts", "--for", "401d", "--by", "J"), "--for must be more than nothing and at most 400d"),
        (("facts", "--for", "1d", "--by", " "), "--by must name a person"),
        (
            ("facts", "--for", "1d", "--by", "J", "--class", "disk_spcae"),
            'no rule is called so; did you mean "disk_space"?',
        ),
        (("facts", "--for", "1d", "--by", "J", "--class", "type:disk"), "no ticket has this type; there are hardware"),
    ],
)
def test_wrong_use_is_2_and_writes_nothing(foretell, state, arguments, told):
    """With what is wrong."""
    ended = foretell("consent", "grant", *arguments, "--yes")
    assert ended.status == 2
    assert told in ended.err
    assert list(state.iterdir()) == []


@pytest.mark.usefixtures("state")
def test_a_revocation_takes_everything_back(foretell):
    """Or the classes that are named."""
    foretell(*GRANT)
    assert foretell("consent", "revoke", "--class", "type:security").status == 0
    assert levels(foretell)["kernel_outdated"] == "none"
    assert levels(foretell)["disk_space"] == "facts"
    ended = foretell("consent", "revoke", "--by", "Jane Doe")
    assert ended.out.startswith("Taken back for tickets of default: all.")
    assert set(levels(foretell).values()) == {"none"}


@pytest.mark.usefixtures("state")
def test_json_has_stable_keys(foretell):
    """And nothing else on standard output, also when granting."""
    granted = foretell(*GRANT, "--json")
    assert "What you allow" in granted.err
    shown = foretell("consent", "show", "--json").json
    assert granted.json == shown
    assert shown.keys() == {"customer", "allowed", "decisions", "hashes", "trouble", "file_trouble", "torn"}
    assert shown["allowed"][0].keys() == {"rule", "type", "level"}
    assert {one["type"] for one in shown["allowed"]} <= set(TYPES)
    revoked = foretell("consent", "revoke", "--json").json
    assert [(one["line"], one["type"], one["level"], one["standing"]) for one in revoked["decisions"]] == [
        (1, "grant", "facts", "replaced"),
        (2, "revocation", "none", "in_force"),
    ]


def test_a_damaged_record_is_1_with_the_line_and_takes_no_more(foretell, state):
    """Nothing is allowed then."""
    foretell(*GRANT)
    foretell(*GRANT)
    raw = (state / RECORD).read_bytes()
    (state / RECORD).write_bytes(raw.replace(b"facts", b"excer", 1))
    ended = foretell("consent")
    assert ended.status == 1
    assert "the consent record is damaged at line 1: " in ended.out
    assert "move the consent.* files" in " ".join(foretell("consent").out.split())
    assert set(levels(foretell).values()) == {"none"}
    for command in (GRANT, ("consent", "revoke")):
        ended = foretell(*command)
        assert ended.status == 1
        assert (
            "nothing is allowed; look into it, then move consent.jsonl, consent.key and consent.head away" in ended.err
        )
    for name in (RECORD, KEY, HEAD):
        (state / name).rename(state / f"{name}.away")
    assert foretell(*GRANT).status == 0


def test_an_unfinished_line_is_told(foretell, state):
    """It is no damage."""
    foretell(*GRANT)
    with (state / RECORD).open("ab") as record:
        record.write(b'{"hash":"')
    ended = foretell("consent")
    assert ended.status == 0
    assert "was never finished" in ended.out
    assert set(levels(foretell).values()) == {"facts"}


def test_grants_at_the_same_time_are_all_written(process, state):
    """As processes of their own."""
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda name: process(*GRANT[:6], name, "--yes"), ["Ann", "Bob", "Kim"]))
    assert [one.status for one in ended] == [0, 0, 0]
    assert sorted(entry.by for entry in read_record(state).entries) == ["Ann", "Bob", "Kim"]
    assert stat.S_IMODE((state / RECORD).stat().st_mode) == 0o600


def test_without_a_state_folder_there_is_nothing_to_decide_in(foretell, tmp_path):
    """None is made, for it would belong to whoever typed that."""
    ended = foretell(*GRANT, "--state-dir", tmp_path / "none")
    assert (ended.status, (tmp_path / "none").exists()) == (2, False)
    assert "no agent has run on it yet" in ended.err


def test_who_may_not_write_there_is_77(process, state):
    """With whose folder it is."""
    if os.geteuid() == 0:
        os.chown(state, 65534, 65534)
    else:
        state.chmod(0)
    ended = process(*GRANT, unprivileged=True)
    assert ended.status == 77
    assert "cannot be locked: Permission denied; run as the owner of" in ended.err
    assert process("consent", unprivileged=True).status == 77


def test_a_file_is_written_for_it_to_sign_and_counts_once_it_is_deployed(foretell, state, tmp_path):
    """With the tool that it names, in the place that it names."""
    config = tmp_path / "foretell.toml"
    config.write_text('[customer]\nid = "acme"\n')
    department = SigningDepartment(tmp_path, state)
    unsigned = tmp_path / "to-sign.toml"
    ended = foretell(*GRANT, "--class", "disk_*", "--to-sign", unsigned, "--config", config)
    assert ended.status == 0
    assert (
        f"Nothing is allowed yet. Sign {unsigned}: ssh-keygen -Y sign -n foretell-consent -f KEY {unsigned}"
        in ended.out
    )
    assert f"deploy both as {tmp_path / 'consent.toml'} and {tmp_path / 'consent.toml.sig'}" in ended.out
    assert levels(foretell, "--config", config)["disk_space"] == "none"
    department.deploy(unsigned.read_text())
    assert levels(foretell, "--config", config)["disk_space"] == "facts"
    assert levels(foretell, "--config", config)["memory_exhausted"] == "none"
    assert foretell("consent", "revoke", "--config", config).status == 0
    assert levels(foretell, "--config", config)["disk_space"] == "none"
    assert ask(state, load(config, parts={"rules"}), time.time()).level("disk_space", "capacity", time.time()) == "none"


def test_a_signed_file_that_is_not_believed_is_1(foretell, state, tmp_path):
    """With its cure."""
    (tmp_path / consent_file.FILE).write_text("")
    ended = foretell("consent")
    assert ended.status == 1
    assert (
        "is not signed, consent.toml.sig cannot be read: No such file or directory; sign it: ssh-keygen -Y sign"
        in ended.out
    )
    assert (
        foretell("consent", "--json").json["file_trouble"].startswith(f"{tmp_path / consent_file.FILE}: is not signed")
    )
    assert list(state.iterdir()) == []


@pytest.mark.usefixtures("state")
def test_text_of_people_cannot_speak_to_the_terminal(foretell):
    """A name stays a name."""
    ended = foretell(*GRANT[:5], "--by", "[red]\x1b[2JJane", "--yes")
    assert "\x1b" not in ended.out
    assert "\x1b" not in foretell("consent").out
    assert "[red]" in foretell("consent").out


def test_the_examples_in_the_help_work(process, state):
    """As they are typed in a shell."""
    examples = [line.strip() for line in process("consent", "-h").out.splitlines() if line.startswith("    foretell ")]
    assert len(examples) == 3
    for example in examples:
        line = example + (" --yes" if "grant" in example else "")
        argv = ["/bin/sh", "-c", line.replace("foretell", str(FORETELL), 1)]
        assert subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0, line
    assert len(read_record(state).entries) == 2
