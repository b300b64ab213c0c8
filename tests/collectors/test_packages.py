"""Installed packages: read from what managers write down, recognised as products, judged by whose build they are."""

import os
from datetime import UTC, date, datetime
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Completed, NotSupported, packages
from collectors._catalogue import SHIPPED, Catalogue, Product, Release, read_catalogue
from collectors._debian_support import parse_ended, parse_limited, parse_list
from collectors._lifecycle import Distribution, lifecycles, nearest
from collectors._package_lists import (
    Package,
    parse_apk_installed,
    parse_dpkg_status,
    parse_pacman_folders,
    parse_rpm,
)
from collectors._products import Recogniser, load_products
from collectors._windows_programs import parse_programs
from collectors._windows_release import release_from
from collectors.contract import FakeHost
from real_hosts import package_entry as entry

DEBIAN = "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian 12\n"
PRODUCTS = load_products()
END = "software_support_end_timestamp_seconds"
DISTRIBUTION = Distribution("Debian 12", date(2028, 6, 30))


def debian(root, *entries):
    """Return a Debian 12 with these packages."""
    return FakeHost(root).write("/etc/os-release", DEBIAN).write("/var/lib/dpkg/status", "".join(entries))


def collect(host, at=1.0):
    """Return what one run yields."""
    return list(packages.PLUGIN.build(packages.PackagesOptions(), host).collect(at))


def ends(items):
    """Return by product and basis the day on which support ends, None without a day."""
    return {
        (item.labels["product"], item.labels["basis"]): (
            None if isnan(item.value) else datetime.fromtimestamp(item.value, UTC).date().isoformat()
        )
        for item in items
        if item.name == END and hasattr(item, "value")
    }


def known(**releases):
    """Return a catalogue that knows PostgreSQL alone."""
    product = Product(
        label="PostgreSQL", page="", releases={name.replace("v", ""): one for name, one in releases.items()}
    )
    return Catalogue(format=1, taken=date(2026, 8, 22), source="", products={"postgresql": product})


def postgres(version, name="postgresql-15"):
    """Return a PostgreSQL package."""
    return Package(name, version, name)


# -- what managers write down ---------------------------------------------------------------------------------------------


def test_dpkg_lists_what_is_installed():
    """What was removed left its configuration, and is not there; a source of its own name is not written down."""
    text = (
        "Package: libpq5\nStatus: install ok installed\nSource: postgresql-15 (15.14-0)\nVersion: 15.14-0+b1\n"
        "Description: library\n Package: not one\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        "Package: held\nStatus: hold ok installed\nVersion: 2:1.0\n"
    )

    assert list(parse_dpkg_status(text.splitlines(keepends=True))) == [
        Package("libpq5", "15.14-0+b1", "postgresql-15"),
        Package("held", "2:1.0", "held"),
    ]


def test_apk_lists_a_letter_a_field():
    """From the documented format of apk's installed database."""
    text = "C:Q1abc=\nP:musl\nV:1.2.5-r0\no:musl\nF:lib\nR:ld-musl.so\n\nP:php83-fpm\nV:8.3.10-r0\no:php83\n"

    assert list(parse_apk_installed(text.splitlines(keepends=True))) == [
        Package("musl", "1.2.5-r0", "musl"),
        Package("php83-fpm", "8.3.10-r0", "php83"),
    ]


def test_rpm_answers_a_package_a_line():
    """Keys of repositories are listed among them and are none; a line that is none is left out."""
    text = "bash\t0:5.1.8-9.el9\ngpg-pubkey\t0:350d275d-6279464b\nwarning: something\n"

    assert list(parse_rpm(text.splitlines())) == [Package("bash", "0:5.1.8-9.el9", "bash")]


def test_pacman_has_a_folder_for_each():
    """From its documented layout: name, version and release, of which only the name may hold a hyphen."""
    assert list(parse_pacman_folders(["gcc-libs-14.2.1-3", "ALPM_DB_VERSION", "a-1"])) == [
        Package("gcc-libs", "14.2.1-3", "gcc-libs")
    ]


def test_windows_lists_programs_and_parts_of_them():
    """From Microsoft's description of the Uninstall keys: parts and system components are not programs of their own."""
    found = parse_programs(
        [
            {"DisplayName": "PostgreSQL 15 ", "DisplayVersion": "15.4-1"},
            {"DisplayName": "Python 3.9.13 (64-bit)", "DisplayVersion": "3.9.13150.0"},
            {"DisplayName": "Python 3.9.13 Core Interpreter (64-bit)", "SystemComponent": "1"},
            {"DisplayName": "KB1", "ParentKeyName": "Office"},
            {},
        ]
    )

    recognised = [Recogniser("windows", PRODUCTS).recognise(package) for package in found]
    assert [(one.slug, one.version) for one in recognised if one] == [
        ("postgresql", "15.4"),
        ("python", "3.9.13150.0"),
    ]


