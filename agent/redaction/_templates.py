"""Line templates: which lines may leave at all, and which of their words are users, hosts and addresses.

A template is a line with fields: `Failed password for {user} from {address} port {number} ssh2`. No pattern language, on
purpose: who writes one sees what will leave, and no template can take more than one look at a line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from typing import Annotated, NamedTuple

import msgspec

#: What a field may hold; it takes as little of that as reaches to the words behind it.
_FIELDS = {
    "time": r"(?:[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d|"
    r"\d{4}-\d\d-\d\d(?:T| {1,2})\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)",
    "host": r"[\w.:-]+?",
    "program": r"[^\s\[\]:]+?",
    "user": r"[^\s'\"():;,\[\]<>]+?",
    "address": r"[\w.:%-]+?",
    "number": r" {0,16}[-+]?\d[\d.,]*?",
    "hex": r"(?:0[xX])?[0-9A-Fa-f]+?",
    "name": r"[\w.+:@~\\-]+?",
    "version": r"[\w.+:~-]+?",
    "packages": r"[\w.+:~(), -]+?",
    "path": r"/\S*?",
    "secret": r"\S+?",
    "word": r"\S+?",
    "text": r".*?",
}
# What may hold nearly anything, so that nothing but the words behind it can tell where it ends.
_OPEN = frozenset({"path", "secret", "word", "text"})
# Fields that say what their words are: to be replaced, whatever they look like, or versions, which look like addresses.
_TOLD = frozenset({"host", "user", "address", "secret", "version", "packages"})
_FIELD = re.compile(r"\{(\w*)\}")


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the lines of a source begin."""

    summary: Annotated[str, msgspec.Meta(description="One plain line: which files or journals look like this.")]
    headers: Annotated[
        list[str],
        msgspec.Meta(
            min_length=1,
            description="What stands before the message, the first that fits; the field `program` says who wrote it.",
        ),
    ]
    program: Annotated[
        str, msgspec.Meta(description="Whose messages these are when the header does not say it, as in `dpkg.log`.")
    ] = ""


class Messages(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages of some programs may leave."""

    programs: Annotated[
        list[str], msgspec.Meta(min_length=1, description="Programs as their lines name them, in upper and lower case.")
    ]
    lines: Annotated[
        list[str],
        msgspec.Meta(description=f"Templates of whole messages, with the fields {', '.join(sorted(_FIELDS))}."),
    ]


class TemplateFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TOML file of line templates; several add up."""

    layouts: Annotated[dict[str, Layout], msgspec.Meta(description="Layouts by name, as sources refer to them.")] = {}
    messages: Annotated[list[Messages], msgspec.Meta(description="What may leave, by program.")] = []


class Field(NamedTuple):
    """Words of a line of which a template tells what they are: `host`, `user`, `address`, `secret`, `version` or `packages`."""

    kind: str
    start: int
    end: int


def parse_templates(text: str) -> TemplateFile:
    """Return the templates written in TOML as `text`. Raises ValueError (msgspec's, tomllib's) that says what is wrong."""
    return msgspec.convert(tomllib.loads(text), TemplateFile)


class _Template(NamedTuple):
    beginning: str  # before the first field; looked at first, being cheap
    match: Callable[[str, int], re.Match[str] | None]
    kinds: list[str]

    def fields(self, match: re.Match[str]) -> Iterable[Field]:
        for number, kind in enumerate(self.kinds, 1):
            if kind in _TOLD:
                yield Field(kind, *match.span(number))


def _compiled(template: str, *, whole: bool) -> _Template:
    """Return `template` as something to match with: a whole message, or (`whole` False) what it begins with.

    Each field takes up to the first place where the words behind it stand, and gives nothing back: so there is nothing to
    try again, and a line is read once. Raises ValueError that names the template when a field is unknown or has no end.
    """
    literals = _FIELD.split(template)
    kinds = literals[1::2]
    del literals[1::2]
    pattern = re.escape(literals[0])
    for number, (kind, behind) in enumerate(zip(kinds, literals[1:], strict=True), 1):
        if kind not in _FIELDS:
            raise ValueError(f"template {template!r}: there is no field {kind!r}, only {', '.join(sorted(_FIELDS))}")
        last = number == len(kinds)
        if kind in _OPEN and not behind and not (last and whole):
            raise ValueError(f"template {template!r}: put words behind {{{kind}}}, or nothing tells where it ends")
        inside = _FIELDS[kind] if behind or last else _FIELDS[kind].removesuffix("?")
        pattern += f"(?>({inside}){re.escape(behind)}" + (r"\Z)" if whole and last else ")")
    if whole and not kinds:
        pattern += r"\Z"
    return _Template(literals[0], re.compile(pattern).match, kinds)


class Templates:
    """All templates there are, ready to say of a line whether it may leave."""

    def __init__(self, files: Iterable[TemplateFile]) -> None:
        """Take the files in order: a later layout replaces one of the same name, messages add up. Raises ValueError."""
        self._layouts: dict[str, tuple[list[_Template], str]] = {}
        self._messages: dict[str, list[_Template]] = {}
        for file in files:
            for name, layout in file.layouts.items():
                headers = [_compiled(header, whole=False) for header in layout.headers]
                if not layout.program and not all("program" in header.kinds for header in headers):
                    raise ValueError(f"layout {name!r}: say `program`, or have the field {{program}} in every header")
                self._layouts[name] = headers, layout.program
            for messages in file.messages:
                compiled = [_compiled(line, whole=True) for line in messages.lines]
                for program in messages.programs:
                    self._messages.setdefault(program, []).extend(compiled)

    @property
    def layouts(self) -> Collection[str]:
        """The names of the layouts there are."""
        return self._layouts.keys()

    def fields(self, layout: str, line: str) -> list[Field] | None:
        """Return the fields of `line` that tell what they are, or None when no template fits and it may not leave.

        Raises KeyError when there is no such layout.
        """
        headers, constant = self._layouts[layout]
        for header in headers:
            head = header.match(line, 0) if line.startswith(header.beginning) else None
            if head is None:
                continue
            program = constant or head[header.kinds.index("program") + 1]
            for template in self._messages.get(program, ()):
                if not line.startswith(template.beginning, head.end()):
                    continue
                message = template.match(line, head.end())
                if message is not None:
                    return [*header.fields(head), *template.fields(message)]
        return None
