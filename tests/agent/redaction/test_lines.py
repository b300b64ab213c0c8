"""Lines that leave whole, and those that are left out whole."""

from __future__ import annotations

import pytest

from agent.redaction import LONGEST_LINE, Report
from redaction_corpus import open_templates, redactor

HEADER = b"2026-11-24T00:44:01Z web01 "


def out(*messages, templates=None, **options):
    """Return what leaves of journal messages, without the header, and the report."""
    report = Report()
    rules = redactor(templates or open_templates(), **options)
    lines = rules.lines("journal", [HEADER + message for message in messages], report)
    return [line.split(" ", 2)[2] for line in lines], report


def test_line_breaks_are_taken_off():
    """Those of Windows, too."""
    assert out(b"a b\n", b"c d\r\n", b"e f")[0] == ["a b", "c d", "e f"]


@pytest.mark.parametrize(
    "message", [b"\xff\xfe", b"caf\xe9", b"a\0b", b"bell\a", "a\u2028b".encode(), b"\xc3\xdc\xc2\xeb 1"]
)
def test_what_is_not_text_is_left_out(message):
    """Rules see nothing in what they cannot read."""
    assert out(message, b"well")[0] == ["well"]
    assert out(message)[1].left_out == {"not_text": 1}


def test_colours_and_invisible_characters_are_taken_out():
    """They could stand in the middle of a key."""
    assert out(b"\x1b[31mred\x1b[0m", "pass\u200bword\u200b=x1y2z3".encode())[0] == [
        "red",
        "password=[masked:secret_key]",
    ]


def test_a_line_that_is_too_long_is_left_out_whole():
    """A cut one could end in half a secret."""
    kept, report = out(b"a" * (LONGEST_LINE - len(HEADER)), b"a" * (LONGEST_LINE - len(HEADER) + 1))
    assert [len(line) for line in kept] == [LONGEST_LINE - len(HEADER)]
    assert report.left_out == {"too_long": 1}


KEY = [
    b"-----BEGIN OPENSSH PRIVATE KEY-----",
    b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt",
    b"c2hvcnQ",
    b"-----END OPENSSH PRIVATE KEY-----",
]


def test_a_private_key_is_left_out_from_its_first_line_to_its_last():
    """Whoever else writes in between, and though each line by itself says little."""
    kept, report = out(b"before", *KEY[:2], b"somebody else", *KEY[2:], b"after")
    assert kept == ["before", "after"]
    assert report.left_out == {"private_key": 5}


def test_a_key_whose_beginning_was_cut_off_is_left_out():
    """Its long lines by their form, its short last one because the end follows."""
    kept, _ = out(*KEY[1:], b"after")
    assert kept == ["[masked:random_token]", "after"]


def test_a_key_that_never_ends_does_not_hold_back_all():
    """After more lines than any key has, the log goes on."""
    kept, report = out(KEY[0], *[b"line"] * 500)
    assert report.left_out == {"private_key": 401}
    assert len(kept) == 100


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PRIVATE KEY"]
)
def test_every_kind_of_private_key_is_known(kind):
    """By the words of its first and last line."""
    assert out(f"-----BEGIN {kind}-----".encode(), b"c2hvcnQ", f"-----END {kind}-----".encode())[0] == []


def test_a_certificate_is_no_secret():
    """Everybody may see it."""
    assert len(out(b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----")[0]) == 2


def test_lines_without_a_template_are_counted():
    """They are what a reader of the bundle does not see."""
    report = Report()
    lines = [HEADER + b"systemd[1]: Started x.", HEADER + b"unknown[1]: anything", b"no header"]
    assert len(list(redactor().lines("journal", lines, report))) == 1
    assert (report.lines_in, report.lines_out, report.left_out) == (3, 1, {"no_template": 2})


def test_what_was_replaced_is_counted_by_rule():
    """Once for each place."""
    _, report = out(b"password=x1y2 password=z3", b"from 203.0.113.7 port 22")
    assert report.redactions == {"secret_key": 2, "address": 1, "host_field": 2}


def test_where_rules_overlap_the_whole_stretch_is_masked():
    """A value that holds a mail address is masked as a value; nothing of either is left over."""
    assert out(b"password=ann@example.org;x")[0] == ["password=[masked:secret_key]"]


def test_lines_come_one_by_one():
    """Before the source has ended, so that a source of any size takes the same memory."""
    endless = iter(lambda: HEADER + b"x", None)
    lines = redactor(open_templates()).lines("journal", endless, Report())
    assert len([next(lines) for _ in range(3)]) == 3
