"""Imports a library without those of its own imports that it never calls here: they would stay in the daemon for good.

Measured on Python 3.11, resident MB that stay away: structlog 7.0 (rich, which it takes for terminals where it is installed,
and asyncio), prometheus_client 8.8 (its HTTP server and client with OpenSSL), APScheduler 1.5 (process pools), http.client 4.5
(OpenSSL). Together they are more than all else that the daemon holds beside Python itself.

Nothing is lost by it: a stand-in that is used after all imports the real thing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def leaving_out(unused: Mapping[str, Collection[str]], absent: Collection[str] = ()) -> Iterator[None]:
    """While inside, importing one of the modules `unused` gives a stand-in, and `absent` ones are as if not installed.

    unused: by module, what is taken from it by name, or looked up in it, while the library is imported, and never called later.
    Modules that are imported already are left as they are.
    """
    hidden = [name for name in absent if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]  # None means: not installed
    for name, names in unused.items():
        if name not in sys.modules:
            sys.modules[name] = _StandIn(name, names)
    try:
        yield
    finally:
        for name in unused:
            if isinstance(sys.modules.get(name), _StandIn):
                del sys.modules[name]
        for name in hidden:
            del sys.modules[name]


class _StandIn(ModuleType):
    """Looks like a module until something is asked of it; then the real one is imported and answers."""

    def __init__(self, name: str, unused: Collection[str]) -> None:
        super().__init__(name)
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations is not None:
            self.__path__ = found.submodule_search_locations  # a package: its submodules can be imported as ever
        self._unused = frozenset(unused)

    def __getattr__(self, name: str) -> Any:
        if name in self._unused:
            return _unused(self, name)
        if name.startswith("__"):  # the import system asks what kind of module this is
            raise AttributeError(name)
        return getattr(self._real(), name)

    def _real(self) -> ModuleType:
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return importlib.import_module(name)


def _unused(module: _StandIn, name: str) -> type:
    """Return what stands for `name` of `module`: a class may derive from it; whoever calls it calls the real thing."""

    class Unused:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            if cls is not Unused:
                raise TypeError(f"{cls.__name__} derives from {module.__name__}.{name}, which was left out")
            return getattr(module._real(), name)(*args, **kwargs)  # noqa: SLF001 - the two are one

    Unused.__name__ = Unused.__qualname__ = name
    return Unused
