"""What a server answers in place of numbers: one that divides by nothing, and one that is no Prometheus."""

from __future__ import annotations

import contextlib
import http.server
import json
from collections.abc import Iterator

import pytest

from agent.replay.prometheus import PrometheusError, PrometheusRange
from loopback import running


@contextlib.contextmanager
def prometheus(*values: str) -> Iterator[str]:
    """Serve one host's free memory with these values, a minute apart; yield the address."""
    told = [[60.0 * number, value] for number, value in enumerate(values)]
    series = [{"metric": {"__name__": "foretell_memory_available_bytes", "instance": "web01"}, "values": told}]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(["web01"] if "/instance/" in self.path else ["foretell_memory_available_bytes"])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer({"result": series})

        def _answer(self, data: object) -> None:
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}"


def read(url: str) -> list[float]:
    whole = PrometheusRange(url, {"memory_available_bytes": "bytes"}, start=0, end=240, step=60)
    return [value for _, value, _ in whole.readings()]


def test_what_was_divided_by_nothing_is_no_reading():
    with prometheus("4e9", "NaN", "+Inf", "3e9") as url:
        assert read(url) == [4e9, 3e9]


@pytest.mark.parametrize("nonsense", ["", "many", "0x10", "4,5"])
def test_what_is_no_number_is_said_with_the_question_it_answers(nonsense):
    with prometheus("4e9", nonsense) as url, pytest.raises(PrometheusError) as caught:
        read(url)
    assert f"{nonsense!r}, which is no number" in str(caught.value)
    assert "foretell_memory_available_bytes" in str(caught.value)
