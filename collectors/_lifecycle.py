"""When installed products leave support, by whose build they are. Pure.

basis  `maker`: the maker's own build, so the maker's day. `distribution`: the distribution's build, so the day of its release,
       whatever the maker says. `withdrawn`: the distribution's build, which its security team gave up before the release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

import msgspec

from collectors._catalogue import Catalogue
from collectors._debian_support import Withdrawn
from collectors._package_lists import Package
from collectors._products import Recogniser

Basis = Literal["maker", "distribution", "withdrawn"]


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    """Until when one installed product is supported.

    release: the line it belongs to, empty when the catalogue knows none. end: None where no day is known; `announced` tells
    whether that is because its maker has named none. upstream: the maker's own day, where that is not `end`.
    """

    product: str
    release: str
    version: str
    supplier: str
    basis: Basis
    end: date | None = None
    announced: bool = True
    reason: str = ""
    upstream: date | None = None


class Distribution(msgspec.Struct, frozen=True):
    """What supports a distribution's packages: its name, its last day (None: unknown), what was given up before."""

    name: str
    last_day: date | None = None
    withdrawn: tuple[Withdrawn, ...] = ()


def lifecycles(
    packages: Iterable[Package], recogniser: Recogniser, catalogue: Catalogue, distribution: Distribution
) -> Iterator[Lifecycle]:
    """Yield the lifecycle of every product among `packages`; of one product there may be several."""
    for package in packages:
        found = recogniser.recognise(package)
        if found is None or found.supplier is None:
            day = next((one.day for one in distribution.withdrawn if one.name.fullmatch(package.source)), None)
            if day is not None:
                yield Lifecycle(
                    product=found.label if found else package.source,
                    release="",
                    version=package.version,
                    supplier=distribution.name,
                    basis="withdrawn",
                    end=day,
                )
                continue
        if found is not None:
            known = catalogue.release(found.slug, found.version)
            line, release = known or ("", None)
            by_distribution = found.supplier is None
            day = distribution.last_day if by_distribution else release.last_day if release else None
            yield Lifecycle(
                product=found.label,
                release=line,
                version=package.version,
                supplier=found.supplier or distribution.name,
                basis="distribution" if by_distribution else "maker",
                end=day,
                announced=by_distribution or (release is not None and release.end is False) or day is not None,
                reason=_reason(found.label, package.version, ended=release is not None),
                upstream=release.last_day if release and by_distribution else None,
            )


def _reason(label: str, version: str, *, ended: bool) -> str:
    if ended:
        return f"support of {label} {version} has ended, and nobody says when"
    return f"the support catalogue does not know {label} {version}; renew it, or update the agent"


def nearest(found: Iterable[Lifecycle]) -> list[Lifecycle]:
    """Return one lifecycle for each product and one for its distribution's build: the one that ends first.

    One product is one problem, however many of its packages and releases are installed.
    """
    first: dict[tuple[str, bool], Lifecycle] = {}
    for one in found:
        key = one.product, one.basis == "distribution"
        if key not in first or _order(one) < _order(first[key]):
            first[key] = one
    return [first[key] for key in sorted(first)]


def _order(one: Lifecycle) -> tuple[int, date, str]:
    """Known days first, then what is not known, then what has no end yet."""
    rank = 0 if one.end else 2 if one.announced else 1
    return rank, one.end or date.max, one.version
