"""When a courier is started, with what, and what becomes of it: with the real one where that matters."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from agent.configuration.config import ConfigFile
from agent.configuration.settings import DAY, HOUR, MINUTE, DeliverySettings
from agent.courier import lock_name
from agent.delivery.courier_process import LONGEST_BATCH, WITHHELD
from agent.delivery.dispatch import Dispatcher
from agent.delivery.job import BUSY, Job
from agent.delivery.outbox import Outbox
from agent.delivery.rhythm import LOOKS, RESTS
from agent.following.facts import case_facts, pack
from agent.following.model import Case, Delivered, DeskHealth, Operation
from agent.following.routing import copy_key
from agent.store import Store
from agent.system.folder import lock
from agent.system.host import HostIdentity
from thresholds import Severity
from ticketing_clients import TicketRef
from ticketing_clients.local import FILE_NAME, PLUGIN, LocalDesk

NOW = 1_790_000_000.0
POLL = 15 * MINUTE
KEY = "a" * 64
REF = TicketRef("local", "L1")


class Hours:
    """A clock whose two times go each their own way."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady


class Post:
    """A dispatcher on new records, and the stand-ins for couriers that it starts."""

    def __init__(self, folder: Path, store: Store, news: Mapping[str, Callable[[Path], str]] | None = None) -> None:
        self.folder = folder
        self.store = store
        self.clock = Hours()
        self.stand_in = folder / "courier"
        self.config = ConfigFile(str(folder / "foretell.toml"), "")
        self.dispatcher = Dispatcher(
            store,
            folder,
            self.config,
            HostIdentity(id="h1", name="web01", os=""),
            delivery=DeliverySettings(desk="local", poll=POLL),
            rating_within=0.0,
            clock=self.clock,
            news=news or {},
        )

    def configure(self, text: str) -> None:
        """Let the couriers be handed a configuration that says this."""
        self.config = self.dispatcher.config = ConfigFile(self.config.path, text)

    def couriers_do(self, script: str) -> None:
        """Let each courier write down its job and then do this."""
        write_down = f'job=$(cat)\nprintf "%s\\n" "$job" >> {self.folder}/jobs\n'
        self.stand_in.write_text(f"#!/bin/sh\n{write_down}{script}\n")
        self.stand_in.chmod(0o700)

    def child(self, desk: str) -> object:
        """The process that serves a desk."""
        return self.dispatcher._couriers[desk]._child

    @property
    def jobs(self) -> list[Job]:
        """What couriers were started with."""
        file = self.folder / "jobs"
        lines = file.read_text().splitlines() if file.exists() else []
        return [msgspec.json.decode(line, type=Job) for line in lines]

    def save(self, **values: object) -> Case:
        """Write down a case with an open ticket."""
        case = Case(
            key=KEY,
            rule="disk_space",
            subject={"mountpoint": "/srv"},
            state="open",
            severity=Severity.CRITICAL,
            ticket=REF,
            first_seen=NOW,
            last_seen=NOW,
            changed_at=NOW,
            evidence={"value": 1e9, "whole": 1e11, "unit": "bytes"},
        )
        case = msgspec.structs.replace(case, **values)
        self.store.save_case(case, [], NOW)
        return case

    def queue(self, desk: str = "local", *, copy: bool = False) -> None:
        """Have a ticket to open."""
        facts = pack(case_facts(self.save(ticket=None), {}))
        opening = Operation(
            id=f"a-{desk}",
            case=KEY,
            kind="open",
            topic="opened",
            desk=desk,
            copy=copy,
            facts=facts,
            created_at=NOW,
        )
        Outbox(self.store).queue(opening)

    def opened(self, **values: object) -> None:
        """Have a ticket that we opened just now."""
        self.queue()
        Outbox(self.store).done("a-local", REF, self.clock.now())
        self.save(**values)

    def consider(self, after: float = 0.0) -> dict[str, str]:
        """Let time pass by both clocks, ask the dispatcher, and wait for the couriers that it started."""
        self.clock.wall += after
        self.clock.steady += after
        outcomes = self.dispatcher.consider(self.clock.wall)
        self.dispatcher.wait(20)
        return outcomes


@pytest.fixture
def post(tmp_path) -> Iterator[Post]:
    """Return a dispatcher with nothing to do."""
    with Store.open(tmp_path, now=NOW) as store:
        store.rebuilt("local")
        post = Post(tmp_path, store)
        yield post
        post.dispatcher.stop(0)


