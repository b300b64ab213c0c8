"""The catalogue: until when the makers of systems and servers support their releases, as dated facts. Shipped, or refreshed.

Paid extensions (Debian ELTS, Ubuntu Pro, extended support) are no part of it: nobody has them unasked.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from collectors._plugin import CollectorError, HostView

#: the name under which a renewed one is kept, see `HostView.kept`
KEPT = "catalogue.json"
SHIPPED = Path(__file__).parent / "data" / "catalogue.json"
LARGEST = 4 << 20  # bytes; the shipped one has a few ten thousand

_Text = Annotated[str, msgspec.Meta(max_length=200)]


class Release(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One release line of a product.

    end: the last day of support that nobody has to pay for; False where no day is announced yet, True where it has ended
    and nobody says when. long_term: the last day of free long-term support after it.
    """

    end: date | bool
    long_term: date | None = None

    @property
    def last_day(self) -> date | None:
        """The day that counts: after it nobody mends the release without being paid for it."""
        return self.long_term or (None if isinstance(self.end, bool) else self.end)


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One product: what people call it, the page with its maker's sources, and its releases by the name of their line."""

    label: _Text
    page: _Text
    releases: dict[_Text, Release]


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole catalogue. taken: the day its facts are of. source: where they come from, and under which licence."""

    format: Literal[1]
    taken: date
    source: _Text
    products: dict[_Text, Product]

    def release(self, product: str, version: str) -> tuple[str, Release] | None:
        """Return the release line that `version` belongs to: its longest prefix ("9.4.1", "9.4", then "9").

        A release of Windows may be one for all its editions: "10-22h2-w" is of "10-22h2".
        """
        releases = self.products[product].releases if product in self.products else {}
        while version and version not in releases:
            version = max((version.rpartition(separator)[0] for separator in ".-"), key=len)
        return (version, releases[version]) if version else None


def known_catalogue(context: HostView) -> tuple[Catalogue, str]:
    """Return the shipped catalogue, with the renewed one over it where that is newer; and what is wrong with the renewed one."""
    shipped = read_catalogue(SHIPPED)
    kept = context.kept(KEPT)
    try:
        renewed = read_catalogue(kept)
    except FileNotFoundError:
        return shipped, ""
    except (CollectorError, OSError) as error:
        return shipped, f"the renewed catalogue is not used: {error}"
    if renewed.taken <= shipped.taken:
        return shipped, ""
    return msgspec.structs.replace(renewed, products={**shipped.products, **renewed.products}), ""


def read_catalogue(path: Path) -> Catalogue:
    """Return the catalogue in the file. Raise CollectorError when it holds none, OSError when it cannot be read."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    try:
        return parse_catalogue(raw)
    except CollectorError as error:
        raise CollectorError(f"{path}: {error}") from error


def parse_catalogue(raw: bytes) -> Catalogue:
    """Return the catalogue that `raw` holds. Raise CollectorError when it holds none."""
    if len(raw) > LARGEST:
        raise CollectorError(f"larger than {LARGEST} bytes, and no support catalogue")
    try:
        return msgspec.json.decode(raw, type=Catalogue)
    except (ValueError, RecursionError) as error:
        raise CollectorError(f"this is no support catalogue: {error}") from error
