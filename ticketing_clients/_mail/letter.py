"""How a message is written: threaded, plain and HTML, with headers of ours by which it is found, and none that a text could add.

Message-IDs are made of what a message is about, so that one sent again is the same one to every mail program.
There is no Auto-Submitted header: desks that make tickets of mails (Jira Service Management, Zendesk) leave out what has one.
"""

from __future__ import annotations

import email.mime.base
import hashlib
from collections.abc import Mapping
from datetime import datetime
from email import encoders
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from typing import Any

from ticketing_clients._document import Document, one_line, to_plain
from ticketing_clients._markup.html import to_html
from ticketing_clients._ticket import Attachment

# The headers that are ours. TICKET holds the Message-ID of the opening message, on all that belongs to it, on that one too.
TICKET, KEY, HOST = "X-Foretell-Ticket", "X-Foretell-Key", "X-Foretell-Host"
PRIORITY, DUE = "X-Foretell-Priority", "X-Foretell-Due"
STATUS, REASON = "X-Foretell-Status", "X-Foretell-Reason"
MARKER, FILE = "X-Foretell-Marker", "X-Foretell-File"

PAGE = '<!DOCTYPE html><html><head><meta charset="utf-8"><title></title></head><body>\n{}\n</body></html>\n'
# An encoded word has at most 75 letters (RFC 2047), and one space before it.
_LINES = compat32.clone(linesep="\r\n", max_line_length=76)


def message_id(domain: str, *about: bytes) -> str:
    """Return a Message-ID, without its brackets, that is the same whenever it is made for the same thing."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in about)).hexdigest()
    return f"foretell.{digest[:32]}@{domain}"


def header_text(text: str) -> str:
    """Return `text` as one that is only a text in a header: no line of its own, no encoded word (CVE-2024-6923)."""
    return one_line(text).replace("=?", "= ?")


def letter(
    *,
    headers: Mapping[str, str],
    subject: str,
    at: datetime,
    about: str = "",
    body: Document | None = None,
    attachment: Attachment | None = None,
) -> Message:
    """Return a message with `headers` as they are, which must be ASCII, and with a text, a file, both or nothing in it.

    about: the Message-ID of the message that it belongs to, without brackets; empty for one that opens a thread.
    """
    message: Any = Message()  # the library's own types leave out a Header
    if body is not None:
        text, page = MIMEText(to_plain(body), "plain", "utf-8"), MIMEText(PAGE.format(to_html(body)), "html", "utf-8")
        message = MIMEMultipart("alternative", _subparts=[text, page])
    if attachment is not None:
        message = MIMEMultipart("mixed", _subparts=[*([message] if body is not None else []), _file(attachment)])
    written = header_text(subject)
    message["Subject"] = Header(written, "us-ascii" if written.isascii() else "utf-8", header_name="Subject")
    message["Date"] = format_datetime(at)
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # heeded by Exchange
    if about:
        message["In-Reply-To"] = message["References"] = f"<{about}>"
    for name, value in headers.items():
        message[name] = value
    made: Message = message
    return made


def content(message: Message) -> bytes:
    """Return a message as it leaves."""
    return message.as_bytes(policy=_LINES)


def _file(attachment: Attachment) -> Message:
    part = email.mime.base.MIMEBase("application", "octet-stream")
    part.replace_header("Content-Type", header_text(attachment.media_type))
    part.set_payload(attachment.content)
    encoders.encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=header_text(attachment.name))
    return part
