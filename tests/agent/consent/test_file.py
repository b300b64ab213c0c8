"""The consent file that IT signs: believed when it is theirs and in force, refused with a clear line when anything is not so."""

import hashlib
import os

import pytest

from agent.consent import file as consent_file
from agent.consent.file import FILE, LARGEST, SIGNATURE, SIGNERS, FileRefused, read_signed, unsigned_text
from agent.consent.levels import Grant, Revocation, Scope
from consents import CONTENT, SigningDepartment

NOW = 1_795_600_800.0  # 2026-11-25 10:00 UTC, an hour after it was issued
DAY = 86_400.0


@pytest.fixture
def folder(tmp_path):
    """Where the configuration lies, and the file beside it."""
    folder = tmp_path / "etc"
    folder.mkdir(0o755)
    return folder


@pytest.fixture
def department(folder, tmp_path):
    """Whoever may sign for the customer acme."""
    return SigningDepartment(folder, tmp_path)


def refused(folder, now=NOW, customer="acme"):
    """Return why the file is refused, without its path."""
    with pytest.raises(FileRefused) as error:
        read_signed(folder, customer, now)
    where, _, why = str(error.value).partition(": ")
    assert where.startswith(str(folder))
    return why


def test_no_file_is_nothing_wrong(folder):
    """Most hosts have none."""
    assert read_signed(folder, "acme", NOW) is None


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_file_that_the_customers_key_signed_is_believed(folder, tmp_path, kind):
    """With who decided what, and which key said so."""
    department = SigningDepartment(folder, tmp_path, kind)
    department.deploy()
    file = read_signed(folder, "acme", NOW)
    assert file.key.startswith("SHA256:")
    assert file.digest == hashlib.sha256(CONTENT.encode()).hexdigest()
    assert (file.at, file.issued) == (NOW, NOW - 3600)
    facts, excerpt, none = file.decisions
    assert facts == Grant(
        by="Jane Doe",
        entered_by=file.key,
        at=NOW - 3600,
        level="facts",
        scope=Scope(customer="acme"),
        until=NOW - 3600 + 92 * DAY,
        wording="1",
        way="file",
    )
    assert (excerpt.level, excerpt.scope.classes) == ("excerpt", ("disk_*",))
    assert none == Revocation(
        by="Jane Doe", entered_by=file.key, at=NOW - 3600, scope=Scope(customer="acme", classes=("type:security",))
    )


def test_an_unsigned_file_is_refused(folder):
    """With the command that signs it."""
    (folder / FILE).write_text(CONTENT)
    assert refused(folder) == (
        "is not signed, consent.toml.sig cannot be read: No such file or directory; "
        "sign it: ssh-keygen -Y sign -n foretell-consent -f KEY consent.toml"
    )


def test_a_file_that_was_changed_after_signing_is_refused(folder, department):
    """Even by a space at its end."""
    department.deploy()
    (folder / FILE).write_text(CONTENT + " ")
    assert 'no key in consent.signers signed this for "acme" (Signature verification failed' in refused(folder)


def test_a_file_that_another_key_signed_is_refused(folder, department, tmp_path):
    """One that nobody here trusts."""
    (tmp_path / "theirs").mkdir()
    stranger = SigningDepartment(folder, tmp_path / "theirs")
    stranger.deploy()
    department.trust("acme")
    assert 'no key in consent.signers signed this for "acme"' in refused(folder)


def test_a_signature_made_for_another_purpose_is_refused(folder, department):
    """A key that also signs mails or commits did not sign consent with them."""
    department.trust("acme", options="")
    department.deploy(namespace="git")
    assert "namespace does not match" in refused(folder)


def test_a_key_of_another_customer_cannot_speak_for_this_one(folder, department):
    """Though the file says that it is for this one."""
    department.trust("other")
    department.deploy()
    assert 'no key in consent.signers signed this for "acme"' in refused(folder)


def test_a_file_for_another_customer_is_refused(folder, department):
    """Though the key may speak for both."""
    department.trust("*")
    department.deploy(CONTENT.replace('"acme"', '"other"'))
    assert refused(folder) == 'is for the customer "other", this host is of "acme"; deploy the one for this customer'
    assert read_signed(folder, "other", NOW) is not None


def test_a_file_that_ended_is_refused_at_the_very_second(folder, department):
    """When the last of its grants ends; one without an end, which takes back, keeps it."""
    ends = 1_803_546_000.0  # 2027-02-25 09:00 UTC
    department.deploy(CONTENT[: CONTENT.rindex("\n[[")])
    assert read_signed(folder, "acme", ends - 1) is not None
    assert refused(folder, ends) == "ended at 2027-02-25T09:00:00Z; have it granted anew, and sign that"
    department.deploy()
    assert read_signed(folder, "acme", ends) is not None


