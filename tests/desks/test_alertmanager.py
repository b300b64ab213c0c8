"""The Alertmanager client against a real cluster of two: the contract, and what its members do when one is away."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bcrypt
import msgspec
import pytest

from certificate_authority import Authority
from loopback import running
from prometheus_parts import alertmanagers
from ticketing_clients import NotAuthorised, NothingSent, Rejected
from ticketing_clients._alertmanager.labels import Alert
from ticketing_clients._alertmanager.reading import ticket_of
from ticketing_clients.alertmanager import PLUGIN, ROUNDS
from ticketing_clients.contract import PLANTED_SECRET, ClientContract, Context, comment, new_ticket

pytestmark = pytest.mark.desks

CONFIGURATION = """
route: {{receiver: hook, group_by: [foretell_key], group_wait: 1s, group_interval: 2s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: '{url}', send_resolved: true}}]}}]
"""
SECONDS = 30  # in which a notification has to come


class Hook:
    """Whom the cluster tells: every notification, with the alerts that it told."""

    def __init__(self):
        self.told: list[list[tuple[str, Alert]]] = []
        self._changed = threading.Condition()

    def take(self, body):
        """Keep one."""
        group = msgspec.json.decode(body)
        alerts = [(one["status"], msgspec.convert(one, Alert)) for one in group["alerts"]]
        with self._changed:
            self.told.append(alerts)
            self._changed.notify_all()

    def wait_for(self, key, status, **labels):
        """Return the first alert of this case that was told with this status and these labels."""

        def found():
            for alerts in self.told:
                for said, one in alerts:
                    if (said, one.key) == (status, key) and labels.items() <= one.labels.items():
                        return one
            return None

        with self._changed:
            assert self._changed.wait_for(found, SECONDS), f"nobody was told that {key} is {status}"
            return found()

    def count(self, key, status):
        """Return how often it was told."""
        return sum((said, one.key) == (status, key) for alerts in self.told for said, one in alerts)


@pytest.fixture(scope="module")
def hook():
    """Return a receiver of notifications."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hook.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        hook.url = f"http://127.0.0.1:{server.server_port}"
        yield hook


@pytest.fixture(scope="module")
def cluster(hook, tmp_path_factory):
    """Return the two members, which tell the hook."""
    with alertmanagers(tmp_path_factory.mktemp("alertmanager"), CONFIGURATION.format(url=hook.url)) as members:
        until = time.monotonic() + SECONDS
        while any(len(one.ask("api/v2/status")["cluster"]["peers"]) < 2 for one in members):
            assert time.monotonic() < until, "the two do not find each other"
            time.sleep(0.2)
        yield members


@pytest.fixture
def build(cluster, tmp_path):
    """Return a function that builds a client of both members, as it is some seconds from now."""

    def build(**changes):
        options = PLUGIN.options(client="alertmanager", urls=[one.url for one in cluster], **changes)
        return PLUGIN.build(options, Context(tmp_path, now=time.time()), "fleet")

    return build


@pytest.fixture
def client(build):
    return build()


class Quickly(Context):
    """Heartbeats every second."""

    rhythm = 1.0


def test_an_agent_that_falls_silent_is_told_to_people(cluster, hook, tmp_path):
    """Its alert stands at every member while it is told again, and ends by itself; nobody else has to be there."""
    options = PLUGIN.options(client="alertmanager", urls=[one.url for one in cluster], labels={"site": "berlin"})
    until = time.monotonic() + 3 * Quickly.rhythm * ROUNDS
    while time.monotonic() < until:
        client = PLUGIN.build(options, Quickly(tmp_path, now=time.time()), "fleet")
        assert client.show_life("silent", "h-silent") == ()
        time.sleep(Quickly.rhythm)
    labels = {"alertname": "ForetellAlive", "host": "silent", "site": "berlin"}
    hook.wait_for("", "firing", **labels)
    assert not any(
        said == "resolved" and labels.items() <= one.labels.items() for alerts in hook.told for said, one in alerts
    )
    hook.wait_for("", "resolved", **labels)


class Reader:
    """A person who looks at one of the members."""

    def __init__(self, member):
        self._member = member

    def sees(self, ref):
        """Return what stands there of a ticket."""
        [alert] = standing(self._member, ref.id)
        said = alert.annotations
        return said["summary"], "\n".join([said["description"], said.get("comment", "")]).rstrip("\n")


