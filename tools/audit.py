"""Looks the locked dependencies up among known vulnerabilities, and tells "clean" from "nobody could be asked".

pip-audit ends well, with "no known vulnerabilities found", also where its database knew none of the packages. So its answer
is read here: clean is 0; a known vulnerability is 1; whatever could not be asked is said loudly, and is 1 only where
AUDIT_REQUIRED=1, so that a CI without a way out can do the rest of its work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
# What is shipped and what builds it; the tools run on our machines only.
AUDITED = ("run.txt", "build.txt")


def ask(arguments: Sequence[str]) -> tuple[str, str]:
    """Run pip-audit on the locks with further `arguments`; return what it answered and what it complained of."""
    locks = [argument for name in AUDITED for argument in ("-r", str(REQUIREMENTS / name))]
    command = [sys.executable, "-m", "pip_audit", *locks, "--disable-pip", "--require-hashes"]
    ended = subprocess.run(
        [*command, "--format=json", "--progress-spinner=off", *arguments], capture_output=True, text=True, check=False
    )
    return ended.stdout, ended.stderr


def verdict(answer: str, complaint: str) -> tuple[list[str], list[str], int]:
    """Given both, return the lines on vulnerabilities, those on what was not audited, and how many packages are clean."""
    try:
        packages: list[Mapping[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        said = [line for line in complaint.splitlines() if line.strip()]
        return [], [said[-1] if said else "pip-audit said nothing"], 0
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    asked = [package for package in packages if "skip_reason" not in package]
    clean = sum(not package["vulns"] for package in asked)
    if not packages:
        skipped = ["pip-audit found no packages in the locks"]
    return list(_vulnerabilities(asked)), skipped, clean


def _vulnerabilities(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for package in packages:
        for one in package["vulns"]:
            names = ", ".join(dict.fromkeys([one["id"], *one["aliases"]]))
            mended = " or ".join(one["fix_versions"])
            cure = f"mended in {mended}: make lock UPGRADE=--upgrade" if mended else "no release mends it yet"
            yield f"{package['name']} {package['version']}: {names}; {cure}"


def report(answer: str, complaint: str, *, required: bool) -> int:
    """Print the verdict; return the exit code."""
    vulnerable, not_audited, clean = verdict(answer, complaint)
    for line in vulnerable:
        print(f"VULNERABLE: {line}")
    if not_audited:
        more = f" (and {len(not_audited) - 1} more)" if len(not_audited) > 1 else ""
        print(f"NOT AUDITED: {not_audited[0]}{more}")
    print(f"{clean} packages were looked up and have no known vulnerability")
    return int(bool(vulnerable) or (required and bool(not_audited)))


if __name__ == "__main__":
    sys.exit(report(*ask(sys.argv[1:]), required=os.environ.get("AUDIT_REQUIRED") == "1"))
