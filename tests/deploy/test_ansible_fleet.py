"""The Ansible example for a fleet: what it writes on each side is what that side takes. The role itself: test_ansible.py.

Ansible writes with Jinja2, and so does this; what is looked up, in a vault or in files, stands here instead.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import jinja2
import pytest
import yaml

from agent.configuration.config import load
from agent.configuration.secrets import Secrets
from agent.configuration.settings import RelayClients
from agent.relay.access import Access
from agent.web.web_config import read_web_config

BOOK = Path(__file__).parents[2] / "deploy" / "ansible" / "fleet.yml"
HASH = "$2b$10$SH8J9EV.pnEr6WeJcWs8W.2aclXS/bzHgTOciOuMedzPVlYTZWV.W"
SITES = {"web01": "berlin", "web02": "paris"}
AGENTS, ALERTMANAGERS, RELAYS, PROMETHEUS = yaml.safe_load(BOOK.read_text("utf-8"))


def written(text, **changes):
    """Return what Ansible writes for a text of the book."""
    facts = {
        "inventory_hostname": "web01",
        "site": "berlin",
        "alertmanagers": ["https://alertmanager-1.example.com", "https://alertmanager-2.example.com"],
        "relay": "https://relay.example.com:19470",
        "groups": {"foretell": list(SITES)},
        "hostvars": {host: {"site": site} for host, site in SITES.items()},
        "vault_relay_tokens": {host: f"token-of-{host}" for host in SITES},
        "vault_alertmanager_password_hashes": dict.fromkeys(SITES, HASH),
        "vault_scrape_password_hash": HASH,
    }
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return environment.from_string(text).render(facts | changes)


def role(name):
    """Return one of the role's variables, as it is written."""
    [role] = AGENTS["roles"]
    return written(role["vars"][name])


def content(play, **changes):
    """Return what the one task of a play writes."""
    [task] = play["tasks"]
    return written(task["ansible.builtin.copy"]["content"], **changes)


def test_an_agents_configuration_is_one_and_names_what_the_role_brings(tmp_path):
    """Desk, secrets and certificates: each that is named is among the variables."""
    file = tmp_path / "foretell.toml"
    file.write_text(role("foretell_configuration"))
    configuration = load(file)
    _, options = configuration.desks["fleet"]
    assert configuration.settings.delivery.desk == "fleet"
    assert (options.user, options.labels) == ("web01", {"site": "berlin"})
    assert len(options.urls) == 2
    [given] = AGENTS["roles"]
    named = {options.ca_file, options.certificate_file, options.key_file}
    assert named == {f"/etc/foretell/tls/{name}" for name in given["vars"]["foretell_certificates"]}
    secrets = configuration.settings.secrets
    assert secrets == {name: f"/etc/foretell/secrets/{name}" for name in given["vars"]["foretell_secrets"]}
    assert {options.password_secret, options.relay_secret} == secrets.keys()
    assert configuration.settings.agent.web_config == "/etc/foretell/web.yml"


@pytest.fixture
def put(tmp_path):
    """Return a function that writes a web configuration down, its certificates in place; it returns the file."""

    def put(text):
        request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 5 -subj /CN=here"
        subprocess.run(["openssl", *request.split()], cwd=tmp_path, check=True, capture_output=True)
        for line in text.splitlines():
            key, _, path = line.strip().partition(": ")
            if key in {"cert_file", "client_ca_file", "key_file"}:
                text = text.replace(path, str(tmp_path / ("key.pem" if key == "key_file" else "cert.pem")))
        file = tmp_path / "web.yml"
        file.write_text(text)
        return file

    return put


def test_the_agents_page_takes_its_web_configuration(put):
    """As the agent reads it when it starts."""
    told, tls = read_web_config(put(role("foretell_web_configuration")))
    assert told.basic_auth_users == {"prometheus": HASH}
    assert tls is not None


@pytest.mark.parametrize(
    "text", [role("foretell_web_configuration"), content(ALERTMANAGERS)], ids=["agent", "alertmanager"]
)
def test_prometheus_own_program_takes_the_web_configurations(put, text):
    """Keys and values, for the agent's page as for an Alertmanager."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian package prometheus): the web configurations were NOT checked")
    done = subprocess.run(["promtool", "check", "web-config", put(text)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_host_that_left_the_group_is_let_in_nowhere(tmp_path):
    """One run takes its name from the Alertmanagers, its token from the relays, and its target from Prometheus."""
    left = {"groups": {"foretell": ["web02"]}}
    for play in (ALERTMANAGERS, RELAYS, PROMETHEUS):
        assert "web01" in content(play)
        assert "web01" not in content(play, **left)
        assert "web02" in content(play, **left)
    tokens = tmp_path / "agents"
    access = Access(RelayClients(agents_secret="agents"), Secrets({"agents": str(tokens)}))
    tokens.write_text(content(RELAYS))
    assert access.agent("Bearer token-of-web01")
    tokens.write_text(content(RELAYS, **left))
    assert not access.agent("Bearer token-of-web01")
    assert access.agent("Bearer token-of-web02")


def test_the_targets_have_their_sites():
    """By which the rules of the fleet group."""
    told = yaml.safe_load(content(PROMETHEUS))
    assert {one["targets"][0]: one["labels"]["site"] for one in told} == {
        f"{host}:19469": site for host, site in SITES.items()
    }
