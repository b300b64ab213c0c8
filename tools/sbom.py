"""Writes `dist/foretell-VERSION.cdx.json`: what an installed agent is made of, with licences, as a CycloneDX bill of materials.

Read from an environment that holds the locked dependencies and nothing else. From the same commit it comes out byte for byte
the same; its date is SOURCE_DATE_EPOCH, or that of the commit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def date_of_source() -> str:
    """Return the unix seconds of SOURCE_DATE_EPOCH, else of the last commit."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    if named:
        return named
    asked = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def write(target: Path) -> None:
    """Write it to `target`; raises CalledProcessError after the failed program told why."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False, symlinks=True)
        python = str(Path(folder) / "bin" / "python")
        lock = str(ROOT / "requirements" / "run.txt")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", lock], check=True)
        bill = [
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            python,
            "--pyproject",
            str(ROOT / "pyproject.toml"),
        ]
        target.parent.mkdir(exist_ok=True)
        subprocess.run(
            [*bill, "--output-reproducible", "--output-file", str(target)],
            check=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": date_of_source()},
        )


def main() -> None:
    """Write it and say where it is."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    target = ROOT / "dist" / f"foretell-{version}.cdx.json"
    try:
        write(target)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"foretell: no bill of materials ({failed.cmd[2]} failed, its reason stands above)")
    print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
