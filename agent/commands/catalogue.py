"""`foretell catalogue`: until when software is supported, as the agent knows it, and renewing that by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from agent.collecting import HostAccess
from agent.commands import options
from agent.commands.exits import CommandFailed, Exit
from agent.configuration.config import load
from agent.lifecycle.catalogue import NotRenewed, renew
from collectors._catalogue import Catalogue, Release, known_catalogue


@click.group("catalogue", cls=options.Showing)
def command() -> None:
    """Until when systems and products are supported by their makers: the facts, their age, and renewing them.

    \b
    Example: foretell catalogue show postgresql
    """


@command.command("show", short_help="what is known, and of which day")
@click.argument("product", required=False)
@options.state_dir
@options.as_json
def show(product: str | None, state_dir: Path, *, as_json: bool) -> int:
    """Show of which day the facts are and which products they are about, or the releases of one PRODUCT.

    \b
    Examples:
      foretell catalogue show
      foretell catalogue show postgresql --json
    """
    catalogue, trouble = known_catalogue(HostAccess(state=state_dir))
    if product is not None and product not in catalogue.products:
        raise CommandFailed(f"the catalogue has no {product}; `foretell catalogue show` lists what it has", Exit.USAGE)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_chosen(catalogue, product))).decode())
    else:
        days = (datetime.now(UTC).date() - catalogue.taken).days
        click.echo(
            f"{len(catalogue.products)} products, facts of {catalogue.taken}, {days} days old, from {catalogue.source}."
        )
        Console().print(_products(catalogue) if product is None else _releases(catalogue, product))
    if trouble:
        click.echo(f"foretell: {trouble}", err=True)
    return Exit.UNCHECKED if trouble else Exit.DONE


@command.command("refresh", short_help="fetch it now")
@options.config
@options.state_dir
def refresh(config_path: Path | None, state_dir: Path) -> int:
    """Fetch the catalogue from `catalogue.url` now, check it as the daemon does each week, and keep it.

    The daemon takes it at its next package scan. Where nothing newer can be had, what was known before stays.

    \b
    Example:
      foretell catalogue refresh
    """
    settings = load(config_path, parts=set()).settings.catalogue
    if not settings.url:
        raise CommandFailed("there is nowhere to fetch it from; name `url` under [catalogue]", Exit.CONFIGURATION)
    try:
        new = renew(settings, state_dir)
    except NotRenewed as error:
        raise CommandFailed(str(error), Exit.UNCHECKED) from error
    click.echo(f"Renewed: {len(new.products)} products, facts of {new.taken}.")
    return Exit.DONE


def _chosen(catalogue: Catalogue, product: str | None) -> Catalogue:
    if product is None:
        return catalogue
    return msgspec.structs.replace(catalogue, products={product: catalogue.products[product]})


def _products(catalogue: Catalogue) -> Table:
    table = Table("product", "called", "releases", "its maker's dates", box=None, header_style="bold")
    for name, product in sorted(catalogue.products.items()):
        table.add_row(name, product.label, str(len(product.releases)), product.page)
    return table


def _releases(catalogue: Catalogue, product: str) -> Table:
    table = Table("release", "supported until", box=None, header_style="bold")
    for name, release in catalogue.products[product].releases.items():
        table.add_row(name, _until(release))
    return table


def _until(release: Release) -> str:
    if release.last_day is not None:
        return f"{release.last_day} (long-term)" if release.long_term else str(release.last_day)
    return "ended" if release.end else "no end is announced"
