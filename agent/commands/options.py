"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from agent.configuration.address import split_address
from agent.configuration.durations import parse_duration
from agent.system.folder import DEFAULT_STATE_DIR

Command = Callable[..., Any]


class Duration(click.ParamType[float]):
    """A duration in words, as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def config(command: Command) -> Command:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, readable=False),  # reading it says more about what is wrong
        envvar="FORETELL_CONFIG",
        help="Configuration file; /etc/foretell/foretell.toml if there is one, else the defaults.",
    )(command)


def state_dir(command: Command) -> Command:
    """Add `--state-dir`; absolute, for children do not start where the command did."""
    return click.option(
        "--state-dir",
        # Whether it may be read is for the command to find out: it says more about it.
        type=click.Path(path_type=Path, file_okay=False, readable=False, resolve_path=True),
        envvar="FORETELL_STATE_DIR",
        default=DEFAULT_STATE_DIR,
        show_default=True,
        help="Where cases, queue and history are kept.",
    )(command)


def listen(command: Command) -> Command:
    """Add `--listen`."""
    return click.option(
        "--listen",
        envvar="FORETELL_LISTEN",
        metavar="HOST:PORT",
        callback=_address,
        help="Address of the status page and /metrics; the configured one when left out.",
    )(command)


def _address(ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:  # noqa: ARG001 - click's
    if text is not None:
        try:
            split_address(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


def as_json(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with stable keys.")(command)


class Listing(click.Group):
    """A group that lists when nothing else is asked of it: `foretell cases --json` is `foretell cases list --json`."""

    first = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the first command before options and before nothing; a shell that completes asks what could be there instead."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [self.first, *args]
        return super().parse_args(ctx, args)


class Showing(Listing):
    """A group that shows when nothing else is asked of it: `foretell consent --json` is `foretell consent show --json`."""

    first = "show"
