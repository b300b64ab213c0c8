"""Units, Windows services and counted processes."""

import os
from types import SimpleNamespace

import msgspec
import psutil
import pytest

from collectors import CollectorError, Completed, CouldNotCheck, NotSupported, services
from collectors._processes import WatchedProcess, parse_stat
from collectors._starts import HOLDS
from collectors._systemd import SYSTEMCTL, parse_units
from collectors.contract import FakeHost

UNITS = """NRestarts=3
Id=mariadb.service
Names=mariadb.service mysql.service
LoadState=loaded
ActiveState=active
StateChangeTimestampMonotonic=40000000

NRestarts=0
Id=backup.service
Names=backup.service
LoadState=loaded
ActiveState=inactive
StateChangeTimestampMonotonic=0

NRestarts=5
Id=web.service
Names=web.service
LoadState=loaded
ActiveState=failed
StateChangeTimestampMonotonic=70000000

NRestarts=0
Id=referenced.service
Names=referenced.service
LoadState=not-found
ActiveState=inactive
StateChangeTimestampMonotonic=0

Id=tmp.mount
Names=tmp.mount
LoadState=loaded
ActiveState=active
"""


def answers(units):
    """Return what systemctl says when it lists these units (text as `show` prints them), and when it shows them."""
    lines = []
    for block in units.strip().split("\n\n"):
        told = dict(line.split("=", 1) for line in block.split("\n"))
        lines.append(
            f"{told['Id']} {told.get('LoadState', '-')} {told['ActiveState']} {told.get('SubState', 'running')} It\n"
        )
    return {f"{SYSTEMCTL} list-units": Completed(0, "".join(lines), ""), f"{SYSTEMCTL} show": Completed(0, units, "")}


def host(root, answer=UNITS):
    """Return a host with systemd that answers `answer`."""
    told = answers(answer) if isinstance(answer, str) else {SYSTEMCTL: answer}
    return FakeHost(root, told).write("/run/systemd/system/x", "")


def collect(context, at=1000.0, monotonic=100.0, **options):
    """Return what one run yields, as a list."""
    one = services.ServicesCollector(services.ServicesOptions(**options), context, lambda: monotonic)
    return list(one.collect(at))


def values(items):
    """Return readings by name and subject; what could not be checked has its reason as value."""
    return {(item.name, *item.labels.values()): item.value if hasattr(item, "value") else item.reason for item in items}


def test_units_are_read_whatever_the_order_of_their_properties():
    """Restarts are absent where a unit cannot restart."""
    mariadb, *_, mount = parse_units(UNITS)
    assert (mariadb.names, mariadb.active, mariadb.restarts) == (("mariadb.service", "mysql.service"), True, 3)
    assert mount.restarts is None


@pytest.mark.parametrize("state", ["reloading", "refreshing"])
def test_a_unit_that_reloads_does_its_work(state):
    """A reload is no outage."""
    assert parse_units(f"Id=a.service\nActiveState={state}")[0].active


@pytest.mark.parametrize("state", ["activating", "deactivating", "inactive", "failed"])
def test_a_unit_on_its_way_is_not_active(state):
    """One that is restarted over and over is `activating` most of the time."""
    assert not parse_units(f"Id=a.service\nActiveState={state}")[0].active


def test_an_answer_cut_in_the_middle_is_not_half_believed():
    """A unit without a state is an error."""
    with pytest.raises(ValueError, match="nothing of a unit's state"):
        parse_units("Id=a.service\nActiveState=active\n\nId=b.service")


def test_units_from_a_pattern_are_judged_by_failed_alone(tmp_path):
    """An inactive oneshot is not down, and a unit that is only referred to is nobody's."""
    read = values(collect(host(tmp_path)))
    assert {key[1]: value for key, value in read.items() if key[0] == "service_failed"} == {
        "mariadb.service": 0,
        "backup.service": 0,
        "web.service": 1,
        "tmp.mount": 0,
    }
    assert not [key for key in read if key[0] == "service_active"]
    assert read["service_restarts_total", "mariadb.service"] == 3


