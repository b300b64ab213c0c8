"""Writes collectors/data/catalogue.json from endoflife.date: `make_catalogue.py FILE`, an answer of `/api/v1/products/full`.

A snapshot of their data files (`{"commit", "snapshot", "products"}`, gzip) is taken too. Only the products that are recognised on
hosts are written, and of these no release that had ended ten years before: nobody runs them, and each line is a line to review.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from agent.lifecycle.endoflife import parse_answer
from collectors._catalogue import SHIPPED, Catalogue, Release
from collectors._os_support import SYSTEMS
from collectors._products import load_products

TOO_OLD = timedelta(days=3652)


def as_answer(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return a snapshot of the data files in the form of the interface's answer."""
    products = [
        {
            "name": name,
            "label": product["label"],
            "links": {"html": f"https://endoflife.date/{name}"},
            "releases": [as_release(one) for one in product["releases"]],
        }
        for name, product in bundle["products"].items()
    ]
    return {"schema_version": "1.2.1", "generated_at": bundle["snapshot"] + "T00:00:00+00:00", "result": products}


def as_release(one: dict[str, Any]) -> dict[str, Any]:
    """Return one release: a date, or a boolean where there is no date, becomes two fields."""
    made: dict[str, Any] = {"name": one["name"]}
    for short, flag, day in (("eol", "isEol", "eolFrom"), ("eoes", "isEoes", "eoesFrom")):
        if short in one:
            told = one[short]
            made[day] = told if isinstance(told, str) else None
            made[flag] = told if isinstance(told, bool) else False
    return made


def worth_writing(release: Release, taken: date) -> bool:
    """Return whether anybody may still run it."""
    return release.end is not True and (release.last_day is None or release.last_day > taken - TOO_OLD)


def main(path: str) -> None:
    """Write the file."""
    raw = Path(path).read_bytes()
    data = json.loads(gzip.decompress(raw) if path.endswith(".gz") else raw)
    commit = data.get("commit")
    answer = json.dumps(as_answer(data)).encode() if commit else raw
    wanted = {*load_products(), *(slug for slugs in SYSTEMS.values() for slug in slugs)}
    whole = parse_answer(answer, wanted)
    products = {
        slug: msgspec.structs.replace(
            product,
            releases={name: one for name, one in product.releases.items() if worth_writing(one, whole.taken)},
        )
        for slug, product in sorted(whole.products.items())
    }
    source = whole.source + (f", commit {commit[:12]}" if commit else "")
    write(Catalogue(format=1, taken=whole.taken, source=source, products=products))


def write(catalogue: Catalogue) -> None:
    """Write it with a line for each release, so that a change can be reviewed."""
    head = {"format": 1, "taken": catalogue.taken.isoformat(), "source": catalogue.source}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    products = []
    for slug, product in catalogue.products.items():
        releases = ",\n".join(
            f"        {json.dumps(name)}: {msgspec.json.encode(one).decode()}" for name, one in product.releases.items()
        )
        about = f'      "label": {json.dumps(product.label)},\n      "page": {json.dumps(product.page)},\n'
        products.append(f'    {json.dumps(slug)}: {{\n{about}      "releases": {{\n{releases}\n      }}\n    }}')
    text = "{\n" + "\n".join(lines) + '\n  "products": {\n' + ",\n".join(products) + "\n  }\n}\n"
    SHIPPED.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
