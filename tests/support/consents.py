"""Consent as IT deploys it: a key of its own, a file that it signs with OpenSSH's own tool, and who may sign for whom."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.consent.file import FILE, NAMESPACE, SIGNATURE, SIGNERS

CONTENT = """\
customer = "acme"
issued = 2026-11-25T09:00:00Z

[[decisions]]
level = "facts"
by = "Jane Doe"
until = 2027-02-25T09:00:00Z
wording = "1"

[[decisions]]
level = "excerpt"
classes = ["disk_*"]
by = "Jane Doe"
until = 2026-12-25T09:00:00Z
wording = "1"

[[decisions]]
level = "none"
classes = ["type:security"]
by = "Jane Doe"
"""


class SigningDepartment:
    """An IT department with a key, whose consent files lie in `folder`."""

    def __init__(self, folder: Path, keys: Path, kind: str = "ed25519") -> None:
        """Make a key of this kind in `keys`, and let it speak for the customer acme."""
        if shutil.which("ssh-keygen") is None:
            pytest.skip("needs ssh-keygen (openssh-client)")
        self.folder = folder
        self.key = keys / f"key-{kind}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "it", "-f", self.key], check=True)
        self.trust("acme")

    def trust(self, customer: str, options: str = f'namespaces="{NAMESPACE}"') -> None:
        """Let the key alone speak for `customer`, a pattern of ids."""
        public = self.key.with_suffix(".pub").read_text()
        signers = self.folder / SIGNERS
        signers.write_text(f"{customer} {options} {public}")
        signers.chmod(0o644)

    def deploy(self, content: str = CONTENT, namespace: str = NAMESPACE) -> None:
        """Sign `content` and put it in its place."""
        (self.folder / FILE).write_text(content)
        (self.folder / SIGNATURE).unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", self.key, "-n", namespace, self.folder / FILE]
        subprocess.run(argv, check=True, capture_output=True)
