"""The relay put together from a configuration file: what it refuses, and that a process of it starts and stops in order."""

import re
import signal
import threading

import pytest
import requests

from agent.configuration.config import load
from agent.configuration.decode import ConfigErrors
from agent.relay.relay import Relay, _Clients
from fleet import alert, notification
from fleet_desk import desk_table
from fleet_parts import AGENTS_SECRET, Replica, wait_until

DESK = """
[delivery]
desk = "desk"
[desks.desk]
client = "redmine"
url = "http://127.0.0.1:9"
project = "p"
tracker = 1
key_field = 1
host_field = 2
"""


def configured(folder, text, desk=DESK):
    """Return the configuration that says this, with a secret called `am`."""
    (folder / "am").write_text("am-secret-1")
    path = folder / "relay.toml"
    path.write_text(f'secrets.am = "{folder / "am"}"\n{text}\n{desk}')
    return load(path, parts={"desks"})


LISTEN = 'relay.listen = "127.0.0.1:0"\n'


@pytest.mark.parametrize(
    ("text", "desk", "key"),
    [
        ("", DESK, "relay.clients"),
        ('relay.clients.ca_file = "ca.pem"', DESK, "relay.certificate_file"),
        ('relay.clients.alertmanager_secret = "am"', "", "relay.desk"),
        (
            'relay.clients.alertmanager_secret = "am"\nrelay.alertmanager.urls = ["http://am.example"]',
            DESK,
            "relay.alertmanager",
        ),
        (
            'relay.clients.alertmanager_secret = "am"\nrelay.alertmanager = { urls = ["http://127.0.0.1:9"], secret = "x" }',
            DESK,
            "relay.alertmanager.secret",
        ),
    ],
)
def test_what_would_let_anybody_in_or_never_work_is_refused_with_its_key(tmp_path, text, desk, key):
    with pytest.raises(ConfigErrors, match=re.escape(key)):
        Relay(configured(tmp_path, LISTEN + text, desk))


def test_a_desk_that_is_not_there_is_a_mistake_in_the_file(tmp_path):
    with pytest.raises(ConfigErrors, match=re.escape("relay.desk")):
        configured(tmp_path, 'relay.desk = "other"')


def test_it_answers_until_it_is_stopped_and_says_what_is_in_its_way(tmp_path):
    """The desk's secret is not there: nothing is acknowledged, and `/readyz` says why."""
    relay = Relay(configured(tmp_path, f'{LISTEN}relay.clients.alertmanager_secret = "am"'))
    serving = threading.Thread(target=relay.serve)
    serving.start()
    try:
        url = f"http://{relay.address}"
        headers = {"Authorization": "Bearer am-secret-1"}
        answer = requests.post(f"{url}/alertmanager", notification(alert(1)), headers=headers, timeout=30)
        assert answer.status_code == 503
        assert requests.get(f"{url}/healthz", timeout=30).ok
        ready = requests.get(f"{url}/readyz", timeout=30)
        assert ready.status_code == 503
        assert 'secret "redmine"' in ready.text
    finally:
        relay.stop()
        serving.join(30)
    assert not serving.is_alive()


def test_told_by_a_signal_it_goes_on_with_its_configuration_as_it_is_now_and_with_the_old_one_while_that_is_wrong(
    tmp_path,
):
    """No connection is refused meanwhile, and no notification forgotten: only what is asked later is asked by the new one."""
    replica = Replica(tmp_path, desk_table("http://127.0.0.1:9"), [])
    config = tmp_path / "relay.toml"
    good = config.read_text()

    def told(text, words):
        """Say this in the file, and wait until the log says so."""
        config.write_text(text)
        replica.process.send_signal(signal.SIGHUP)
        wait_until(lambda: words in replica.log.read_text())

    def taken(size):
        headers = {"Authorization": f"Bearer {AGENTS_SECRET}"}
        url = f"{replica.url}/v1/cases/{'a' * 64}/files/x.gz"
        return requests.put(url, b"x" * size, headers=headers, timeout=30).status_code != 413

    replica.start()
    try:
        assert taken(200)
        told(good.replace("[relay]", "[relay]\nlargest_file = 100"), "going on with the configuration")
        assert not taken(200)
        told(good.replace("[relay]", "[relay]\nlargest_file = 'many'"), "the old one stays in force")
        assert "relay.largest_file" in replica.log.read_text()
        assert not taken(200)
        told(good.replace(f":{replica.port}", f":{replica.port + 1}"), "this counts after a restart only")
        wait_until(lambda: taken(200))
    finally:
        replica.stop()


def test_each_thread_has_a_client_of_its_own_for_a_minute():
    """What a client keeps of a desk is not shared, and a rotated secret is not missed for long."""
    now, made = [0.0], []
    clients = _Clients(lambda: made.append(object()) or made[-1], lambda: now[0])
    first = clients.get()
    assert clients.get() is first
    other = []
    thread = threading.Thread(target=lambda: other.append(clients.get()))
    thread.start()
    thread.join()
    assert other[0] is not first
    now[0] = 61.0
    assert clients.get() is not first
