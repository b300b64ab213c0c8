"""A diagnosis as IT reads it on a terminal."""

from agent.diagnosis import Diagnosis, DiagnosisFact, Unseen
from agent.wording.diagnosis_text import diagnosis_lines

FACTS = (
    DiagnosisFact(name="path_growth_bytes", value=3e9, unit="bytes", labels={"path": "/srv/log"}, whole=False),
    DiagnosisFact(name="oom_kill_timestamp", value=0.0, unit="timestamp", labels={"program": "java", "bytes": "7"}),
    DiagnosisFact(name="unit_result", value="exit-code", unit="text"),
)
UNSEEN = (
    Unseen(what="directories", reason="not_permitted", count=14),
    Unseen(what="kernel_log", reason="failed", hint="dmesg failed"),
)


def lines(**parts):
    """Return the lines of a diagnosis."""
    return list(diagnosis_lines(Diagnosis(id="x", at=0.0, **parts), "UTC"))


def test_facts_are_lines_in_units_that_people_read():
    """With what they are about; what was not seen whole is "at least"."""
    assert lines(facts=FACTS) == [
        "path growth: at least 3.0 GB  (/srv/log)",
        "oom kill: 1970-01-01 00:00 UTC  (bytes=7, program=java)",
        "unit result: exit-code",
    ]


def test_what_was_not_seen_stands_below():
    """With how many, and why."""
    expected = ["Not seen:", "  14 directories: not permitted", "  kernel log: failed (dmesg failed)"]
    assert lines(unseen=UNSEEN) == expected
    assert lines(facts=FACTS[2:], unseen=UNSEEN) == ["unit result: exit-code", "", *expected]