@pytest.fixture
def stand_in(post, monkeypatch) -> Post:
    """Return the same, with couriers that only write down their job."""
    post.couriers_do("")
    monkeypatch.setattr("agent.delivery.courier_process.sys", SimpleNamespace(executable=str(post.stand_in)))
    return post


def test_a_real_courier_opens_the_ticket_and_tells_how_the_desk_was(post):
    """From the outbox to the desk and back, in a process of its own."""
    post.queue()
    assert post.consider() == {}
    assert post.consider() == {"local": "ok"}
    [ticket] = LocalDesk(post.folder, "local", NOW).tickets()
    assert ticket.key == KEY
    assert post.dispatcher.health("local").reachable
    assert [event.ref for event in post.store.take_events()] == [ticket.ref]
    assert post.consider(DAY) == {}


def test_a_real_courier_that_cannot_read_its_configuration_is_reported(post):
    """Somebody broke the file under the running daemon: the work stays."""
    post.queue()
    post.configure("delivery.desk = 1\n")
    post.consider()
    assert post.consider() == {"local": "failed"}
    assert Outbox(post.store).summary("local").waiting == 1


def test_a_real_courier_leaves_the_desk_to_one_that_is_at_work_there(post):
    """An earlier daemon's: nothing is known of how it will end, and the work stays."""
    post.queue()
    with lock(post.folder, lock_name("local")):
        post.consider()
        assert post.consider() == {}
    assert Outbox(post.store).summary("local").waiting == 1


def test_without_work_none_is_started(stand_in):
    """The usual minute of a healthy host."""
    for _ in range(100):
        assert stand_in.consider(MINUTE) == {}
    assert stand_in.jobs == []


def test_what_nobody_changed_is_not_read_again(stand_in):
    """Each cycle asks whether somebody has; which tickets are due is reckoned less often."""
    stand_in.consider()
    statements = []
    stand_in.store.database._connection.set_trace_callback(statements.append)
    for _ in range(5):
        stand_in.consider()
    assert statements == ["PRAGMA data_version"] * 5


class TestAnotherProcess:
    """The command line and couriers write the same records: what they changed is seen the next time."""

    @pytest.fixture(autouse=True)
    def other(self, stand_in) -> Iterator[Store]:
        """Return the records as another one has them open, who does all from now on; the dispatcher has read its own."""
        with Store.open(stand_in.folder) as other:
            for _ in range(3):
                stand_in.consider()
            stand_in.store = other
            yield other

    def test_ends_the_rest_of_a_desk(self, stand_in, other):
        """And has it told again what stands there."""
        other.set_desk_health("local", DeskHealth(not_before=NOW + DAY, standing=True))
        stand_in.consider(2 * POLL)
        assert stand_in.jobs == []
        other.set_desk_health("local", DeskHealth(standing=True))
        stand_in.consider()
        assert [job.poll for job in stand_in.jobs] == [True]

    def test_makes_a_desk_rest(self, stand_in, other):
        """Whatever waits."""
        stand_in.queue()
        stand_in.consider()
        other.set_desk_health("local", DeskHealth(not_before=NOW + HOUR))
        stand_in.consider()
        assert len(stand_in.jobs) == 1

    @pytest.mark.parametrize("desk", ["local", "old"])
    def test_queues_something(self, stand_in, desk):
        """Also for a desk that was not served until now."""
        stand_in.save(ticket=None)
        stand_in.consider()
        stand_in.queue(desk)
        stand_in.consider()
        assert [job.desk for job in stand_in.jobs] == [desk]

    def test_wants_desks_to_be_asked_what_they_have_open(self, stand_in, other):
        """Until they have told."""
        other.want_rebuild(NOW)
        stand_in.consider()
        stand_in.consider()
        assert [job.rebuild for job in stand_in.jobs] == [True, True]
        other.rebuilt("local")
        stand_in.consider()
        assert len(stand_in.jobs) == 2


def test_the_job_says_all_a_courier_needs(stand_in):
    """Where, for whom, and what time it is."""
    stand_in.queue()
    stand_in.consider()
    [job] = stand_in.jobs
    assert (job.config, job.state_dir) == (stand_in.config, str(stand_in.folder))
    assert (job.host.id, job.desk, job.now, job.poll, job.rebuild) == ("h1", "local", NOW, False, False)


