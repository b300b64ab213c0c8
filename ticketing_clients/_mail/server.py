"""A mail server as it is configured: reached over verified TLS, or in the clear on this machine only."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Literal

import msgspec

from ticketing_clients._address import is_loopback
from ticketing_clients._asking import LONGEST_MESSAGE
from ticketing_clients._document import cut, one_line
from ticketing_clients._errors import DeskError, DeskUnreachable, OutcomeUnknown
from ticketing_clients._exchange import Exchange

STEP, WHOLE = 30.0, 120.0  # seconds for one step on the network, and for a whole exchange

Encryption = Literal["tls", "starttls", "none"]


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect, and as whom.

    desk: the configured name, for messages. encryption: TLS from the first byte, after STARTTLS, or not at all.
    user: empty for no login. ca_file: PEM authorities to trust instead of the system's.

    Raises ValueError for no encryption beyond loopback, for a login that cannot be sent, and for a `ca_file` that is not there.
    """

    desk: str
    host: str
    port: int
    encryption: Encryption
    user: str = ""
    password: str = ""
    ca_file: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without connecting."""
        loopback = is_loopback(self.host)
        if self.encryption == "none" and not loopback:
            raise ValueError(
                f'{self.host}: everything would be sent in the clear; set encryption ("none" only to loopback)'
            )
        if not all(text.isascii() and text.isprintable() for text in (self.user, self.password)):
            raise ValueError("a secret holds a letter that no login can carry; look for a line break in its file")
        if self.ca_file and not Path(self.ca_file).is_file():
            raise ValueError(f"ca_file: {self.ca_file} is not a file")

    def tls(self) -> ssl.SSLContext:
        """Return what verifies the server's certificate and name."""
        return ssl.create_default_context(cafile=self.ca_file or None)

    def connect(self, exchange: Exchange) -> socket.socket:
        """Connect, with TLS if that comes first; `exchange` limits the whole time from here on. Raises OSError."""
        connected = socket.create_connection((self.host, self.port), timeout=STEP)
        exchange.watch(connected)
        return self.tls().wrap_socket(connected, server_hostname=self.host) if self.encryption == "tls" else connected

    def lost(self, exchange: Exchange, what: str) -> DeskError:
        """Return what it means that the connection is gone: whether our request may have been carried out."""
        what = f"not done within {WHOLE:g} s" if exchange.expired else what
        return (OutcomeUnknown if exchange.sent else DeskUnreachable)(self.message(what))

    def message(self, what: str, said: bytes = b"") -> str:
        """Return an error's message: what happened, and the server's own words without the secret."""
        words = cut(one_line(said.decode(errors="replace")), LONGEST_MESSAGE)
        text = f"desk {self.desk}: {self.host}:{self.port}: {what}" + (f": {words}" if words else "")
        return text.replace(self.password, "[secret]") if self.password else text
