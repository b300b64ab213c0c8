"""A real chain that ends in five days, from the server that presents it to what the customer would read."""

import json
import subprocess
import sys

import pytest

from certificate_authority import Authority
from loopback import Page, web_server
from thresholds import Severity

pytestmark = pytest.mark.collect

FORETELL = (sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())")


def check(folder, text, *options):
    """Run `foretell check` as a user would; return what it prints."""
    (folder / "foretell.toml").write_text(text)
    command = [*FORETELL, "check", *options, "--config", folder / "foretell.toml", "--state-dir", folder / "state"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=folder)
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_a_chain_that_ends_in_five_days_is_told_with_its_day(tmp_path):
    """As a warning with a date, once: the issuer's 200 days and the untouched names open nothing."""
    authority = Authority(tmp_path)
    with web_server({"/": Page("shop")}, authority.serving("shop-chain", "shop")) as (url, _):
        address = url.removeprefix("https://")
        text = f"""
            [agent]
            first_look = "0s"
            [collectors.certificates]
            servers = [{{ address = "{address}", ca_file = "{tmp_path}/root.pem" }}]
            [[collectors.http.targets]]
            url = "{url}/"
            ca_file = "{tmp_path}/root.pem"
            matches = "shop"
        """
        said = json.loads(check(tmp_path, text, "--json"))
        printed = check(tmp_path, text)
    found = {(one["rule"], *one["labels"].values()): one["severity"] for one in said["findings"]}
    about = {key: severity for key, severity in found.items() if key[0].startswith(("certificate", "http"))}
    assert about == {("certificate_expiring", address, "own"): Severity.WARNING}
    assert f"The certificate of {address} expires on" in printed