def test_one_works_at_a_time(stand_in):
    """However long it takes; the next one starts when it has ended."""
    stand_in.couriers_do("exec sleep 60")
    stand_in.queue()
    stand_in.dispatcher.consider(NOW)
    first = stand_in.child("local")
    assert stand_in.dispatcher.consider(NOW) == {}
    assert stand_in.child("local") is first
    stand_in.dispatcher.stop(0)
    assert first.returncode is not None


def test_one_that_never_ends_is_ended(stand_in):
    """By the steady clock, after ten minutes; its children go with it."""
    stand_in.couriers_do("sleep 60 & wait")
    stand_in.queue()
    stand_in.dispatcher.consider(NOW)
    stand_in.clock.wall += DAY
    assert stand_in.dispatcher.consider(NOW) == {}
    stand_in.clock.steady += LONGEST_BATCH
    assert stand_in.dispatcher.consider(NOW) == {"local": "failed"}


def test_one_that_dies_is_reported_once_and_followed_by_another(stand_in):
    """Its work is still there; the desk at which it died rests first, or couriers would die there every minute."""
    stand_in.couriers_do("kill -9 $$")
    stand_in.queue()
    assert stand_in.consider() == {}
    stand_in.couriers_do("")
    assert stand_in.consider() == {"local": "failed"}
    assert len(stand_in.jobs) == 1
    health = stand_in.dispatcher.health("local")
    assert (health.reachable, health.detail) == (False, "the courier ended with status -9, see the log")
    stand_in.consider(health.not_before - stand_in.clock.wall)
    assert len(stand_in.jobs) == 2


def test_how_the_desk_was_is_how_the_batch_ended(stand_in):
    """As the courier wrote it down."""
    stand_in.queue()
    stand_in.consider()
    health = DeskHealth(reachable=False, reason="throttled", not_before=NOW + HOUR)
    stand_in.store.set_desk_health("local", health)
    assert stand_in.consider() == {"local": "throttled"}


def test_the_talk_with_the_service_manager_is_withheld(stand_in, monkeypatch):
    """A courier that notified or fed the watchdog would speak for the daemon."""
    for name in WITHHELD:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    stand_in.couriers_do(f"env > {stand_in.folder}/environment")
    stand_in.queue()
    stand_in.consider()
    names = {line.partition("=")[0] for line in (stand_in.folder / "environment").read_text().splitlines()}
    assert not names & WITHHELD
    assert "CREDENTIALS_DIRECTORY" in names


def test_a_desk_where_something_stands_gets_its_rounds(stand_in):
    """Whether or not a ticket is looked at there, and until nothing stands any more; a minute between two is too short."""
    standing = DeskHealth(reachable=True, standing=True)
    stand_in.store.set_desk_health("local", standing)
    for passed, rounds in ((0.0, 1), (MINUTE, 1), (2 * POLL, 2)):
        stand_in.consider(passed)
        stand_in.consider()
        assert [job.poll for job in stand_in.jobs] == [True] * rounds
    stand_in.store.set_desk_health("local", DeskHealth(reachable=True))
    stand_in.consider(2 * POLL)
    assert len(stand_in.jobs) == 2


