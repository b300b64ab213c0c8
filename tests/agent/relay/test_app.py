"""Who may ask the relay what, and what each failure is answered with."""

import base64
import io
import json
import threading

import pytest

from agent.configuration.secrets import Secrets
from agent.configuration.settings import RelayClients
from agent.relay.access import Access
from agent.relay.alertmanager import NotKnown
from agent.relay.app import PIECE, make_app
from agent.relay.cases import CaseState
from agent.relay.group import group_of
from agent.relay.metrics import RelayMetrics
from agent.relay.tickets import Done
from fleet import NOW, alert, notification
from ticketing_clients import (
    DeskUnreachable,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Throttled,
    TicketRef,
    TicketState,
)

CASE = "a" * 64
ALERTMANAGER, AGENT = "Bearer am-secret-1", "Bearer agents-secret-2"


class Work:
    """What the application has done, on paper."""

    def __init__(self):
        self.fails = None
        self.told = []
        self.files = {}
        self.state = CaseState(
            group="g", founder=True, ticket=TicketState(ref=TicketRef("desk", "7"), status="open", desk_status="open")
        )
        self.desk_trouble = ""
        self.attaching = threading.Semaphore(0)
        self.may_attach = threading.Event()
        self.may_attach.set()

    def carry_out(self, told):
        if self.fails:
            raise self.fails
        self.told.append(told)
        return group_of(told, "acme"), Done(ref=TicketRef("desk", "7"), deeds=("opened",))

    def state_of(self, case):
        if self.fails:
            raise self.fails
        return self.state if case == CASE else None

    def attach(self, case, file):
        self.attaching.release()
        assert self.may_attach.wait(30)
        self.files[file.name] = file.content
        return case == CASE

    def trouble(self):
        return self.desk_trouble


class Relay:
    """The application, asked without a network."""

    def __init__(self, folder, **clients):
        self.work, self.metrics, self.folder = Work(), RelayMetrics(), folder
        (folder / "am").write_text("am-secret-1\n")
        (folder / "agents").write_text("agents-secret-2\n")
        secrets = Secrets({"am": str(folder / "am"), "agents": str(folder / "agents")})
        settings = RelayClients(**({"alertmanager_secret": "am", "agents_secret": "agents"} | clients))
        self.app = make_app(self.work, Access(settings, secrets), self.metrics, largest_body=5000, largest_file=100)

    def ask(self, method, path, authorization="", body=b"", **more):
        """Return status, headers and body."""
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body)}
        environ |= {"CONTENT_LENGTH": str(len(body)), "HTTP_AUTHORIZATION": authorization} | more
        said = []
        answer = b"".join(self.app(environ, lambda status, headers: said.append((status, dict(headers)))))
        [(status, headers)] = said
        return int(status[:3]), headers, answer

    def notify(self, authorization=ALERTMANAGER, body=None, **more):
        return self.ask("POST", "/alertmanager", authorization, body or notification(alert(1)), **more)


@pytest.fixture
def relay(tmp_path):
    return Relay(tmp_path)


class TestNotifications:
    """Nothing is acknowledged that was not done."""

    def test_what_was_done_is_acknowledged(self, relay):
        status, _, body = relay.notify()
        assert (status, json.loads(body)) == (200, {"ticket": "7", "done": ["opened"]})
        assert len(relay.work.told) == 1

    @pytest.mark.parametrize(
        "error",
        [
            DeskUnreachable("down"),
            OutcomeUnknown("lost"),
            NotAuthorised("expired"),
            NotKnown("down"),
            LookupError("no secret"),
        ],
    )
    def test_what_may_work_later_is_to_be_sent_again(self, relay, error):
        relay.work.fails = error
        status, headers, _ = relay.notify()
        assert (status, headers["Retry-After"]) == (503, "30")

    def test_a_desk_that_names_a_time_is_waited_for(self, relay):
        relay.work.fails = Throttled("slower", 90)
        assert relay.notify()[1]["Retry-After"] == "90"

    def test_what_the_desk_refuses_as_it_is_is_not_sent_again_at_once_and_not_said_to_be_done(self, relay):
        relay.work.fails = Rejected("no such queue")
        assert relay.notify()[0] == 422

    def test_a_mistake_of_ours_is_not_an_acknowledgement(self, relay):
        relay.work.fails = RuntimeError("oops")
        assert relay.notify()[0] == 500

    @pytest.mark.parametrize(("body", "status"), [(b"{}", 400), (b"x" * 6000, 413), (notification(alert(1))[:-9], 400)])
    def test_what_is_no_notification_is_refused(self, relay, body, status):
        assert relay.notify(body=body)[0] == status
        assert relay.work.told == []

    def test_a_body_that_is_cut_off_is_not_half_understood(self, relay):
        assert relay.notify(CONTENT_LENGTH="4999")[0] == 408

    def test_only_posts_count(self, relay):
        assert relay.ask("GET", "/alertmanager", ALERTMANAGER)[0] == 405


