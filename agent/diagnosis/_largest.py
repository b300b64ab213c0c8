"""What takes the room of a file system, what of it changed lately, and what has grown since the last look."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping

import msgspec

from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._look import Look, Memory
from agent.diagnosis._mount import Place
from agent.diagnosis._ranking import View, heaviest
from agent.diagnosis._tree import Measure, Tree, walk

DAY = 86400.0
# Shares of all that is used: what is remembered, listed in the detail, named as a fact.
REMEMBERED, LISTED, NAMED = 0.001, 0.002, 0.02
MOST_NAMED = 5
MOST_REMEMBERED = 1000
# Growth that is less than this share of all growth explains nothing.
GROWN = 0.05


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What is added up. `word` ends the names of facts; `least` is what one path must have to be kept at all."""

    word: str
    unit: str
    measure: Measure
    least: int = 1


BYTES = Kind(word="bytes", unit="bytes", measure=lambda status: getattr(status, "st_blocks", 0) * 512)
# A single file is one of them and no news; a directory has at least its own.
FILES = Kind(word="files", unit="count", measure=lambda _status: 1, least=2)


def largest(look: Look, place: Place, kind: Kind, used: int, accounted: int = 0) -> Iterator[Item]:
    """Walk the file system and yield who takes the most of `used`.

    accounted: how much of it was found already, where no walk leads. Paths are named as facts only when nothing that was not seen
    could be more; otherwise only the share that was seen is a fact, and the paths are in the detail, which says so.
    """
    tree = walk(
        place.path,
        kind.measure,
        floor=max(kind.least, int(used * REMEMBERED)),
        changed_after=look.at - DAY,
        time_left=lambda: look.left,
        leave_out=place.inner,
    )
    seen = tree.total + accounted
    view = View(total=used, seen=seen, hidden=not tree.whole)
    yield DiagnosisFact(name=f"{kind.word}_seen_ratio", value=view.ratio, unit="ratio", whole=view.whole)
    yield from _unseen(tree)
    for name, amounts in ((f"path_{kind.word}", tree.amounts), (f"path_changed_{kind.word}", tree.changed)):
        for path, amount in _named(amounts, used * NAMED, view.unseen, place):
            yield _fact(name, kind, path, amount, view)
    growth: Mapping[str, float] = {}
    before = look.before
    if before is not None and _comparable(before, look.at):
        growth = _growth(before, tree)
        least = max(GROWN * (used - before.total), float(tree.floor))
        yield DiagnosisFact(name="compared_with_timestamp", value=before.at, unit="timestamp")
        unseen = _unseen_growth(before, view)
        for path, amount in _named(growth, least, unseen, place):
            yield _fact(f"path_growth_{kind.word}", kind, path, amount, view)
    yield _listing(kind, tree, view, used, growth)
    if tree.finished:
        look.after = _remembered(look, tree, used, seen)


def _named(amounts: Mapping[str, float], least: float, unseen: float, place: Place) -> list[tuple[str, float]]:
    """Return the paths of `least` or more, of which nothing unseen can be as much. What is spread over all of it is no path."""
    ranked = heaviest(amounts, max(least, 1))
    return [(path, amount) for path, amount in ranked if path != place.path and amount > unseen][:MOST_NAMED]


def _fact(name: str, kind: Kind, path: str, amount: float, view: View) -> DiagnosisFact:
    return DiagnosisFact(name=name, value=float(amount), unit=kind.unit, labels={"path": path}, whole=view.whole)


def _unseen(tree: Tree) -> Iterator[Unseen | Detail]:
    if tree.denied:
        yield Unseen(what="directories", reason="not_permitted", count=tree.denied)
        yield detail("directories-not-permitted.txt", sorted(tree.denied_paths))
    if tree.damaged:
        yield Unseen(what="directories", reason="failed", count=tree.damaged, hint="the file system gave errors")
    if tree.deeper:
        yield Unseen(what="directories", reason="too_many", count=tree.deeper, hint="nested too deeply")
    if tree.unlisted_links:
        yield Unseen(what="files with several names", reason="too_many", count=tree.unlisted_links)
    if not tree.finished:
        yield Unseen(what="directories", reason="out_of_time")


def _comparable(before: Memory, at: float) -> bool:
    """Other rights see other directories, and a clock that was set back says nothing of growth."""
    return before.user == os.geteuid() and before.at < at


def _unseen_growth(before: Memory, view: View) -> float:
    """Return by how much that has grown which neither look saw."""
    return view.unseen if math.isinf(view.unseen) else max(0.0, (view.total - view.seen) - (before.total - before.seen))


def _growth(before: Memory, tree: Tree) -> dict[str, float]:
    """Return by how much each path has grown, at least: what was not remembered had less than the floor."""
    return {
        path: amount - before.amounts.get(os.fsencode(path), min(amount, before.floor))
        for path, amount in tree.amounts.items()
    }


def _remembered(look: Look, tree: Tree, used: int, seen: int) -> Memory:
    most = sorted(tree.amounts.items(), key=lambda one: one[1], reverse=True)
    kept = most[:MOST_REMEMBERED]
    floor = most[MOST_REMEMBERED][1] if len(most) > MOST_REMEMBERED else tree.floor
    amounts = {os.fsencode(path): amount for path, amount in kept}
    return Memory(at=look.at, user=os.geteuid(), total=used, seen=seen, floor=floor, amounts=amounts)


def _listing(kind: Kind, tree: Tree, view: View, used: int, growth: Mapping[str, float]) -> Detail:
    """Return the table of all that is worth a line."""
    whole = "everything" if view.whole else f"only {view.ratio:.0%} of what is used, so the largest may be missing"
    lines = [
        f"Seen: {whole}. In {kind.word}; each path without what stands in a line of its own below it.",
        f"{kind.word:>16} {'of used':>8} {'changed in a day':>16} {'since last look':>16}  path",
    ]
    for path, amount in heaviest(tree.amounts, max(used * LISTED, tree.floor)):
        grown = f"{growth[path]:+.0f}" if path in growth else "-"
        share = amount / used if used else 0.0
        lines.append(f"{amount:>16} {share:>8.1%} {tree.changed[path]:>16} {grown:>16}  {path}")
    return detail("largest.txt", lines)
