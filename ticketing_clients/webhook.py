"""A signed webhook: whoever wants the tickets receives them as events, and tells nothing back.

It is signed as Standard Webhooks 1.0.0 says (https://www.standardwebhooks.com), for which most languages have a library. What an
event holds is in `_webhook.events`, and for receivers in `docs/webhook.md`.

A request whose outcome is unknown is sent again, byte for byte and with the same `webhook-id`: a receiver that has seen the id
answers with success and does nothing. That makes one ticket of it, for there is nobody to be asked. So the id is made of what
the event says, and an event says nothing that would change with the time of sending: two events that say the same are one.

Any success will do for an answer but a page for people, which would be a login page. 404 and 410 are no refusal of one event:
there is no receiver at this address, and everything waits until there is one again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import msgspec

from ticketing_clients._address import check_address
from ticketing_clients._asking import need_room
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._errors import DeskUnreachable, Rejected, TicketGone
from ticketing_clients._options import Bytes, CaFile, SecretName
from ticketing_clients._ticket import Attachment, Comment, FoundTicket, Priority, Ticket, TicketRef, TicketState
from ticketing_clients._webhook import events

FEWEST_BYTES, MOST_BYTES = 24, 64  # of a signing key, as the scheme wants it
PREFIX = "whsec_"
LENGTH_OF_KEY = 64  # hex digits of `Ticket.key`


class WebhookOptions(ClientOptions, frozen=True, kw_only=True):
    """Where events go, and how they are signed."""

    url: Annotated[str, msgspec.Meta(description="Address of the receiver; leave it out if it is a secret itself.")] = (
        ""
    )
    url_secret: Annotated[
        str, msgspec.Meta(description="Name of the secret that holds the receiver's address, instead of url.")
    ] = ""
    signing_secret: Annotated[
        SecretName,
        msgspec.Meta(
            description="Name of the secret that holds the signing key, whsec_ and base64 of 24 to 64 random bytes;"
            " while it is being changed, the new and the old one with a space between."
        ),
    ] = "webhook"  # noqa: S105 - the secret's name
    largest_attachment: Annotated[Bytes, msgspec.Meta(description="Bytes of a file that is sent.")] = 5 * 1024 * 1024
    ca_file: CaFile = ""


class Webhook:
    """One receiver of events."""

    def __init__(self, options: WebhookOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        # Here, because the daemon reads nothing of this file but the options; requests is heavy.
        from ticketing_clients._http import Http  # noqa: PLC0415

        if bool(options.url) == bool(options.url_secret):
            raise ValueError("url, url_secret: set one of them")
        if options.url:
            check_address(options.url)
        address = urlsplit(options.url or context.secret(options.url_secret).strip())
        keys = context.secret(options.signing_secret).split()
        self._desk = desk
        self._largest = options.largest_attachment
        self._keys = [_key(one) for one in keys]
        if not self._keys:
            raise ValueError(f"signing_secret: the secret {options.signing_secret} is empty")
        self._path = address._replace(scheme="", netloc="", fragment="").geturl().removeprefix("/")
        self._http = Http(
            desk,
            f"{address.scheme}://{address.netloc}",
            headers={"Content-Type": "application/json", "User-Agent": "Foretell"},
            secrets=(*keys, *((self._path, address.path, address.query) if options.url_secret else ())),
            ca_file=options.ca_file,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What can be told; nothing can be asked."""
        return Capabilities(
            find=False, list_open=False, read=False, reopen="follow_up", largest_attachment=self._largest
        )

    # -- telling ------------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Tell that the ticket is opened. Its id is made of what it says, so that the next one of the same problem differs."""
        number = _number(ticket, "")
        self._tell(events.Opened(ticket=events.content_of(ticket, number)))
        return TicketRef(self._desk, number)

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Tell `comment`, and whether the customer may see it."""
        said = events.CommentContent(marker=comment.marker, public=comment.public, body=events.text_of(comment.body))
        self._tell(events.Commented(ticket=_name(ref), comment=said))

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Tell that the priority is now at least `priority`."""
        self._tell(events.PriorityRaised(ticket=_name(ref), priority=priority))

    def resolve(self, ref: TicketRef) -> None:
        """Tell that the ticket is resolved."""
        self._tell(events.Resolved(ticket=_name(ref)))

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Tell that the problem is back. What follows has an id of its own, so that it can be resolved once more."""
        number = _number(ticket, ref.id)
        self._tell(events.Reopened(ticket=events.content_of(ticket, number), earlier=ref.id))
        return TicketRef(self._desk, number)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Send a file. Raises Rejected when it is larger than may be sent."""
        need_room(attachment, self._largest, self._desk)
        file = events.FileContent(name=attachment.name, media_type=attachment.media_type, content=attachment.content)
        self._tell(events.FileAttached(ticket=_name(ref), file=file))

    def check(self) -> list[Check]:
        """Send a `ping`, with which a receiver does nothing, and see whether it is accepted."""
        try:
            self._tell(events.Ping())
        except Rejected as error:
            hint = "make it accept our signature, and answer a ping with 204"
            return [Check.of("receiver", str(error), hint)]
        return [Check.of("receiver", found="accepted a signed ping")]

    # -- what is not there --------------------------------------------------------------------------------------------

    def find(self, key: str) -> list[FoundTicket]:
        """Refuse: nothing can be asked."""
        self._refuse(key)

    def list_open(self, host: str) -> list[FoundTicket]:
        """Refuse: nothing can be asked."""
        self._refuse(host)

    def read(self, ref: TicketRef) -> TicketState:
        """Refuse: nothing can be asked."""
        self._refuse(ref.id)

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Refuse: nothing can be asked."""
        self._refuse(f"{ref.id} {marker}")

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Refuse: nothing can be asked."""
        self._refuse(f"{ref.id} {name}")

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Refuse: without a search there are no duplicates to be found."""
        self._refuse(f"{ref.id} {original.id}")

    def _refuse(self, about: str) -> NoReturn:
        raise Rejected(f"desk {self._desk}: a webhook cannot be asked about {about}")

    # -- signing ------------------------------------------------------------------------------------------------------

    def _tell(self, event: events.AnyEvent) -> None:
        body = msgspec.json.encode(event)
        number, at = hashlib.sha256(body).hexdigest(), str(int(time.time()))  # now, for a batch can take longer than a
        signed = b".".join((number.encode(), at.encode(), body))  # receiver lets a signature be old
        signatures = [hmac.digest(key, signed, "sha256") for key in self._keys]
        headers = {
            "webhook-id": number,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
        }
        try:
            self._http.tell("POST", self._path, ticket=number, data=body, headers=headers)
        except TicketGone as error:
            raise DeskUnreachable(f"desk {self._desk}: there is no receiver at its address (404 or 410)") from error


def _key(secret: str) -> bytes:
    """Return the bytes of a signing key. Raises ValueError, without the secret, when it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except binascii.Error:
        key = b""
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(
            f"signing_secret: write {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} random bytes in base64,"
            f' as `echo "{PREFIX}$(openssl rand -base64 32)"` does'
        )
    return key


def _number(ticket: Ticket, earlier: str) -> str:
    """Return the id of a ticket that is opened with these words, after an `earlier` one if it is opened again."""
    return f"{ticket.key}-{hashlib.sha256(msgspec.json.encode((earlier, ticket))).hexdigest()[:16]}"


def _name(ref: TicketRef) -> events.TicketName:
    return events.TicketName(id=ref.id, key=ref.id[:LENGTH_OF_KEY])


PLUGIN = ClientPlugin(
    name="webhook",
    summary="A signed webhook (Standard Webhooks): events out, nothing back.",
    options=WebhookOptions,
    build=Webhook,
    tested="a receiver that verifies as docs/webhook.md shows",
)
