"""What endoflife.date's interface answers (version 1.2, `/api/v1/products/full`), made a support catalogue. Pure.

Of an answer only the end of free support is taken. Not taken: `isMaintained`, which stays true while anybody is paid to mend it;
`eoas`, the end of new features; `eoes`, which is paid everywhere but where FREE_EXTENDED says otherwise. A release that has ended
with no day named stays that: no day is made up for it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import msgspec

from collectors import CollectorError
from collectors._catalogue import Catalogue, Product, Release

#: products whose "extended support" is for everybody: Debian's LTS
FREE_EXTENDED = frozenset({"debian"})
SOURCE = "endoflife.date (MIT)"


class _Links(msgspec.Struct, frozen=True):
    html: str = ""


class _Release(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    is_eol: bool = False
    eol_from: date | None = None
    eoes_from: date | None = None


class _Product(msgspec.Struct, frozen=True):
    name: str
    label: str
    releases: list[_Release]
    links: _Links = _Links()


class _Answer(msgspec.Struct, frozen=True):
    generated_at: datetime
    result: list[_Product]


def parse_answer(raw: bytes, wanted: Collection[str] | None = None) -> Catalogue:
    """Return the catalogue in an answer, with the `wanted` products (all when None). Raises CollectorError."""
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except (ValueError, RecursionError) as error:
        raise CollectorError(f"this is no answer of endoflife.date's products/full: {error}") from error
    return Catalogue(
        format=1,
        taken=answer.generated_at.date(),
        source=SOURCE,
        products={
            one.name: Product(
                label=one.label,
                page=one.links.html or f"https://endoflife.date/{one.name}",
                releases={release.name: _release(one.name, release) for release in one.releases},
            )
            for one in answer.result
            if wanted is None or one.name in wanted
        },
    )


def _release(product: str, told: _Release) -> Release:
    end = told.eol_from if told.eol_from is not None else told.is_eol
    longer = told.eoes_from if product in FREE_EXTENDED and isinstance(end, date) else None
    return Release(end=end, long_term=longer if isinstance(end, date) and longer and longer > end else None)
