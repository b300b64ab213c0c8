"""`foretell bundle`: what is previewed is what the desk gets, and without consent there is neither."""

import hashlib
import shutil
import sqlite3
import subprocess
import tarfile
import time
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.case_details import case_details
from agent.configuration.config import load
from agent.configuration.settings import DAY, HOUR
from agent.consent.gate import decide
from agent.consent.levels import Grant, Revocation, Scope
from agent.delivery.bundle_dispatch import FOLDER
from agent.delivery.bundling import Bundling, Refusal
from agent.delivery.outbox import Outbox
from agent.delivery.spool import FOLDER_NAME
from agent.store import Store
from deliveries import HOST, Deliveries
from ticketing_clients.local import FILE_NAME

# Few sources, so that no test has to wait for what it is not about.
CONFIG = """
[delivery]
desk = "desk"
[desks.desk]
client = "local"
[bundle]
sources = ["{more}"]
{bundle}
"""
FEW = "".join(
    f'[sources.{name}]\nkind = "case"\nsummary = "x"\nenabled = false\n'
    for name in ("diagnosis", "services", "mounts", "load", "software", "kernel-journal", "system-journal")
)


class Office:
    """A case with a ticket at the local desk, and what people and the daemon do with its bundle."""

    def __init__(self, tmp_path, state):
        self.state, self.file = state, tmp_path / "office.toml"
        (tmp_path / "few.toml").write_text(FEW)
        self.folder = tmp_path
        self.configure()
        self.deliveries = Deliveries(state, self.file)
        self.deliveries.now = time.time()
        self.key = self.deliveries.add_case("open")
        with capture_logs():  # what it logs would stand between what commands print
            self.deliveries.deliver_here()
        with Store.open(state) as store:
            [opened] = store.take_events()
            self.case = msgspec.structs.replace(store.case(self.key), ticket=opened.ref, opened_at=time.time())
            store.save_case(self.case, [], self.deliveries.now)

    def configure(self, bundle=""):
        """Write the configuration."""
        self.file.write_text(CONFIG.format(more=self.folder / "few.toml", bundle=bundle))

    def decide(self, level=None, lasts=DAY, classes=()):
        """Have a person allow a level, or take everything back."""
        scope, now = Scope(customer="default", classes=classes), time.time()
        if level is None:
            entry = Revocation(by="Kim", entered_by="kim", at=now, scope=scope)
        else:
            entry = Grant(
                by="Kim",
                entered_by="kim",
                at=now,
                level=level,
                scope=scope,
                until=now + lasts,
                wording="1",
                way="command",
            )
        decide(self.state, load(self.file, parts={"rules"}), entry, now)

    def by_itself(self, after=0.0):
        """Do as the daemon's child does."""
        with Store.open(self.state) as store:
            configuration = load(self.file, parts={"rules"})
            return Bundling(configuration, self.state, store, HOST, time.time() + after).by_itself(self.case)

    def deliver(self, after=120.0):
        """Run a courier; return the SHA-256 of what the ticket has then."""
        self.deliveries.now = time.time() + after
        with capture_logs():
            self.deliveries.deliver_here()
        with sqlite3.connect(self.state / FILE_NAME) as desk:
            return [
                hashlib.sha256(content).hexdigest() for (content,) in desk.execute("SELECT content FROM attachments")
            ]

    def operation(self):
        """What became of the bundle in the outbox."""
        with Store.open(self.state) as store:
            return Outbox(store).all({"queued", "done", "rejected", "dropped"})[-1]

    @property
    def left(self):
        """What of it is still on this host."""
        return [file.name for name in (FOLDER, FOLDER_NAME) for file in (self.state / name).glob("*")]


@pytest.fixture
def office(tmp_path, state, monkeypatch):
    """An office that commands find without being told."""
    office = Office(tmp_path, state)
    monkeypatch.setenv("FORETELL_CONFIG", str(office.file))
    return office


def test_without_consent_there_is_no_preview_and_a_way_to_get_one(foretell, office):
    """The line can be copied."""
    ended = foretell("bundle", "preview", office.key[:8])
    assert ended.status == 1
    assert "consent for disk_space is `none`" in ended.err
    assert "foretell consent grant facts --for 30d" in ended.err
    assert office.left == []


