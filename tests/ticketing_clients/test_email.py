"""E-mail without a mail server: what is written, what a lost connection means, and what is refused before connecting."""

from __future__ import annotations

import contextlib
import email
import email.policy
import html
import socket
import threading
import traceback
from datetime import timedelta
from email.message import EmailMessage

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration.decode import decode
from ticket_cases import FILLING, in_language, ticket
from ticketing_clients import (
    DeskUnreachable,
    Document,
    NotAuthorised,
    OutcomeUnknown,
    Paragraph,
    Rejected,
    Throttled,
    TicketRef,
    to_plain,
)
from ticketing_clients._document import one_line
from ticketing_clients._mail import server as mail_server
from ticketing_clients._mail.letter import content, header_text, letter, message_id
from ticketing_clients._mail.thread import Stored, acts_in, state
from ticketing_clients.contract import NOON, PLANTED_SECRET, Context, new_ticket
from ticketing_clients.email import PLUGIN, EmailOptions, SmtpOptions

BODY = Document((Paragraph("text"),))


def written(**changes):
    """Return a message as its reader parses it."""
    values = {"headers": {"From": "a@b.test", "To": "c@d.test"}, "subject": "s", "at": NOON, "body": BODY} | changes
    return email.message_from_bytes(content(letter(**values)), policy=email.policy.default)


class TestLetters:
    """What leaves is what was meant."""

    @given(st.text())
    def test_a_subject_is_its_text_and_nothing_else(self, text):
        """Read back it is letter by letter the same line; no header was added, no line is longer than a mail may have."""
        raw = content(letter(headers={"From": "a@b.test"}, subject=text, at=NOON, body=BODY))
        head = raw.partition(b"\r\n\r\n")[0]
        names = {line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")}
        assert names == {*(b"Content-Type", b"MIME-Version", b"Subject", b"Date", b"X-Auto-Response-Suppress", b"From")}
        assert head.isascii()
        assert max(map(len, head.split(b"\r\n"))) <= 998
        # Between two encoded words a reader drops the space that was folded; what the words say is all there.
        assert str(written(subject=text)["Subject"]).split() == header_text(text).split()

    @pytest.mark.parametrize(
        "text", ["=?utf-8?q?a=0D=0ABcc:_x=40y?=", "==??utf-8?q?a?=", "a\r\nBcc: x@y", "a\n b\x00c"]
    )
    def test_a_text_in_a_header_is_no_encoded_word(self, text):
        """Nothing that a reader would decode, and no second line, is left in it."""
        assert "=?" not in header_text(text)
        assert header_text(text).replace("= ?", "=?") == one_line(text)
        assert "\n" not in written(subject=text)["Subject"]

    def test_a_chinese_subject_is_folded_between_letters(self):
        """Every encoded word is at most 75 long and decodes by itself."""
        title = "磁盘将满 😀 " * 12
        raw = content(letter(headers={"From": "a@b.test"}, subject=title, at=NOON, body=BODY))
        lines = raw.partition(b"Subject: ")[2].partition(b"\r\nDate")[0].split(b"\r\n")
        assert len(lines) > 3
        assert max(len(line.strip()) for line in lines) <= 75
        for line in lines:
            assert "\ufffd" not in str(
                email.message_from_bytes(b"Subject:" + line, policy=email.policy.default)["Subject"]
            )

    @pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
    def test_a_chinese_ticket_comes_out_of_a_mail_as_it_went_in(self, language):
        """The title from folded, encoded words; the text from both parts, letter by letter."""
        made = ticket(FILLING, in_language(language))
        message = written(subject=made.title, body=made.body)
        assert message["Subject"] == made.title
        assert message.get_body(("plain",)).get_content().split() == to_plain(made.body).split()
        assert html.escape(made.body.blocks[0].text) in message.get_body(("html",)).get_content()

    def test_a_message_id_is_of_what_it_is_about(self):
        """The same for the same, another for anything else, and parts are not run together."""
        assert message_id("a.test", b"one", b"two") == message_id("a.test", b"one", b"two")
        numbers = {
            message_id("a.test", *about) for about in ([b"one", b"two"], [b"onetwo"], [b"one", b"tw"], [b"two", b"one"])
        }
        assert len(numbers) == 4


@contextlib.contextmanager
def smtp_server(*answers):
    """Serve one connection: greet with the first of `answers`, give the next for each command; None hangs up.

    After an answer of 354 the whole message is read before the next one. Yields the port and the lines that came.
    """
    listener, lines = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as reader:
                for number, answer in enumerate(answers):
                    if number:
                        ends = b".\r\n" if answers[number - 1] and answers[number - 1].startswith("354") else None
                        while (line := reader.readline()) and ends not in (None, line):
                            pass
                        lines.append(line)
                    if answer is None:
                        return
                    connection.sendall(answer.encode() + b"\r\n")
                reader.read()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], lines
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


