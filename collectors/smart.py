"""What disks say of their own health (SMART): whether they expect to fail, how worn they are, what they could not read.

Read is smartctl's own JSON, which foretell-privileged writes down twice an hour: only root may ask a disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from collectors._plugin import CollectorContext, CollectorOptions, CollectorPlugin, DeclaredReading, NotSupported
from collectors._privileged import MissingProgram, privileged_fact
from collectors._reading import CouldNotCheck, Reading

# ATA attributes of which the raw value counts sectors; the four that go before failures most often are these and 187
# (Backblaze, "What SMART Stats Tell Us About Hard Drives"; Pinheiro et al., "Failure Trends in a Large Disk Drive Population").
_SECTORS = {5: "reallocated", 187: "reported", 197: "pending", 198: "uncorrectable"}
# ATA attributes of SSDs of which the normalised value falls from 100 to 0 as they wear out, by the names smartctl gives them.
_LIFE_LEFT = frozenset(
    {
        "Media_Wearout_Indicator",
        "Percent_Life_Remaining",
        "Percent_Lifetime_Remain",
        "Remaining_Lifetime_Perc",
        "SSD_Life_Left",
        "Wear_Leveling_Count",
    }
)
# Disks of virtual machines; what is below them is their host's matter.
_VIRTUAL = re.compile(r"QEMU|VMware|VBOX|Msft|Virtual|Google|Amazon Elastic", re.IGNORECASE)


class _Device(msgspec.Struct, frozen=True):
    name: str
    type: str = ""


class _Message(msgspec.Struct, frozen=True):
    string: str = ""


class _Smartctl(msgspec.Struct, frozen=True):
    messages: tuple[_Message, ...] = ()


class _Status(msgspec.Struct, frozen=True):
    passed: bool


class _Temperature(msgspec.Struct, frozen=True):
    current: float | None = None


class _Raw(msgspec.Struct, frozen=True):
    value: int
    string: str = ""


class _Attribute(msgspec.Struct, frozen=True):
    id: int
    name: str
    value: int
    raw: _Raw


class _Attributes(msgspec.Struct, frozen=True):
    table: tuple[_Attribute, ...] = ()


class _Nvme(msgspec.Struct, frozen=True):
    percentage_used: int | None = None
    available_spare: int | None = None
    media_errors: int | None = None


class _Endurance(msgspec.Struct, frozen=True):
    current_percent: int


class Disk(msgspec.Struct, frozen=True):
    """One disk in smartctl's words, as far as they are read here."""

    device: _Device
    model_name: str = ""
    smartctl: _Smartctl = _Smartctl()
    smart_status: _Status | None = None
    temperature: _Temperature = _Temperature()
    ata_smart_attributes: _Attributes = _Attributes()
    nvme_smart_health_information_log: _Nvme = _Nvme()
    scsi_grown_defect_list: int | None = None
    scsi_percentage_used_endurance_indicator: int | None = None
    endurance_used: _Endurance | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The kernel's name, and behind a RAID controller which of its disks; and the model."""
        name = self.device.name.removeprefix("/dev/")
        return {"device": f"{name} {self.device.type}" if "," in self.device.type else name, "model": self.model_name}

    @property
    def wear(self) -> float | None:
        """The share of its life, in writes, that is over (0 to 1, more than planned is 1); None where it does not tell."""
        used = [
            *([self.endurance_used.current_percent] if self.endurance_used else []),
            *(100 - one.value for one in self.ata_smart_attributes.table if one.name in _LIFE_LEFT),
        ]
        for percent in (
            self.nvme_smart_health_information_log.percentage_used,
            self.scsi_percentage_used_endurance_indicator,
            *used,
        ):
            if percent is not None:
                return min(1.0, max(0.0, percent / 100))
        return None

    @property
    def bad_sectors(self) -> Mapping[str, int]:
        """What it could not read, or no longer uses, by kind."""
        counts = {_SECTORS[one.id]: _count(one.raw) for one in self.ata_smart_attributes.table if one.id in _SECTORS}
        if (media := self.nvme_smart_health_information_log.media_errors) is not None:
            counts["media"] = media
        if self.scsi_grown_defect_list is not None:
            counts["grown"] = self.scsi_grown_defect_list
        return counts