def test_what_is_previewed_is_what_the_ticket_gets(foretell, office):
    """By hash; and nothing stays here."""
    office.decide("excerpt")
    shown = foretell("bundle", "preview", office.key[:8], "--json").json
    assert shown["manifest"]["level"] == "excerpt"
    assert {file["source"] for file in shown["manifest"]["files"]} >= {"case", "packages"}
    ended = foretell("bundle", "build", office.key[:8])
    assert ended.status == 0, ended.err
    assert office.deliver() == [shown["sha256"]]
    assert office.left == []


def test_a_preview_in_words_says_what_is_in_it_and_what_is_not(foretell, office):
    """With the file and its hash."""
    office.decide("facts")
    ended = foretell("bundle", "preview", office.key[:8])
    assert ended.status == 0, ended.err
    assert "case.txt" in ended.out
    assert "Not in it: dpkg-log: consent `facts` does not let it out" in ended.out
    assert "SHA-256 " in ended.out
    with Store.open(office.state) as store:
        assert not Outbox(store).has_ever_attached()


class TestTheComment:
    """What the first look found stands on the ticket too, in words."""

    @pytest.fixture
    def looks(self, office):
        """Let the bundle have a first look."""
        (office.folder / "few.toml").write_text(FEW.replace("[sources.diagnosis]", "[sources.other]"))
        office.decide("facts")
        return office

    def comments(self, office):
        """What the ticket says besides its body, once a courier ran."""
        office.deliver()
        with Store.open(office.state) as store:
            details = case_details(store, office.state, office.case, {})
        return [one.text for one in details.ticket.comments]

    def test_it_is_previewed_and_comes_with_the_bundle(self, foretell, looks):
        """Once, however many bundles there are."""
        shown = foretell("bundle", "preview", looks.key[:8])
        assert "On the ticket itself, as a comment:" in shown.out
        assert foretell("bundle", "build", looks.key[:8]).status == 0
        [comment] = self.comments(looks)
        assert "We had a first look at what is behind this" in comment
        foretell("bundle", "preview", looks.key[:8])
        assert foretell("bundle", "build", looks.key[:8]).status == 0
        assert self.comments(looks) == [comment]

    def test_it_can_be_switched_off(self, foretell, looks):
        """Then the bundle alone has it."""
        looks.configure("on_ticket = false")
        assert foretell("bundle", "preview", looks.key[:8], "--json").json["comment"] == ""
        assert foretell("bundle", "build", looks.key[:8]).status == 0
        assert self.comments(looks) == []

    def test_the_same_look_is_told_when_consent_is_back(self, looks, monkeypatch):
        """The disk failed before its file was queued; the comment was, and stayed here because consent was taken back."""
        looks.configure("grace = '0s'")
        with monkeypatch.context() as failing:
            failing.setattr(Outbox, "attach", Mock(side_effect=OSError))
            with pytest.raises(OSError):  # noqa: PT011 - ours
                looks.by_itself()
        looks.decide(None)
        assert self.comments(looks) == []
        looks.decide("facts")
        looks.by_itself()
        assert len(self.comments(looks)) == 1

    def test_it_stays_here_when_consent_is_taken_back(self, foretell, looks):
        """Like the file, while both wait."""
        assert foretell("bundle", "build", looks.key[:8]).status == 0
        looks.decide(None)
        assert self.comments(looks) == []


def test_a_tail_of_logs_needs_its_own_consent(foretell, office):
    """An excerpt does not allow it."""
    office.decide("excerpt")
    ended = foretell("bundle", "preview", office.key[:8], "--logs")
    assert ended.status == 1
    assert "this needs `logs`" in ended.err
    office.decide("logs")
    assert foretell("bundle", "preview", office.key[:8], "--logs", "--json").json["manifest"]["level"] == "logs"


@pytest.mark.parametrize("how", ["revoked", "lowered", "ended"])
def test_consent_that_is_gone_while_it_waits_keeps_it_here(foretell, office, how):
    """The ticket stays, the case is told, the file is removed, and with new consent it goes after all."""
    office.configure("grace = '0s'")
    office.decide("excerpt", lasts=60.0 if how == "ended" else DAY)
    assert foretell("bundle", "build", office.key[:8]).status == 0
    if how != "ended":
        office.decide(None if how == "revoked" else "facts")
    assert office.deliver() == []
    queued = office.operation()
    assert (queued.state, queued.reason) == ("dropped", "forbidden")
    assert office.left == []
    with Store.open(office.state) as store:
        assert [event.reason for event in store.take_events()] == ["forbidden"]
    office.decide("excerpt")
    office.by_itself()
    assert len(office.deliver(200.0)) == 1


