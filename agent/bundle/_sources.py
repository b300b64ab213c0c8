"""The table of sources: what a bundle may be made of, by name. Shipped in `sources.toml`; IT extends it with files of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent.consent.levels import Kind

SHIPPED = Path(__file__).with_name("sources.toml")
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"

SourceKind = Literal["case", "diagnosis", "measured", "readings", "packages", "journal", "file"]
#: what a source of each kind tells about the host; `agent.consent.levels.NEEDED` says from which level on that may leave
TELLS: Mapping[SourceKind, Kind] = {
    "case": "measurement",
    "diagnosis": "process",
    "measured": "measurement",
    "readings": "unit",
    "packages": "package",
    "journal": "line",
    "file": "line",
}


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source. There is no way to name all that is in a folder, on purpose."""

    kind: Annotated[SourceKind, msgspec.Meta(description="What it is read from.")]
    summary: Annotated[str, msgspec.Meta(description="One plain line for the README of the bundle.")]
    enabled: Annotated[bool, msgspec.Meta(description="Whether it is read at all.")] = True
    rules: Annotated[
        list[str],
        msgspec.Meta(description="For which problems: shell patterns of rule ids, '!' excludes; all if none."),
    ] = []
    collectors: Annotated[list[str], msgspec.Meta(description="Of `readings`: the collectors.")] = []
    units: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^(\{unit\}|[\w:.\\][\w@:.\\-]*)$")]],
        msgspec.Meta(description="Of `journal`: its units; {unit} is the one that the problem is about."),
    ] = []
    kernel: Annotated[bool, msgspec.Meta(description="Of `journal`: the kernel's messages.")] = False
    folder: Annotated[str, msgspec.Meta(pattern="^/", description="Of `file`: the folder, an absolute path.")] = (
        "/var/log"
    )
    file: Annotated[str, msgspec.Meta(description="Of `file`: its name below the folder.")] = ""
    layout: Annotated[str, msgspec.Meta(description="Of `file`: the layout of its lines, see line templates.")] = (
        "journal"
    )
    lines: Annotated[
        int, msgspec.Meta(ge=1, le=100_000, description="Most lines of it in a bundle; at `excerpt` 200 of a log.")
    ] = 5000
    bytes: Annotated[int, msgspec.Meta(ge=1, le=8_000_000, description="Most bytes of it in a bundle.")] = 1_000_000

    def __post_init__(self) -> None:
        """Refuse what names nothing to read."""
        if self.kind == "journal" and bool(self.units) == self.kernel:
            raise ValueError("a journal needs either units or kernel = true")
        if self.kind == "file" and not self.file:
            raise ValueError("a file needs the key file")
        if self.kind == "readings" and not self.collectors:
            raise ValueError("readings need collectors")

    @property
    def is_log(self) -> bool:
        """Whether it is lines that other programs wrote, of which the newest matter."""
        return self.kind in {"journal", "file"}


class SourceFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TOML file of sources."""

    sources: dict[Annotated[str, msgspec.Meta(pattern=NAME)], Source] = {}


def load_sources(files: Iterable[str | Path] = ()) -> dict[str, Source]:
    """Return the shipped sources and those of `files`, of which a later one replaces one of the same name.

    Raises ValueError that names the file and what is wrong in it.
    """
    found: dict[str, Source] = {}
    for file in (SHIPPED, *map(Path, files)):
        try:
            found |= msgspec.convert(tomllib.loads(file.read_text("utf-8")), SourceFile).sources
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:  # msgspec's and tomllib's too
            raise ValueError(f"{file}: {error}") from error
    return found
