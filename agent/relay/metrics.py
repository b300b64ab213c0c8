"""What the relay counts of itself, for Prometheus: `foretell_relay_*`, every label from a closed set."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from agent.version import VERSION

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)


class RelayMetrics:
    """One process's numbers; they begin anew with it, as counters may."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry()
        registry = self.registry
        Gauge("foretell_relay_build_info", "The relay's version; always 1.", ["version"], registry=registry).labels(
            VERSION
        ).set(1)
        self.notifications = Counter(
            "foretell_relay_notifications",
            "Notifications of Alertmanager's, by what was answered: done, not_understood, or why it is to be sent again.",
            ["outcome"],
            registry=registry,
        )
        self.alerts = Counter(
            "foretell_relay_alerts", "Alerts in notifications that were carried out.", registry=registry
        )
        self.deeds = Counter("foretell_relay_deeds", "What was done about groups.", ["deed"], registry=registry)
        self.duplicates = Counter(
            "foretell_relay_duplicates_closed",
            "Second tickets of one group that were closed; by each replica that found them open.",
            registry=registry,
        )
        self.seconds = Histogram(
            "foretell_relay_notification_seconds",
            "How long a notification took, the desk included.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.reads = Counter(
            "foretell_relay_case_reads", "Questions of agents about their tickets.", ["outcome"], registry=registry
        )
        self.files = Counter(
            "foretell_relay_files", "Files of agents for their tickets.", ["outcome"], registry=registry
        )
        self.looks = Counter(
            "foretell_relay_looks", "Looks at the desk and at Alertmanager.", ["outcome"], registry=registry
        )
        self.silences = Counter("foretell_relay_silences", "Silences made for accepted windows.", registry=registry)
        self.reachable = Gauge(
            "foretell_relay_desk_reachable", "Whether the desk served us when last asked.", registry=registry
        )
        self.contact = Gauge(
            "foretell_relay_desk_last_contact_timestamp_seconds", "When the desk last served us.", registry=registry
        )

    def text(self) -> tuple[str, bytes]:
        """Return content type and text of the page."""
        return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self.registry)
