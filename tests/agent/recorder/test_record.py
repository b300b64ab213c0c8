"""Recording a host: everything that was read is there, nothing that identifies it is, and what is doubtful is left out."""

import json
import os
import re
import sys

import msgspec
import pytest
from click.testing import CliRunner

from agent.collecting import HostAccess
from agent.commands.record import command
from agent.configuration.plugins import PluginFamily
from agent.recorder import FixtureUnreadable, LeftOut, Manifest, read, record
from collectors import CollectorOptions, CollectorPlugin, Completed, DeclaredReading, Reading

AT = 1_790_000_000.0
MACHINE_ID = "8f3b1c2d4e5f60718293a4b5c6d7e8f9"
UUID = "3f2b8c4e-91d7-4f60-a1b2-c3d4e5f60718"
SECRETS = ("mailhub7", "zoe.winter", "192.168.77.5", "AA-SERIAL-77", MACHINE_ID, UUID, "hunter2-secret")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a Linux host is recorded")


class Curious:
    """A collector that reads in every way there is."""

    def __init__(self, _options, context):
        self._context = context

    def collect(self, at):
        """Open, list, glob, ask whether something is there, run a program, and ask the system."""
        read = {
            name: self._text(name)
            for name in ("/etc/motd", "/etc/shadow-copy", "/etc/mail.pem", "/sys/block/sda/serial")
        }
        before = float(self._text("/proc/counter"))
        fitting = [path.name for path in self._context.path("/opt").glob("*.jar")]
        with os.scandir(self._context.path("/srv")) as found:
            beside = sorted(one.name for one in found)
        room = os.statvfs(self._context.path("/srv")).f_blocks
        answer = self._context.run(["/usr/bin/who", str(self._context.path("/srv"))], timeout=5).output
        yield Reading("curious_info", 1.0, "info", {"motd": read["/etc/motd"], "answer": answer}, at)
        yield Reading("curious_fitting", float(len(fitting)), "count", {"beside": ",".join(beside)}, at)
        yield Reading("curious_bytes", float(room), "bytes", {}, at)
        yield Reading("curious_there", float((self._context.path("/run") / "there").is_dir()), "boolean", {}, at)
        grown = float(self._text("/proc/counter")) - before
        yield Reading("curious_grown", grown, "count", {}, at)

    def _text(self, name):
        path = self._context.path(name)
        return path.read_text("utf-8", errors="replace") if path.exists() else ""


PLUGIN = CollectorPlugin(
    name="curious",
    summary="Reads.",
    options=CollectorOptions,
    build=Curious,
    readings=(DeclaredReading("curious_info", "info", ("motd", "answer"), "It reads."),),
)


class Told(HostAccess, frozen=True):
    """A host on which one program answers."""

    def run(self, argv, *, timeout):
        """Tell who is logged in."""
        assert argv[0] == "/usr/bin/who"
        assert timeout
        self.path("/proc/counter").write_text("18\n")
        return Completed(0, f"zoe.winter pts/0 192.168.77.5 {argv[1].removeprefix(str(self.root))}\nuuid {UUID}\n", "")


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return a host that the curious collector alone looks at, full of what must not leave."""
    monkeypatch.setattr(PluginFamily, "built_in", lambda _: ["curious"])
    monkeypatch.setattr(PluginFamily, "load", lambda _, name: {"curious": PLUGIN}[name])
    root = tmp_path / "root"
    files = {
        "/etc/hostname": "mailhub7\n",
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\nzoe.winter:x:1000:1000::/home/zoe.winter:/bin/sh\n",
        "/etc/motd": f"mailhub7 greets zoe.winter from 192.168.77.5\nmachine-id {MACHINE_ID}\npassword=hunter2-secret\n",
        "/etc/shadow-copy": "\udcff\udcfe",
        "/etc/mail.pem": "-----BEGIN PRIVATE KEY-----\nhunter2-secret\n-----END PRIVATE KEY-----\n",
        "/sys/block/sda/serial": "AA-SERIAL-77\n",
        "/opt/one.jar": "not looked into",
        "/opt/other.txt": "never asked for",
        "/srv/zoe.winter": "",
        "/run/there/x": "",
        "/proc/counter": "11\n",
    }
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        os.utime(path, (AT, AT))
    os.utime(root / "opt/one.jar", (AT - 5, AT - 5))
    return Told(root=root)


def texts(folder):
    """Return every file's path and text."""
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def test_what_is_read_in_any_way_comes_out_again(host, tmp_path):
    """Files, listings, patterns, what is only asked for, programs and calls: the second reading tells what the first did."""
    taken = record(host, tmp_path / "out", about="a host", at=AT)

    assert taken.lost == []
    assert 'curious_fitting{beside="user-000001"} 1.0 count' in taken.readings.replace("000002", "000001")
    assert f"curious_bytes{{}} {os.statvfs(host.root).f_blocks}.0" in taken.readings
    assert "curious_there{} 1.0 boolean" in taken.readings
    assert "curious_grown{} 7.0 count" in taken.readings
    entries = taken.fixture.manifest.entries
    assert entries["/opt/one.jar"].modified == AT - 5
    assert "/opt/other.txt" not in entries
    assert read(tmp_path / "out") == taken.fixture