def standing(member, key):
    """Return the alerts of a case that stand at a member."""
    return msgspec.convert(member.ask("api/v2/alerts", filter=f'foretell_key="{key}"'), list[Alert])


class TestContract(ClientContract):
    """The real cluster keeps of the contract what can be kept without people."""

    acts = ()

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, tmp_path):
        options = PLUGIN.options(client="alertmanager", urls=["http://127.0.0.1:9"], token_secret="t")
        return PLUGIN.build(options, Context(tmp_path, PLANTED_SECRET), "fleet")

    @pytest.fixture
    def person(self, cluster):
        return Reader(cluster[1])


class TestNotifications:
    """What the cluster makes of what it is told."""

    def test_one_case_is_told_once_by_two_members_and_comes_back_as_a_ticket(self, client, hook):
        """From a ticket to an alert, through the real thing, and back."""
        ticket = new_ticket()
        client.open(ticket)
        back = ticket_of(hook.wait_for(ticket.key, "firing"))
        time.sleep(4)  # in which the second member would tell it again
        assert hook.count(ticket.key, "firing") == 1
        assert (back.key, back.title, back.priority, back.windows) == (
            ticket.key,
            ticket.title,
            ticket.priority,
            ticket.windows,
        )

    def test_a_rise_is_told_at_once(self, client, hook):
        """Within the group's interval; the old alert says why it ended, the new one stands."""
        ticket = new_ticket()
        ref = client.open(ticket)
        hook.wait_for(ticket.key, "firing", priority="P3")
        client.raise_priority(ref, "P1")
        new = hook.wait_for(ticket.key, "firing", priority="P1")
        old = hook.wait_for(ticket.key, "resolved", priority="P3")
        assert (old.ending, new.ending) == ("raised", None)

    def test_a_measured_end_says_so_and_an_expired_one_does_not(self, build, hook, tmp_path):
        """Only so can anybody tell a repaired host from a dead one."""
        repaired, dead = new_ticket(), new_ticket()
        client = build()
        ref = client.open(repaired)
        options = PLUGIN.options(client="alertmanager", urls=list(client._cluster.members))
        context = Context(tmp_path / "dead", now=time.time())
        context.state_dir.mkdir()
        context.rhythm = 0.5  # so that it expires within seconds
        PLUGIN.build(options, context, "fleet").open(dead)
        hook.wait_for(repaired.key, "firing")
        hook.wait_for(dead.key, "firing")
        client.resolve(ref)
        assert hook.wait_for(repaired.key, "resolved").ending == "resolved"
        assert hook.wait_for(dead.key, "resolved").ending is None

    def test_a_problem_that_is_back_is_told_again(self, client, hook):
        """With the same labels, as a new beginning."""
        ticket = new_ticket()
        ref = client.open(ticket)
        hook.wait_for(ticket.key, "firing")
        client.resolve(ref)
        hook.wait_for(ticket.key, "resolved")
        before = hook.count(ticket.key, "firing")
        client.reopen(ref, ticket)
        until = time.monotonic() + SECONDS
        while hook.count(ticket.key, "firing") == before:
            assert time.monotonic() < until, "it is not told again"
            time.sleep(0.2)

    def test_the_newest_comment_goes_along(self, client, cluster):
        """On the alert that stands, at both members."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("op-1", "你好 it is worse", public=True))
        assert [standing(one, ref.id)[0].annotations["comment"] for one in cluster] == ["你好 it is worse"] * 2


class TestOneAway:
    """A member that is killed, and one that has forgotten everything."""

    @pytest.fixture
    def killed(self, cluster):
        """Kill a member for the time of the test."""
        one = cluster[1]
        one.stop(killed=True)
        yield one
        one.stop()
        one.start()

    def test_what_it_missed_it_is_told_when_it_is_back(self, build, cluster, killed, hook):
        """An opening and an end: nobody hears of either twice, or of a problem that is over."""
        opened, ended = new_ticket(), new_ticket()
        client = build()
        client.open(opened)
        client.resolve(client.open(ended))
        assert client.remind([opened.key])  # the complaint
        killed.start()
        later = build()
        assert later.anything_stands()
        assert later.remind([opened.key]) == ()
        assert [len(standing(one, opened.key)) for one in cluster] == [1, 1]
        assert [len(standing(one, ended.key)) for one in cluster] == [0, 0]
        hook.wait_for(opened.key, "firing")
        time.sleep(4)
        assert hook.count(opened.key, "firing") == 1

    def test_one_that_was_restarted_has_forgotten_and_is_reminded(self, build, cluster):
        """An Alertmanager keeps no alert across its restart."""
        ticket = new_ticket()
        build().open(ticket)
        cluster[0].stop()
        cluster[0].start()
        assert standing(cluster[0], ticket.key) == []
        build().remind([ticket.key])
        assert len(standing(cluster[0], ticket.key)) == 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return an authority with certificates for two hosts, one of them in two versions."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    for name in ("web01", "web01-renewed", "web02"):
        authority.sign(name, "issuer", 5, "extendedKeyUsage=clientAuth")
    both = "".join((authority.folder / f"{name}.pem").read_text() for name in ("root", "issuer"))
    (authority.folder / "authorities.pem").write_text(both)
    return authority


class TestAccess:
    """A host logs in as itself: with its own certificate, and its own name and password."""

    WEB = """
