"""What the resident daemon has in memory: each of these was there once, and cost a megabyte or more."""

import subprocess
import sys

# Not asked of import-linter: these come through libraries, and through plugins that are found by name.
NEVER = {
    *(
        "_hashlib",
        "asyncio",
        "click",
        "concurrent.futures",
        "html",
        "html.parser",
        "jinja2",
        "mimetypes",
        "multiprocessing",
    ),
    *(
        "pickle",
        "prometheus_client.parser",
        "requests",
        "rich",
        "ssl",
        "tarfile",
        "typing_extensions",
        "urllib.request",
    ),
    *("urllib3", "agent.case_details", "agent.wording.words"),
}
DAEMON = """
import sys
import agent.daemon_process
agent.daemon_process.load_all(None)
import agent.daemon  # in this order, as the process does: what is first imported decides what comes with it
print(*sys.modules)
"""


def test_the_daemon_imports_nothing_heavy_that_it_does_not_use(tmp_path):
    """With the default configuration, every collector that runs included."""
    environ = {"FORETELL_CONFIG": str(tmp_path / "foretell.toml")}
    (tmp_path / "foretell.toml").write_text("")
    held = subprocess.run(
        [sys.executable, "-c", DAEMON], capture_output=True, text=True, check=True, env=environ
    ).stdout
    assert not NEVER & set(held.split())


def test_a_courier_that_only_looks_imports_nothing_for_what_goes_wrong_or_is_written():
    """It is begun for every look at a ticket, and is mostly importing."""
    code = "import sys, agent.courier, ticketing_clients.local\nprint(*sys.modules)"
    held = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    seldom = {
        "structlog",
        "tenacity",
        "inspect",
        "statistics",
        "email",
        "jinja2",
        "icalendar",
        "agent.version",
        "requests",
        "subprocess",
        "socket",
        "tempfile",
        "secrets",
    }
    assert not (seldom | {"_hashlib", "typing_extensions", "importlib.metadata"}) & set(held.split())
