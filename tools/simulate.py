"""Lives the lives of many seeds in the simulator, and says which of them break a promise.

    make simulate                          the thousand lives of CI
    make simulate SEEDS=17                 one again, exactly as it was, with its story
    make simulate SEEDS=0-100000 JOBS=1    many, on one processor; REPORT=1 writes the report into docs/reliability.md

A seed that breaks a promise is printed with its story and with the fewest steps and kinds of faults that are enough. When it is
mended, it joins those in tests/simulation/test_seeds.py.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import structlog

from dated_results import put, table
from simulator.life import Told, live
from simulator.report import Report, smallest

CHUNK = 25
SHOWN = 40  # lines of a story
TOLD_EVERY = 60.0  # seconds between two lines on how far it is
MOST_BROKEN = 20  # then there is enough to do


def lives(seeds: range) -> list[Told]:
    """Live the lives of these seeds. What a life leaves is collected after some: in between it would cost a tenth."""
    keep_silent()
    gc.collect()
    gc.disable()
    try:
        return [live(seed) for seed in seeds]
    finally:
        gc.enable()


def keep_silent() -> None:
    """Have the agent log nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def chunks(seeds: range, jobs: int) -> Iterator[list[Told]]:
    """Yield the lives of `seeds`, some at a time, lived by so many processes."""
    parts = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    if jobs == 1:
        yield from map(lives, parts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        waiting = deque(pool.submit(lives, part) for part in parts[: 2 * jobs])
        for part in parts[2 * jobs :]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(lives, part))
        for last in waiting:
            yield last.result()


def seeds_of(text: str) -> range:
    """Return the seeds of "17" or "0-1000", the last one not included."""
    first, _, end = text.partition("-")
    return range(int(first), int(end) if end else int(first) + 1)


def tell(told: Told) -> None:
    """Print how a life went wrong."""
    steps, kinds = smallest(told)
    print(f"\nseed {told.seed}: {told.violation}\n")
    print("\n".join(told.story[-SHOWN:]))
    print(f"\nenough for it: {steps} steps, {', '.join(kinds) or 'no fault at all'}")
    print(f"again: make simulate SEEDS={told.seed}", flush=True)


def main() -> int:
    """Live, and report; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=seeds_of)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--within", type=float, default=float("inf"), help="seconds after which no more are begun")
    parser.add_argument("--report", action="store_true", help="write the report into docs/reliability.md")
    asked = parser.parse_args()
    keep_silent()
    report, began, said = Report(), time.monotonic(), time.monotonic()
    for some in chunks(asked.seeds, asked.jobs):
        for told in some:
            if told.violation:
                tell(told)
            elif len(asked.seeds) == 1:
                print("\n".join(told.story))
        report.add(some)
        if time.monotonic() - said > TOLD_EVERY:
            said = time.monotonic()
            rate = report.lives / (said - began)
            print(f"{report.lives:,} seeds, {rate:.0f} a second, {len(report.broken)} broke a promise", flush=True)
        if len(report.broken) >= MOST_BROKEN or time.monotonic() - began > asked.within:
            break
    text = table(["", "number"], report.figures)
    if asked.report:
        put("simulator", f"make simulate SEEDS={asked.seeds.start}-{asked.seeds.start + report.lives}", text)
    else:
        print(text)
    print(f"{report.lives / (time.monotonic() - began):.1f} seeds a second")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
