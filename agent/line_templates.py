"""Reads line templates: those shipped with the agent, and the files in which IT adds its own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from agent.redaction import TemplateFile, Templates, parse_templates


def shipped_templates() -> list[TemplateFile]:
    """Return the templates in `agent/redaction/templates`, sorted by the name of their file."""
    files = [
        file for file in (resources.files("agent.redaction") / "templates").iterdir() if file.name.endswith(".toml")
    ]
    return [parse_templates(file.read_text("utf-8")) for file in sorted(files, key=lambda file: file.name)]


def load_templates(files: Iterable[Path] = ()) -> Templates:
    """Return the shipped templates and those of `files`, of which a later layout replaces one of the same name.

    Raises ValueError that names the file and what is wrong in it.
    """
    found = shipped_templates()
    for file in files:
        try:
            found.append(parse_templates(file.read_text("utf-8")))
            Templates(found)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file}: {error}") from error
    return Templates(found)
