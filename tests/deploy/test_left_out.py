"""What the packages leave out of the locked libraries (deploy/environment.sh): no command of ours misses it."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from only import only

ROOT = Path(__file__).parent.parent.parent
SCRIPT = (ROOT / "deploy" / "environment.sh").read_text("utf-8")
# Modules that are None are as if not installed; then every module of ours is imported, and a command runs.
PROGRAM = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({absent!r}))
for name in ("agent", "collectors", "thresholds", "ticketing_clients"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if module.name.rpartition(".")[2] not in ("contract", "__main__"):  # for authors of plugins; programs
            importlib.import_module(module.name)
from agent.cli import main
main()
"""
# A table, a bar of progress, coloured text; the YAML of a web configuration.
COMMANDS = [
    ["plugins"],
    ["catalogue", "show"],
    ["replay", "{root}/agent/recordings/filling-disk.csv.gz"],
    ["check", "--config", "{config}", "--state-dir", "{state}"],
    ["doctor", "--config", "{config}", "--state-dir", "{state}"],
]


def left_out():
    """Return the modules that are left out, by their names for import."""
    [uninstalled] = re.findall(r"uninstall --yes (.+)", SCRIPT)
    gone = set(uninstalled.split())
    found = {module for module, names in packages_distributions().items() if gone & {name.lower() for name in names}}
    assert len(found) == len(gone)
    assert "yaml/_yaml.*.so" in SCRIPT
    return sorted({*found, "yaml._yaml"})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_command_misses_what_the_packages_leave_out(tmp_path, command):
    """In colours, as in a terminal: there rich has most to do."""
    web = tmp_path / "web.yml"
    web.write_text("basic_auth_users: {}\n")
    config = tmp_path / "foretell.toml"
    config.write_text(
        f'[agent]\nweb_config = "{web}"\nlisten = "127.0.0.1:0"\n[customer]\nzone = "UTC"\n' + only("cpu")
    )
    words = [word.format(root=ROOT, config=config, state=tmp_path / "state") for word in command]
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(absent=left_out()), *words],
        cwd=tmp_path,
        env=os.environ | {"FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode in {0, 1, 3}, told.stderr  # 1, 3: of this host something was found, or could not be checked
    assert "Traceback" not in told.stderr
    assert "\x1b[" in told.stdout
