"""The e-mail client against a real SMTP and a real IMAP server: the contract with and without IMAP, and the ways of mail."""

from __future__ import annotations

import email.policy
import imaplib
import os
import shutil
import smtplib
import ssl
import subprocess
import time
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

import icalendar
import msgspec
import pytest

from ticketing_clients import (
    Attachment,
    DeskUnreachable,
    NotAuthorised,
    Rejected,
    Throttled,
    TicketGone,
    TicketRef,
    to_plain,
)
from ticketing_clients.contract import PLANTED_SECRET, WORDS, ClientContract, Context, comment, new_ticket
from ticketing_clients.email import PLUGIN, ImapOptions, SmtpOptions

pytestmark = pytest.mark.desks

AGENT, DESK, CUSTOMER = "foretell@agent.test", "desk@desk.test", "customer@client.test"
SCRIPT = Path(__file__).parent / "mail.sh"
LINES = {
    "reply": "thank you",
    "confirm": "it is well\nforetell: confirm",
    "accept_window": "foretell: accept 1",
    "defer": "foretell: defer 2026-12-24",
    "wont_fix": "foretell: wontfix",
}


class Mail:
    """The running servers, and people who write and read mails at them with Python's own clients."""

    def __init__(self, values):
        self.ports = {name: int(values[name]) for name in ("SMTP", "SMTPS", "IMAP", "IMAPS")}
        self.ca_file, self.password, self.user = values["CA_FILE"], values["PASSWORD"], values["USER"]

    def smtp(self, **changes):
        values = {"host": "localhost", "port": self.ports["SMTP"], "user": self.user, "ca_file": self.ca_file}
        return SmtpOptions(**(values | changes))

    def imap(self, **changes):
        values = {"host": "localhost", "port": self.ports["IMAPS"], "user": AGENT, "ca_file": self.ca_file}
        return ImapOptions(**(values | changes))

    def messages(self, who, header, value):
        """Return the messages in somebody's inbox with this header, waiting for the first: Exim delivers in its own time."""
        for _ in range(100):
            trusted = ssl.create_default_context(cafile=self.ca_file)
            with imaplib.IMAP4_SSL("localhost", self.ports["IMAPS"], ssl_context=trusted) as imap:
                imap.login(who, self.password)
                imap.select()
                _, (found,) = imap.search(None, "HEADER", header, f'"{value}"')
                if found:
                    _, data = imap.fetch(found.replace(b" ", b","), "(RFC822)")
                    parts = [part[1] for part in data if isinstance(part, tuple)]
                    return [email.message_from_bytes(part, policy=email.policy.default) for part in parts]
            time.sleep(0.1)
        raise AssertionError(f"no message with {header} {value} came to {who}")

    def write(self, to, text, sender=CUSTOMER, subtype="plain", **headers):
        """Write a mail as a person, and wait until it has come; return its Message-ID."""
        message = EmailMessage()
        number = make_msgid(domain="client.test")
        for name, value in {"Subject": "Re: ticket", "From": sender, "To": to, "Message-ID": number, **headers}.items():
            message[name.replace("_", "-")] = value
        message.set_content(text, subtype=subtype)
        with smtplib.SMTP("localhost", self.ports["SMTP"]) as smtp:
            smtp.sendmail(sender, [to], message.as_bytes())
        self.messages(to, "Message-ID", number)
        return number

    def answer(self, ref, text, **more):
        """Answer the newest message of a thread as a mail program does."""
        newest = self.messages(DESK, "X-Foretell-Ticket", ref.id)[-1]
        chain = f"{newest['References'] or ''} {newest['Message-ID']}".strip()
        return self.write(AGENT, text, In_Reply_To=newest["Message-ID"], References=chain, **more)

    # -- the Person of the contract ---------------------------------------------------------------------------------

    def does(self, ref, kind):
        self.answer(ref, LINES[kind])

    def sees(self, ref):
        first, *others = self.messages(DESK, "X-Foretell-Ticket", ref.id)
        texts = [one.get_body(("plain",)).get_content() for one in (first, *others)]
        return first["Subject"], "\n".join(texts)


