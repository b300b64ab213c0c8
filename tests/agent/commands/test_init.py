"""`foretell init`: a file that is valid, from flags or from answers, and never over one that is there."""

import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from agent.configuration.config import load
from agent.setup.proposals import Seen
from collectors._file_systems import NOT_OURS
from fake_webhook_receiver import KEY, FakeWebhookReceiver

FLAGS = {
    "--host-name": 'web "01"',
    "--role": "Mail für alle",
    "--criticality": "high",
    "--customer": "ACME",
    "--customer-id": "acme",
    "--contact": "it@acme.example",
    "--zone": "Europe/Berlin",
    "--desk": "request_tracker",
    "--url": "https://rt.example.org",
    "--queue": "Preventive",
    "--token-file": "/etc/foretell/secrets/rt",
}


@pytest.fixture
def out(tmp_path):
    """Where the file goes; its folder is not there yet."""
    return tmp_path / "etc" / "foretell.toml"


def test_without_answers_it_is_the_defaults(foretell, out):
    """Nobody is asked where nobody can answer."""
    ended = foretell("init", "--out", out)
    assert ended.status == 0
    assert f"foretell doctor --config {out}" in ended.out
    assert list(load(out).desks) == ["local"]
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_every_flag_is_in_the_file_which_is_valid(foretell, out):
    """The desk with its token's file, the customer, the host."""
    ended = foretell("init", "--yes", "--out", out, *(word for pair in FLAGS.items() for word in pair))
    assert ended.status == 0
    configuration = load(out)
    settings = configuration.settings
    assert (settings.host.name, settings.host.role, settings.host.criticality) == ('web "01"', "Mail für alle", "high")
    assert (settings.customer.id, settings.customer.name, configuration.zone) == ("acme", "ACME", "Europe/Berlin")
    assert settings.customer.contact == "it@acme.example"
    assert settings.delivery.desk == "request_tracker"
    assert settings.secrets == {"request_tracker": "/etc/foretell/secrets/rt"}
    plugin, options = configuration.desks["request_tracker"]
    assert plugin.name == "request_tracker"
    assert options.url == "https://rt.example.org"


def test_the_desk_finds_the_token_that_was_named(foretell, out, tmp_path):
    """The name in [secrets] is the one the desk asks for."""
    token = tmp_path / "token"
    token.write_text("planted")
    token.chmod(0o600)
    foretell(
        "init", "--yes", "--out", out, *(word for pair in (FLAGS | {"--token-file": token}).items() for word in pair)
    )
    ended = foretell("doctor", "--config", out, "--listen", "127.0.0.1:0", "--json")
    [desk] = [result for result in ended.json if result["number"] == 10]
    assert "was not found" not in desk["found"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--desk", "request_trakker"], 'did you mean "request_tracker"?'),
        (["--zone", "Europe/Belrin"], 'did you mean "Europe/Berlin"?'),
        (["--desk", "request_tracker"], "desks.request_tracker.url: is missing"),
    ],
)
def test_answers_that_are_wrong_leave_no_file(foretell, out, flags, said):
    """Each is told with its cure."""
    ended = foretell("init", "--yes", "--out", out, *flags)
    assert ended.status == 78
    assert said in ended.err
    assert ended.err.startswith("foretell: these answers: ")
    assert list(out.parent.iterdir()) == []


def test_a_file_that_is_there_is_not_overwritten(foretell, out):
    """Unless one insists."""
    out.parent.mkdir()
    out.write_text("mine")
    ended = foretell("init", "--out", out)
    assert (ended.status, out.read_text()) == (2, "mine")
    assert "--force overwrites it" in ended.err
    assert foretell("init", "--out", out, "--force").status == 0
    assert out.read_text() != "mine"