HELLO = ("220 here", "250-here\r\n250 SIZE 0", "250 sender", "250 recipient")


def opened(tmp_path, *answers):
    """Return the error that opening a ticket ends in at a server that answers so."""
    with smtp_server(*answers) as (port, _):
        smtp = SmtpOptions(host="127.0.0.1", port=port, encryption="none")
        options = EmailOptions(client="email", sender="us@agent.test", to=("desk@desk.test",), smtp=smtp)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the caller looks at
            PLUGIN.build(options, Context(tmp_path), "mail").open(new_ticket())
    return caught.value


class TestConnections:
    """What it means when a server answers badly, or not at all."""

    @pytest.mark.parametrize(
        ("answers", "error"),
        [
            ((None,), DeskUnreachable),
            (("421 busy",), Throttled),
            (("554 no service here",), Rejected),
            (("220 here", None), DeskUnreachable),
            ((*HELLO[:2], "451 later"), Throttled),
            ((*HELLO[:2], "530 log in first"), NotAuthorised),
            ((*HELLO[:2], "553 not your address"), Rejected),
            ((*HELLO[:3], None), DeskUnreachable),
            ((*HELLO, "451 no room"), Throttled),
            ((*HELLO, "554 no valid recipients"), Rejected),
            ((*HELLO, None), OutcomeUnknown),
            ((*HELLO, "354 go on", None), OutcomeUnknown),
            ((*HELLO, "354 go on", "451 try again"), Throttled),
            ((*HELLO, "354 go on", "554 looks like spam"), Rejected),
        ],
    )
    def test_each_step_says_whether_the_message_was_taken(self, tmp_path, answers, error):
        """Before the content nothing was sent; after it only an answer tells."""
        assert type(opened(tmp_path, *answers)) is error

    def test_a_server_that_hangs_up_when_all_is_said_has_the_message(self, tmp_path):
        """A 250 for the content counts, whatever comes of QUIT."""
        with smtp_server(*HELLO, "354 go on", "250 taken", None) as (port, lines):
            smtp = SmtpOptions(host="127.0.0.1", port=port, encryption="none")
            options = EmailOptions(client="email", sender="us@agent.test", to=("desk@desk.test",), smtp=smtp)
            assert PLUGIN.build(options, Context(tmp_path), "mail").open(new_ticket()).desk == "mail"
        assert [line.split()[0] for line in lines[:4]] == [b"ehlo", b"mail", b"rcpt", b"data"]
        assert b"agent.test" in lines[0]

    @pytest.mark.parametrize(("answers", "error"), [((), DeskUnreachable), ((*HELLO, "354 go on"), OutcomeUnknown)])
    def test_a_server_that_never_ends_is_left(self, tmp_path, monkeypatch, answers, error):
        """The whole exchange has a limit, however the time goes by."""
        from ticketing_clients._mail import smtp  # noqa: PLC0415 - what it took from the server's module

        monkeypatch.setattr(smtp, "WHOLE", 0.3)
        monkeypatch.setattr(mail_server, "WHOLE", 0.3)
        caught = opened(tmp_path, *answers)
        assert type(caught) is error
        assert "not done within 0.3 s" in str(caught)

    def test_no_secret_comes_out_of_a_server_that_repeats_it(self, tmp_path):
        """A server's words are shown, without the password."""
        answers = ("220 here", "250-here\r\n250 AUTH PLAIN", f"535 wrong password {PLANTED_SECRET}")
        with smtp_server(*answers) as (port, _):
            smtp = SmtpOptions(host="127.0.0.1", port=port, encryption="none", user="us")
            options = EmailOptions(client="email", sender="us@agent.test", to=("desk@desk.test",), smtp=smtp)
            with pytest.raises(NotAuthorised, match="wrong password \\[secret\\]") as caught:
                PLUGIN.build(options, Context(tmp_path, PLANTED_SECRET), "mail").open(new_ticket())
        assert PLANTED_SECRET not in "".join(traceback.format_exception(caught.value))