class TestAccess:
    """A secret for Alertmanager, another for agents."""

    @pytest.mark.parametrize(
        "shown",
        [
            "",
            "Bearer",
            "Bearer am-secret-",
            "Bearer am-secret-12",
            AGENT,
            "Basic !!!",
            "Digest am-secret-1",
            "Bearer ä",
        ],
    )
    def test_whoever_shows_no_or_another_secret_is_turned_away(self, relay, shown):
        status, headers, body = relay.notify(shown)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"am-secret" not in body
        assert relay.work.told == []

    def test_basic_authentication_does_as_well(self, relay):
        shown = base64.b64encode(b"alertmanager:am-secret-1").decode()
        assert relay.notify(f"Basic {shown}")[0] == 200

    def test_alertmanagers_secret_opens_no_ticket_to_readers(self, relay):
        assert relay.ask("GET", f"/v1/cases/{CASE}", ALERTMANAGER)[0] == 401

    def test_a_rotated_secret_counts_at_once(self, relay):
        (relay.folder / "am").write_text("new-secret-3\n")
        assert relay.notify()[0] == 401
        assert relay.notify("Bearer new-secret-3")[0] == 200

    def test_each_host_may_have_its_own_and_a_lost_one_is_locked_out(self, relay):
        """Its line is taken out; the others go on."""
        web01, web02 = "Bearer token-of-web01", "Bearer token-of-web02"
        (relay.folder / "agents").write_text("token-of-web01\ntoken-of-web02\n")
        assert [relay.ask("GET", f"/v1/cases/{CASE}", shown)[0] for shown in (web01, web02)] == [200, 200]
        (relay.folder / "agents").write_text("token-of-web02\n")
        assert [relay.ask("GET", f"/v1/cases/{CASE}", shown)[0] for shown in (web01, web02)] == [401, 200]

    @pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Basic Og=="])
    def test_an_empty_file_of_secrets_lets_nobody_in(self, relay, shown):
        """Nothing shown is not the same as nothing asked for."""
        (relay.folder / "am").write_text("\n")
        assert relay.notify(shown)[0] >= 400

    def test_a_secret_that_cannot_be_read_lets_nobody_in_and_is_our_own_trouble(self, relay):
        (relay.folder / "am").unlink()
        assert relay.notify()[0] == 503

    def test_where_certificates_are_asked_for_they_are_enough_for_alertmanager_and_not_for_agents(self, tmp_path):
        relay = Relay(tmp_path, alertmanager_secret="", agents_secret="", ca_file="ca.pem")
        assert relay.notify("")[0] == 200
        assert relay.ask("GET", f"/v1/cases/{CASE}", "")[0] == 401


