"""Names that tell nothing of anybody and much of what happened: accounts, hosts and sites that are the same everywhere."""

from __future__ import annotations

import re

#: accounts that come with the system and its packages, and words that stand where an account does
COMMON_USERS = frozenset(
    re.findall(
        r"\S+",
        """
        root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody nogroup _apt
        adm ftp halt operator shutdown dbus tss sshd messagebus systemd systemd-network systemd-resolve systemd-timesync
        systemd-coredump systemd-oom systemd-journal systemd-journal-remote systemd-bus-proxy polkitd syslog uuidd
        tcpdump landscape pollinate lxd dnsmasq avahi avahi-autoipd rtkit cups-pk-helper colord geoclue saned whoopsie
        kernoops speech-dispatcher hplip gdm lightdm usbmux fwupd-refresh nm-openvpn dhcpcd unbound clevis cockpit-ws
        setroubleshoot pipewire _rpc _chrony _flatpak mysql mariadb postgres redis nginx apache apache2 httpd postfix
        postdrop dovecot dovenull exim debian-exim bind named chrony ntp ntpsec snmp debian-snmp zabbix prometheus
        node_exporter grafana elasticsearch rabbitmq mongodb memcache haproxy varnish tomcat jenkins git docker kube
        ceph rpc rpcuser statd nslcd sssd puppet salt ansible libvirt-qemu qemu openldap ldap squid foretell unknown
        debian-security-support
        user users system local_service network_service localservice networkservice trustedinstaller
        """,
    )
)
COMMON_HOSTS = frozenset(
    re.findall(
        r"\S+",
        """
        localhost localhost4 localhost6 localhost.localdomain localhost4.localdomain4 localhost6.localdomain6
        ip6-localhost ip6-loopback ip6-localnet ip6-mcastprefix ip6-allnodes ip6-allrouters ip6-allhosts broadcasthost
        none any null true false yes no unknown self local default
        """,
    )
)
#: sites of those who make what runs on hosts
KNOWN_SITE = re.compile(
    r"(?:.*\.)?(?:debian|ubuntu|kernel|freedesktop|rsyslog|python|github|redhat|fedoraproject|suse|opensuse|gnu|apache|"
    r"postgresql|mariadb|mysql|nginx|systemd|canonical|launchpad|openssl|openssh|ietf|w3|mozilla|pypi|npmjs|docker|kubernetes|microsoft|"
    r"linux|gnome|kde|php|perl|cpan|ruby-lang|rubygems|golang|exim|postfix|samba|isc|nlnetlabs|torproject|sqlite|archlinux|"
    r"alpinelinux|centos|almalinux|rockylinux|oracle|intel|amd|nvidia|vmware|smartmontools|sourceforge)\.(?:org|com|io|net|dev|edu)",
    re.IGNORECASE,
)
