"""A unit that failed: its state, how it ended, what it needs, and its last lines, each by the consent it takes."""

import pytest

from agent.diagnosis import generic, process_missing, service_failed
from agent.diagnosis._diagnosis import Detail, DiagnosisFact, Unseen
from agent.diagnosis._programs import Process
from collectors import CollectorError, Completed, NotSupported
from collectors.contract import HOSTILE

SYSTEMCTL, JOURNALCTL, DMESG = "/usr/bin/systemctl", "/usr/bin/journalctl", "/usr/bin/dmesg"
# As systemd 252 wrote it of a service that exits with 3 and may be restarted three times.
FAILED = """\
Restart=on-failure
Result=exit-code
NRestarts=3
ExecMainCode=1
ExecMainStatus=3
Id=app.service
Requires=system.slice db.service
BindsTo=
LoadState=loaded
ActiveState=failed
SubState=failed
FragmentPath=/etc/systemd/system/app.service
UnitFileState=static
NeedDaemonReload=yes
ConditionResult=yes
"""
NEEDED = """\
Id=system.slice
LoadState=loaded
ActiveState=active

Id=db.service
LoadState=loaded
ActiveState=failed
Result=signal
"""
LINES = (
    '{"__REALTIME_TIMESTAMP":"1795600802000000","MESSAGE":"app.service: Failed with result \'exit-code\'."}\n'
    '{"__REALTIME_TIMESTAMP":"1795600801000000","MESSAGE":"cannot open /srv/data: No such file"}\n'
)


@pytest.fixture
def failed(systemd):
    """Return a look at a host whose app.service failed."""
    look = systemd({"unit": "app.service"}, {SYSTEMCTL: FAILED, JOURNALCTL: LINES})
    asked = look.run

    def run(argv, *, timeout):
        answer = asked(argv, timeout=timeout)
        return Completed(0, NEEDED, "") if "db.service" in argv else answer

    look.run = run
    return look


def told(found):
    """Return the facts by name."""
    return {item.name: item.value for item in found if isinstance(item, DiagnosisFact)}


def test_its_state_and_how_it_ended_are_facts(failed):
    """As systemd says it; what is as it should be is no news."""
    found = list(service_failed.state(failed))
    assert told(found) == {
        "unit_load_state": "loaded",
        "unit_active_state": "failed",
        "unit_sub_state": "failed",
        "unit_result": "exit-code",
        "unit_file_state": "static",
        "exit_status": 3.0,
        "unit_restarts": 3.0,
        "unit_file_changed": 1.0,
        "dependency_state": "failed",
    }
    [needed] = [item for item in found if isinstance(item, DiagnosisFact) and item.name == "dependency_state"]
    assert needed.labels == {"unit": "db.service", "needed_by": "app.service"}
    assert {item.consent for item in found if not isinstance(item, Unseen)} == {"facts"}


def test_its_last_lines_take_the_highest_consent(failed):
    """They may say anything."""
    found = list(service_failed.last_lines(failed))
    [lines] = [item for item in found if isinstance(item, Detail)]
    assert lines.consent == "logs"
    assert lines.text.splitlines()[0] == "2026-11-25T10:00:01Z  cannot open /srv/data: No such file"
    assert told(found) == {"last_line_timestamp": 1795600802.0}
    assert any("--unit=app.service" in asked for asked in failed.asked)


def test_a_name_is_never_an_option(systemd):
    """Whatever a unit is called."""
    look = systemd({"unit": "--root=/evil"}, {SYSTEMCTL: FAILED, JOURNALCTL: ""})
    list(service_failed.state(look))
    list(service_failed.last_lines(look))
    assert look.asked[0][-2:] == ["--", "--root=/evil"]
    assert "--unit=--root=/evil" in look.asked[-1]


