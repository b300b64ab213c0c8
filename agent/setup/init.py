"""Writes the commented configuration file: for `foretell init` with a person's answers, as the shipped sample without any.

Every comment is the description of the option itself, so that the file, the reference and the program cannot drift apart.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from agent.configuration.config import shipped_rules
from agent.configuration.decode import join, unwrapped
from agent.configuration.durations import format_duration
from agent.configuration.plugins import COLLECTORS, TICKETING_CLIENTS, PluginError
from agent.configuration.settings import Settings
from collectors._file_systems import NOT_OURS

HEADER = """\
# The configuration of Foretell. A line that begins with "#key =" shows the default ("..." where there is none);
# take the "#" away to change it.
# Durations are written "90s", "15m", "1h30m", "7d" or "2w". `foretell doctor` checks the file."""

Table = Mapping[str, Any]


def configuration_text(answers: Mapping[str, Table] | None = None) -> str:
    """Return the text of a configuration file with `answers` (shaped like the file) set and every other key commented.

    What no option knows is written all the same, so that reading the file says what is wrong with it.
    """
    given = dict(answers or {})
    given.setdefault("desks", {"local": {"client": "local"}})
    writers = {"secrets": _secrets, "collectors": _collectors, "rules": _rules, "desks": _desks}
    paragraphs = [HEADER]
    for section in msgspec.structs.fields(Settings):
        table = given.pop(section.name, {})
        if section.name in writers:
            metadata, _ = unwrapped(inspect.type_info(section.type))
            paragraphs.append("\n\n".join(writers[section.name](table, metadata["description"])))
        else:
            paragraphs.append(_table(section.name, section.type.__doc__ or "", section.type, table))
    paragraphs += [_plain(join(name), table) for name, table in given.items()]
    return "\n\n".join(paragraphs) + "\n"


