"""Whatever way it is told, nothing beyond a ticket's core leaves without consent: what the receiving side has is the judge."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import socketserver
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec
import pytest

import agent
from agent.bundle._masking import LAYOUTS
from agent.cli import cli
from agent.configuration.config import load
from agent.configuration.plugins import TICKETING_CLIENTS
from agent.following.model import Case
from agent.line_templates import load_templates
from agent.wording.knowledge import articles, write
from consent_judge import EVIDENCE, PLANTED, SITUATIONS, Judge, texts
from fake_alertmanager import FakeAlertmanager
from fake_freshservice import FakeFreshservice
from fake_github import FakeGitHub
from fake_gitlab import FakeGitLab
from fake_glpi import FakeGlpi
from fake_jira import FakeJira
from fake_jira_service_management import FakeServiceManagement
from fake_servicenow import FakeServiceNow
from fake_webhook_receiver import FakeWebhookReceiver
from fake_zammad import FakeZammad
from fake_zendesk import FakeZendesk
from redaction_corpus import leaks, redactor
from ticket_cases import EPISODES
from ticketing_clients import TicketingClient
from ticketing_clients.contract import PLANTED_SECRET, Context
from ticketing_clients.local import FILE_NAME

Channel = tuple[TicketingClient, Callable[[], str]]
TESTS = Path(__file__).parents[1]


def _tests_of(name: str):
    """Return the module of a client's own tests, which knows how it is set up."""
    path = TESTS / "ticketing_clients" / f"test_{name}.py"
    specification = importlib.util.spec_from_file_location(f"tests_of_{name}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _at_stand_in(name: str, fake, folder: Path, path: str = "") -> Iterator[Channel]:
    """Tell a stand-in, which keeps every byte of every request."""
    received: list[str] = []

    def keep(request):
        body = request.get_data()
        received.append(f"{request.method} {request.full_path}\n{request.headers}\n{body.decode('utf-8', 'replace')}")

    with fake.running() as desk:
        desk.before = keep
        tests = _tests_of(name)
        build = getattr(tests, "build_client", None) or tests.client_at
        yield build(desk.url + path, folder), lambda: "\n".join(received)


@contextlib.contextmanager
def _at_local(folder: Path) -> Iterator[Channel]:
    """Tell the embedded desk; its file is what it received."""
    client = TICKETING_CLIENTS.load("local")

    def received() -> str:
        with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as desk:
            return "\n".join(desk.iterdump())

    yield client.build(client.options(client="local"), Context(folder), "desk"), received


class _Mailbox(socketserver.StreamRequestHandler):
    """A mail server that takes everything (RFC 5321, as far as a sender needs it)."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while (line := self.rfile.readline()) and line != b".\r\n":
                    self.server.received.append(line)
                self.server.received.append(b"\r\n")
            self.wfile.write(b"250 yes\r\n" if verb != b"QUIT" else b"221 bye\r\n")
            if verb == b"QUIT":
                return


@contextlib.contextmanager
def _at_mailbox(folder: Path) -> Iterator[Channel]:
    """Tell by mail; the server keeps each line. What was encoded for the way is read as a mail program reads it, too."""
    tests = _tests_of("email")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()

        def received() -> str:
            raw = b"".join(server.received)
            quoted = re.sub(rb"=\r\n", b"", raw)
            joined = re.sub(rb"(?<=[A-Za-z0-9+/])\r\n(?=[A-Za-z0-9+/=])", b"", raw)
            plain = re.sub(rb"=([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), quoted)
            return "\n".join(one.decode("utf-8", "replace") for one in (raw, joined, plain))

        smtp = tests.SmtpOptions(host="127.0.0.1", port=server.server_address[1], encryption="none")
        options = tests.EmailOptions(client="email", sender="us@agent.test", to=("desk@desk.test",), smtp=smtp)
        yield tests.PLUGIN.build(options, Context(folder), "mail"), received
        server.shutdown()
        thread.join()


CHANNELS = {
    "alertmanager": lambda folder: _at_stand_in("alertmanager", FakeAlertmanager(), folder),
    "email": _at_mailbox,
    "freshservice": lambda folder: _at_stand_in("freshservice", FakeFreshservice(PLANTED_SECRET), folder),
    "github": lambda folder: _at_stand_in("github", FakeGitHub(), folder),
    "gitlab": lambda folder: _at_stand_in("gitlab", FakeGitLab(), folder),
    "glpi": lambda folder: _at_stand_in("glpi", FakeGlpi(PLANTED_SECRET, "Europe/Berlin"), folder),
    "jira": lambda folder: _at_stand_in("jira", FakeJira(), folder),
    "jira_service_management": lambda folder: _at_stand_in("jira_service_management", FakeServiceManagement(), folder),
    "local": _at_local,
    "servicenow": lambda folder: _at_stand_in("servicenow", FakeServiceNow(), folder),
    "webhook": lambda folder: _at_stand_in("webhook", FakeWebhookReceiver(), folder, "/hooks/foretell"),
    "zammad": lambda folder: _at_stand_in("zammad", FakeZammad(PLANTED_SECRET), folder),
    "zendesk": lambda folder: _at_stand_in("zendesk", FakeZendesk(), folder),
}
# Judged by the real one: tests/desks/test_consent.py.
REAL = {"redmine", "request_tracker"}
# How it came about is the gate's business and the same for all; so one desk is told in each situation, the others in two.
TOLD = [(channel, situation) for channel in CHANNELS for situation in ("never", "revoked while queued")]
TOLD += [("local", situation) for situation in SITUATIONS if ("local", situation) not in TOLD]
# What reads the network, or is read by this host's people alone, and says nothing about the host to anybody else.
NO_CHANNEL = {
    "commands/init_questions.py": "asks this host for its own name, to propose it",
    "daemon_process.py": "imports for collectors, without OpenSSL, what they ask addresses with",
    "relay/server.py": "brings alerts in; what the relay tells of them is held to account in tests/agent/relay/test_words.py",
    "replay/prometheus.py": "asks a Prometheus for a history",
    "system/orders.py": "wakes the process itself when a signal came",
    "system/service_manager.py": "tells this host's systemd that the agent lives",
    "web/admission.py": "knows by which names this host may be called",
    "web/exchange.py": "reads what is asked of the status page, and says what it answers: `web/server.py`",
    "web/server.py": "the status page; beyond this host the core and what was sent, the rest to who logs in: tests/agent/web",
    "web/web_config.py": "makes the TLS of that page",
}
# Options of commands that name a file: those that are read, and those that are written for whoever calls the command here.
READ = {"--config", "--state-dir", "--token-file", "--ca-file", "--compare", "--root", "file"}
STAYS_HERE = {
    ("knowledge", "export", "--out"),  # it does not: judged above
    ("init", "--out"),  # the configuration
    ("consent", "grant", "--to-sign"),  # what somebody decides
    ("bundle", "preview", "--clear"),  # what consent lets out, redacted
    ("record", "--out"),  # redacted, for whoever calls it to read before it is given away
    ("replay", "--out"),  # a drawing of a history that somebody has
    ("report", "--out"),  # all of it, for whoever calls the command; --leaving cuts it to what consent lets out
}


@pytest.mark.parametrize(("channel", "situation"), TOLD)
def test_without_consent_the_core_alone_arrives(tmp_path, channel, situation):
    """However it came that nothing is allowed now, and whatever was queued when it still was."""
    with CHANNELS[channel](tmp_path) as (client, received):
        judge = Judge(tmp_path, client, received)
        judge.tell_everything(situation)
        assert judge.leaked() == set()


@pytest.mark.parametrize("channel", CHANNELS)
def test_with_consent_to_facts_they_arrive_and_no_more(tmp_path, channel):
    """The other way round: so the judge is not blind. A text in evidence and a log line do not leave at `facts`."""
    with CHANNELS[channel](tmp_path) as (client, received):
        judge = Judge(tmp_path, client, received)
        judge.tell_everything("facts")
        assert judge.leaked() == {"further number", "path", "program", "unit", "operating system", "serial number"}


@pytest.mark.parametrize("level", ["none", "facts"])
def test_an_article_for_a_knowledge_base_is_the_core_and_words_by_consent(tmp_path, level):
    """The files that are written are what others get; what people wrote is in them from `facts` on."""
    words = {"cause": "old dumps in /srv/plant-words", "done": "removed /srv/plant-words by hand"}
    facts = texts().FILLING
    case = Case(
        key=facts.key,
        rule=facts.rule,
        subject=facts.subject,
        state="closed",
        first_seen=0.0,
        last_seen=0.0,
        changed_at=0.0,
        evidence=facts.evidence | EVIDENCE,
        healthy_evidence=EVIDENCE,
        episodes=tuple(msgspec.structs.replace(one, **words) for one in EPISODES),
    )
    rules = {rule.id: rule for rule, _ in load(None, parts={"rules"}).rules}
    told = articles([case], rules, texts().CONTEXT, lambda *_: level, redactor(load_templates([LAYOUTS])))
    [article] = write(told, tmp_path)
    text = (tmp_path / article.name).read_text("utf-8")
    assert leaks(text, list(PLANTED.values())) == []
    assert ("/srv/plant-words" in text.replace("\\", "")) == (level == "facts")


def test_every_desk_that_there_is_is_judged():
    """A new client is not done before it is among them."""
    assert set(CHANNELS) | REAL == set(TICKETING_CLIENTS.built_in())


def test_nothing_else_in_the_agent_speaks_to_the_network():
    """Alertmanager, a relay, a report by mail: whoever adds one puts it among the channels, or says why it is none."""
    speaks = re.compile(
        r"^\s*(?:import|from) (requests|urllib3|http\.client|smtplib|socket|socketserver|ssl)\b", re.MULTILINE
    )
    root = Path(agent.__file__).parent
    found = {str(file.relative_to(root)) for file in root.rglob("*.py") if speaks.search(file.read_text("utf-8"))}
    assert found == NO_CHANNEL.keys(), "is one of these a channel?"


def test_no_command_writes_files_for_others():
    """A report, an export of what was learned: whoever adds one has it judged, or says why it stays here."""

    def written(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from written(command.get_command(context, name), *path, name)
        for one in command.params:
            if isinstance(one.type, click.Path | click.File) and one.opts[0] not in READ:
                yield (*path, one.opts[0])

    assert set(written(cli)) == STAYS_HERE, "is one of these a channel?"
