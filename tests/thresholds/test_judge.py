"""The judge: one verdict per rule and subject, what is missing is said, and nothing is learnt twice."""

import msgspec
import pytest

from collectors import CouldNotCheck, Reading
from thresholds import Judge, Judgement, Rule, Selector, Severity, Unjudged
from thresholds.level import PLUGIN as LEVEL
from thresholds.level import LevelLimits
from thresholds.state import PLUGIN as STATE
from thresholds.state import StateLimits

NOW = 1_795_600_800.0
HOUR, DAY = 3600.0, 86400.0

ROOM = Rule(
    id="room",
    summary="too little room",
    kind="level",
    select=Selector(
        reading="filesystem_avail_bytes",
        of="filesystem_size_bytes",
        where={"fstype": ["!squashfs", "!iso*"]},
        subject=["mountpoint"],
    ),
)
FAILED = Rule(
    id="failed",
    summary="a unit failed",
    kind="state",
    select=Selector(reading="service_failed", since="service_state_change_timestamp_seconds", subject=["unit"]),
)
RULES = [
    (ROOM, LEVEL.build(LevelLimits(direction="below", warning=0.1))),
    (FAILED, STATE.build(StateLimits(critical=[1]))),
]


def disk(avail, at=NOW, **labels):
    """The two readings of a file system."""
    labels = {"mountpoint": "/srv", "device": "/dev/sdb1", "fstype": "ext4"} | labels
    return [
        Reading("filesystem_avail_bytes", avail, "bytes", dict(labels), at),
        Reading("filesystem_size_bytes", 100.0, "bytes", dict(reversed(labels.items())), at),
    ]


def unit(failed, at=NOW, name="db.service"):
    """The reading of a unit."""
    return Reading("service_failed", failed, "boolean", {"unit": name}, at)


@pytest.fixture
def judge():
    """A judge of two rules."""
    return Judge(RULES)


def told(findings):
    """What was found, in short."""
    return {(one.rule, *sorted(one.subject.values())): one.severity for one in findings}


def test_every_subject_gets_a_finding_healthy_or_not(judge):
    """A recovery is something seen, not something absent."""
    findings, unjudged = judge.judge([*disk(50), *disk(5, mountpoint="/home"), unit(0)], [], NOW)

    assert told(findings) == {
        ("room", "/srv"): Severity.HEALTHY,
        ("room", "/home"): Severity.WARNING,
        ("failed", "db.service"): Severity.HEALTHY,
    }
    assert unjudged == []


def test_a_finding_says_what_it_is_about_and_what_was_measured(judge):
    """Only the labels of the subject identify it; all of them are there for people."""
    [finding], _ = judge.judge(disk(5), [], NOW + 7)

    assert finding.subject == {"mountpoint": "/srv"}
    assert finding.labels == {"mountpoint": "/srv", "device": "/dev/sdb1", "fstype": "ext4"}
    assert finding.at == NOW
    assert (finding.evidence["value"], finding.evidence["whole"], finding.evidence["unit"]) == (5, 100, "bytes")


def test_a_reading_of_since_dates_the_state(judge):
    """It is joined on equal labels."""
    since = Reading("service_state_change_timestamp_seconds", NOW - DAY, "timestamp", {"unit": "db.service"}, NOW)

    [finding], _ = judge.judge([unit(1), since], [], NOW)

    assert finding.since == NOW - DAY


def test_what_a_rule_excludes_is_not_judged(judge):
    """An image is full by nature."""
    findings, unjudged = judge.judge(
        [*disk(0, fstype="squashfs"), *disk(0, fstype="iso9660", mountpoint="/cd")], [], NOW
    )

    assert (findings, unjudged) == ([], [])


def test_a_pattern_selects():
    """One of the patterns has to match, none of the excluded ones may."""
    rule = msgspec.structs.replace(
        FAILED, select=Selector(reading="service_failed", where={"unit": ["db*", "web*", "!*@*"]}, subject=["unit"])
    )
    judge = Judge([(rule, RULES[1][1])])

    findings, _ = judge.judge([unit(1, name=name) for name in ("db.service", "web@1.service", "ssh.service")], [], NOW)

    assert [one.subject for one in findings] == [{"unit": "db.service"}]


def test_the_host_label_is_part_of_every_subject(judge):
    """In a replay two hosts have a disk of the same name."""
    findings, _ = judge.judge([*disk(50, host="a"), *disk(5, host="b")], [], NOW)

    assert told(findings) == {("room", "/srv", "a"): Severity.HEALTHY, ("room", "/srv", "b"): Severity.WARNING}


