"""The agent's mailbox over IMAP: a folder of its own with what it sent and set, and the folder where people's answers land.

Nobody can write into the first by sending a mail, so what stands there is ours. Nothing is ever changed or deleted; reading marks
nothing as read.
"""

from __future__ import annotations

import contextlib
import email
import imaplib
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.policy import compat32
from typing import Any

from ticketing_clients._errors import DeskError, DeskUnreachable, NotAuthorised, Rejected
from ticketing_clients._exchange import Exchange, cause
from ticketing_clients._mail.server import STEP, WHOLE, MailServer
from ticketing_clients._mail.thread import Stored

MOST = 100  # answers that are read of one thread, the newest
LARGEST = 256 * 1024  # bytes that are read of an answer

_UID = re.compile(rb"\bUID (\d+)")


class Mailbox:
    """One account. `own` is the folder of what we sent, `answers` where people's answers land."""

    def __init__(self, server: MailServer, own: str, answers: str) -> None:
        """Given the server and the names of the folders. Connects to nothing."""
        self._server = server
        self._own = own
        self._answers = answers

    @contextlib.contextmanager
    def open(self) -> Iterator[Session]:
        """Connect and log in; raise DeskError for whatever goes wrong, here or inside, where a message may be sent too."""
        exchange, server = Exchange(), self._server
        error: DeskError | None = None
        try:
            with exchange.limited_to(2 * WHOLE), _connected(server, exchange) as imap:
                yield Session(imap, exchange, server, self._own, self._answers)
        except imaplib.IMAP4.abort as lost:
            error = server.lost(exchange, f"the server hung up: {lost}")
        except imaplib.IMAP4.error as refusal:
            refused = DeskUnreachable if "[UNAVAILABLE]" in str(refusal) else NotAuthorised
            error = refused(server.message(str(refusal)))
        except OSError as failure:
            error = server.lost(exchange, cause(failure))
        if error is not None:  # raised here: the library's exceptions hold what was sent
            raise error


class Session:
    """A mailbox while it is open. Calls may raise imaplib's errors and OSError, which `Mailbox.open` understands."""

    def __init__(self, imap: imaplib.IMAP4, exchange: Exchange, server: MailServer, own: str, answers: str) -> None:
        """Made by `Mailbox.open`."""
        self._imap = imap
        self._exchange = exchange
        self._server = server
        self._own_folder = own
        self._answers_folder = answers

    def own(self, header: str, value: str) -> list[Stored]:
        """Return the heads of our messages whose `header` is exactly `value`, oldest first."""
        if not self.has_own_folder():
            return []
        self._enter(self._own_folder)
        found = self._fetch(self._search("HEADER", header, value), "BODY.PEEK[HEADER]")
        return [one for one in found if one.header(header) == value]

    def answers(self, message_id: str) -> list[Stored]:
        """Return the newest messages that answer in the thread of `message_id`, oldest first."""
        self._enter(self._answers_folder)
        name = f"<{message_id}>"
        uids = self._search("OR", "HEADER", "In-Reply-To", name, "HEADER", "References", name)
        found = self._fetch(uids[-MOST:], f"BODY.PEEK[]<0.{LARGEST}>")
        return [one for one in found if name in f"{one.header('In-Reply-To')} {one.header('References')}"]

    def has_own_folder(self) -> bool:
        """Return whether our folder is there; it is made with the first message."""
        (listed, *_) = self._done(*self._imap.list('""', _quoted(self._own_folder)))
        return listed is not None

    def count_answers(self) -> int:
        """Return how many messages the folder of answers has."""
        return self._enter(self._answers_folder)

    def prepare(self) -> None:
        """Make our folder if it is not there, before anything is sent that must be kept."""
        if not self.has_own_folder():
            self._done(*self._imap.create(_quoted(self._own_folder)))

    def keep(self, content: bytes) -> None:
        """Put a message of ours into our folder. Raises Rejected when it was sent and the server does not take the copy."""
        self._exchange.sent = True
        answer, said = self._imap.append(_quoted(self._own_folder), r"(\Seen)", None, content)
        if answer != "OK":  # a retry would send it again, as long as there is no room
            raise Rejected(self._server.message("done, but the copy by which it is found again was refused", said[-1]))

    def _enter(self, folder: str) -> int:
        return int(self._done(*self._imap.select(_quoted(folder), readonly=True))[0] or b"0")

    def _search(self, *words: str) -> list[int]:
        """Return the numbers of the messages that match; `words` that are no keys are quoted."""
        if not all(word.isascii() and word.isprintable() for word in words):
            return []
        keys = {"HEADER", "OR"}
        (found, *_) = self._done(*self._imap.uid("SEARCH", *(one if one in keys else _quoted(one) for one in words)))
        return sorted(map(int, (found or b"").split()))

    def _fetch(self, uids: list[int], what: str) -> list[Stored]:
        if not uids:
            return []
        data = self._done(*self._imap.uid("FETCH", ",".join(map(str, uids)), f"(UID INTERNALDATE {what})"))
        stored = []
        for one, after in zip(data, [*data[1:], b""], strict=True):
            if isinstance(one, tuple):  # what has a literal; the rest stands before it, or after it
                about = one[0] + (after if isinstance(after, bytes) else b"")
                number, at = _UID.search(about), imaplib.Internaldate2tuple(about)
                if number and at:
                    when = datetime.fromtimestamp(time.mktime(at), UTC)
                    stored.append(Stored(int(number[1]), when, email.message_from_bytes(one[1], policy=compat32)))
        return sorted(stored, key=lambda one: one.uid)

    def _done(self, answer: str, data: list[Any]) -> list[Any]:
        if answer != "OK":
            raise imaplib.IMAP4.error(data[-1].decode(errors="replace") if data and data[-1] else answer)
        return data


class _Imap(imaplib.IMAP4):
    """The library's client over a connection of ours."""

    def __init__(self, server: MailServer, exchange: Exchange) -> None:
        self._server, self._exchange = server, exchange
        super().__init__(server.host, server.port, timeout=STEP)

    def _create_socket(self, _: float | None) -> socket.socket:
        return self._server.connect(self._exchange)


@contextlib.contextmanager
def _connected(server: MailServer, exchange: Exchange) -> Iterator[imaplib.IMAP4]:
    imap = _Imap(server, exchange)
    try:
        if server.encryption == "starttls":
            imap.starttls(ssl_context=server.tls())
        # Not LOGIN, for which the library quotes the password and not the user.
        imap.authenticate("PLAIN", lambda _: f"\0{server.user}\0{server.password}".encode())
        yield imap
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):  # all is said already
            imap.logout()


def _quoted(text: str) -> str:
    backslashed = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{backslashed}"'
