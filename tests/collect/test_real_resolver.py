"""Names against a name server on loopback, by the host's real resolver, in a network and a file system of their own."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

pytestmark = [
    pytest.mark.collect,
    pytest.mark.skipif(
        os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")),
        reason="needs root, unshare and ip: NOT tried against a real resolver",
    ),
]

# Answers by the first letter of the name: known, gone (NXDOMAIN), failing (SERVFAIL), silent.
SERVER_AND_COLLECTOR = """
import json, socket, sys, threading

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))

def serve():
    while True:
        question, asker = server.recvfrom(512)
        end = question.index(b"\\0", 12) + 5
        first, kind = chr(question[13]), question[end - 3]
        if first == "s":
            continue
        code = {"k": 0, "g": 3, "f": 2}[first]
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4\\x0a\\0\\0\\1" if first == "k" and kind == 1 else b""
        head = question[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, 1 if answer else 0, 0, 0, 0, 0])
        server.sendto(head + question[12:end] + answer, asker)

threading.Thread(target=serve, daemon=True).start()

from agent.collecting import HostAccess
from collectors import CouldNotCheck, dns, port

names = ["known.example", "gone.example", "failing.example", "silent.example"]
items = [*dns.PLUGIN.build(dns.DnsOptions(names=names, timeout=5.0), HostAccess()).collect(1.0)]
targets = [f"{name}:80" for name in names[1:3]]
items += port.PLUGIN.build(port.PortOptions(targets=targets, timeout=1.0), HostAccess()).collect(1.0)
print(json.dumps([
    [one.name, *one.labels.values(), "?" if isinstance(one, CouldNotCheck) else one.value] for one in items
]))
"""


def test_a_real_resolver_is_believed(tmp_path):
    """A name it knows, one it denies, one on which its server fails, one on which nobody answers."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    (tmp_path / "run.py").write_text(SERVER_AND_COLLECTOR)
    setup = textwrap.dedent(f"""
        set -e
        for file in resolv.conf hosts nsswitch.conf; do mount --bind {tmp_path}/$file $(readlink -f /etc/$file); done
        ip link set lo up
        exec {sys.executable} {tmp_path}/run.py
    """)
    done = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", setup], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = {(name, subject): value for name, subject, value in json.loads(done.stdout)}
    resolved = {subject: value for (name, subject), value in found.items() if name == "dns_resolved"}
    assert resolved == {"known.example": 1, "gone.example": 0, "failing.example": 0, "silent.example": 0}
    assert ("dns_lookup_seconds", "known.example") in found
    # Whoever only needs the name: it does not exist, so the service is not to be had; nobody knows, so nobody can say.
    assert found["port_open", "gone.example:80"] == 0
    assert found["port_open", "failing.example:80"] == "?"