class TestAgents:
    """What agents ask and bring."""

    def test_an_agent_reads_the_ticket_of_its_case(self, relay):
        status, _, body = relay.ask("GET", f"/v1/cases/{CASE}", AGENT)
        assert status == 200
        assert json.loads(body)["ticket"]["ref"]["id"] == "7"

    def test_nothing_known_is_no_answer(self, relay):
        assert relay.ask("GET", f"/v1/cases/{'b' * 64}", AGENT)[0] == 404

    def test_a_desk_that_is_down_is_no_answer_either(self, relay):
        relay.work.fails = DeskUnreachable("down")
        assert relay.ask("GET", f"/v1/cases/{CASE}", AGENT)[0] == 503

    def test_nothing_can_be_written_there(self, relay):
        assert relay.ask("POST", f"/v1/cases/{CASE}", AGENT)[0] == 405

    def test_a_file_is_passed_on_as_it_is(self, relay):
        path = f"/v1/cases/{CASE}/files/foretell-1.tar.gz"
        assert relay.ask("PUT", path, AGENT, b"\x00\xff")[0] == 204
        assert relay.work.files == {"foretell-1.tar.gz": b"\x00\xff"}

    def test_a_file_that_is_too_large_is_not_read(self, relay):
        assert relay.ask("PUT", f"/v1/cases/{CASE}/files/x.gz", AGENT, b"x" * 101)[0] == 413
        assert relay.work.files == {}

    @pytest.mark.parametrize(("shown", "status"), [("", 401), (AGENT, 413)])
    def test_what_is_refused_is_read_to_its_end_piece_by_piece(self, relay, shown, status):
        """Else its sender hears a broken connection instead of the answer, or all of it is in memory at once."""

        class Wire(io.BytesIO):
            largest = 0

            def read(self, size=-1):
                piece = super().read(size)
                self.largest = max(self.largest, len(piece))
                return piece

        wire = Wire(b"x" * 1_000_000)
        path = f"/v1/cases/{CASE}/files/x.gz"
        answered, headers, _ = relay.ask("PUT", path, shown, **{"wsgi.input": wire, "CONTENT_LENGTH": "1000000"})
        assert (answered, headers.get("Connection")) == (status, None)
        assert (wire.tell(), wire.largest) == (1_000_000, PIECE)

    def test_a_sender_who_dawdles_is_not_waited_for(self, relay, monkeypatch):
        monkeypatch.setattr("agent.relay.app.LONGEST_DRAIN", 0.0)
        _, headers, _ = relay.ask("PUT", f"/v1/cases/{CASE}/files/x.gz", "", b"x" * 101)
        assert headers["Connection"] == "close"

    def test_a_third_file_at_once_has_to_wait_and_is_told_so(self, relay):
        relay.work.may_attach.clear()
        path = f"/v1/cases/{CASE}/files/"
        others = [threading.Thread(target=relay.ask, args=("PUT", f"{path}{n}.gz", AGENT, b"x")) for n in range(2)]
        for other in others:
            other.start()
            assert relay.work.attaching.acquire(timeout=30)
        status, headers, body = relay.ask("PUT", f"{path}x.gz", AGENT, b"x")
        relay.work.may_attach.set()
        for other in others:
            other.join(30)
        assert (status, headers["Retry-After"]) == (503, "30")
        assert body == b"as many files as may be are under way\n"
        assert len(relay.work.files) == 2

    @pytest.mark.parametrize("name", ["../x", ".x", "a/b", "", "x\n"])
    def test_a_file_is_called_by_a_plain_name(self, relay, name):
        assert relay.ask("PUT", f"/v1/cases/{CASE}/files/{name}", AGENT, b"x")[0] == 404


class TestHealth:
    """What anybody may know."""

    def test_it_is_ready_while_the_desk_serves_it(self, relay):
        assert relay.ask("GET", "/readyz")[0] == 200
        relay.work.desk_trouble = "desk rt: connection refused"
        assert relay.ask("GET", "/readyz")[0] == 503
        assert relay.ask("GET", "/healthz")[0] == 200

    def test_its_numbers_tell_what_came_of_notifications(self, relay):
        relay.notify()
        relay.work.fails = DeskUnreachable("down")
        relay.notify(body=notification(alert(1, ended=NOW)))
        text = relay.ask("GET", "/metrics")[2].decode()
        assert 'foretell_relay_notifications_total{outcome="done"} 1.0' in text
        assert 'foretell_relay_notifications_total{outcome="unreachable"} 1.0' in text
        assert 'foretell_relay_deeds_total{deed="opened"} 1.0' in text
