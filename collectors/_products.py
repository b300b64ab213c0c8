"""Which product an installed package is, and whose build of it: its maker's own, or the distribution's.

A distribution mends its packages for as long as it is supported itself, whatever their makers do. So only what is proved to be
the maker's own build goes by the maker's dates: by a name that no distribution uses, or by the mark that its version carries.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from collectors._package_lists import Package

TABLE = Path(__file__).parent / "data" / "products.toml"
# A leading epoch ("5:28.1.1-1") or "v" is not the maker's; what follows the dotted number says how it was packed.
_VERSION = re.compile(r"(?:\d{1,9}:)?v?(\d{1,9}(?:\.\d{1,9}){0,5})")


class Maker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Packages that the maker builds: the whole name of one, and what its version carries where others use that name too."""

    name: str
    package: str
    mark: str = ""


class ProductNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what a product is known. All but `label` are regular expressions of whole names.

    distribution: packages of distributions. windows: what Windows lists it as. homebrew: the formula or cask.
    """

    label: str
    makers: list[Maker] = []
    distribution: str = ""
    windows: str = ""
    homebrew: str = ""


class Recognised(msgspec.Struct, frozen=True):
    """An installed product. slug: its name in the catalogue. supplier: who built it; None when the distribution did."""

    slug: str
    label: str
    version: str
    supplier: str | None


def load_products() -> dict[str, ProductNames]:
    """Return the shipped table of products by their name in the catalogue."""
    return msgspec.convert(tomllib.loads(TABLE.read_text("utf-8")), dict[str, ProductNames])


def dotted_version(text: str) -> str:
    """Return the maker's dotted version in a package's.

    >>> dotted_version("5:28.1.1-1~debian.12~bookworm"), dotted_version("15.14-0+deb12u1"), dotted_version("git-ab12")
    ('28.1.1', '15.14', '')
    """
    found = _VERSION.match(text)
    return found[1] if found else ""


class Recogniser:
    """Recognises the packages of one manager; most are no product of ours, which one pattern tells at once."""

    def __init__(self, manager: str, products: dict[str, ProductNames]) -> None:
        """Given the manager by its name in `collectors._package_managers`."""
        self._known = [
            (slug, names.label, pattern, mark, supplier)
            for slug, names in products.items()
            for pattern, mark, supplier in _patterns(manager, names)
        ]
        self._any = re.compile("|".join(f"(?:{pattern})" for _, _, pattern, _, _ in self._known) or r"(?!)")

    def recognise(self, package: Package) -> Recognised | None:
        """Return what `package` is; None when it is no product of ours."""
        if not self._any.fullmatch(package.name):
            return None
        for slug, label, pattern, mark, supplier in self._known:
            if re.fullmatch(pattern, package.name) and re.search(mark, package.version):
                return Recognised(slug, label, dotted_version(package.version), supplier)
        return None


def _patterns(manager: str, names: ProductNames) -> Iterator[tuple[str, str, str | None]]:
    """Yield pattern of the name, mark in the version, and supplier; the maker's own first."""
    if manager == "windows":
        own = [(names.windows, "", names.makers[0].name if names.makers else names.label)]
    elif manager == "homebrew":  # it builds what the makers release, and mends nothing by itself
        own = [(names.homebrew, "", "Homebrew")]
    else:
        own = [(maker.package, maker.mark, maker.name) for maker in names.makers]
        yield from own
        own = [(names.distribution, "", "")]
    yield from ((pattern, mark, supplier or None) for pattern, mark, supplier in own if pattern)
