"""A source of pages as the daemon is one, without a daemon."""

import pytest

from agent.metrics import Metrics
from agent.status import CaseDetails


class Source:
    """What the web reads, set by hand."""

    def __init__(self, snapshot):
        self.cycle = 60.0
        self.snapshot = snapshot
        self.silent = 1.0
        self.trouble = ""
        self.cases = [CaseDetails(case=case) for case in snapshot.cases] if snapshot else []
        self._metrics = Metrics({})
        if snapshot:
            self._metrics.update(snapshot)

    def seconds_since_cycle(self):
        return self.silent

    def store_trouble(self):
        return self.trouble

    def find_cases(self, prefix):
        return [details for details in self.cases if details.case.key.startswith(prefix)]

    def metrics(self, accept):
        return self._metrics.text(accept)


@pytest.fixture
def source(snapshot):
    """Return a source after one cycle."""
    return Source(snapshot)
