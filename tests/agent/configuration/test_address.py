"""Where the agent listens is written in one way."""

import pytest

from agent.configuration.address import split_address


def test_a_bound_address_is_split():
    """IPv4, IPv6 in brackets, and a name."""
    assert split_address("127.0.0.1:19469") == ("127.0.0.1", 19469)
    assert split_address("[::]:0") == ("::", 0)
    assert split_address("localhost:80") == ("localhost", 80)


@pytest.mark.parametrize(
    "text", ["", ":80", "localhost", "localhost:", "::1:80", "[::1:80", "a:65536", "a:-1", "a:1x", "[]:80"]
)
def test_what_is_no_address_is_refused(text):
    """An IPv6 address without brackets could mean two things."""
    with pytest.raises(ValueError, match="write it as HOST:PORT"):
        split_address(text)