class TestManyDesks:
    """Each is served by couriers of its own."""

    @pytest.fixture
    def two(self, stand_in) -> Post:
        """Return a post with work for two desks, one of which no route leads to any more."""
        stand_in.queue()
        stand_in.queue(desk="old")
        return stand_in

    def test_each_desk_with_work_gets_a_courier(self, two):
        """Also one that the configuration no longer names, or its work would wait unseen."""
        two.consider()
        assert sorted(job.desk for job in two.jobs) == ["local", "old"]
        assert two.dispatcher.desks == ("local", "old")

    def test_one_that_hangs_holds_nobody_up(self, two):
        """The other is served again and again."""
        two.couriers_do("""case $job in *'"desk":"old"'*) exec sleep 60;; esac""")
        two.dispatcher.consider(NOW)
        hanging = two.child("old")
        for _ in range(2):
            two.child("local").wait(20)
            two.store.set_desk_health("local", DeskHealth(reachable=True))
            assert two.dispatcher.consider(two.clock.wall) == {"local": "ok"}
        assert len(two.jobs) >= 3
        assert two.child("old") is hanging
        two.dispatcher.stop(0)

    def test_one_that_rests_does_not_make_the_other_rest(self, two):
        """Each has a health of its own."""
        two.store.set_desk_health("local", DeskHealth(reachable=False, not_before=NOW + HOUR))
        two.consider()
        assert [job.desk for job in two.jobs] == ["old"]

    def test_tickets_are_looked_at_where_they_are(self, stand_in):
        """Each desk in a rhythm of its own."""
        stand_in.save()
        stand_in.save(key="b" * 64, ticket=TicketRef("old", "7"))
        stand_in.dispatcher._serve("old")
        stand_in.consider()
        assert sorted((job.desk, job.poll) for job in stand_in.jobs) == [("local", True), ("old", True)]

    def test_new_records_ask_each_desk(self, stand_in):
        """Each once."""
        (stand_in.folder / "new").mkdir()
        with Store.open(stand_in.folder / "new", now=NOW) as new:
            new.rebuilt("local")
            stand_in.dispatcher.store = new
            stand_in.dispatcher._serve("old")
            stand_in.consider()
        assert [(job.desk, job.rebuild) for job in stand_in.jobs] == [("old", True)]

    def test_a_courier_for_a_desk_that_is_gone_says_so(self, post):
        """The work stays until the desk is back, or a person drops it."""
        post.queue(desk="old")
        post.consider()
        assert post.consider() == {"old": "not_authorised"}
        health = post.dispatcher.health("old")
        assert health.detail == "there is no [desks.old] any more, and it still has tickets of ours or work to do"
        assert Outbox(post.store).summary("old").waiting == 1

    def test_two_real_couriers_work_at_the_same_time(self, post):
        """One case, its home and its copy, in one round."""
        post.configure('[desks.local]\nclient = "local"\n[desks.second]\nlike = "local"\n')
        post.queue()
        post.queue(desk="second", copy=True)
        post.consider()
        assert post.consider() == {"local": "ok", "second": "ok"}
        home, copy = sorted(
            (event for event in post.store.take_events() if isinstance(event, Delivered)), key=lambda event: event.copy
        )
        assert (home.ref.desk, copy.ref.desk, home.copy, copy.copy) == ("local", "second", False, True)
        keys = {ticket.ref.id: ticket.key for ticket in LocalDesk(post.folder, "local", NOW).tickets()}
        assert (keys[home.ref.id], keys[copy.ref.id]) == (KEY, copy_key(KEY, "second"))


class TestTheDeskRests:
    """After a failure it is left in peace."""

    def test_nothing_is_started_before_its_rest_is_over(self, stand_in):
        """Whatever waits."""
        stand_in.queue()
        stand_in.store.set_desk_health("local", DeskHealth(reachable=False, not_before=NOW + HOUR))
        stand_in.consider(HOUR - 1)
        assert stand_in.jobs == []
        stand_in.consider(1)
        assert len(stand_in.jobs) == 1

    def test_a_rest_until_next_month_is_from_a_clock_that_lied(self, stand_in):
        """It is over."""
        stand_in.queue()
        stand_in.store.set_desk_health("local", DeskHealth(reachable=False, not_before=NOW + 30 * DAY))
        stand_in.consider()
        assert len(stand_in.jobs) == 1

    def test_it_lasts_as_long_when_the_clock_is_moved(self, stand_in):
        """Set back by twenty hours, it does not become so much longer."""
        stand_in.queue()
        stand_in.store.set_desk_health("local", DeskHealth(reachable=False, not_before=NOW + HOUR))
        stand_in.clock.wall -= 20 * HOUR
        stand_in.dispatcher.clock_moved(-20 * HOUR)
        stand_in.consider(HOUR - 1)
        assert stand_in.jobs == []
        stand_in.consider(1)
        assert len(stand_in.jobs) == 1

    def test_a_courier_is_told_for_how_long_the_clock_was_watched(self, stand_in):
        """Since the start, or since it was moved."""
        stand_in.queue()
        stand_in.consider(HOUR)
        stand_in.dispatcher.recall()
        stand_in.consider(MINUTE)
        assert [job.watched for job in stand_in.jobs] == [HOUR, MINUTE]

    def test_couriers_at_work_are_recalled_and_the_desk_is_not_blamed(self, stand_in):
        """They would write down until when a desk rests by the time that was, which may be a day away from ours."""
        stand_in.couriers_do("sleep 600")
        stand_in.queue()
        stand_in.dispatcher.consider(NOW)
        at_work = stand_in.child("local")
        stand_in.dispatcher.recall()
        assert at_work.poll() is not None
        assert stand_in.child("local") is None
        assert stand_in.store.desk_health("local").failures == 0


