"""Makes `.venv` and keeps it equal to the locks. Standard library only: it runs before anything is installed.

`run` installs what the agent needs, `dev` also the tools, `supply` also those that look at what is shipped, `browser` also what
drives one. The project itself is installed editable; where CI=true it is built and installed as the wheel that users get, so
that the tests are of that.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "foretell-setup"
PACKAGES = ("agent", "collectors", "thresholds", "ticketing_clients")
# Each holds all of those before it, so that going from one to the other and back installs nothing twice.
LOCKS = {"run": ("run.txt", "build.txt"), "dev": ("dev.txt",), "supply": ("supply.txt",), "browser": ("browser.txt",)}
FOR = {
    "run": "what the agent needs",
    "dev": "everything to work on it",
    "supply": "everything, and what looks at what is shipped",
    "browser": "everything, and a driver of browsers",
}


class Missing(Exception):
    """Something the machine must have is not there. The text is one line that ends in the cure."""


def main(arguments: Sequence[str]) -> None:
    """Given a key of LOCKS, make `.venv` fit for it, and do nothing when it is already; end with one line when that fails."""
    kind = arguments[0]
    as_wheel = os.environ.get("CI") == "true"
    wanted = fingerprint(as_wheel=as_wheel)
    if satisfied(STAMP, kind, wanted):
        return
    print(f"foretell: setting up .venv ({FOR[kind]})")
    try:
        make_venv()
        install(kind, as_wheel=as_wheel)
    except Missing as missing:
        sys.exit(f"foretell: {missing}")
    except KeyboardInterrupt:
        sys.exit("foretell: set-up interrupted; cure: run it again, it goes on where it was")
    STAMP.write_text(f"{kind} {wanted}\n", "ascii")


def satisfied(stamp: Path, kind: str, wanted: str) -> bool:
    """Return whether `stamp` says that the environment was made for at least `kind`, from the same state `wanted`."""
    if not stamp.exists():
        return False
    made, _, state = stamp.read_text("ascii").strip().partition(" ")
    kinds = list(LOCKS)
    return state == wanted and made in kinds[kinds.index(kind) :]


def fingerprint(*, as_wheel: bool) -> str:
    """Return a digest of what the environment is made from: the interpreter, its place, the locks and, in a wheel, the code."""
    digest = hashlib.sha256(f"{sys.version} {VENV} {as_wheel}".encode())
    for path in sources(as_wheel=as_wheel):
        digest.update(f"{path.relative_to(ROOT)} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def sources(*, as_wheel: bool) -> Iterator[Path]:
    """Yield the files that the environment is made from."""
    yield from (ROOT / "pyproject.toml", Path(__file__).resolve(), *sorted((ROOT / "requirements").glob("*.txt")))
    if as_wheel:
        for package in PACKAGES:
            yield from sorted(path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix != ".pyc")


def make_venv() -> None:
    """Make an empty `.venv`, unless one of this interpreter is there already. Raises Missing."""
    if is_whole():
        return
    absent = [module for module in ("venv", "ensurepip") if importlib.util.find_spec(module) is None]
    if absent:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Missing(
            f"{sys.executable} has no {' and no '.join(absent)} module; "
            f"cure: apt-get install python{version}-venv (Debian, Ubuntu), or a complete Python"
        )
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        said = (made.stderr + made.stdout).strip().splitlines() or ["no reason given"]
        raise Missing(f"{VENV} cannot be made ({said[-1]}); cure: see that {ROOT} is writable and has 200 MB free")


def is_whole() -> bool:
    """Return whether `.venv` has pip, is of this Python, and lies where it was made."""
    python = VENV / "bin" / "python"
    asked = "import pip, sys; print(sys.version, sys.prefix, sep='\\n')"
    if not python.exists():
        return False
    answer = subprocess.run([python, "-I", "-c", asked], capture_output=True, text=True, check=False).stdout
    return answer == f"{sys.version}\n{VENV}\n"


def install(kind: str, *, as_wheel: bool) -> None:
    """Install exactly what the locks name, then the project itself. Raises Missing."""
    locks = [argument for lock in LOCKS[kind] for argument in ("-r", str(ROOT / "requirements" / lock))]
    pip("--require-hashes", "--no-deps", *locks)
    pip("--no-deps", "--no-build-isolation", "--force-reinstall", *([] if as_wheel else ["--editable"]), str(ROOT))


def pip(*arguments: str) -> None:
    """Run `pip install`, quiet but for its errors when it fails; then raises Missing."""
    command = [
        str(VENV / "bin" / "python"),
        "-I",
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        *arguments,
    ]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        told = ended.stderr.splitlines()
        # pip also warns of every single try; its errors alone say why it gave up.
        print("\n".join([line for line in told if line.startswith("ERROR")] or told), file=sys.stderr)
        raise Missing(
            "pip could not install what is needed (its reason stands above); cure: see that the package index is reached, "
            "or name a mirror in PIP_INDEX_URL, a proxy in HTTPS_PROXY, or a folder of wheels in PIP_FIND_LINKS"
        )
