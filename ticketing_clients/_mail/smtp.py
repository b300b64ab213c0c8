"""Sending by SMTP: once, and knowing whether the server took it.

===============================================  ==============
event                                            means
===============================================  ==============
no connection, no TLS, lost before the content   DeskUnreachable
login refused (5yz), login demanded (530)        NotAuthorised
4yz to anything: greylisted, full, busy          Throttled
5yz to sender, recipient or content; too large   Rejected
lost after the content began                     OutcomeUnknown
===============================================  ==============

All recipients or none: where one is refused, nothing is sent, for a retry would write to the others twice.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Iterator
from typing import Any

from ticketing_clients._errors import DeskError, NotAuthorised, Rejected, Throttled
from ticketing_clients._exchange import Exchange, cause
from ticketing_clients._mail.server import STEP, WHOLE, MailServer

LOGIN_DEMANDED = frozenset({530, 534, 535, 538})


class SmtpServer:
    """A submission server. `name` is how we introduce ourselves (a domain)."""

    def __init__(self, server: MailServer, name: str) -> None:
        """Given the server and our name. Connects to nothing."""
        self._server = server
        self._name = name

    def try_out(self, sender: str, recipients: tuple[str, ...]) -> int | None:
        """Go as far as one can without sending; return the largest message in bytes if the server says. Raises DeskError."""
        with self._session() as (smtp, _):
            self._address(smtp, sender, recipients, 0)
            smtp.rset()
            return _largest(smtp)

    def send(self, sender: str, recipients: tuple[str, ...], content: bytes) -> None:
        """Send a message of 7-bit lines. Raises DeskError as the table above says."""
        with self._session() as (smtp, exchange):
            self._address(smtp, sender, recipients, len(content))
            exchange.sent = True
            code, said = smtp.data(content)
            if code != 250:  # noqa: PLR2004 - SMTP's "taken"
                raise smtplib.SMTPDataError(code, said)

    def _address(self, smtp: smtplib.SMTP, sender: str, recipients: tuple[str, ...], size: int) -> None:
        largest = _largest(smtp)
        if largest is not None and size > largest:
            raise Rejected(self._server.message(f"the message has {size} bytes, the server takes {largest}"))
        answers = [("sender", sender, *smtp.mail(sender))]
        if answers[0][2] == 250:  # noqa: PLR2004 - SMTP's "taken"
            answers += [("recipient", one, *smtp.rcpt(one)) for one in recipients]
        refused = [(code, said, f"{role} {who} was refused") for role, who, code, said in answers if code // 100 != 2]  # noqa: PLR2004
        if refused:
            # One that is refused for good is not helped by waiting for the others.
            raise self._refusal(*max(refused))

    @contextlib.contextmanager
    def _session(self) -> Iterator[tuple[smtplib.SMTP, Exchange]]:
        """Connect, introduce ourselves, log in; tell what went wrong, here or inside, by what had been sent."""
        exchange = Exchange()
        error: DeskError | None = None
        try:
            with exchange.limited_to(WHOLE), self._connected(exchange) as smtp:
                yield smtp, exchange
        except smtplib.SMTPServerDisconnected:
            error = self._server.lost(exchange, "the server hung up")
        except smtplib.SMTPResponseException as answer:
            said = answer.smtp_error if isinstance(answer.smtp_error, bytes) else str(answer.smtp_error).encode()
            error = self._refusal(answer.smtp_code, said, "refused")
        except smtplib.SMTPException as refusal:  # it does not offer what we need
            error = NotAuthorised(self._server.message(str(refusal)))
        except OSError as failure:
            error = self._server.lost(exchange, cause(failure))
        if error is not None:  # raised here: the library's exceptions hold what was sent
            raise error

    @contextlib.contextmanager
    def _connected(self, exchange: Exchange) -> Iterator[smtplib.SMTP]:
        server = self._server
        smtp = _Smtp(server, exchange, self._name)
        try:
            if server.encryption == "starttls":
                smtp.starttls(context=server.tls())
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
            yield smtp
            with contextlib.suppress(smtplib.SMTPException, OSError):  # all is said already
                smtp.quit()
        finally:
            smtp.close()

    def _refusal(self, code: int, said: bytes, what: str) -> DeskError:
        message = self._server.message(f"{what} with {code}", said)
        if code in LOGIN_DEMANDED:
            return NotAuthorised(message)
        return Throttled(message) if 400 <= code < 500 else Rejected(message)  # noqa: PLR2004 - SMTP's "not now"


def _largest(smtp: smtplib.SMTP) -> int | None:
    said = smtp.esmtp_features.get("size", "")
    return int(said) or None if said.isdecimal() else None  # 0 is "no limit"


class _Smtp(smtplib.SMTP):
    """The library's client over a connection of ours."""

    def __init__(self, server: MailServer, exchange: Exchange, name: str) -> None:
        self._server, self._exchange = server, exchange
        super().__init__(server.host, server.port, local_hostname=name, timeout=STEP)

    def _get_socket(self, *_: Any) -> socket.socket:
        return self._server.connect(self._exchange)
