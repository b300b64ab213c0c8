"""A source of pages as the daemon is one, without a daemon."""

import pytest

from page_scenes import Source


@pytest.fixture
def source(snapshot):
    """Return a source after one cycle."""
    return Source(snapshot)
