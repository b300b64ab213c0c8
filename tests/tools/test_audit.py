"""The audit of dependencies: "clean", "vulnerable" and "nobody could be asked" are three things."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "audit.py"
spec = importlib.util.spec_from_file_location("audit", TOOL)
audit = importlib.util.module_from_spec(spec)
spec.loader.exec_module(audit)

CLEAN = {"name": "six", "version": "1.17.0", "vulns": []}
VULNERABLE = {
    "name": "jinja2",
    "version": "3.1.3",
    "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.1.4"], "aliases": ["CVE-2024-34064"], "description": ""}],
}
# What pip-audit 2.10 says of each package where the index knows no vulnerabilities; it ends with 0 then.
SKIPPED = {"name": "idna", "skip_reason": "Dependency not found on PyPI and could not be audited: idna (3.20)"}


def answer(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def test_all_looked_up_and_nothing_known_is_clean(capsys):
    """And says how many were looked up."""
    assert audit.report(answer(CLEAN), "No known vulnerabilities found", required=True) == 0
    assert capsys.readouterr().out == "1 packages were looked up and have no known vulnerability\n"


@pytest.mark.parametrize("required", [True, False])
def test_a_known_vulnerability_fails_and_names_what_mends_it(capsys, required):
    """Also where others could not be asked about."""
    assert audit.report(answer(CLEAN, VULNERABLE, SKIPPED), "", required=required) == 1
    told = capsys.readouterr().out
    assert (
        "VULNERABLE: jinja2 3.1.3: PYSEC-2024-1, CVE-2024-34064; mended in 3.1.4: make lock UPGRADE=--upgrade" in told
    )
    assert "NOT AUDITED: Dependency not found on PyPI" in told


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("said", "complaint", "reason"),
    [
        (answer(SKIPPED, SKIPPED), "No known vulnerabilities found", "could not be audited: idna (3.20) (and 1 more)"),
        ("", "Traceback\n  ...\nConnectionError: no route to host\n\n", "ConnectionError: no route to host"),
        ("", "", "pip-audit said nothing"),
        (answer(), "", "no packages in the locks"),
    ],
)
def test_what_could_not_be_asked_is_never_called_clean(capsys, said, complaint, reason, required):
    """It is told loudly, and fails where an audit is required."""
    assert audit.report(said, complaint, required=required) == int(required)
    told = capsys.readouterr().out
    assert told.startswith("NOT AUDITED: ")
    assert reason in told
    assert "0 packages were looked up" in told


class Database(BaseHTTPRequestHandler):
    """Answers as api.osv.dev does, and knows one vulnerability of Jinja2."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = asked["package"]["name"], asked["version"]
        events = [{"introduced": "0"}, {"fixed": "99.0"}]
        known = {
            "id": "GHSA-test",
            "aliases": ["CVE-2026-1"],
            "affected": [
                {
                    "package": {"name": name, "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                    "versions": [version],
                }
            ],
        }
        body = json.dumps({"vulns": [known]} if name == self.server.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.mark.install
@pytest.mark.skipif(not importlib.util.find_spec("pip_audit"), reason="needs pip-audit (make audit installs it)")
@pytest.mark.parametrize(("vulnerable", "code"), [("jinja2", 1), ("nothing of ours", 0)])
def test_the_real_pip_audit_is_understood(capsys, vulnerable, code):
    """Asked about our locks, against a database on loopback that speaks OSV's language."""
    server = HTTPServer(("127.0.0.1", 0), Database)
    server.vulnerable = vulnerable
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        asked = audit.ask(["-s", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/v1/query"])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert audit.report(*asked, required=True) == code
    told = capsys.readouterr().out
    assert ("VULNERABLE: jinja2 " in told) is bool(code)
    assert "NOT AUDITED" not in told
