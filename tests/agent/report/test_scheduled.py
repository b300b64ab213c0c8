"""The report that is made by itself: once for each period, kept on the host, and to a desk as much of it as may leave."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from zoneinfo import ZoneInfo

import msgspec
import pytest

import recorded_year
from agent.consent.gate import decide
from agent.consent.levels import Grant, Revocation, Scope
from agent.courier import deliver
from agent.delivery.job import Job
from agent.delivery.outbox import Outbox
from agent.following.follow import follow
from agent.following.model import HEALTH_REPORT, Delivered
from agent.report.dispatch import LOOK, REST, ReportDispatcher, Task
from agent.report.schedule import due
from agent.report.scheduled import report_on
from agent.store import Store
from ticketing_clients.local import FILE_NAME, LocalDesk

NOW, DAY = recorded_year.NOW, 86400.0
TO_A_DESK = '[report]\nschedule = "monthly"\ndesk = "helpdesk"\n'


@pytest.fixture
def made(state, configured):
    """Return a function that makes the report that is due, with this more of configuration; what it returns is the file."""

    def make(more=TO_A_DESK):
        configuration = configured(more)
        with Store.open(state) as store:
            found = due(
                configuration.settings.report.schedule,
                NOW,
                ZoneInfo(configuration.zone),
                known_since=store.installed_at,
                reported=store.reported,
            )
            task = Task(config=configuration.file, state_dir=str(state), host=recorded_year.HOST, now=NOW)
            return report_on(found, task, configuration, store) if found else None

    return make


@pytest.fixture
def desk(state, configured):
    """Return a function that has a courier deliver what waits, and then the desk's tickets with our key."""

    def deliver_all():
        configuration = configured(TO_A_DESK)
        job = Job(config=configuration.file, state_dir=str(state), host=recorded_year.HOST, desk="helpdesk", now=NOW)
        with Store.open(state) as store:
            store.rebuilt("helpdesk")
            for _ in range(3):
                deliver(job, configuration, store, now=lambda: NOW, clock=lambda: NOW)
        return [one for one in LocalDesk(state, "helpdesk", now=NOW).tickets() if one.title.startswith("Health report")]

    return deliver_all


def files(state):
    """Return name and content of what is attached at the local desk."""
    with closing(sqlite3.connect(state / FILE_NAME)) as database:
        return database.execute("SELECT name, content FROM attachments").fetchall()


def consent(state, configuration, level, classes=()):
    """Have Jane allow this, or take it back."""
    scope = Scope(customer="default", classes=classes)
    entry = (
        Grant(
            by="Jane",
            entered_by="jane",
            at=NOW - 60,
            level=level,
            scope=scope,
            until=NOW + DAY,
            wording="1",
            way="command",
        )
        if level
        else Revocation(by="Jane", entered_by="jane", at=NOW - 30, scope=scope)
    )
    decide(state, configuration, entry, NOW)


def test_it_is_kept_on_the_host_and_made_once(made, state):
    """By the name of its period, for its owner only."""
    path = made('[report]\nschedule = "monthly"\n')
    assert path == state / "reports" / "health-2026-10.html"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Extended the volume" not in path.read_text()  # that was in November
    assert "Moved the old journals away" in path.read_text()
    assert made('[report]\nschedule = "monthly"\n') is None


def test_it_is_kept_in_the_configured_folder(made, tmp_path):
    """Where IT collects them."""
    folder = tmp_path / "share"
    assert made(f'[report]\nfolder = "{folder}"\nlanguage = "zh-TW"\n') == folder / "health-2026-Q3.html"
    assert '<html lang="zh-Hant">' in (folder / "health-2026-Q3.html").read_text()


def test_without_consent_the_desk_gets_the_core(made, desk, state):
    """A ticket that asks nothing of anybody, closed already, with a file that says no more than tickets do."""
    made()
    [ticket] = desk()
    assert ticket.title == "Health report of files-01 for 2026-10"
    assert "It holds no more than our tickets do." in ticket.body
    assert ticket.status == "resolved"
    [(name, content)] = files(state)
    assert name == "health-2026-10.html"
    assert b"<svg" not in content
    assert b"Moved the old journals" not in content


