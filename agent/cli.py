"""The command line. Each command is a file in `agent.commands`, imported only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from agent import logs
from agent.commands import COMMANDS

EPILOG = """\b
Exit status:
   0  healthy, or done               69  the desk cannot be reached
   1  findings, or refused           70  a mistake in Foretell itself
   2  wrong use of the command       75  another agent holds the state folder
   3  nothing found, but something   77  not permitted: state folder or token
      could not be checked           78  the configuration is wrong, or the
                                         records are of a newer Foretell

\b
Environment: FORETELL_CONFIG, FORETELL_STATE_DIR and FORETELL_LISTEN stand for
--config, --state-dir and --listen.
New here? `foretell check` looks at this host, `foretell demo` shows the whole way.
"""


class Commands(click.Group):
    """A group whose commands are modules, found by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names in the order in which they are needed."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write what each command does, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - as above
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
            from difflib import get_close_matches  # noqa: PLC0415 - only a mistake asks for it

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"{error.message} {hint}", ctx) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(package_name="foretell", prog_name="foretell")
def cli() -> None:
    """Foretell opens the ticket before the outage."""
    logs.configure("warning")  # what a command logs goes to standard error, not between its lines


def main() -> None:
    """Run the command line; an error is one clear line (or list) on standard error and an exit code, never a traceback."""
    try:
        status = cli.main(standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - nothing may reach a person as a traceback
        status = importlib.import_module("agent.commands.exits").explain(error)
    sys.exit(status)
