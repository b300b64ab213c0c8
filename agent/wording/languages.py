"""The languages that tickets are written in: which there are, what else they are called, and their catalogues.

A language is a gettext catalogue `LANGUAGE/LC_MESSAGES/foretell.mo`: shipped in `wording/languages/`, or IT's own below the
configured folder, where one of a shipped language's name goes before the shipped one, sentence by sentence. English is what
the templates themselves say. This file imports no template engine: the configuration is checked with it.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from pathlib import Path

from agent.configuration.decode import nearest

SOURCE = "en"
DOMAIN = "foretell"
SHIPPED = Path(__file__).parent / "languages"
# Chinese is told apart by its script; people name it by where they are, which no rule of gettext or CLDR's parents resolves.
ALIASES = {
    "zh": "zh_hans",
    "zh_cn": "zh_hans",
    "zh_sg": "zh_hans",
    "zh_my": "zh_hans",
    "zh_tw": "zh_hant",
    "zh_hk": "zh_hant",
    "zh_mo": "zh_hant",
}


class LanguageNotKnown(LookupError):
    """No catalogue has this language; `cure` names those that there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        """Given what was asked for, and what there is."""
        super().__init__(f'there is no catalogue for the language "{name}"')
        self.cure = nearest(name, known, f"choose one of {', '.join(known)}")


def languages(own: Path | None = None) -> tuple[str, ...]:
    """Return the languages there are, English first; `own` is IT's folder of catalogues."""
    found = {path.parent.parent.name for folder in _folders(own) for path in folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")}
    return (SOURCE, *sorted(found - {SOURCE}))


def find_language(name: str, own: Path | None = None) -> str:
    """Return the language that `name` means: exactly, by another name, or without its region (de_AT is de).

    Raises LanguageNotKnown.
    """
    known = languages(own)
    by_lower_case = {one.lower(): one for one in known}
    for asked in _wider(name.strip().lower().partition(".")[0].replace("-", "_")):
        if found := by_lower_case.get(ALIASES.get(asked, asked)):
            return found
    raise LanguageNotKnown(name, known)


def catalogue(language: str, own: Path | None = None) -> gettext.NullTranslations:
    """Return the sentences of `language` (one of `languages`); what a catalogue does not have is said in English.

    Raises OSError or UnicodeDecodeError when IT's catalogue cannot be read.
    """
    sentences = gettext.NullTranslations()
    for folder in _folders(own):
        path = folder / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
        if path.exists():
            with path.open("rb") as file:
                found = gettext.GNUTranslations(file)
            found.add_fallback(sentences)
            sentences = found
    return sentences


def _folders(own: Path | None) -> Iterator[Path]:
    yield SHIPPED
    if own is not None:
        yield own


def _wider(tag: str) -> Iterator[str]:
    """Yield `tag`, then without its last part, and so on: zh_hant_hk, zh_hant, zh."""
    while tag:
        yield tag
        tag = tag.rpartition("_")[0]