@pytest.mark.parametrize("level", ["facts", "excerpt", "logs"])
@pytest.mark.parametrize(
    ("classes", "covered"),
    [
        (("disk_*",), True),
        (("type:capacity",), True),
        (("cpu_*",), False),
        (("!disk_space",), False),
        (("type:security",), False),
    ],
)
def test_consent_is_for_classes_of_tickets(office, level, classes, covered):
    """What leaves by itself with this one is never more than its class was allowed, and never a tail."""
    office.decide(level, classes=classes)
    with Store.open(office.state) as store:
        bundling = Bundling(load(office.file, parts={"rules"}), office.state, store, HOST, time.time())
        assert bundling.level(office.case) == (level if covered else "none")
        if not covered:
            with pytest.raises(Refusal, match="consent for disk_space is `none`"):
                bundling.by_itself(office.case)
            assert not store.folder.joinpath(FOLDER).exists()


def test_a_ticket_that_speaks_for_many_problems_gets_no_bundle(office):
    """Each of them may have its own consent."""
    office.decide("logs")
    storm = msgspec.structs.replace(office.case, rule="storm")
    with Store.open(office.state) as store:
        bundling = Bundling(load(office.file, parts={"rules"}), office.state, store, HOST, time.time())
        with pytest.raises(Refusal, match="one of the problems themselves"):
            bundling.by_itself(storm)


def test_what_was_changed_after_the_preview_does_not_leave(foretell, office):
    """Not by anybody."""
    office.decide("facts")
    foretell("bundle", "preview", office.key[:8])
    [file] = (office.state / FOLDER).glob("*.tar.gz")
    file.write_bytes(file.read_bytes() + b"!")
    shown = foretell("bundle", "preview", office.key[:8], "--json").json
    file.write_bytes(file.read_bytes() + b"!")
    ended = foretell("bundle", "build", office.key[:8], "--approve", shown["sha256"])
    assert ended.status == 1
    assert "there is no bundle that could be sent" in ended.err


def test_where_approval_is_required_only_the_approved_bytes_leave(foretell, office):
    """Nothing by itself, nothing without its hash, nothing with another's."""
    office.configure("approval = true\ngrace = '0s'")
    office.decide("facts")
    with pytest.raises(Refusal, match="waits for approval"):
        office.by_itself()
    assert "--approve" in foretell("bundle", "build", office.key[:8]).err
    assert foretell("bundle", "build", office.key[:8], "--approve", "0" * 64).status == 1
    shown = foretell("bundle", "preview", office.key[:8], "--json").json
    assert foretell("bundle", "build", office.key[:8], "--approve", shown["sha256"]).status == 0
    assert office.deliver() == [shown["sha256"]]


def test_the_first_bundle_ever_waits_for_the_grace_time(office):
    """So that somebody can look at it; then these very bytes go."""
    office.decide("logs")
    with pytest.raises(Refusal, match="first bundle ever"):
        office.by_itself()
    [file] = (office.state / FOLDER).glob("*.tar.gz")
    content = file.read_bytes()
    office.by_itself(after=HOUR + 1)
    assert office.deliver() == [hashlib.sha256(content).hexdigest()]


def test_a_day_has_its_limit(office):
    """What is over it waits."""
    office.configure("per_day = 10\ngrace = '0s'")
    office.decide("facts")
    with pytest.raises(Refusal, match="10 bytes of bundles in 24 hours"):
        office.by_itself()


def test_a_bundle_waits_for_its_ticket(foretell, office):
    """It is built, kept and said so."""
    with Store.open(office.state) as store:
        store.save_case(msgspec.structs.replace(office.case, ticket=None), [], office.deliveries.now)
    office.decide("facts")
    ended = foretell("bundle", "build", office.key[:8])
    assert ended.status == 1
    assert "there is no ticket yet" in ended.err


