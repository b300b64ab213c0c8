"""The manual and the completion are the commands' own, and other programs can read them."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_manual", ROOT / "tools" / "make_manual.py")
make_manual = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_manual)

DEPLOY = ROOT / "deploy"
EVERY = {path: (command, context) for path, command, context in make_manual.commands()}
SINGLE = {path: command for path, (command, _) in EVERY.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", SINGLE)
def test_the_manual_has_every_command_with_its_options(path):
    """Who looks for one finds it."""
    page = make_manual.manual()
    assert f'.SS "{path}'.replace("-", "\\-") in page
    for parameter in SINGLE[path].params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option.replace("-", "\\-") in page


def test_the_formatter_finds_nothing_wrong_with_the_manual():
    """No macro that is not known, nothing that is left open."""
    if shutil.which("groff") is None:
        pytest.skip("needs groff; cure: apt-get install groff-base")
    argv = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", str(DEPLOY / "man/foretell.1")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    for told in ("foretell report", "--language TEXT", "foretell consent grant facts --for 90d", *make_manual.FILES):
        assert told in done.stdout


@pytest.mark.parametrize("path", SINGLE)
def test_help_has_an_example_of_every_command(path):
    """And each example is one: of a command and with options that there are."""
    help_ = SINGLE[path].help or ""
    _, found, examples = help_.partition("Example")
    assert found, f"{path} --help has no example"
    for line in examples.partition("\n\n")[0].splitlines()[1:]:
        for part in line.replace("\\", "").split("&&"):
            words = [word for word in shlex.split(part.partition("|")[0], comments=True) if word]
            if words[:1] != ["foretell"]:
                continue  # what another program does before or after it
            called = max((one for one in EVERY if words[: len(one.split())] == one.split()), key=len, default=None)
            assert called, f"there is no such command: {line}"
            known = {option for parameter in EVERY[called][0].params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


def complete(words, tmp_path):
    """Return what bash says can follow `words`, by the script that is shipped."""
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    foretell = Path(sys.executable).with_name("foretell")
    (tmp_path / "foretell").symlink_to(foretell)
    script = f"""
        PATH={tmp_path}:$PATH
        source {DEPLOY / "completion/foretell.bash"}
        COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _foretell_completion foretell
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [("foretell rep", ["replay", "report"]), ("foretell cases sh", ["show"]), ("foretell report --lea", ["--leaving"])],
)
def test_bash_completes_commands_and_options(words, found, tmp_path):
    """As it is installed."""
    assert sorted(complete(words, tmp_path)) == found


def test_each_shell_has_its_script():
    """Those that click knows."""
    assert {name: script.count("_FORETELL_COMPLETE") > 0 for name, script in make_manual.completions().items()} == {
        "foretell.bash": True,
        "_foretell": True,
        "foretell.fish": True,
    }
