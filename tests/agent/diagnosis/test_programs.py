"""What runs: real processes, grouped by program and user, measured by what they really used."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from agent.diagnosis import cpu_saturated, memory_exhausted
from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Unseen
from agent.diagnosis._look import Look
from agent.diagnosis._programs import Process, grouped, processes, unit_of
from collectors import CollectorError

MB = 1 << 20
PATIENCE = 60.0  # seconds; far more than any of these needs
MEMINFO = "MemTotal: 1000 kB\nAnonPages: 700 kB\nShmem: 30 kB\nSUnreclaim: 0 kB\nHugetlb: 9 kB\nHugePages_Total: 3\n"
# Of Linux 6.1 and 5.10, as the kernel writes them; the second in a control group with a limit.
KILLS = """\
2026-11-24T01:02:03,500000+00:00 Out of memory: Killed process 911 (java) total-vm:4194304kB, anon-rss:2097152kB, \
file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:4200kB oom_score_adj:0
2026-11-24T01:02:04,500000+00:00 oom_reaper: reaped process 911 (java), now anon-rss:0kB
2026-11-24T01:02:05,500000+00:00 Memory cgroup out of memory: Killed process 912 (very-long-name-) total-vm:1kB, anon-rss:1024kB
"""


def a_process(pid, name="worker", user="web", **more):
    """Return one as it was seen."""
    return Process(pid=pid, name=name, user=user, **{"started": 1.0, "cpu": 0.0, "own": 0, **more})


def named(found, name):
    """Return the facts of one name, by program."""
    return {
        fact.labels.get("program"): fact.value
        for fact in found
        if isinstance(fact, DiagnosisFact) and fact.name == name
    }


@pytest.fixture
def running():
    """Return what starts a line of Python and yields when it says that it is ready."""
    started = []

    def run(code):
        process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_workers_of_one_program_are_one():
    """Of each user, the most first, its largest process first."""
    seen = [(a_process(1), 2.0), (a_process(2), 3.0), (a_process(3, name="db"), 4.0), (a_process(4, user="root"), 1.0)]
    assert [(one.name, one.user, one.amount, one.pids) for one in grouped(seen)] == [
        ("worker", "web", 5.0, (2, 1)),
        ("db", "web", 4.0, (3,)),
        ("worker", "root", 1.0, (4,)),
    ]


def test_a_process_that_holds_memory_is_seen_with_it(running):
    """What it holds alone, not what it has in common with every other."""
    process = running("import time; hold = bytearray(b'x' * (96 << 20)); print('ready', flush=True); time.sleep(3600)")
    found, _ = processes(Look({}))
    seen = next(one for one in found if one.pid == process.pid)
    assert 96 * MB <= seen.own < 140 * MB
    assert seen.name.startswith("python")
    assert seen.user == {0: "root"}.get(os.getuid(), seen.user)


def test_a_process_that_works_is_seen_with_its_time(running):
    """However busy the host is: it is waited for until it has worked for half a second."""
    process = running("print('ready', flush=True)\nwhile True: pass")

    def until_it_worked(_seconds):
        enough = psutil.Process(process.pid).cpu_times().user + 0.5
        until = time.monotonic() + PATIENCE
        while psutil.Process(process.pid).cpu_times().user < enough and time.monotonic() < until:
            time.sleep(0.02)

    found = list(cpu_saturated.busy(Look({}, seconds=2.0, wait=until_it_worked)))
    modes = [fact.labels["mode"] for fact in found if isinstance(fact, DiagnosisFact) and fact.name == "cpu_mode_ratio"]
    assert {"user", "nice"} & set(modes)
    [listing] = [item for item in found if isinstance(item, Detail)]
    assert "python" in listing.text
    [seen] = named(found, "cpu_seen_ratio").values()
    assert 0 < seen <= 1


def test_time_counts_from_the_first_look_or_from_birth():
    """A number that was given to another process meanwhile is another process."""
    before = [a_process(1, cpu=10.0), a_process(2, cpu=50.0)]
    last = [a_process(1, cpu=13.0), a_process(2, started=9.0, cpu=1.0), a_process(3, cpu=2.0)]
    assert [share for _, share in cpu_saturated.used_since(before, last, 10.0)] == [0.3, 0.1, 0.2]


@pytest.mark.parametrize(
    ("work", "hidden", "expected"),
    [
        (0.9, False, {"worker": 0.5, "db": 0.3}),
        (1.0, False, {"worker": 0.5, "db": 0.3}),
        (1.0, True, {"worker": 0.5, "db": 0.3}),
        (0.8, True, {}),  # as much is seen as there is, and somebody is hidden: nobody knows how much that one does
    ],
)
def test_programs_are_named_unless_the_unseen_did_more(scripted, work, hidden, expected):
    """The rule of all diagnoses, on processors' time."""
    programs = grouped([(a_process(1), 0.5), (a_process(2, name="db"), 0.3)])
    found = list(cpu_saturated._programs(scripted(), programs, work, hidden=hidden))
    assert named(found, "program_cpu_ratio") == expected