@pytest.fixture(scope="session")
def mail():
    """Real mail servers with empty mailboxes. Skips, saying why, where they can be neither started nor installed."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("needs root on Debian, to start Exim and Dovecot under a user of their own")
    yield Mail(dict(line.split("=", 1) for line in run("reset").splitlines()))
    run("stop")


def run(verb):
    done = subprocess.run([str(SCRIPT), verb], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.fail(f"mail.sh {verb}: {done.stderr.strip()}", pytrace=False)
    return done.stdout


@pytest.fixture
def build(mail, tmp_path):
    """Return a function that builds a client of the running servers, with changed options."""

    def build(*, secret=mail.password, **changes):
        values = {"sender": AGENT, "to": (DESK,), "smtp": mail.smtp(), "imap": mail.imap()} | changes
        return PLUGIN.build(PLUGIN.options(client="email", **values), Context(tmp_path, secret), "mail")

    return build


@pytest.fixture
def client(build):
    """Return a client with SMTP and IMAP."""
    return build()


class TestContract(ClientContract):
    """Mail keeps the contract when answers can be read."""

    acts = tuple(LINES)

    @pytest.fixture
    def build(self, build):
        return build

    @pytest.fixture
    def unreachable(self, build, mail):
        return build(secret=PLANTED_SECRET, smtp=mail.smtp(port=9), imap=mail.imap(port=9))

    @pytest.fixture
    def person(self, mail):
        return mail


class TestContractOneWay(TestContract):
    """It does so too when mail can only be sent."""

    @pytest.fixture
    def build(self, build):
        return lambda: build(imap=None)

    @pytest.fixture
    def unreachable(self, mail, tmp_path):
        options = PLUGIN.options(client="email", sender=AGENT, to=(DESK,), smtp=mail.smtp(port=9))
        return PLUGIN.build(options, Context(tmp_path, PLANTED_SECRET), "mail")


class TestMessages:
    """What the desk receives."""

    def test_a_ticket_is_a_message_for_people_and_for_rules(self, client, mail):
        """Plain and HTML part say the same; headers carry urgency and key; the Message-ID is the ticket's id."""
        ticket = new_ticket(priority="P1")
        ref = client.open(ticket)
        (message,) = mail.messages(DESK, "Message-ID", ref.id)
        assert message["Subject"] == WORDS
        assert (message["From"], message["To"]) == (AGENT, DESK)
        assert (message["X-Priority"], message["Importance"]) == ("1 (Highest)", "high")
        assert message["X-Foretell-Key"].strip() == ticket.key
        assert message.get_body(("plain",)).get_content() == to_plain(ticket.body)
        assert (
            "<p>Disk full on Thursday; 磁盘将满; 😀 café &lt;b&gt;&amp;amp;&lt;/b&gt;</p>"
            in message.get_body(("html",)).get_content()
        )

    def test_the_proposed_window_can_be_put_into_a_calendar(self, client, mail):
        """It comes with the ticket as a file that mail programs know."""
        ticket = new_ticket()
        client.open(ticket)
        (message,) = mail.messages(DESK, "X-Foretell-Key", ticket.key)
        (part,) = message.iter_attachments()
        assert (part.get_content_type(), part.get_filename()) == ("text/calendar", "maintenance-0.ics")
        (event,) = icalendar.Calendar.from_ical(part.get_payload(decode=True)).events
        assert (event.start, event.end) == (ticket.windows[0].start, ticket.windows[0].end)

    def test_a_comment_brings_the_calendar_up_to_date(self, client, mail):
        """What was agreed, or taken back, comes in the same message as the words that say so."""
        ticket = new_ticket()
        ref = client.open(ticket)
        agreed = msgspec.structs.replace(ticket.appointment, status="cancelled", sequence=1)
        client.comment(ref, msgspec.structs.replace(comment("taken back"), appointment=agreed))
        (message,) = [
            one for one in mail.messages(DESK, "X-Foretell-Marker", "taken back") if one["References"] == f"<{ref.id}>"
        ]
        (part,) = message.iter_attachments()
        assert part.get_param("method") == "CANCEL"
        (event,) = icalendar.Calendar.from_ical(part.get_payload(decode=True)).events
        assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)

    def test_a_title_cannot_add_a_header_or_a_recipient(self, client, mail):
        """Line ends and encoded words in a title are letters of the subject (CVE-2024-6923)."""
        title = "full\r\nBcc: customer@client.test\r\n\r\n=?utf-8?q?=0D=0ABcc:_customer=40client.test?= \u202e磁盘"
        (message,) = mail.messages(DESK, "Message-ID", client.open(new_ticket(title=title)).id)
        assert message["Bcc"] is None
        assert message["Subject"] == (
            "full Bcc: customer@client.test = ?utf-8?q?=0D=0ABcc:_customer=40client.test?= 磁盘"
        )

    def test_comments_and_files_are_in_the_thread(self, client, mail):
        """They answer the opening message, under its subject, and a file arrives byte for byte."""
        ref = client.open(new_ticket(title="磁盘将满"))
        content = bytes(range(256)) * 100
        client.comment(ref, comment("one"))
        client.attach(ref, Attachment(name="window.ics", media_type="text/calendar", content=content))
        for header, value in (("X-Foretell-Marker", "one"), ("X-Foretell-File", "window.ics")):
            (message,) = [one for one in mail.messages(DESK, header, value) if one["In-Reply-To"] == f"<{ref.id}>"]
            assert message["References"] == f"<{ref.id}>"
            assert message["Subject"] == "Re: 磁盘将满"
        (file,) = message.iter_attachments()
        assert (file.get_filename(), file.get_content_type()) == ("window.ics", "text/calendar")
        assert file.get_payload(decode=True) == content

    def test_what_is_sent_again_is_the_same_message(self, build, mail):
        """After an unknown outcome the same ticket has the same Message-ID; opened anew, with new times, another."""
        one_way, ticket = build(imap=None), new_ticket()
        first, again = one_way.open(ticket), one_way.open(ticket)
        assert first == again
        one_way.comment(first, comment("m"))
        one_way.comment(first, comment("m"))
        numbers = {message["Message-ID"] for message in mail.messages(DESK, "X-Foretell-Ticket", first.id)}
        assert len(numbers) == 2
        assert one_way.open(new_ticket(key=ticket.key)) != first

    def test_everything_goes_over_tls_from_the_first_byte_too(self, build, mail):
        """The ports for TLS at once, and those for STARTTLS, on both sides."""
        smtp = mail.smtp(port=mail.ports["SMTPS"], encryption="tls")
        imap = mail.imap(port=mail.ports["IMAP"], encryption="starttls")
        client, ticket = build(smtp=smtp, imap=imap), new_ticket()
        assert [one.ref for one in client.find(ticket.key)] == []
        assert [client.open(ticket)] == [one.ref for one in client.find(ticket.key)]


