"""A history through the agent's own code: which tickets it opens, and that it is the daemon's answer."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from agent.collecting import Collection
from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.pipeline import Pipeline
from agent.replay.recording import Series
from agent.replay.replay import Replay
from agent.store import History, Store
from agent.system.host import HostIdentity
from collectors import Labels

START = 1_772_668_800.0  # 2026-03-05 00:00 UTC
WHOLE = 100e9


@pytest.fixture(scope="module")
def configuration():
    return load(Path("/dev/null"), parts={"collectors", "rules"})


@cache
def series(name, host, mount):
    """Return the series of that name: there is one."""
    return Series(host, name, "bytes", Labels({"mountpoint": mount, "fstype": "ext4", "device": "/dev/sda1"}))


def disk(at, left, host="web01", mount="/srv"):
    """Return what the disk collector says of one file system."""
    told = {"filesystem_avail_bytes": left, "filesystem_size_bytes": WHOLE}
    return [(series(name, host, mount), value, at) for name, value in told.items()]


def filling(days=14, per_day=6e9, host="web01"):
    """Return a disk that fills evenly from 60 GB left, and is made empty two days after it is full."""
    history = []
    for hour in range(int(days * 24)):
        left = max(60e9 - per_day * hour / 24, 0.0)
        history += disk(START + hour * HOUR, 90e9 if hour / 24 > 60e9 / per_day + 2 else left, host)
    return history


def replay(configuration, history):
    one = Replay(configuration)
    one.feed(history)
    return one.outcome()


def test_a_disk_that_fills_is_one_ticket_before_it_is_full(configuration):
    """Opened before the crossing, noticed when the limit is reached, over when room was made and that was verified."""
    outcome = replay(configuration, filling())
    (ticket,) = outcome.tickets
    full, emptied = START + 10 * DAY, START + 12 * DAY
    assert ticket.opened_at < full - DAY
    assert full - 2 * HOUR <= ticket.crossed_at <= full + HOUR
    assert emptied <= ticket.closed_at <= emptied + 6 * HOUR
    assert ticket.subject == {"mountpoint": "/srv", "host": "web01"}
    assert outcome.missed == []
    assert (outcome.hosts, outcome.series, outcome.unknown) == (1, 2, 0)


def test_a_limit_that_nobody_told_of_is_missed(configuration):
    """What falls from much room to none between two readings could not be told before."""
    history = [one for hour in range(48) for one in disk(START + hour * HOUR, 60e9 if hour < 40 else 0.0)]
    (missed,) = replay(configuration, history).missed
    assert (missed.rule, missed.at) == ("disk_space", START + 40 * HOUR)


def test_what_was_full_from_the_start_is_not_missed(configuration):
    """Nobody could have told of it."""
    assert replay(configuration, [one for hour in range(9) for one in disk(START + hour * HOUR, 0.0)]).missed == []


def test_hosts_are_judged_by_themselves(configuration):
    """In whatever way their rows are mixed; the same disk on two hosts is two tickets."""
    apart = filling(host="web01") + filling(host="web02")
    mixed = sorted(apart, key=lambda recorded: recorded[2])
    both = replay(configuration, apart)
    assert {ticket.host for ticket in both.tickets} == {"web01", "web02"}
    assert replay(configuration, mixed).tickets == both.tickets


def test_a_steady_host_opens_nothing(configuration):
    """Half full for a month."""
    history = [one for hour in range(30 * 24) for one in disk(START + hour * HOUR, 50e9)]
    outcome = replay(configuration, history)
    assert (outcome.tickets, outcome.missed) == ([], [])
    assert outcome.host_days == pytest.approx(30, abs=0.1)


def test_a_slower_series_counts_until_it_misses_its_own_rhythm(configuration):
    """A size that is told every six hours goes with room that is told every hour."""
    history = [
        (series, value, at)
        for series, value, at in filling()
        if series.name == "filesystem_avail_bytes" or (at - START) % (6 * HOUR) == 0
    ]
    assert len(replay(configuration, history).tickets) == 1


def test_the_daemon_opens_the_same_tickets(configuration, tmp_path):
    """Fed live, cycle by cycle, into the daemon's pipeline, the same history opens the same cases at the same time."""
    history = filling(days=11)
    with Store.open(tmp_path) as store:
        store.installed_at = START - 30 * DAY
        now = Collection()
        settings = configuration.settings
        pipeline = Pipeline(
            configuration,
            HostIdentity(id="web01", name="web01", os=""),
            store,
            History(store, settings.history),
            lambda _: now,
        )
        opened = {}
        for at in sorted({at for _, _, at in history}):
            now = Collection(
                readings=tuple(series.reading(value, then) for series, value, then in history if then == at)
            )
            for operation in pipeline.cycle(at).queued:
                if operation.kind == "open":
                    opened[operation.case] = at
    assert opened == {ticket.key: ticket.opened_at for ticket in replay(configuration, history).tickets}
    assert opened


def test_a_value_that_is_no_number_is_said_and_breaks_nothing(configuration):
    """A subject of which nothing else was ever read could never be judged."""
    history = [one for minute in range(9) for one in disk(START + minute * MINUTE, float("nan"))]
    outcome = replay(configuration, history)
    assert (outcome.tickets, outcome.unknown) == ([], 1)
