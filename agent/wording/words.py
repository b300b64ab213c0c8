"""Templates turned into text in one language: for each problem the sentences of its rule, and its remedy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, pass_context
from jinja2.runtime import Context

from agent.wording import _values
from agent.wording._amounts import Amounts
from agent.wording._remedy import RemedyWords
from agent.wording.languages import catalogue
from agent.wording.lines import mark, together, unmark
from agent.wording.remedies import Remedy, find_remedy
from thresholds import Forecast

_IMMINENT = 3600.0

#: the sentences of one problem, by name; templates call them as `words.headline()`
Words = SimpleNamespace


class Wording:
    """Puts facts into the sentences of one language."""

    def __init__(self, language: str, folder: Path | None) -> None:
        """Given one of `agent.wording.languages.languages`, and IT's folder of wording, if there is one."""
        self.language = language
        self._remedies = folder / "remedies" if folder else None
        sentences = catalogue(language, folder / "languages" if folder else None)
        self._gettext = sentences.gettext
        self._environment = _environment(sentences.gettext, sentences.ngettext)
        self._names = frozenset(self._environment.list_templates())

    def find_words(self, rule: str, remedy: str, values: Mapping[str, object]) -> Words:
        """Return the sentences about one problem, with `values` in them.

        The rule's own (`rules/<rule>.j2`), the generic ones where it says nothing, and as `remedy` what can be done, so that a
        rule with neither file reads well too. Each sentence may call the others as `words`.
        """
        words = Words()
        for name in ("rules/generic.j2", f"rules/{rule}.j2"):
            template = self._existing(name)
            if template is not None:
                module = template.make_module({**values, "words": words})
                words.__dict__.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
        words.remedy = RemedyWords(self.find_remedy(remedy), self._gettext, values)
        return words

    def find_sentences(self, template: str, values: Mapping[str, object]) -> Words:
        """Return the macros of `template` (its name without `.j2`); each returns its text as people read it, in one line."""
        module = vars(self.macros(template, values))
        macros = {key: macro for key, macro in module.items() if not key.startswith("_") and callable(macro)}
        return Words(**{key: _as_read(macro) for key, macro in macros.items()})

    def find_remedy(self, remedy: str) -> Remedy:
        """Return the remedy of this id, as the shipped files and IT's have it together."""
        return find_remedy(remedy, self.language, self._remedies)

    def write(self, template: str, values: Mapping[str, object]) -> str:
        """Return `template` (its name without `.j2`) with `values` in it, still marked; see `lines.parse`."""
        return self._environment.get_template(f"{template}.j2").render(values)

    def macros(self, template: str, values: Mapping[str, object]) -> Any:
        """Return the phrases of `template` (its name without `.j2`), which see `values`; what they return is marked."""
        return self._environment.get_template(f"{template}.j2").make_module({**values})

    def _existing(self, name: str) -> Template | None:
        return self._environment.get_template(name) if name in self._names else None


@functools.lru_cache(maxsize=16)
def in_language(language: str, folder: Path | None = None) -> Wording:
    """Return the wording in `language`, one of `agent.wording.languages.languages`; `folder` is IT's.

    Raises OSError, UnicodeDecodeError or ValueError when IT's catalogue cannot be used.
    """
    return Wording(language, folder)


def _environment(gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]) -> Environment:
    amounts = Amounts(gettext)
    environment = Environment(
        loader=PackageLoader("agent.wording"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        finalize=mark,
        autoescape=False,  # noqa: S701 -- the document tree is escaped by each desk for its own markup
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        lambda text: _Message(gettext(text)),
        lambda one, many, number: _Message(ngettext(one, many, number)),
        newstyle=True,
    )
    environment.filters |= {
        "lines": _lines,
        "local": _local,
        "number": amounts.number,
        "offset": _values.offset,
        "or_else": _or_else,
        "percent": amounts.percent,
        "sentence": _sentence,
        "size": amounts.size,
        "span": _values.span,
        "together": _together,
        # A text from elsewhere, such as a rule's summary, if the catalogue has it. It has a head of its own under "".
        "translated": lambda text: gettext(text) if text else "",
    }
    environment.tests |= {"imminent": _imminent, "on_one_day": _on_one_day}
    return environment


class _Message(str):
    """A translated text whose values are marked when they are put in: Jinja2 finalizes only the whole."""

    __slots__ = ()

    def __mod__(self, values: Any) -> str:
        return str.__mod__(self, {name: mark(value) for name, value in values.items()})


def _as_read(macro: Callable[..., str]) -> Callable[..., str]:
    return lambda *said: _together(macro(*said).splitlines())


def _lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.splitlines()) if unmark(line)]


def _or_else(text: str, other: str) -> str:
    return text if unmark(text) else other


@pass_context
def _sentence(context: Context, text: str) -> str:
    """Return `text` as a sentence begins; the name of the host or of what it is about stays as it is written."""
    plain, names = unmark(text), (context["host"].name, context["what"] or "\n")
    return plain if plain.startswith(names) else plain[:1].upper() + plain[1:]


def _together(sentences: Iterable[str]) -> str:
    return together(unmark(sentence) for sentence in sentences)


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
