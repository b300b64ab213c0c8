"""The relay put together, from a configuration to what answers requests and looks every few minutes. It has no store."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from wsgiref.types import WSGIApplication
from zoneinfo import ZoneInfo

from agent.configuration.config import Configuration, load
from agent.configuration.decode import ConfigError, ConfigErrors
from agent.configuration.secrets import Secrets
from agent.courier import build_client
from agent.logs import get_logger
from agent.relay.access import Access
from agent.relay.alertmanager import Alertmanager, NotKnown
from agent.relay.app import make_app
from agent.relay.cases import Cases, CaseState
from agent.relay.group import Group, group_of
from agent.relay.looking import Looker
from agent.relay.metrics import RelayMetrics
from agent.relay.notification import Notification
from agent.relay.server import RelayServer
from agent.relay.tickets import Done, GroupTickets
from agent.system.host import HostIdentity
from agent.web.server import ListenError
from agent.wording.context import RenderContext
from agent.wording.fleet import FleetWording
from ticketing_clients import Attachment, DeskError, Rejected, TicketingClient

CLIENT_LASTS = 60.0  # seconds
NO_FOLDER = Path("/nonexistent")  # a relay has no folder, and no client that is good for one needs it
JITTER = 0.2  # of the time between two looks, so that replicas do not look at the same moment

T = TypeVar("T")

log = get_logger()


class _Parts:
    """What is made of one configuration. Connects to nothing. Raises ConfigErrors."""

    def __init__(self, configuration: Configuration, metrics: RelayMetrics, now: Callable[[], float]) -> None:
        """Given the configuration (with its desks), the relay's numbers, and the time."""
        settings = configuration.settings
        relay = settings.relay
        _check(configuration)
        secrets = Secrets(settings.secrets)
        self.settings = relay
        self.access = Access(relay.clients, secrets)
        self.customer = settings.customer.id
        self.alertmanager = Alertmanager(relay.alertmanager, secrets)

        clients = _Clients(lambda: build_client(configuration, _desk(configuration), NO_FOLDER, now()), time.monotonic)
        context = RenderContext(
            settings=settings,
            host=HostIdentity(id=relay.id, name=relay.id, os=""),
            zone=ZoneInfo(configuration.zone),
            now=now(),
        )
        said = FleetWording(context, relay.id, tuple(relay.cause_labels))
        self.tickets = GroupTickets(clients.get, said, settings.cases, now)
        self.cases = Cases(self.tickets, self.alertmanager, self.customer, time.monotonic)
        self.looker = Looker(
            self.tickets,
            self.alertmanager,
            self.cases,
            metrics,
            marker=relay.id,
            customer=self.customer,
        )


