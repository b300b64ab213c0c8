"""A FUSE mount whose program reads what it is asked, and never answers: the way in which network file systems hang."""

import contextlib
import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2
_INIT, _STATFS = 26, 17  # linux/fuse.h
_IN_HEADER = struct.Struct("=IIQQIIII")  # length, operation, unique, node, uid, gid, pid, padding
_OUT_HEADER = struct.Struct("=IiQ")  # length, error, unique
_INIT_OUT = struct.Struct("=IIIIHHIIHHI28x")  # version 7.31, the rest are the kernel's defaults


class HungMount:
    """What was asked so far, and its end."""

    def __init__(self, descriptor: int) -> None:
        self.questions = 0  # how often somebody asked for its usage
        self._descriptor = descriptor
        self._end = threading.Event()
        self._program = threading.Thread(target=self._swallow, daemon=True)
        self._program.start()

    def break_off(self) -> None:
        """Let its program die: whoever waits gets an error, and so does everybody who asks from now on."""
        self._end.set()
        self._program.join()

    def _swallow(self) -> None:
        while not self._end.is_set():
            if not select.select([self._descriptor], [], [], 0.05)[0]:
                continue
            request = os.read(self._descriptor, 1 << 17)
            _, operation, unique, *_ = _IN_HEADER.unpack_from(request)
            self.questions += operation == _STATFS
            if operation == _INIT:
                body = _INIT_OUT.pack(7, 31, 0, 0, 0, 0, 1 << 16, 1, 0, 0, 0)
                os.write(self._descriptor, _OUT_HEADER.pack(_OUT_HEADER.size + len(body), 0, unique) + body)
        os.close(self._descriptor)  # the kernel's sign that it is dead


@contextlib.contextmanager
def hung_mount(mountpoint: Path) -> Iterator[HungMount]:
    """Mount it at `mountpoint` for as long as the block runs. Raises OSError where that is not permitted, or there is no FUSE."""
    mountpoint.mkdir()
    descriptor = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    if _LIBC.mount(b"silent", str(mountpoint).encode(), b"fuse.silent", 0, options):
        error = ctypes.get_errno()
        os.close(descriptor)
        raise OSError(error, os.strerror(error))
    mount = HungMount(descriptor)
    try:
        yield mount
    finally:
        mount.break_off()
        _LIBC.umount2(str(mountpoint).encode(), _MNT_DETACH)
