"""Writes docs/reference, the source map, pictures, dashboards, the manual and the sample configuration from what code says.

With --check it writes nothing, and fails naming the pages that are no longer what would be written.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from agent.configuration.config import shipped_rules
from agent.configuration.decode import expectation, unwrapped
from agent.configuration.durations import format_duration
from agent.configuration.plugins import COLLECTORS, THRESHOLDS, TICKETING_CLIENTS, PluginFamily
from agent.configuration.settings import Settings
from agent.metrics import LABELS, own_metrics
from agent.setup.init import configuration_text, default_text
from collectors import CollectorOptions, CollectorPlugin
from make_dashboards import dashboards
from make_manual import completions, manual
from make_pictures import pictures
from thresholds import Rule
from ticketing_clients._webhook.events import AnyEvent

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "collectors", "thresholds", "ticketing_clients")
COSTS = ROOT / "tools" / "data" / "collector_costs.json"
SOURCE_MAP = "docs/source-map.md"
MARK = "<!-- Below: `make docs` writes the first line of each file. -->"
NOTE = "<!-- Made by `make docs` from the code's own descriptions. Change those. -->"


def pages() -> dict[str, str]:
    """Return the text of every generated file by its path in the checkout."""
    reference = {
        "configuration": configuration(),
        "collectors": collectors(),
        "readings": readings(),
        "metrics": metrics(),
        "rules": rules(),
        "desks": desks(),
    }
    written = {f"docs/reference/{name}.md": page(parts) for name, parts in reference.items()}
    written["docs/reference/webhook.schema.json"] = webhook_schema()
    written |= {f"deploy/grafana/{name}.json": board for name, board in dashboards().items()}
    written |= {f"docs/pictures/{name}.svg": drawing for name, drawing in pictures().items()}
    written |= {f"deploy/completion/{name}": script for name, script in completions().items()}
    written["deploy/man/foretell.1"] = manual()
    return {"deploy/foretell.toml": configuration_text(), SOURCE_MAP: source_map(), **written}


def webhook_schema() -> str:
    """Return the JSON Schema of what the desk `webhook` sends."""
    schema = msgspec.json.schema(AnyEvent)
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Foretell's webhook, version 1",
    }
    return msgspec.json.format(msgspec.json.encode(about | schema), indent=2).decode() + "\n"


def source_map() -> str:
    """Return the source map: its own words as they stand, and below the mark the first sentence of every file."""
    head, mark, _ = (ROOT / SOURCE_MAP).read_text("utf-8").partition(MARK)
    return head + mark + "\n\n" + "\n\n".join(files(package) for package in PACKAGES) + "\n"


def files(package: str) -> str:
    """Return a package's files room by room, each with the first line of its docstring; a room begins with its own."""
    rooms = []
    for folder in sorted({path.parent for path in (ROOT / package).rglob("*.py")}):
        sign = "#" * (len(folder.relative_to(ROOT).parts) + 1)
        says = [
            f"- `{path.name}`: {says_first(path)}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__"
        ]
        rooms.append(
            "\n\n".join([f"{sign} {folder.relative_to(ROOT)}", says_first(folder / "__init__.py"), "\n".join(says)])
        )
    return "\n\n".join(room.strip() for room in rooms)


def says_first(path: Path) -> str:
    """Return the first line of a file's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8")), clean=True) or "").partition("\n")[0]


def page(parts: Iterable[str]) -> str:
    """Return a Markdown page: its title first, then the note that it is made, then the rest."""
    title, *rest = parts
    return "\n\n".join([title, NOTE, *rest]) + "\n"


def configuration() -> Iterator[str]:
    """Yield the parts of the page about the file's sections."""
    yield "# Configuration"
    yield (
        "Every key is optional. [The sample](../../deploy/foretell.toml) has them all with their defaults. "
        'Durations are written "90s", "15m", "1h30m", "7d" or "2w".'
    )
    for section in msgspec.structs.fields(Settings):
        metadata, info = unwrapped(inspect.type_info(section.type))
        if isinstance(info, inspect.StructType):
            yield f"## [{section.encode_name}]"
            yield (info.cls.__doc__ or "").strip()
            yield from options(info.cls)
        else:
            more = {"collectors": "collectors.md", "rules": "rules.md", "desks": "desks.md"}.get(section.name)
            yield f"## [{section.encode_name}{'.NAME' if more else ''}]"
            yield metadata["description"] + (f" See [{more}]({more})." if more else "")


