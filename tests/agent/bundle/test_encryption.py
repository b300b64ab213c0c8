"""Encryption to recipients: by their keys of age or SSH, or not at all."""

import shutil
import subprocess
import sys

import pytest

from agent.bundle._encryption import NotEncrypted, encrypt

TEXT = b"what only they may read\n" * 1000


@pytest.fixture
def ssh_key(tmp_path):
    """Where a new SSH key is; its public half is beside it."""
    if shutil.which("ssh-keygen") is None or shutil.which("age") is None:
        pytest.skip("needs ssh-keygen and age (Debian packages openssh-client, age)")
    path = tmp_path / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "desk", "-f", path], check=True)
    return path


def test_whoever_has_one_of_the_keys_reads_it(ssh_key, tmp_path):
    """An SSH key will do, its comment too; age's own program decrypts it."""
    identity = tmp_path / "age"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True).stdout.strip()
    encrypted = encrypt(TEXT, [public, ssh_key.with_suffix(".pub").read_text().strip()])
    assert TEXT[:20] not in encrypted
    for one in (identity, ssh_key):
        read = subprocess.run(["age", "--decrypt", "-i", one], input=encrypted, check=True, capture_output=True)
        assert read.stdout == TEXT


def test_it_is_never_the_same_twice(ssh_key):
    """So what was previewed is what has to be sent."""
    public = ssh_key.with_suffix(".pub").read_text().strip()
    assert encrypt(TEXT, [public]) != encrypt(TEXT, [public])


@pytest.mark.parametrize("recipient", ["age1", "age1" + "q" * 58, "ssh-ed25519 AAAA", "ssh-rsa %", "ssh-dss AAAA"])
def test_what_is_no_public_key_is_said_to_be_none(recipient):
    """By its number, for a key is long."""
    with pytest.raises(NotEncrypted, match=r"bundle\.recipients: number 1 is no public key"):
        encrypt(TEXT, [recipient])


def test_without_the_library_nothing_is_encrypted_and_the_cure_is_said(monkeypatch):
    """It is an extra, and may be missing."""
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(NotEncrypted, match=r"pip install 'foretell\[encryption\]'"):
        encrypt(TEXT, ["age1"])
