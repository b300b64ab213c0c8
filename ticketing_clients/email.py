"""A desk that takes mail: a ticket is a thread, which a message opens and to which every comment belongs.

A Message-ID is made of what the message says (`_mail/letter.py`): one sent again after an unknown outcome is the same message to
every mail program, and its thread the same thread. That is how this desk keeps to one ticket: a mailbox that does not drop the
second copy shows it in the same thread.

Without IMAP the desk cannot be asked. Nothing is found or read, the courier sends again what it does not know, and the case
goes by readings and by what is said on the host itself (`foretell cases`).

With IMAP a copy of each message, and a note of each change of status, is put into a folder of our own, where nobody else can
write: there tickets are found by their key, and their state is read. The second half are the answers in the thread, which land
in another folder: what people write there counts as their act, with the same lines as at any desk. Automatic answers are
nobody's; a report that a message could not be delivered shows as the ticket's status. Whoever has a message of the thread can
answer in it, so an answer is worth as much as a mail is; it moves the case, and never the host.

What is seen by whom is the desk's business: everything goes to the addresses in `to`. Priority is told when the thread opens,
as mails tell it; a change of it is told by the comment that comes with it. A submission service that replaces Message-IDs
(Amazon SES) breaks threads, and answers in them are not found.

The file is longer than most clients, because it has two servers to be configured, and keeps the ticket itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from ticketing_clients._client import Capabilities, Check, ClientContext, ClientOptions, ClientPlugin
from ticketing_clients._document import Document, cut, shorten
from ticketing_clients._errors import Rejected, TicketGone
from ticketing_clients._mail import letter, thread
from ticketing_clients._options import CaFile, SecretName
from ticketing_clients._ticket import (
    WORKING,
    Appointment,
    Attachment,
    Comment,
    FoundTicket,
    Priority,
    Status,
    Ticket,
    TicketRef,
    TicketState,
)

if TYPE_CHECKING:
    from ticketing_clients._mail.mailbox import Session

LONGEST_SUBJECT, LONGEST_BODY = 200, 100_000  # code points; ours, for a mail has no limit but its size
URGENCY: dict[Priority, tuple[str, str]] = {
    "P1": ("1 (Highest)", "high"),
    "P2": ("2 (High)", "high"),
    "P3": ("3 (Normal)", "normal"),
    "P4": ("4 (Low)", "low"),
}

# As browsers take them; what else could be one has no place in a header of ours.
MailAddress = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z", examples=["desk@example.com"]
    ),
]
Port = Annotated[int, msgspec.Meta(description="Its port.", ge=1, le=65535)]


class SmtpOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages are handed in."""

    host: Annotated[str, msgspec.Meta(description="Name of the submission server.", min_length=1)]
    port: Port = 587
    encryption: Annotated[
        Literal["starttls", "tls", "none"], msgspec.Meta(description="none only to loopback; always verified.")
    ] = "starttls"
    user: Annotated[str, msgspec.Meta(description="Who logs in; empty for no login.")] = ""
    password_secret: Annotated[SecretName, msgspec.Meta(description="Name of the secret that holds the password.")] = (
        "smtp"  # noqa: S105 - the secret's name
    )
    ca_file: CaFile = ""


class ImapOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mailbox of the sender's address."""

    host: Annotated[
        str,
        msgspec.Meta(description="Where the sender's mailbox is; without a table imap nothing is read.", min_length=1),
    ]
    user: Annotated[str, msgspec.Meta(description="Who logs in.", min_length=1)]
    port: Port = 993
    encryption: Annotated[
        Literal["tls", "starttls", "none"], msgspec.Meta(description="none only to loopback; always verified.")
    ] = "tls"
    password_secret: Annotated[SecretName, msgspec.Meta(description="Name of the secret that holds the password.")] = (
        "imap"  # noqa: S105 - the secret's name
    )
    own_folder: Annotated[
        str, msgspec.Meta(description="Folder for what we sent; made if missing.", pattern="^[ -~]+$")
    ] = "Foretell"
    answers_folder: Annotated[str, msgspec.Meta(description="Folder where answers land.", pattern="^[ -~]+$")] = "INBOX"
    ca_file: CaFile = ""


class EmailOptions(ClientOptions, frozen=True, kw_only=True):
    """From whom, to whom, and by which servers."""

    sender: Annotated[MailAddress, msgspec.Meta(description="Our address, to which people answer.")]
    to: Annotated[tuple[MailAddress, ...], msgspec.Meta(description="Addresses of the desk.", min_length=1)]
    smtp: SmtpOptions
    imap: ImapOptions | None = None


