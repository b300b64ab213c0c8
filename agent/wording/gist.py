"""What a collector's readings come to, in one phrase for people: the fullest disk, how busy, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isnan

from agent.wording.plain import amount
from collectors import Reading

ByName = Mapping[str, list[Reading]]
MOST_NAMED = 3


def gist(readings: Iterable[Reading]) -> str:
    """Return one collector's `readings` in a phrase; their number and names where nothing better is known."""
    by_name: dict[str, list[Reading]] = {}
    for reading in readings:
        by_name.setdefault(reading.name, []).append(reading)
    phrases = [phrase for name, say in _PHRASES.items() if name in by_name and (phrase := say(by_name))]
    return "; ".join(phrases) or ", ".join(by_name) or "nothing to read"


def _disks(by_name: ByName) -> str:
    sizes = {_mount(reading): reading.value for reading in by_name.get("filesystem_size_bytes", [])}
    room = [
        (reading.value / sizes[_mount(reading)], reading)
        for reading in by_name["filesystem_avail_bytes"]
        if sizes.get(_mount(reading))
    ]
    if not room:
        return ""
    share, least = min(room, key=lambda pair: pair[0])
    left = f"{amount(least.value, 'bytes')} of {amount(sizes[_mount(least)], 'bytes')} left ({amount(share, 'ratio')})"
    count = "1 file system" if len(room) == 1 else f"{len(room)} file systems"
    return f"{count}, least room on {_mount(least)}: {left}"


def _mount(reading: Reading) -> str:
    return reading.labels.get("mountpoint", "")


def _busy(by_name: ByName) -> str:
    return f"{amount(by_name['cpu_utilization_ratio'][0].value, 'ratio')} busy"


def _memory(by_name: ByName) -> str:
    available = amount(by_name["memory_available_bytes"][0].value, "bytes")
    total = [f" of {amount(reading.value, 'bytes')}" for reading in by_name.get("memory_total_bytes", [])]
    return f"{available}{''.join(total)} available"


def _services(by_name: ByName) -> str:
    units = by_name["service_failed"]
    failed = [reading.labels.get("unit", "") for reading in units if reading.value]
    if not failed:
        return f"{len(units)} units, none failed"
    more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    return f"{len(units)} units, failed: {', '.join(failed[:MOST_NAMED])}{more}"


def _release(by_name: ByName) -> str:
    return by_name["os_release_info"][0].labels.get("name", "")


def _kernel(by_name: ByName) -> str:
    return f"kernel {by_name['kernel_running_info'][0].labels.get('release', '')}"


def _which(reading: str, label: str, one: str, many: str, bad: str, *, good: float = 1.0) -> Callable[[ByName], str]:
    """Return what says how many there are, and which of them are not as they ought to be (of the value `good`)."""

    def say(by_name: ByName) -> str:
        found = by_name[reading]
        names = [each.labels.get(label, "") for each in found if each.value != good]
        count = f"{len(found)} {one if len(found) == 1 else many}"
        if not names:
            return count
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return f"{count}, {bad}: {', '.join(names[:MOST_NAMED])}{more}"

    return say


def _certificates(by_name: ByName) -> str:
    ends = by_name["certificate_end_timestamp_seconds"]
    first = min(ends, key=lambda each: each.value)
    left = amount(first.value - first.at, "seconds") if first.value > first.at else "over"
    return f"{len({each.labels.get('target') for each in ends})} looked at, first to end {first.labels.get('target')}: {left}"


def _exporters(by_name: ByName) -> str:
    return ", ".join(f"{each.labels.get('exporter')}: {each.value:.0f} series" for each in by_name["exporter_series"])


def _files(by_name: ByName) -> str:
    oldest = max(by_name["textfile_age_seconds"], key=lambda each: each.value)
    count = len(by_name["textfile_age_seconds"])
    old = f"{oldest.labels.get('file')} is {amount(oldest.value, 'seconds')} old"
    return f"{count} {'file' if count == 1 else 'files'}, {old}"


def _packages(by_name: ByName) -> str:
    counts = by_name["packages_installed"]
    ends = [one for one in by_name.get("software_support_end_timestamp_seconds", []) if not isnan(one.value)]
    first = min(ends, key=lambda one: one.value, default=None)
    told = ", ".join(f"{one.value:,.0f} packages ({one.labels.get('manager', '')})" for one in counts)
    if first is None:
        return told
    return f"{told}; of the products {first.labels.get('product', '')} leaves support first: {amount(first.value, 'timestamp')}"


