"""How long a desk is left in peace."""

from agent.delivery.desk_health import FIRST_BACK_OFF, LONGEST_BACK_OFF, back_off, failed
from agent.following.model import DeskHealth

NOW = 1_790_000_000.0
POLL = 900.0


def test_each_failure_makes_the_rest_longer():
    """From half a minute to an hour, never in step with other hosts."""
    health, rests = DeskHealth(last_contact=NOW), []
    for _ in range(12):
        health = failed(health, "not_authorised", "401", NOW, poll=POLL)
        rests.append(health.not_before - NOW)
    assert FIRST_BACK_OFF <= rests[0] <= 2 * FIRST_BACK_OFF
    assert LONGEST_BACK_OFF / 2 <= rests[-1] <= LONGEST_BACK_OFF
    assert (health.failures, health.last_contact) == (12, NOW)
    assert back_off(10_000) <= LONGEST_BACK_OFF


def test_the_desk_may_say_itself_how_long():
    """But never that it need not be left in peace at all."""
    assert failed(DeskHealth(), "throttled", "429", NOW, wait=90, poll=POLL).not_before == NOW + 90
    assert failed(DeskHealth(), "throttled", "429", NOW, wait=0, poll=POLL).not_before == NOW + 1


def test_a_desk_that_forgets_is_asked_each_round_while_something_stands_there():
    """Rested any longer, what stands would expire, and look as if it were over."""
    health = DeskHealth(standing=True)
    for _ in range(12):
        health = failed(health, "unreachable", "refused", NOW, poll=POLL)
    assert health.not_before - NOW <= POLL
    assert health.standing
