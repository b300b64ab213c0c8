"""Reads the configuration file into a Configuration: the settings, and the collectors, rules and desks they name.

Every mistake of every part is found before any is reported. Nothing is connected to and no secret is opened here; that is
`foretell doctor`'s business.
"""

from __future__ import annotations

import os
import struct
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import available_timezones

import msgspec

import thresholds
from agent.collecting import ConfiguredCollector, HostAccess
from agent.configuration.address import split_address
from agent.configuration.decode import ConfigError, ConfigErrors, decode, join, nearest
from agent.configuration.plugins import COLLECTORS, THRESHOLDS, TICKETING_CLIENTS, PluginError
from agent.configuration.secrets import Secrets
from agent.configuration.settings import Route, Settings
from agent.following.cases import Situation
from agent.following.follow import GATHERINGS
from agent.system.folder import DEFAULT_STATE_DIR
from agent.system.host import host_zone, is_zone
from agent.wording.languages import LanguageNotKnown, catalogue, find_language, languages
from agent.wording.remedies import check_remedies
from collectors import CollectorContext
from thresholds import Rule, Threshold, allows
from ticketing_clients import ClientOptions, ClientPlugin

DEFAULT_PATH = Path("/etc/foretell/foretell.toml")
Part = Literal["collectors", "rules", "desks"]
EVERYTHING: frozenset[Part] = frozenset({"collectors", "rules", "desks"})

T = TypeVar("T")


class ConfigFile(msgspec.Struct, frozen=True):
    """A configuration file as it was read; `path` is absolute.

    Children are handed this, not the path alone: somebody may be in the middle of changing the file.
    """

    path: str
    text: str


