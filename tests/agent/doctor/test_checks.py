"""The self-checks: numbered for ever, each with its cure, and without a trace on the host."""

import http.server
import re
import socket
import threading

import pytest

from agent.consent.file import FILE
from agent.consent.levels import Grant, Scope
from agent.consent.record import RECORD, opened_record
from agent.doctor import checks as doctor
from agent.store import Store
from agent.system.children import ChildError
from agent.system.folder import StateFolder

NUMBERS = list(range(1, 15))


@pytest.fixture
def examine(tmp_path):
    """Return a function that examines with a configuration's text, and gives the results by their number."""

    def examine(text="", state=tmp_path / "state", listen="127.0.0.1:0"):
        config = tmp_path / "foretell.toml"
        config.write_text(text)
        results = {}
        for result in doctor.examine(config, state, listen):
            results.setdefault(result.number, []).append(result)
        return results

    return examine


@pytest.fixture
def refusing_desk():
    """A desk on loopback that knows no token."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def free_port():
    """A port nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def desk_table(url, secret):
    """Return the configuration of a desk with its token in the file `secret`."""
    return f"""
        delivery.desk = "helpdesk"
        secrets.rt = "{secret}"
        [desks.helpdesk]
        client = "request_tracker"
        url = "{url}"
        queue = "Ops"
        token_secret = "rt"
    """


def token(tmp_path, text="planted-token\n"):
    """Return a private file with a token."""
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(text)
    return file


def test_every_check_is_made_and_numbered_in_order(examine):
    """A runbook may name a number."""
    assert list(examine()) == NUMBERS


def test_a_new_host_has_nothing_to_mend(examine):
    """No state folder yet is no fault: the first run makes it."""
    results = [one for together in examine().values() for one in together]
    assert [one for one in results if one.verdict in {"wrong", "warning"} and one.number != 7] == []
    assert all(one.reason is None for one in results)


def test_looking_leaves_no_trace(examine, tmp_path):
    """Neither a folder nor a file."""
    examine()
    assert [path.name for path in tmp_path.iterdir()] == ["foretell.toml"]


def test_a_wrong_configuration_ends_it_with_every_mistake(examine):
    """What follows would be guesses."""
    results = examine("[agent]\ncycle = 'soon'\nlissten = 'x'\n")
    assert list(results) == [1, 2, 3]
    [result] = results[3]
    assert result.verdict == "wrong"
    assert result.reason == "configuration"
    assert "agent.cycle" in result.found
    assert 'did you mean "listen"?' in result.found


def test_what_will_hardly_be_meant_is_a_warning(examine):
    """A rule that has nothing to judge."""
    [result] = examine("[collectors.disk]\nenabled = false\n")[3]
    assert result.verdict == "warning"
    assert "disk_space judges nothing" in result.found


def test_a_secret_that_everybody_may_read_is_named_without_itself(examine, tmp_path):
    """The file, not what is in it."""
    secret = token(tmp_path)
    secret.chmod(0o644)
    results = examine(desk_table("http://127.0.0.1:9", secret))
    [result] = results[4]
    assert result.verdict == "warning"
    assert "chmod o-rw it" in result.found
    assert "planted" not in str(results)


def test_little_room_is_a_warning_with_what_is_comfortable(examine, monkeypatch):
    """Before it is too late."""
    monkeypatch.setattr(doctor, "ROOM_WANTED", 10**18)
    [result] = examine()[5]
    assert result.verdict == "warning"
    assert "comfortable" in result.hint


