"""Nagios plugins: exit statuses, performance data with units and ranges, and programs that misbehave."""

import math
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collecting import HostAccess
from agent.configuration.decode import decode
from collectors import Completed, CouldNotCheck, NotSupported, Reading, nagios
from collectors._plugin_output import Performance, parse_output, parse_range
from fuzzing import limited


def told(output, status=0, errors=""):
    """Return what a plugin that printed `output` gives, by name and labels; what could not be checked by its reason."""
    items = nagios.check_readings("c", Completed(status, output, errors), 1.0)
    return {
        (item.name, *[text for label, text in item.labels.items() if label != "check"]): (
            item.value if isinstance(item, Reading) else item.reason
        )
        for item in items
    }


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_the_exit_status_is_what_the_plugin_says(status):
    """3, "unknown", is a status too: the rule calls it neither."""
    assert told("TEXT", status) == {("nagios_status",): status}


@pytest.mark.parametrize(
    ("status", "reason"), [(4, "ended with status 4"), (127, "ended with status 127"), (-11, "was ended by signal 11")]
)
def test_an_end_that_is_no_plugins_is_not_a_status(status, reason):
    """It could not be checked; its own last word is told."""
    [(name, said)] = told("", status, "cannot open shared object").items()
    assert name == ("nagios_status",)
    assert reason in said
    assert "cannot open shared object" in said


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("load1=0.61", ("nagios_performance", 0.61)),
        ("load1=-5e-1", ("nagios_performance", -0.5)),
        ("used=81%", ("nagios_performance_ratio", 0.81)),
        ("time=250ms", ("nagios_performance_seconds", 0.25)),
        ("time=3us", ("nagios_performance_seconds", 3e-6)),
        ("/=15MB", ("nagios_performance_bytes", 15 * 2**20)),
        ("/=15MiB", ("nagios_performance_bytes", 15 * 2**20)),
        ("/=7B", ("nagios_performance_bytes", 7)),
        ("packets=12c", ("nagios_performance_total", 12)),
        ("fan=1200rpm", ("nagios_performance", 1200)),
    ],
)
def test_each_unit_becomes_a_base_unit(written, reading):
    """Sizes are powers of 1024, as the plugins count them."""
    label = written.partition("=")[0]
    found = told(f"OK | {written}")
    assert found["nagios_status",] == 0
    assert found[reading[0], label] == pytest.approx(reading[1])


def test_a_value_that_the_plugin_could_not_tell_is_not_0():
    """U is the guidelines' word for it."""
    assert told("OK | a=U;1;2")["nagios_performance", "a"] == "the plugin could not tell"


def test_ranges_and_maximum_are_read_in_the_values_unit():
    """A real check_disk's line: 12 GiB used of 20, to warn above 16 and at 18."""
    found = told("DISK OK - free space: / | /=12288MB;16384;18432;0;20480")
    assert found["nagios_maximum_bytes", "/"] == 20 * 2**30
    assert found["nagios_beyond_range", "/", "warning"] == found["nagios_beyond_range", "/", "critical"] == 0
    found = told("DISK WARNING | /=17000MB;16384;18432;0;20480", 1)
    assert (found["nagios_beyond_range", "/", "warning"], found["nagios_beyond_range", "/", "critical"]) == (1, 0)


# The table of the guidelines, "Threshold and ranges", and below it both sides of each limit.
@pytest.mark.parametrize(
    ("text", "fine", "alerts"),
    [
        ("10", [0, 10], [-1, 11]),
        ("10:", [10, 1e9], [9]),
        ("~:10", [-1e9, 10], [11]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 20]),
        ("0", [0], [1, -1]),
    ],
)
def test_ranges_warn_as_the_guidelines_say(text, fine, alerts):
    """Ends belong to the range."""
    limits = parse_range(text)
    assert [limits.warns(value) for value in fine] == [False] * len(fine)
    assert [limits.warns(value) for value in alerts] == [True] * len(alerts)


def test_performance_data_may_go_on_below_the_long_text():
    """The guidelines' own example of output over several lines."""
    output = (
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
        "/ 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%); | /boot=68MB;88;93;0;98\n"
        "/home=69357MB;253404;253409;0;253414\n"
    )
    text, values, malformed = parse_output(output)
    assert text == "DISK OK - free space: / 3326 MB (56%);"
    assert [value.label for value in values] == ["/", "/boot", "/home"]
    assert malformed == []