class TestRefusals:
    """What servers do not take."""

    @pytest.mark.parametrize(
        ("recipient", "error", "said"),
        [
            ("full@client.test", Rejected, "full@client.test was refused with 550: mailbox full"),
            ("nobody@client.test", Rejected, "with 550: unknown user"),
            ("desk@elsewhere.test", Rejected, "with 550: relay not permitted"),
            ("greylist@client.test", Throttled, "with 451: greylisted, try later"),
        ],
    )
    def test_a_recipient_who_is_refused_stops_the_message_for_all(self, build, mail, recipient, error, said):
        """5yz is Rejected, 4yz is Throttled, and the other recipient has received nothing."""
        ticket, client = new_ticket(), build(to=(DESK, recipient))
        with pytest.raises(error, match=said):
            client.open(ticket)
        assert client.find(ticket.key) == []
        build(imap=None).open(ticket)
        assert len(mail.messages(DESK, "X-Foretell-Key", ticket.key)) == 1

    def test_a_message_that_is_too_large_is_not_even_sent(self, client):
        """The server says how much it takes; the ticket stays."""
        ref = client.open(new_ticket())
        with pytest.raises(Rejected, match=r"has \d+ bytes, the server takes 2097152"):
            client.attach(
                ref, Attachment(name="a.bin", media_type="application/octet-stream", content=b"x" * 3_000_000)
            )
        assert client.read(ref).open
        assert not client.has_attachment(ref, "a.bin")

    def test_a_wrong_password_is_not_authorised(self, build):
        """At either server, without the password in the message."""
        client = build(secret=PLANTED_SECRET)
        for call in (lambda: client.find(new_ticket().key), build(secret=PLANTED_SECRET, imap=None).check):
            with pytest.raises(NotAuthorised) as caught:
                call()
            assert PLANTED_SECRET not in str(caught.value)

    def test_the_password_is_not_offered_in_the_clear(self, build, mail):
        """A server that lets nobody log in without TLS is not tried."""
        with pytest.raises(NotAuthorised, match="not supported"):
            build(smtp=mail.smtp(encryption="none"), imap=None).open(new_ticket())

    @pytest.mark.parametrize("encryption", ["tls", "starttls"])
    def test_an_authority_that_we_do_not_trust_ends_it(self, build, mail, encryption):
        """Without ca_file neither server is believed, whichever way TLS begins."""
        tls = encryption == "tls"
        smtp = mail.smtp(port=mail.ports["SMTPS" if tls else "SMTP"], encryption=encryption, ca_file="")
        imap = mail.imap(port=mail.ports["IMAPS" if tls else "IMAP"], encryption=encryption, ca_file="")
        for call in (build(smtp=smtp, imap=None).check, lambda: build(imap=imap).find("a" * 64)):
            with pytest.raises(DeskUnreachable, match=r"certificate not accepted.*ca_file"):
                call()

    def test_the_doctor_names_a_recipient_that_is_refused(self, build):
        """What is wrong is said with the server's words; nothing was sent."""
        (check,) = build(to=("full@client.test",)).check()
        assert (check.well, check.subject) == (False, "sending")
        assert "mailbox full" in check.found

    def test_without_imap_the_doctor_says_what_that_means(self, build):
        """It is well, and told."""
        sending, answers = build(imap=None).check()
        assert "up to 2097152 bytes" in sending.found
        assert "without imap cases go by readings" in answers.found


