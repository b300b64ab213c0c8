"""The clock: chronyd's and systemd's words, and time servers that are right, wrong, lost or lying."""

import contextlib
import re
import socket
import struct
import threading
import time

import pytest

from collectors import Completed, CouldNotCheck, NotSupported, ntp
from collectors._chrony import CHRONYC, parse_tracking
from collectors._sntp import read_answer
from collectors.contract import FakeHost

PACKET = struct.Struct("!BBbb11I")
EPOCH = 2_208_988_800


def stamp(unix):
    """Return unix seconds as NTP writes them: seconds of its era, and the fraction."""
    whole = int(unix // 1)
    return (whole + EPOCH) % (1 << 32), int((unix - whole) * (1 << 32))


def answer(nonce, at, *, first=0x24, stratum=2, code=b"\0\0\0\0"):
    """Return a server's answer at `at` (unix seconds) to the question with this nonce."""
    return PACKET.pack(
        first, stratum, 6, -20, 0, 0, int.from_bytes(code, "big"), 0, 0, nonce >> 32, nonce & 0xFFFFFFFF, *stamp(at), *stamp(at)
    )  # fmt: skip


@contextlib.contextmanager
def time_server(reply):
    """Serve on loopback: `reply` is given the question's nonce and returns what is sent back, or None. Yields HOST:PORT."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    question, asker = sock.recvfrom(100)
                    if question == b"end":
                        return
                    high, low = PACKET.unpack(question)[-2:]
                    if (sent := reply(high << 32 | low)) is not None:
                        sock.sendto(sent, asker)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{sock.getsockname()[1]}"
        finally:
            sock.sendto(b"end", sock.getsockname())
            thread.join(10)


def ask(root, *servers):
    """Return what one run on a host without a time service yields, by reading and source."""
    made = ntp.PLUGIN.build(ntp.NtpOptions(servers=list(servers), timeout=0.5), FakeHost(root))
    return {
        (item.name, item.labels["source"]): item if isinstance(item, CouldNotCheck) else item.value
        for item in made.collect(1.0)
    }


@pytest.mark.parametrize("ahead", [0.0, 12.5, -400.0])
def test_a_clock_is_compared_with_a_server(tmp_path, ahead):
    """Ahead is positive; how far it is off has no sign."""
    with time_server(lambda nonce: answer(nonce, time.time() - ahead)) as server:
        found = ask(tmp_path, server)
    assert found["ntp_offset_seconds", server] == pytest.approx(ahead, abs=0.4)
    assert found["ntp_deviation_seconds", server] == pytest.approx(abs(ahead), abs=0.4)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (lambda nonce: answer(nonce ^ 1, time.time()), "not one to our question"),
        (lambda nonce: answer(nonce, time.time(), first=0x23), "not one to our question"),
        (lambda nonce: answer(nonce, time.time(), stratum=0, code=b"RATE"), r"refuses to tell the time \(RATE\)"),
        (lambda nonce: answer(nonce, time.time(), first=0xE4), "does not know the time"),
        (lambda nonce: answer(nonce, time.time(), stratum=16), "does not know the time"),
        (lambda _: b"short", "too short"),
        (lambda _: None, "timed out"),
    ],
)
def test_an_answer_that_is_worth_nothing_is_none(tmp_path, reply, reason):
    """A server that is wrong, refuses or lies is not this host's clock."""
    with time_server(reply) as server:
        found = ask(tmp_path, server)
    for name in ("ntp_offset_seconds", "ntp_deviation_seconds"):
        assert isinstance(found[name, server], CouldNotCheck)
        assert re.search(reason, found[name, server].reason)


def test_the_time_goes_on_when_the_count_of_ntp_begins_anew():
    """In February 2036."""
    later = 2_085_978_496 + 100.0
    offset = read_answer(answer(7, later), 7, later + 1.0, 0.0)
    assert offset.ahead == pytest.approx(1.0)


def test_chronyd_counts_the_other_way():
    """`chronyc tracking` said "0.000001541 seconds fast of NTP time" beside this line (chrony 4.3)."""
    line = "7F000001,127.0.0.1,9,1795938980.823878751,-0.000001540,0.000000057,0.000000450,0.010,0.001,0.166,0,0,1.0,Normal\n"
    tracking = parse_tracking(line)
    assert (tracking.ahead, tracking.stratum, tracking.synchronised) == (0.00000154, 9, True)
    assert not parse_tracking(line.replace("Normal", "Not synchronised")).synchronised


def test_a_chronyd_that_knows_no_time_has_no_offset(tmp_path):
    """Only that it does not hold the clock."""
    line = ",".join(["0"] * 13) + ",Not synchronised\n"
    host = FakeHost(tmp_path, {CHRONYC: Completed(0, line, "")}).write("/run/chrony/x", "").write(CHRONYC, "")
    [reading] = ntp.PLUGIN.build(ntp.NtpOptions(), host).collect(1.0)
    assert (reading.name, reading.value) == ("ntp_synchronized", 0)


@pytest.mark.parametrize(("said", "value"), [("yes", 1), ("no", 0)])
def test_systemd_passes_on_what_the_kernel_was_told(tmp_path, said, value):
    """Whoever keeps the time."""
    host = FakeHost(tmp_path, {ntp.TIMEDATECTL: Completed(0, f"NTPSynchronized={said}\n", "")})
    host.write("/run/systemd/system/x", "")
    [reading] = ntp.PLUGIN.build(ntp.NtpOptions(), host).collect(1.0)
    assert (reading.value, reading.labels) == (value, {"source": "kernel"})


def test_a_host_without_any_time_service_and_server_has_nothing_to_tell(tmp_path):
    """A container, for example."""
    with pytest.raises(NotSupported):
        ask(tmp_path)


@pytest.mark.parametrize("server", ["a b", "ntp.example:0", "-x"])
def test_what_is_no_server_is_refused(server):
    """With an example of one."""
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        ntp.NtpOptions(servers=[server])


def test_an_address_of_version_6_needs_no_brackets():
    """The port is the usual one."""
    assert ntp._split("2001:db8::1") == ("2001:db8::1", 123)
    assert ntp._split("ntp.example") == ("ntp.example", 123)


def test_a_link_local_server_is_never_asked(tmp_path):
    """As everywhere."""
    [first, *_] = ask(tmp_path, "169.254.169.123").values()
    assert "never spoken to" in first.reason
