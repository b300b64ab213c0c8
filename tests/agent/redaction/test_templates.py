"""Line templates: what fits, and what is wrong with a template."""

from __future__ import annotations

import pytest

from agent.redaction import Templates, parse_templates

LAYOUT = 'layouts.x = { summary = "s", headers = ["{time} {host} {program}: "] }\n'


def templates(*lines):
    """Return templates with messages of the program `p`."""
    written = ", ".join(f"'''{line}'''" for line in lines)
    return Templates([parse_templates(f"{LAYOUT}messages = [{{ programs = ['p'], lines = [{written}] }}]")])


def fits(template, message):
    """Return whether a message fits a template."""
    return templates(template).fields("x", f"2026-11-24T00:44:01Z web01 p: {message}") is not None


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("all {text}", "all of it, whatever: (it) is"),
        ("all {text}", "all "),
        ("{text}.", "one. two."),
        ("{name}: {text}", "a.service: b: c"),
        ("{name}[{number}]: segfault at {hex} ip {text}", "java[12]: segfault at 7f00 ip 0000"),
        ("{number} of {number}", "12 of 1,024.5"),
        ("took {number}s", "took -3s"),
        ("{path}: {text}", "/var/log/x: y"),
        ("{user}({text})", "ann(x)"),
        ("([{text}])", "([.*+?])"),
        ("", ""),
    ],
)
def test_a_template_fits_what_it_describes(template, message):
    """Its own signs stand for themselves."""
    assert fits(template, message)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("all {text}", "alles"),
        ("took {number}s", "took long"),
        ("took {number}s", "took 3s more"),
        ("{name}: {text}", "two words: x"),
        ("{path}", "relative/path"),
        ("{hex}", "xyz"),
        ("a.b", "acb"),
        ("", "x"),
    ],
)
def test_a_template_fits_nothing_else(template, message):
    """The whole message must fit."""
    assert not fits(template, message)


def test_words_that_a_template_knows_are_told():
    """Users, hosts, addresses, secrets and versions; the header's host, too."""
    line = "2026-11-24T00:44:01Z web01 p: ann logged in from 192.0.2.1 with k3y, {text}"
    fields = templates("{user} logged in from {address} with {secret}, {text}").fields("x", line)
    assert [(field.kind, line[field.start : field.end]) for field in fields] == [
        ("host", "web01"),
        ("user", "ann"),
        ("address", "192.0.2.1"),
        ("secret", "k3y"),
    ]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{nmae} x", "there is no field 'nmae'"),
        ("{text}{number}", "put words behind {text}"),
        ("{word}{text}", "put words behind {word}"),
    ],
)
def test_a_template_that_cannot_work_is_refused(template, problem):
    """With its own text, so that it is found."""
    with pytest.raises(ValueError, match=problem):
        templates(template)


def test_a_layout_must_say_whose_messages_they_are():
    """By a field in each header, or once."""
    with pytest.raises(ValueError, match="layout 'x': say `program`"):
        Templates([parse_templates('layouts.x = { summary = "s", headers = ["{time} "] }')])


@pytest.mark.parametrize("text", ["layouts.x = 3", "[[messages]]\nprogram = ['p']", "messages = ["])
def test_a_file_that_is_no_templates_is_refused(text):
    """By TOML's rules or ours."""
    with pytest.raises(ValueError, match=r"Expected|unknown field|missing required|Invalid"):
        parse_templates(text)


def test_an_unknown_layout_is_a_mistake_of_the_caller():
    """Not a line that does not fit."""
    with pytest.raises(KeyError):
        templates("x").fields("y", "line")


def test_every_time_that_logs_write_is_a_time():
    """With and without year, zone and fractions."""
    for time in (
        "Nov 24 00:44:01",
        "Nov  4 00:44:01",
        "2026-11-24T00:44:01+0100",
        "2026-11-24 00:44:01,123",
        "2026-11-24T00:44:01.123456Z",
    ):
        assert templates("x").fields("x", f"{time} web01 p: x") is not None, time