class TestLooking:
    """Open tickets are looked at in a rhythm of the steady clock."""

    def looks(self, post: Post, *, after: float) -> int:
        """Return how many looks there have been when so much time has passed."""
        post.consider(after)
        return sum(job.poll for job in post.jobs)

    def test_only_while_there_are_any(self, stand_in):
        """Pending and closed cases have none that matters."""
        for state in ("pending", "closed"):
            stand_in.save(state=state)
            assert self.looks(stand_in, after=DAY) == 0
        stand_in.save(ticket=None)
        assert self.looks(stand_in, after=DAY) == 0
        stand_in.save()
        assert self.looks(stand_in, after=DAY) == 1

    @pytest.mark.parametrize("priority", RESTS)
    def test_in_the_rhythm_of_its_priority(self, stand_in, priority):
        """A little more or less by host, whatever the wall clock does."""
        rhythm = RESTS[priority] * POLL
        stand_in.save(priority=priority)
        assert self.looks(stand_in, after=0) == 1
        stand_in.clock.wall += 10 * DAY
        assert self.looks(stand_in, after=0.89 * rhythm) == 1
        stand_in.clock.wall -= 20 * DAY
        assert self.looks(stand_in, after=0.22 * rhythm) == 2

    @pytest.mark.parametrize("priority", RESTS)
    def test_what_was_just_made_is_left_alone_first(self, stand_in, priority):
        """As long as after a look: nobody has had more time to answer."""
        rhythm = RESTS[priority] * POLL
        stand_in.opened(priority=priority)
        assert self.looks(stand_in, after=0) == 0
        assert self.looks(stand_in, after=0.89 * rhythm) == 0
        assert self.looks(stand_in, after=0.22 * rhythm) == 1

    def test_what_was_made_later_than_now_is_looked_at(self, stand_in):
        """The clock was set back since: nobody knows how long ago that was."""
        stand_in.opened(priority="P4")
        stand_in.clock.wall -= DAY
        assert self.looks(stand_in, after=0) == 1

    def test_each_ticket_in_its_own(self, stand_in):
        """One that is urgent does not have the others looked at."""
        stand_in.save(priority="P2")
        stand_in.save(key="b" * 64, priority="P4")
        for _ in range(5):
            stand_in.consider(1.1 * POLL)
        assert [[key[0] for key in job.looks] for job in stand_in.jobs] == [["a", "b"], ["a"], ["a"], ["a"], ["a", "b"]]

    def test_what_a_courier_did_not_get_to_see_is_due_when_the_desk_may_be_asked_again(self, stand_in):
        """However long the ticket could have been left alone."""
        stand_in.save(priority="P4")
        stand_in.consider()
        stand_in.store.set_desk_health(
            "local", DeskHealth(reachable=False, reason="unreachable", not_before=NOW + POLL)
        )
        assert self.looks(stand_in, after=0.9 * POLL) == 1
        assert self.looks(stand_in, after=0.3 * POLL) == 2

    def test_where_nothing_can_be_read_no_courier_is_started_to_look(self, stand_in):
        """A mailbox that nobody lets us read: the first one, which tells so, is enough until the agent starts anew."""
        stand_in.save(priority="P1")
        stand_in.consider()
        stand_in.store.set_desk_health("local", DeskHealth(reachable=True, read=False))
        assert [self.looks(stand_in, after=POLL) for _ in range(9)] == [1] * 9

    def test_no_more_than_a_batch_holds_and_the_rest_in_the_next(self, stand_in):
        """What had to wait is still due."""
        keys = [f"{number:064x}" for number in range(LOOKS + 1)]
        for key in keys:
            stand_in.save(key=key)
        stand_in.consider()
        stand_in.consider(POLL * RESTS["P1"] * 1.1)
        assert [list(job.looks) for job in stand_in.jobs] == [keys[:LOOKS], keys[LOOKS:]]

    def test_new_records_ask_what_there_is(self, stand_in):
        """Before there is anything to send."""
        (stand_in.folder / "new").mkdir()
        with Store.open(stand_in.folder / "new", now=NOW) as new:
            stand_in.dispatcher.store = new
            stand_in.consider()
        assert [job.rebuild for job in stand_in.jobs] == [True]

    def test_what_another_courier_kept_it_from_is_due_again(self, stand_in):
        """One that an earlier daemon had started; how that one found the desk tells nothing of what ours was to look at."""
        stand_in.save(priority="P4")
        stand_in.store.set_desk_health("local", DeskHealth(reachable=True, all_seen=True))
        stand_in.couriers_do(f"exit {BUSY}")
        assert self.looks(stand_in, after=0) == 1
        assert stand_in.dispatcher.consider(NOW) == {}
        assert self.looks(stand_in, after=0.3 * POLL) == 2


