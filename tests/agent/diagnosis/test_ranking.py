"""Who takes the most: each amount counted once, and nobody named whom something unseen could exceed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.diagnosis._ranking import View, heaviest


@st.composite
def trees(draw):
    """Totals of a random tree, as a walk adds them up."""
    names = st.sampled_from(["a", "b", "c", "lib"])
    leaves = draw(st.dictionaries(st.lists(names, min_size=1, max_size=5).map("/".join), st.integers(1, 1000)))
    totals = {"/": 0}
    for leaf, amount in leaves.items():
        path = f"/{leaf}"
        while True:
            totals[path] = totals.get(path, 0) + amount
            if path == "/":
                break
            path = path.rpartition("/")[0] or "/"
    return totals


@given(trees(), st.integers(1, 2000))
def test_all_named_together_are_no_more_than_the_whole(totals, least):
    """Nothing is counted twice, and everyone named has what it takes."""
    named = heaviest(totals, least)
    assert sum(amount for _, amount in named) <= totals["/"]
    assert all(least <= amount <= totals[path] for path, amount in named)
    assert named == sorted(named, key=lambda one: -one[1])


@given(trees())
def test_with_the_least_of_all_everything_is_accounted_for(totals):
    """What no child has is its parent's own."""
    assert sum(amount for _, amount in heaviest(totals, 1)) == totals["/"]


def test_a_directory_is_named_for_what_is_spread_in_it():
    """Many small files are their directory's; one large file is itself."""
    totals = {"/srv": 100, "/srv/mail": 60, "/srv/mail/a": 4, "/srv/mail/b": 5, "/srv/core": 35}
    assert heaviest(totals, 20) == [("/srv/mail", 60), ("/srv/core", 35)]


@pytest.mark.parametrize(
    ("total", "seen", "hidden", "unseen", "ratio"),
    [
        (100, 100, False, 0, 1.0),
        (100, 60, True, 40, 0.6),
        (100, 60, False, 40, 0.6),  # what no walk finds, journals and such, is unseen too
        (100, 130, False, 0, 1.0),  # blocks shared by several
        (100, 130, True, math.inf, 1.0),  # then the difference tells nothing of what is hidden
        (0, 0, False, 0, 1.0),
    ],
)
def test_what_was_not_seen_is_bounded_by_what_the_kernel_counted(total, seen, hidden, unseen, ratio):
    """And where the count says nothing, it may be anything."""
    view = View(total=total, seen=seen, hidden=hidden)
    assert (view.unseen, view.ratio, view.whole) == (unseen, ratio, not hidden)
