"""What `foretell init` proposes for a host, from what was seen on it: roles, services that have to run, language. Pure.

Proposals are for a person to accept. Only what stays on the host and is judged there is taken without one (`--yes`): a wrong
role or language would be read by customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import msgspec

from agent.wording.languages import LanguageNotKnown, find_language


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is on a host. running, enabled: systemd services, by name. programs: names of what runs.

    ports: that other hosts can reach, as far as the programs are concerned. mounts: the file systems that are watched.
    locale: the host's own, as its files say it.
    """

    running: frozenset[str] = frozenset()
    enabled: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()
    mounts: tuple[str, ...] = ()
    locale: str = ""


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """What a host can be for.

    programs: of which one runs, by its own name or as a service. ports: of which one has to be open, if any are named.
    """

    name: str
    programs: tuple[str, ...]
    ports: frozenset[int] = frozenset()


# In the order in which they are told. A mail program that only takes the host's own mail makes no mail server.
ROLES = (
    Role(name="web server", programs=("nginx", "apache2", "httpd", "caddy", "lighttpd")),
    Role(name="load balancer", programs=("haproxy", "traefik", "envoy")),
    Role(
        name="database",
        programs=("postgres", "postgresql*", "mysqld", "mariadbd", "mariadb", "mysql", "mongod", "redis-server"),
    ),
    Role(
        name="mail server",
        programs=("master", "postfix*", "exim4", "dovecot"),
        ports=frozenset({25, 465, 587, 143, 993}),
    ),
    Role(name="file server", programs=("smbd", "nfsd", "nfs-server", "vsftpd", "proftpd")),
    Role(name="container host", programs=("dockerd", "docker", "containerd", "podman", "crio", "kubelet", "k3s*")),
    Role(name="virtualisation host", programs=("libvirtd", "virtqemud", "pveproxy", "xenconsoled")),
    Role(name="name server", programs=("named", "bind9", "unbound", "pdns*", "knotd"), ports=frozenset({53})),
    Role(name="directory server", programs=("slapd", "samba-ad-dc", "ns-slapd")),
    Role(name="message broker", programs=("rabbitmq-server", "mosquitto", "kafka", "nats-server")),
    Role(name="print server", programs=("cupsd", "cups"), ports=frozenset({631})),
    Role(name="monitoring server", programs=("prometheus", "grafana*", "icinga2", "zabbix_server", "zabbix-server")),
)

# What a distribution brings along for itself: it is restarted by systemd or needed by nobody, and a stop is no outage.
# Failures of these are told all the same, since every unit is watched for failure.
_SYSTEM = (
    *(
        "systemd-*",
        "dbus*",
        "getty@*",
        "serial-getty@*",
        "console-*",
        "autovt@*",
        "user@*",
        "user-runtime-dir@*",
        "session-*",
    ),
    *(
        "polkit*",
        "udisks2*",
        "upower*",
        "accounts-daemon*",
        "packagekit*",
        "fwupd*",
        "rtkit*",
        "colord*",
        "switcheroo*",
    ),
    *(
        "avahi-daemon*",
        "bluetooth*",
        "ModemManager*",
        "wpa_supplicant*",
        "thermald*",
        "smartd*",
        "smartmontools*",
        "acpid*",
    ),
    *(
        "unattended-upgrades*",
        "apt-*",
        "dnf-*",
        "snapd*",
        "multipathd*",
        "irqbalance*",
        "lvm2-*",
        "mdmonitor*",
        "tuned*",
    ),
    *("qemu-guest-agent*", "open-vm-tools*", "vmtoolsd*", "hv-*", "cloud-*", "walinuxagent*", "google-*", "amazon-*"),
    *("kmod*", "keyboard-setup*", "gdm*", "lightdm*", "sddm*", "display-manager*", "foretell*"),
)


def roles(seen: Seen) -> list[str]:
    """Return what the host seems to be for, the most telling first."""
    running = seen.programs | {name.removesuffix(".service") for name in seen.running}
    return [
        role.name
        for role in ROLES
        if any(_matches(name, role.programs) for name in running) and (not role.ports or role.ports & seen.ports)
    ]


def required_units(seen: Seen) -> list[str]:
    """Return the services that run, are started with the host, and are not the system's own: a stop of them is felt."""
    return sorted(name for name in seen.running if _is_enabled(name, seen.enabled) and not _matches(name, _SYSTEM))


def language(seen: Seen) -> str:
    """Return the language of the tickets that fits the host's own; English where there is none."""
    try:
        return find_language(seen.locale)
    except LanguageNotKnown:
        return "en"


def units_of(listed: str) -> frozenset[str]:
    """Return the first column of `systemctl list-units` or `list-unit-files`."""
    return frozenset(line.split(maxsplit=1)[0] for line in listed.splitlines() if line.strip())


def locale_of(*texts: str) -> str:
    """Return the locale that the first of these files sets (`/etc/locale.conf`, `/etc/default/locale`); empty for none."""
    return next(_locales(texts), "")


def _locales(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for line in text.splitlines():
            name, _, value = line.strip().partition("=")
            if name in {"LC_ALL", "LANG"} and value.strip("\"'"):
                yield value.strip("\"'")


def _is_enabled(name: str, enabled: frozenset[str]) -> bool:
    """Return whether a unit, or the template that it is made from, is started with the host."""
    stem, at, _ = name.partition("@")
    # An instance may be wanted by a unit without content that is enabled: postgresql@15-main.service by postgresql.service.
    return name in enabled or (bool(at) and not enabled.isdisjoint({f"{stem}@.service", f"{stem}.service"}))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
