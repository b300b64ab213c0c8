"""Reading the configuration: what is right arrives, and everything that is wrong is said at once."""

import re
from pathlib import Path

import pytest

from agent.configuration import config
from agent.configuration.config import ConfigFile, Configuration, load, shipped_rules
from agent.configuration.decode import ConfigErrors
from agent.configuration.plugins import COLLECTORS
from agent.configuration.settings import Settings

GOLDEN = Path(__file__).parents[2] / "golden/config_errors.txt"

EVERYTHING_WRONG = """
wrong = 1

[host]
nmae = "files-01"
criticality = "huge"

[customer]
zone = "Europe/Berln"
tier = 3

[agent]
cycle = "1s"
listen = "nowhere"
first_look = "soon"

[cases]
grace = inf
recurring_after = "three"
storm_cases = 1

[windows]
weekly = [
  { days = ["mon", "tuesday"], start = "25:00", duration = "30h" },
  { days = [], start = "22:00" },
]

[service_levels.P1]
fix = "4h"

[delivery]
desk = "rt2"
poll = 2026-01-01

[secrets]
token = 5

[collectors.disk]
intervall = "5m"

[collectors.dsik]

[collectors.services]
required = ["*"]

[rules.unheard_of]
enabled = false

[rules.own]
summary = "Own."
kind = "levl"
select = { reading = "filesystem_avail_byte" }

[rules.odd]
summary = "Odd."
kind = "level"
select = { reading = "cpu_utilization_ratio" }
limits = { warning = 0.9, critical = 0.5 }

[rules.bad-id]
summary = "Bad."
kind = "level"
select = { reading = "cpu_utilization_ratio" }
limits = { warnign = 0.9 }

[desks.rt]
client = "request_tracker"
url = 5
queue = ""
priorities = { P5 = 1 }

[desks.nameless]

[desks.other]
client = "reqest_tracker"
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a configuration file and returns its path."""

    def write(text):
        path = tmp_path / "foretell.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def no_default_file(tmp_path, monkeypatch):
    """Make sure that this host's own configuration has no say."""
    monkeypatch.setattr(config, "DEFAULT_PATH", tmp_path / "etc/foretell.toml")
    return tmp_path / "etc/foretell.toml"


def problems(path):
    """Return the lines of everything wrong with the file."""
    with pytest.raises(ConfigErrors) as caught:
        load(path, environ={})
    return str(caught.value).replace(str(path.parent) + "/", "").splitlines()


def test_every_mistake_of_every_part_is_said_at_once(write, golden):
    """One report, each line with file, key, problem and cure."""
    golden(GOLDEN, "\n".join(problems(write(EVERYTHING_WRONG))) + "\n")


def test_nothing_configured_is_a_working_configuration(no_default_file):
    """Our own collectors, the shipped rules and the local desk."""
    assert not no_default_file.exists()
    configuration = load(environ={"TZ": "Asia/Tokyo"})
    assert (configuration.settings, configuration.source, configuration.notes) == (Settings(), None, ())
    assert configuration.zone == "Asia/Tokyo"
    assert {"cpu", "disk", "memory", "services", "software"} <= {one.name for one in configuration.collectors}
    assert set(configuration.rules_by_id) == {
        name for name, rule in shipped_rules().items() if rule.get("enabled", True)
    }
    assert list(configuration.desks) == ["local"]


def test_the_file_is_the_named_one_then_that_of_the_environment_then_the_default(write, no_default_file, tmp_path):
    """In this order; the source is an absolute path, for a child that starts elsewhere."""
    named = write('[host]\nname = "named"')
    other = tmp_path / "other.toml"
    other.write_text('[host]\nname = "environment"')
    no_default_file.parent.mkdir()
    no_default_file.write_text('[host]\nname = "default"')
    environ = {"FORETELL_CONFIG": str(other)}
    assert load(named, environ=environ).settings.host.name == "named"
    assert load(environ=environ).settings.host.name == "environment"
    assert load(environ={}).settings.host.name == "default"
    assert load(environ={}).source == no_default_file


