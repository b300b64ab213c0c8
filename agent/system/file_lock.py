"""Locks on open files, shared or exclusive, by whatever the system has; one ends with the process that holds it.

They bind only who asks for them. Taking one replaces the one that this descriptor holds; a refused one may cost the old one.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":  # written for it, and not run on it yet
    import ctypes
    import ctypes.wintypes
    import msvcrt

    _SHARED, _EXCLUSIVE, _AT_ONCE = 0, 2, 1  # LockFileEx: LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY
    _IN_USE, _NOT_LOCKED = 33, 158  # ERROR_LOCK_VIOLATION, ERROR_NOT_LOCKED
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

    class _Place(ctypes.Structure):
        """OVERLAPPED: which byte is locked. Windows keeps others from reading it, so it is one far past the end."""

        _fields_ = (
            ("internal", ctypes.c_void_p),
            ("internal_high", ctypes.c_void_p),
            ("offset", ctypes.wintypes.DWORD),
            ("offset_high", ctypes.wintypes.DWORD),
            ("event", ctypes.wintypes.HANDLE),
        )

    def _lock(descriptor: int, how: int) -> None:
        file = ctypes.wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
        place = ctypes.byref(_Place(offset_high=1))
        # Windows lets nobody turn a lock into another one, the holder included.
        if not _kernel32.UnlockFileEx(file, 0, 1, 0, place) and ctypes.get_last_error() != _NOT_LOCKED:
            raise ctypes.WinError(ctypes.get_last_error())
        if not _kernel32.LockFileEx(file, how, 0, 1, 0, place):
            error = ctypes.get_last_error()
            raise BlockingIOError("locked by another process") if error == _IN_USE else ctypes.WinError(error)

else:
    from fcntl import LOCK_EX as _EXCLUSIVE
    from fcntl import LOCK_NB as _AT_ONCE
    from fcntl import LOCK_SH as _SHARED
    from fcntl import flock as _lock


def share(descriptor: int) -> None:
    """Lock the file together with others who share it, as soon as nobody holds it alone. Raises OSError."""
    _lock(descriptor, _SHARED)


def try_to_share(descriptor: int) -> None:
    """Lock the file together with others who share it. Raises BlockingIOError where somebody holds it alone, OSError."""
    _lock(descriptor, _SHARED | _AT_ONCE)


def try_to_hold(descriptor: int) -> None:
    """Lock the file alone. Raises BlockingIOError where anybody else has locked it, OSError."""
    _lock(descriptor, _EXCLUSIVE | _AT_ONCE)
