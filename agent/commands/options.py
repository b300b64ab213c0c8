"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

DEFAULT_STATE_DIR = Path("/var/lib/foretell")

Command = Callable[..., Any]


def config(command: Command) -> Command:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        envvar="FORETELL_CONFIG",
        help="Configuration file; /etc/foretell/foretell.toml if there is one, else the defaults.",
    )(command)


def state_dir(command: Command) -> Command:
    """Add `--state-dir`."""
    return click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="FORETELL_STATE_DIR",
        default=DEFAULT_STATE_DIR,
        show_default=True,
        help="Where cases, queue and history are kept.",
    )(command)


def as_json(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")(command)


class Listing(click.Group):
    """A group that lists when nothing else is asked of it: `foretell cases --json` is `foretell cases list --json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before options and before nothing."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)
