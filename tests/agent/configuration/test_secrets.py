"""Secrets: found by name, and never told by accident."""

import pytest

from agent.configuration.secrets import LARGEST, Secrets


@pytest.fixture
def token(tmp_path):
    """Return a file with a secret in it."""
    file = tmp_path / "token"
    file.write_text("s3cr3t\n")
    file.chmod(0o600)
    return file


def test_a_configured_file_is_read_without_its_last_line_break(token):
    """Editors put one there; it is not part of the secret."""
    assert Secrets({"rt": str(token)}).get("rt") == "s3cr3t"


def test_only_the_last_line_break_is_taken(tmp_path):
    """Blanks and inner line breaks may belong to it."""
    file = tmp_path / "key"
    file.write_bytes(b" a\n b \r\n")
    assert Secrets({"k": str(file)}).get("k") == " a\n b "


def test_the_service_managers_credential_goes_first(token, tmp_path, monkeypatch):
    """LoadCredential= wins over the file, also when its folder comes from the environment."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "rt").write_text("passed")
    assert Secrets({"rt": str(token)}, folder).get("rt") == "passed"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert Secrets({"rt": str(token)}).get("rt") == "passed"


def test_a_changed_secret_is_seen(token):
    """Rotation needs no restart."""
    secrets = Secrets({"rt": str(token)})
    secrets.get("rt")
    token.write_text("new")
    assert secrets.get("rt") == "new"


def test_a_missing_secret_says_where_it_was_looked_for(tmp_path):
    """Both places are named."""
    with pytest.raises(LookupError, match=f'"rt" was not found; looked for in {tmp_path}/rt and /nonexistent/x'):
        Secrets({"rt": "/nonexistent/x"}, tmp_path).get("rt")
    with pytest.raises(LookupError, match=r"no entry in \[secrets\]"):
        Secrets({}).get("rt")


@pytest.mark.parametrize("name", ["../token", "/etc/shadow", "", ".", "..", "a/b", "a\nb", "s3cr3t=="])
def test_a_name_is_no_path_and_is_not_repeated(name, tmp_path):
    """It is looked for in a folder; and what looks like no name may be the secret itself."""
    with pytest.raises(LookupError) as caught:
        Secrets({}, tmp_path).get(name)
    assert (
        str(caught.value)
        == "a secret's name is made of letters, digits, '_', '.' and '-'; give its name, not its value"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cr3t\xff", "is not UTF-8 text"),
        (b"s" * (LARGEST + 1), "is longer than"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_its_content(content, problem, token):
    """Neither the message nor anything chained to it holds a byte of it."""
    token.write_bytes(content)
    with pytest.raises(LookupError, match=problem) as caught:
        Secrets({"rt": str(token)}).get("rt")
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_folder_in_place_of_a_file_is_said(tmp_path):
    """Whatever the system says is passed on with the path."""
    with pytest.raises(LookupError, match=f"{tmp_path} cannot be read: Is a directory"):
        Secrets({"rt": str(tmp_path)}).get("rt")


def test_what_everybody_may_read_is_pointed_out(token):
    """With the command that mends it; a group may read it."""
    secrets = Secrets({"rt": str(token), "gone": "/nonexistent/x"})
    token.chmod(0o640)
    assert list(secrets.exposed()) == []
    token.chmod(0o644)
    assert list(secrets.exposed()) == [f'secret "rt": everybody may read or change {token}; chmod o-rw it']


def test_its_own_picture_hides_everything_but_names(token):
    """A traceback with locals shows names only."""
    assert repr(Secrets({"rt": str(token)})) == "Secrets(rt)"
