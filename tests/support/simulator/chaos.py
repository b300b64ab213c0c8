"""What can happen in a life, one function for each, and how often: `EVENTS`. What was only drawn for is not noted as a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.consent.gate import decide
from agent.consent.levels import Grant, Level, Revocation, Scope
from agent.consent.record import RecordUnavailable
from agent.following.model import Maintenance
from simulator.calm import retry_what_was_refused
from simulator.configurations import BOSS, CONFIGURATIONS, HOME, SECOND
from simulator.faults import DESK_MOODS, DISK_MOODS, Crash, Killed, Violation

if TYPE_CHECKING:
    from simulator.life import Life

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def falls_ill(life: Life) -> None:
    one = life.chance.choice(life.host.subjects)
    life.host.turn(one, "ill")
    life.note(f"{one.rule} {one.labels} is ill")


def recovers(life: Life) -> None:
    ill = [one for one in life.host.subjects if one.condition == "ill"]
    for one in life.chance.sample(ill, min(len(ill), 2)):
        life.host.turn(one, "well")
        one.flaps = False
        life.note(f"{one.rule} {one.labels} is well")


def many_fall_ill(life: Life) -> None:
    if life.faults.strikes("many fail at once"):
        for one in life.chance.sample(life.host.subjects, 7):
            life.host.turn(one, "ill")
        life.note("many are ill")


def comes_and_goes(life: Life) -> None:
    one = life.chance.choice(life.host.subjects)
    match life.chance.choice(["vanishes", "resized", "flaps"]):
        case "vanishes" if one.condition == "gone":
            life.host.turn(one, "well")
        case "vanishes" if life.faults.strikes("subject vanishes"):
            life.host.turn(one, "gone")
        case "resized" if life.faults.strikes("subject is resized"):
            one.size = life.chance.choice([5e10, 1e11, 2e12])
        case "flaps":
            one.flaps = not one.flaps
    life.note(f"{one.rule} {one.labels}: {one.condition}, flaps: {one.flaps}")


def collector_changes(life: Life) -> None:
    family = life.chance.choice(life.host.subjects).family
    life.host.collecting[family] = life.chance.choice(["well", "well", "hung", "fails", "partly"])
    life.note(f"collector {family}: {life.host.collecting[family]}")


def desk_changes(life: Life) -> None:
    desk = life.chance.choice([HOME, HOME, SECOND, BOSS])
    life.faults.desks[desk] = life.chance.choice(["well", "well", "lossy", *DESK_MOODS])
    life.note(f"desk {desk}: {life.faults.desks[desk]}")


def disk_changes(life: Life) -> None:
    life.faults.disk = life.chance.choice(["well", "well", *DISK_MOODS])
    life.note(f"disk: {life.faults.disk}")


def people_act(life: Life) -> None:
    for _ in range(life.chance.choice([1, 1, 2])):
        if what := life.people.at_the_desk(life.desks[life.chance.choice([HOME, HOME, SECOND])]):
            life.note(what)


def person_on_the_host(life: Life) -> None:
    if life.chance.random() < 0.3:
        retry_what_was_refused(life)
    elif what := life.people.on_the_host(life.office.store):
        life.note(what)


def dies_soon(life: Life) -> None:
    how = life.chance.choice([Crash, Crash, Killed])
    calls = life.chance.choice([1, 3, 10, 30, 80])
    life.faults.die_after(life.chance.randint(1, calls), how)
    life.note(f"{how.__name__} is to come within {calls} calls")


def restarts(life: Life) -> None:
    if life.faults.strikes("stopped and started, upgraded"):
        life.office.stop()
        life.clock.pass_(life.chance.choice([1.0, MINUTE]))
        life.start()


def is_off(life: Life) -> None:
    if life.faults.strikes("host off"):
        life.office.die()
        life.clock.pass_(life.chance.choice([HOUR, DAY, 4 * DAY]))
        life.start()


def reloads(life: Life) -> None:
    life.office.kind = life.chance.choice(list(CONFIGURATIONS))
    if life.faults.strikes("configuration reloaded"):
        life.office.stop()
        life.start()
        life.note(f"configuration: {life.office.kind}")


def records_are_lost(life: Life) -> None:
    kind = life.chance.choice(["records lost", "records damaged"])
    if not life.faults.strikes(kind, 0.4):
        return
    life.note(kind)
    life.office.die()
    life.witness.records_lost()
    life.maintained_until = 0.0  # that it was declared is lost as well
    file = life.office.folder / "agent.sqlite"
    if kind == "records lost":
        for path in life.office.folder.glob("agent.sqlite*"):
            path.unlink()
    else:
        for path in life.office.folder.glob("agent.sqlite-*"):
            path.unlink()
        file.write_bytes(b"\0" * 4096 + file.read_bytes()[4096:])
    life.start()


def consent_changes(life: Life) -> None:
    now, scope = life.clock.now(), Scope(customer="acme")
    level: Level = life.chance.choice(["none", "facts", "excerpt"])
    entry: Grant | Revocation
    until = now
    if level == "none":
        entry = Revocation(by="Jane", entered_by="root", at=now, scope=scope)
    else:
        until = now + life.chance.choice([HOUR, DAY, 30 * DAY])
        entry = Grant(
            by="Jane", entered_by="root", at=now, level=level, scope=scope, until=until, wording="1", way="command"
        )
    try:
        decide(life.office.folder, life.office.configuration, entry, now)
    except RecordUnavailable as error:
        raise Violation(f"the consent record cannot be written: {error}") from error
    life.witness.consents(level, until if level != "none" else float("inf"))
    life.note(f"consent: {level}")


def maintenance_changes(life: Life) -> None:
    now = life.clock.now()
    until = now + life.chance.choice([0.0, HOUR, 8 * HOUR])
    life.office.store.maintenance = Maintenance(since=now, until=until, by="root")
    life.maintained_until = until
    life.note(f"maintenance for {until - now:.0f} s")


def clock_moves(life: Life) -> None:
    # A bit more than whole hours: no clock that is set is at the very microsecond at which something was measured before.
    step = life.chance.choice([DAY, -DAY, 2 * HOUR, -2 * HOUR, HOUR, -HOUR, 3.0, -3.0]) + 0.0123
    if life.faults.strikes("clock moved"):
        if life.chance.random() < 0.3:  # while nobody can see it
            life.office.die()
            life.step_clock(step)
            life.start()
        else:
            life.step_clock(step)
        life.note(f"the clock is moved by {step:.0f} s")


def sleeps(life: Life) -> None:
    if life.faults.strikes("host suspended"):
        life.step_clock(life.chance.choice([HOUR, 12 * HOUR, 3 * DAY]))
        life.note("the host slept")


def nothing(_: Life) -> None:
    """Nothing happens."""


EVENTS: tuple[Callable[[Life], None], ...] = (
    *(falls_ill,) * 6,
    *(recovers,) * 5,
    many_fall_ill,
    *(comes_and_goes,) * 3,
    *(collector_changes,) * 3,
    *(desk_changes,) * 7,
    *(disk_changes,) * 3,
    *(people_act,) * 8,
    *(person_on_the_host,) * 2,
    *(dies_soon,) * 5,
    *(restarts,) * 2,
    is_off,
    *(reloads,) * 2,
    records_are_lost,
    *(consent_changes,) * 2,
    *(maintenance_changes,) * 2,
    *(clock_moves,) * 2,
    sleeps,
    *(nothing,) * 4,
)
