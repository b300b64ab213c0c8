"""Lines made to be slow: no rule takes more than time in proportion to a line's length, whatever stands in it."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from agent.redaction import Report
from redaction_corpus import open_templates, redactor

# What each rule begins with, and what could make it look again and again.
HOSTILE = [
    *(
        "a",
        "password=",
        "password ",
        "token a ",
        'password="\\',
        "mysql -p",
        "curl -u ",
        "://",
        "http://a@",
        "@",
        "a@b.",
        "1.",
        "1:",
    ),
    *(
        "ab:",
        "\\",
        '\\"',
        "'",
        '"',
        "%41",
        "eyJ-",
        "-----BEGIN RSA PRIVATE KEY",
        "echo |",
        "<password ",
        "&lt;",
        "ssh a",
        "xoxb-",
    ),
    *(
        "user ",
        "user=",
        "/home/",
        "4111 ",
        "DE12 ABCD ",
        "$6$",
        "Basic ",
        "密码",
        "CORP\\a ",
        "a.local.",
        "--password ",
        "\\u0041",
    ),
    *("Zug-9 ", "WnVn", "5a", "identified by ", "x.com ", "+49 30 ", "set to ", " ", "pass a b ", "secret 1a2b3c4d "),
]
SHORT, LONG = 1 << 13, 1 << 17  # characters
TIMES = LONG // SHORT
LONGEST = 1 << 20


def seconds(find, line):
    """Return the processor time of one look."""
    started = time.process_time()
    for _ in find(line):
        pass
    return time.process_time() - started


@pytest.mark.parametrize("rule", redactor().rules)
def test_no_line_makes_a_rule_look_again_and_again(rule):
    """Sixteen times the length takes about sixteen times the time; looking again from each character would take 256 times."""
    find = redactor().rules[rule]
    for hostile in HOSTILE:
        short = max(seconds(find, (hostile * SHORT)[:SHORT]), 0.002)
        assert seconds(find, (hostile * LONG)[:LONG]) < short * TIMES * 4, hostile


@pytest.mark.parametrize("hostile", ["password ", "\\", "a.", "a"])
def test_a_line_of_a_megabyte_is_finished(hostile):
    """Through all rules together; a rule that looked again and again would be at it for days."""
    line = "2026-11-24T00:44:01Z web01 x: " + (hostile * LONGEST)[:LONGEST]
    (out,) = redactor(open_templates(), longest_line=2 * LONGEST).lines("journal", [line.encode()], Report())
    assert out


def test_lines_take_the_same_memory_however_many_there_are():
    """They come and go one by one."""
    rules = redactor(open_templates())
    line = b"2026-11-24T00:44:01Z web01 x: " + b"word " * (1 << 13)

    def peak(lines):
        tracemalloc.start()
        for _ in rules.lines("journal", (line for _ in range(lines)), Report()):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(12) < peak(3) * 1.5