def test_a_host_full_of_short_lived_processes_names_nobody(scripted):
    """What began and ended between two looks is in the total alone."""
    found = list(cpu_saturated._programs(scripted(), grouped([(a_process(1), 0.4)]), 0.9, hidden=False))
    assert named(found, "program_cpu_ratio") == {}
    assert named(found, "cpu_seen_ratio") == {None: pytest.approx(0.444, abs=0.001)}


def test_counters_that_stand_still_are_an_error(monkeypatch):
    """No share can be said of no time."""
    monkeypatch.setattr(cpu_saturated, "read_times", lambda: {"user": 1.0, "idle": 1.0})
    with pytest.raises(CollectorError, match="stand still"):
        list(cpu_saturated.busy(Look({}, wait=lambda _: None)))


def test_groups_that_were_held_back_are_told(scripted):
    """By how much of the time; those that were not are no news."""
    look = scripted()
    for group, held in (("system.slice/a.service", 4_000_000), ("system.slice/b.service", 0)):
        look.write(f"/sys/fs/cgroup/{group}/cpu.stat", f"usage_usec 9\nnr_throttled 1\nthrottled_usec {held}\n")
    before = cpu_saturated.throttled_seconds(look)
    assert before == {"system.slice/a.service": 4.0}
    found = list(cpu_saturated._rates(before, {"system.slice/a.service": 9.0, "new": 7.0}, 100, 150, 10.0))
    assert [(fact.name, fact.value, fact.labels) for fact in found] == [
        ("processes_started_per_second", 5.0, {}),
        ("cpu_throttled_ratio", 0.5, {"unit": "system.slice/a.service"}),
    ]


def test_started_processes_are_the_kernels_count():
    """It grows when one is started."""
    look = Look({})
    before = cpu_saturated.processes_started(look)
    subprocess.run(["/bin/true"], check=True)
    assert cpu_saturated.processes_started(look) > before


def test_hidden_processes_are_said(scripted, monkeypatch):
    """A /proc that shows only one's own (hidepid) proves nothing of others."""
    monkeypatch.setattr("agent.diagnosis._programs.psutil.process_iter", lambda _: [])
    _, [unseen] = processes(scripted())
    assert (unseen.what, unseen.reason) == ("processes", "hidden")
    assert "hidepid" in unseen.hint
    _, unseen = processes(scripted().write("/proc/1/stat", ""))
    assert unseen == []


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        ("0::/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
        ("12:cpu:/system.slice/db.service/inner\n1:name=systemd:/system.slice/db.service\n", "db.service"),
        ("0::/user.slice/user-0.slice/session-3.scope", "session-3.scope"),
        ("0::/kubepods/pod1", ""),
        ("0::/\n", ""),
    ],
)
def test_a_process_is_known_by_its_unit(scripted, cgroup, unit):
    """Whose restart would end it; the innermost."""
    assert unit_of(scripted().write("/proc/7/cgroup", cgroup), 7) == unit
    assert unit_of(scripted(), 8) == ""


