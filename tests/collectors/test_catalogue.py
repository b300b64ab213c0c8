"""The support catalogue: what is shipped, what is looked up in it, what is made one of endoflife.date's answer."""

import gzip
import json
import os
from datetime import date
from pathlib import Path

import msgspec
import pytest

from agent.lifecycle.endoflife import parse_answer
from collectors import CollectorError
from collectors._catalogue import SHIPPED, Catalogue, Product, Release, read_catalogue
from collectors._os_support import SYSTEMS
from collectors._products import load_products

SNAPSHOT = Path(
    os.environ.get("FORETELL_EOL_SNAPSHOT", Path(__file__).parents[3] / "shared" / "data" / "eol_bundle.json.gz")
)
SHIPPED_ONE = read_catalogue(SHIPPED)


def catalogue(**releases):
    """Return a catalogue of one product `x`."""
    product = Product(
        label="X", page="https://x", releases={name.replace("_", "."): one for name, one in releases.items()}
    )
    return Catalogue(format=1, taken=date(2026, 8, 22), source="test", products={"x": product})


def answer(*releases, name="x"):
    """Return an answer of the interface about one product."""
    result = [{"name": name, "label": "X", "links": {"html": "https://x"}, "releases": list(releases)}]
    return json.dumps(
        {"schema_version": "1.2.1", "generated_at": "2026-08-22T03:00:00+00:00", "result": result}
    ).encode()


def test_every_product_that_is_recognised_is_in_the_shipped_catalogue():
    """A product without dates would be unknown for ever."""
    wanted = {*load_products(), *(slug for slugs in SYSTEMS.values() for slug in slugs)}

    assert wanted == set(SHIPPED_ONE.products)
    assert all(product.releases for product in SHIPPED_ONE.products.values())


@pytest.mark.parametrize("slug", sorted(SHIPPED_ONE.products))
def test_every_shipped_fact_names_its_page_and_holds(slug):
    """Each has the page its sources stand on; long-term support ends after the regular one."""
    product = SHIPPED_ONE.products[slug]

    assert product.page == f"https://endoflife.date/{slug}"
    for release in product.releases.values():
        assert release.long_term is None or (isinstance(release.end, date) and release.long_term > release.end)


@pytest.mark.parametrize(
    ("version", "line"), [("28.1.1", "28"), ("26.1.4", "26.1"), ("26.10", None), ("2", None), ("", None)]
)
def test_a_version_belongs_to_its_longest_dotted_prefix(version, line):
    """26.10 is no 26.1, and 2 is no 28."""
    known = catalogue(**{"28": Release(date(2026, 5, 13)), "26_1": Release(date(2025, 2, 17))})

    found = known.release("x", version)

    assert (found and found[0]) == line


@pytest.mark.parametrize("text", ["", "{", '{"format": 2}', '{"format":1,"taken":"soon","source":"","products":{}}'])
def test_a_damaged_catalogue_is_refused_by_name(tmp_path, text):
    """The file is named, and no traceback is told."""
    file = tmp_path / "catalogue.json"
    file.write_text(text)

    with pytest.raises(CollectorError, match=r"catalogue\.json: this is no support catalogue"):
        read_catalogue(file)


def test_support_that_somebody_pays_for_does_not_count():
    """`isMaintained` stays true for years after the end; Debian's long-term support is for everybody."""
    told = {"name": "12", "isEol": True, "eolFrom": "2026-07-11", "eoesFrom": "2028-06-30", "isMaintained": True}

    paid = parse_answer(answer(told)).products["x"].releases["12"]
    free = parse_answer(answer(told, name="debian")).products["debian"].releases["12"]

    assert paid.last_day == date(2026, 7, 11)
    assert free.last_day == date(2028, 6, 30)


def test_an_end_without_a_day_stays_one():
    """Many release lines say only that they have ended, or that they have not."""
    over = {"name": "1", "isEol": True, "eolFrom": None}
    on = {"name": "2", "isEol": False, "eolFrom": None, "isLts": False, "latest": {"name": "2.3"}}

    releases = parse_answer(answer(over, on)).products["x"].releases

    assert (releases["1"].end, releases["1"].last_day) == (True, None)
    assert (releases["2"].end, releases["2"].last_day) == (False, None)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"result": []}', b"<html>"])
def test_another_answer_is_refused(raw):
    """A proxy's login page is no catalogue."""
    with pytest.raises(CollectorError, match="no answer of endoflife"):
        parse_answer(raw)


def test_the_shipped_facts_are_those_of_the_snapshot():
    """Day by day, against the data files that they were taken from."""
    if not SNAPSHOT.exists():
        pytest.skip(f"needs the snapshot of endoflife.date, which is no part of the project: {SNAPSHOT}")
    theirs = msgspec.json.decode(gzip.decompress(SNAPSHOT.read_bytes()))["products"]
    for slug, product in SHIPPED_ONE.products.items():
        told = {release["name"]: release for release in theirs[slug]["releases"]}
        for name, release in product.releases.items():
            end = release.end if isinstance(release.end, bool) else release.end.isoformat()
            assert end == told[name]["eol"], (slug, name)