def test_a_relative_path_becomes_absolute(write, monkeypatch):
    """The courier is started in another folder."""
    path = write("")
    monkeypatch.chdir(path.parent)
    assert load(Path("foretell.toml"), environ={}).source == path


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "foretell.toml: there is no such file — mend: name another, or write one with `foretell init`"),
        (
            b"[host]\nname = \n",
            "foretell.toml: is not TOML: Invalid value (at line 2, column 8) — mend: correct it there",
        ),
        (b"a = '\xff'", "foretell.toml: is not UTF-8 text (byte 5) — mend: save it as UTF-8"),
        (b"a = " + b"[" * 9999, "foretell.toml: is nested too deeply — mend: write it flatter"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(content, line, tmp_path):
    """An explicitly named file that is missing is an error, not the defaults."""
    path = tmp_path / "foretell.toml"
    if content is not None:
        path.write_bytes(content)
    assert problems(path) == [line]


def test_a_folder_in_place_of_the_file_is_said(tmp_path):
    """Whatever the system says is passed on."""
    assert problems(tmp_path) == [
        f"{tmp_path.name}: cannot be read: Is a directory — mend: let the agent's user read it"
    ]


def test_a_part_that_was_not_asked_for_is_neither_imported_nor_checked(write):
    """The daemon has no HTTP client in memory, the courier no collectors."""
    path = write('[desks.rt]\nclient = "nonsense"\n[delivery]\ndesk = "rt"\n[collectors.disk]\nx = 1')
    with pytest.raises(ConfigErrors, match=r"desks\.rt\.client"):
        load(path, parts={"desks"}, environ={})
    path = write('[desks.rt]\nclient = "nonsense"\n[delivery]\ndesk = "rt"')
    configuration = load(path, parts={"collectors", "rules"}, environ={})
    assert configuration.desks == {}
    assert configuration.collectors
    assert load(write(""), parts=(), environ={"TZ": "UTC"}) == Configuration(
        settings=Settings(), file=ConfigFile(str(path), ""), zone="UTC"
    )


def test_options_reach_their_collector(write):
    """Durations in words; what is left out is the plugin's own."""
    configuration = load(write('[collectors.disk]\ninterval = "5m"\ndeadline = 3'), environ={})
    disk = next(one for one in configuration.collectors if one.name == "disk")
    cpu = next(one for one in configuration.collectors if one.name == "cpu")
    assert (disk.interval, disk.deadline) == (300.0, 3.0)
    assert (cpu.interval, cpu.deadline) == (cpu.plugin.interval, cpu.plugin.deadline)


def test_a_collector_that_is_switched_off_does_not_run_and_its_rules_are_noted(write):
    """That is allowed, but then those rules judge nothing, and it is said."""
    configuration = load(write("[collectors.disk]\nenabled = false"), environ={})
    assert "disk" not in {one.name for one in configuration.collectors}
    readings = {declared.name for declared in COLLECTORS.load("disk").readings}
    idle = {name: rule["select"]["reading"] for name, rule in shipped_rules().items()}
    idle = {name: reading for name, reading in idle.items() if reading in readings}
    assert {"disk_space", "mount_hung"} <= idle.keys()
    for name, reading in idle.items():
        told = f"rule {name} judges nothing: no enabled collector yields {reading}"
        assert any(note.startswith(told) for note in configuration.notes)


def test_what_looks_at_named_things_only_waits_for_a_name(write):
    """An empty table names nothing; its rules are no news, and a rule of one's own is told where to name something."""
    configuration = load(write("[collectors.port]"), environ={})
    assert "port" not in {one.name for one in configuration.collectors}
    assert not [note for note in configuration.notes if "port_closed" in note]
    own_rule = (
        '[rules.own]\nsummary = "A."\nkind = "state"\nselect = {reading = "port_open"}\nlimits = {critical = [1]}'
    )
    with pytest.raises(
        ConfigErrors, match=r"own\.select\.reading: .* say in \[collectors\.port\] what is to be looked at"
    ):
        load(write(own_rule.replace("critical", "healthy = [0], critical")), environ={})
    configuration = load(write('[collectors.port]\ntargets = ["a:1"]\n' + own_rule), environ={})
    assert {"port"} <= {one.name for one in configuration.collectors}


def test_a_rule_may_judge_what_the_options_of_a_collector_let_in(write):
    """By name or by pattern; a slip is found all the same."""
    exporter = '[collectors.exporter.targets.n]\nurl = "http://127.0.0.1:1/"\nmetrics = ["node_load*"]\n'
    rule = '[rules.own]\nsummary = "A."\nkind = "level"\nselect = {reading = "%s"}\nlimits = {warning = 1}'
    configuration = load(write(exporter + rule % "node_load15"), environ={})
    assert "own" in configuration.rules_by_id
    assert "node_load*" not in configuration.units
    with pytest.raises(ConfigErrors, match="no enabled collector yields this reading"):
        load(write(exporter + rule % "node_laod15"), environ={})


@pytest.mark.usefixtures("third_party")
def test_a_third_partys_collector_runs_when_it_is_configured(write):
    """Installed alone it does nothing."""
    assert "acme" not in {one.name for one in load(write(""), environ={}).collectors}
    own_rule = '[rules.acme]\nsummary = "A."\nkind = "level"\nselect = {reading = "acme_level"}\nlimits = {warning = 1}'
    configuration = load(write("[collectors.acme]\n" + own_rule), environ={})
    assert "acme" in {one.name for one in configuration.collectors}
    assert "acme" in configuration.rules_by_id


def test_a_shipped_rule_is_changed_key_by_key(write):
    """Only what is named changes, also within its tables."""
    before = load(write(""), environ={}).rules_by_id["disk_space"]
    changed = load(
        write('[rules.disk_space]\nimpact = "low"\nfor = "3h"\n[rules.disk_space.select.where]\nmountpoint = ["/srv"]'),
        environ={},
    )
    rule = changed.rules_by_id["disk_space"]
    assert (rule.impact, rule.hold, rule.select.where["mountpoint"]) == ("low", 10800.0, ["/srv"])
    assert (rule.kind, rule.limits, rule.select.reading) == (before.kind, before.limits, before.select.reading)
    assert rule.select.where.keys() - {"mountpoint"} == before.select.where.keys() - {"mountpoint"}


def test_a_rule_that_is_switched_off_is_not_judged(write):
    """And no other is touched."""
    before = load(write(""), environ={}).rules_by_id.keys()
    after = load(write("[rules.disk_space]\nenabled = false"), environ={}).rules_by_id.keys()
    assert before - after == {"disk_space"}


def test_limits_of_another_kind_do_not_carry_over():
    """A change of kind brings its own limits; a change within the kind keeps the others."""
    shipped = {"kind": "level", "limits": {"warning": 1, "critical": 2}}
    assert config._changed(shipped, {"limits": {"warning": 3}})["limits"] == {"warning": 3, "critical": 2}
    assert config._changed(shipped, {"kind": "level", "limits": {}})["limits"] == shipped["limits"]
    assert config._changed(shipped, {"kind": "state", "limits": {"warning": [1]}})["limits"] == {"warning": [1]}
    assert "limits" not in config._changed(shipped, {"kind": "state"})
    assert shipped["limits"] == {"warning": 1, "critical": 2}


ROUTES = """
[delivery]
desk = "rt"
routes = [
  { desk = "on_call", match = { rule = ["disk_*", "storm"], priority = ["P1"] }, continue = true },
  { desk = "rt", match = { labels = { mountpoint = ["/srv*"] } } },
]

[desks.rt]
client = "request_tracker"
url = "http://127.0.0.1/rt"
queue = "Preventive"
token_secret = "rt"

[desks.on_call]
like = "rt"
queue = "On call"

[desks.night]
like = "on_call"
token_secret = "night"
"""


def test_routes_and_desks_that_are_like_others(write):
    """A desk takes over the keys of the one that it is like, which may be like another."""
    configuration = load(write(ROUTES), parts={"desks"})
    delivery = configuration.settings.delivery
    assert delivery.desks == ("on_call", "rt")
    assert [route.goes_on for route in delivery.routes] == [True, False]
    options = {name: options for name, (_, options) in configuration.desks.items()}
    assert {name: (one.queue, one.token_secret) for name, one in options.items()} == {
        "rt": ("Preventive", "rt"),
        "on_call": ("On call", "rt"),
        "night": ("On call", "night"),
    }


def test_the_example_in_the_documentation_is_right(write):
    """Whoever copies it gets a configuration that can be read, and routes for rules that there are."""
    page = (Path(__file__).parents[3] / "docs/routing.md").read_text("utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    configuration = load(write(example), parts={"rules", "desks"})
    assert configuration.settings.delivery.desks == ("on_call", "premium", "rt")
    assert configuration.notes == ()
    assert configuration.desks["premium"][1].queue == "Premium customers"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('like = "rtt"', 'desks.on_call.like: is not the name of a desk — mend: did you mean "rt"?'),
        ("like = 5", "desks.on_call.like: is not the name of a desk — mend: write another desk's name"),
        ('like = "night"', "goes round in a circle: on_call -> night -> on_call — mend: leave it out in one of them"),
        ('like = "on_call"', "goes round in a circle: on_call -> on_call — mend: leave it out in one of them"),
    ],
)
def test_a_desk_that_is_like_nothing_is_said(write, change, problem):
    """With the key at which it is written."""
    assert any(line.endswith(problem) for line in problems(write(ROUTES.replace('like = "rt"', change))))


