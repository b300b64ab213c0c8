"""A wall clock that can be moved for one program and its children, while the monotonic one goes on: needs a C compiler.

libfaketime is not used: under it the sleeps of Python 3.11 fail (clock_nanosleep, EINVAL), which no moved clock does.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *offset;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("MOVED_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *place = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED) offset = place;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME && offset) now->tv_sec += *offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
"""


def missing() -> str:
    """Return why no clock can be moved here; empty when one can."""
    return "" if shutil.which("cc") else "needs a C compiler (apt-get install gcc libc6-dev)"


class MovedClock:
    """The clock of programs that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        """Compile what moves it into `folder`."""
        source, library = folder / "moved_clock.c", folder / "moved_clock.so"
        source.write_text(SOURCE)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        self._offset = folder / "offset"
        self._offset.write_bytes(bytes(8))
        self.environment = os.environ | {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(self._offset)}

    def move(self, seconds: int) -> None:
        """Let it be so many seconds ahead of the true time from now on; negative is behind it."""
        with self._offset.open("r+b") as file:
            file.write(struct.pack("=q", seconds))
