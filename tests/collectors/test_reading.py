"""Readings: their labels are harmless, whatever the host has to say."""

from collectors import Labels, Reading


def test_labels_are_made_harmless_once():
    """Those of a series are made by themselves, and all its readings share them."""
    labels = Labels({"unit": "evil\n\u202ename"})
    assert labels == {"unit": "evil\\nname"}
    assert Reading("service_failed", 1.0, "boolean", labels, 0.0).labels is labels


def test_a_reading_makes_its_labels_harmless_and_leaves_the_collectors_own_alone():
    """A collector goes on working with the name as the host has it."""
    own = {"unit": "evil\n"}
    assert Reading("service_failed", 1.0, "boolean", own, 0.0).labels == {"unit": "evil\\n"}
    assert own == {"unit": "evil\n"}
