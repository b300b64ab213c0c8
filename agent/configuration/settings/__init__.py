"""The configuration's shape: every section, key, default and its meaning. `agent.configuration.config` reads a file into it.

The sample configuration and the reference page are made from the descriptions here.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from agent.configuration.settings._calendar import (
    AgreedWindow,
    DeskHours,
    Freeze,
    PublicHolidays,
    RuledWindow,
    ServiceLevel,
    ServiceLevels,
    ServiceLevelsOfTier,
    WeeklyWindow,
    WindowSettings,
)
from agent.configuration.settings._cases import ByUrgency, CaseSettings, PrioritySettings
from agent.configuration.settings._delivery import (
    BundleSettings,
    DeliverySettings,
    ReportSettings,
    Route,
    RouteMatch,
    WordingSettings,
)
from agent.configuration.settings._host import (
    AgentSettings,
    CatalogueSettings,
    CustomerSettings,
    HeartbeatSettings,
    HistorySettings,
    HostSettings,
)
from agent.configuration.settings._relay import RelayAlertmanagers, RelayClients, RelaySettings
from agent.configuration.settings._section import DAY, HOUR, MINUTE, Criticality, Maturity, Schedule, Section, Tier


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration. `collectors`, `rules` and `desks` are decoded further by the plugins they name."""

    host: HostSettings = HostSettings()
    customer: CustomerSettings = CustomerSettings()
    agent: AgentSettings = AgentSettings()
    cases: CaseSettings = CaseSettings()
    priorities: PrioritySettings = PrioritySettings()
    windows: WindowSettings = WindowSettings()
    service_levels: ServiceLevels = ServiceLevels()
    delivery: DeliverySettings = DeliverySettings()
    wording: WordingSettings = WordingSettings()
    history: HistorySettings = HistorySettings()
    bundle: BundleSettings = BundleSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    relay: RelaySettings = RelaySettings()
    report: ReportSettings = ReportSettings()
    secrets: Annotated[
        dict[str, str],
        msgspec.Meta(
            description="Name of a secret to the file that holds it; credentials of the service manager come first."
        ),
    ] = msgspec.field(default_factory=dict)
    collectors: Annotated[dict[str, dict[str, Any]], msgspec.Meta(description="Options by collector name.")] = (
        msgspec.field(default_factory=dict)
    )
    rules: Annotated[
        dict[str, dict[str, Any]], msgspec.Meta(description="Changes to shipped rules by id, or whole new rules.")
    ] = msgspec.field(default_factory=dict)
    desks: Annotated[
        dict[str, dict[str, Any]],
        msgspec.Meta(description='Desks by a name of your choice; one `like = "NAME"` takes over the other\'s keys.'),
    ] = msgspec.field(default_factory=lambda: {"local": {"client": "local"}})


__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "AgreedWindow",
    "ByUrgency",
    "CaseSettings",
    "CatalogueSettings",
    "Criticality",
    "CustomerSettings",
    "DeliverySettings",
    "DeskHours",
    "Freeze",
    "HeartbeatSettings",
    "HistorySettings",
    "HostSettings",
    "Maturity",
    "PrioritySettings",
    "PublicHolidays",
    "RelayAlertmanagers",
    "RelayClients",
    "RelaySettings",
    "Route",
    "RouteMatch",
    "RuledWindow",
    "Schedule",
    "Section",
    "ServiceLevel",
    "ServiceLevels",
    "ServiceLevelsOfTier",
    "Settings",
    "Tier",
    "WeeklyWindow",
    "WindowSettings",
    "WordingSettings",
]