def test_a_new_device_name_is_no_new_subject(judge):
    """What was remembered of the mount point goes on: 10.5 % are not enough to clear what was raised at 5 %."""
    judge.judge(disk(5), [], NOW)

    [finding], unjudged = judge.judge(disk(10.5, NOW + 60, device="/dev/sdc1"), [], NOW + 60)

    assert finding.severity is Severity.WARNING
    assert unjudged == []


def test_two_readings_of_one_subject_are_no_verdict(judge):
    """The rule's subject is too coarse; guessing which one is meant would be worse."""
    findings, [unjudged] = judge.judge([*disk(50), *disk(5, device="/dev/sdc1")], [], NOW)

    assert findings == []
    assert "select.subject" in unjudged.reason


def test_without_its_whole_a_reading_is_not_judged(judge):
    """The reason names what is missing, or says what the collector said."""
    avail, _ = disk(5)

    _, [unjudged] = judge.judge([avail], [], NOW)
    assert "filesystem_size_bytes" in unjudged.reason

    _, [unjudged] = judge.judge(
        [avail], [CouldNotCheck("filesystem_size_bytes", {"mountpoint": "/srv"}, "no answer")], NOW
    )
    assert unjudged.reason == "no answer"


def test_what_could_not_be_checked_is_unjudged(judge):
    """Whether it was ever seen or not: a mount that hangs from the start is not healthy."""
    judge.judge(disk(50), [], NOW)
    hangs = [
        CouldNotCheck("filesystem_avail_bytes", {"mountpoint": mount, "fstype": "nfs4"}, "no answer within 2 s")
        for mount in ("/srv", "/mnt/nas")
    ]

    findings, unjudged = judge.judge([], hangs, NOW + 60)

    assert findings == []
    assert sorted((one.subject["mountpoint"], one.reason) for one in unjudged) == [
        ("/mnt/nas", "no answer within 2 s"),
        ("/srv", "no answer within 2 s"),
    ]


def test_a_pattern_that_could_not_be_checked_is_about_all_it_matches(judge):
    """No answer from systemd: every known unit is unjudged, and no unit called `*.service` is made up."""
    judge.judge([unit(0), unit(0, name="web.service")], [], NOW)

    _, unjudged = judge.judge([], [CouldNotCheck("service_failed", {"unit": "*.service"}, "no systemctl")], NOW + 60)

    assert {(one.subject["unit"], one.reason) for one in unjudged} == {
        ("db.service", "no systemctl"),
        ("web.service", "no systemctl"),
    }


def test_a_collector_that_failed_is_the_reason_where_only_one_did(judge):
    """Of two it could be either, so none is blamed."""
    judge.judge(disk(50), [], NOW)
    disk_failed = CouldNotCheck("", {"collector": "disk"}, "no mountinfo")
    cpu_failed = CouldNotCheck("", {"collector": "cpu"}, "no stat")

    _, [one] = judge.judge([], [disk_failed], NOW + 60)
    _, [either] = judge.judge([], [disk_failed, cpu_failed], NOW + 120)

    assert (one.reason, either.reason) == ("no mountinfo", "no reading this time")


def test_what_vanished_is_said_while_it_matters(judge):
    """A bad one for as long as it is remembered, a healthy one for an hour: it may have been taken away on purpose."""
    for minute in range(0, 48 * 60, 60):
        judge.judge([*disk(50, NOW + minute * 60), unit(1, NOW + minute * 60)], [], NOW + minute * 60)
    gone = NOW + 47 * HOUR

    def unjudged_after(seconds):
        _, unjudged = judge.judge([], [], gone + seconds)
        return {(one.rule, one.reason) for one in unjudged}

    assert unjudged_after(60) == {("room", "no longer seen"), ("failed", "no longer seen")}
    assert unjudged_after(2 * HOUR) == {("failed", "no longer seen")}
    assert unjudged_after(29 * DAY) == {("failed", "no longer seen")}
    assert unjudged_after(31 * DAY) == set()


def test_what_lived_for_a_moment_leaves_nothing_behind(judge):
    """A unit per connection would fill the memory."""
    for number in range(100):
        judge.judge([unit(0, NOW + number, name=f"ssh@{number}.service")], [], NOW + number)
    judge.judge([], [], NOW + 101)
    judge.judge([], [], NOW + 102)

    assert len(judge.dump()) < 10


class Counting:
    """A threshold that counts what it was asked to learn."""

    class Memory(msgspec.Struct, frozen=True):
        """How often."""

        times: int

    memory = Memory

    def evaluate(self, _observation, memory):
        """Count one more."""
        times = memory.times + 1 if memory else 1
        return Judgement(Severity.HEALTHY, {"times": times}), self.Memory(times)


