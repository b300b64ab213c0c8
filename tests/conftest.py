"""What holds for all tests."""

import os

import hypothesis
import pytest

# Failures inside the shipped contract suites show their values like any other test's; before anybody imports them.
pytest.register_assert_rewrite("collectors.contract", "ticketing_clients.contract")

# A busy machine is not a failure anywhere, and CI tries the same examples each time: a red run is then about the change.
hypothesis.settings.register_profile("foretell", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "foretell")