def test_with_consent_the_desk_gets_the_drawings(made, desk, state, configured):
    """But nobody's words."""
    consent(state, configured(), "facts")
    made()
    desk()
    [(_, content)] = files(state)
    assert b"<svg" in content
    assert b"Moved the old journals" not in content


def test_consent_to_some_classes_is_not_consent_to_a_report(made, state, configured):
    """It speaks of every class."""
    consent(state, configured(), "facts", ("type:capacity",))
    made()
    with Store.open(state) as store:
        [attached] = [one for one in Outbox(store).all(["queued"]) if one.operation.kind == "attach"]
    assert attached.operation.facts["needs"] is None


def test_consent_that_is_taken_back_meanwhile_keeps_it_here(made, desk, state, configured):
    """The courier asks again; the ticket is there, the file is not."""
    consent(state, configured(), "facts")
    made()
    consent(state, configured(), "", ("type:security",))
    assert len(desk()) == 1
    assert files(state) == []


def test_a_report_that_was_told_is_not_told_again(made, desk, state):
    """Whatever was lost of the note that it was made."""
    made()
    with Store.open(state) as store:
        store.reported = ""
    made()
    assert len(desk()) == 1


def test_its_case_stays_closed_whatever_the_desk_says(made, desk, state, configured):
    """Nobody is asked to confirm a report, and no promise is counted for it."""
    made()
    desk()
    with Store.open(state) as store:
        cases = {one.key: one for one in store.cases(include_closed=True) if one.rule == HEALTH_REPORT}
        events = store.take_events()
    situation = configured(TO_A_DESK).situation(NOW, recorded_year.HOST.id, first_look_ends=0.0)
    [step] = follow(cases, [], events, situation)
    assert {type(event) for event in events} == {Delivered}
    assert (step.case.state, step.operations, step.kept) == ("closed", (), ())
    assert step.case.ticket.desk == "helpdesk"


class Child:
    """A child as the dispatcher sees it: none is started in earnest."""

    def __init__(self):
        self.jobs = []
        self.at_work = False

    def start(self, job):
        self.jobs.append(job)

    def ended(self):
        return None


class Hours:
    """A clock that is moved by hand."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def dispatcher(state, configured):
    """Return a dispatcher of monthly reports, with a child and a clock of the test's."""
    with Store.open(state) as store:
        one = ReportDispatcher(store, state, configured(TO_A_DESK), recorded_year.HOST, Hours())
        one._child = Child()
        yield one


def test_the_daemon_has_one_made_when_it_is_due(dispatcher):
    """And tries again hours later, if none came of it; not every minute."""
    for at in (0.0, LOOK + 1, REST + 1):
        dispatcher._clock.seconds = at
        dispatcher.consider(NOW)
    assert [job.now for job in dispatcher._child.jobs] == [NOW, NOW]


def test_the_daemon_has_none_made_again(dispatcher):
    """The period's name is on record."""
    dispatcher._store.reported = "2026-10"
    dispatcher.consider(NOW)
    assert dispatcher._child.jobs == []


def test_the_child_makes_it_as_a_process_of_its_own(state, configured):
    """With a job on its standard input, at the lowest priority, and nothing else to it."""
    configuration = configured('[report]\nschedule = "monthly"\n')
    task = Task(config=configuration.file, state_dir=str(state), host=recorded_year.HOST, now=NOW)
    argv = [sys.executable, "-E", "-P", "-m", "agent.child", "agent.report.scheduled"]
    done = subprocess.run(argv, input=msgspec.json.encode(task), capture_output=True, timeout=120, check=False)
    assert (done.returncode, b"health report made" in done.stderr) == (0, True)
    assert (state / "reports" / "health-2026-10.html").read_text().startswith("<!doctype html>")


def test_the_daemon_has_in_memory_only_when_one_is_due():
    """What a report is made of, and its drawings, are the child's."""
    said = "import sys, agent.report.dispatch; print(*sorted(one for one in sys.modules if one.startswith('agent.')))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert {one for one in loaded if one.startswith(("agent.report", "agent.chart"))} == {
        "agent.report",
        "agent.report.dispatch",
        "agent.report.schedule",
    }
