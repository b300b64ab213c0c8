"""Lives in which everything goes wrong (`tests/support/simulator`): a few here, a thousand in CI, more by `make simulate`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.life import live

#: Seeds that once broke a promise, by what was wrong. A change to the simulator itself gives a seed another life: what each bug
#: was is held by a test of its own beside the code that was mended; these are lived again because they cost nothing.
ONCE_BROKEN = {
    9: "a ticket that people moved was closed as a duplicate of itself",
    11: "after records were lost, comments were numbered from 1 again and taken for those that were there",
    20: "a second ticket was opened while the search did not know of the first",
    21: "a case whose digest was closed and that nothing measured stayed open for ever",
    32: "a ticket that was found again after its problem had gone away stayed open for ever",
    41: "a problem that was back was told to be over",
    2099: "a digest was told to be over while one of its members was back",
    2496: "after the clock was set back a day, a bundle was sent every five minutes",
    10025: "a ticket that was opened late, after its case was told in a digest, stayed open for ever",
    101620: "a reopening that was refused, and retried after its case was closed, opened a ticket that nobody closed",
    21189: "a problem ticket was opened during maintenance",
    1893: "a ticket that people had closed before was taken for their answer while it was still to be opened again",
    1322: "a reopening that was retried made a follow-up ticket, and what came after it was said on the old one",
    1850: "what was ill again for a moment and then never measured stayed open, though its ticket had been closed",
    5530: "what a digest told of and that got urgent opened a ticket of its own during maintenance",
    13901: "a courier at work when the host went to sleep sent what consent had ceased to let out when it woke",
    15204: "a ticket opened a moment before records were lost, of which the desk's search did not know yet, was never adopted",
    33014: "the same: the clock was set back, and the wait for the search taken to be over",
    16830: "a follow-up ticket that was made, but not as asked, and that the desk's search did not know yet, was nobody's",
    19596: "a reopening that was refused, and retried after the closed ticket was taken for people's word, was never closed",
    31881: "the same, where people had deleted the ticket",
    21725: "a courier at work when the clock was set back had the desk rest until a day later",
    12996: "a second ticket was opened, before the search knew of the first, because the clock was set back while no agent ran",
    29129: "what a first look had found was not told, nor its file sent, when the problem was back or consent was",
    8772: "a ticket was asked for a lower priority than it had, after it was opened again",
    9267: "a ticket made, but not as asked, after an answer that was lost, was nobody's: the desk's search did not know it yet",
    10162: "a second ticket that could not be closed, because the desk and then the agent were away, stayed open for ever",
    19200: "an entry in calendars that was taken back after its time was taken for a refusal",
    200637: "a ticket that was adopted after records were lost stayed open: before its end was told, its problem was in a digest",
    205104: "a ticket of ours was closed as a duplicate of a stranger's, into which people had merged another one",
    22619: "a follow-up ticket whose answer was lost stayed open: people had merged the earlier ticket into another one",
    20360: "a refused priority was retried after a higher one had been set, and its lower promise was taken for the ticket's",
}
QUICK = range(100_001, 100_021)


@pytest.mark.parametrize("seed", [*ONCE_BROKEN, *QUICK])
def test_no_promise_is_broken_and_all_comes_to_an_end(seed):
    """The seed decides everything; `make simulate SEEDS=…` tells its story."""
    told = live(seed)
    assert told.violation == "", "\n".join(told.story[-40:])
    assert told.cycles > 0


def test_a_life_in_the_real_words_keeps_its_promises():
    """One life in a hundred is told as people read it."""
    assert live(300).violation == ""


def test_a_seed_lives_the_same_life_in_every_process():
    """Whatever order that process gives its sets: else a failure could not be looked at again."""
    script = "from simulator.life import live; told = live(7); print(told.story, told.met, told.seconds, told.requests)"
    lives = set()
    for salt in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": salt, "PYTHONPATH": str(Path(__file__).parents[1] / "support")}
        argv = [sys.executable, "-c", script]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, timeout=120)
        lives.add(re.sub(r"foretell-life-\w+", "", done.stdout.splitlines()[-1]))
    assert len(lives) == 1
