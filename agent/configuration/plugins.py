"""Discovery of plugins: built-ins by their file name, those of third parties by entry point. Only the named one is imported."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from agent.configuration.decode import nearest
from collectors import CollectorPlugin
from thresholds import ThresholdPlugin
from ticketing_clients import ClientPlugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

P = TypeVar("P", bound=CollectorPlugin | ThresholdPlugin | ClientPlugin)

_NOT_PLUGINS = frozenset({"contract"})  # the contract suites, shipped beside the plugins for third parties


class PluginError(Exception):
    """A plugin cannot be used. `cure` says what to do about it."""

    def __init__(self, problem: str, cure: str) -> None:
        """Keep what is wrong and how to mend it."""
        super().__init__(problem)
        self.cure = cure


class UnknownPlugin(PluginError):
    """No plugin of this name is installed."""


class BrokenPlugin(PluginError):
    """A plugin of this name is installed and cannot be imported, or is not what it should be."""


class PluginFamily(Generic[P]):
    """All plugins of one kind: what a person calls it, the package of the built-ins, and the type of its values."""

    def __init__(self, word: str, package: str, value_type: type[P]) -> None:
        """Name the family; the entry-point group is `foretell.PACKAGE`."""
        self.word = word
        self.package = package
        self.value_type = value_type

    @property
    def group(self) -> str:
        """The entry-point group in which third parties offer plugins."""
        return f"foretell.{self.package}"

    def built_in(self) -> list[str]:
        """Return the names of our own plugins, sorted; imports none."""
        return [*_modules(self.package)]

    def names(self) -> list[str]:
        """Return the names of all installed plugins, sorted; imports none."""
        return sorted({*self.built_in(), *self._offered()})

    def load(self, name: str) -> P:
        """Import and return the plugin called `name`; a built-in goes before one of the same name from elsewhere.

        Raises UnknownPlugin or BrokenPlugin.
        """
        try:
            plugin = self._import(name)
        except Exception as error:
            problem = f'{self.word} "{name}" cannot be imported: {type(error).__name__}: {error}'
            raise BrokenPlugin(problem, "install what it needs, or take it out of the configuration") from error
        if plugin is None:
            raise UnknownPlugin(f'no {self.word} is called "{name}"', nearest(name, self.names()))
        if not isinstance(plugin, self.value_type) or plugin.name != name:
            problem = f'{self.word} "{name}" is installed and not a {self.value_type.__name__} of that name'
            raise BrokenPlugin(problem, "tell its author")
        return plugin

    def _import(self, name: str) -> object | None:
        """Return what stands where a plugin of this name should be; None when there is no such place."""
        if name in self.built_in():
            plugin: object = importlib.import_module(f"{self.package}.{name}").PLUGIN
            return plugin
        offer = self._offered().get(name)
        return offer.load() if offer else None

    def all(self) -> list[tuple[str, P | PluginError]]:
        """Import every installed plugin and return each with its name, or what is wrong with it."""
        found: list[tuple[str, P | PluginError]] = []
        for name in self.names():
            try:
                found.append((name, self.load(name)))
            except PluginError as error:
                found.append((name, error))
        return found

    def _offered(self) -> dict[str, EntryPoint]:
        from importlib.metadata import entry_points  # noqa: PLC0415 - 10 ms of each start, and few have plugins of others

        return {offer.name: offer for offer in entry_points(group=self.group)}


@functools.cache
def _modules(package: str) -> tuple[str, ...]:
    """Return the names of the plugins in `package`, sorted; its folder is listed once in a process, and not for each rule."""
    folders = map(Path, importlib.import_module(package).__path__)
    names = {file.stem for folder in folders for file in folder.glob("*.py")}
    return tuple(sorted(name for name in names - _NOT_PLUGINS if name[0] != "_"))


COLLECTORS = PluginFamily("collector", "collectors", CollectorPlugin)
THRESHOLDS = PluginFamily("threshold kind", "thresholds", ThresholdPlugin)
TICKETING_CLIENTS = PluginFamily("ticketing client", "ticketing_clients", ClientPlugin)
