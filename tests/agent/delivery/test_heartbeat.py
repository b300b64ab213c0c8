"""The heartbeat: sent by a child when it is due, to an address that stays a secret, and missed where it is not taken."""

from __future__ import annotations

import time

import pytest

from agent.configuration.config import load
from agent.configuration.decode import decode
from agent.configuration.settings import HeartbeatSettings
from agent.delivery.heartbeat import Beat, Heartbeat
from agent.delivery.showing_life import NotSent, send
from agent.system.host import HostIdentity
from fake_alertmanager import FakeAlertmanager
from loopback import Page, web_server

SECRET = "/ping/0f3e-planted"


class Hand:
    """A monotonic clock moved by hand."""

    def __init__(self):
        self.time = 1000.0

    def now(self):
        return self.time

    def monotonic(self):
        return self.time


def beat_of(folder, settings, *, config=None, **files):
    """Return the heartbeat of a host called web01, with secrets in `files`."""
    secrets = {}
    for name, text in files.items():
        (folder / name).write_text(text)
        secrets[name] = str(folder / name)
    host = HostIdentity(id="h1", name="web01", os="Debian 12")
    return Beat(settings=settings, secrets=secrets, config=config, state_dir=str(folder), host=host)


@pytest.fixture
def beating(tmp_path):
    """Return a function that makes the heartbeat of an address in a secret, with its clock."""
    made = []

    def beating(address, **settings):
        clock = Hand()
        chosen = HeartbeatSettings(url_secret="heartbeat", **settings)
        made.append(Heartbeat(beat_of(tmp_path, chosen, heartbeat=f"{address}{SECRET}\n"), clock))
        return made[-1], clock

    yield beating
    for one in made:
        one.stop()


def settled(heartbeat):
    """Wait until the child has ended; return what it came to."""
    end = time.monotonic() + 20
    while heartbeat._child.at_work:
        assert time.monotonic() < end
        time.sleep(0.02)
        trouble = heartbeat.consider()
    return trouble


def test_it_is_sent_when_it_is_due_and_not_with_every_cycle(beating):
    """At the first cycle, and after five minutes again."""
    with web_server({SECRET: Page("OK")}) as (address, seen):
        heartbeat, clock = beating(address)
        assert heartbeat.consider() == ""
        assert settled(heartbeat) == ""
        clock.time += 299
        assert heartbeat.consider() == ""
        assert not heartbeat._child.at_work
        clock.time += 1
        heartbeat.consider()
        assert settled(heartbeat) == ""
    assert [path for path, _ in seen] == [SECRET, SECRET]


def test_that_it_was_not_taken_is_said_until_it_is_again(beating, capfd):
    """In the log with the host and the status, and never with the address."""
    pages = {SECRET: Page("gone", 404)}
    with web_server(pages) as (address, _):
        heartbeat, clock = beating(address)
        heartbeat.consider()
        assert "not taken" in settled(heartbeat)
        said = capfd.readouterr().err
        assert "404" in said
        assert SECRET not in said
        pages[SECRET] = Page("OK")
        clock.time += 300
        assert "not taken" in heartbeat.consider()
        assert settled(heartbeat) == ""


def test_what_is_not_taken_again_and_again_is_logged_once(beating, capfd):
    """Not with each heartbeat."""
    with web_server({SECRET: Page("gone", 404)}) as (address, seen):
        heartbeat, clock = beating(address)
        for _ in range(3):
            heartbeat.consider()
            assert "not taken" in settled(heartbeat)
            clock.time += 300
    assert len(seen) == 3
    assert capfd.readouterr().err.count("was not taken") == 1


class TestToldToADesk:
    """An Alertmanager is told an alert that stands while the agent lives."""

    @pytest.fixture
    def beat(self, tmp_path):
        """Return a function that makes the heartbeat that is told to the desk of `table`."""

        def beat(table):
            (tmp_path / "foretell.toml").write_text(
                f"[desks.fleet]\n{table}\n[delivery]\ndesk = 'fleet'\n[heartbeat]\ndesk = 'fleet'\n"
            )
            configuration = load(tmp_path / "foretell.toml", parts={"desks"})
            return beat_of(tmp_path, configuration.settings.heartbeat, config=configuration.file)

        return beat

    def test_it_stands_for_four_heartbeats(self, beat):
        """With the labels that IT gave the host, and no key, which would make it a case."""
        with FakeAlertmanager().running() as member:
            heartbeat = Heartbeat(
                beat(f'client = "alertmanager"\nurls = ["{member.url}"]\nlabels = {{site = "berlin"}}'), Hand()
            )
            heartbeat.consider()
            assert settled(heartbeat) == ""
            [alert] = member.standing()
        assert alert.labels == {"alertname": "ForetellAlive", "host": "web01", "host_id": "h1", "site": "berlin"}
        assert (alert.ends_at - alert.starts_at).total_seconds() == pytest.approx(4 * 300, abs=5)
        assert alert.is_life

    def test_a_member_that_does_not_hear_it_is_named(self, beat):
        """It will take the host for silent."""
        with FakeAlertmanager().running() as member:
            urls = f'["{member.url}", "http://127.0.0.1:9"]'
            with pytest.raises(NotSent, match=r"127\.0\.0\.1:9"):
                send(beat(f'client = "alertmanager"\nurls = {urls}'))
            assert member.standing()

    @pytest.mark.parametrize(
        ("table", "why"),
        [
            ('client = "local"', "takes no heartbeat"),
            ('client = "alertmanager"\nurls = ["http://127.0.0.1:9"]', "fleet"),
        ],
    )
    def test_one_that_cannot_take_it_is_named(self, beat, table, why):
        """Another kind of desk, nobody there."""
        with pytest.raises(NotSent, match=why):
            send(beat(table))


def test_without_anybody_to_hear_it_nothing_is_started(tmp_path):
    """Which is how it comes."""
    heartbeat = Heartbeat(beat_of(tmp_path, HeartbeatSettings()), Hand())
    assert heartbeat.consider() == ""
    assert not heartbeat._child.at_work


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://heartbeats.example/x", "in the clear"),
        ("heartbeats.example", "https://HOST/PATH"),
        ("http://127.0.0.1:9/x", "127.0.0.1 cannot be asked"),
    ],
)
def test_why_it_cannot_be_sent_is_said_without_the_address(tmp_path, address, why):
    """In the clear, no address, nobody there."""
    beat = beat_of(tmp_path, HeartbeatSettings(url_secret="heartbeat"), heartbeat=address)
    with pytest.raises(NotSent, match=why) as refused:
        send(beat)
    assert address not in str(refused.value)


@pytest.mark.parametrize(
    "table",
    [
        {"url": "http://heartbeats.example/x"},
        {"url": "https://a.example/x", "url_secret": "heartbeat"},
        {"url": "https://a.example/x", "desk": "fleet"},
    ],
)
def test_a_wrong_table_is_a_wrong_configuration(table):
    """An address in the clear, two addresses."""
    _, errors = decode(HeartbeatSettings, table, file="foretell.toml", key="heartbeat")
    assert errors