@pytest.mark.parametrize(
    ("values", "system", "version"),
    [
        ({"CurrentBuild": "20348", "InstallationType": "Server Core"}, "windows-server", "2022"),
        ({"CurrentBuild": "26100", "DisplayVersion": "24H2", "EditionID": "Enterprise"}, "windows", "11-24h2-e"),
        ({"CurrentBuild": "26100", "DisplayVersion": "24H2", "EditionID": "EnterpriseS"}, "windows", "11-24h2-e-lts"),
        ({"CurrentBuild": "19045", "DisplayVersion": "22H2", "EditionID": "Core"}, "windows", "10-22h2-w"),
    ],
)
def test_releases_of_windows_have_the_catalogue_s_names(values, system, version):
    """From Microsoft's documentation; the catalogue has each of these names."""
    release = release_from(values)

    assert (release["ID"], release["VERSION_ID"]) == (system, version)
    assert read_catalogue(SHIPPED).release(system, version)


PARSERS = [parse_dpkg_status, parse_apk_installed, parse_rpm, parse_pacman_folders]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(
    lines=st.lists(
        st.one_of(
            st.text(max_size=40),
            st.sampled_from(["", "Package: a", "Version: 1", "Status: install ok installed", "P:a", "V:1", "a\t0:1-1"]),
            st.builds(
                "{}: {}".format, st.sampled_from(["Package", "Version", "Status", "Source"]), st.text(max_size=20)
            ),
        ),
        max_size=30,
    )
)
def test_no_list_breaks_a_parser(parse, lines):
    """Whatever is in it: no error, at most one package a line, each with a name and a version."""
    found = list(parse(lines))

    assert len(found) <= len(lines)
    assert all(package.name and package.version for package in found)


@given(text=st.text(max_size=200))
def test_no_list_of_withdrawn_packages_breaks_its_parser(text):
    """Nor does a name in it cost more than its length."""
    assert all(one.name.pattern for one in parse_ended(text))
    assert len(list(parse_limited(text))) <= len(text.splitlines())
    assert len(parse_list(text).withdrawn) <= len(text.splitlines())


# -- whose build it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "version", "supplier"),
    [
        ("postgresql-15", "15.14-0+deb12u1", None),
        ("postgresql-15", "15.14-1.pgdg12+1", "PostgreSQL Global Development Group"),
        ("mariadb-server", "1:10.11.14-0+deb12u2", None),
        ("mariadb-server", "1:10.6.22+maria~deb12", "MariaDB Foundation"),
        ("nginx", "1.22.1-9+deb12u3", None),
        ("nginx", "1.26.1-2~bookworm", "nginx.org"),
        ("nodejs", "18.20.4+dfsg-1~deb12u1", None),
        ("nodejs", "20.20.2-1nodesource1", "NodeSource"),
        ("php8.2-fpm", "8.2.29-1~deb12u1", None),
        ("php8.1-fpm", "8.1.33-1+0~20250703.73+debian12~1.gbpd0d9a2", "sury.org"),
        ("redis-server", "5:7.0.15-1~deb12u5", None),
        ("redis-server", "6:7.4.1-1rl1~bookworm1", "Redis"),
        ("docker.io", "20.10.24+dfsg1-1+deb12u1", None),
        ("docker-ce", "5:28.1.1-1~debian.12~bookworm", "Docker"),
        ("haproxy", "2.6.12-1+deb12u2", None),
        ("haproxy", "2.9.15-1~bpo12+1", "haproxy.debian.net"),
        ("rabbitmq-server", "3.10.8-1.1+deb12u1", None),
        ("zabbix-agent2", "1:6.4.15-1+debian12", "Zabbix"),
    ],
)
def test_what_is_not_proved_to_be_the_maker_s_is_the_distribution_s(name, version, supplier):
    """Versions as they are in Debian 12 and in the repositories of the makers for it."""
    found = Recogniser("dpkg", PRODUCTS).recognise(Package(name, version, name))

    assert found is not None
    assert found.supplier == supplier


@pytest.mark.parametrize(
    "name",
    ["postgresql-client-15", "python3-nginx", "libmariadb3", "nodejs-doc", "redis-tools", "docker-ce-cli", "phpunit"],
)
def test_only_the_product_itself_is_one(name):
    """Not its clients, plugins and libraries, whatever they share with its name."""
    assert Recogniser("dpkg", PRODUCTS).recognise(Package(name, "1.0", name)) is None


