"""Installed packages: how many there are, and when the products among them leave support.

A product goes by its maker's dates where its maker built it, and by the distribution's where the distribution did. What is
installed is read again only when a package manager has changed something. docs/lifecycle.md tells how it is judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from collectors._catalogue import KEPT, SHIPPED, Catalogue, known_catalogue
from collectors._changed import Fingerprint, fingerprint
from collectors._debian_support import FOLDER, read_support_lists
from collectors._lifecycle import Distribution, Lifecycle, lifecycles, nearest
from collectors._operating_system import OperatingSystem, midnight, operating_system
from collectors._package_managers import PACKAGE_MANAGERS, PackageManager
from collectors._plugin import (
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    HostView,
    NotSupported,
)
from collectors._products import Recogniser, load_products
from collectors._reading import CouldNotCheck, Reading

Item = Reading | CouldNotCheck
_END = "software_support_end_timestamp_seconds"
_UPSTREAM_END = "software_upstream_support_end_timestamp_seconds"
_ALSO_READ = ("/etc/os-release", "/usr/lib/os-release", "/usr/share/distro-info", FOLDER)
MOST_PRODUCTS = 200  # of one host; far more than the catalogue has


class PackagesOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the packages collector."""


class PackagesCollector:
    """Reads what is installed, manager by manager, and remembers only what came of it."""

    def __init__(self, _options: PackagesOptions, context: HostView) -> None:
        self._context = context
        self._seen: Fingerprint = []
        self._known: list[Item] = []

    def collect(self, at: float) -> Iterator[Item]:
        """Yield what is installed, and when it leaves support."""
        managers = [one for one in PACKAGE_MANAGERS if one.present(self._context)]
        if not managers:
            raise NotSupported("no package manager that is known here")
        seen = self._fingerprint(managers)
        if not self._known or seen != self._seen:
            self._known = list(self._read(managers, at))
            self._seen = (
                [] if any(isinstance(item, CouldNotCheck) and not item.labels for item in self._known) else seen
            )
        for item in self._known:
            yield msgspec.structs.replace(item, at=at) if isinstance(item, Reading) else item

    def _fingerprint(self, managers: list[PackageManager]) -> Fingerprint:
        also = [SHIPPED, self._context.kept(KEPT), *map(self._context.path, _ALSO_READ)]
        return fingerprint([*also, *(path for manager in managers for path in manager.present(self._context))])

    def _read(self, managers: list[PackageManager], at: float) -> Iterator[Item]:
        catalogue, trouble = known_catalogue(self._context)
        products = load_products()
        if trouble:
            yield CouldNotCheck("support_catalogue_timestamp_seconds", {}, trouble)
        yield Reading("support_catalogue_timestamp_seconds", midnight(catalogue.taken), "timestamp", {}, at)
        try:
            system = operating_system(self._context)
        except (CollectorError, OSError, ValueError) as error:
            yield CouldNotCheck(_END, {}, f"whose packages these are is not known: {error}")
            return
        found: list[Lifecycle] = []
        for manager in managers:
            try:
                counts, lives = self._of(manager, Recogniser(manager.name, products), catalogue, system, at)
            except (CollectorError, OSError) as error:
                yield CouldNotCheck("packages_installed", {"manager": manager.name}, str(error))
                yield CouldNotCheck(_END, {}, f"what {manager.name} has installed cannot be read: {error}")
            else:
                yield from counts
                found += lives
        for one in nearest(found)[:MOST_PRODUCTS]:
            yield from _readings(one, at)

    def _of(
        self, manager: PackageManager, recogniser: Recogniser, catalogue: Catalogue, system: OperatingSystem, at: float
    ) -> tuple[list[Reading], list[Lifecycle]]:
        """Return how much one manager has installed, and its products' lifecycles."""
        lists = read_support_lists(self._context, system.version) if system.id == "debian" else None
        distribution = Distribution(system.name, system.support.last_day, lists.withdrawn if lists else ())
        packages = list(manager.installed(self._context))
        counts = [Reading("packages_installed", float(len(packages)), "count", {"manager": manager.name}, at)]
        if lists and manager.name == "dpkg":
            sources = {package.source for package in packages}
            count = sum(any(name.fullmatch(source) for name in lists.limited) for source in sources)
            counts.append(Reading("packages_limited_support", float(count), "count", {}, at))
        return counts, list(lifecycles(packages, recogniser, catalogue, distribution))


def _readings(one: Lifecycle, at: float) -> Iterator[Item]:
    labels = {
        "product": one.product,
        "release": one.release,
        "version": one.version,
        "supplier": one.supplier,
        "basis": one.basis,
    }
    if one.end is None and one.basis == "distribution":
        return  # whether the distribution is supported is said once, about the distribution
    if one.end is None and not one.announced:
        yield CouldNotCheck(_END, labels, one.reason)
    else:
        yield Reading(_END, midnight(one.end) if one.end else math.nan, "timestamp", labels, at)
    if one.upstream is not None:
        about = {"product": one.product, "release": one.release}
        yield Reading(_UPSTREAM_END, midnight(one.upstream), "timestamp", about, at)


PLUGIN = CollectorPlugin(
    name="packages",
    summary="Installed packages, and when the products among them leave support.",
    options=PackagesOptions,
    build=PackagesCollector,
    readings=(
        DeclaredReading("packages_installed", "count", ("manager",), "Packages that are installed."),
        DeclaredReading(
            "packages_limited_support",
            "count",
            (),
            "Installed source packages that Debian's security team supports with limits; absent without "
            "debian-security-support.",
        ),
        DeclaredReading(
            _END,
            "timestamp",
            ("product", "release", "version", "supplier", "basis"),
            "Last day (midnight UTC) of a product's free support by who built it; NaN where no day is announced. Of several "
            "installed releases the one that ends first.",
        ),
        DeclaredReading(
            _UPSTREAM_END,
            "timestamp",
            ("product", "release"),
            "Last day of its maker's support of a product that the distribution built and mends by itself.",
        ),
        DeclaredReading(
            "support_catalogue_timestamp_seconds", "timestamp", (), "The day that the support catalogue's facts are of."
        ),
    ),
    interval=900.0,
    deadline=120.0,
)
