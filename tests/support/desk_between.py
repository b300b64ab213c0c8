"""A wire to a real desk that does to requests and answers what networks, proxies and overworked desks do."""

from __future__ import annotations

from collections.abc import Callable

import requests
from werkzeug import Request, Response

from fake_desk import FakeDesk

#: what belongs to one connection, and not to the answer
OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


class DeskBetween(FakeDesk):
    """Hands every request on to the desk at `real`, unless `before` answers itself; `lose` cuts the answer off.

    ask: may change the path and query that are handed on. change: may answer something else than the desk did.
    """

    def __init__(self, real: str) -> None:
        super().__init__()
        self.ask: Callable[[Request, str], str] = lambda _, path: path
        self.change: Callable[[Request, Response], Response] = lambda _, response: response
        self._real = real

    def _serve(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OF_THE_CONNECTION}
        got = requests.request(
            request.method,
            self._real + self.ask(request, request.environ["RAW_URI"]),
            headers=headers | {"Host": self._real.partition("//")[2]},
            data=request.get_data(),
            allow_redirects=False,
            timeout=60,
        )
        kept = {name: value for name, value in got.headers.items() if name.lower() not in OF_THE_CONNECTION}
        return self.change(request, Response(got.content, got.status_code, kept))