def test_damaged_records_are_named_and_left_as_they_are(examine, tmp_path):
    """The next start sets them aside, not a look."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "agent.sqlite").write_bytes(b"nonsense" * 4096)
    [result] = examine()[6]
    assert result.verdict == "wrong"
    assert f"{state / 'agent.sqlite'}: it is damaged" in result.found
    assert [path.name for path in state.iterdir()] == ["agent.sqlite"]


def test_sound_records_are_counted(examine, tmp_path):
    """From a copy, so that nothing is migrated or locked."""
    with StateFolder(tmp_path / "state") as folder, Store.open(folder.path):
        pass
    before = {path.name for path in (tmp_path / "state").iterdir()}
    [result] = examine()[6]
    assert result.found == "sound, 0 cases are not closed"
    assert {path.name for path in (tmp_path / "state").iterdir()} == before


@pytest.mark.parametrize(("said", "verdict"), [("yes", "well"), ("no", "warning"), ("", "unknown"), (None, "unknown")])
def test_the_clock_is_what_timedatectl_says(examine, monkeypatch, said, verdict):
    """Where it says nothing, that is unknown, not well."""

    def answer(*_, **__):
        if said is None:
            raise ChildError("timedatectl is not installed")
        return type("Ended", (), {"output": f"{said}\n"})

    monkeypatch.setattr(doctor, "run_child", answer)
    [result] = examine()[7]
    assert result.verdict == verdict


def test_a_clock_from_before_this_version_is_wrong(examine, monkeypatch):
    """A dead battery."""
    monkeypatch.setattr(doctor, "RELEASED", 1e12)
    [result] = examine()[7]
    assert result.verdict == "wrong"


def test_a_busy_port_is_told_with_its_cure(examine):
    """As `run` would tell it."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        [result] = examine(listen=address)[8]
    assert result.verdict == "wrong"
    assert result.reason == "configuration"
    assert f"{address}: the port is in use" in result.found
    assert "--listen" in result.found


def test_a_running_agents_own_port_is_not_a_conflict(examine, tmp_path):
    """It is the one who has it."""
    with StateFolder(tmp_path / "state"):
        [result] = examine(listen="127.0.0.1:1")[8]
    assert result.verdict == "well"
    assert "an agent is running" in result.found


def test_each_collector_that_runs_is_tried(examine):
    """One switched off is not, nor is one that nothing was named to."""
    collectors = [result.subject for result in examine("[collectors.disk]\nenabled = false\n")[9]]
    assert {f"collector {name}" for name in ("cpu", "memory", "ntp", "services", "software")} <= set(collectors)
    assert not {"collector disk", "collector port"} & set(collectors)


def test_a_refused_token_is_not_a_dead_desk(examine, refusing_desk, tmp_path):
    """401 is a matter of the token."""
    results = examine(desk_table(refusing_desk, token(tmp_path)))
    [result] = results[10]
    assert (result.verdict, result.reason) == ("wrong", "not_authorised")
    assert "401" in result.found
    assert "token" in result.hint
    assert "planted" not in str(results)


def test_a_dead_desk_is_unreachable(examine, free_port, tmp_path):
    """Nobody listens there."""
    [result] = examine(desk_table(f"http://127.0.0.1:{free_port}", token(tmp_path)))[10]
    assert (result.verdict, result.reason) == ("wrong", "unreachable")
    assert "connection refused" in result.found


@pytest.mark.parametrize("text", [None, ""])
def test_a_missing_or_empty_secret_is_named_by_its_file(examine, free_port, tmp_path, text):
    """No request is made without it."""
    file = tmp_path / "nowhere" if text is None else token(tmp_path, text)
    [result] = examine(desk_table(f"http://127.0.0.1:{free_port}", file))[10]
    assert (result.verdict, result.reason) == ("wrong", "not_authorised")
    assert str(file) in result.found
    assert "[secrets]" in result.hint


def test_options_that_contradict_each_other_are_a_matter_of_configuration(examine, tmp_path):
    """A token is never sent in the clear."""
    [result] = examine(desk_table("http://desk.example", token(tmp_path)))[10]
    assert (result.verdict, result.reason) == ("wrong", "configuration")
    assert "in the clear" in result.found
    assert "[desks.helpdesk]" in result.hint


def test_files_changed_since_the_installation_are_named(examine, monkeypatch):
    """Another distribution may have overwritten ours."""
    monkeypatch.setattr(
        doctor, "_changed_files", lambda _: iter(["agent/d.py", "agent/a.py", "agent/c.py", "agent/b.py"])
    )
    [result] = examine()[2]
    assert result.verdict == "warning"
    assert "agent/a.py, agent/b.py, agent/c.py and 1 more" in result.found


