"""`foretell plugins`: what is installed, and what of it cannot be used."""

import pytest


def test_every_built_in_is_listed_by_kind(foretell):
    """In words and in JSON."""
    ended = foretell("plugins", "--json")
    assert ended.status == 0
    assert all(one.keys() == {"kind", "name", "summary", "tested", "problem"} for one in ended.json)
    assert all(one["summary"] and not one["problem"] for one in ended.json)
    listed = {(one["kind"], one["name"]) for one in ended.json}
    assert {("collector", "disk"), ("threshold kind", "forecast"), ("ticketing client", "request_tracker")} <= listed
    words = foretell("plugins").out
    assert all(name in words for _, name in listed)


@pytest.mark.usefixtures("third_party")
def test_one_that_cannot_be_imported_is_1_with_the_reason(foretell):
    """The others are listed all the same."""
    ended = foretell("plugins", "--json")
    assert ended.status == 1
    broken = {one["name"]: one["problem"] for one in ended.json if one["problem"]}
    assert broken.keys() == {"wrong", "absent"}
    assert "acme" in {one["name"] for one in ended.json}
