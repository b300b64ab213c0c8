"""When the desk's first answer and the fix are due, by the service level of a priority and the customer's tier. Pure.

Planned by the courier, which knows the holidays; what the desk was told goes back to the case as a Promise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from agent.calendar.service_hours import ServiceHours, never_closed
from agent.configuration.settings import CustomerSettings, ServiceLevels
from agent.following.model import Promise
from ticketing_clients import Priority


class Dues(msgspec.Struct, frozen=True, kw_only=True):
    """When answer and fix are due, in unix seconds."""

    answer: float
    fix: float


class ServicePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The service levels of one customer, on their calendar. closed: whether a day of the zone's is a public holiday."""

    levels: ServiceLevels
    customer: CustomerSettings
    zone: ZoneInfo
    closed: Callable[[date], bool] = never_closed

    def dues(
        self,
        priority: Priority,
        now: float,
        *,
        deadline: float | None = None,
        not_before: float | None = None,
        earlier: Promise | None = None,
    ) -> Dues:
        """Return what is due by the level of `priority` from `now` on (unix seconds).

        deadline: the fix has to be there by then to prevent anything. not_before: the end of the first time that we propose
        for it. earlier: what was promised already, of which nothing is put off.
        """
        level = self.levels.of(priority, self.customer.tier)
        hours = self._hours(priority)
        answer, fix = hours.after(now, level.first_response), hours.after(now, level.fix)
        if not_before is not None:
            fix = max(fix, not_before)
        if deadline is not None:
            fix = max(min(fix, deadline), now)
        if earlier is not None:
            answer, fix = min(answer, earlier.answer_due), min(fix, earlier.fix_due)
        return Dues(answer=min(answer, max(fix, now)), fix=fix)

    def promise(self, priority: Priority, now: float, dues: Dues) -> Promise:
        """Return the promise that a ticket of `priority` makes from `now` on, with when to warn that it may be broken."""
        level, hours = self.levels.of(priority, self.customer.tier), self._hours(priority)
        rest = 1 - self.levels.warn_after
        return Promise(
            priority=priority,
            since=now,
            answer_due=dues.answer,
            answer_warning=max(hours.before(dues.answer, rest * level.first_response), now),
            fix_due=dues.fix,
            fix_warning=max(hours.before(dues.fix, rest * level.fix), now),
        )

    def _hours(self, priority: Priority) -> ServiceHours:
        return ServiceHours(weekly=self.levels.hours_of(priority), zone=self.zone, closed=self.closed)
