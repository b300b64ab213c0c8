"""A desk that forgets is told again what stands there, in every round, for as long as anything does."""

from __future__ import annotations

import pytest

from agent.configuration.settings import MINUTE
from agent.following.model import DeskHealth
from agent.following.routing import copy_key
from desk_in_memory import A, B, Desk
from ticketing_clients import Capabilities, DeskUnreachable, FoundTicket


class ForgetfulDesk(Desk):
    """A desk in memory that wants to be reminded. reminded: of which keys, each time. complains: what it then says."""

    def __init__(self):
        super().__init__()
        self.capabilities = Capabilities(read=False)
        self.reminded = []
        self.complains = ()
        self.broken = False

    def anything_stands(self):
        if self.broken:
            raise DeskUnreachable("its book cannot be read")
        return any(one.open for one in self.tickets)

    def standing(self):
        return [FoundTicket(one.ref, one.key, open=True) for one in self.tickets if one.open]

    def remind(self, keys):
        self._do("remind", lambda: self.reminded.append(sorted(keys)))
        return self.complains


@pytest.fixture
def forgetful(office):
    """Return an office at such a desk."""
    office.desk = ForgetfulDesk()
    return office


def test_the_keys_of_what_is_open_there_are_told(forgetful):
    """A case's own key at its home, its copy's at a copy; not what is elsewhere, and not what is closed."""
    forgetful.save(A, desks=("desk",))
    forgetful.save(B, desks=("elsewhere", "desk"))
    forgetful.save("c" * 64, desks=("elsewhere",))
    forgetful.save("d" * 64, desks=("desk",), state="closed")
    assert forgetful.batch(poll=True) == ["remind"]
    assert forgetful.desk.reminded == [sorted([A, copy_key(B, "desk")])]


def test_it_is_reminded_after_what_is_new_was_sent(forgetful):
    """So that a resolution of this batch is not told to stand."""
    forgetful.ask(A)
    assert forgetful.batch(poll=True) == ["find", "open", "remind"]
    assert forgetful.batch() == []


def test_what_stands_for_a_closed_case_is_ended_with_the_next_batch(forgetful):
    """A person closed the ticket: nobody asks for its end, and the desk would let it stand until it forgets it."""
    forgetful.save(A, desks=("desk",), state="closed", closed_at=forgetful.now)
    forgetful.save(B, desks=("desk",))
    for key in (A, B):
        forgetful.desk.add(key)
    assert forgetful.batch() == ["resolve"]
    assert [(one.key, one.open) for one in forgetful.desk.tickets] == [(A, False), (B, True)]
    assert forgetful.batch() == []


def test_what_nothing_is_known_of_stands(forgetful):
    """Records that are new, or a copy's key: what nobody has closed is not over."""
    forgetful.desk.add(A)
    forgetful.save(B, desks=("elsewhere", "desk"), state="closed", closed_at=forgetful.now)
    forgetful.desk.add(copy_key(B, "desk"))
    assert forgetful.batch() == []


def test_what_was_opened_after_its_case_closed_stands(forgetful):
    """It was given up on its way, and arrived all the same: the case hears of it in the next cycle, and follows it."""
    forgetful.save(A, desks=("desk",), state="closed", closed_at=forgetful.now)
    forgetful.ask(A)
    assert forgetful.batch(1) == ["find", "open"]


def test_nothing_is_ended_before_adopted_tickets_were_heard_of(forgetful):
    """A restored record may be older than what stands."""
    forgetful.save(A, desks=("desk",), state="closed", closed_at=forgetful.now)
    forgetful.desk.add(A)
    assert forgetful.batch(rebuild=True) == ["list_open h1"]


def test_whether_anything_stands_is_remembered(forgetful):
    """The dispatcher goes by it: the daemon itself builds no client."""
    assert not forgetful.health.standing
    forgetful.ask(A)
    forgetful.batch()
    assert forgetful.store.desk_health("desk").standing
    forgetful.desk.tickets[0].open = False
    forgetful.batch(poll=True)
    assert not forgetful.store.desk_health("desk").standing


def test_a_desk_that_cannot_be_reminded_rests_and_still_has_to_be(forgetful):
    """Three times in vain is as with any desk; nothing is forgotten over it."""
    forgetful.ask(A)
    forgetful.batch()
    forgetful.desk.fails["remind"] = [DeskUnreachable("refused")] * 3
    forgetful.batch(poll=True)
    health = forgetful.store.desk_health("desk")
    assert (health.reachable, health.standing) == (False, True)
    assert health.not_before > forgetful.now


def test_what_nobody_can_tell_is_taken_for_standing(forgetful):
    """Unknown is not over."""
    forgetful.desk.broken = True
    forgetful.batch()
    assert forgetful.health.standing


def test_a_part_that_was_not_told_is_in_the_log_and_on_the_status(forgetful, capsys):
    """The round is done all the same."""
    forgetful.desk.complains = ("https://two: refused",)
    forgetful.batch(poll=True)
    assert (forgetful.health.reachable, forgetful.health.detail) == (True, "https://two: refused")
    assert "https://two: refused" in capsys.readouterr().out
    forgetful.batch(poll=True)
    assert "refused" not in capsys.readouterr().out, "it is said once, not in each round"


def test_a_desk_that_remembers_is_asked_nothing(office):
    """As ever."""
    office.ask(A)
    office.batch(poll=True)
    assert office.health == DeskHealth(reachable=True, at=office.now, last_contact=office.now, all_seen=True)
    assert "remind" not in office.batch(MINUTE, poll=True)
