"""Alertmanager asked, and told of a silence: what a webhook does not say. The first member that answers will do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from agent.configuration.secrets import Secrets
from agent.configuration.settings import RelayAlertmanagers
from agent.logs import get_logger
from agent.relay.group import Group, group_key
from agent.relay.notification import ListedGroup
from agent.relay.silences import Silence
from ticketing_clients import DeskError
from ticketing_clients._alertmanager import labels as on
from ticketing_clients._http import Http

MUTED_LASTS = 5.0  # seconds
TURN = 2.0  # seconds that a question waits for the one before it

T = TypeVar("T")

log = get_logger()


class NotKnown(Exception):
    """No member of the cluster said what was asked; the message says what each did instead. Unknown is never healthy."""


class _Made(msgspec.Struct, frozen=True):
    silenceID: str  # noqa: N815 - Alertmanager's own spelling


class Alertmanager:
    """A cluster, by the addresses of its members. Every call may raise NotKnown."""

    def __init__(self, settings: RelayAlertmanagers, secrets: Secrets) -> None:
        """Given where it is and how it is spoken to. Connects to nothing; raises ValueError for a wrong address."""
        self._settings = settings
        self._secrets = secrets
        self._one_question = threading.Lock()
        self._asking_muted = threading.Lock()
        self._muted: list[ListedGroup] | None = None
        self._muted_at = 0.0
        self._members()

    @property
    def configured(self) -> bool:
        """Whether there is one to ask."""
        return bool(self._settings.urls)

    def groups(self, matching: Mapping[str, str] | None = None) -> list[ListedGroup]:
        """Return the groups of alerts that fire, muted ones too: all, or those with alerts that carry these labels."""
        return self._ask(lambda member: self._listing(member, matching or {}))

    def _listing(self, member: Http, matching: Mapping[str, str]) -> list[ListedGroup]:
        filters = [f"{name}={_quoted(value)}" for name, value in matching.items()]
        return member.get("api/v2/alerts/groups", list[ListedGroup], params={"filter": filters})

    def group_of_case(self, case: str) -> ListedGroup | None:
        """Return the group, cut to this one member, in which the alert of a case of an agent's is; None when it does not fire."""
        return next(iter(self.groups({on.KEY: case})), None)

    def members_with(self, group: Group, customer: str) -> list[bool]:
        """Return for each member that answers whether anything of `group` fires there; they hear of ends one after the other.

        A listing goes through all alerts that an Alertmanager has, whatever is asked for: one question at a time, and who has
        waited for their turn in vain is to come again.
        """
        answers, failures = [], []
        if not self._one_question.acquire(timeout=TURN):
            raise NotKnown("Alertmanager is being asked already")
        try:
            for member in self._members():
                try:
                    listed = self._listing(member, group.labels)
                except DeskError as error:
                    failures.append(str(error))
                else:
                    answers.append(_holds(listed, group, customer))
        finally:
            self._one_question.release()
        if failures and not answers:
            raise NotKnown("; ".join(failures))
        return answers

    def mutes_any(self, group: Group, customer: str) -> bool:
        """Return whether anything of `group` fires that is muted, so that no webhook tells of it; as of the last seconds."""
        with self._asking_muted:  # many groups end together; one answer serves them all
            if self._muted is None or time.monotonic() - self._muted_at > MUTED_LASTS:
                only = {"active": "false", "silenced": "true", "inhibited": "true"}
                self._muted = self._ask(
                    lambda member: member.get("api/v2/alerts/groups", list[ListedGroup], params=only)
                )
                self._muted_at = time.monotonic()
            muted = self._muted
        return _holds(muted, group, customer)

    def silences(self, saying: str) -> list[Silence]:
        """Return the silences, over or not, whose comment holds `saying`."""
        found = self._ask(lambda member: member.get("api/v2/silences", list[Silence]))
        return [one for one in found if saying in one.comment]

    def silence(self, silence: Silence) -> str:
        """Make a silence and return its id."""
        made: _Made = self._ask(
            lambda member: member.change("POST", "api/v2/silences", _Made, json=msgspec.to_builtins(silence))
        )
        return made.silenceID

    def expire(self, number: str) -> None:
        """End a silence."""
        self._ask(lambda member: member.tell("DELETE", f"api/v2/silence/{number}"))

    def _ask(self, ask: Callable[[Http], T]) -> T:
        failures = []
        for member in self._members():
            try:
                return ask(member)
            except DeskError as error:
                failures.append(str(error))
        raise NotKnown("; ".join(failures) or "no Alertmanager is named in relay.alertmanager.urls")

    def _members(self) -> list[Http]:
        """Return the members, with the secret as it is now."""
        settings = self._settings
        secret = self._secrets.get(settings.secret) if settings.secret else ""
        return [
            Http(
                f"Alertmanager {url}",
                url,
                headers={"Authorization": f"Bearer {secret}"} if secret else {},
                secrets=(secret,),
                ca_file=settings.ca_file,
                connect=3,
                read=10,
                deadline=20,
                largest=settings.largest,
            )
            for url in settings.urls
        ]


def _holds(listed: list[ListedGroup], group: Group, customer: str) -> bool:
    """Return whether the group itself is among `listed` with any alert; a filter by labels may find others, too."""
    return any(one.alerts and group_key(customer, one.receiver.name, one.labels) == group.key for one in listed)


def _quoted(value: str) -> str:
    """Return `value` as a matcher has it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