class Relay:
    """One replica. `serve` answers until `stop`; that and `read_anew` are called from other threads."""

    def __init__(self, configuration: Configuration, now: Callable[[], float] = time.time) -> None:
        """Given the configuration (with its desks) and the time. Connects to nothing but its own address.

        Raises ConfigErrors, and ListenError when the address or the certificate cannot be used.
        """
        self._now = now
        self.metrics = RelayMetrics()
        self._source = configuration.source
        self._parts = _Parts(configuration, self.metrics, now)
        self._trouble = ""
        self._stopping = threading.Event()
        self._server = RelayServer(self._parts.settings, self._app(self._parts))

    @property
    def address(self) -> str:
        """Where it listens, as HOST:PORT."""
        return self._server.address

    def serve(self) -> None:
        """Answer requests, and look every few minutes, until it is stopped; what is under way then is finished."""
        looking = threading.Thread(target=self._look_on, name="looking", daemon=True)
        looking.start()
        try:
            self._server.serve()
        finally:
            self._stopping.set()
            looking.join(1)

    def stop(self) -> None:
        """Take no more requests; `serve` returns when those under way are done, or have had their time."""
        self._stopping.set()
        self._server.stop()

    def read_anew(self) -> None:
        """Go on with the configuration as its file is now; while that cannot be used, with the old one."""
        try:
            parts = _Parts(load(self._source, parts={"desks"}), self.metrics, self._now)
            self._server.take(parts.settings, self._app(parts))
        except (ConfigErrors, ListenError) as error:
            log.error("the configuration is wrong, the old one stays in force", detail=str(error))  # noqa: TRY400 - no fault of ours
            return
        except Exception:
            log.exception("the configuration was not read anew, the old one stays in force")
            return
        self._parts = parts
        log.info("going on with the configuration as it is now", file=str(self._source or "built-in defaults"))

    def _app(self, parts: _Parts) -> WSGIApplication:
        settings = parts.settings
        return make_app(
            self,
            parts.access,
            self.metrics,
            largest_body=settings.largest_body,
            largest_file=settings.largest_file,
        )

    # -- what the application has done ----------------------------------------------------------------------------------

    def carry_out(self, notification: Notification) -> tuple[Group, Done]:
        """Have the desk show the group of a notification as it is now. Raises DeskError, NotKnown, LookupError, ValueError."""
        parts = self._parts
        group = group_of(notification, parts.customer)
        parts.cases.note(group)
        return group, self._asked(lambda: parts.tickets.carry_out(group, self))

    def state_of(self, case: str) -> CaseState | None:
        """Return how the ticket of a case is. Raises DeskError, NotKnown, LookupError, ValueError."""
        return self._asked(lambda: self._parts.cases.state_of(case))

    def attach(self, case: str, file: Attachment) -> bool:
        """Pass a file on. Raises DeskError, NotKnown, LookupError, ValueError."""
        parts = self._parts

        def pass_on() -> bool:
            ref = parts.cases.ticket_of(case)
            if ref is not None:
                parts.tickets.desk().attach_once(ref, file)
            return ref is not None

        return self._asked(pass_on)

    def trouble(self) -> str:
        """Return why the desk does not serve us, empty while it does."""
        return self._trouble

    def look(self) -> None:
        """Take one look now; what it could not do is for the next one."""
        try:
            self._asked(self._parts.looker.look)
        except (DeskError, NotKnown, LookupError, ValueError) as error:
            log.warning("the look was cut short", detail=str(error))
            self.metrics.looks.labels("cut_short").inc()
        except Exception:
            log.exception("the look failed")
            self.metrics.looks.labels("failed").inc()
        else:
            self.metrics.looks.labels("done").inc()

    def mutes_any(self, group: Group) -> bool:
        """Return whether Alertmanager mutes anything of `group` that fires; False where it cannot be asked. Raises NotKnown."""
        parts = self._parts
        return parts.alertmanager.configured and parts.alertmanager.mutes_any(group, parts.customer)

    def members_with(self, group: Group) -> list[bool]:
        """Return for each member of the cluster that answers whether anything of `group` fires there. Raises NotKnown."""
        return self._parts.alertmanager.members_with(group, self._parts.customer)

    def _look_on(self) -> None:
        """Look for the first time soon, so that `/readyz` knows the desk."""
        wait = 1.0
        while not self._stopping.wait(wait):
            self.look()
            wait = self._parts.settings.look * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret

    def _asked(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, and note whether the desk serves us. A refusal of one ticket is an answer."""
        try:
            answer = ask()
        except Rejected:
            self._serves("")
            raise
        except (DeskError, LookupError, ValueError) as error:
            self._serves(str(error))
            raise
        self._serves("")
        return answer

    def _serves(self, trouble: str) -> None:
        self._trouble = trouble
        self.metrics.reachable.set(not trouble)
        if not trouble:
            self.metrics.contact.set(self._now())


class _Clients:
    """A client of the desk for each thread, made anew every minute: it uses what it learned, and no old secret."""

    def __init__(self, make: Callable[[], TicketingClient], monotonic: Callable[[], float]) -> None:
        self._make, self._monotonic = make, monotonic
        self._own = threading.local()

    def get(self) -> TicketingClient:
        """Return this thread's client. Raises LookupError, ValueError."""
        made_at, client = getattr(self._own, "made", (0.0, None))
        if client is None or self._monotonic() - made_at > CLIENT_LASTS:
            client = self._make()
            self._own.made = (self._monotonic(), client)
        kept: TicketingClient = client
        return kept


def _desk(configuration: Configuration) -> str:
    return configuration.settings.relay.desk or configuration.settings.delivery.desk


def _check(configuration: Configuration) -> None:
    """Refuse what would never work, or would let anybody in. Raises ConfigErrors with all of it."""
    settings = configuration.settings
    file = configuration.file.path if configuration.file else "built-in defaults"
    wrong = []
    if not settings.relay.clients.alertmanager_secret and not settings.relay.clients.ca_file:
        wrong.append(
            ConfigError(
                file,
                "relay.clients",
                "lets nobody in: it names neither a secret nor an authority",
                "set alertmanager_secret to the name of a secret, and name its file in [secrets]",
            )
        )
    if settings.relay.clients.ca_file and not settings.relay.certificate_file:
        wrong.append(
            ConfigError(
                file, "relay.certificate_file", "is missing", "certificates of clients need TLS: name the relay's own"
            )
        )
    name = _desk(configuration)
    plugin, _ = configuration.desks[name]
    if plugin.name == "local":
        wrong.append(
            ConfigError(file, "relay.desk", "is the embedded desk, which is a file of one host", "name a service desk")
        )
    try:
        Alertmanager(settings.relay.alertmanager, Secrets(settings.secrets))
    except ValueError as error:
        wrong.append(ConfigError(file, "relay.alertmanager", str(error), "correct it"))
    except LookupError as error:
        wrong.append(ConfigError(file, "relay.alertmanager.secret", str(error), "name its file in [secrets]"))
    if wrong:
        raise ConfigErrors(wrong)
