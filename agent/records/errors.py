"""What can go wrong with a backup. Apart from what makes one, so that every command can explain it and none imports more."""

from __future__ import annotations


class BackupError(Exception):
    """A backup cannot be made, read or restored; the message says why and how to mend it."""