tls_server_config:
  cert_file: {folder}/shop-chain.pem
  key_file: {folder}/shop.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {folder}/authorities.pem
basic_auth_users:
"""

    @pytest.fixture
    def secured(self, authority, tmp_path):
        """Return a member that lets in two hosts, and a function that says which from now on."""

        def let_in(*hosts):
            hashed = bcrypt.hashpw(PLANTED_SECRET.encode(), bcrypt.gensalt(4)).decode()
            users = "".join(f"  {host}: {hashed}\n" for host in hosts)
            (tmp_path / "am" / "web.yml").write_text(self.WEB.format(folder=authority.folder) + users)
            return self.WEB.format(folder=authority.folder) + users

        (tmp_path / "am").mkdir()
        configuration = CONFIGURATION.format(url="http://127.0.0.1:9")
        with alertmanagers(tmp_path / "am", configuration, 1, let_in("web01", "web02")) as [member]:
            yield member, let_in

    def host(self, member, authority, folder, name, **changes):
        """Return the client of a host."""
        (folder / name).mkdir(exist_ok=True)
        own = folder / name / "host.pem"
        for part in ("pem", "key"):
            with own.open("a") as file:
                file.write((authority.folder / f"{name}.{part}").read_text())
        options = {
            "urls": [member.url],
            "user": name,
            "ca_file": str(authority.folder / "root.pem"),
            "certificate_file": str(own),
        }
        context = Context(folder / name, now=time.time())
        return PLUGIN.build(PLUGIN.options(client="alertmanager", **(options | changes)), context, "fleet")

    def test_a_host_is_let_in_by_its_own_certificate_and_password(self, secured, authority, tmp_path):
        """And not without the one or the other; nothing is lost meanwhile, for nothing was sent."""
        member, _ = secured
        self.host(member, authority, tmp_path, "web01").open(new_ticket())
        with pytest.raises(NotAuthorised):
            self.host(member, authority, tmp_path, "web02", user="nobody").open(new_ticket())
        with pytest.raises(NothingSent):
            self.host(member, authority, tmp_path, "web02", certificate_file="").open(new_ticket())

    def test_a_host_that_is_lost_is_locked_out_and_the_others_go_on(self, secured, authority, tmp_path):
        """Its line is taken out of the web configuration; nothing is restarted."""
        member, let_in = secured
        lost, other = (self.host(member, authority, tmp_path, name) for name in ("web01", "web02"))
        for one in (lost, other):
            one.open(new_ticket())
        let_in("web02")
        with pytest.raises(NotAuthorised):
            lost.open(new_ticket())
        other.open(new_ticket())

    def test_a_renewed_certificate_is_used_at_once(self, secured, authority, tmp_path):
        """In the same file, by the same client; an unreadable one is not the desk's refusal, so that all of it waits."""
        member, _ = secured
        client = self.host(member, authority, tmp_path, "web01")
        client.open(new_ticket())
        own = tmp_path / "web01" / "host.pem"
        own.write_text("half written")
        with pytest.raises(NothingSent):
            client.open(new_ticket())
        own.write_text("".join((authority.folder / f"web01-renewed.{part}").read_text() for part in ("pem", "key")))
        client.open(new_ticket())


def test_what_an_alertmanager_refuses_is_set_aside(build):
    """A label that only this version of it does not take."""
    client = build()
    client._labels = {"0 no label": "x"}
    with pytest.raises(Rejected, match="invalid label"):
        client.open(new_ticket())
    assert not client.anything_stands()