def test_rpm_packages_carry_their_maker_s_mark():
    """From the documented names in the repositories of PostgreSQL, Remi and MariaDB; Rocky's own have none."""
    recogniser = Recogniser("rpm", PRODUCTS)
    own = {"postgresql-server": "0:13.20-1.el9_5", "php-fpm": "0:8.0.30-3.el9_6", "nginx": "1:1.20.1-22.el9"}
    theirs = {
        "postgresql13-server": "0:13.20-1PGDG.rhel9",
        "php-fpm": "0:8.1.33-1.el9.remi",
        "MariaDB-server": "0:10.5.29-1.el9",
    }

    assert all(recogniser.recognise(Package(name, version, name)).supplier is None for name, version in own.items())
    assert all(recogniser.recognise(Package(name, version, name)).supplier for name, version in theirs.items())


def test_homebrew_builds_what_the_makers_release():
    """It mends nothing by itself, so a formula is as old as its maker says."""
    found = Recogniser("homebrew", PRODUCTS).recognise(Package("node@18", "18.20.8", "node@18"))

    assert (found.slug, found.supplier) == ("nodejs", "Homebrew")


# -- until when -----------------------------------------------------------------------------------------------------------


def judge(*installed, catalogue=None, distribution=DISTRIBUTION):
    """Return the lifecycles of these packages of a Debian."""
    return nearest(lifecycles(installed, Recogniser("dpkg", PRODUCTS), catalogue or known(), distribution))


def test_the_distribution_s_build_lives_as_long_as_the_distribution():
    """PostgreSQL ends version 13 years before Debian ends its own build of it; the maker's day is told beside it."""
    catalogue = known(v13=Release(date(2025, 11, 13)))

    (one,) = judge(postgres("13.22-0+deb12u1", "postgresql-13"), catalogue=catalogue)

    assert (one.basis, one.end, one.upstream) == ("distribution", date(2028, 6, 30), date(2025, 11, 13))


def test_the_maker_s_build_lives_as_long_as_the_maker_says():
    """Longest dotted prefix: 9.6.24 is of the line 9.6, 15.14 of the line 15."""
    catalogue = known(**{"v15": Release(date(2027, 11, 11)), "v9.6": Release(date(2021, 11, 11))})

    (new,) = judge(postgres("15.14-1.pgdg12+1"), catalogue=catalogue)
    (old,) = judge(postgres("9.6.24-1.pgdg12+1", "postgresql-9"), catalogue=catalogue)

    assert (new.basis, new.release, new.end) == ("maker", "15", date(2027, 11, 11))
    assert (old.release, old.end) == ("9.6", date(2021, 11, 11))


def test_of_many_releases_the_one_that_ends_first_is_told():
    """One product is one problem; the distribution's build of it is another matter."""
    catalogue = known(v15=Release(date(2027, 11, 11)), v14=Release(date(2026, 11, 12)), v18=Release(end=False))
    installed = [
        postgres("15.14-1.pgdg12+1"),
        postgres("14.19-1.pgdg12+1", "postgresql-14"),
        postgres("18.1-1.pgdg12+1", "postgresql-18"),
        postgres("15.14-0+deb12u1"),
    ]

    assert [(one.basis, one.release) for one in judge(*installed, catalogue=catalogue)] == [
        ("maker", "14"),
        ("distribution", "15"),
    ]


def test_a_release_without_an_announced_end_is_supported():
    """That is known, and is not the same as not knowing the release."""
    (on,) = judge(postgres("18.1-1.pgdg12+1", "postgresql-18"), catalogue=known(v18=Release(end=False)))
    (over,) = judge(postgres("18.1-1.pgdg12+1", "postgresql-18"), catalogue=known(v18=Release(end=True)))
    (new,) = judge(postgres("19.1-1.pgdg12+1", "postgresql-19"), catalogue=known(v18=Release(end=False)))

    assert (on.end, on.announced) == (None, True)
    assert (over.end, over.announced) == (None, False)
    assert (new.end, new.announced) == (None, False)
    assert "nobody says when" in over.reason
    assert "does not know PostgreSQL 19.1" in new.reason