def test_nothing_that_identifies_the_host_is_in_it(host, tmp_path):
    """Not in a file, a name of a file, an answer or a reading; and one thing has one name everywhere."""
    record(host, tmp_path / "out", about="a host", at=AT)

    written = texts(tmp_path / "out")
    for secret in SECRETS:
        assert not [name for name, text in written.items() if secret in text or secret in name], secret
    who = next(one["output"] for one in json.loads(written["commands.json"]))
    motd = written["files/etc/motd"]
    assert who.split()[0] in motd.split()
    assert who.split()[2] in motd.split()


def test_what_no_rule_can_vouch_for_is_left_out(host, tmp_path):
    """What is no text, holds a private key, or is a serial is not there, and the manifest says why."""
    taken = record(host, tmp_path / "out", about="a host", at=AT)

    left_out = {one.what: one.why for one in taken.fixture.manifest.left_out}
    assert left_out["/etc/shadow-copy"] == "it is no text, and no rule can look into it"
    assert left_out["/etc/mail.pem"] == "it holds a private key"
    assert left_out["/sys/block/sda/serial"] == "it identifies the host or a part of it"
    assert not taken.fixture.contents.keys() & left_out.keys()


def test_no_symlink_leads_out_of_the_recorded_folder(host, tmp_path):
    """What lies outside is neither read nor written, and the record has no symlink itself."""
    (tmp_path / "outside").write_text("not the host's")
    (host.root / "etc/motd").unlink()
    (host.root / "etc/motd").symlink_to(tmp_path / "outside")

    taken = record(host, tmp_path / "out", about="a host", at=AT)

    assert LeftOut("/etc/motd", "a symlink leads out of the folder that is recorded") in taken.fixture.manifest.left_out
    assert not [text for text in texts(tmp_path / "out").values() if "not the host's" in text and '"motd"' not in text]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_symlink()]


def test_the_same_host_gives_the_same_record(host, tmp_path, monkeypatch):
    """Byte for byte but for the clock, though the key for pseudonyms is another each time."""
    room = os.statvfs(host.root)
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    for name in ("one", "two"):
        (host.root / "proc/counter").write_text("11\n")
        record(host, tmp_path / name, about="a host", at=AT)

    one, two = texts(tmp_path / "one"), texts(tmp_path / "two")
    for written in one, two:  # but for the clock
        written["manifest.json"] = re.sub(r'"clock": [\d.]+', "", written["manifest.json"])
    assert one == two


def test_a_record_has_bounds(host, tmp_path):
    """A file that is too long is left out, and said to be."""
    (host.root / "etc/motd").write_text("word\n" * 100_000)

    taken = record(host, tmp_path / "out", about="a host", at=AT)

    assert LeftOut("/etc/motd", "too long") in taken.fixture.manifest.left_out
    assert sum(len(text) for text in texts(tmp_path / "out").values()) < 1 << 20


def test_the_command_records_the_host_itself(tmp_path, monkeypatch):
    """What it wrote can be read, and a second record does not go into the same folder."""
    monkeypatch.setattr(PluginFamily, "built_in", lambda _: ["memory"])
    done = CliRunner().invoke(command, ["--out", str(tmp_path / "out"), "--json"], standalone_mode=False)

    assert done.return_value == 0, done.output
    assert json.loads(done.stdout)["lost"] == []
    assert "memory_total_bytes" in (tmp_path / "out/readings.txt").read_text()
    again = CliRunner().invoke(command, ["--out", str(tmp_path / "out")], standalone_mode=False)
    assert "name a folder that is new or empty" in str(again.exception)


def test_a_damaged_record_is_named(tmp_path):
    """By file, before anything is laid out."""
    manifest = Manifest(about="", origin="written", at=0.0, clock=0.0, version="1")
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(FixtureUnreadable, match=r"commands\.json"):
        read(tmp_path)
