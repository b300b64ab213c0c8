"""The manual page foretell(1) and the completion of shells, from click's own description of the commands, for `make docs`.

click-man would make a page for each of 40 commands; people look for one, and find the command in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from click.shell_completion import ShellComplete, get_completion_class

from agent.cli import EPILOG, cli
from agent.version import VERSION

SHELLS = {"bash": "foretell.bash", "zsh": "_foretell", "fish": "foretell.fish"}
FILES = {
    "/etc/foretell/foretell.toml": "The configuration; every key is explained in it.",
    "/var/lib/foretell": "Cases, queue, history, consent and reports.",
    "/usr/share/doc/foretell": "The documentation.",
}
ABOUT = """
Foretell opens the ticket before the outage. A small daemon reads disk, processor, memory, service and software health of this
host, judges the readings against limits and forecasts, and opens a preventive ticket at the service desk: what will happen,
when, to whom it matters, what to do, and a time in which to do it. It follows each problem to a verified end.
"""


def manual() -> str:
    """Return the page, in the language of man(7)."""
    lines = [
        ".\\\" Made by `make docs` from the commands' own descriptions. Change those.",
        f'.TH FORETELL 1 "" "foretell {VERSION}" "Foretell"',
        ".SH NAME",
        "foretell \\- open the ticket before the outage",
        ".SH SYNOPSIS",
        ".B foretell",
        ".I COMMAND",
        "[\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...",
        ".SH DESCRIPTION",
        _text(" ".join(ABOUT.split())),
        ".SH COMMANDS",
    ]
    for path, command, context in commands():
        if not isinstance(command, click.Group):
            lines += _described(path, command, context)
    lines += [".SH EXIT STATUS AND ENVIRONMENT", *_paragraphs(EPILOG), ".SH FILES"]
    for name, meaning in FILES.items():
        lines += [".TP", f".I {_text(name)}", _text(meaning)]
    return "\n".join([*lines, ".SH SEE ALSO", ".BR systemctl (1),", ".BR journalctl (1)", ""])


def completions() -> dict[str, str]:
    """Return the script of each shell by its file's name: it asks foretell itself what can follow."""
    scripts = {}
    for shell, name in SHELLS.items():
        kind = get_completion_class(shell)
        if kind is None:
            raise LookupError(f"click completes nothing for {shell}")
        # By the base's method: bash's own would ask the bash that is here for its version.
        scripts[name] = ShellComplete.source(kind(cli, {}, "foretell", "_FORETELL_COMPLETE"))
    return {name: script.strip() + "\n" for name, script in scripts.items()}


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command and group with the words that call it and its context, in the order of the help."""
    return _below(click.Context(cli, info_name="foretell", **cli.context_settings), cli, "foretell")


def _below(context: click.Context, group: click.Group, path: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"{path} lists {name} and has none")
        below = click.Context(command, info_name=name, parent=context)
        yield f"{path} {name}", command, below
        if isinstance(command, click.Group):
            yield from _below(below, command, f"{path} {name}")


def _described(path: str, command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    lines = [f'.SS "{_text(f"{path} {usage}".strip())}"', *_paragraphs(command.help or "")]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    return lines


def _paragraphs(text: str) -> Iterator[str]:
    """Yield help as click reads it: a paragraph that begins with a backspace keeps its lines."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        first, *rest = paragraph.split("\n")
        yield ".PP"
        if first.strip() == "\b":
            yield from (".nf", *map(_text, rest), ".fi")
        else:
            yield _text(" ".join(paragraph.split()))


def _text(said: str) -> str:
    """Return `said` as letters: a backslash, a dash and a point at the beginning mean something to man(7)."""
    letters = said.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{letters}" if letters.startswith((".", "'")) else letters
