"""Templates turned into text: one environment, and for each problem the sentences of its rule and remedy."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context

from agent.wording import _values
from agent.wording._lines import mark, unmark
from thresholds import Forecast

_IMMINENT = 3600.0

#: the sentences of one problem, by name; templates call them as `words.headline()`
Words = SimpleNamespace


def find_words(rule: str, remedy: str, values: Mapping[str, object]) -> Words:
    """Return the sentences about one problem, with `values` in them.

    The rule's own (`rules/<rule>.j2`) and the remedy's (`remedies/<remedy>.j2`), the generic ones where these say nothing,
    so that a rule with neither file reads well too. Each sentence may call the others as `words`.
    """
    words = Words()
    for name in ("rules/generic.j2", f"rules/{rule}.j2", "remedies/generic.j2", f"remedies/{remedy}.j2"):
        template = _existing(name)
        if template is not None:
            module = template.make_module({**values, "words": words})
            words.__dict__.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    return words


def write(template: str, values: Mapping[str, object]) -> str:
    """Return `template` (its name without `.j2`) with `values` in it, still marked; see `_lines.parse`."""
    return _environment().get_template(f"{template}.j2").render(values)


def _existing(name: str) -> Template | None:
    environment = _environment()
    return environment.get_template(name) if name in _names() else None


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(_environment().list_templates())


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("agent.wording"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        finalize=mark,
        autoescape=False,  # noqa: S701 -- the document tree is escaped by each desk for its own markup
    )
    environment.policies["ext.i18n.trimmed"] = True
    # English is what the templates say; another language will be a catalogue's functions here.
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        _Message, lambda one, many, number: _Message(one if number == 1 else many), newstyle=True
    )
    environment.filters |= {
        "lines": _lines,
        "local": _local,
        "number": _values.number,
        "offset": _values.offset,
        "or_else": _or_else,
        "percent": _values.percent,
        "sentence": _sentence,
        "quoted": shlex.quote,  # a name of the host's stands in a command that an engineer may paste
        "size": _values.size,
        "span": _values.span,
    }
    environment.tests |= {"imminent": _imminent, "on_one_day": _on_one_day}
    return environment


class _Message(str):
    """A translated text whose values are marked when they are put in: Jinja2 finalizes only the whole."""

    __slots__ = ()

    def __mod__(self, values: Any) -> str:
        return str.__mod__(self, {name: mark(value) for name, value in values.items()})


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if unmark(line)]


def _or_else(text: str, other: str) -> str:
    return text if unmark(text) else other


def _sentence(text: str) -> str:
    plain = unmark(text)
    return plain[:1].upper() + plain[1:]


def _zone(context: Context) -> ZoneInfo:
    zone = context["zone"]
    if not isinstance(zone, ZoneInfo):
        raise TypeError(f"a template has no zone to show times in, but {zone!r}")
    return zone


@pass_context
def _local(context: Context, moment: float) -> datetime:
    return _values.local(moment, _zone(context))


@pass_context
def _imminent(context: Context, forecast: Forecast) -> bool:
    """Say whether it may happen before anybody can act."""
    now: float = context["now"]
    return forecast.earliest - now < _IMMINENT


@pass_context
def _on_one_day(context: Context, forecast: Forecast) -> bool:
    """Say whether the earliest and the expected crossing fall on one day of the customer's calendar."""
    zone = _zone(context)
    return _values.local(forecast.earliest, zone).date() == _values.local(forecast.expected, zone).date()
