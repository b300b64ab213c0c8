"""Whether files have changed since they were read."""

import os

import pytest

from collectors._changed import fingerprint


def test_it_is_the_same_until_a_file_changes_comes_or_goes(tmp_path):
    """By time and size."""
    file, other = tmp_path / "status", tmp_path / "extended_states"
    file.write_text("a")
    before = fingerprint([file, other])
    assert fingerprint([file, other]) == before
    file.write_text("ab")
    longer = fingerprint([file, other])
    other.write_text("")
    assert len({str(one) for one in (before, longer, fingerprint([file, other]))}) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_is_closed_to_us_holds_nothing_to_read(tmp_path):
    """That is no failure: another user's folder may stand where packages are on some hosts."""
    closed = tmp_path / "closed"
    closed.mkdir(0o000)
    assert fingerprint([closed / "status"]) == []
