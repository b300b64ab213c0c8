"""A desk on loopback that is not the real one: for what cannot run here, and for behaviour that a specification cannot show.

Each request is first checked against the vendor's own specification, where that is at hand; one that does not keep it is answered
with 400 and listed in `violations`. What the desk then does is written in a subclass, from the vendor's documentation.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest
from openapi_core.exceptions import OpenAPIError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

#: where the vendors' specifications are; they are not ours to ship
SPECIFICATIONS = Path(
    os.environ.get("FORETELL_SPECIFICATIONS", Path(__file__).parents[3] / "shared" / "desks" / "specs")
)


class FakeDesk:
    """Serves `routes` (werkzeug rules whose endpoint is a method's name) over the state that a subclass keeps.

    An endpoint is called with the request and the path's values, one at a time, and returns (status, what becomes JSON) or a
    Response. seen: method and path of each request, in order. before: called first; a Response that it returns is the answer.
    lose: called after the work was done; when it returns True, the connection ends without an answer. ahead: seconds by which its
    clock is ahead of ours.
    """

    routes: ClassVar[list[Rule]] = []

    def __init__(self, specification: Specification | None = None) -> None:
        self.seen: list[tuple[str, str]] = []
        self.violations: list[str] = []
        self.before: Callable[[Request], Response | None] = lambda _: None
        self.lose: Callable[[Request], bool] = lambda _: False
        self.ahead = 0.0
        self.url = ""
        self._port = 0
        self._specification = specification
        self._map = Map([rule.empty() for rule in self.routes], strict_slashes=False)
        self._one_at_a_time = threading.Lock()

    @contextlib.contextmanager
    def running(self) -> Iterator[FakeDesk]:
        """Serve until the block ends, on a free port, and later on the same. Every request must have kept the specification."""

        class Handler(_Quiet):
            ahead = staticmethod(lambda: self.ahead)

        server = make_server("127.0.0.1", self._port, self._answer, threaded=True, request_handler=Handler)
        self._port = server.server_port
        self.url = f"http://127.0.0.1:{self._port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        assert self.violations == []

    def authorised(self, request: Request) -> bool:
        """Return whether the request may be served; a subclass knows."""
        del request
        return True

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()  # read whole, or closing the connection would reset it
        with self._one_at_a_time:
            self.seen.append((request.method, request.path))
            response = self.before(request) or self._serve(request)
            lost = self.lose(request)
        if lost:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return response(environ, start_response)

    def _serve(self, request: Request) -> Response:
        if not self.authorised(request):
            return answer(401, {"message": "who are you?"})
        if self._specification and (wrong := self._specification.broken_by(request)):
            self.violations.append(f"{request.method} {request.path}: {wrong}")
            return answer(400, {"message": wrong})
        try:
            endpoint, values = self._map.bind_to_environ(request.environ).match()
            result = getattr(self, endpoint)(request, **values)
        except HTTPException as error:
            return answer(error.code or 500, {"message": error.description})
        return result if isinstance(result, Response) else answer(*result)


class Specification:
    """A vendor's own OpenAPI document, as a judge of requests.

    path: the document. prefix: what stands before the document's paths in an address. mend: changes the document where the
    vendor's own is wrong, before it is used.
    """

    def __init__(self, path: Path, prefix: str = "", mend: Callable[[dict[str, Any]], None] = lambda _: None):
        self._path, self._prefix, self._mend = path, prefix, mend

    @classmethod
    def at_hand(cls, name: str, **options: Any) -> Specification:
        """Return the specification called `name`; skip the test, loudly, where the vendors' specifications are not."""
        if not (SPECIFICATIONS / name).is_file():
            pytest.skip(f"the vendor's specification {name} is not here; name its folder in FORETELL_SPECIFICATIONS")
        return cls(SPECIFICATIONS / name, **options)

    def broken_by(self, request: Request) -> str:
        """Return what in `request` breaks the specification; empty when it keeps it."""
        try:
            self._judge(f"{request.host_url.rstrip('/')}{self._prefix}").validate_request(
                WerkzeugOpenAPIRequest(request)
            )
        except OpenAPIError as error:
            causes = [str(one) for one in getattr(error.__cause__, "schema_errors", [])]
            return "; ".join([str(error), *causes])
        return ""

    @functools.cache  # noqa: B019 - a test's few
    def _judge(self, server: str) -> OpenAPI:
        document = json.loads(self._path.read_text("utf-8"))
        document["servers"] = [{"url": server}]
        self._mend(document)
        return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))


def answer(status: int, content: Any = None, headers: dict[str, str] | None = None) -> Response:
    """Return `content` as a JSON answer; None is an empty body."""
    body = b"" if content is None else json.dumps(content).encode()
    return Response(body, status=status, headers=headers, content_type="application/json")


class _Quiet(WSGIRequestHandler):
    ahead: Callable[[], float]

    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing on the test's output."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time by the desk's clock."""
        return super().date_time_string((timestamp or time.time()) + self.ahead())