class TestNothingNew:
    """A desk that tells what is new is looked at when something is: real couriers at the real one."""

    @pytest.fixture
    def seen(self, post) -> Post:
        """Return a post with an urgent ticket that somebody answered and that was looked at since."""
        post = self.telling(post)
        post.queue()
        post.consider()
        post.save(priority="P1")
        assert self.looks(post) == 0  # nobody has ever done anything here
        LocalDesk(post.folder, "local", NOW).record_act(REF, "reply", by="ann", text="On it.")
        assert self.looks(post) == 1
        post.store.take_events()
        return post

    @pytest.fixture(autouse=True)
    def _begun(self, begun) -> None:
        self.begun: list[Job] = begun

    def telling(self, post: Post) -> Post:
        """Return a post on the same records whose desk tells what is new."""
        return Post(post.folder, post.store, {"local": PLUGIN.news})

    def looks(self, post: Post, after: float = HOUR) -> int:
        """Return how many couriers are sent to look when so much time has passed, and how that ended is known."""
        self.begun.clear()
        post.consider(after)
        post.consider()
        return sum(job.poll for job in self.begun)

    def test_no_courier_is_sent_while_nobody_has_done_anything(self, seen):
        """Day after day."""
        assert [self.looks(seen) for _ in range(48)] == [0] * 48

    def test_what_somebody_does_is_seen_when_the_ticket_is_due(self, seen):
        """Once: after that it is old, too."""
        self.looks(seen)
        LocalDesk(seen.folder, "local", NOW).record_act(REF, "acknowledge", by="ann")
        assert self.looks(seen, after=0) == 0
        assert self.looks(seen) == 1
        [event] = seen.store.take_events()
        assert [act.kind for act in event.state.acts][-1] == "acknowledge"
        assert self.looks(seen) == 0

    def test_what_is_written_and_not_yet_in_the_file_is_seen(self, seen):
        """Whoever holds the desk open keeps changes in the log beside it."""
        with contextlib.closing(sqlite3.connect(seen.folder / FILE_NAME)) as held:
            held.execute("SELECT * FROM tickets").fetchall()
            before = (seen.folder / FILE_NAME).stat()
            LocalDesk(seen.folder, "local", NOW).record_act(REF, "acknowledge", by="ann")
            assert (seen.folder / FILE_NAME).stat().st_mtime_ns == before.st_mtime_ns
            assert self.looks(seen) == 1

    def test_a_file_that_came_back_from_a_backup_is_looked_at(self, seen):
        """As old and as large as it was: it is another."""
        file = seen.folder / FILE_NAME
        shutil.copy2(file, seen.folder / "copy")
        (seen.folder / "copy").replace(file)
        assert self.looks(seen) == 1

    def test_a_case_that_is_no_more_as_it_was_is_looked_at(self, seen):
        """What the desk shows may mean something else to it."""
        seen.save(priority="P1", state="awaiting_confirmation", changed_at=NOW + HOUR)
        assert self.looks(seen) == 1
        assert self.looks(seen) == 0

    def test_so_is_one_that_is_no_more_as_when_its_ticket_was_opened(self, post):
        """Though nobody has ever done anything there."""
        post = self.telling(post)
        post.queue()
        post.consider()
        post.save(priority="P1")
        assert [self.looks(post) for _ in range(3)] == [0] * 3
        post.save(priority="P1", state="recovering", changed_at=post.clock.now())
        assert [self.looks(post) for _ in range(3)] == [1, 0, 0]

    def test_a_ticket_is_looked_at_until_it_was_seen(self, seen):
        """Where the courier fails, or was told of another ticket only."""
        seen.save(key="b" * 64, ticket=TicketRef("local", "L1"), priority="P1")
        seen.configure("delivery.desk = 1\n")
        assert self.looks(seen) == 1
        seen.configure("")
        assert self.looks(seen) == 1
        assert self.looks(seen) == 0

    def test_a_desk_that_cannot_be_read_here_is_looked_at(self, seen):
        """The courier says what is wrong with it."""
        (seen.folder / FILE_NAME).write_bytes(b"no database")
        assert [self.looks(seen, after=DAY) for _ in range(2)] == [1, 1]

    def test_an_agent_that_begins_looks_first(self, seen):
        """It has not seen what there was before."""
        again = self.telling(seen)
        assert self.looks(again) == 1
        assert self.looks(again) == 0
