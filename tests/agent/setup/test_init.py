"""The configuration file that we write."""

import itertools
import re
import tomllib

import pytest

from agent.configuration.config import load
from agent.configuration.settings import Settings
from agent.setup.init import configuration_text

ANSWERS = {
    "host": {"name": 'web "01"\x7f', "role": "Mail für alle", "criticality": "high"},
    "customer": {"name": "Ärzte & Co", "zone": "Europe/Berlin", "language": "zh_Hans"},
    "windows": {"weekly": [{"days": ["sat", "sun"], "start": "01:00", "duration": "3h"}]},
    "delivery": {"desk": "help desk"},
    "secrets": {"request_tracker": "/etc/foretell/secrets/rt"},
    "collectors": {"disk": {"interval": "5m"}},
    "rules": {"disk_space": {"for": "1h", "select": {"where": {"mountpoint": ["/srv"]}}}},
    "desks": {"help desk": {"client": "request_tracker", "url": "https://rt.example", "queue": "Ops"}},
}


@pytest.fixture
def read(tmp_path):
    """Return a function that loads a text as configuration."""

    def read(text):
        path = tmp_path / "foretell.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ={"TZ": "UTC"})

    return read


def set_keys(text):
    """Return what is set in `text`, without empty tables."""

    def without_empty(table):
        return {
            key: value
            for key, value in ((key, without_empty(v) if isinstance(v, dict) else v) for key, v in table.items())
            if value != {}
        }

    return without_empty(tomllib.loads(text))


def test_the_sample_is_the_defaults(read):
    """Without answers only the local desk is set, and it means what no file at all means."""
    text = configuration_text()
    assert set_keys(text) == {"desks": {"local": {"client": "local"}}}
    configuration = read(text)
    assert configuration.settings.host == Settings().host
    assert configuration.desks.keys() == {"local"}


def test_every_default_that_is_shown_is_true(read):
    """Each commented line may be taken into use as it stands, and changes nothing."""
    text = configuration_text()
    taken = re.sub(r'(?m)^#(?!NAME|\[rules\.ID\]|enabled = false)(\[collectors\.|[\w"]+ = (?!"\.\.\."$))', r"\1", text)
    assert taken.count("\n#") < text.count("\n#") - 50
    defaults, configuration = read(text), read(taken)
    for part in ("host", "customer", "agent", "cases", "windows", "service_levels", "delivery", "history"):
        assert getattr(configuration.settings, part) == getattr(defaults.settings, part)
    run = {one.name: (one.interval, one.deadline) for one in configuration.collectors}
    assert {one.name: (one.interval, one.deadline) for one in defaults.collectors}.items() <= run.items()


def test_answers_are_set_and_everything_else_is_shown(read):
    """Whatever characters they hold, they come back; no key is left out."""
    text = configuration_text(ANSWERS)
    assert set_keys(text) == ANSWERS
    configuration = read(text)
    assert configuration.settings.host.name == 'web "01"\x7f'
    assert configuration.settings.windows.weekly[0].duration == 10800.0
    assert list(configuration.desks) == ["help desk"]
    assert '\n#cycle = "1m"\n' in text
    assert "\n#key_field = " in text


def test_every_key_has_its_meaning_above_it():
    """A person reads the file without the manual."""
    lines = configuration_text(ANSWERS).splitlines()
    keys = [pair for pair in itertools.pairwise(lines) if re.match(r"#?[a-z_]+ = ", pair[1])]
    undescribed = {"[secrets]", "#[rules.ID]", "[rules.disk_space]", 'for = "1h"'}
    assert len(keys) > 50
    for before, line in keys:
        assert before.startswith("# ") or before in undescribed, line


def test_what_no_option_knows_is_written_for_the_reader_to_refuse():
    """Nothing a person said is lost without a word."""
    odd = {
        "hots": {"name": "x"},
        "host": {"nmae": "y"},
        "collectors": {"dsik": {"a": 1}},
        "desks": {"d": {"client": "nn"}},
    }
    assert set_keys(configuration_text(odd)) == odd


def test_the_text_is_the_same_every_time():
    """It is kept under version control."""
    assert configuration_text(ANSWERS) == configuration_text(ANSWERS)