def test_a_required_unit_is_found_by_its_alias_and_without_its_suffix(tmp_path):
    """`mysql` is what people call it."""
    read = values(collect(host(tmp_path), required=["mysql", "web.service"]))
    assert read["service_active", "mysql.service"] == 1
    assert read["service_active", "web.service"] == 0


def test_a_required_unit_that_does_not_exist_is_down(tmp_path):
    """An uninstalled service is as down as a stopped one."""
    assert values(collect(host(tmp_path), required=["nginx"]))["service_active", "nginx.service"] == 0


def test_a_watched_unit_that_does_not_exist_could_not_be_checked(tmp_path):
    """Whether it failed cannot be said; a pattern without a match is no failure."""
    items = collect(host(tmp_path), units=["nginx.service", "nothing*.service"])
    unknown = [item.labels for item in items if isinstance(item, CouldNotCheck)]
    assert unknown == [{"unit": "nginx.service"}]


def test_all_units_are_listed_and_those_at_work_are_asked(tmp_path):
    """Each unit asked costs a millisecond; what is dead has nothing to tell. No name is taken for an option."""
    context = host(tmp_path, UNITS.replace("ActiveState=inactive", "ActiveState=inactive\nSubState=dead"))
    collect(context, units=["*.service", "-.mount"], required=["web"], timers=[])
    listed, asked = context.asked
    assert listed[:2] == [SYSTEMCTL, "list-units"]
    assert listed[listed.index("--") + 1 :] == ["*.service", "-.mount"]
    assert asked[:2] == [SYSTEMCTL, "show"]
    assert asked[asked.index("--") + 1 :] == ["-.mount", "web.service", "mariadb.service", "tmp.mount"]


def test_a_list_that_is_cut_in_the_middle_of_a_line_is_not_believed(tmp_path):
    """A unit without a state is an error there too."""
    context = host(tmp_path)
    context.answers[f"{SYSTEMCTL} list-units"] = Completed(0, "a.service loaded active running A\nb.service loa\n", "")
    read = values(collect(context))
    assert "nothing of a unit's state" in read["service_failed", "*.service"]


def started(context, unit, identity):
    """Leave the id of a unit's last start as systemd does."""
    link = context.path(f"/run/systemd/units/invocation:{unit}")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(identity)


class Rounds:
    """A collector whose rounds are looked at one by one; two services run, and their last starts are known."""

    def __init__(self, root, more="", **options):
        blocks = [
            f"Id={one}.service\nLoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=1\n"
            for one in ("a", "b")
        ]
        self.context = host(root, "\n".join([*blocks, more]))
        self.now = 100.0
        self.collector = services.ServicesCollector(services.ServicesOptions(**options), self.context, lambda: self.now)
        for one in ("a", "b"):
            started(self.context, f"{one}.service", "first")

    def asked(self):
        """Return which services were asked about in one more round, before which a service of no interest ended."""
        self.link_changes()
        read, asked = self.round()
        names = asked[1]
        return [name for name in names[names.index("--") + 1 :] if name != "*.timer"], read

    def link_changes(self):
        """Leave the date of a change; rounds follow each other here within one tick of the clock by which the kernel gives it."""
        os.utime(self.context.path("/run/systemd/units"), (self.now, self.now))

    def round(self):
        """Return what was read in one more round, and the questions to systemctl."""
        self.context.asked.clear()
        self.now += 180
        read = values(self.collector.collect(1000.0))
        return read, [*self.context.asked]


def test_a_unit_that_was_not_started_anew_is_not_asked_about_again(tmp_path):
    """What was read of it still holds, and is told in each round."""
    rounds = Rounds(tmp_path)
    first, read = rounds.asked()
    assert first == ["a.service", "b.service"]
    rounds.context.answers[f"{SYSTEMCTL} show"] = Completed(0, "", "")
    assert rounds.asked() == ([], read)
    assert read["service_restarts_total", "a.service"] == 1


