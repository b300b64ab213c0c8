"""What a collector yields: a Reading, or the honest statement that something could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

# Prometheus stores labels of any length, people and ticket fields do not: PATH_MAX names must not flood a page.
LONGEST_LABEL = 200
# Directional controls reorder what a person reads; the C0/C1 controls break terminals, mail headers and exposition.
_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # where surrogateescape puts a byte that was not UTF-8
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def safe_text(text: str, longest: int = LONGEST_LABEL) -> str:
    r"""Given text from the host (a mount, a unit, a process name), return it harmless and at most `longest` characters.

    Undecodable bytes and control characters become visible escapes, bidirectional controls are dropped.

    >>> safe_text("evil\udcff\n\u202ename")
    'evil\\xff\\nname'
    """
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    safe = "".join(_visible(character) for character in text if character not in _BIDI_CONTROLS)
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"


def _visible(character: str) -> str:
    code = ord(character)
    if code in _ESCAPED_BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


class Labels(dict[str, str]):
    """Labels that are harmless. Whoever keeps them makes them once for a series, and not again for each of its million readings.

    text: all of them, sorted, in exposition style.
    """

    __slots__ = ("text",)

    def __init__(self, labels: Mapping[str, str]) -> None:
        """Make every value harmless."""
        super().__init__(labels)
        for label, text in labels.items():
            self[label] = safe_text(text)
        self.text = ",".join([f'{label}="{self[label]}"' for label in sorted(self)])


# A collector that does not keep its labels comes with the same few each time.
@lru_cache(maxsize=512)
def _harmless(labels: tuple[tuple[str, str], ...]) -> Labels:
    return Labels(dict(labels))


class Reading(msgspec.Struct, frozen=True):
    """One observation of one aspect of the host.

    name: Prometheus base-unit style, without the `foretell_` prefix (`filesystem_avail_bytes`).
    value: a finite number, or NaN where the source itself says "no number".
    unit: `bytes`, `ratio` (0 to 1), `seconds`, `timestamp` (unix seconds), `celsius` (degrees), `count`, `boolean` (0 or 1),
    `info` (always 1).
    labels: made safe here, so that no text of the host reaches a page, a metric or a ticket raw.
    at: unix seconds, by the host's wall clock.
    """

    name: str
    value: float
    unit: str
    labels: dict[str, str]
    at: float

    def __post_init__(self) -> None:
        """Make the labels harmless."""
        if type(self.labels) is not Labels:
            msgspec.structs.force_setattr(self, "labels", _harmless(tuple(self.labels.items())))

    @property
    def series(self) -> str:
        """The reading's identity across time: its name and sorted labels, in exposition style."""
        return f"{self.name}{{{self.labels.text}}}"  # type: ignore[attr-defined]  # made harmless, they are Labels


class CouldNotCheck(msgspec.Struct, frozen=True):
    """Something that should have been read and was not. Never the same as healthy.

    name: the reading that is missing, or empty when the whole collector failed.
    labels: the subject it would have been about, as far as known.
    reason: plain words with the cure where one is known ("not permitted: /srv; add the agent to group disk").
    """

    name: str
    labels: dict[str, str]
    reason: str

    def __post_init__(self) -> None:
        """Make labels and the reason harmless."""
        msgspec.structs.force_setattr(self, "labels", Labels(self.labels))
        msgspec.structs.force_setattr(self, "reason", safe_text(self.reason, 500))
