"""Numbers as a language writes them. The characters and units come from its catalogue: Babel's tables would take 33 MB."""

from __future__ import annotations

import re
from collections.abc import Callable

from agent.wording._values import percentage, sized


class Amounts:
    """Puts numbers, sizes and shares into one language."""

    def __init__(self, gettext: Callable[[str], str]) -> None:
        """Given the language's catalogue. Raises ValueError when its example of a number is not one."""
        # translators: How this number is written in your language: it shows what stands between thousands and before a fraction.
        example = gettext("1,234.5")
        found = re.fullmatch(r"1(\D?)234(\D)5", example)
        if found is None:
            raise ValueError(f'"{example}" is not how 1234.5 is written')
        self._signs = str.maketrans({",": found[1], ".": found[2]})
        self._percent = gettext("%(number)s %%")
        self._units = {
            "TB": gettext("%(number)s TB"),
            "GB": gettext("%(number)s GB"),
            "MB": gettext("%(number)s MB"),
            "kB": gettext("%(number)s kB"),
            "B": gettext("%(number)s B"),
        }

    def number(self, amount: float) -> str:
        """Return a plain number, without a needless fraction."""
        return f"{amount:,.2f}".rstrip("0").rstrip(".").translate(self._signs)

    def size(self, amount: float) -> str:
        """Return bytes in the decimal unit that people read best."""
        number, unit = sized(amount)
        return self._units[unit] % {"number": number.translate(self._signs)}

    def percent(self, ratio: float) -> str:
        """Return a ratio (0 to 1) in percent; never rounded up to all of it."""
        return self._percent % {"number": percentage(ratio).translate(self._signs)}