def test_a_route_to_no_desk_is_said(write):
    """By its number; with what was meant."""
    found = problems(write(ROUTES.replace('{ desk = "on_call"', '{ desk = "oncall"')))
    assert found == [
        'foretell.toml: delivery.routes[0].desk: there is no [desks.oncall] — mend: did you mean "on_call"?'
    ]


def test_a_route_for_a_rule_that_is_not_there_is_noted(write):
    """Its tickets would go elsewhere in silence."""
    configuration = load(write(ROUTES.replace("disk_*", "dsik_*")), parts={"rules"})
    assert configuration.notes == ("the route to on_call is for dsik_*, and no rule that is judged is called so",)


def test_a_slip_in_a_shipped_rules_id_gets_the_nearest(write):
    """A change that meets no rule must not be lost."""
    assert problems(write("[rules.disk_spcae]\nenabled = false")) == [
        'foretell.toml: rules.disk_spcae: no shipped rule has this id — mend: did you mean "disk_space"?'
    ]


def test_an_id_in_the_table_is_not_a_second_name(write):
    """The id is the table's name; it never changes."""
    assert load(write('[rules.disk_space]\nid = "disk_space"'), environ={}).rules
    assert problems(write('[rules.disk_space]\nid = "other"')) == [
        "foretell.toml: rules.disk_space.id: is not the table's name — mend: leave it out"
    ]
