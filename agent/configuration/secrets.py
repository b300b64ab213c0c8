"""Secrets by name: from the credentials the service manager passes, else from the files the configuration names.

A secret is never in the configuration, on a command line or in a message of ours.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # a name, not a path: it is looked for in a folder
LARGEST = 64 * 1024  # bytes; a key or token is smaller, and a wrong file must not fill the memory


class Secrets:
    """Reads a secret each time it is asked for, so that a rotated one is used without a restart."""

    def __init__(self, files: Mapping[str, str], credentials_dir: Path | None = None) -> None:
        """`files`: the configuration's [secrets]. `credentials_dir`: the service manager's, $CREDENTIALS_DIRECTORY if None."""
        self._files = {name: Path(file) for name, file in files.items()}
        passed = os.environ.get("CREDENTIALS_DIRECTORY")
        self._credentials_dir = credentials_dir or (Path(passed) if passed else None)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._files))})"

    def get(self, name: str) -> str:
        """Return the secret called `name` without its last line break.

        Raises LookupError, which says where it was looked for and never holds any of it.
        """
        if not _NAME.fullmatch(name):
            raise LookupError(
                "a secret's name is made of letters, digits, '_', '.' and '-'; give its name, not its value"
            )
        places = self._places(name)
        for place in places:
            try:
                with place.open("rb") as file:
                    raw = file.read(LARGEST + 1)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LookupError(f'secret "{name}": {place} cannot be read: {error.strerror}') from error
            return _text(raw, f'secret "{name}": {place}')
        looked = " and ".join(map(str, places)) or "nowhere, for there is no entry in [secrets]"
        raise LookupError(f'secret "{name}" was not found; looked for in {looked}')

    def exposed(self) -> Iterator[str]:
        """Yield a sentence with its cure for each configured file that everybody on this host may read."""
        for name, file in self._files.items():
            try:
                mode = file.stat().st_mode
            except OSError:
                continue  # `get` says so
            if mode & (stat.S_IROTH | stat.S_IWOTH):
                yield f'secret "{name}": everybody may read or change {file}; chmod o-rw it'

    def _places(self, name: str) -> list[Path]:
        credential = [self._credentials_dir / name] if self._credentials_dir else []
        configured = [self._files[name]] if name in self._files else []
        return credential + configured


def _text(raw: bytes, where: str) -> str:
    if len(raw) > LARGEST:
        raise LookupError(f"{where} is longer than {LARGEST} bytes; is it the right file?")
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Not chained: the error holds the bytes.
        raise LookupError(f"{where} is not UTF-8 text") from None
    if not text:
        raise LookupError(f"{where} is empty")
    return text
