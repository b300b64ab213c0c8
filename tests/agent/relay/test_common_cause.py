"""What the members of a group have in common."""

from hypothesis import given
from hypothesis import strategies as some

from agent.relay.common_cause import MOST, TOGETHER, Candidate, common_cause


def test_a_rack_that_nearly_all_share_is_a_candidate_and_one_that_half_share_is_not():
    labels = [{"rack": "r7", "switch": "s1" if n % 2 else "s2"} for n in range(9)] + [{"rack": "r8", "switch": "s1"}]
    found = common_cause(labels, [0.0] * 10, [], ["rack", "switch"])
    assert found.candidates == (Candidate("rack", "r7", 9),)


def test_only_labels_that_name_a_place_or_a_part_count():
    """A user's name on every alert is nobody's cause, and must not leave by this way."""
    labels = [{"user": "ann", "rack": "r7"}] * 5
    assert [one.label for one in common_cause(labels, [0.0] * 5, [], ["rack"]).candidates] == ["rack"]


def test_what_the_group_is_made_by_comes_first():
    labels = [{"array": "a1", "site": "berlin"}] * 5
    found = common_cause(labels, [0.0] * 5, ["site"], ["array", "site"])
    assert [one.label for one in found.candidates] == ["site", "array"]


def test_members_that_began_within_minutes_began_together_and_stragglers_do_not_hide_it():
    began = [100.0 + 30 * n for n in range(9)] + [90_000.0]
    found = common_cause([{}] * 10, began, [], ["rack"])
    assert (found.together, found.first, found.last) == (9, 100.0, 340.0)


def test_members_that_began_on_different_days_did_not():
    found = common_cause([{}] * 4, [n * 86_400.0 for n in range(4)], [], ["rack"])
    assert not found


def test_of_two_members_nothing_is_said():
    assert not common_cause([{"rack": "r7"}] * 2, [0.0, 0.0], [], ["rack"])


@given(some.lists(some.floats(0, 1e6), min_size=3, max_size=60))
def test_those_that_began_together_lie_within_the_time_and_are_nearly_all(began):
    found = common_cause([{}] * len(began), began, [], ["rack"])
    if found.together:
        assert found.last - found.first <= TOGETHER
        assert found.together == sum(found.first <= one <= found.last for one in began) >= 0.8 * len(began)


@given(some.lists(some.dictionaries(some.sampled_from("abcdefgh"), some.sampled_from("xy")), min_size=3, max_size=30))
def test_a_candidate_is_counted_right_and_there_are_few(labels):
    found = common_cause(labels, [0.0] * len(labels), [], ["*"])
    assert len(found.candidates) <= MOST
    for one in found.candidates:
        assert one.count == sum(member.get(one.label) == one.value for member in labels) >= 0.8 * len(labels)
