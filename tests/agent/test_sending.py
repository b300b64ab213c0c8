"""What is done at the desk for one operation: a ticket made once, and whatever is then said and done on it."""

from __future__ import annotations

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.model import Delivered, DeskHealth
from agent.routing import copy_key
from agent.settings import DAY, HOUR
from desk_in_memory import NOW, A, B
from ticketing_clients import (
    Attachment,
    Capabilities,
    FoundTicket,
    NotApplied,
    OutcomeUnknown,
    Rejected,
    Ticket,
    to_plain,
)


class TestOpening:
    """One ticket for one problem."""

    def test_it_is_looked_for_made_and_told(self, office):
        """The desk is asked first, and the case learns where the ticket is."""
        id = office.ask(A)  # noqa: A001
        assert office.batch() == ["find", "open"]
        [ticket] = office.desk.tickets
        assert (ticket.key, ticket.priority) == (A, "P3")
        assert office.store.take_events() == [Delivered(case=A, operation=id, kind="open", ref=ticket.ref, at=NOW)]
        assert office.health == DeskHealth(reachable=True, at=NOW, last_contact=NOW)
        assert office.batch(DAY) == []

    def test_it_leaves_a_line_in_the_log(self, office):
        """Whoever reads the journal sees which ticket was made, and when."""
        office.ask(A)
        with capture_logs() as lines:
            office.batch()
        assert lines == [
            {"log_level": "info", "event": "delivered", "kind": "open", "case": A, "desk": "desk", "ticket": "1"}
        ]

    def test_one_that_is_open_already_is_adopted(self, office):
        """Records were lost, or somebody restored an old backup."""
        ticket = office.desk.add(A)
        office.ask(A)
        assert office.batch() == ["find"]
        assert office.outbox.latest_ticket(A, "desk") == ticket.ref

    def test_one_that_is_closed_is_an_older_story(self, office):
        """The problem of today gets its own."""
        office.desk.add(A, is_open=False)
        office.ask(A)
        assert office.batch() == ["find", "open"]

    def test_of_several_the_first_is_kept_and_the_others_closed_as_its_duplicates(self, office):
        """However they came about."""
        first, second, third = (office.desk.add(A) for _ in range(3))
        office.ask(A)
        assert office.batch() == ["find", "close_duplicate", "close_duplicate"]
        assert [one.open for one in office.desk.tickets] == [True, False, False]
        assert (second.original, third.original) == (first.ref, first.ref)

    def test_a_duplicate_that_cannot_be_closed_spoils_nothing(self, office):
        """The first is adopted all the same."""
        first, _ = office.desk.add(A), office.desk.add(A)
        office.desk.fails["close_duplicate"] = [Rejected("no such status")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.state(id) == "done"
        assert office.outbox.latest_ticket(A, "desk") == first.ref

    def test_a_desk_that_cannot_search_is_not_asked_to(self, office):
        """Mail, for instance."""
        office.desk.capabilities = Capabilities(find=False, read=False, list_open=False)
        office.ask(A)
        assert office.batch(poll=True, rebuild=True) == ["open"]

    def test_a_stranger_is_never_adopted(self, office, monkeypatch):
        """A desk's search may bring what was not asked for."""
        stranger = office.desk.add(B)
        monkeypatch.setattr(
            office.desk, "find", lambda _: [FoundTicket(one.ref, one.key, open=True) for one in office.desk.tickets]
        )
        office.ask(A)
        assert office.batch() == ["open"]
        assert office.outbox.latest_ticket(A, "desk") != stranger.ref

    def test_a_ticket_made_without_all_that_was_asked_is_better_than_none(self, office):
        """The desk said yes and left something out."""
        office.desk.fails_after["open"] = [NotApplied("without Due")]
        id = office.ask(A)  # noqa: A001
        assert office.batch() == ["find", "open", "find"]
        assert office.state(id) == "done"
        assert office.outbox.latest_ticket(A, "desk") == office.desk.tickets[0].ref

    def test_one_that_cannot_be_found_again_is_set_aside(self, office):
        """It was made without its key: nobody must make it again and again."""
        office.desk.add(A, is_open=False)
        office.desk.fails["open"] = [NotApplied("without the key")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        assert office.state(id) == "rejected"


class TestTheTicket:
    """What is said and done on a ticket that is there."""

    def test_operations_of_a_case_go_in_order(self, office):
        """The comment on the ticket that the same batch opened."""
        office.ask(A)
        office.ask(A, "raise_priority", "worse", priority="P2")
        comment = office.ask(A, "comment", "worse", priority="P2")
        office.ask(A, "resolve", "closed", priority="P2")
        assert office.batch() == ["find", "open", "raise_priority", "comment", "resolve"]
        [ticket] = office.desk.tickets
        assert (ticket.priority, ticket.comments, ticket.open) == ("P2", [comment], False)

    def test_what_the_desk_cannot_do_is_left_out(self, office):
        """And counts as done."""
        office.open()
        office.desk.capabilities = Capabilities(comment=False, priority=False, resolve=False)
        for kind, topic in [("comment", "worse"), ("raise_priority", "worse"), ("resolve", "closed")]:
            office.ask(A, kind, topic)
        assert office.batch() == []
        assert office.outbox.summary("desk").waiting == 0

    def test_a_ticket_is_opened_again(self, office):
        """The same one."""
        ticket = office.open()
        ticket.open = False
        office.ask(A, "reopen", "returned")
        assert office.batch() == ["reopen"]
        assert ticket.open

    def test_one_that_was_deleted_is_followed_by_a_new_one(self, office):
        """The desk lost it; the problem is back all the same."""
        office.open()
        office.desk.tickets.clear()
        office.ask(A, "reopen", "returned")
        office.ask(A, "comment", "returned")
        assert office.batch() == ["find", "open", "comment"]

    def test_a_desk_that_never_reopens_gets_a_new_one(self, office):
        """With the same key."""
        office.open().open = False
        office.desk.capabilities = Capabilities(reopen="none")
        office.ask(A, "reopen", "returned")
        assert office.batch() == ["find", "open"]

    def test_a_comment_on_a_deleted_ticket_is_set_aside(self, office):
        """Not repeated for ever."""
        office.open()
        office.desk.tickets.clear()
        id = office.ask(A, "comment", "worse")  # noqa: A001
        office.batch()
        assert office.state(id) == "rejected"
        [event] = office.store.take_events()
        assert event.reason == "ticket_gone"

    def test_what_was_left_out_is_said(self, office):
        """In the case's story, and beside the operation."""
        office.open()
        office.desk.capabilities = Capabilities(priority=False)
        id = office.ask(A, "raise_priority", "worse")  # noqa: A001
        office.batch()
        [event] = office.store.take_events()
        assert event.left_out
        [done] = [one for one in office.outbox.all({"done"}) if one.operation.id == id]
        assert done.detail == "left out: the desk cannot do it"

    def test_an_internal_comment_never_becomes_a_public_one(self, office):
        """Where a desk shows all to everybody, it is not said; what is meant for everybody is."""
        ticket = office.open()
        office.desk.capabilities = Capabilities(internal_comment=False)
        office.ask(A, "comment", "worse", public=False)
        said = office.ask(A, "comment", "worse", public=True)
        assert office.batch() == ["comment"]
        assert ticket.comments == [said]
        assert [event.left_out for event in office.store.take_events()] == [True, False]

    @pytest.mark.parametrize("status", ["gone", "merged"])
    def test_on_a_ticket_that_people_put_away_nothing_is_said(self, office, status: str):
        """The case knows, so that nobody has to drop what the desk refuses."""
        ticket = office.open()
        office.save(A, ticket=ticket.ref, ticket_status=status, operations=1)
        office.desk.tickets.clear()
        id = office.ask(A, "comment", "closed")  # noqa: A001
        office.batch()
        assert office.state(id) == "done"
        assert office.store.take_events()[0].left_out


class TestCopies:
    """A further desk's ticket has a key of its own, and says the same."""

    def test_it_is_another_ticket_than_the_home_one(self, office):
        """Even where both desks are queues of one server, whose search finds both."""
        home = office.open()
        office.ask(A, copy=True)
        assert office.batch() == ["find", "open"]
        copy = office.desk.tickets[1]
        assert (home.key, copy.key) == (A, copy_key(A, "desk"))
        [event] = office.store.take_events()
        assert (event.copy, event.ref) == (True, copy.ref)

    def test_it_asks_for_no_answer(self, office):
        """Nobody would read one."""
        office.ask(A)
        office.ask(B, copy=True)
        office.batch()
        tickets = [msgspec.json.decode(one.rendered, type=Ticket) for one in office.outbox.all({"done"})]
        assert ["foretell: wontfix" in to_plain(ticket.body) for ticket in tickets] == [True, False]

    def test_after_lost_records_it_is_found_by_its_key(self, office):
        """A case only knows where its home is."""
        copy = office.desk.add(copy_key(A, "desk"))
        office.save(A)
        said = office.ask(A, "comment", "closed", copy=True)
        assert office.batch() == ["find", "comment"]
        assert copy.comments == [said]


class TestFiles:
    """A file goes to the ticket that is there; whatever becomes of it, the ticket stays."""

    def attach(self, office, content: bytes = b"evidence") -> str:
        """Queue a file for the home ticket of an open case."""
        file = Attachment(name="bundle.tar.gz", media_type="application/gzip", content=content)
        return office.outbox.attach(office.store.case(A), file, office.now)

    def spooled(self, office) -> list[str]:
        """The names of the files that wait."""
        return [file.name for file in (office.store.folder / "spool").iterdir()]

    def test_it_leaves_byte_for_byte_and_is_forgotten(self, office):
        """Nothing of it stays on the host that is not needed any more."""
        ticket = office.open()
        id = self.attach(office)  # noqa: A001
        assert self.spooled(office) == [id]
        assert office.batch() == ["attach"]
        assert ticket.files == {"bundle.tar.gz": b"evidence"}
        assert self.spooled(office) == []
        assert office.store.take_events()[0].kind == "attach"

    def test_it_goes_after_the_opening(self, office):
        """It may be queued before the ticket is there."""
        office.ask(A)
        office.save(A, desks=("desk",), operations=1)
        self.attach(office)
        assert office.batch() == ["find", "open", "attach"]

    def test_the_same_content_is_queued_once(self, office):
        """However often it is asked for."""
        office.open()
        assert self.attach(office) == self.attach(office)
        assert office.batch() == ["attach"]
        self.attach(office)
        assert office.batch() == []
        assert self.spooled(office) == []

    @pytest.mark.parametrize("arrived", [True, False])
    def test_it_is_attached_once(self, office, *, arrived: bool):
        """After an unknown outcome it is looked for by its name."""
        ticket = office.open()
        (office.desk.fails_after if arrived else office.desk.fails)["attach"] = [OutcomeUnknown("reset")]
        self.attach(office)
        assert office.batch() == ["attach"]
        assert office.batch(HOUR) == (["has_attachment"] if arrived else ["has_attachment", "attach"])
        assert list(ticket.files) == ["bundle.tar.gz"]

    def test_one_that_was_altered_does_not_leave(self, office):
        """It is no longer what was previewed; the rest of the case goes on."""
        office.open()
        id = self.attach(office)  # noqa: A001
        (office.store.folder / "spool" / id).write_bytes(b"something else")
        comment = office.ask(A, "comment", "worse")
        assert office.batch() == ["comment"]
        assert (office.state(id), office.state(comment)) == ("rejected", "done")

    def test_one_that_is_missing_is_set_aside(self, office):
        """Somebody tidied up."""
        office.open()
        id = self.attach(office)  # noqa: A001
        (office.store.folder / "spool" / id).unlink()
        assert office.batch() == []
        assert office.state(id) == "rejected"

    @pytest.mark.parametrize("capabilities", [Capabilities(attach=False), Capabilities(largest_attachment=7)])
    def test_what_the_desk_cannot_take_is_set_aside_and_kept(self, office, capabilities):
        """A person sees it, and may retry it when the desk takes more; the file is there until they drop it."""
        ticket = office.open()
        able, office.desk.capabilities = office.desk.capabilities, capabilities
        id = self.attach(office)  # noqa: A001
        assert office.batch() == []
        assert office.state(id) == "rejected"
        office.desk.capabilities = able
        assert office.outbox.requeue(id)
        office.batch()
        assert ticket.files == {"bundle.tar.gz": b"evidence"}

    def test_dropping_it_removes_the_file(self, office):
        """What nobody wants to send is not kept."""
        office.open()
        office.outbox.drop(self.attach(office))
        assert self.spooled(office) == []

    def test_what_was_written_but_never_queued_is_swept(self, office):
        """The agent was killed in between."""
        office.open()
        waiting = self.attach(office)
        (office.store.folder / "spool" / "leftover").write_bytes(b"x")
        office.outbox.sweep()
        assert self.spooled(office) == [waiting]

    def test_it_is_its_owners_alone(self, office):
        """Evidence is nobody else's business."""
        office.open()
        file = office.store.folder / "spool" / self.attach(office)
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