@pytest.mark.parametrize(("code", "name"), [("1", "exit_status"), ("2", "exit_signal"), ("3", "exit_signal")])
def test_an_exit_is_told_from_a_signal(systemd, code, name):
    """Nine is something else as the one than as the other."""
    look = systemd({"unit": "a.service"}, {SYSTEMCTL: f"Id=a.service\nExecMainCode={code}\nExecMainStatus=9\n"})
    assert told(service_failed.state(look)) == {name: 9.0}


def test_hostile_answers_are_harmless(systemd):
    """Of systemd and of services."""
    name = HOSTILE.replace("\n", "")
    look = systemd({"unit": "a.service"}, {SYSTEMCTL: f"Id={name}\nActiveState=failed\nResult={name}\n"})
    for item in service_failed.state(look):
        texts = [item.text] if isinstance(item, Detail) else [*item.labels.values(), str(item.value)]
        assert all(line.isprintable() for text in texts for line in text.splitlines())
        "".join(texts).encode()


def test_a_host_without_systemd_says_so(scripted):
    """It is not the unit that is missing."""
    for step in service_failed.STEPS:
        with pytest.raises(NotSupported, match="systemd does not run"):
            list(step(scripted({"unit": "a.service"})))


def test_a_bus_that_does_not_answer_is_an_error(systemd):
    """With systemctl's own words."""
    look = systemd({"unit": "a.service"}, {SYSTEMCTL: Completed(1, "", "Failed to connect to bus: Host is down\n")})
    with pytest.raises(CollectorError, match="Host is down"):
        list(service_failed.state(look))


def test_a_journal_that_may_not_be_read_is_unseen(systemd):
    """With what would open it; the state was told all the same."""
    hint = "Hint: You are currently not seeing messages from other users and the system.\n"
    look = systemd({"unit": "a.service"}, {JOURNALCTL: Completed(0, "", hint)})
    [unseen] = service_failed.last_lines(look)
    assert (unseen.what, unseen.reason) == ("journal", "not_permitted")
    assert "systemd-journal" in unseen.hint


def test_a_program_that_is_missing_is_looked_for_and_so_is_its_service(systemd, monkeypatch):
    """How many run and for whom, whether the kernel ended it, and the unit of its name."""
    seen = [
        Process(pid=n, started=1.0, name=name, user=user, cpu=0.0, own=0)
        for n, (name, user) in enumerate([("app", "web"), ("app", "web"), ("other", "web")])
    ]
    monkeypatch.setattr(process_missing, "processes", lambda _: (seen, []))
    look = systemd({"process": "app"}, {SYSTEMCTL: FAILED.replace("db.service", ""), JOURNALCTL: ""})
    assert told(process_missing.running(look)) == {"processes_running": 2.0}
    assert told(process_missing.unit(look))["exit_status"] == 3.0
    assert list(process_missing.ended_by_kernel(look)) == []
    monkeypatch.setattr(process_missing, "processes", lambda _: ([], [Unseen(what="processes", reason="hidden")]))
    found = list(process_missing.running(look))
    assert [item.whole for item in found if isinstance(item, DiagnosisFact)] == [False]


def test_a_program_without_a_service_of_its_name_has_no_unit_to_tell_of(systemd):
    """Systemd says so."""
    look = systemd({"process": "app"}, {SYSTEMCTL: "Id=app.service\nLoadState=not-found\n"})
    assert list(process_missing.unit(look)) == []


def test_a_rule_without_a_diagnosis_gets_its_subject_and_the_host(failed):
    """The state of its unit, pressure, memory, failed units, trouble in the kernel's log."""
    assert told(generic.subject(failed))["unit_result"] == "exit-code"
    assert told(generic.failed_units(failed)) == {"units_failed": 1.0}
    failed.write("/proc/meminfo", "Shmem: 4 kB\n").write(
        "/proc/pressure/io", "some avg10=0.00 avg60=1.50 avg300=0.25 total=9\n"
    )
    host = told(generic.host(failed))
    assert host["memory_shared_bytes"] == 4096
    assert host["io_pressure_ratio"] == 0.0025
    assert {"boot_timestamp", "memory_available_bytes", "swap_used_bytes"} <= host.keys()
