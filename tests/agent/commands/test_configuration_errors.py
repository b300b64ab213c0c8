"""Whatever is wrong with the configuration, whichever command reads it: each mistake a line with its cure, and 78."""

import pytest

WRONG = """
[agent]
cycle = "soon"
lissten = "127.0.0.1:1"
[customer]
zone = "Europe/Belrin"
[collectors.dsik]
[rules.disk_spce]
enabled = false
"""
CURES = [
    'agent.lissten: unknown key — mend: did you mean "listen"?',
    'agent.cycle: is "soon" — mend: write a duration of at least 5s',
    'customer.zone: is no IANA time zone — mend: did you mean "Europe/Berlin"?',
    'collectors.dsik: no collector is called "dsik" — mend: did you mean "disk"?',
    'rules.disk_spce: no shipped rule has this id — mend: did you mean "disk_space"?',
]


@pytest.mark.parametrize("command", ["check", "run"])
def test_all_mistakes_are_told_at_once_each_with_its_cure(foretell, tmp_path, command):
    """A wrong type, an unknown key, a wrong name: nobody has to try five times."""
    config = tmp_path / "foretell.toml"
    config.write_text(WRONG)
    ended = foretell(command, "--config", config)
    assert (ended.status, ended.out) == (78, "")
    lines = ended.err.removeprefix("foretell: ").splitlines()
    assert len(lines) == len(CURES)
    for line, cure in zip(lines, CURES, strict=True):
        assert line.startswith(f"{config}: {cure}")


def test_nothing_is_begun_with_a_wrong_configuration(foretell, tmp_path, state):
    """No state folder is made."""
    config = tmp_path / "foretell.toml"
    config.write_text(WRONG)
    foretell("run", "--config", config)
    assert not state.exists()


def test_a_slip_of_syntax_is_told_with_its_line(foretell, tmp_path):
    """Where to look, not how a parser works."""
    config = tmp_path / "foretell.toml"
    config.write_text("[agent]\ncycle = \n")
    ended = foretell("check", "--config", config)
    assert ended.status == 78
    assert f"{config}: is not TOML" in ended.err
    assert "line 2" in ended.err


@pytest.mark.parametrize("how", ["--config", "FORETELL_CONFIG"])
def test_a_named_file_that_is_not_there_is_an_error(foretell, tmp_path, monkeypatch, how):
    """The defaults are for who names none."""
    missing = tmp_path / "missing.toml"
    if how == "FORETELL_CONFIG":
        monkeypatch.setenv(how, str(missing))
    ended = foretell("check", *(["--config", missing] if how == "--config" else []))
    assert ended.status == 78
    assert (
        ended.err
        == f"foretell: {missing}: there is no such file — mend: name another, or write one with `foretell init`\n"
    )


def test_a_file_that_may_not_be_read_is_told(process, tmp_path):
    """It is the agent's user who must read it."""
    config = tmp_path / "foretell.toml"
    config.touch()
    config.chmod(0)
    ended = process("check", "--config", config, unprivileged=True)
    assert ended.status == 78
    assert "Permission denied" in ended.err
    assert "let the agent's user read it" in ended.err


def test_a_folder_is_no_file(foretell, tmp_path):
    """Tab completion stops there."""
    ended = foretell("check", "--config", tmp_path)
    assert ended.status == 78
    assert "Is a directory" in ended.err


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_calendar_that_never_opens_is_a_wrong_configuration(foretell, tmp_path, command):
    """By whichever command it is read, with its file, key and cure."""
    config = tmp_path / "foretell.toml"
    config.write_text("[windows]\nweekly = []\n")
    ended = foretell(command, "--config", config)
    assert (ended.status, ended.out) == (78, "")
    assert ended.err.startswith(f"foretell: {config}: windows: no agreed hours come within the next five years")