def answers_from(flags: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the options of `foretell init` say, shaped like the configuration file; what was not answered is left out."""
    desk = flags.get("desk") or "local"
    desk_table: dict[str, Any] = {"client": desk}
    secrets: dict[str, Any] = {}
    if desk != "local":
        desk_table |= _address(desk, flags.get("url") or "")
        desk_table |= _given(queue=flags.get("queue"), **flags.get("desk_options", {}))
        secrets = _given(**{desk: flags.get("token_file") and str(flags["token_file"])})
    left_out = list(flags.get("leave_out") or ())
    tables = {
        "host": _given(name=flags.get("host_name"), role=flags.get("role"), criticality=flags.get("criticality")),
        "customer": _given(
            id=flags.get("customer_id"),
            name=flags.get("customer"),
            contact=flags.get("contact"),
            zone=flags.get("zone"),
            language=flags.get("language"),
        ),
        "collectors": _given(
            services=_given(required=list(flags.get("require") or ())),
            disk=_given(exclude_mountpoints=[*NOT_OURS, *left_out] if left_out else []),
        ),
        "delivery": {"desk": desk},
        "desks": {desk: desk_table},
        "secrets": secrets,
    }
    return {name: table for name, table in tables.items() if table}


def _address(desk: str, url: str) -> dict[str, Any]:
    """Return the key for the address of a desk; one that has many takes them with blanks or commas between."""
    several = desk in TICKETING_CLIENTS.names() and "urls" in TICKETING_CLIENTS.load(desk).options.__struct_fields__
    return _given(urls=url.replace(",", " ").split()) if several else _given(url=url)


def toml_value(text: str) -> Any:
    """Return what a person wrote as TOML reads it; anything else is a text without its quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _secrets(table: Table, meaning: str) -> Iterator[str]:
    yield "\n".join([f"# {meaning}", "[secrets]", *(_raw(table) or ['#NAME = "/etc/foretell/secrets/NAME"'])])


def _collectors(tables: Table, meaning: str) -> Iterator[str]:
    yield f"# {meaning}"
    for name in dict.fromkeys([*COLLECTORS.built_in(), *tables]):
        key, table = join("collectors", name), tables.get(name, {})
        try:
            plugin = COLLECTORS.load(name)
        except PluginError:  # reading the file says so, with its cure
            yield _plain(key, table)
        else:
            own = {"interval": plugin.interval, "deadline": plugin.deadline}
            text = _table(key, plugin.summary, plugin.options, table, own)
            # Its table alone would not have it run; what stands there must all be taken from its comments.
            yield text.replace(f"[{key}]", f"#[{key}]", 1) if plugin.when_configured and not table else text


def _rules(tables: Table, meaning: str) -> Iterator[str]:
    shipped = [f"#   {name}: {rule['summary']}" for name, rule in shipped_rules().items()]
    yield "\n".join([f"# {meaning} Shipped:", *shipped, "#[rules.ID]", "#enabled = false"])
    for name, table in tables.items():
        yield _plain(join("rules", name), table)


def _desks(tables: Table, meaning: str) -> Iterator[str]:
    yield f"# {meaning}"
    for name, table in tables.items():
        key = join("desks", name)
        try:
            plugin = TICKETING_CLIENTS.load(str(table.get("client")))
        except PluginError:
            yield _plain(key, table)
        else:
            yield _table(key, plugin.summary, plugin.options, table)


def _plain(key: str, table: Table) -> str:
    return "\n".join([f"[{key}]", *_raw(table)])


def _table(header: str, summary: str, struct: type[msgspec.Struct], given: Table, own: Table | None = None) -> str:
    """Return one table: what was given is set, the rest is commented with its default, or the plugin's `own`."""
    lines = [f"# {summary.splitlines()[0]}", f"[{header}]"]
    rest = dict(given)
    for field in _fields(inspect.type_info(struct)):
        metadata, _ = unwrapped(field.type)
        if "description" in metadata:
            lines.append(f"# {metadata['description']}")
        if field.encode_name in rest:
            lines.append(f"{join(field.encode_name)} = {_written(rest.pop(field.encode_name), field.type)}")
        else:
            lines.append(f"#{join(field.encode_name)} = {default_text(field, own)}")
    return "\n".join([*lines, *_raw(rest)])


def _fields(info: inspect.Type) -> tuple[inspect.Field, ...]:
    return info.fields if isinstance(info, inspect.StructType) else ()


def default_text(field: inspect.Field, own: Table | None = None) -> str:
    """Return a field's default as TOML writes it, or the plugin's `own`; "..." where there is none."""
    made = field.default_factory() if callable(field.default_factory) else field.default
    default = (own or {}).get(field.encode_name, made)
    return '"..."' if default is None or default is msgspec.NODEFAULT else _written(default, field.type)


def _raw(table: Table) -> list[str]:
    return [f"{join(name)} = {_written(value, inspect.AnyType())}" for name, value in table.items()]


def _written(value: Any, info: inspect.Type) -> str:
    """Return `value` as TOML writes it, durations in words where `info` says it is one."""
    metadata, info = unwrapped(info)
    if isinstance(value, msgspec.Struct):
        fields = [(field.encode_name, getattr(value, field.name), field.type) for field in _fields(info)]
        return _inline((name, item, type_) for name, item, type_ in fields if item is not None)
    if isinstance(value, Mapping):
        types = {field.encode_name: field.type for field in _fields(info)}
        other = info.value_type if isinstance(info, inspect.DictType) else inspect.AnyType()
        return _inline((name, item, types.get(name, other)) for name, item in value.items())
    if isinstance(value, set | frozenset):
        value = sorted(value)  # the same file every time
    if isinstance(value, list | tuple):
        item_type = getattr(info, "item_type", inspect.AnyType())
        return "[" + ", ".join(_written(item, item_type) for item in value) + "]"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if metadata.get("duration") and isinstance(value, float | int):
        value = format_duration(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _inline(items: Iterable[tuple[str, Any, inspect.Type]]) -> str:
    inside = ", ".join(f"{join(name)} = {_written(value, type_)}" for name, value, type_ in items)
    return f"{{ {inside} }}" if inside else "{}"
