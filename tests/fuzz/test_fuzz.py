"""Hostile input to every reader of ours: only the errors it declares come out, and in bounded time.

Here the corpus is tried, whatever once failed included, and a few inputs that Hypothesis makes; `make fuzz MINUTES=...` tries
many more, and puts what fails into the corpus.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import fuzzed_desks
import fuzzed_files
import fuzzed_hosts

TARGETS = {one.name: one for part in (fuzzed_files, fuzzed_hosts, fuzzed_desks) for one in part.targets()}
KEPT = [pytest.param(one, path, id=f"{one.name}/{path.name}") for one in TARGETS.values() for path in one.kept]


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_what_is_in_the_corpus_does_no_harm(target, path):
    """Good input, and what was found to do harm before it was mended."""
    target.replay(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_made_of_it_does_no_harm(name):
    """A few of the inputs of a long run: what breaks at the first touch is seen at once."""

    @settings(max_examples=15, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def explore(data):
        TARGETS[name].explore(data)

    explore()