class Configuration(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the agent does, checked.

    file: what it was read from; None for the built-in defaults. zone: IANA name of the customer's time zone.
    collectors: those that run, by name. rules: those that are judged, by id. desks: by their configured name.
    notes: what is allowed but will hardly be meant, in plain words, for `foretell doctor` and the log.
    A part that was not asked for is empty.
    """

    settings: Settings
    file: ConfigFile | None
    zone: str
    collectors: tuple[ConfiguredCollector, ...] = ()
    rules: tuple[tuple[Rule, Threshold[Any]], ...] = ()
    desks: dict[str, tuple[ClientPlugin, ClientOptions]] = {}
    notes: tuple[str, ...] = ()

    def situation(
        self,
        now: float,
        host_id: str,
        *,
        first_look_ends: float,
        maintenance: bool = False,
        unseen: tuple[str, ...] = (),
        mark: str = "",
    ) -> Situation:
        """Return what a cycle at `now` (unix seconds) of this host is followed in."""
        return Situation(
            now=now,
            host_id=host_id,
            rules=self.rules_by_id,
            host=self.settings.host,
            customer=self.settings.customer,
            policy=self.settings.cases,
            priorities=self.settings.priorities,
            service_levels=self.settings.service_levels,
            delivery=self.settings.delivery,
            budgets=self.budgets,
            first_look_ends=first_look_ends,
            maintenance=maintenance,
            unseen=unseen,
            mark=mark,
        )

    @property
    def source(self) -> Path | None:
        """Absolute path of the file; None for the built-in defaults."""
        return Path(self.file.path) if self.file else None

    @cached_property
    def budgets(self) -> dict[str, int]:
        """By desk, how many tickets of their own it takes within the storm window, where that is limited."""
        return {name: most for name, (_, options) in self.desks.items() if (most := options.new_tickets) is not None}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each reading that is known by name."""
        declared = (reading for one in self.collectors for reading in one.readings)
        return {reading.name: reading.unit for reading in declared if not set("*?[") & set(reading.name)}

    @cached_property
    def rules_by_id(self) -> dict[str, Rule]:
        """The rules that are judged, by id."""
        return {rule.id: rule for rule, _ in self.rules}


def load(
    origin: Path | ConfigFile | None = None,
    *,
    parts: Collection[Part] = EVERYTHING,
    context: CollectorContext | None = None,
    state: Path = DEFAULT_STATE_DIR,
    environ: Mapping[str, str] = os.environ,
) -> Configuration:
    """Return the configuration in `origin`, or in FORETELL_CONFIG, or in the default file if there is one, or the defaults.

    parts: what to decode beyond the settings; only its plugins are imported, so that the daemon has no HTTP client in memory
    and the courier no collectors. context: what the collectors are handed; by default this host, with what is kept for them in
    the folder `state`. Raises ConfigErrors with everything that is wrong.
    """
    file = origin if isinstance(origin, ConfigFile) else _read(origin, environ)
    data = _parse(file) if file else {}
    reader = _Reader(file.path if file else "built-in defaults")
    settings = reader.settings(data)
    context = context or HostAccess(root=Path(settings.host.root), secrets=Secrets(settings.secrets), state=state)
    collectors = tuple(reader.collectors(settings, context)) if "collectors" in parts else ()
    rules = tuple(reader.rules(settings)) if "rules" in parts else ()
    if "rules" in parts:
        reader.check_routes(settings.delivery.routes, [rule.id for rule, _ in rules])
    desks = dict(reader.desks(settings)) if "desks" in parts else {}
    if reader.errors:
        raise ConfigErrors(reader.errors)
    return Configuration(
        settings=settings,
        file=file,
        zone=settings.customer.zone or host_zone(environ),
        collectors=collectors,
        rules=rules,
        desks=desks,
        notes=tuple(reader.notes),
    )


def _read(path: Path | None, environ: Mapping[str, str]) -> ConfigFile | None:
    named = path or (Path(environ["FORETELL_CONFIG"]) if environ.get("FORETELL_CONFIG") else None)
    source = (named or DEFAULT_PATH).absolute()
    try:
        return ConfigFile(str(source), source.read_text("utf-8"))
    except FileNotFoundError:
        if named is None:
            return None
        problem, cure = "there is no such file", "name another, or write one with `foretell init`"
    except OSError as error:
        problem, cure = f"cannot be read: {error.strerror}", "let the agent's user read it"
    except UnicodeDecodeError as error:
        problem, cure = f"is not UTF-8 text (byte {error.start})", "save it as UTF-8"
    raise ConfigErrors([ConfigError(str(source), "", problem, cure)])


def _parse(file: ConfigFile) -> dict[str, Any]:
    try:
        return tomllib.loads(file.text)
    except ValueError as error:  # a number of thousands of digits is none that is called TOMLDecodeError
        problem, cure = f"is not TOML: {error}", "correct it there"
    except RecursionError:
        problem, cure = "is nested too deeply", "write it flatter"
    raise ConfigErrors([ConfigError(file.path, "", problem, cure)])


class _Reader:
    """Reads one file's parts and keeps what is wrong with any of them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[ConfigError] = []
        self.notes: list[str] = []
        self.readings: set[str] = set()  # that the enabled collectors yield, some as patterns
        self.asleep: dict[str, str] = {}  # readings of collectors for which nothing is configured: reading, collector

    def wrong(self, key: str, problem: str, cure: str, file: str | None = None) -> None:
        self.errors.append(ConfigError(file or self.file, key, problem, cure))

    def take(self, type_: type[T], data: object, key: str, file: str | None = None) -> T | None:
        """Return `data` as a `type_`, or None when anything about it is wrong."""
        value, errors = decode(type_, data, file=file or self.file, key=key)
        self.errors += errors
        return None if errors else value

    def attempt(self, build: Callable[[], T], key: str, file: str | None = None) -> T | None:
        """Return what `build` returns; or None when there is no such plugin, or its options contradict each other."""
        try:
            return build()
        except PluginError as error:
            self.wrong(key, str(error), error.cure, file)
        except ValueError as error:
            self.wrong(key, str(error), "change what contradicts it", file)
        return None

    def settings(self, data: dict[str, Any]) -> Settings:
        """Return the settings; a wrong key keeps its default, so that the rest can be checked all the same."""
        settings, self.errors = decode(Settings, data, file=self.file)
        settings = settings or Settings()
        refused = {error.key for error in self.errors}
        zone = settings.customer.zone
        if zone is not None and not is_zone(zone):
            self.wrong("customer.zone", "is no IANA time zone", nearest(zone, available_timezones(), "Europe/Berlin"))
        delivery = settings.delivery
        named = {"delivery.desk": delivery.desk}
        named |= {f"delivery.routes[{n}].desk": route.desk for n, route in enumerate(delivery.routes)}
        further = {"delivery.escalate_to": delivery.escalate_to, "delivery.supervisor": delivery.supervisor}
        further["report.desk"] = settings.report.desk
        further |= {f"delivery.routes[{n}].escalate_to": route.escalate_to for n, route in enumerate(delivery.routes)}
        further["relay.desk"] = settings.relay.desk
        further["heartbeat.desk"] = settings.heartbeat.desk
        named |= {key: desk for key, desk in further.items() if desk}
        for key, desk in named.items():
            if desk not in settings.desks and key not in refused:
                self.wrong(key, f"there is no [desks.{join(desk)}]", nearest(desk, settings.desks))
        if "customer.language" not in refused:
            self.check_wording(settings)
        for key, listen in {"agent.listen": settings.agent.listen, "relay.listen": settings.relay.listen}.items():
            try:
                split_address(listen)
            except ValueError:
                self.wrong(key, "is not HOST:PORT", 'write for example "127.0.0.1:19469" or "[::1]:19469"')
        return settings

    def check_wording(self, settings: Settings) -> None:
        """Note what is wrong with the language and with IT's folder of wording; a relative one is beside nothing known."""
        folder = Path(settings.wording.folder) if settings.wording.folder else None
        if folder and not (folder.is_absolute() and folder.is_dir()):
            cure = "make it, or leave the key out" if folder.is_absolute() else "name it from the root on"
            self.wrong("wording.folder", "is no folder", cure)
            return
        own = folder / "languages" if folder else None
        asked = {"customer.language": settings.customer.language, "report.language": settings.report.language}
        for key, language in asked.items():
            try:
                if language:
                    catalogue(find_language(language, own), own)
            except LanguageNotKnown as error:
                self.wrong(key, str(error), error.cure)
            except (OSError, ValueError, struct.error) as error:
                self.wrong(key, f"its catalogue cannot be read: {error}", "compile it anew with msgfmt")
        if folder and (folder / "remedies").is_dir():
            self.errors += check_remedies(folder / "remedies", languages(own))

    def collectors(self, settings: Settings, context: CollectorContext) -> Iterator[ConfiguredCollector]:
        """Yield the collectors that run: ours unless switched off or without anything to look at, others when configured."""
        for name in sorted({*COLLECTORS.built_in(), *settings.collectors}):
            table, key = settings.collectors.get(name, {}), join("collectors", name)
            if table.get("enabled") is False and name in COLLECTORS.names():
                continue  # not even imported
            plugin = self.attempt(partial(COLLECTORS.load, name), key)
            if plugin and plugin.when_configured and not table:
                self.asleep |= {reading.name: name for reading in plugin.readings}
                continue
            options = plugin and self.take(plugin.options, table, key)
            if plugin is None or (options and not options.enabled):
                continue
            self.readings |= {reading.name for reading in plugin.readings}
            if options:
                self.readings |= {reading.name for reading in plugin.declares(options)}
                collector = self.attempt(partial(plugin.build, options, context), key)
                if collector is not None:
                    yield ConfiguredCollector(plugin=plugin, options=options, collector=collector)

    def rules(self, settings: Settings) -> Iterator[tuple[Rule, Threshold[Any]]]:
        """Yield the rules that are judged: the shipped ones with the configuration's changes, and its own."""
        shipped = shipped_rules()
        for name in [*shipped, *(name for name in settings.rules if name not in shipped)]:
            change, key, file = settings.rules.get(name, {}), join("rules", name), self.file
            if name not in settings.rules:
                key, file = "", f"thresholds/rules/{name}.toml"
            elif name not in shipped and not {"kind", "select"} & change.keys():
                cure = nearest(name, shipped, "a new rule needs summary, kind and select")
                self.wrong(key, "no shipped rule has this id", cure)
                continue
            if change.get("id", name) != name:
                self.wrong(_below(key, "id"), "is not the table's name", "leave it out")
            rule, errors = decode(Rule, _changed(shipped.get(name, {}), change) | {"id": name}, file=file, key=key)
            self.errors += errors
            if rule is None or not rule.enabled:
                continue
            if self.readings:
                self._check_readings(rule, written_here="select" in change)
            plugin = self.attempt(partial(THRESHOLDS.load, rule.kind), _below(key, "kind"), file)
            limits = plugin and self.take(plugin.limits, rule.limits, _below(key, "limits"), file)
            if plugin and limits is not None:
                threshold = self.attempt(partial(plugin.build, limits), _below(key, "limits"), file)
                if threshold is not None:
                    yield rule, threshold

    def _check_readings(self, rule: Rule, *, written_here: bool) -> None:
        """See that the rule has something to judge: a slip in the file is an error; a collector switched off is noted."""
        patterns = [one for one in self.readings if set("*?[") & set(one)]
        for role, name in (("reading", rule.select.reading), ("of", rule.select.of), ("since", rule.select.since)):
            if name is None or name in self.readings or any(fnmatchcase(name, one) for one in patterns):
                continue
            if written_here:
                cure = nearest(name, self.readings, "docs/reference/readings.md lists them")
                if name in self.asleep:
                    cure = f"say in [collectors.{self.asleep[name]}] what is to be looked at"
                self.wrong(join("rules", rule.id, "select", role), "no enabled collector yields this reading", cure)
            elif name not in self.asleep:
                self.notes.append(f"rule {rule.id} judges nothing: no enabled collector yields {name}")

    def desks(self, settings: Settings) -> Iterator[tuple[str, tuple[ClientPlugin, ClientOptions]]]:
        """Yield every configured desk by its name."""
        for name in settings.desks:
            key = join("desks", name)
            table = self._whole(name, settings.desks)
            if table is None:
                continue
            client = table.get("client")
            if not isinstance(client, str):
                known = ", ".join(f'"{name}"' for name in TICKETING_CLIENTS.names())
                problem = "is missing" if client is None else "is not text"
                self.wrong(_below(key, "client"), problem, f"write one of {known}")
                continue
            plugin = self.attempt(partial(TICKETING_CLIENTS.load, client), _below(key, "client"))
            options = plugin and self.take(plugin.options, table, key)
            if plugin and options:
                yield name, (plugin, options)

    def _whole(self, name: str, desks: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
        """Return a desk's table with what it takes over from the desk that it is `like`, and so on; None when that is wrong."""
        table, way = dict(desks[name]), [name]
        while "like" in table:
            other, key = table.pop("like"), join("desks", name, "like")
            if not isinstance(other, str) or other not in desks:
                cure = nearest(other, desks.keys() - {name}) if isinstance(other, str) else "write another desk's name"
                self.wrong(key, "is not the name of a desk", cure)
                return None
            if other in way:
                self.wrong(key, f"goes round in a circle: {' -> '.join([*way, other])}", "leave it out in one of them")
                return None
            way.append(other)
            table = _changed(desks[other], table)
        return table

    def check_routes(self, routes: Iterable[Route], rules: Iterable[str]) -> None:
        """Note patterns of routes that are like no rule: most likely a slip, after which tickets go elsewhere in silence."""
        known = {*rules, *GATHERINGS}
        for route in routes:
            for pattern in route.match.rule:
                if not any(allows([pattern.removeprefix("!")], rule) for rule in known):
                    self.notes.append(
                        f"the route to {route.desk} is for {pattern}, and no rule that is judged is called so"
                    )


def shipped_rules() -> dict[str, dict[str, Any]]:
    """Return the shipped rules as they are written, by id (their file's name), sorted."""
    files = (Path(thresholds.__file__).parent / "rules").glob("*.toml")
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(files)}


def shipped_summaries() -> dict[str, str]:
    """Return each shipped rule's plain line by its id."""
    return {name: rule["summary"] for name, rule in shipped_rules().items()}


def _changed(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the keys of `change` put in, table by table; limits of another kind do not carry over."""
    merged = dict(base)
    if change.get("kind", base.get("kind")) != base.get("kind"):
        merged.pop("limits", None)
    for name, value in change.items():
        before = merged.get(name)
        merged[name] = _changed(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
