"""The Ansible role on a booted host: check mode changes nothing, the first run installs, a second has nothing to do."""

from __future__ import annotations

import json

import pytest

import ansible_host
from ansible_host import ON_HOST
from booted_host import until

pytestmark = pytest.mark.install

CONFIG = "/etc/foretell/foretell.toml"
TOKEN = "pl4nted-t0ken-XYZZY"
CONFIGURATION = '[customer]\nid = "acme"\n[secrets]\nrt_token = "/etc/foretell/secrets/rt_token"\n'
LOG = ("journalctl", "--unit=foretell", "--no-pager")


@pytest.fixture(scope="module")
def play(package, bare_host, tmp_path_factory):
    """Return a function that plays the role, and tells how many of its tasks changed something and all that was said."""
    ansible_host.bring(bare_host, package, tmp_path_factory.mktemp("debs"))

    def play(*options: str, works: bool = True, **variables: object) -> tuple[int, str]:
        given = {
            "foretell_package": f"{ON_HOST}/foretell.deb",
            "foretell_configuration": CONFIGURATION,
            "foretell_secrets": {"rt_token": TOKEN},
        }
        book = [{"hosts": "all", "gather_facts": False, "roles": [{"role": "foretell", "vars": given | variables}]}]
        bare_host.write(f"{ON_HOST}/playbook.yml", json.dumps(book))
        return ansible_host.play(bare_host, "playbook.yml", "-i", "localhost,", "-c", "local", *options, works=works)

    return play


def installed(host) -> str:
    return host.run("dpkg-query", "--show", "--showformat=${Status}", "foretell", check=False)


def test_check_mode_tells_what_would_change_and_changes_nothing(play, bare_host):
    """On a host that has nothing yet."""
    changed, _ = play("--check", "--diff")
    assert changed > 0
    assert "no packages found" in installed(bare_host)
    assert not (bare_host.root / "var/cache/foretell").exists()


def test_the_first_run_installs_and_starts_it(play, bare_host):
    """With its configuration, and with a secret that is told nowhere."""
    changed, said = play("--diff")
    assert changed > 0
    assert TOKEN not in said
    assert "install ok installed" in installed(bare_host)
    assert bare_host.read(CONFIG) == CONFIGURATION
    assert bare_host.read("/etc/foretell/secrets/rt_token") == TOKEN
    assert bare_host.run("stat", "-c", "%U:%G %a", "/etc/foretell/secrets/rt_token").strip() == "root:foretell 640"
    until(lambda: bare_host.property("foretell", "ActiveState") == "active")
    assert bare_host.property("foretell-privileged.timer", "ActiveState") == "active"


def test_a_second_run_has_nothing_to_do(play, bare_host):
    """And leaves the service alone."""
    pid = bare_host.property("foretell", "MainPID")
    changed, said = play()
    assert changed == 0, said
    assert bare_host.property("foretell", "MainPID") == pid


def test_a_changed_configuration_is_read_anew_without_a_restart(play, bare_host):
    """In check mode it is only told."""
    other = CONFIGURATION + '[agent]\ncycle = "50s"\n'
    changed, _ = play("--check", foretell_configuration=other)
    assert changed > 0
    assert bare_host.read(CONFIG) == CONFIGURATION
    pid = bare_host.property("foretell", "MainPID")
    play(foretell_configuration=other)
    assert bare_host.read(CONFIG) == other
    until(lambda: "going on with the configuration" in bare_host.run(*LOG))
    assert bare_host.property("foretell", "MainPID") == pid


def test_a_wrong_configuration_never_takes_the_place_of_a_good_one(play, bare_host):
    """What is wrong with it is told, with the key."""
    before = bare_host.read(CONFIG)
    _, said = play(foretell_configuration='[agent]\ncycel = "50s"\n', works=False)
    assert "agent.cycel" in said
    assert bare_host.read(CONFIG) == before