def test_a_unit_that_was_started_anew_is_asked_about(tmp_path):
    """By systemd itself, for example; its state is the same as before."""
    rounds = Rounds(tmp_path)
    rounds.asked()
    started(rounds.context, "b.service", "second")
    again = "Id=b.service\nLoadState=loaded\nActiveState=active\nNRestarts=2"
    rounds.context.answers[f"{SYSTEMCTL} show"] = Completed(0, again, "")
    asked, read = rounds.asked()
    assert asked == ["b.service"]
    assert read["service_restarts_total", "b.service"] == 2
    assert read["service_restarts_total", "a.service"] == 1


def test_a_unit_in_another_state_is_asked_about(tmp_path):
    """It was stopped and is on its way down, in the same start."""
    rounds = Rounds(tmp_path)
    rounds.asked()
    listed = "a.service loaded active running It\nb.service loaded deactivating stop-sigterm It\n"
    rounds.context.answers[f"{SYSTEMCTL} list-units"] = Completed(0, listed, "")
    assert rounds.asked()[0] == ["b.service"]


def test_a_unit_whose_start_is_not_known_is_asked_about_each_time(tmp_path):
    """Between two starts there is no link, and an older systemd leaves none at all."""
    rounds = Rounds(tmp_path)
    rounds.context.path("/run/systemd/units/invocation:a.service").unlink()
    assert [rounds.asked()[0] for _ in range(2)] == [["a.service", "b.service"], ["a.service"]]


def test_all_units_at_work_are_asked_about_once_an_hour(tmp_path):
    """Somebody may have reset a count of restarts, which is no start."""
    rounds = Rounds(tmp_path)
    rounds.asked()
    rounds.context.answers[f"{SYSTEMCTL} show"] = Completed(0, "", "")
    rounds.now += HOLDS - 360
    assert rounds.asked()[0] == []
    assert rounds.asked()[0] == ["a.service", "b.service"]


def test_where_no_service_began_or_ended_systemd_is_not_asked(tmp_path):
    """What it said stands, and is told in each round, until something else may have changed."""
    rounds = Rounds(tmp_path)
    read, _ = rounds.round()
    quiet = [rounds.round() for _ in range(4)]
    assert quiet == [(read, [])] * 4
    assert len(rounds.round()[1]) == 2


def test_a_service_that_ends_is_seen_in_the_next_round(tmp_path):
    """Its link goes."""
    rounds = Rounds(tmp_path)
    rounds.round()
    rounds.context.path("/run/systemd/units/invocation:b.service").unlink()
    rounds.link_changes()
    rounds.context.answers |= answers("Id=b.service\nLoadState=loaded\nActiveState=failed\nSubState=failed")
    assert rounds.round()[0]["service_failed", "b.service"] == 1


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("Id=c.service\nLoadState=loaded\nActiveState=failed\nSubState=failed", {}),
        ("Id=c.service\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart", {}),
        ("Id=c.mount\nLoadState=loaded\nActiveState=active\nSubState=mounted", {}),
        ("Id=c.service\nLoadState=loaded\nActiveState=active\nSubState=running", {}),
        ("", {"required": ["a"]}),
        ("Id=c.socket\nLoadState=loaded\nActiveState=inactive\nSubState=dead", {"units": ["*.service", "c.socket"]}),
        ("Id=c.timer\nLoadState=loaded\nActiveState=failed\nSubState=failed", {}),
    ],
    ids=["failed", "on its way", "no service", "without a link", "required", "no service, and dead", "failed timer"],
)
def test_systemd_is_asked_each_time_about_what_links_do_not_tell(tmp_path, listed, options):
    """One of these is enough: a reset, a start that leaves no link, another kind of unit."""
    rounds = Rounds(tmp_path, listed, **options)
    assert all(rounds.round()[1] for _ in range(3))