def test_what_waited_for_too_long_is_removed(foretell, office):
    """By the retention rule, queued or not; what was attached as core is not touched."""
    office.decide("facts")
    foretell("bundle", "build", office.key[:8])
    with Store.open(office.state) as store:
        outbox = Outbox(store)
        outbox.expire_files(before=time.time() - DAY)
        outbox.sweep()
        assert len(office.left) == 1
        outbox.expire_files(before=time.time() + DAY)
        outbox.sweep()
    assert office.left == []
    assert office.operation().state == "dropped"


class TestEncryption:
    """Bundles to a recipient's key: only whoever has the other half reads them, and nothing leaves in the clear."""

    @pytest.fixture
    def key(self, office):
        """Let bundles be encrypted to a key of age's own making; return where its other half is."""
        if shutil.which("age-keygen") is None:
            pytest.skip("needs age (Debian package age): encryption was NOT tried")
        path = office.folder / "age.key"
        subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True, text=True).stdout.strip()
        office.configure(f"grace = '0s'\nrecipients = ['{public}']")
        office.decide("facts")
        return path

    def decrypted(self, key, content):
        """Return what age itself makes of it."""
        return subprocess.run(["age", "--decrypt", "-i", key], input=content, check=True, capture_output=True).stdout

    def attached(self, office):
        """Return the files that the ticket has."""
        office.deliver()
        with sqlite3.connect(office.state / FILE_NAME) as desk:
            return dict(desk.execute("SELECT name, content FROM attachments"))

    def test_what_was_previewed_arrives_and_age_reads_it(self, foretell, office, key):
        """Encrypted anew each time it is made, it is made once; what is inside is what was shown."""
        clear = office.folder / "clear.tar.gz"
        shown = foretell("bundle", "preview", office.key[:8], "--clear", clear, "--json").json
        assert shown["file"].endswith(".tar.gz.age")
        assert b"case.txt" not in Path(shown["file"]).read_bytes()
        assert foretell("bundle", "build", office.key[:8], "--approve", shown["sha256"]).status == 0
        [(name, content)] = self.attached(office).items()
        assert name.endswith(".tar.gz.age")
        assert hashlib.sha256(content).hexdigest() == shown["sha256"]
        assert self.decrypted(key, content) == clear.read_bytes()
        with tarfile.open(clear) as archive:
            assert "MANIFEST.json" in archive.getnames()
        assert office.left == []

    @pytest.mark.usefixtures("key")
    def test_the_preview_says_to_whom(self, foretell, office):
        """And how to look into it without their key."""
        shown = foretell("bundle", "preview", office.key[:8])
        assert "Encrypted to age1" in shown.out
        assert "--clear FILE.tar.gz" in shown.out

    @pytest.mark.usefixtures("key")
    @pytest.mark.parametrize("built", ["before", "queued"])
    def test_what_was_made_without_it_stays_here(self, foretell, office, built):
        """Kept or queued already when somebody configures encryption: it is made anew."""
        encrypting = office.file.read_text()
        office.configure("grace = '0s'")
        foretell("bundle", "preview", office.key[:8])
        if built == "queued":
            assert foretell("bundle", "build", office.key[:8]).status == 0
        office.file.write_text(encrypting)
        if built == "before":
            assert foretell("bundle", "build", office.key[:8]).status == 0
        assert [name[-4:] for name in self.attached(office)] == ([".age"] if built == "before" else [])
        assert office.left == []

    @pytest.mark.parametrize("recipient", ["age1qqqq", "ssh-ed25519 AAAA"])
    def test_where_it_cannot_be_done_there_is_nothing_to_send(self, foretell, office, recipient):
        """No bundle, no comment, and which recipient it is."""
        office.configure(f"grace = '0s'\nrecipients = ['{recipient}']")
        office.decide("facts")
        ended = foretell("bundle", "build", office.key[:8])
        assert ended.status == 1
        assert "bundle.recipients: number 1 is no public key" in ended.err
        assert self.attached(office) == {}
        assert office.left == []


def test_secrets_that_are_not_known_stop_it(foretell, office):
    """What cannot be masked cannot leave."""
    office.decide("facts")
    office.file.write_text(office.file.read_text() + '[secrets]\ntoken = "/no/such/file"\n')
    ended = foretell("bundle", "preview", office.key[:8])
    assert ended.status == 1
    assert "what is not known cannot be masked" in ended.err
    assert office.left == []