def collectors() -> Iterator[str]:
    """Yield the parts of the page about collectors."""
    yield "# Collectors"
    yield (
        "Those that look at the host itself run unless switched off. Those that look at what is named for them run once "
        "a key stands in their table. What every one of them takes in its table `[collectors.NAME]`:"
    )
    yield from options(CollectorOptions)
    common = {field.name for field in msgspec.structs.fields(CollectorOptions)}
    for plugin in built_in(COLLECTORS):
        yield f"## {plugin.name}"
        rhythm = f"every {format_duration(plugin.interval)}" if plugin.interval else "every cycle"
        when = ", once something is named in its table" if plugin.when_configured else ""
        yield f"{plugin.summary} Runs {rhythm}, for at most {format_duration(plugin.deadline)}{when}."
        if plugin.name in costs():
            yield f"A run costs {costs()[plugin.name]}."
        yield from options(plugin.options, without=common)
        yield reading_table([plugin])


def readings() -> Iterator[str]:
    """Yield the parts of the page that lists every reading."""
    yield "# Readings"
    yield "What the collectors observe. Prometheus sees each as `foretell_` and its name."
    yield (
        "The cost is that of a run of the collector, of which a reading is one of several: processor time, children included, "
        "and system calls of a run after the first, as `make bench-collectors` measured them. Some keep what they read while "
        "its source is unchanged, and cost more in the first run: see [collectors](collectors.md), which has the day, too."
    )
    yield reading_table(built_in(COLLECTORS), say_whose=True)


def metrics() -> Iterator[str]:
    """Yield the parts of the page about what the agent says of itself to Prometheus."""
    yield "# Metrics"
    yield (
        "What `/metrics` says of the agent itself. Every [reading](readings.md) is there as well, as `foretell_` and its name, "
        "with the labels that it has; so is what your own checks read. Whoever asks with `Accept: application/openmetrics-text` "
        "gets OpenMetrics 1.0, everybody else the text format 0.0.4. The relay's own are at its `/metrics`, each with a line "
        "that says what it means ([the fleet](../fleet.md))."
    )
    rows = [(f"`{one.name}`", one.type, ", ".join(one.labels), one.meaning) for one in own_metrics()]
    yield table(("metric", "type", "labels", "meaning"), rows)
    yield "The labels take their values from the configuration or from a closed set, so that their number is bounded:"
    used = {label for one in own_metrics() for label in one.labels}
    yield table(("label", "says"), [(f"`{label}`", LABELS[label]) for label in sorted(used)])
    yield "What to make of them: [Prometheus and Grafana](../prometheus.md)."


def reading_table(plugins: Iterable[CollectorPlugin], *, say_whose: bool = False) -> str:
    """Return a table of the readings of `plugins`, by name."""
    rows = [
        (f"`{one.name}`", one.unit, ", ".join(one.labels), one.meaning, plugin.name, cost(plugin))
        for plugin in plugins
        for one in plugin.readings
    ]
    head = ("reading", "unit", "labels", "meaning", "collector", "cost")
    width = len(head) if say_whose else len(head) - 2
    return table(head[:width], sorted(row[:width] for row in rows))


class CollectorCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of a collector costs: processor milliseconds, system calls of a run after the first, and where that was."""

    day: str
    machine: str
    first_ms: float
    further_ms: float
    calls: int
    readings: int
    not_supported: bool = False

    def __str__(self) -> str:
        """Return it in the words of a sentence."""
        what = "where there is nothing of the kind" if self.not_supported else f"for {self.readings} readings"
        return (
            f"{self.further_ms:.2f} ms of processor time (the first {self.first_ms:.2f} ms) and {self.calls} system calls "
            f"{what} ({self.day}, `make bench-collectors`, {self.machine})"
        )


@functools.cache
def costs() -> dict[str, CollectorCost]:
    """Return what runs of the collectors cost when it was last measured, by name."""
    return msgspec.json.decode(COSTS.read_bytes(), type=dict[str, CollectorCost])


def cost(plugin: CollectorPlugin) -> str:
    """Return the cost of a run for a table."""
    known = costs().get(plugin.name)
    if known is None:
        return "by what is named" if plugin.when_configured else "not measured"
    return f"{known.further_ms:.2f} ms, {known.calls} calls" + (" (nothing there)" if known.not_supported else "")


def rules() -> Iterator[str]:
    """Yield the parts of the page about rules and the kinds that judge them."""
    yield "# Rules"
    yield (
        "A rule says what is judged, and is data. `[rules.ID]` in the configuration changes keys of a shipped rule, "
        "switches it off (`enabled = false`) or brings a whole new one."
    )
    yield "## Shipped"
    shipped = shipped_rules()
    yield table(
        ("rule", "watches for", "kind", "reading"),
        [
            (f"[`{id_}`](#{id_})", rule["summary"], rule["kind"], f"`{rule['select']['reading']}`")
            for id_, rule in shipped.items()
        ],
    )
    for id_, rule in shipped.items():
        yield f"### {id_}"
        yield table(("key", "value"), [(f"`{key}`", f"`{value}`") for key, value in flat(rule)])
    yield "## Keys of a rule"
    yield from options(Rule)
    yield "## Kinds"
    for plugin in built_in(THRESHOLDS):
        yield f"### Kind {plugin.name}"
        yield plugin.summary
        yield from options(plugin.limits)


def desks() -> Iterator[str]:
    """Yield the parts of the page about service desks."""
    yield "# Desks"
    yield (
        "`[desks.NAME]` names its ticketing client; `[delivery] desk` says which NAME gets the tickets, "
        '[routes](../routing.md) which get some. `like = "OTHER"` takes over what another desk has, but for the keys given.'
    )
    for plugin in built_in(TICKETING_CLIENTS):
        yield f"## {plugin.name}"
        yield plugin.summary
        yield f"Tested against: {plugin.tested}."
        yield from options(plugin.options)


def built_in(family: PluginFamily[Any]) -> list[Any]:
    """Return our own plugins of `family`; a broken one ends the run with its reason."""
    return [family.load(name) for name in family.built_in()]


def options(struct: type[msgspec.Struct], without: Iterable[str] = ()) -> Iterator[str]:
    """Yield a table of the keys of `struct`, if it has any."""
    if rows := [row for row in keys(struct) if row[0].strip("`") not in without]:
        yield table(("key", "takes", "default", "meaning"), rows)


def keys(struct: type[msgspec.Struct], above: str = "", own: msgspec.Struct | None = None) -> Iterator[tuple[str, ...]]:
    """Yield a row for every key of `struct` and of the tables inside it.

    own: the value it has by default where it stands, which goes before its own defaults.
    """
    info = inspect.type_info(struct)
    for field in info.fields if isinstance(info, inspect.StructType) else ():
        metadata, kind = unwrapped(field.type)
        key = f"{above}{field.encode_name}"
        if isinstance(kind, inspect.StructType):
            yield from keys(kind.cls, f"{key}.", field.default if isinstance(field.default, msgspec.Struct) else None)
            continue
        takes = expectation(field.type).partition(", for example")[0]
        yield f"`{key}`", takes, default(field, own), metadata.get("description", "")
        for within, mark in (("item_type", "[]"), ("value_type", ".NAME")):
            item = getattr(kind, within, None)
            if isinstance(item, inspect.StructType):
                yield from keys(item.cls, f"{key}{mark}.")


def default(field: inspect.Field, own: msgspec.Struct | None) -> str:
    """Return a field's default as the file writes it; nothing where leaving it out means something of its own."""
    if own is None and field.required:
        return "required"
    written = default_text(field, {field.encode_name: getattr(own, field.name)} if own else None)
    return "" if written == '"..."' else f"`{written}`"


def flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key of nested tables, dotted, with its value."""
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def main(arguments: list[str]) -> None:
    """Write the pages, or with --check compare them."""
    made = pages()
    if arguments == ["--check"]:
        stale = [
            path
            for path, text in made.items()
            if not (ROOT / path).exists() or (ROOT / path).read_text("utf-8") != text
        ]
        if stale:
            sys.exit(f"no longer what the code says: {', '.join(stale)}; cure: make docs, and read the difference")
        print(f"{len(made)} generated files are what the code says")
        return
    for path, text in made.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
