"""The simulator finds what it is for: the agent is broken in one place at a time, and some life tells of it."""

from __future__ import annotations

import contextlib

import msgspec
import pytest

from agent.configuration.config import Configuration
from agent.delivery import outbox
from agent.delivery.looking import Looker
from agent.delivery.outbox import Outbox
from agent.delivery.sending import Sender
from agent.following import findings
from agent.store import Store
from simulator.life import live
from thresholds import Finding, Judge, Severity

pytestmark = pytest.mark.faults
# So many lives are enough to meet each of these; the first that breaks a promise ends the search.
LIVES = range(500_001, 500_401)


def open_without_asking(patch):
    """A ticket is made without looking for one that is there."""
    patch.setattr("agent.delivery.sending.tickets_of", lambda *_: [])


def repeat_what_is_unknown(patch):
    """A comment whose outcome is unknown is said again without asking for it."""
    carry_out = Sender.carry_out
    patch.setattr(
        Sender, "carry_out", lambda self, queued, payload, **_: carry_out(self, queued, payload, unknown=False)
    )


def journal_nothing(patch):
    """The request goes out before its intent is on the disk."""
    patch.setattr(Outbox, "sending", lambda *_, **__: True)


def skip_consent(patch):
    """A file that was queued leaves, whatever people allow by now."""
    patch.setattr("agent.delivery.sending.at_least", lambda *_: True)


def let_priorities_fall(patch):
    """The ticket follows the finding down as well."""
    patch.setattr(findings.priorities, "worse", lambda a, b: a != b)


def write_case_and_operations_apart(patch):
    """A crash between the two leaves a case of which nobody is told."""
    patch.setattr(Store, "transaction", lambda _: contextlib.nullcontext())


def believe_at_once(patch):
    """The first healthy reading is a recovery."""
    patch.setattr(findings, "verified_since", lambda *_: float("-inf"))


def open_during_maintenance(patch):
    """What somebody declared on the host is not heeded."""
    situation = Configuration.situation
    patch.setattr(
        Configuration,
        "situation",
        lambda *given, **named: msgspec.structs.replace(situation(*given, **named), maintenance=False),
    )


def take_unknown_for_healthy(patch):
    """What could not be checked is well."""
    judge = Judge.judge

    def judged(*given):
        found, unjudged = judge(*given)
        well = [Finding(one.rule, one.subject, Severity.HEALTHY, one.at) for one in unjudged]
        return [*found, *well], unjudged

    patch.setattr(Judge, "judge", judged)


def rebuild_nothing(patch):
    """Whoever lost the records does not ask what the desk has open."""
    patch.setattr(Looker, "rebuild", lambda self, *_: self.store.rebuilt(self.desk))


def turn_the_order_round(patch):
    """The last operation of a case goes first."""
    patch.setattr(outbox, "_DUE", outbox._DUE.replace("min(position)", "max(position)"))


def drop_what_failed(patch):
    """What the desk did not take is given up instead of tried again."""
    retry = Outbox.retry

    def given_up(self, operation, *given):
        retry(self, operation, *given)
        self.drop(operation)

    patch.setattr(Outbox, "retry", given_up)


@pytest.mark.parametrize(
    ("broken", "noticed"),
    [
        (open_without_asking, "second ticket"),
        (repeat_what_is_unknown, "second time"),
        (journal_nothing, "without a journalled intent"),
        (skip_consent, "nobody allows it"),
        (let_priorities_fall, "is lowered"),
        (write_case_and_operations_apart, "nobody was told"),
        (believe_at_once, "has to be well for"),
        (open_during_maintenance, "during maintenance"),
        (take_unknown_for_healthy, "not measured"),
        (rebuild_nothing, "stuck"),
        (turn_the_order_round, ""),
        (drop_what_failed, "nobody was told"),
    ],
)
def test_what_is_broken_on_purpose_is_noticed(monkeypatch, broken, noticed):
    """Within a few lives, and for what it is."""
    broken(monkeypatch)
    violations = []
    for seed in LIVES:
        violation = live(seed).violation
        if violation:
            violations.append(violation)
            if noticed in violation:
                return
    pytest.fail(f"nothing was noticed but {violations[:3]}")
