"""Encrypts a bundle to recipients, in the format of age (age-encryption.org/v1), so that only they can read it wherever it lies.

Only the child that builds a bundle imports this. The library is pyrage: Python's binding of rage, which age's author lists as an
implementation of the format.
"""

from __future__ import annotations

from collections.abc import Sequence

CURE = "pip install 'foretell[encryption]' into the agent's environment"


class NotEncrypted(Exception):
    """The bundle cannot be encrypted as it is configured, so nothing may leave; the message says why and the cure."""


def encrypt(content: bytes, recipients: Sequence[str]) -> bytes:
    """Return `content` so that each of `recipients` (age1… or an SSH public key) can read it, never twice the same bytes.

    Raises NotEncrypted.
    """
    try:
        import pyrage  # noqa: PLC0415 - an extra, wanted by few
    except ImportError as error:
        raise NotEncrypted(f"bundle.recipients is set, and pyrage cannot be loaded ({error}); cure: {CURE}") from error
    keys = []
    for number, recipient in enumerate(recipients, 1):
        kind = pyrage.ssh if recipient.startswith("ssh-") else pyrage.x25519
        try:
            keys.append(kind.Recipient.from_str(recipient))
        except pyrage.RecipientError as error:
            raise NotEncrypted(f"bundle.recipients: number {number} is no public key: {error}") from error
    try:
        encrypted: bytes = pyrage.encrypt(content, keys)
    except pyrage.EncryptError as error:
        raise NotEncrypted(f"the bundle could not be encrypted: {error}") from error
    return encrypted