def _updates(by_name: ByName) -> str:
    security = sum(one.value for one in by_name.get("updates_security", []))
    told = f"{sum(one.value for one in by_name['updates_pending']):.0f} updates pending"
    return f"{told}, {security:.0f} for security" if "updates_security" in by_name else told


def _libraries(by_name: ByName) -> str:
    return f"{by_name['services_with_deleted_libraries'][0].value:.0f} services use replaced libraries"


def _busiest(by_name: ByName) -> str:
    most = max(by_name["disk_busy_ratio"], key=lambda each: each.value)
    return f"busiest disk {most.labels.get('device', '')}: {amount(most.value, 'ratio')}"


def _counted_errors(by_name: ByName) -> str:
    found = by_name["filesystem_errors_total"]
    bad = sorted({each.labels.get("device", "") for each in found if each.value})
    return f"errors on {', '.join(bad[:MOST_NAMED])}" if bad else "no errors counted"


def _hottest(by_name: ByName) -> str:
    most = max(by_name["temperature_celsius"], key=lambda each: each.value)
    return f"hottest {most.labels.get('chip', '')} {most.labels.get('sensor', '')}: {amount(most.value, 'celsius')}"


def _container(by_name: ByName) -> str:
    available, limit = by_name.get("cgroup_memory_available_bytes", []), by_name["cgroup_memory_limit_bytes"]
    left = f"{amount(available[0].value, 'bytes')} of " if available else ""
    return f"{left}{amount(limit[0].value, 'bytes')} available to the container"


def _pools(by_name: ByName) -> str:
    least = min(by_name["pool_free_bytes"], key=lambda each: each.value)
    return (
        f"least room in {least.labels.get('pool', '')} ({least.labels.get('part', '')}): {amount(least.value, 'bytes')}"
    )


def _deleted(by_name: ByName) -> str:
    total = next((each.value for each in by_name["deleted_files_bytes"] if not _mount(each)), 0.0)
    return f"deleted files that are still open take {amount(total, 'bytes')}"


# By the reading that each is about; the names are a contract (DESIGN §6), so this knows no collector.
_PHRASES: Mapping[str, Callable[[ByName], str]] = {
    "filesystem_avail_bytes": _disks,
    "mount_answers": _which("mount_answers", "mountpoint", "network mount", "network mounts", "not answering"),
    "mount_missing": _which("mount_missing", "mountpoint", "mount in fstab", "mounts in fstab", "missing", good=0.0),
    "swap_missing": _which("swap_missing", "device", "swap in fstab", "swaps in fstab", "not in use", good=0.0),
    "disk_busy_ratio": _busiest,
    "filesystem_errors_total": _counted_errors,
    "array_state": _which("array_state", "array", "array", "arrays", "not whole", good=0.0),
    "smart_failing": _which("smart_failing", "device", "disk", "disks", "failing", good=0.0),
    "pool_free_bytes": _pools,
    "deleted_files_bytes": _deleted,
    "temperature_celsius": _hottest,
    "cgroup_memory_limit_bytes": _container,
    "cpu_utilization_ratio": _busy,
    "memory_available_bytes": _memory,
    "service_failed": _services,
    "os_release_info": _release,
    "kernel_running_info": _kernel,
    "port_open": _which("port_open", "target", "port", "ports", "closed"),
    "http_outcome": _which("http_outcome", "target", "address", "addresses", "failing", good=0.0),
    "dns_resolved": _which("dns_resolved", "name", "name", "names", "not found"),
    "ntp_synchronized": _which(
        "ntp_synchronized", "source", "time service", "time services", "does not hold the clock"
    ),
    "container_unhealthy": _which("container_unhealthy", "container", "container", "containers", "unhealthy", good=0.0),
    "container_running": _which("container_running", "container", "required", "required", "not running"),
    "nagios_status": _which("nagios_status", "check", "check", "checks", "not ok", good=0.0),
    "certificate_end_timestamp_seconds": _certificates,
    "exporter_series": _exporters,
    "textfile_age_seconds": _files,
    "packages_installed": _packages,
    "updates_pending": _updates,
    "services_with_deleted_libraries": _libraries,
}