def _count(raw: _Raw) -> int:
    """Return the number that smartctl shows first: some vendors put more than one into the raw value."""
    shown = re.match(r"\d{1,18}(?!\d)", raw.string)  # more digits are no count
    return int(shown[0]) if shown else raw.value


class SmartOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of the smart collector."""


class SmartCollector:
    """Reads what disks told root. Raises NotSupported where there is no disk that tells, or nobody asks as root."""

    def __init__(self, _options: SmartOptions, context: CollectorContext) -> None:
        self._context = context

    def collect(self, at: float) -> Iterator[Reading | CouldNotCheck]:
        """Yield what each disk says; of a virtual one nothing."""
        try:
            disks: list[Disk] = privileged_fact(self._context, "smart", list[Disk], at)
        except MissingProgram as error:
            if not self._has_hardware():
                raise NotSupported("this host has no disk that tells of its health") from None
            yield CouldNotCheck("smart_failing", {}, f"{error}; install smartmontools")
            return
        disks = [disk for disk in disks if not _VIRTUAL.search(disk.model_name)]
        if not disks:
            raise NotSupported("this host has no disk that tells of its health; a virtual machine has none")
        for disk in disks:
            yield from _readings(disk, at)

    def _has_hardware(self) -> bool:
        for disk in self._context.path("/sys/block").glob("[hsn][dv]*"):
            try:
                made = "".join((disk / "device" / name).read_text() for name in ("vendor", "model"))
            except (OSError, ValueError):
                made = ""  # NVMe has no vendor there
            if not _VIRTUAL.search(made):
                return True
        return False


def _readings(disk: Disk, at: float) -> Iterator[Reading | CouldNotCheck]:
    labels = disk.labels
    if disk.smart_status is None:
        said = "; ".join(message.string for message in disk.smartctl.messages)
        yield CouldNotCheck("smart_failing", labels, said or "it does not tell of its health")
    else:
        yield Reading("smart_failing", float(not disk.smart_status.passed), "boolean", labels, at)
    if disk.wear is not None:
        yield Reading("smart_wear_ratio", disk.wear, "ratio", labels, at)
    if (spare := disk.nvme_smart_health_information_log.available_spare) is not None:
        yield Reading("smart_spare_ratio", min(1.0, max(0, spare) / 100), "ratio", labels, at)
    if (celsius := disk.temperature.current) is not None and celsius > 0:
        yield Reading("smart_temperature_celsius", celsius, "celsius", labels, at)
    for kind, count in disk.bad_sectors.items():
        yield Reading("smart_bad_sectors", float(count), "count", labels | {"kind": kind}, at)


_LABELS = ("device", "model")
PLUGIN = CollectorPlugin(
    name="smart",
    summary="What disks say of their own health (SMART), through foretell-privileged.",
    options=SmartOptions,
    build=SmartCollector,
    readings=(
        DeclaredReading("smart_failing", "boolean", _LABELS, "The disk itself says that it is failing."),
        DeclaredReading("smart_wear_ratio", "ratio", _LABELS, "Share of its life, in writes, that is over; 1 at most."),
        DeclaredReading("smart_spare_ratio", "ratio", _LABELS, "Share of its spare blocks that is left (NVMe)."),
        DeclaredReading("smart_temperature_celsius", "celsius", _LABELS, "Its temperature."),
        DeclaredReading(
            "smart_bad_sectors",
            "count",
            (*_LABELS, "kind"),
            "What it could not read or no longer uses: reallocated, pending, uncorrectable, reported, media, grown.",
        ),
    ),
    interval=600.0,
)
