"""What is done at the desk for one operation: a ticket made once, and whatever is then said and done on it."""

from __future__ import annotations

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.configuration.settings import DAY, HOUR, MINUTE
from agent.following.facts import DiagnosisFacts, FoundFact, case_facts, pack
from agent.following.model import Delivered, DeskHealth, Operation
from agent.following.routing import copy_key
from desk_in_memory import NOW, A, B
from ticketing_clients import (
    Attachment,
    Capabilities,
    Comment,
    FoundTicket,
    NotApplied,
    OutcomeUnknown,
    Rejected,
    Throttled,
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
        [told] = office.store.take_events()
        assert told == Delivered(case=A, operation=id, kind="open", ref=ticket.ref, at=NOW, promise=told.promise)
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

    def test_one_that_the_search_does_not_know_of_yet_is_known_to_us(self, office, monkeypatch):
        """The first opening was retried by hand, and a second waits behind it: that they are one ticket, only we can say."""
        office.desk.capabilities = Capabilities(search_lag=300.0)
        monkeypatch.setattr(office.desk, "find", lambda _: [])
        office.ask(A)
        office.ask(A)
        assert office.batch() == ["open", "read"]
        assert len(office.desk.tickets) == 1

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

    def test_one_that_the_search_cannot_know_of_yet_is_looked_up_when_it_can(self, office, monkeypatch):
        """It is there, and set aside it would be nobody's; what is not found then either is set aside, and not made for ever."""
        office.desk.capabilities = Capabilities(search_lag=5 * MINUTE)
        lost, found = office.ask(A), office.ask(B)
        office.desk.fails_after["open"] = [NotApplied("without Due")] * 3
        monkeypatch.setattr(office.desk, "find", lambda _: [])
        office.batch()
        assert (office.state(lost), office.state(found)) == ("sending", "sending")
        made = next(one for one in office.desk.tickets if one.key == B)
        monkeypatch.setattr(office.desk, "find", lambda _: [FoundTicket(made.ref, made.key, open=True)])
        office.batch(HOUR)
        assert (office.state(lost), office.state(found)) == ("rejected", "done")
        assert office.outbox.latest_ticket(B, "desk") == made.ref

    def test_so_is_one_that_was_made_again_after_an_answer_was_lost(self, office):
        """Of the lost request nothing came; what is there now was made by the second."""
        office.desk.capabilities = Capabilities(search_lag=5 * MINUTE)
        office.desk.fails["open"] = [OutcomeUnknown("reset")]
        id = office.ask(A)  # noqa: A001
        office.batch()
        office.desk.fails_after["open"] = [NotApplied("without Due")]
        with pytest.MonkeyPatch.context() as lagging:
            lagging.setattr(office.desk, "find", lambda _: [])
            office.batch(HOUR)
        assert office.state(id) == "sending"
        office.batch(HOUR)
        assert (office.state(id), len(office.desk.tickets)) == ("done", 1)

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

    def test_a_follow_up_whose_answer_was_lost_is_found_again(self, office):
        """Not asked for again: since then people may have merged the earlier ticket into another one, which would be opened."""
        office.open().open = False
        office.desk.capabilities = Capabilities(reopen="follow_up")
        office.desk.fails_after["reopen"] = [OutcomeUnknown("the answer was lost")]
        office.ask(A, "reopen", "returned")
        assert office.batch() == ["reopen"]
        assert office.batch(HOUR) == ["find"]
        assert [ticket.open for ticket in office.desk.tickets] == [False, True]
        assert office.outbox.latest_ticket(A, "desk") == office.desk.tickets[1].ref

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


class TestConsent:
    """A text carries what was consented to in the moment in which it leaves."""

    def waiting(self, office) -> str:
        """Have a ticket rendered at the present level and refused for now; return the operation's id."""
        id = office.ask(A)  # noqa: A001
        office.desk.fails["open"] = [Throttled("come back later", ticket_only=True)]
        office.batch()
        return id

    def text(self, office) -> str:
        """What the last operation that is done said."""
        rendered = office.outbox.all({"done"})[-1].rendered
        kind = Ticket if b'"title"' in rendered else Comment
        return to_plain(msgspec.json.decode(rendered, type=kind).body)

    def test_at_facts_it_carries_further_numbers(self, office):
        """Those that say how the judgement came about."""
        office.level = "facts"
        office.ask(A)
        office.batch()
        assert "In use: 99.0 GB" in self.text(office)

    def test_what_was_consented_to_once_does_not_leave_when_it_is_taken_back(self, office):
        """Rendered already and not sent yet: it is rendered again, and tells the core."""
        office.level = "excerpt"
        id = self.waiting(office)  # noqa: A001
        [queued] = office.outbox.all({"queued"})
        assert (queued.level, b"In use" in queued.rendered) == ("excerpt", True)
        office.level = "none"
        office.batch(DAY)
        assert office.state(id) == "done"
        assert "In use" not in self.text(office)
        assert "nobody has consented" in self.text(office)

    def test_what_was_rendered_without_it_stays_as_it_is_when_it_comes(self, office):
        """These are the bytes that were made; more comes with the next."""
        self.waiting(office)
        [before] = office.outbox.all({"queued"})
        office.level = "facts"
        office.batch(DAY)
        [after] = office.outbox.all({"done"})
        assert (after.rendered, after.level) == (before.rendered, "none")

    def test_a_copy_carries_the_core(self, office):
        """People consented for their own service desk, and a copy may go anywhere."""
        office.level = "logs"
        office.ask(A, copy=True)
        office.batch()
        assert "In use" not in self.text(office)
        assert "This is a copy." in self.text(office)

    @pytest.mark.parametrize("level", ["none", "facts"])
    def test_a_first_look_is_told_by_consent_or_not_at_all(self, office, level):
        """What was queued while it was allowed stays here when it is not; the case knows."""
        ticket = office.open()
        case = office.store.case(A)
        found = FoundFact(name="path_bytes", value=1e9, unit="bytes", labels={"path": "/srv/uploads"})
        facts = msgspec.structs.replace(case_facts(case, {}), diagnosis=DiagnosisFacts(at=NOW, found=(found,)))
        said = Operation(
            id="look",
            case=A,
            kind="comment",
            topic="diagnosis",
            desk="desk",
            public=True,
            facts=pack(facts),
            created_at=NOW,
        )
        office.outbox.queue(said)
        assert office.outbox.has_said(A, "diagnosis", "desk")
        assert not office.outbox.has_said(A, "worse", "desk")
        office.level = level
        office.batch()
        [event] = office.store.take_events()
        if level == "none":
            assert (ticket.comments, office.state("look"), event.reason) == ([], "dropped", "forbidden")
            assert not office.outbox.has_said(A, "diagnosis", "desk")
        else:
            assert ticket.comments == ["look"]
            assert "/srv/uploads takes the most room: 1.0 GB." in self.text(office)


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
