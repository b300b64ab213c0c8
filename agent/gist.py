"""What a collector's readings come to, in one phrase for people: the fullest disk, how busy, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agent.plain import amount
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


# By the reading that each is about; the names are a contract (DESIGN §6), so this knows no collector.
_PHRASES: Mapping[str, Callable[[ByName], str]] = {
    "filesystem_avail_bytes": _disks,
    "cpu_utilization_ratio": _busy,
    "memory_available_bytes": _memory,
    "service_failed": _services,
    "os_release_info": _release,
    "kernel_running_info": _kernel,
}