class Email:
    """Mail to a desk, and with IMAP what comes of it."""

    def __init__(self, options: EmailOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        # Here, because the daemon reads nothing of this file but the options.
        from ticketing_clients._mail.mailbox import Mailbox  # noqa: PLC0415
        from ticketing_clients._mail.server import MailServer  # noqa: PLC0415
        from ticketing_clients._mail.smtp import SmtpServer  # noqa: PLC0415

        def server(one: SmtpOptions | ImapOptions) -> MailServer:
            return MailServer(
                desk=desk,
                host=one.host,
                port=one.port,
                encryption=one.encryption,
                user=one.user,
                password=context.secret(one.password_secret).strip() if one.user else "",
                ca_file=one.ca_file,
            )

        self._desk = desk
        self._sender = options.sender
        self._to = options.to
        self._domain = self._sender.rpartition("@")[2]
        self._now = datetime.fromtimestamp(context.now, UTC)
        self._smtp = SmtpServer(server(options.smtp), self._domain)
        imap = options.imap
        self._mailbox = Mailbox(server(imap), imap.own_folder, imap.answers_folder) if imap else None

    @property
    def capabilities(self) -> Capabilities:
        """What this desk can do; most only with IMAP."""
        asked = self._mailbox is not None
        return Capabilities(
            find=asked,
            list_open=asked,
            read=asked,
            internal_comment=False,
            priority=False,
            resolve=asked,
            appointments=True,
            longest_title=LONGEST_SUBJECT,
            longest_body=LONGEST_BODY,
        )

    # -- tickets ----------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Send the message that opens the thread, with the proposed window to put into a calendar.

        The same ticket again is the same message.
        """
        number = letter.message_id(self._domain, msgspec.json.encode(ticket))
        subject = letter.header_text(cut(ticket.title, LONGEST_SUBJECT))
        headers = {
            letter.TICKET: number,
            letter.KEY: ticket.key,
            letter.HOST: _digest(ticket.device.id),
            letter.PRIORITY: ticket.priority,
            letter.DUE: ticket.service_times.fix_due.isoformat(),
            "X-Priority": URGENCY[ticket.priority][0],
            "Importance": URGENCY[ticket.priority][1],
        }
        with self._keeping() as box:
            entry = self._entry(ticket.appointment)
            self._send(box, number, subject, headers, body=ticket.body, attachment=entry)
        return self._ref(number, subject)

    def find(self, key: str) -> list[FoundTicket]:
        """Return every ticket, open or not, that carries exactly `key`; the oldest first."""
        return self._search(letter.KEY, key)

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return our open tickets of the host with marker `host`."""
        return [one for one in self._search(letter.HOST, _digest(host)) if one.open]

    def read(self, ref: TicketRef) -> TicketState:
        """Return the ticket's state and what people answered. Raises TicketGone when our copy of it was deleted."""
        with self._asking() as box:
            return self._state(box, ref)

    # -- changes ----------------------------------------------------------------------------------------------------

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Send `comment` into the thread, with the entry for calendars that comes with it."""
        entry = self._entry(comment.appointment)
        self._add(ref, letter.MARKER, comment.marker, body=comment.body, attachment=entry)

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether a comment with exactly this marker was sent."""
        return self._has(ref, letter.MARKER, marker)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Send a file into the thread. Raises Rejected when the server does not take so much."""
        self._add(ref, letter.FILE, letter.header_text(attachment.name), attachment=attachment)

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Return whether a file of this name was sent."""
        return self._has(ref, letter.FILE, letter.header_text(name))

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Refuse: what a message said when it was sent stays said."""
        raise Rejected(f"desk {self._desk}: mail cannot set ticket {ref.id} to {priority}")

    def resolve(self, ref: TicketRef) -> None:
        """Note that the ticket is resolved, unless it is closed already; people are told by the comment that comes with it."""
        self._note(ref, "resolved")

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Note that the ticket is open again and return it: a thread takes comments for ever."""
        del ticket
        if self._mailbox is not None:
            self._note(ref, "open")
        return ref

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Note that `ref` is closed in favour of `original`."""
        self._note(ref, "rejected", original.id)

    # -- the live servers -------------------------------------------------------------------------------------------

    def check(self) -> list[Check]:
        """Log in everywhere, and offer a message to the desk's addresses without sending it."""
        try:
            largest = self._smtp.try_out(self._sender, self._to)
        except Rejected as error:
            return [Check.of("sending", str(error), "look at sender and to")]
        limit = "" if largest is None else f", up to {largest} bytes"
        checks = [Check.of("sending", found=f"accepted from {self._sender}{limit}")]
        if self._mailbox is None:
            found = "not read; without imap cases go by readings, and by what is said on the host"
            return [*checks, Check.of("answers", found=found)]
        with self._mailbox.open() as box:
            answers = f"{box.count_answers()} messages in the folder for answers"
            own = "our folder is there" if box.has_own_folder() else "our folder is made with the first ticket"
        return [*checks, Check.of("answers", found=f"{answers}; {own}")]

    # -- asking and sending -----------------------------------------------------------------------------------------

    def _entry(self, appointment: Appointment | None) -> Attachment | None:
        from ticketing_clients._calendar import calendar_file  # noqa: PLC0415 - heavy, and not for the daemon

        return calendar_file(appointment, self._now) if appointment else None

    def _asking(self) -> AbstractContextManager[Session]:
        if self._mailbox is None:
            raise Rejected(f"desk {self._desk}: without imap nothing can be asked of mail")
        return self._mailbox.open()

    @contextmanager
    def _keeping(self) -> Iterator[Session | None]:
        """Open the mailbox before something is sent, so that its copy can be kept; None without one."""
        if self._mailbox is None:
            yield None
            return
        with self._mailbox.open() as box:
            box.prepare()
            yield box

    def _send(
        self,
        box: Session | None,
        number: str,
        subject: str,
        headers: Mapping[str, str],
        *,
        about: str = "",
        body: Document | None = None,
        attachment: Attachment | None = None,
    ) -> None:
        message = letter.letter(
            headers={"From": self._sender, "To": ", ".join(self._to), "Message-ID": f"<{number}>", **headers},
            subject=subject,
            at=self._now,
            about=about,
            body=None if body is None else shorten(body, LONGEST_BODY),
            attachment=attachment,
        )
        content = letter.content(message)
        self._smtp.send(self._sender, self._to, content)
        if box is not None:
            box.keep(content)

    def _add(
        self,
        ref: TicketRef,
        header: str,
        value: str,
        *,
        body: Document | None = None,
        attachment: Attachment | None = None,
    ) -> None:
        """Send a message into the thread, found again by `header`."""
        said = attachment.content if attachment and body is None else b""
        number = letter.message_id(self._domain, ref.id.encode(), header.encode(), value.encode(), said)
        headers = {letter.TICKET: ref.id, header: value}
        with self._keeping() as box:
            if box is not None:
                self._ours(box, ref)
            self._send(box, number, _subject(ref), headers, about=ref.id, body=body, attachment=attachment)

    def _has(self, ref: TicketRef, header: str, value: str) -> bool:
        with self._asking() as box:
            return any(one.header(header) == value for one in self._ours(box, ref))

    def _note(self, ref: TicketRef, status: Status, reason: str = "") -> None:
        """Put a change of status into our folder, unless the ticket is open, or closed, as asked already."""
        with self._asking() as box:
            if (self._state(box, ref).status in WORKING) != (status in WORKING):
                headers = {"From": self._sender, "To": self._sender, letter.TICKET: ref.id, letter.STATUS: status}
                headers |= {letter.REASON: reason} if reason else {}
                box.keep(
                    letter.content(letter.letter(headers=headers, subject=_subject(ref), at=self._now, about=ref.id))
                )

    # -- understanding ----------------------------------------------------------------------------------------------

    def _ours(self, box: Session, ref: TicketRef) -> list[thread.Stored]:
        """Return the heads of what we sent and noted in a thread, the opening one among them. Raises TicketGone."""
        ours = box.own(letter.TICKET, ref.id)
        if not any(one.header(letter.KEY) for one in ours):
            raise TicketGone(f"desk {self._desk}: there is no ticket {ref.id} in our folder")
        return ours

    def _state(self, box: Session, ref: TicketRef) -> TicketState:
        return thread.state(ref, self._ours(box, ref), box.answers(ref.id), self._sender)

    def _search(self, header: str, value: str) -> list[FoundTicket]:
        with self._asking() as box:
            opened = {one.header(letter.TICKET): one for one in box.own(header, value)}
            return [self._found(box, number, one) for number, one in opened.items()]

    def _found(self, box: Session, number: str, opening: thread.Stored) -> FoundTicket:
        """Return it with its title; of its host there is only a hash in a header."""
        title = _shown_subject(opening.message)
        ref = self._ref(number, title)
        return FoundTicket(ref, opening.header(letter.KEY), self._state(box, ref).open, title)

    def _ref(self, number: str, subject: str) -> TicketRef:
        """Return where a ticket is: its address begins an answer, to us and the desk, in the right thread (RFC 6068)."""
        first, *others = [self._sender, *self._to] if self._mailbox else self._to
        copies = f"cc={quote(','.join(others))}&" if others else ""
        answer = f"subject={quote(f'Re: {subject}')}&in-reply-to={quote(f'<{number}>')}"
        return TicketRef(self._desk, number, f"mailto:{quote(first, safe='@')}?{copies}{answer}")


def _subject(ref: TicketRef) -> str:
    """Return the subject of whatever follows in a thread, from the address that `_ref` made."""
    return parse_qs(urlsplit(ref.url).query).get("subject", [f"Re: {ref.id}"])[0]


def _shown_subject(message: Message) -> str:
    return str(make_header(decode_header(message["Subject"])))


def _digest(host: str) -> str:
    return hashlib.sha256(host.encode()).hexdigest()  # a host's id may hold any letter, a header and a search may not


PLUGIN = ClientPlugin(
    name="email",
    summary="A desk that takes mail: SMTP out, and IMAP, if there is one, to find tickets and read answers.",
    options=EmailOptions,
    build=Email,
    tested="Exim 4.96 and Dovecot 2.3.19, the real servers",
)
