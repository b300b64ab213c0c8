"""Failures inside the shipped contract suites show their values like any other test's."""

import pytest

pytest.register_assert_rewrite("collectors.contract", "ticketing_clients.contract")
