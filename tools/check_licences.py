"""Fails when anything installed, transitive and development tools included, has a licence that nobody here has agreed to.

What each distribution says of itself is read by pip-licenses; which licences are fine, and why, stands here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping

ALLOWED = {
    "0BSD": "permissive",
    "Apache-2.0": "ours",
    "BSD-2-Clause": "permissive",
    "BSD-3-Clause": "permissive",
    "ISC": "permissive",
    "MIT": "permissive",
    "MPL-2.0": "copyleft by file, and we change none of their files (certifi, hypothesis, pathspec)",
    "PSF-2.0": "permissive, Python's own",
}
# How older metadata says the same; "BSD License" leaves open which of the two, and both are allowed.
SPELLINGS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

# Whose metadata names none: what the licence file that it ships is, and for which version somebody read it.
READ = {
    "axe-playwright-python": "MIT AND MPL-2.0",  # 0.1.8: its own, and that of the axe-core in it; tests only, never shipped
    "pyrage": "MIT",  # 1.4.0
}


def refused(licence: str, allowed: Iterable[str] = ALLOWED, spellings: Mapping[str, str] = SPELLINGS) -> list[str]:
    """Given what a distribution says of its licence, return the parts of it that nobody agreed to.

    Of an OR one side is enough; of an AND, and of several classifiers, every part counts.

    >>> refused("GPL-3.0-only OR MIT"), refused("Apache-2.0 AND BSD-2-Clause"), refused("MIT; GPL-3.0-only")
    ([], [], ['GPL-3.0-only'])
    """
    wrong: list[str] = []
    for part in re.split(r" AND |; ", licence):
        inside = part[1:-1] if part.startswith("(") and part.endswith(")") else part
        choices = [spellings.get(choice, choice) for choice in inside.split(" OR ")]
        if not set(choices) & set(allowed):
            wrong += choices
    return wrong


def installed() -> list[dict[str, str]]:
    """Return name, version and licence of every distribution in this environment, as pip-licenses reads them."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--with-system", "--format=json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[dict[str, str]] = json.loads(answer)
    return found


def main() -> None:
    """Check all and name each that is refused."""
    everything = installed()
    wrong = {
        one["Name"]: refused(READ.get(one["Name"], one["License"]) if one["License"] == "UNKNOWN" else one["License"])
        for one in everything
    }
    for name, parts in wrong.items():
        if parts:
            print(f"{name}: {' and '.join(parts)} is not agreed to; cure: use another library, or add it with a reason")
    if any(wrong.values()):
        sys.exit(1)
    print(f"{len(everything)} distributions, all under agreed licences")


if __name__ == "__main__":
    main()
