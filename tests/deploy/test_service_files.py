"""The files for service managers that cannot run here: readable, and naming options that the command has."""

import plistlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from click import Command

from agent.commands.run import command

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


def options(run: Command) -> set[str]:
    return {name for parameter in run.params for name in parameter.opts}


def test_launchd_starts_the_agent_without_root_and_again_when_it_fails():
    """And never in a storm."""
    job = plistlib.loads((DEPLOY / "macos" / "com.foretell.agent.plist").read_bytes())
    program, verb, *arguments = job["ProgramArguments"]
    assert (program, verb) == ("/opt/foretell/bin/foretell", "run")
    assert {argument for argument in arguments if argument.startswith("--")} <= options(command)
    assert job["UserName"] == "_foretell"
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert job["ThrottleInterval"] >= 30
    assert job["Umask"] == 0o077


def test_windows_starts_the_agent_without_its_system_account():
    """And again when it fails, after a while."""
    service = ET.parse(DEPLOY / "windows" / "foretell.xml").getroot()  # noqa: S314 - our own file
    verb, *arguments = [argument.text for argument in service.iter("argument")]
    assert verb == "run"
    assert {argument for argument in arguments if argument.startswith("--")} <= options(command)
    assert service.findtext("serviceaccount/user") == "LocalService"
    assert service.find("onfailure").attrib == {"action": "restart", "delay": "30 sec"}


def test_the_page_on_installing_names_only_files_that_there_are():
    """Each `deploy/...` that it says to run or copy."""
    said = set(re.findall(r"\bdeploy/[\w./-]*\w", (DEPLOY / "README.md").read_text("utf-8")))
    assert {path for path in said if not (DEPLOY.parent / path).exists()} == set()
