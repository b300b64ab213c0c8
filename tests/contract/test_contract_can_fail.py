"""The contract can fail: a collector that emits what it does not declare is told so, by name, by unit and by label."""

import pytest

from collectors import CollectorOptions, CollectorPlugin, CouldNotCheck, DeclaredReading, Reading
from collectors.contract import CollectorContract, FakeHost

DECLARED = (DeclaredReading("tape_size_bytes", "bytes", ("tape",), "Size of the tape."),)


def contract_over(*items):
    """Return the contract of a collector that declares one reading and yields `items`."""

    class Tapes:
        def collect(self, at):
            for name, value, unit, labels in items:
                yield CouldNotCheck(name, labels, "torn") if unit is None else Reading(name, value, unit, labels, at)

    class Contract(CollectorContract):
        __test__ = False
        plugin = CollectorPlugin(
            name="tapes", summary="Tapes.", options=CollectorOptions, build=lambda *_: Tapes(), readings=DECLARED
        )

        def working_host(self, root):
            """Any."""
            return FakeHost(root)

    return Contract()


def test_a_collector_that_yields_what_it_declares_passes(tmp_path):
    """What follows fails for its one fault alone."""
    contract_over(("tape_size_bytes", 1.0, "bytes", {"tape": "a"})).test_it_yields_only_what_it_declares(tmp_path)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(("tape_length_bytes", 1.0, "bytes", {"tape": "a"}), id="name"),
        pytest.param(("tape_size_bytes", 1.0, "count", {"tape": "a"}), id="unit"),
        pytest.param(("tape_size_bytes", 1.0, "bytes", {"tape": "a", "user": "zoe"}), id="label"),
        pytest.param(("tape_size_bytes", -1.0, "bytes", {"tape": "a"}), id="value out of its unit's range"),
        pytest.param(("tape_length_bytes", 0.0, None, {"tape": "a"}), id="name of what could not be checked"),
        pytest.param(("tape_size_bytes", 0.0, None, {"user": "zoe"}), id="label of what could not be checked"),
    ],
)
def test_a_collector_that_yields_anything_else_does_not(item, tmp_path):
    """A name, unit or label that the reference page does not list, or a value that is none of its unit."""
    contract = contract_over(("tape_size_bytes", 1.0, "bytes", {"tape": "b"}), item)
    with pytest.raises(AssertionError):
        contract.test_it_yields_only_what_it_declares(tmp_path)


def test_a_series_that_comes_twice_does_not_pass(tmp_path):
    """Prometheus would refuse the whole page."""
    twice = ("tape_size_bytes", 1.0, "bytes", {"tape": "a"})
    with pytest.raises(AssertionError, match="one series twice"):
        contract_over(twice, twice).test_it_yields_only_what_it_declares(tmp_path)