def test_what_systemd_said_stands_no_longer_than_a_timer_waits(tmp_path):
    """What it starts leaves no link where its own conditions keep it from running."""
    timer = (
        "Id=c.timer\nLoadState=loaded\nActiveState=active\nSubState=waiting\nUnitFileState=enabled\n"
        "LastTriggerUSecMonotonic=1min\nNextElapseUSecMonotonic=6min"
    )
    rounds = Rounds(tmp_path)
    rounds.context.answers[f"{SYSTEMCTL} show"] = Completed(0, timer, "")
    assert [bool(rounds.round()[1]) for _ in range(4)] == [True, False, True, False]


def test_the_change_of_state_is_placed_once_on_the_wall_clock(tmp_path):
    """A step of the wall clock afterwards does not move it; only failed and required units tell it."""
    one = services.ServicesCollector(services.ServicesOptions(), host(tmp_path), lambda: 100.0)
    for at in (1000.0, 90000.0):
        read = values(one.collect(at))
        assert read["service_state_change_timestamp_seconds", "web.service"] == 970
        assert ("service_state_change_timestamp_seconds", "mariadb.service") not in read


@pytest.mark.parametrize("units", [["*.service"], ["once.service"]])
def test_a_failed_unit_that_systemd_forgets_has_recovered(tmp_path, units):
    """One made by systemd-run, or removed with its package, is found by no pattern once it is reset."""
    context = host(tmp_path, "Id=once.service\nLoadState=loaded\nActiveState=failed")
    now = 100.0
    one = services.ServicesCollector(services.ServicesOptions(units=units), context, lambda: now)
    assert values(one.collect(1000.0))["service_failed", "once.service"] == 1
    context.answers |= answers("Id=once.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead")
    now += services.ASKED_FOR
    assert values(one.collect(1000.0)) == {("service_failed", "once.service"): 0}
    assert context.asked[-1][-1] == "once.service"


def test_a_failed_unit_that_systemd_forgot_is_not_asked_for_for_ever(tmp_path):
    """Units with a new name for each run would add up."""
    context = host(tmp_path, "Id=once.service\nLoadState=loaded\nActiveState=failed")
    now = 100.0
    one = services.ServicesCollector(services.ServicesOptions(), context, lambda: now)
    list(one.collect(1000.0))
    context.answers |= answers("Id=other.service\nLoadState=loaded\nActiveState=active")
    now += services.ASKED_FOR + 1
    list(one.collect(1000.0))
    assert context.asked[-1][-1] == "other.service"


def test_without_systemd_nothing_is_said_of_the_default(tmp_path):
    """There is nothing of the kind."""
    with pytest.raises(NotSupported):
        collect(FakeHost(tmp_path))


def test_without_systemd_what_was_named_could_not_be_checked(tmp_path):
    """Somebody believes that it is watched."""
    items = collect(FakeHost(tmp_path), units=["a.service"], required=["b"])
    assert [(item.name, item.labels["unit"]) for item in items] == [
        ("service_failed", "a.service"),
        ("service_active", "b.service"),
    ]
    assert all(isinstance(item, CouldNotCheck) for item in items)


def test_processes_are_counted_even_when_systemctl_hangs(tmp_path):
    """One source that fails does not silence the other."""
    context = host(tmp_path, CollectorError("no answer in time")).write("/proc/1/stat", "1 (init) S 0 1")
    read = values(collect(context, processes=[WatchedProcess(name="init")]))
    assert read["processes_running", "init"] == 1
    assert read["service_failed", "*.service"] == "no answer in time"


@pytest.mark.parametrize(
    "options",
    [
        {"required": ["ngin*"]},
        {"required": [""]},
        {"processes": [{"name": "a"}, {"name": "a"}]},
        {"processes": [{"name": ""}]},
    ],
)
def test_an_ambiguous_configuration_is_refused(options):
    """A pattern cannot be required; one name cannot be counted twice."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, services.ServicesOptions)


def proc(root, *stats):
    """Lay out processes, one for each stat line."""
    context = FakeHost(root)
    for stat in stats:
        context.write(f"/proc/{stat.split()[0]}/stat", stat)
    return context


def test_a_name_may_hold_anything():
    """Brackets and spaces in a process's name do not shift its state."""
    assert parse_stat("7 (a) R (b) S 1 7") == ("a) R (b", "S")


