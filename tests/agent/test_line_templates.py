"""Line templates from files: the shipped ones, and IT's own."""

from __future__ import annotations

import pytest

from agent.line_templates import load_templates


def test_the_shipped_templates_know_the_usual_sources():
    """By the names that sources are configured with."""
    assert {"journal", "kernel", "dpkg", "apt_history", "apt_term", "alternatives"} <= set(load_templates().layouts)


@pytest.mark.parametrize(
    ("layout", "line"),
    [
        (
            "journal",
            "2026-11-24T00:44:01+0000 web01 systemd[1]: nginx.service: Main process exited, code=exited, status=1/FAILURE",
        ),
        ("journal", "Nov 24 00:44:01 web01 kernel: Out of memory: Killed process 12 (java) total-vm:1kB, anon-rss:2kB"),
        (
            "journal",
            "Nov 24 00:44:01 web01 smartd[1]: Device: /dev/sda [SAT], 8 Currently unreadable (pending) sectors",
        ),
        ("journal", "Nov 24 00:44:01 web01 CRON[1]: (root) CMD (run-parts /etc/cron.daily)"),
        (
            "kernel",
            "[   12.345678] EXT4-fs error (device sda1): ext4_lookup:1 inode #2: comm ls: deleted inode referenced: 3",
        ),
        ("kernel", "[   12.345678][  T123] XFS (dm-0): Metadata corruption detected"),
        ("dpkg", "2026-11-24 00:44:01 upgrade libc6:amd64 2.36-9+deb12u10 2.36-9+deb12u14"),
        ("apt_history", "Upgrade: libc6:amd64 (2.36-9+deb12u10, 2.36-9+deb12u14), tzdata:all (1, 2)"),
    ],
)
def test_what_an_engineer_asks_for_first_may_leave(layout, line):
    """Failed units, killed processes, bad sectors, upgrades."""
    assert load_templates().fields(layout, line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "Nov 24 00:44:01 web01 shop[1]: order of Annika Berg",
        "Nov 24 00:44:01 web01 kernel: audit: type=1400 audit(1.2:3): apparmor",
        "Nov 24 00:44:01 web01 kernel: [UFW BLOCK] IN=eth0 SRC=192.0.2.1",
        "a line of nobody",
    ],
)
def test_what_nobody_listed_may_not_leave(line):
    """Applications, audit, firewall."""
    assert load_templates().fields("journal", line) is None


def test_it_adds_its_own(tmp_path):
    """A layout and the messages that may leave."""
    file = tmp_path / "shop.toml"
    file.write_text(
        "[layouts.shop]\nsummary = 'the shop'\nprogram = 'shop'\nheaders = ['{time} ']\n"
        "[[messages]]\nprograms = ['shop']\nlines = ['{user} paid {number}']\n"
    )
    (field,) = load_templates([file]).fields("shop", "2026-11-24 00:44:01 ann paid 12")
    assert field.kind == "user"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("layouts = 3", "Expected `object`"),
        ("[[messages]]\nprograms = ['x']\nlines = ['{user}{nmae}']", "there is no field 'nmae'"),
        ("[", "Invalid initial character"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_with_a_mistake_is_named(text, problem, tmp_path):
    """With what is wrong in it."""
    file = tmp_path / "shop.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=rf"shop\.toml.*{problem}"):
        load_templates([file])
