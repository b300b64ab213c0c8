"""Temperatures of the hardware, how far each is from its own limit, and how often processors slowed down for the heat.

Read are the kernel's sensors (`/sys/class/hwmon`, Documentation/hwmon/sysfs-interface.rst). The limit is what the sensor itself
calls critical: what is hot for a disk is cool for a processor, so a limit of ours would be wrong for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._reading import CouldNotCheck, Reading

HWMON = "/sys/class/hwmon"
PROCESSORS = "/sys/devices/system/cpu"
MOST_SENSORS = 128
# Boards report 127 or -128 where nothing is connected, and some sensors name a limit of 0 or 255. Degrees Celsius.
_PLAUSIBLE = range(-40, 125)
_PLAUSIBLE_LIMIT = range(40, 126)


class TemperatureOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the temperature collector."""


class TemperatureCollector:
    """Reads every sensor. Raises NotSupported where there is none, as in most virtual machines."""

    def __init__(self, _options: TemperatureOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield temperatures, the distance to their limits, and how often processors throttled since boot."""
        sensors = sorted(self._context.path(HWMON).glob("hwmon*/temp*_input"))
        counts = sorted(self._context.path(PROCESSORS).glob("cpu*/thermal_throttle/*_throttle_count"))
        if not sensors and not counts:
            raise NotSupported("this host has no sensor of temperature; a virtual machine has none")
        names: set[tuple[str, str]] = set()
        for path in sensors[:MOST_SENSORS]:
            labels = _labels(path, names)
            try:
                yield from _temperature(path, labels, at)
            except (OSError, ValueError) as error:
                yield CouldNotCheck("temperature_celsius", labels, f"{path}: {error}")
        if sensors[MOST_SENSORS:]:
            yield CouldNotCheck("temperature_celsius", {}, f"only {MOST_SENSORS} of {len(sensors)} sensors are read")
        yield from _throttled(counts, at)


def _temperature(path: Path, labels: dict[str, str], at: float) -> Iterator[Reading]:
    celsius = int(path.read_text("ascii")) / 1000
    if int(celsius) not in _PLAUSIBLE:
        return  # nothing is connected there
    yield Reading("temperature_celsius", celsius, "celsius", labels, at)
    limit = _limit(path)
    if limit is not None:
        yield Reading("temperature_left_celsius", limit - celsius, "celsius", labels, at)


def _limit(path: Path) -> float | None:
    for suffix in ("crit", "emergency"):
        try:
            limit = int(path.with_name(path.name.replace("input", suffix)).read_text("ascii")) / 1000
        except (FileNotFoundError, OSError):  # drivers name limits that the chip then does not tell
            continue
        if int(limit) in _PLAUSIBLE_LIMIT:
            return limit
    return None


def _labels(path: Path, names: set[tuple[str, str]]) -> dict[str, str]:
    """Return what chip and sensor call themselves; two of one name (two disks, two sockets) are told apart by their device."""
    chip = _text(path.with_name("name")) or path.parent.name
    sensor = _text(path.with_name(path.name.replace("input", "label"))) or path.name.removesuffix("_input")
    if (chip, sensor) in names:
        device = path.parent / "device"
        chip = f"{chip} {device.resolve().name if device.exists() else path.parent.name}"
    names.add((chip, sensor))
    return {"chip": chip, "sensor": sensor}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:  # neither name nor label has to be there
        return ""


def _throttled(counts: list[Path], at: float) -> Iterator[Reading | CouldNotCheck]:
    """Yield the highest count of any processor: all of a package count the same event."""
    for scope in ("core", "package"):
        paths = [path for path in counts if path.name.startswith(scope)]
        try:
            most = max((int(path.read_text("ascii")) for path in paths), default=None)
        except (OSError, ValueError) as error:
            yield CouldNotCheck("cpu_thermal_throttles_total", {"scope": scope}, str(error))
            continue
        if most is not None:
            yield Reading("cpu_thermal_throttles_total", float(most), "count", {"scope": scope}, at)


_LABELS = ("chip", "sensor")
PLUGIN = CollectorPlugin(
    name="temperature",
    summary="Temperatures of the hardware, their distance to the sensor's own limit, and processors slowed down by heat.",
    options=TemperatureOptions,
    build=TemperatureCollector,
    readings=(
        DeclaredReading("temperature_celsius", "celsius", _LABELS, "Temperature."),
        DeclaredReading(
            "temperature_left_celsius",
            "celsius",
            _LABELS,
            "Degrees left to what the sensor calls critical; absent where it names no limit.",
        ),
        DeclaredReading(
            "cpu_thermal_throttles_total",
            "count",
            ("scope",),
            "How often the hottest processor (core, package) slowed down for the heat since boot.",
        ),
    ),
)
