"""Randomness the kernel has ready: the smallest collector that is whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from collectors import (
    CollectorContext,
    CollectorError,
    CollectorOptions,
    CollectorPlugin,
    DeclaredReading,
    NotSupported,
    Reading,
)

SOURCE = "/proc/sys/kernel/random/entropy_avail"


class EntropyOptions(CollectorOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be configured in `[collectors.entropy]`. Every option is described and may be left out."""

    source: Annotated[str, msgspec.Meta(pattern="^/", description="File with the number of bits.")] = SOURCE


class EntropyCollector:
    """Reads how many bits are ready."""

    def __init__(self, options: EntropyOptions, context: CollectorContext) -> None:
        """Keep what is needed. Nothing is read here: the host may not be touched yet."""
        self._options = options
        self._context = context

    def collect(self, at: float) -> Iterator[Reading]:
        """Yield one reading. Raises NotSupported where there is no such file, CollectorError where it holds no number."""
        try:
            text = self._context.path(self._options.source).read_text("ascii", errors="replace")
        except FileNotFoundError:
            raise NotSupported("this system has no entropy count") from None
        yield Reading("entropy_available_bits", parse_entropy(text), "count", {}, at)


def parse_entropy(text: str) -> float:
    """Given the file's text, return bits. Raises CollectorError."""
    if not text.strip().isdecimal():
        raise CollectorError(f"{SOURCE} holds no number")
    return float(text)


PLUGIN = CollectorPlugin(
    name="entropy",
    summary="Randomness the kernel has ready.",
    options=EntropyOptions,
    build=EntropyCollector,
    readings=(DeclaredReading("entropy_available_bits", "count", (), "Bits of entropy ready."),),
)