def test_a_place_that_may_not_be_written_is_77(process, tmp_path):
    """With another way."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    ended = process("init", "--out", closed / "foretell.toml", unprivileged=True)
    assert ended.status == 77
    assert "cannot be written: Permission denied; name another with --out" in ended.err


def answering(out, answers, *arguments):
    """Run it on a terminal where a person types `answers`; return the exit status and what was asked."""
    program = Path(sys.executable).with_name("foretell")
    ours, theirs = pty.openpty()
    os.write(ours, answers)
    argv = [program, "init", "--out", out, *arguments]
    with subprocess.Popen(argv, stdin=theirs, stdout=subprocess.PIPE, text=True) as asking:
        asked, _ = asking.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return asking.returncode, asked


def test_a_person_is_asked_what_no_flag_answers(out):
    """On a terminal; an empty answer takes what is proposed, "-" is nothing."""
    answers = b"web01\n-\n\nnginx.service, cron\n/srv\nACME\n\nUTC\nzh_Hans\nlocal\n"
    status, asked = answering(out, answers)
    assert status == 0
    for question in (
        "Name people know this host by",
        "Services that have to run at all times",
        "File systems that are watched: /",
        "Name of the customer",
        "Time zone of the customer",
        "Language of the tickets",
        "Service desk",
    ):
        assert question in asked
    configuration = load(out)
    settings = configuration.settings
    assert (settings.host.name, settings.host.role, settings.host.criticality) == ("web01", "", "normal")
    assert (settings.customer.name, settings.customer.language) == ("ACME", "zh_Hans")
    assert configuration.zone == "UTC"
    collectors = tomllib.loads(out.read_text())["collectors"]
    assert collectors["services"]["required"] == ["nginx.service", "cron"]
    assert collectors["disk"]["exclude_mountpoints"] == [*NOT_OURS, "/srv"]


def test_a_person_is_asked_what_the_desk_cannot_do_without(out, tmp_path):
    """Each desk for its own; then whether to try it."""
    answers = b"http://127.0.0.1:9\nprev\n3\n1\n2\n%s\ny\nn\n" % bytes(tmp_path / "token")
    known = (
        "--host-name",
        "web01",
        "--role",
        "web",
        "--criticality",
        "high",
        "--require",
        "cron",
        "--leave-out",
        "/srv",
    )
    more = (
        "--customer",
        "ACME",
        "--contact",
        "it@acme.example",
        "--zone",
        "UTC",
        "--language",
        "en",
        "--desk",
        "redmine",
    )
    status, asked = answering(out, answers, *known, *more)
    assert 'secret "redmine" was not found' in asked
    assert status == 77
    _, options = load(out).desks["redmine"]
    assert (options.project, options.tracker, options.key_field, options.host_field) == ("prev", 3, 1, 2)


SEEN = Seen(
    running=frozenset({"nginx.service", "dbus.service"}), enabled=frozenset({"nginx.service"}), locale="zh_CN.UTF-8"
)


def test_unattended_only_what_stays_on_the_host_is_proposed(foretell, out, monkeypatch):
    """A wrong role or language would be read by customers."""
    monkeypatch.setattr("agent.commands.init.inspect", lambda: SEEN)
    ended = foretell("init", "--yes", "--out", out)
    assert "Have to run at all times: nginx.service." in ended.out
    written = tomllib.loads(out.read_text())
    assert written["collectors"]["services"] == {"required": ["nginx.service"]}
    assert (written["host"], written["customer"]) == ({}, {})
    assert foretell("init", "--yes", "--no-proposals", "--force", "--out", out).status == 0
    assert tomllib.loads(out.read_text())["collectors"]["services"] == {}


@pytest.fixture
def receiver():
    """Somebody who receives webhooks."""
    with FakeWebhookReceiver().running() as receiver:
        yield receiver


def webhook(receiver, tmp_path):
    """Return the flags that name `receiver`."""
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    return ("--desk", "webhook", "--url", f"{receiver.url}/hooks/foretell", "--token-file", key, "--host-name", "web01")


def test_a_test_ticket_says_that_it_is_one_and_is_resolved(foretell, out, tmp_path, receiver):
    """Its number is printed, and its host is none that an agent would take for its own."""
    ended = foretell("init", "--yes", "--out", out, *webhook(receiver, tmp_path), "--test-ticket")
    assert ended.status == 0, ended.err
    [opened] = receiver.told("ticket.opened")
    assert opened["ticket"]["title"] == "[TEST] Foretell on web01 can open tickets here"
    assert "please do nothing" in opened["ticket"]["body"]["plain"]
    assert opened["ticket"]["device"]["id"].endswith("-test")
    assert f"Opened the test ticket {opened['ticket']['id']}" in ended.out
    assert bool(receiver.told("ticket.resolved")) == ("resolved again" in ended.out)


@pytest.mark.parametrize(("stands", "status"), [("gone", 69), ("refuses", 1)])
def test_a_desk_that_does_not_take_it_leaves_the_file(foretell, out, receiver, stands, status):
    """The exit status is the doctor's, and the sentence says what to do."""
    flags = webhook(receiver, out.parent.parent)
    if stands == "gone":
        flags = tuple("http://127.0.0.1:9/" if str(one).startswith(receiver.url) else one for one in flags)
    else:
        receiver.before = lambda request: Response(status=400) if request.method == "POST" else None
    ended = foretell("init", "--yes", "--out", out, *flags, "--test-ticket")
    assert ended.status == status, ended.out + ended.err
    assert out.exists()
    assert f"Wrote {out}" in ended.out


def test_a_desk_option_is_read_as_the_file_would(foretell, out):
    """Numbers are numbers; what is no KEY=VALUE is told."""
    options = ("project=prev", "tracker=3", "key_field=1", "host_field=2")
    flags = [word for option in options for word in ("--desk-option", option)]
    assert (
        foretell("init", "--yes", "--out", out, "--desk", "redmine", "--url", "https://r.example", *flags).status == 0
    )
    assert load(out).desks["redmine"][1].tracker == 3
    ended = foretell("init", "--yes", "--force", "--out", out, "--desk-option", "tracker")
    assert (ended.status, "'tracker' is not KEY=VALUE" in ended.err) == (2, True)


def test_a_desk_of_many_addresses_takes_them_all(foretell, out):
    """An Alertmanager cluster has no one address."""
    urls = "https://am1.example.com, https://am2.example.com"
    assert foretell("init", "--yes", "--out", out, "--desk", "alertmanager", "--url", urls).status == 0
    assert load(out).desks["alertmanager"][1].urls == ["https://am1.example.com", "https://am2.example.com"]
