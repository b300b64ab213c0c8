"""The questions of `foretell init`: each with what was seen on the host as its default, which Enter accepts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import click
from msgspec import inspect

from agent.configuration.decode import unwrapped
from agent.configuration.plugins import TICKETING_CLIENTS
from agent.setup.init import toml_value
from agent.setup.proposals import Seen, language, required_units, roles
from agent.system.host import host_zone
from agent.wording.languages import languages

NONE = "-"


def ask(given: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """Return `given` with an answer to each question that it does not answer."""
    flags = dict(given)

    def question(name: str, text: str, default: str = "", **how: Any) -> None:
        if flags.get(name) in {None, ()}:
            answer = click.prompt(text, default=default, show_default=bool(default), **how)
            flags[name] = "" if answer == NONE else answer

    question("host_name", "Name people know this host by", socket.gethostname())
    question("role", "What is it for, in a few words (- for nothing)", ", ".join(roles(seen)))
    question("criticality", "How much depends on it", "normal", type=click.Choice(["high", "normal", "low"]))
    _several(flags, "require", "Services that have to run at all times (- for none)", required_units(seen))
    if seen.mounts:
        click.echo(f"File systems that are watched: {', '.join(seen.mounts)}")
        _several(flags, "leave_out", "Which of them not (may stay empty)", [])
    question("customer", "Name of the customer in tickets (may stay empty)")
    question("contact", "E-mail address that tickets name as requestor (may stay empty)")
    question("zone", "Time zone of the customer", host_zone())
    question("language", "Language of the tickets", language(seen), type=click.Choice(languages()))
    question("desk", "Service desk", "local", type=click.Choice(TICKETING_CLIENTS.names()))
    if flags["desk"] != "local":
        _needed(flags, question)
        question("token_file", "File that holds the desk's token", f"/etc/foretell/secrets/{flags['desk']}")
        _confirm(flags, "test_login", "Try the login when the file is written", default=True)
        if flags["test_login"]:
            _confirm(flags, "test_ticket", "And open a ticket that is marked as a test", default=False)
    return flags


def _needed(flags: dict[str, Any], question: Callable[[str, str], None]) -> None:
    """Ask for the address of the desk, and for what else it cannot do without."""
    options = inspect.type_info(TICKETING_CLIENTS.load(flags["desk"]).options)
    fields = options.fields if isinstance(options, inspect.StructType) else ()
    for field in fields:
        metadata, _ = unwrapped(field.type)
        name, text = field.encode_name, metadata.get("description", field.encode_name).rstrip(".")
        if name in {"url", "urls", "queue"} and (field.required or name == "url"):
            question(name.rstrip("s"), text)
        elif field.required and name != "client" and name not in flags["desk_options"]:
            flags["desk_options"][name] = toml_value(click.prompt(text))


def _several(flags: dict[str, Any], name: str, text: str, proposed: list[str]) -> None:
    if not flags.get(name):
        answer = click.prompt(text, default=" ".join(proposed), show_default=bool(proposed))
        flags[name] = [] if answer == NONE else answer.replace(",", " ").split()


def _confirm(flags: dict[str, Any], name: str, text: str, *, default: bool) -> None:
    flags[name] = flags.get(name) or click.confirm(text, default=default)