def test_the_dead_do_not_count(tmp_path):
    """A zombie has a name and does nothing."""
    context = proc(tmp_path, "1 (init) S 0", "2 (worker) Z 1", "3 (worker) S 1")
    read = values(collect(context, processes=[WatchedProcess(name="worker", at_least=2)]))
    assert read["processes_running", "worker"] == 1
    assert read["process_missing", "worker"] == 1


def test_a_long_name_is_found_whole(tmp_path):
    """The kernel keeps 15 characters; the command line has the rest, of a program or of an interpreter's script."""
    context = proc(tmp_path, "1 (unattended-upgr) S 0", "2 (unattended-upgr) S 0", "3 (unattended-upgr) S 0")
    context.write("/proc/1/cmdline", "/usr/bin/python3\0/usr/bin/unattended-upgrade\0--wait\0")
    context.write("/proc/2/cmdline", "/opt/unattended-upgrader\0").write("/proc/3/cmdline", "")
    read = values(collect(context, processes=[WatchedProcess(name="unattended-upgrade")]))
    assert read["processes_running", "unattended-upgrade"] == 1


def test_processes_of_a_user_are_told_apart(tmp_path):
    """By name or number; a user the host does not know is not nobody's process missing."""
    context = proc(tmp_path, "1 (web) S 0")
    owner = str(context.path("/proc/1").stat().st_uid)
    watched = [
        WatchedProcess(name="web", user=owner),
        WatchedProcess(name="web", user="99999"),
        WatchedProcess(name="web", user="no-such"),
    ]
    read = values(collect(context, processes=watched))
    assert read["process_missing", "web", owner] == 0
    assert read["process_missing", "web", "99999"] == 1
    assert "no-such" in read["processes_running", "web", "no-such"]


def test_hidden_processes_could_not_be_counted(tmp_path):
    """Under hidepid everybody else's processes look gone."""
    context = proc(tmp_path, "77 (self) S 0")
    read = values(collect(context, processes=[WatchedProcess(name="web")]))
    assert "hidepid" in read["processes_running", "web"]
    assert ("process_missing", "web") not in read


class WindowsService:
    """What psutil returns for a service."""

    def __init__(self, status):
        self._status = status

    def status(self):
        """Return its state."""
        return self._status


def test_windows_services_that_have_to_run(tmp_path, monkeypatch):
    """Running, stopped, not installed, and not permitted are four answers."""

    def get(name):
        if name == "secret":
            raise psutil.AccessDenied(msg="not permitted")
        if name == "gone":
            raise psutil.NoSuchProcess(0)
        return WindowsService({"web": "running", "mail": "stopped"}[name])

    monkeypatch.setattr("psutil.WINDOWS", True)
    monkeypatch.setattr("psutil.win_service_get", get, raising=False)
    read = values(collect(FakeHost(tmp_path), required=["web", "mail", "gone", "secret"]))
    assert [read["service_active", name] for name in ("web", "mail", "gone")] == [1, 0, 0]
    assert "not permitted" in read["service_active", "secret"]


def test_processes_elsewhere_come_from_psutil(tmp_path, monkeypatch):
    """MacOS and Windows have no /proc."""
    found = [SimpleNamespace(info={"name": "web", "username": "www", "status": "running"})]
    found.append(SimpleNamespace(info={"name": "web", "username": "www", "status": "zombie"}))
    monkeypatch.setattr("psutil.LINUX", False)
    monkeypatch.setattr("psutil.process_iter", lambda _fields: iter(found))
    read = values(collect(FakeHost(tmp_path), processes=[WatchedProcess(name="web")]))
    assert read["processes_running", "web"] == 1
