"""The Ansible book for a fleet on a booted host that is all of one: agent, Alertmanager and relay's secrets, none with a network.

The host joins with credentials of its own, a second run has nothing to do, and a host that left the group is let in nowhere.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bcrypt
import pytest

import ansible_host
from ansible_host import DEPLOY, ON_HOST
from booted_host import until
from certificate_authority import Authority

pytestmark = pytest.mark.install

ALERTMANAGER = shutil.which("prometheus-alertmanager")
TEMPLATES = Path("/usr/share/prometheus/alertmanager")  # Debian's own asks for them at its start
WEB = "/etc/prometheus/alertmanager-web.yml"
PASSWORDS = {"web01": "password-of-web01", "web02": "password-of-web02"}
HOSTS = {
    "foretell": {"web01": {"site": "berlin"}, "web02": {"site": "paris", "ansible_host": "elsewhere"}},
    "alertmanager": {"am": {}},
    "relay": {"front": {}},
    "prometheus": {"metrics": {}},
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority whose certificates the Alertmanager and the host have."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.sign("web01", "issuer", 5, "extendedKeyUsage=clientAuth,serverAuth")
    (made.folder / "ca.pem").write_text("".join((made.folder / f"{one}.pem").read_text() for one in ("issuer", "root")))
    return made


@pytest.fixture(scope="module")
def play(package, bare_host, authority, tmp_path_factory):
    """Return a function that plays the book for the hosts in the group `foretell`; only web01 is there to be played on."""
    if ALERTMANAGER is None:
        pytest.skip("needs prometheus-alertmanager (Debian: apt-get install prometheus-alertmanager)")
    ansible_host.bring(bare_host, package, tmp_path_factory.mktemp("debs"))
    there = bare_host.root / ON_HOST.removeprefix("/")
    shutil.copy(DEPLOY / "fleet.yml", there)
    (there / "pki").mkdir()
    for name in ("ca.pem", "web01.pem", "web01.key"):
        shutil.copy(authority.folder / name, there / "pki")
    shutil.copy(ALERTMANAGER, bare_host.root / "usr/bin")
    shutil.copytree(TEMPLATES, bare_host.root / str(TEMPLATES).removeprefix("/"))
    bare_host.write("/etc/hosts", "127.0.0.1 localhost\n")
    bare_host.run("groupadd", "--system", "prometheus")
    for name, source in (("server.pem", "shop-chain.pem"), ("server.key", "shop.key"), ("ca.pem", "ca.pem")):
        bare_host.write(f"/etc/prometheus/tls/{name}", (authority.folder / source).read_text())
    bare_host.write("/etc/prometheus/targets/none", "")
    hashes = {host: bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode() for host, word in PASSWORDS.items()}
    variables = {
        "foretell_package": f"{ON_HOST}/foretell.deb",
        "alertmanagers": ["https://localhost:9093"],
        "relay": "https://localhost:19470",
        "vault_alertmanager_passwords": PASSWORDS,
        "vault_alertmanager_password_hashes": hashes,
        "vault_relay_tokens": {host: f"token-of-{host}" for host in PASSWORDS},
        "vault_scrape_password_hash": hashes["web01"],
        "ansible_connection": "local",
        "ansible_become": False,
    }
    bare_host.write(f"{ON_HOST}/variables.json", json.dumps(variables))

    def play(*options: str, group: tuple[str, ...] = ("web01", "web02")) -> int:
        there = HOSTS | {"foretell": {host: HOSTS["foretell"][host] for host in group}}
        inventory = {name: {"hosts": hosts} for name, hosts in there.items()}
        bare_host.write(f"{ON_HOST}/inventory.yml", json.dumps(inventory))
        given = ("-i", f"{ON_HOST}/inventory.yml", "-e", f"@{ON_HOST}/variables.json", "--limit", "all:!web02")
        changed, _ = ansible_host.play(bare_host, "fleet.yml", *given, *options)
        return changed

    return play


def doctor(host) -> str:
    """What the doctor says of the desk, as the agent's own user."""
    return host.run("runuser", "-u", "foretell", "--", "foretell", "doctor", check=False)


def test_a_host_joins_with_credentials_of_its_own(play, bare_host):
    """It is let in at an Alertmanager that asks for certificate, name and password."""
    assert play() > 0
    options = f"--config.file=/root/am.yml --storage.path=/root/am --web.config.file={WEB} --cluster.listen-address="
    bare_host.write("/root/am.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    bare_host.run("systemd-run", "--unit=am", "prometheus-alertmanager", *options.split())
    until(lambda: "localhost:9093: Alertmanager" in doctor(bare_host))
    until(lambda: bare_host.property("foretell", "ActiveState") == "active")
    mode = bare_host.run("stat", "-c", "%U:%G %a", "/etc/foretell/tls/host.key", "/etc/foretell/secrets/alertmanager")
    assert mode.split() == ["root:foretell", "640"] * 2


def test_a_second_run_has_nothing_to_do(play, bare_host):
    """And leaves the agent alone."""
    pid = bare_host.property("foretell", "MainPID")
    assert play() == 0
    assert bare_host.property("foretell", "MainPID") == pid


def test_a_lost_host_is_locked_out_by_leaving_the_group_and_nothing_is_restarted(play, bare_host):
    """Its certificate is as good as ever; the next connection is refused all the same."""
    pid = bare_host.property("am", "MainPID")
    assert play(group=("web02",)) > 0
    assert "web01" not in bare_host.read(WEB)
    assert "token-of-web01" not in bare_host.read("/etc/foretell/secrets/agents")
    said = doctor(bare_host)
    assert "answered 401" in said
    assert "localhost:9093: Alertmanager" not in said
    assert bare_host.property("am", "MainPID") == pid