def test_memory_besides_programs_is_told_by_kind(scripted):
    """Shared and in tmpfs, the kernel's, set aside as huge pages; nothing of what is not there."""
    found = list(memory_exhausted.amounts(scripted().write("/proc/meminfo", MEMINFO)))
    told = {fact.name: fact.value for fact in found if isinstance(fact, DiagnosisFact)}
    assert told["memory_shared_bytes"] == 30 * 1024
    assert told["memory_huge_pages_bytes"] == 9 * 1024
    assert "memory_kernel_bytes" not in told
    assert {"swap_used_bytes", "swap_total_bytes"} <= told.keys()


def test_programs_that_hold_the_memory_are_named(scripted, monkeypatch):
    """Pages that workers have from each other count once, where the kernel may be asked."""
    seen = [a_process(1, own=500 * 1024), a_process(2, own=500 * 1024), a_process(3, name="db", own=300 * 1024)]
    look = scripted().write("/proc/meminfo", MEMINFO)
    for pid, exact in ((1, 100), (2, 100), (3, 300)):
        look.write(f"/proc/{pid}/smaps_rollup", f"Rss: 900 kB\nPss: {exact + 5} kB\nPss_Anon: {exact} kB\n")
        look.write(f"/proc/{pid}/status", "Name: x\nVmSwap: 2 kB\n")
    monkeypatch.setattr(memory_exhausted, "processes", lambda _: (seen, []))
    found = list(memory_exhausted.programs(look))
    assert named(found, "program_memory_bytes") == {"db": 300 * 1024, "worker": 200 * 1024}
    [listing] = [item for item in found if isinstance(item, Detail)]
    row = next(line.split() for line in listing.text.splitlines() if "worker" in line)
    assert row[:4] == [str(200 * 1024), str(210 * 1024), str(4 * 1024), "2"]


def test_hidden_memory_leaves_the_largest_open(scripted, monkeypatch):
    """Half of what programs hold belongs to somebody else."""
    hidden = Unseen(what="processes", reason="hidden")
    monkeypatch.setattr(memory_exhausted, "processes", lambda _: ([a_process(1, own=300 * 1024)], [hidden]))
    found = list(memory_exhausted.programs(scripted().write("/proc/meminfo", MEMINFO)))
    assert named(found, "program_memory_bytes") == {}
    assert named(found, "program_memory_seen_ratio") == {None: pytest.approx(3 / 7)}
    assert hidden in found


def test_whom_the_kernel_killed_is_told_by_name(scripted):
    """The newest first, with what it held; the lines themselves need more consent."""
    look = scripted(answers={"/usr/bin/dmesg": KILLS}).write("/proc/vmstat", "oom_kill 2\n")
    found = list(memory_exhausted.killed(look))
    kills = [fact for fact in found if isinstance(fact, DiagnosisFact) and fact.name == "oom_kill_timestamp"]
    assert [(kill.labels["program"], kill.labels["bytes"]) for kill in kills] == [
        ("very-long-name-", str(1024 * 1024)),
        ("java", str(2097152 * 1024)),
    ]
    assert named(found, "oom_kills_total") == {None: 2.0}
    [detail] = [item for item in found if isinstance(item, Detail)]
    assert (detail.consent, detail.text.count("\n")) == ("excerpt", 2)
    assert [fact.consent for fact in kills] == ["facts", "facts"]


def test_where_nobody_was_killed_no_log_is_read(scripted):
    """The kernel counts them."""
    look = scripted().write("/proc/vmstat", "oom_kill 0\n")
    assert named(list(memory_exhausted.killed(look)), "oom_kills_total") == {None: 0.0}
    assert look.asked == []


def test_kills_of_one_program_are_found_by_the_name_the_kernel_keeps(scripted):
    """Fifteen characters of it."""
    look = scripted(answers={"/usr/bin/dmesg": KILLS})
    found = list(memory_exhausted.out_of_memory_records(look, "very-long-name-indeed"))
    assert [item.labels["program"] for item in found if isinstance(item, DiagnosisFact)] == ["very-long-name-"]