def test_labels_may_be_quoted():
    """With blanks, equal signs and doubled quotes in them."""
    _, values, _ = parse_output("x | 'a b'=1 'it''s = 5'=2")
    assert [(value.label, value.value) for value in values] == [("a b", 1), ("it's = 5", 2)]


def test_what_is_malformed_is_said_and_spoils_nothing_else():
    """Nor does a value that stands there twice."""
    found = told("x | a=1 nonsense b=1,5 c=2;x;y a=9 d=3")
    assert found["nagios_performance", "a"] == 1
    assert found["nagios_performance", "d"] == 3
    assert "4 parts of its performance data" in found["nagios_performance",]


@given(st.text(max_size=200))
def test_no_output_breaks_the_reading_of_it(output):
    """Whatever a plugin prints."""
    _, values, _ = parse_output(output)
    assert all(value.label and (value.value is None or not math.isnan(value.value)) for value in values)


@given(st.floats(-1e12, 1e12, allow_nan=False), st.text("abcdefgh /'=", min_size=1, max_size=20))
def test_what_is_written_by_the_rules_is_read_back(value, label):
    """Any label, any number."""
    quoted = label.replace("'", "''")
    assert parse_output(f"OK | '{quoted}'={value!r}")[1] == [Performance(label, value)]


def program(folder: Path, text: str) -> str:
    """Return the path of a Python program."""
    path = folder / "check_x"
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{text}\n")
    path.chmod(0o755)
    return str(path)


def run(command, **options):
    """Return what the collector yields on this machine."""
    check = nagios.NagiosCheck(command=command, **options)
    return list(nagios.PLUGIN.build(nagios.NagiosOptions(checks={"c": check}), HostAccess()).collect(1.0))


def test_a_plugin_gets_its_arguments_as_they_are_and_a_clean_environment(tmp_path, monkeypatch):
    """No shell looks at them, nothing of ours is handed down."""
    monkeypatch.setenv("TOKEN", "s3cret")
    path = program(
        tmp_path,
        "print(f\"OK | n={len(sys.argv)} leaked={int('TOKEN' in os.environ)}\"); sys.exit(sys.argv[1] != '$(id); a')",
    )
    values = {item.labels.get("metric"): item.value for item in run([path, "$(id); a", "*"])}
    assert values == {None: 0, "n": 3, "leaked": 0}


def test_a_plugin_that_hangs_is_ended_with_all_it_started(tmp_path):
    """It could not be checked, and nothing is left behind."""
    path = program(tmp_path, f"os.fork(); open(f'{tmp_path}/{{os.getpid()}}', 'w'); time.sleep(600)")
    began = time.monotonic()
    [missing] = run([path], timeout=1.0)
    assert isinstance(missing, CouldNotCheck)
    assert "did not finish in 1 s" in missing.reason
    assert time.monotonic() - began < 60
    pids = [name.name for name in tmp_path.iterdir() if name.name.isdecimal()]
    assert pids
    assert not any(
        Path("/proc", pid, "cmdline").exists() and Path("/proc", pid, "cmdline").read_bytes() for pid in pids
    )


def test_a_plugin_that_is_missing_is_said_to_be():
    """With the path that was tried."""
    [missing] = run(["/nonexistent/check_x"])
    assert "/nonexistent/check_x" in missing.reason


def test_without_a_check_there_is_nothing_to_do():
    """Nothing is started."""
    with pytest.raises(NotSupported):
        list(nagios.PLUGIN.build(nagios.NagiosOptions(), HostAccess()).collect(1.0))


def test_a_wrong_configuration_is_told_by_its_key():
    """Each mistake with its own."""
    checks = {
        "a": {"command": ["check_x"]},
        "b": {"command": []},
        "c": {"comand": ["/x"]},
        "d": {"command": ["/x"], "timeout": "0s"},
    }
    _, errors = decode(nagios.NagiosOptions, {"checks": checks}, file="f", key="collectors.nagios")
    assert sorted({error.key.rpartition("checks.")[2] for error in errors}) == [
        "a",
        "b.command",
        "c.comand",
        "c.command",
        "d",
    ]


def test_a_hundred_thousand_words_that_are_no_values_are_read_at_once():
    """As much as a plugin may print takes less than a second; its square would be minutes."""
    with limited(2):
        _, values, malformed = parse_output("OK | " + "home 69357MB | " * 50_000)
    assert values == []
    assert len(malformed) == 150_000
