"""Renewing the support catalogue: from a real server over loopback, held to its pin, and never for the worse."""

import hashlib
import json
import os
from datetime import date

import msgspec
import pytest

from agent.collecting import HostAccess
from agent.configuration.settings import DAY, CatalogueSettings
from agent.lifecycle.catalogue import NotRenewed, renew
from agent.lifecycle.dispatch import REST, CatalogueDispatcher
from collectors import packages
from collectors._catalogue import KEPT, SHIPPED, known_catalogue, read_catalogue
from one_file import serving
from real_hosts import package_entry

NOW = 1_795_910_400.0  # 2026-11-29
SHIPPED_ONE = read_catalogue(SHIPPED)


def answer(generated="2026-11-20T03:00:00+00:00", without=0, **more):
    """Return endoflife.date's answer about the shipped products: every release `99` ends on 2030-01-01, and `more`."""
    release = {"name": "99", "isEol": False, "eolFrom": "2030-01-01", "isMaintained": True}
    result = [
        {"name": slug, "label": slug, "links": {"html": f"https://endoflife.date/{slug}"}, "releases": [release]}
        for slug in sorted(SHIPPED_ONE.products)[without:]
    ]
    result.append({"name": "chess", "label": "Chess", "releases": []})
    return json.dumps({"schema_version": "1.2.1", "generated_at": generated, "result": result, **more}).encode()


@pytest.fixture
def mirror():
    """A mirror of endoflife.date's answer on loopback."""
    with serving(answer()) as server:
        yield server


def test_a_newer_answer_goes_before_the_shipped_facts(mirror, tmp_path):
    """Of the products that are known here, and over the shipped ones, which stay for what it lacks."""
    mirror.content = answer(without=1)

    renew(CatalogueSettings(url=mirror.url), tmp_path)

    known, trouble = known_catalogue(HostAccess(state=tmp_path))
    assert trouble == ""
    assert known.taken == date(2026, 11, 20)
    assert known.release("postgresql", "99.3")[1].last_day == date(2030, 1, 1)
    assert known.products.keys() == SHIPPED_ONE.products.keys()
    assert [path.name for path in tmp_path.iterdir()] == [KEPT]


def test_a_mirror_may_hold_a_catalogue_of_ours(mirror, tmp_path):
    """As one host wrote it, for a thousand."""
    mirror.content = msgspec.json.encode(msgspec.structs.replace(SHIPPED_ONE, taken=date(2026, 10, 1)))

    assert renew(CatalogueSettings(url=mirror.url), tmp_path).taken == date(2026, 10, 1)


def test_a_pinned_file_is_the_only_one_that_is_taken(mirror, tmp_path):
    """Whoever changes the mirror does not change what is believed."""
    pin = hashlib.sha256(mirror.content).hexdigest()
    renew(CatalogueSettings(url=mirror.url, sha256=pin.upper()), tmp_path)
    kept = (tmp_path / KEPT).read_bytes()
    mirror.content += b"\n"

    with pytest.raises(NotRenewed, match=r"and not the one in catalogue\.sha256"):
        renew(CatalogueSettings(url=mirror.url, sha256=pin), tmp_path)

    assert (tmp_path / KEPT).read_bytes() == kept


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>log in</html>", "no answer of endoflife"),
        (answer("2020-01-01T00:00:00+00:00"), "older than the shipped one"),
        (answer(without=60), "lacks most products"),
        (b"", "no answer of endoflife"),
    ],
)
def test_what_would_be_worse_is_not_taken(mirror, tmp_path, content, why):
    """A proxy's page, an old mirror, half an answer: what was before stays."""
    mirror.content = content

    with pytest.raises(NotRenewed, match=why):
        renew(CatalogueSettings(url=mirror.url), tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://endoflife.date/api/v1/products/full", "https"),
        ("https://user:secret@mirror.example/full.json", "credentials do not belong"),
        ("http://127.0.0.1:9/full.json", "127.0.0.1:9"),
        ("file:///etc/passwd", "url"),
    ],
)
def test_nothing_is_asked_in_the_clear_or_from_nowhere(tmp_path, url, why):
    """Only https, but on loopback; and who is not there is named."""
    with pytest.raises(NotRenewed, match=why):
        renew(CatalogueSettings(url=url), tmp_path)


def test_another_address_there_is_told(mirror, tmp_path):
    """404 is no catalogue."""
    with pytest.raises(NotRenewed, match="404"):
        renew(CatalogueSettings(url=mirror.url.replace("full", "half")), tmp_path)


def test_a_damaged_kept_catalogue_is_told_and_the_shipped_one_used(tmp_path):
    """It is not silently healthy, and no reason to know nothing."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / KEPT).write_text("{")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(package_entry("docker-ce", "5:27.5.1-1"))
    access = HostAccess(root=tmp_path, state=tmp_path / "state")

    items = list(packages.PLUGIN.build(packages.PackagesOptions(), access).collect(NOW))

    assert "the renewed catalogue is not used" in next(item.reason for item in items if hasattr(item, "reason"))
    assert any(item.name == "software_support_end_timestamp_seconds" for item in items)


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.at = 1000.0

    def now(self):
        return NOW + self.at

    def monotonic(self):
        return self.at


@pytest.fixture
def dispatcher(mirror, tmp_path):
    """Return a dispatcher that renews from the mirror, its clock, and what waits for its child."""
    clock = Clock()
    settings = CatalogueSettings(url=mirror.url, every=7 * DAY)
    one = CatalogueDispatcher(settings, tmp_path, clock)
    yield one, clock
    one.stop()


def test_a_child_renews_it_when_it_is_due(dispatcher, mirror, tmp_path):
    """At first at once, then when it is old; a fresh one is left alone."""
    one, clock = dispatcher
    one.consider(NOW)
    one._child.wait(60)
    assert (tmp_path / KEPT).exists()
    assert mirror.seen == 1

    os.utime(tmp_path / KEPT, (NOW, NOW))
    clock.at += REST
    one.consider(NOW + DAY)
    assert not one._child.at_work
    one.consider(NOW + 8 * DAY)
    assert one._child.at_work
    one._child.wait(60)
    assert mirror.seen == 2


def test_one_that_failed_rests(dispatcher, mirror):
    """Offline is normal, and not asked about every minute."""
    one, clock = dispatcher
    mirror.content = b"no"
    one.consider(NOW)
    one._child.wait(60)
    one.consider(NOW)
    assert mirror.seen == 1
    clock.at += REST
    one.consider(NOW)
    one._child.wait(60)
    assert mirror.seen == 2


def test_without_an_address_nothing_is_started(tmp_path):
    """The shipped catalogue needs no network."""
    one = CatalogueDispatcher(CatalogueSettings(), tmp_path, Clock())
    one.consider(NOW)
    assert not one._child.at_work
