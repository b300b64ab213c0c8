"""The collector keeps the contract that Foretell's own are held to; and what is its own."""

import foretell_entropy
import pytest

from collectors import CollectorError
from collectors.contract import CollectorContract, FakeHost


class TestEntropy(CollectorContract):
    """Ten tests come with this class: hostile names, damaged sources, declared readings, build that touches nothing."""

    plugin = foretell_entropy.PLUGIN
    silenced = frozenset({"entropy_available_bits"})

    def working_host(self, root):
        """A kernel that counts."""
        return FakeHost(root).write(foretell_entropy.SOURCE, "256\n")

    def failing_hosts(self, root):
        """A damaged count, and one that cannot be read."""
        yield FakeHost(root / "damaged").write(foretell_entropy.SOURCE, "many\n")
        yield FakeHost(root / "unreadable").write(f"{foretell_entropy.SOURCE}/is-a-folder", "")


@pytest.mark.parametrize(("text", "bits"), [("256\n", 256), ("0", 0)])
def test_bits_are_read(text, bits):
    """As the kernel writes them."""
    assert foretell_entropy.parse_entropy(text) == bits


def test_what_is_no_number_is_said_to_be():
    """It is not 0."""
    with pytest.raises(CollectorError):
        foretell_entropy.parse_entropy("-")