class TestPeople:
    """Answers in the thread, and what is none."""

    def test_a_customer_confirms_by_mail(self, client, mail):
        """An answer to a comment belongs to the ticket; what it quotes is not its author's word."""
        ref = client.open(new_ticket())
        client.comment(ref, comment("recovered"))
        mail.answer(ref, "All is well, thank you.\nforetell: confirm\n\n> foretell: wontfix\n")
        state = client.read(ref)
        (act,) = state.acts
        assert (act.kind, act.by, state.status) == ("confirm", CUSTOMER, "open")
        assert act.text.startswith("All is well")

    def test_an_answer_in_html_is_read(self, client, mail):
        """As many mail programs write it."""
        ref = client.open(new_ticket())
        mail.answer(ref, "<p>好的</p><div>foretell: accept 2</div>", subtype="html")
        (act,) = client.read(ref).acts
        assert (act.kind, act.option) == ("accept_window", 2)

    def test_what_people_put_off_or_refuse_shows_as_the_status(self, client, mail):
        """Deferred is waiting, refused is rejected and no more open; reopened by us, it is open again."""
        ticket = new_ticket()
        ref = client.open(ticket)
        for kind, status in (("defer", "waiting"), ("reply", "waiting"), ("wont_fix", "rejected")):
            mail.does(ref, kind)
            assert client.read(ref).status == status
        assert [one.open for one in client.find(ticket.key)] == [False]
        assert client.reopen(ref, ticket) == ref
        state = client.read(ref)
        assert (state.status, [act.kind for act in state.acts]) == ("open", ["defer", "reply", "wont_fix"])

    @pytest.mark.parametrize(
        "headers",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Precedence": "bulk"},
            {"sender": AGENT},
            {"X_Foretell_Ticket": "foretell.elsewhere@agent.test"},
        ],
    )
    def test_a_machine_is_nobody(self, client, mail, headers):
        """Out of office, lists, we ourselves, other agents: none of them has done anything."""
        ref = client.open(new_ticket())
        mail.answer(ref, "foretell: confirm", **headers)
        assert client.read(ref).acts == ()

    def test_a_mail_elsewhere_is_not_in_the_thread(self, client, mail):
        """Neither without a reference, nor with one that only begins like ours."""
        ref = client.open(new_ticket())
        mail.write(AGENT, "foretell: confirm", Subject=f"Re: {ref.id}")
        mail.write(AGENT, "foretell: confirm", In_Reply_To=f"<x{ref.id}>")
        mail.write(AGENT, "foretell: confirm", In_Reply_To=f"<{ref.id}.x>")
        assert client.read(ref).acts == ()

    def test_nobody_can_make_a_ticket_of_ours_by_mail(self, client, mail):
        """A mail with our headers lands where answers land, and is no ticket; so ours is not held back."""
        ticket = new_ticket()
        mail.write(AGENT, "there", X_Foretell_Key=ticket.key, X_Foretell_Ticket="foretell.forged@agent.test")
        assert client.find(ticket.key) == []
        with pytest.raises(TicketGone):
            client.read(TicketRef("mail", "foretell.forged@agent.test"))

    def test_a_message_that_came_back_shows_as_the_status(self, build, mail):
        """The server took it and could not deliver it: its report is told, and is nobody's act."""
        client = build(to=("bounces@client.test",))
        ref = client.open(new_ticket())
        mail.messages(AGENT, "References", ref.id)
        state = client.read(ref)
        assert state.desk_status.startswith("undeliverable: ")
        assert (state.open, state.acts) == (True, ())

    def test_a_ticket_whose_copy_was_deleted_is_gone(self, client, mail):
        """Our folder is what we know; who deletes from it wants the ticket gone."""
        ref = client.open(new_ticket())
        with imaplib.IMAP4_SSL(
            "localhost", mail.ports["IMAPS"], ssl_context=ssl.create_default_context(cafile=mail.ca_file)
        ) as imap:
            imap.login(AGENT, mail.password)
            imap.select("Foretell")
            _, (found,) = imap.search(None, "HEADER", "Message-ID", f'"{ref.id}"')
            imap.store(found.decode(), "+FLAGS", r"(\Deleted)")
            imap.expunge()
        for call in (lambda: client.read(ref), lambda: client.comment(ref, comment("m")), lambda: client.resolve(ref)):
            with pytest.raises(TicketGone):
                call()
