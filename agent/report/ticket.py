"""A health report on its way to a desk: a ticket of its own that is closed at once, with the file attached.

What is attached is what consent lets out when it is made; the courier asks again before it sends.
"""

from __future__ import annotations

from agent.configuration.config import Configuration
from agent.consent.levels import Level
from agent.delivery.outbox import Outbox
from agent.delivery.spool import FileConsent
from agent.following.cases import case_key
from agent.following.facts import case_facts, pack
from agent.following.model import HEALTH_REPORT, Case, Operation, OperationKind
from agent.store import Store
from agent.system.host import HostIdentity
from thresholds import Severity
from ticketing_clients import Attachment


def queue_ticket(
    page: bytes, name: str, store: Store, configuration: Configuration, host: HostIdentity, *, level: Level, now: float
) -> str:
    """Queue the report `page` of the period called `name`, made at `level`, for the configured desk; return its case's key.

    The same period is told once, however often this is called. Raises StoreUnavailable.
    """
    settings = configuration.settings
    subject = {"period": name}
    key = case_key(settings.customer.id, host.id, HEALTH_REPORT, subject)
    if store.case(key) is not None:
        return key
    desk = settings.report.desk
    case = Case(
        key=key,
        rule=HEALTH_REPORT,
        subject=subject,
        state="closed",
        severity=Severity.NOTICE,
        first_seen=now,
        last_seen=now,
        changed_at=now,
        closed_at=now,
        closed_by="rule",
        desks=(desk,),
    )
    facts = pack(case_facts(case, {}))
    outbox = Outbox(store)
    file = Attachment(name=f"health-{name}.html", media_type="text/html", content=page)
    needs = None if level == "none" else FileConsent(level=level, rule=HEALTH_REPORT, type=None, recipients=None)

    def _operation(kind: OperationKind, number: int) -> Operation:
        return Operation(
            id=f"{key[:16]}-{number}",
            case=key,
            kind=kind,
            topic=HEALTH_REPORT,
            desk=desk,
            facts=facts,
            created_at=now,
        )

    with store.transaction():
        store.save_case(case, ("reported",), now)
        outbox.queue(_operation("open", 1))
        outbox.attach(case, file, now, needs)
        outbox.queue(_operation("resolve", 2))
    return key