def test_the_reading_of_a_collector_that_was_not_due_teaches_nothing_new():
    """The same `at` again gives the same finding, and leaves the memory alone; so it does after a restart."""
    judge = Judge([(FAILED, Counting())])
    first = judge.judge([unit(0)], [], NOW)
    before = judge.dump()

    assert judge.judge([unit(0)], [], NOW + HOUR) == first
    judge = Judge([(FAILED, Counting())], before)
    judge.judge([unit(0)], [], NOW + 2 * HOUR)
    [finding], _ = judge.judge([unit(0, NOW + 3 * HOUR)], [], NOW + 3 * HOUR)

    assert finding.evidence["times"] == 2


def test_memories_survive_a_restart(judge):
    """What was raised stays raised until it clears."""
    judge.judge(disk(5), [], NOW)
    again = Judge(RULES, judge.dump())

    [finding], _ = again.judge(disk(10.5, NOW + 60), [], NOW + 60)

    assert finding.severity is Severity.WARNING
    assert again.lost == 0


def test_a_memory_that_cannot_be_read_is_dropped_and_counted(judge):
    """That subject is learnt anew; the others go on."""
    judge.judge([*disk(5), unit(1)], [], NOW)
    memories = judge.dump()
    swapped = [(ROOM, RULES[1][1]), (FAILED, RULES[1][1])]  # the kind of one rule was changed

    assert Judge(swapped, memories).lost == 1
    assert Judge(RULES, b"no such thing").lost == 1
    assert Judge(RULES[:1], memories).lost == 0  # a rule that was switched off is no loss


def test_what_was_gone_before_a_restart_is_still_known_after_it(judge):
    """A mount that does not come back with the reboot is missed."""
    judge.judge([unit(1)], [], NOW)

    _, [unjudged] = Judge(RULES, judge.dump()).judge([], [], NOW + HOUR)

    assert unjudged == Unjudged("failed", {"unit": "db.service"}, "no longer seen", NOW + HOUR)


def test_readings_nobody_asked_for_are_ignored(judge):
    """Most readings are for metrics only."""
    assert judge.judge([Reading("load_per_core", 1.0, "count", {"window": "1m"}, NOW)], [], NOW) == ([], [])


def test_readings_that_did_not_change_are_not_judged_again(judge):
    """Collectors have intervals of their own; most cycles bring nothing new of most of them."""
    readings = [reading for number in range(200) for reading in disk(50, mountpoint=f"/m{number}")]

    first, _ = judge.judge(readings, [], NOW)
    second, _ = judge.judge(readings, [], NOW + 60)

    assert len(first) == 200
    assert all(again is finding for again, finding in zip(second, first, strict=True))


def test_what_was_read_long_ago_and_is_still_there_was_seen_now(judge):
    """A healthy one is missed for an hour from when it went, though its collector had not run for two days."""
    readings = [*disk(50), unit(0)]
    for hour in range(48):
        judge.judge(readings, [], NOW + hour * HOUR)
    gone = NOW + 47 * HOUR

    again = Judge(RULES, judge.dump())
    for one in (judge, again):
        assert len(one.judge(readings[:2], [], gone + 60)[1]) == 1
        assert len(one.judge(readings[:2], [], gone + HOUR - 60)[1]) == 1
        assert one.judge(readings[:2], [], gone + HOUR + 60)[1] == []


def test_series_that_come_and_go_take_nothing_from_the_others(judge):
    """A disk that was idle is not there for a cycle: what was concluded of the others, before and meanwhile, stands."""
    home = disk(5, mountpoint="/home")
    judge.judge([*home, unit(0)], [], NOW)
    judge.judge(home, [], NOW + 60)
    [found, _], unjudged = judge.judge([*home, unit(0, NOW + 120)], [], NOW + 120)
    assert (found.at, found.severity, unjudged) == (NOW, Severity.WARNING, [])

    freed = disk(50, NOW + 180, mountpoint="/home")
    judge.judge(freed, [], NOW + 180)
    [found, _], unjudged = judge.judge([*freed, unit(0, NOW + 240)], [], NOW + 240)
    assert (found.at, found.severity, unjudged) == (NOW + 180, Severity.HEALTHY, [])


def test_a_healthy_subject_that_comes_and_goes_is_not_missed():
    """Systemd unloads units that are idle and well; one that failed is missed all the same."""
    [(rule, threshold)] = [(rule, threshold) for rule, threshold in RULES if rule.id == "failed"]
    select = msgspec.structs.replace(rule.select, come_and_go=True)
    judge = Judge([(msgspec.structs.replace(rule, select=select), threshold)])
    judge.judge([unit(0)], [], NOW)
    assert judge.judge([], [], NOW + 60) == ([], [])
    judge.judge([unit(1, NOW + 120)], [], NOW + 120)
    _, [unjudged] = judge.judge([], [], NOW + 180)
    assert unjudged.reason == "no longer seen"
