"""Adds up a directory tree: on one file system, through no symlink, in bounded memory, and no longer than it has time.

Every step down goes by descriptor (openat, O_NOFOLLOW), so that a directory exchanged for a link while we look leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection

from collectors import NotSupported

# Each level of the way down holds two descriptors; the child's limit on them is above that.
DEEPEST = 1000
# Paths kept at a time; with more of them the floor is raised.
MOST_PATHS = 4000
# Files with several names that are told apart; of more only the first names are counted.
MOST_LINKED = 500_000
# Longer paths are not kept: no program can be given one (PATH_MAX), and a deep tree must not take our memory.
LONGEST_PATH = 4096
# Directories not permitted that are named; all are counted.
MOST_DENIED = 1000
_CAN_WALK = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC if _CAN_WALK else os.O_RDONLY

Measure = Callable[[os.stat_result], int]


class Tree:
    """What a walk found. `amounts` and `changed`: of each path of `floor` or more, all below it, and the recent part of that.

    denied, damaged, deeper: how many directories were not permitted, gave an error, or lay too deep.
    denied_paths: the first of those not permitted. finished: it came to the end before its time was over.
    """

    def __init__(self, floor: int) -> None:
        """`floor`: what is less is not worth keeping."""
        self.floor = floor
        self.total = 0
        self.amounts: dict[str, int] = {}
        self.changed: dict[str, int] = {}
        self.denied = 0
        self.denied_paths: list[str] = []
        self.damaged = 0
        self.deeper = 0
        self.unlisted_links = 0
        self.finished = True

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.finished and not (self.denied or self.damaged or self.deeper or self.unlisted_links)

    def keep(self, path: str, amount: int, changed: int) -> None:
        """Remember a path, and forget the small ones when there are too many."""
        if amount < self.floor or len(path) > LONGEST_PATH:
            return
        self.amounts[path], self.changed[path] = amount, changed
        while len(self.amounts) > MOST_PATHS:
            self.floor *= 2
            self.amounts = {path: amount for path, amount in self.amounts.items() if amount >= self.floor}
            self.changed = {path: self.changed[path] for path in self.amounts}

    def deny(self, path: str) -> None:
        """Count a directory that was not permitted."""
        self.denied += 1
        if len(self.denied_paths) < MOST_DENIED:
            self.denied_paths.append(path)


def walk(
    top: str,
    measure: Measure,
    *,
    floor: int,
    changed_after: float,
    time_left: Callable[[], float],
    leave_out: Collection[str] = (),
) -> Tree:
    """Add up `measure` of everything at and below the directory `top`, a file with several names once.

    changed_after: unix seconds; what was written later counts as changed. leave_out: paths that are not even looked at (what is
    mounted there may never answer). Entries that vanish while it looks count as nothing.
    Raises OSError for `top` itself, and NotSupported on a system that cannot walk by descriptors (Windows).
    """
    if not _CAN_WALK:
        raise NotSupported("this system has no way to walk directories that cannot be led astray")
    walking = _Walk(top, measure, changed_after, leave_out, Tree(max(1, floor)))
    try:
        while walking.way:
            if time_left() <= 0:
                walking.tree.finished = False
            walking.step()
    finally:
        walking.close()
    return walking.tree


class _Directory:
    """A directory on the way down, open, and what was added up in it so far."""

    def __init__(self, path: str, descriptor: int, amount: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.entries = os.scandir(descriptor)
        self.amount = amount
        self.changed = 0
        self.closed_to_us = False

    def inside(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}"

    def close(self) -> None:
        self.entries.close()
        os.close(self.descriptor)


class _Walk:
    """A walk under way: the directories from the top down to where it is."""

    def __init__(
        self, top: str, measure: Measure, changed_after: float, leave_out: Collection[str], tree: Tree
    ) -> None:
        descriptor = os.open(top, _OPEN)
        status = os.fstat(descriptor)
        self.tree = tree
        self.way = [_Directory(top, descriptor, measure(status))]
        self._measure = measure
        self._changed_after = changed_after
        self._leave_out = leave_out
        self._device = status.st_dev
        self._linked: set[int] = set()

    def close(self) -> None:
        """Close what is still open."""
        for directory in self.way:
            directory.close()

    def step(self) -> None:
        """Look at one more entry, or leave a directory that has no more, or for which there is no time."""
        here = self.way[-1]
        try:
            entry = next(here.entries, None) if self.tree.finished else None
        except OSError:  # the directory itself cannot be read on: a disk that fails
            self.tree.damaged += 1
            entry = None
        if entry is None:
            self._leave()
        elif (path := here.inside(entry.name)) not in self._leave_out:
            self._look_at(here, entry.name, path)

    def _look_at(self, here: _Directory, name: str, path: str) -> None:
        try:
            # Not through a link, and it starts no automount.
            status = os.stat(name, dir_fd=here.descriptor, follow_symlinks=False)
        except PermissionError:  # the directory may be listed, and not looked into
            if not here.closed_to_us:
                here.closed_to_us = True
                self.tree.deny(here.path)
            return
        except FileNotFoundError:  # gone since it was listed: what is no more takes no room
            return
        except OSError:
            self.tree.damaged += 1
            return
        if status.st_dev != self._device:
            return
        if stat.S_ISDIR(status.st_mode):
            self._enter(here, name, path, self._measure(status))
        elif status.st_nlink == 1 or self._is_new(status.st_ino):
            amount = self._measure(status)
            changed = amount if status.st_mtime > self._changed_after else 0
            here.amount += amount
            here.changed += changed
            self.tree.keep(path, amount, changed)

    def _is_new(self, inode: int) -> bool:
        if inode in self._linked:
            return False
        if len(self._linked) >= MOST_LINKED:
            self.tree.unlisted_links += 1
            return False
        self._linked.add(inode)
        return True

    def _enter(self, here: _Directory, name: str, path: str, amount: int) -> None:
        """Go down into the directory `name`; one that cannot be opened still takes its own room."""
        if len(self.way) >= DEEPEST:
            self.tree.deeper += 1
            here.amount += amount
            return
        try:
            descriptor = os.open(name, _OPEN, dir_fd=here.descriptor)
        except PermissionError:
            self.tree.deny(path)
            here.amount += amount
        except (FileNotFoundError, NotADirectoryError):  # gone since, or become something else
            return
        except OSError as error:
            if error.errno != errno.ELOOP:  # ELOOP: exchanged for a link
                self.tree.damaged += 1
        else:
            self.way.append(_Directory(path, descriptor, amount))

    def _leave(self) -> None:
        done = self.way.pop()
        done.close()
        self.tree.keep(done.path, done.amount, done.changed)
        if self.way:
            self.way[-1].amount += done.amount
            self.way[-1].changed += done.changed
        else:
            self.tree.total = done.amount
