"""What redaction is told about this host, and what happens when it cannot be told."""

import pytest

from agent.bundle._masking import KEY, Unmaskable, make_redactor
from agent.bundle._sources import load_sources
from agent.collecting import HostAccess
from agent.configuration.config import load
from agent.redaction import Report


@pytest.fixture
def made(tmp_path):
    """Return a function that makes the redactor of a configuration and redacts a line with it."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/hosts").write_text("10.0.0.9 vault.acme.example vault  # secret place\n")
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nannika:x:1000:1000::/home/annika:/bin/sh\n")
    (root / "etc/resolv.conf").write_text("search acme.example\nnameserver 10.0.0.1\n")

    def made(text="", line=b"", credentials=None):
        config = tmp_path / "foretell.toml"
        config.write_text(text)
        configuration = load(config, parts={"desks"})
        redactor = make_redactor(configuration, tmp_path, HostAccess(root), ["WEB01"], credentials)
        return "".join(redactor.lines("text", [line], Report()))

    return made


def test_names_of_this_host_become_pseudonyms_that_last(made, tmp_path):
    """The same at the next building, by a key that only its owner may read."""
    line = b"annika on web01 reached vault and db7.acme.example"
    first = made(line=line)
    assert not {"annika", "web01", "vault", "db7"} & set(first.replace(".", " ").split())
    assert made(line=line) == first
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert made('[customer]\nid = "other"\n', line) != first


def test_every_secret_of_the_agent_is_masked(made, tmp_path):
    """Those that the configuration names, and those that the service manager passes."""
    (tmp_path / "token").write_text("Zug-9-Straße\n")
    (tmp_path / "passed").mkdir()
    (tmp_path / "passed/other").write_text("Brücke-7\n")
    text = f'[secrets]\ntoken = "{tmp_path / "token"}"\n'
    line = "we said Zug-9-Straße and Brücke-7".encode()
    assert made(text, line, tmp_path / "passed") == "we said [masked:own_secret] and [masked:own_secret]"


@pytest.mark.parametrize("content", [None, "", "abc"])
def test_a_secret_that_cannot_be_masked_keeps_everything_here(made, tmp_path, content):
    """It is missing, empty, or so short that it would be found in words."""
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(Unmaskable):
        made(f'[secrets]\ntoken = "{tmp_path / "token"}"\n', b"x")


def test_a_desk_whose_secret_is_not_known_here_keeps_everything_here(made):
    """By hand, what the service manager passes is not there."""
    desk = 'client = "request_tracker"\nurl = "https://rt.example"\nqueue = "Ops"\ntoken_secret = "rt_token"\n'
    with pytest.raises(Unmaskable, match="rt_token"):
        made(f'[delivery]\ndesk = "rt"\n[desks.rt]\n{desk}', b"x")


def test_a_damaged_key_is_never_replaced_in_silence(made, tmp_path):
    """Pseudonyms would change, and nobody would know why."""
    (tmp_path / KEY).write_bytes(b"short")
    with pytest.raises(Unmaskable, match="remove it"):
        made(line=b"x")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[sources.x]\nkind = "file"\nsummary = "x"\n', "file needs"),
        ('[sources.x]\nkind = "journal"\nsummary = "x"\n', "units"),
        ('[sources.x]\nkind = "journal"\nsummary = "x"\nunits = ["*"]\n', "units"),
        ('[sources."../x"]\nkind = "case"\nsummary = "x"\n', "regex"),
        ('[sources.x]\nkind = "case"\nsummary = "x"\npattern = "*"\n', "unknown field"),
        ("[sources", "TOML|Expected"),
    ],
)
def test_a_wrong_table_of_sources_is_refused_by_name(tmp_path, text, wrong):
    """Nothing is guessed, and no file is named by a pattern."""
    file = tmp_path / "more.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=wrong) as error:
        load_sources([file])
    assert str(file) in str(error.value)


def test_a_later_table_changes_and_adds_sources(tmp_path):
    """By name; the shipped ones stay in their order."""
    file = tmp_path / "more.toml"
    file.write_text(
        '[sources.nginx]\nkind = "file"\nsummary = "nginx"\nfolder = "/var/log/nginx"\nfile = "error.log"\n'
        '[sources.packages]\nkind = "packages"\nsummary = "none"\nenabled = false\n'
    )
    sources = load_sources([file])
    assert list(sources) == [*load_sources(), "nginx"]
    assert not sources["packages"].enabled