def test_an_installed_file_is_compared_by_its_digest(tmp_path):
    """Changed, missing, and as it was."""
    (tmp_path / "as_it_was.py").write_text("")
    (tmp_path / "changed.py").write_text("x")
    empty = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

    class Installed:
        def read_text(self, _):
            return f"as_it_was.py,{empty},0\nchanged.py,{empty},0\nmissing.py,{empty},0\nRECORD,,\n"

        def locate_file(self, path):
            return tmp_path / path

    assert list(doctor._changed_files(Installed())) == ["changed.py", "missing.py"]


def test_a_desk_that_serves_too_few_hosts_is_a_warning_with_its_number(examine, refusing_desk, tmp_path):
    """What all hosts ask together is reckoned against what the desk allows, even where it does not answer."""
    limits = "requests_per_minute = 100\n"
    few = desk_table(refusing_desk, token(tmp_path)) + limits
    [well] = examine(few)[12]
    assert (well.verdict, "of 100 that it allows" in well.found) == ("well", True)
    [warned] = examine(f"delivery.hosts = 1000\n{few}")[12]
    assert warned.verdict == "warning"
    assert "1000 hosts ask about 266.7 times a minute" in warned.found
    assert "serves 187 hosts" in warned.hint


def test_this_host_is_looked_for_at_its_desk(examine):
    """The embedded desk has no ticket yet that could contradict it."""
    [result] = examine('host.id = "5f0c"\nhost.name = "web01"\n')[11]
    assert (result.verdict, result.found) == ("well", "web01 (5f0c), 0 open tickets")


def granted(folder, *, torn=False):
    """Let somebody have granted something in the state folder."""
    folder.mkdir(0o700)
    scope = Scope(customer="default", classes=("disk_*",))
    grant = Grant(
        by="Jane", entered_by="root", at=1.0, level="facts", scope=scope, until=4e9, wording="1", way="command"
    )
    with opened_record(folder) as record:
        record.append([grant])
    if torn:
        with (folder / RECORD).open("ab") as file:
            file.write(b"{")


def test_what_tickets_may_carry_is_told(examine, tmp_path):
    """By default their core, and more where somebody allowed it."""
    assert [(one.verdict, one.found) for one in examine()[13]] == [("well", "tickets may carry: none")]
    granted(tmp_path / "state")
    assert [(one.verdict, one.found) for one in examine()[13]] == [("well", "tickets may carry: none, facts")]


def test_a_damaged_consent_record_is_told_with_its_line(examine, tmp_path):
    """And that nothing more leaves."""
    granted(tmp_path / "state")
    (tmp_path / "state" / RECORD).write_bytes(b"{}\n")
    [result] = examine()[13]
    assert result.verdict == "wrong"
    assert result.found.startswith("the consent record is damaged at line 1: ")
    assert "grant anew" in result.hint


def test_bundles_that_could_not_be_encrypted_are_told_before_one_is_wanted(examine):
    """A key with a letter that is wrong, for instance."""
    [result] = examine(f"[bundle]\nrecipients = ['age1{'q' * 58}']\n")[13]
    assert (result.verdict, result.hint) == ("wrong", "until then no bundle is made")
    assert "number 1 is no public key" in result.found


def test_an_unfinished_line_and_a_refused_file_are_warnings(examine, tmp_path):
    """Both at once."""
    granted(tmp_path / "state", torn=True)
    (tmp_path / FILE).write_text("")
    refused, torn = examine()[13]
    assert (refused.verdict, torn.verdict) == ("warning", "warning")
    assert "is not signed" in refused.found
    assert "never finished" in torn.found


def test_a_calendar_that_never_opens_is_wrong(examine):
    """Nothing could be proposed: it says which key, what is wrong with it, and how to mend it."""
    [calendar] = examine("[windows]\nweekly = []\n")[14]
    assert (calendar.verdict, calendar.reason) == ("wrong", "configuration")
    assert "windows: no agreed hours come" in calendar.found


def test_the_calendar_tells_when_it_opens_and_by_which_data(examine):
    """The next hours, and the releases of the time zones and of the public holidays."""
    [calendar] = examine('[customer]\nzone = "Europe/Berlin"\n[windows.holidays]\ncountry = "DE"\n')[14]
    assert calendar.verdict == "well"
    assert re.search(
        r"maintenance hours in Europe/Berlin: next 20\d\d-.*; by time zone data .*, holidays \d", calendar.found
    )
