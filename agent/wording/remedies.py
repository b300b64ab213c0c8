"""Remedies: what can be done about a problem, as data in `wording/remedies/`, which IT may override or extend in a folder.

One file a remedy: `ID.toml`, for every language, and in IT's folder also `ID.LANGUAGE.toml` for tickets in that language only.
What a file leaves out, it takes over: IT's from the shipped one, every remedy from `generic.toml`. The text of the shipped ones
is English, and translated by the catalogues like all other text; IT's stands as IT wrote it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from agent.configuration.decode import ConfigError, decode, nearest
from agent.configuration.settings import Section

SHIPPED = Path(__file__).parent / "remedies"
GENERIC = "generic"
#: what may stand in braces in a remedy's text; in a command other braces are the shell's
PLACEHOLDERS = ("host", "subject")

Sentence = Annotated[str, msgspec.Meta(max_length=1000)]
Timing = Literal["soon", "planned", "now"]
Risk = Literal["low", "medium", "high"]
Interruption = Literal["none", "brief", "throughout"]


class Step(Section, frozen=True, kw_only=True):
    """One step for the engineer: what it is for, and the command to paste, if there is one."""

    say: Annotated[str, msgspec.Meta(min_length=1, max_length=1000, description="What to do, or what `run` is for.")]
    run: Annotated[str, msgspec.Meta(max_length=1000, description="A command, in which values are quoted.")] = ""


class Remedy(Section, frozen=True, kw_only=True):
    """What can be done about a problem. `{host}` and `{subject}` stand for the host's name and for what it is about."""

    minutes: Annotated[float, msgspec.Meta(gt=0, le=2880, description="How long the work takes.")] = 60
    lead_days: Annotated[float, msgspec.Meta(ge=0, le=365, description="How many days it needs to be prepared.")] = 0
    timing: Annotated[
        Timing,
        msgspec.Meta(
            description="`soon`: before it happens, at once when it has happened; `planned`: it keeps until a window; `now`."
        ),
    ] = "soon"
    risk: Annotated[Risk, msgspec.Meta(description="How much can go wrong with the work.")] = "low"
    interruption: Annotated[
        Interruption, msgspec.Meta(description="For how much of the work people cannot use what they need.")
    ] = "none"
    action: Annotated[Sentence, msgspec.Meta(description='What we suggest, after "we suggest".')] = ""
    suggestion: Annotated[Sentence, msgspec.Meta(description="What we suggest, in whole sentences.")] = ""
    workaround: Annotated[Sentence, msgspec.Meta(description="What helps until then, in whole sentences.")] = ""
    yourself: Annotated[
        tuple[Sentence, ...], msgspec.Meta(description="Steps in plain words, for a customer with low IT maturity.")
    ] = ()
    options: Annotated[
        tuple[Sentence, ...], msgspec.Meta(description="Ways to choose from, for a customer with high IT maturity.")
    ] = ()
    steps: Annotated[
        tuple[Step, ...], msgspec.Meta(description="What the engineer does, as tables of `say` and `run`.")
    ] = ()
    prevention: Annotated[tuple[Sentence, ...], msgspec.Meta(description="How it does not happen again.")] = ()
    runbook: Annotated[
        str, msgspec.Meta(pattern=r"^(https?://\S+)?$", description="Address of your own instructions.")
    ] = ""


@functools.lru_cache(maxsize=256)  # for the life of a child or a command
def find_remedy(name: str, language: str, own: Path | None = None) -> Remedy:
    """Return the remedy of this id for a ticket in `language`, the generic one where no file has that id.

    own: IT's folder. A file that cannot be used is left out here; `check_remedies` says what is wrong with it.
    """
    data: dict[str, Any] = {}
    for path in _files(name, language, own):
        found, wrong = _read(path)
        data |= {} if wrong else found
    return msgspec.convert(data, Remedy)


def check_remedies(own: Path, languages: Iterable[str]) -> Iterator[ConfigError]:
    """Yield everything that is wrong with IT's folder of remedies; `languages` are those that tickets can be written in."""
    known = tuple(languages)
    for path in sorted(own.iterdir()):
        _, dot, language = path.name.removesuffix(".toml").partition(".")
        if path.suffix != ".toml":
            yield ConfigError(str(path), "", "is no remedy", "call it ID.toml, or put it elsewhere")
        elif dot and language not in known:
            cure = nearest(language, known, f"call it ID.toml, or ID and one of {', '.join(known)}")
            yield ConfigError(str(path), "", f'"{language}" in its name is no language of tickets', cure)
        else:
            yield from _read(path)[1]


def sentences(remedy: Remedy) -> Iterator[tuple[str, str]]:
    """Yield each text of the remedy that people read, with its key; commands are no language's."""
    for key in ("action", "suggestion", "workaround"):
        yield key, getattr(remedy, key)
    for key in ("yourself", "options", "prevention"):
        yield from ((f"{key}[{number}]", text) for number, text in enumerate(getattr(remedy, key)))
    yield from ((f"steps[{number}].say", step.say) for number, step in enumerate(remedy.steps))


def _files(name: str, language: str, own: Path | None) -> Iterator[Path]:
    """Yield the files a remedy is made of, those that count most last."""
    for remedy in dict.fromkeys((GENERIC, name) if re.fullmatch(r"\w+", name) else (GENERIC,)):
        yield SHIPPED / f"{remedy}.toml"
        if own is not None:
            yield own / f"{remedy}.toml"
            yield own / f"{remedy}.{language}.toml"


def _read(path: Path) -> tuple[dict[str, Any], list[ConfigError]]:
    """Return what a file says, and everything that is wrong with it; one that is not there says nothing."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        problem, cure = f"cannot be read: {error.strerror}", "let the agent's user read it"
    except UnicodeDecodeError as error:
        problem, cure = f"is not UTF-8 text (byte {error.start})", "save it as UTF-8"
    except (ValueError, RecursionError) as error:  # no TOML, a number of thousands of digits, or nested without end
        problem, cure = f"is not TOML: {error}", "correct it there"
    else:
        remedy, wrong = decode(Remedy, data, file=str(path))
        wrong += [
            ConfigError(str(path), key, f"{{{name}}} stands for nothing", f"known here: {', '.join(PLACEHOLDERS)}")
            for key, text in (sentences(remedy) if remedy else ())
            for name in re.findall(r"\{([^{}]*)\}", text)
            if name not in PLACEHOLDERS
        ]
        return data, wrong
    return {}, [ConfigError(str(path), "", problem, cure)]