def test_a_file_from_the_future_is_refused_until_then(folder, department):
    """One of the clocks is wrong."""
    department.deploy()
    assert refused(folder, NOW - 3601).startswith(
        "was issued in the future: 2026-11-25T09:00:00Z; see that both clocks"
    )
    assert read_signed(folder, "acme", NOW - 3600) is not None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('level = "facts"', 'level = "everything"', 'decisions[0].level is "everything"; write one of "excerpt"'),
        ("until = 2027-02-25T09:00:00Z\n", "", "decisions[0] has no `until`"),
        (
            "2027-02-25T09:00:00Z",
            "2027-02-25T09:00:00",
            "decisions[0].until is a date or time; write a time with its zone",
        ),
        (
            "2027-02-25T09:00:00Z",
            "2028-01-01T09:00:00Z",
            "decisions[0].until is too far away; write one at most 400 days",
        ),
        ('wording = "1"', 'wording = "99"', "decisions[0] has no `wording` that is known here: 1"),
        ('"disk_*"', '"type:disk"', "decisions[1].classes: no ticket has this type; there are hardware"),
        ('"disk_*"', '"!"', "decisions[1].classes: it names nothing"),
        ('by = "Jane Doe"', 'by = ""', "decisions[0].by is empty"),
        ("by =", "hosts = []\nby =", "decisions[0].hosts unknown key; known here: by, classes"),
        ("customer =", "customer", "is not TOML: "),
        ("issued = 2026-11-25T09:00:00Z", "", "issued is missing; write a time with its zone"),
        (CONTENT, 'customer = "acme"\nissued = 2026-11-25T09:00:00Z\ndecisions = []', "decisions is empty"),
    ],
)
def test_a_signed_file_that_says_something_else_than_we_know_is_refused(folder, department, old, new, why):
    """Nothing in it is guessed, and nothing is believed by half."""
    assert old in CONTENT
    department.deploy(CONTENT.replace(old, new, 1))
    assert why in refused(folder)


@pytest.mark.parametrize("wrong", ["group", "others", "owner"])
def test_signers_that_somebody_else_could_change_are_refused(folder, department, wrong):
    """Who may write them decides who may sign."""
    department.deploy()
    signers = folder / SIGNERS
    if wrong == "owner":
        if os.geteuid() != 0:
            pytest.skip("needs root to give a file away")
        os.chown(signers, 65534, 65534)
    else:
        signers.chmod(0o664 if wrong == "group" else 0o646)
    assert refused(folder).startswith("others than root could change it; chown root")


def test_missing_signers_are_told_with_what_to_write(folder, department):
    """Nobody may sign then."""
    department.deploy()
    (folder / SIGNERS).unlink()
    assert refused(folder) == (
        'cannot be read: No such file or directory; write it: acme namespaces="foretell-consent" ssh-ed25519 AAAA...'
    )


def test_a_signature_that_is_none_is_refused(folder, department):
    """An empty file, or something else."""
    department.deploy()
    for content in ("", "hello", (folder / SIGNATURE).read_text()[:-60]):
        (folder / SIGNATURE).write_text(content)
        assert 'no key in consent.signers signed this for "acme"' in refused(folder)


def test_signers_that_are_taken_out_count_at_once(folder, department):
    """Though the same file was believed a moment ago."""
    department.deploy()
    assert read_signed(folder, "acme", NOW) is not None
    department.trust("other")
    assert 'signed this for "acme"' in refused(folder)


def test_without_ssh_keygen_the_file_is_refused_with_the_package(folder, department, monkeypatch):
    """And nothing is believed unchecked."""
    department.deploy()
    monkeypatch.setattr(consent_file, "SSH_KEYGEN", "/nonexistent/ssh-keygen")
    assert refused(folder) == (
        "cannot be checked: cannot run /nonexistent/ssh-keygen: No such file or directory; install openssh-client 8.1 or newer"
    )


def test_what_is_no_file_keeps_nobody_waiting(folder):
    """A pipe, a folder, a file without an end."""
    os.mkfifo(folder / FILE)
    assert refused(folder).startswith("is not a file")
    (folder / FILE).unlink()
    (folder / FILE).mkdir()
    assert refused(folder).startswith("is not a file")
    (folder / FILE).rmdir()
    (folder / FILE).write_bytes(b"#" * (LARGEST + 1))
    assert refused(folder).startswith(f"is larger than {LARGEST} bytes")


def test_a_customer_id_that_looks_like_an_option_is_a_customer(folder, department):
    """It is handed to another program."""
    department.trust("-Overify")
    department.deploy(CONTENT.replace('"acme"', '"-Overify"'))
    assert read_signed(folder, "-Overify", NOW) is not None
    assert "signed this for" in refused(folder)


def test_text_of_the_file_is_harmless_where_it_is_shown(folder, department):
    """A name may hold a terminal's commands."""
    department.deploy(CONTENT.replace('by = "Jane Doe"', 'by = "Jane\\u001b[2J\\u202eDoe"', 1))
    assert read_signed(folder, "acme", NOW).decisions[0].by == "Jane\\x1b[2JDoe"


def test_what_is_written_to_be_signed_is_read_as_it_was_meant(folder, department):
    """With names and classes of any letters."""
    grant = Grant(
        by='Jané "J" \\ Döe 姓名\x7f',
        entered_by="root",
        at=NOW,
        level="logs",
        scope=Scope(customer="acme", classes=("disk_*", "!type:security")),
        until=NOW + 7 * DAY,
        wording="1",
        way="file",
    )
    department.deploy(unsigned_text([grant], "acme", NOW))
    [read] = read_signed(folder, "acme", NOW).decisions
    assert (read.level, read.scope, read.until, read.wording) == ("logs", grant.scope, grant.until, "1")
    assert read.by == 'Jané "J" \\ Döe 姓名\\x7f'
