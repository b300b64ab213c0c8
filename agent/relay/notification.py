"""What Alertmanager says of a group of alerts: the body of its webhook (version 4), and its own listing of groups. Data only."""

from __future__ import annotations

from datetime import MAXYEAR
from typing import Literal

import msgspec

from ticketing_clients._alertmanager.labels import Alert


class NotifiedAlert(Alert, frozen=True, kw_only=True, rename="camel"):
    """One alert. `ends_at` counts only once it is resolved: Alertmanager writes the year 1, or when it would expire, before."""

    status: Literal["firing", "resolved"]
    fingerprint: str


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a webhook. What it does not need here is left out; `truncated_alerts` are those beyond `max_alerts`."""

    version: str
    group_key: str
    receiver: str
    status: Literal["firing", "resolved"]
    group_labels: dict[str, str]
    alerts: tuple[NotifiedAlert, ...]
    truncated_alerts: int = 0


class NotUnderstood(ValueError):
    """A body that is no notification of a version that we know; the message says what is wrong and holds none of it."""


def parse(body: bytes) -> Notification:
    """Return the notification in `body`. Raises NotUnderstood."""
    try:
        notification = msgspec.json.decode(body, type=Notification)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(f"this is no notification of Alertmanager's: {error}") from error
    if notification.version != "4":
        raise NotUnderstood(
            "this is a webhook of another version than 4, which every Alertmanager since 0.11 sends by itself"
        )
    if any(one.starts_at.year >= MAXYEAR for one in notification.alerts):
        raise NotUnderstood("an alert begins at the end of all calendars")  # which some zones have left already
    if not notification.alerts:
        raise NotUnderstood("a notification without alerts says nothing")
    alerts = tuple(one for one in notification.alerts if not one.is_life)
    if not alerts:
        raise NotUnderstood(
            "that agents live is no ticket; route ForetellAlive to somebody else, as deploy/prometheus/alertmanager.yml does"
        )
    return msgspec.structs.replace(notification, alerts=alerts)


class AlertStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Whether an alert is muted, and by which silences."""

    state: str
    silenced_by: tuple[str, ...] = ()


class ListedAlert(Alert, frozen=True, kw_only=True, rename="camel"):
    """An alert as `/api/v2/alerts/groups` lists it: only those that have not been resolved, silenced ones too."""

    fingerprint: str
    status: AlertStatus


class Receiver(msgspec.Struct, frozen=True):
    """A receiver, by its name in Alertmanager's configuration."""

    name: str


class ListedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group as `/api/v2/alerts/groups` lists it."""

    labels: dict[str, str]
    receiver: Receiver
    alerts: tuple[ListedAlert, ...]
