"""The members of an Alertmanager cluster: each is told everything, as Alertmanager wants it; one that knows is enough.

Telling an alert again changes nothing, so an answer that was lost only means that it is told once more. Times are told by each
member's own clock, which it shows with every answer: with a host's wrong clock an alert would be over before it came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ticketing_clients._alertmanager import labels as on
from ticketing_clients._alertmanager.book import Entry
from ticketing_clients._errors import DeskError, DeskUnreachable, NothingSent, OutcomeUnknown, Rejected

if TYPE_CHECKING:  # requests is heavy, and the daemon only reads the options
    from ticketing_clients._http import Http

SAME_TIME = 60.0  # seconds by which two clocks may differ without being corrected for
AT_ONCE = 200  # alerts in one request

Answer = TypeVar("Answer")


class Peers(msgspec.Struct, frozen=True):
    """What a member says of its cluster."""

    status: str
    peers: list[dict[str, str]] = []


class Version(msgspec.Struct, frozen=True):
    """What a member is."""

    version: str


class MemberStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a member says of itself."""

    cluster: Peers
    version_info: Version


class Cluster:
    """All members by their addresses. now: our time, unix seconds. lasts: seconds for which an alert stands when told once."""

    def __init__(self, members: Mapping[str, Http], now: float, lasts: float) -> None:
        """Connect to nothing yet."""
        self.members = members
        self._now, self._began = now, time.monotonic()
        self._lasts = lasts
        self._ahead: dict[str, float] = {}
        self._away: dict[str, DeskError] = {}

    @property
    def now(self) -> float:
        """Our time, unix seconds."""
        return self._now + time.monotonic() - self._began

    def tell(self, entries: Mapping[str, Iterable[Entry]]) -> tuple[set[str], list[DeskError]]:
        """Tell each member, by its address, its entries; return who took them, and why others did not.

        Raises DeskError when none did, unless there was nothing to tell.
        """

        def send(address: str, http: Http) -> None:
            due = [self._alert(address, one) for one in entries.get(address, ())]
            for first in range(0, len(due), AT_ONCE):
                body = msgspec.json.encode(due[first : first + AT_ONCE])
                http.tell("POST", "api/v2/alerts", data=body, headers={"Content-Type": "application/json"})

        done, errors = self._each(send)
        return set(done), errors

    def look(self, label: str, text: str) -> list[on.Alert]:
        """Return our alerts that stand with this label, as far as any member that answers knows: each key's newest last.

        Raises DeskError when no member answers.
        """
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

        def ask(_: str, http: Http) -> list[on.Alert]:
            return http.get("api/v2/alerts", list[on.Alert], params={"filter": f'{label}="{quoted}"'})

        answers, _ = self._each(ask)
        found = {
            tuple(sorted(one.labels.items())): one
            for answer in answers.values()
            for one in answer
            if one.key and one.labels.get(label) == text  # compared, not assumed
        }
        return sorted(found.values(), key=lambda one: (one.key, *_age(one)))

    def statuses(self) -> dict[str, MemberStatus | DeskError]:
        """Return what each member says of itself, by its address, or why it does not."""
        found: dict[str, MemberStatus | DeskError] = {}
        for address, http in self.members.items():
            try:
                found[address] = http.get("api/v2/status", MemberStatus)
            except DeskError as error:
                found[address] = error
        return found

    def _each(self, ask: Callable[[str, Http], Answer]) -> tuple[dict[str, Answer], list[DeskError]]:
        """Ask every member, but those that were away a moment ago if there are others. Raises DeskError when none answers."""
        answers: dict[str, Answer] = {}
        errors: list[DeskError] = []
        for address, http in self.members.items():
            if address in self._away and len(self._away) < len(self.members):
                errors.append(self._away[address])
                continue
            try:
                self._read_clock(address, http)
                answers[address] = ask(address, http)
                self._away.pop(address, None)
            except DeskError as error:
                errors.append(error)
                if not isinstance(error, Rejected):
                    self._away[address] = error
        if not answers:
            raise _worst(errors)
        return answers, errors

    def _read_clock(self, address: str, http: Http) -> None:
        """Learn by how much the member's clock is ahead of ours, before it is told a time."""
        if address in self._ahead:
            return
        try:
            http.get("api/v2/status", MemberStatus)
        except Rejected as error:  # no alert was refused: there is nobody who takes any
            raise DeskUnreachable(f"{error}; is this the address of an Alertmanager?") from error
        ahead = http.date.timestamp() - self.now if http.date else 0.0
        self._ahead[address] = ahead if abs(ahead) > SAME_TIME else 0.0

    def _alert(self, address: str, entry: Entry) -> on.Alert:
        ends = self.now + self._lasts if entry.ended is None else entry.ended
        began = min(entry.began, ends)
        times = [datetime.fromtimestamp(at + self._ahead[address], UTC) for at in (began, ends)]
        return on.Alert(labels=entry.labels, annotations=entry.annotations, starts_at=times[0], ends_at=times[1])


def _age(alert: on.Alert) -> tuple[int, datetime]:
    """Return by what of two alerts of one key the newer comes later: the more urgent is the newer."""
    priority = alert.labels.get(on.PRIORITY)
    rank = next((at for at, one in enumerate(reversed(on.PRIORITIES)) if one == priority), -1)
    return rank, alert.ends_at


def _worst(errors: list[DeskError]) -> DeskError:
    """Return what to say when no member did it: that it may be done, if it may; else that it can be done later, if it can."""
    for kind in (OutcomeUnknown, NothingSent):
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[0]