def test_what_the_security_team_gave_up_ends_before_the_release():
    """By the name of the source, of any package that is built from it; a maker's own build is not theirs to give up."""
    ended = (
        "# name version day why\npdns 4.7.3-2 2025-10-01 no backports\nphp-horde.*\t0\t\t2025-03-22\thttps://x\nbad\n"
    )
    distribution = Distribution("Debian 12", date(2028, 6, 30), tuple(parse_ended(ended)))

    installed = [Package("pdns-server", "4.7.3-2", "pdns"), Package("php-horde-core", "2", "php-horde-core")]
    found = judge(*installed, Package("pdnsd", "1", "pdnsd"), distribution=distribution)

    assert [(one.product, one.basis, one.end) for one in found] == [
        ("pdns", "withdrawn", date(2025, 10, 1)),
        ("php-horde-core", "withdrawn", date(2025, 3, 22)),
    ]


def test_from_debian_13_on_one_list_has_both():
    """Rows as they are in its debian-security-support."""
    lists = parse_list(
        "# 1. source package name\n\n"
        "golang.*                    limited  See https://www.debian.org/releases/trixie/release-notes/\n"
        "isc-dhcp                    non-supported   4.4.3-P1-2       2023-07-05  https://lists.isc.org/pipermail/\n"
    )

    assert [name.pattern for name in lists.limited] == ["golang.*"]
    assert [(one.name.fullmatch("isc-dhcp") is not None, one.day) for one in lists.withdrawn] == [
        (True, date(2023, 7, 5))
    ]


# -- on a host ------------------------------------------------------------------------------------------------------------


def test_a_host_tells_counts_and_dates(tmp_path):
    """Debian's own PostgreSQL, Docker's own Docker, and a system nobody has to hurry with."""
    host = debian(
        tmp_path,
        entry("postgresql-13", "13.22-0+deb12u1"),
        entry("docker-ce", "5:27.5.1-1~debian.12~bookworm"),
        entry("bash", "5.2"),
    )

    items = collect(host)

    assert {item.name: item.value for item in items if item.name == "packages_installed"} == {"packages_installed": 3}
    assert ends(items) == {
        ("Docker Engine", "maker"): "2025-05-03",
        ("PostgreSQL", "distribution"): "2028-06-30",
    }
    assert [item.labels["release"] for item in items if "upstream" in item.name] == ["13"]


def test_packages_with_limited_support_are_counted(tmp_path):
    """By source, once each; without Debian's list nothing is said."""
    host = debian(
        tmp_path, entry("binutils", "2.40"), entry("libbinutils", "2.40", "binutils"), entry("golang-1.19", "1")
    )
    assert not [item for item in collect(host) if item.name == "packages_limited_support"]

    host.write("/usr/share/debian-security-support/security-support-limited", "binutils  trusted only\ngolang.*  see\n")

    assert [item.value for item in collect(host) if item.name == "packages_limited_support"] == [2]


def test_a_host_without_a_package_manager_has_nothing_of_this_kind(tmp_path):
    """Which is neither a failure nor zero packages."""
    with pytest.raises(NotSupported):
        collect(FakeHost(tmp_path).write("/etc/os-release", DEBIAN))


def test_rpm_is_asked_again_only_when_its_database_changed(tmp_path):
    """A question costs a child; an unchanged database costs a look at its files."""
    host = FakeHost(tmp_path, {"/usr/bin/rpm": Completed(0, "docker-ce\t3:29.0.1-1.el9\n", "")})
    host.write("/etc/os-release", "ID=rocky\nVERSION_ID=9.4\n").write("/var/lib/rpm/rpmdb.sqlite", "")
    collector = packages.PLUGIN.build(packages.PackagesOptions(), host)

    first, second = list(collector.collect(1.0)), list(collector.collect(2.0))

    assert [item.name for item in first] == [item.name for item in second]
    assert ends(second) == {("Docker Engine", "maker"): None}
    assert len(host.asked) == 1
    os.utime(host.path("/var/lib/rpm/rpmdb.sqlite"), (1, 1))
    list(collector.collect(3.0))
    assert len(host.asked) == 2


def test_a_failed_question_is_asked_again(tmp_path):
    """What could not be read is not remembered as read."""
    host = FakeHost(tmp_path, {"/usr/bin/rpm": Completed(1, "", "database is locked")})
    host.write("/etc/os-release", "ID=rocky\nVERSION_ID=9.4\n").write("/var/lib/rpm/rpmdb.sqlite", "")
    collector = packages.PLUGIN.build(packages.PackagesOptions(), host)
    assert "database is locked" in next(item.reason for item in collector.collect(1.0) if hasattr(item, "reason"))

    host.answers["/usr/bin/rpm"] = Completed(0, "bash\t0:5\n", "")

    assert {item.name for item in collector.collect(2.0)} >= {"packages_installed"}
