"""The command line. Each command is a file in `agent.commands`, imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches

import click

from agent.commands import COMMANDS
from agent.commands.exits import explain


class Commands(click.Group):
    """A group whose commands are modules, found by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names in the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command called `name`."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"agent.commands.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a mistyped one is answered with the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"{error.message} {hint}", ctx) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="foretell", prog_name="foretell")
def cli() -> None:
    """Foretell opens the ticket before the outage."""


def main() -> None:
    """Run the command line; every expected error is one clear line (or list) on standard error and an exit code."""
    try:
        status = cli.main(standalone_mode=False)
    except Exception as error:
        status = explain(error)
        if status is None:
            raise
    sys.exit(status)
