"""`foretell catalogue`: what is known of support, and renewing it by hand."""

from datetime import UTC, datetime

import msgspec

from agent.commands.exits import Exit
from collectors._catalogue import KEPT, SHIPPED, read_catalogue
from one_file import serving

SHIPPED_ONE = read_catalogue(SHIPPED)


def test_it_shows_of_which_day_its_facts_are_and_which_products_they_are_about(foretell, tmp_path):
    """The shipped ones, where nothing was renewed."""
    ended = foretell("catalogue", "--state-dir", str(tmp_path))
    days = (datetime.now(UTC).date() - SHIPPED_ONE.taken).days
    assert ended.status == 0
    assert f"{len(SHIPPED_ONE.products)} products, facts of {SHIPPED_ONE.taken}, {days} days old" in ended.out
    assert "postgresql" in ended.out


def test_one_product_is_shown_with_its_releases(foretell, tmp_path):
    """As a table, and as JSON of the same shape as the file."""
    release, known = next(iter(SHIPPED_ONE.products["debian"].releases.items()))
    words = foretell("catalogue", "show", "debian", "--state-dir", str(tmp_path)).out
    assert release in words
    assert str(known.last_day) in words
    told = foretell("catalogue", "show", "debian", "--json", "--state-dir", str(tmp_path)).json
    assert list(told["products"]) == ["debian"]
    assert told["taken"] == SHIPPED_ONE.taken.isoformat()


def test_a_product_that_it_does_not_have_is_said(foretell, tmp_path):
    """With where to look for its name."""
    ended = foretell("catalogue", "show", "tetris", "--state-dir", str(tmp_path))
    assert ended.status == Exit.USAGE
    assert "the catalogue has no tetris; `foretell catalogue show` lists what it has" in ended.err


def test_a_renewed_one_that_is_damaged_is_said_and_the_shipped_one_shown(foretell, tmp_path):
    """Exit status 3: something could not be checked."""
    (tmp_path / KEPT).write_text("{")
    ended = foretell("catalogue", "show", "--state-dir", str(tmp_path))
    assert ended.status == Exit.UNCHECKED
    assert str(SHIPPED_ONE.taken) in ended.out
    assert "the renewed catalogue is not used" in ended.err


def test_without_an_address_it_is_not_renewed(foretell, tmp_path):
    """The configuration has to name one; nobody is asked unasked."""
    file = tmp_path / "foretell.toml"
    file.write_text("")
    ended = foretell("catalogue", "refresh", "--config", str(file), "--state-dir", str(tmp_path))
    assert ended.status == Exit.CONFIGURATION
    assert "name `url` under [catalogue]" in ended.err


def test_it_is_fetched_checked_and_kept(foretell, tmp_path):
    """From a mirror on loopback; the next look shows the new day."""
    newer = msgspec.structs.replace(SHIPPED_ONE, taken=datetime.now(UTC).date())
    file = tmp_path / "foretell.toml"
    with serving(msgspec.json.encode(newer)) as mirror:
        file.write_text(f'[catalogue]\nurl = "{mirror.url}"\n')
        ended = foretell("catalogue", "refresh", "--config", str(file), "--state-dir", str(tmp_path))
    assert (ended.status, ended.err) == (0, "")
    assert f"facts of {newer.taken}" in ended.out
    assert read_catalogue(tmp_path / KEPT).taken == newer.taken


def test_what_cannot_be_had_leaves_what_was_known(foretell, tmp_path):
    """Here nobody serves it."""
    file = tmp_path / "foretell.toml"
    with serving(b"") as mirror:
        pass
    file.write_text(f'[catalogue]\nurl = "{mirror.url}"\n')
    ended = foretell("catalogue", "refresh", "--config", str(file), "--state-dir", str(tmp_path))
    assert ended.status == Exit.UNCHECKED
    assert not (tmp_path / KEPT).exists()
