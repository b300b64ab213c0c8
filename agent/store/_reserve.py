"""Space set aside while there is plenty, given up when the disk is full: the ticket about the full disk has to be written too."""

from __future__ import annotations

import os
from pathlib import Path

# Several files, since a disk may also run out of inodes: a write-ahead log and its index need two.
FILES, FILE_BYTES = 4, 256 * 1024
# The reserve is only filled again when there is much more than that free, or the two would chase each other.
PLENTY = 16 * FILES * FILE_BYTES


class Reserve:
    """The files of the reserve in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Touches nothing yet."""
        self._folder = folder
        self._files = [folder / f"reserve-{number}" for number in range(FILES)]

    @property
    def spent(self) -> bool:
        """Whether it was given up and could not be filled again since."""
        return not self._files[-1].exists()

    def release(self) -> bool:
        """Give it up; return whether that freed anything."""
        freed = False
        for file in self._files:
            try:
                file.unlink()
            except OSError:  # gone already, or the disk is read-only as well: either way nothing was freed here
                continue
            freed = True
        return freed

    def fill(self) -> None:
        """Set the space aside if it is not and the disk has plenty; without plenty it stays spent."""
        if not self.spent:
            return
        try:
            disk = os.statvfs(self._folder)
            if disk.f_bavail * disk.f_frsize < PLENTY:
                return
            for file in self._files:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.posix_fallocate(descriptor, 0, FILE_BYTES)
                finally:
                    os.close(descriptor)
        except OSError:  # filled up meanwhile, or not ours to write: `spent` goes on saying so
            self.release()
