"""Plugins: found by name, imported only when named."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.configuration.plugins import (
    COLLECTORS,
    THRESHOLDS,
    TICKETING_CLIENTS,
    BrokenPlugin,
    PluginError,
    UnknownPlugin,
)
from collectors import CollectorPlugin

FAMILIES = (COLLECTORS, THRESHOLDS, TICKETING_CLIENTS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.package)
def test_every_public_file_is_a_plugin_of_its_own_name(family):
    """Framework files begin with an underscore; nothing else is needed to add a plugin."""
    assert family.built_in() == sorted(
        file.stem
        for file in Path(__import__(family.package).__file__).parent.glob("*.py")
        if not file.stem.startswith("_") and file.stem != "contract"
    )
    assert [type(plugin) for _, plugin in family.all()] == [family.value_type] * len(family.built_in())


def test_only_the_named_plugin_is_imported():
    """Naming them all imports none, and loading one imports no other."""
    code = (
        "import sys; from agent.configuration.plugins import COLLECTORS, TICKETING_CLIENTS\n"
        "COLLECTORS.names(), TICKETING_CLIENTS.names(); COLLECTORS.load('memory')\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('collectors.', 'ticketing_clients.'))"
        " and '._' not in name), 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "collectors.memory False\n"


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_plugin_is_found_by_its_entry_point():
    """Its configured name is the entry point's."""
    assert "acme" in COLLECTORS.names()
    assert "acme" not in COLLECTORS.built_in()
    assert COLLECTORS.load("acme").summary == "A probe."


@pytest.mark.usefixtures("third_party")
def test_a_built_in_goes_before_another_of_its_name():
    """Nobody takes over `disk` by being installed beside us."""
    assert COLLECTORS.load("disk").readings


@pytest.mark.parametrize("name", ["dsik", "_plugin", "contract", "", "os.path", "../disk", "d\0"])
def test_an_unknown_name_gets_the_nearest(name):
    """No private module, no path and no module elsewhere is a plugin."""
    with pytest.raises(UnknownPlugin, match="no collector is called") as caught:
        COLLECTORS.load(name)
    near = name in {"dsik", "../disk"}
    assert caught.value.cure.startswith('did you mean "disk"?' if near else "known here: arrays, certificates, cgroup")


@pytest.mark.usefixtures("third_party")
def test_a_plugin_that_cannot_be_imported_says_why():
    """With the error of the import, and what to do."""
    with pytest.raises(BrokenPlugin) as caught:
        COLLECTORS.load("absent")
    assert str(caught.value) == (
        "collector \"absent\" cannot be imported: ModuleNotFoundError: No module named 'acme_missing'"
    )
    assert caught.value.cure == "install what it needs, or take it out of the configuration"


@pytest.mark.usefixtures("third_party")
def test_something_else_in_a_plugins_place_is_refused():
    """A value of another type is no plugin."""
    with pytest.raises(BrokenPlugin, match='"wrong" is installed and not a CollectorPlugin of that name'):
        COLLECTORS.load("wrong")


@pytest.mark.usefixtures("third_party")
def test_the_list_of_all_shows_the_broken_ones_too():
    """`foretell plugins` says what is wrong instead of failing."""
    found = dict(COLLECTORS.all())
    assert isinstance(found["acme"], CollectorPlugin)
    assert isinstance(found["absent"], PluginError)
    assert isinstance(found["disk"], CollectorPlugin)