class TestOptions:
    """What cannot work is refused before anything connects."""

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"host": "mail.example.com", "encryption": "none"}, "in the clear"),
            ({"host": "169.254.169.254"}, "link-local"),
            ({"host": "localhost", "ca_file": "/no/such/file"}, "is not a file"),
        ],
    )
    def test_a_server_that_must_not_be_used(self, tmp_path, changes, said):
        """In the clear only to loopback, no link-local address, an authority's file that is there."""
        options = EmailOptions(client="email", sender="a@b.test", to=("c@d.test",), smtp=SmtpOptions(**changes))
        with pytest.raises(ValueError, match=said):
            PLUGIN.build(options, Context(tmp_path), "mail")

    def test_a_password_of_two_lines(self, tmp_path):
        """A file that holds more than the password is said to."""
        smtp = SmtpOptions(host="localhost", user="us")
        options = EmailOptions(client="email", sender="a@b.test", to=("c@d.test",), smtp=smtp)
        with pytest.raises(ValueError, match="line break"):
            PLUGIN.build(options, Context(tmp_path, "one\ntwo"), "mail")

    @pytest.mark.parametrize(
        "address", ["", "desk", "a@b.test\n", "a@b.test, c@d.test", "Desk <a@b.test>", "a\r\nBcc: x@y.test"]
    )
    def test_an_address_is_only_an_address(self, address):
        """Neither a list, nor a name with it, nor a line of its own."""
        data = {"client": "email", "sender": "a@b.test", "to": [address], "smtp": {"host": "localhost"}}
        options, errors = decode(EmailOptions, data, file="f")
        assert [error.key for error in errors] == ["to[0]"]
        assert options is None


class TestThreads:
    """What answers say, as far as no server is needed for it."""

    def answer(self, *, seconds=0, **headers):
        """Return a stored answer of a customer."""
        message = EmailMessage()
        for name, value in {"From": "ann@client.test", "Message-ID": f"<{seconds}@client.test>", **headers}.items():
            message[name] = value
        message.set_content("foretell: wontfix")
        return Stored(1, NOON + timedelta(seconds=seconds), email.message_from_bytes(message.as_bytes()))

    def test_what_we_noted_in_the_same_second_came_later(self):
        """We note what we have read; the server's clock has no finer time."""
        ref = TicketRef("mail", "1")
        headers = {"X-Foretell-Key": "k", "X-Foretell-Priority": "P3", "X-Foretell-Due": NOON.isoformat()}
        opening = Stored(1, NOON, email.message_from_string("".join(f"{k}: {v}\n" for k, v in headers.items())))
        note = Stored(2, NOON, email.message_from_string("X-Foretell-Status: open\n"))
        assert state(ref, [opening], [self.answer()], "us@agent.test").status == "rejected"
        assert state(ref, [opening, note], [self.answer()], "us@agent.test").status == "open"
        assert state(ref, [opening, note], [self.answer(seconds=1)], "us@agent.test").status == "rejected"

    @pytest.mark.parametrize("charset", ["no-such-charset", "utf-8", "gb18030"])
    def test_letters_that_cannot_be_read_lose_nobody_their_word(self, charset):
        """An answer in a character set that nobody knows, or not in the one it names, still counts."""
        raw = (
            b"From: ann@client.test\nContent-Type: text/plain; charset="
            + charset.encode()
            + b"\n\n\xff\xfe\nforetell: confirm\n"
        )
        (act,) = acts_in(Stored(1, NOON, email.message_from_bytes(raw)), "us@agent.test")
        assert act.kind == "confirm"

    @given(st.binary(max_size=300))
    def test_no_message_breaks_the_reading(self, raw):
        """Whatever lands in the mailbox, it is an act of somebody or of nobody."""
        for message in (raw, b"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n" + raw):
            for act in acts_in(Stored(1, NOON, email.message_from_bytes(message)), "us@agent.test"):
                assert act.by
                msgspec.json.encode(act)
