"""One source's lines through all rules: templates, keys, own secrets, pseudonyms, patterns. On any error none of it leaves."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

import msgspec

from agent.redaction._commands import command_lines
from agent.redaction._encoded import encoded
from agent.redaction._keys import near_words, personal_keys, secret_keys
from agent.redaction._own_secrets import own_secrets
from agent.redaction._patterns import PATTERNS
from agent.redaction._private_keys import PrivateKeys
from agent.redaction._pseudonyms import Pseudonyms
from agent.redaction._spans import Find, Span, replaced
from agent.redaction._templates import Field, Templates
from agent.redaction._urls import url_credentials

#: bytes without the line break; a longer line is left out whole, for a cut one could end in half a secret
LONGEST_LINE = 1 << 16
_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,32}[@-~]")
_BLANKS = str.maketrans("\t", " ")


class LeftOut(Exception):
    """A source cannot be redacted, so nothing of it may leave: what came out of it so far must be thrown away.

    Says which rule failed and with what kind of error; holds nothing of the source, nor does anything chained to it.
    """


class Report(msgspec.Struct):
    """What became of the lines of one source, counted while they pass.

    lines_in, lines_out: lines seen, lines that may leave.
    left_out: lines that may not, by reason: `no_template`; `too_long` (over LONGEST_LINE); `not_text` (not UTF-8, or with control
    characters); `private_key` (part of one).
    redactions: places replaced in what may leave, by the name of the rule.
    """

    lines_in: int = 0
    lines_out: int = 0
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    redactions: Counter[str] = msgspec.field(default_factory=Counter)


class Redactor:
    """Redacts sources of one customer, any number of them."""

    def __init__(
        self,
        templates: Templates,
        pseudonyms: Pseudonyms,
        secrets: Iterable[str] = (),
        *,
        longest_line: int = LONGEST_LINE,
    ) -> None:
        """`secrets`: every secret the agent knows, as text. Raises ValueError when one is too short to be found."""
        self._templates = templates
        self._pseudonyms = pseudonyms
        self._longest_line = longest_line
        looks: dict[str, Find] = {
            "secret_key": secret_keys,
            "command_line": command_lines,
            "url_credentials": url_credentials,
            "own_secret": own_secrets(secrets),
            "near_word": near_words,
            "personal_key": personal_keys,
            **pseudonyms.rules,
            **PATTERNS,
        }
        #: the rules that look at whole lines, by name, in their order
        self.rules: dict[str, Find] = {**looks, "encoded": encoded(looks.values())}

    @property
    def layouts(self) -> Collection[str]:
        """The names of the layouts there are."""
        return self._templates.layouts

    def lines(self, layout: str, source: Iterable[bytes], report: Report) -> Iterator[str]:
        """Yield what of `source` may leave: its lines, redacted, without line breaks. `report` counts what happens.

        `layout` is one of the templates'. Keeps two lines at most. Raises LeftOut; then what was yielded must not leave either.
        """
        keys = PrivateKeys()
        held: str | None = None  # until the next line has shown that this one was not the last of a private key
        for raw in _read(source):
            report.lines_in += 1
            line, reason = self._one(layout, raw, keys, report.redactions)
            if keys.ended_without_beginning and held is not None:
                held = None
                report.left_out["private_key"] += 1
            if held is not None:
                report.lines_out += 1
                yield held
            held = line
            if line is None:
                report.left_out[reason] += 1
        if held is not None:
            report.lines_out += 1
            yield held

    def _one(self, layout: str, raw: bytes, keys: PrivateKeys, counts: Counter[str]) -> tuple[str | None, str]:
        """Return a line as it may leave, or None and the reason why it may not."""
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        if len(raw) > self._longest_line:
            return None, "too_long"
        rule = "plain_text"
        try:
            line = plain_text(raw)
            if line is None:
                return None, "not_text"
            rule = "private_key"
            if keys.holds(line):
                return None, "private_key"
            rule = "templates"
            fields = self._templates.fields(layout, line)
            if fields is None:
                return None, "no_template"
            rule = "fields"
            found = [one for field in fields for one in self._pseudonyms.field(line, field)]
            versions = [field for field in fields if field.kind in {"version", "packages"}]
            for rule, find in self.rules.items():
                found += [(rule, span) for span in find(line)]
            rule = "joining"
            if versions:
                found = [one for one in found if not _is_version(*one, versions)]
            return replaced(line, found, counts), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing of this source may leave
            failed = f"the rule {rule} failed: {type(error).__name__}"
        # Outside of the handler, so that nothing is chained: the error may hold what must not leave.
        raise LeftOut(failed)


def plain_text(raw: bytes) -> str | None:
    """Return a line as the rules look at it, None when it is not text.

    Colours are taken out and full-width, ligature and invisible characters made plain, so that a key or a token is seen however
    it is written. What leaves is this form.
    """
    try:
        line = raw.decode()
    except UnicodeDecodeError:
        return None
    if not (line.isascii() and line.isprintable()):
        line = unicodedata.normalize("NFKC", _COLOUR.sub("", line).translate(_BLANKS))
        line = "".join(character for character in line if unicodedata.category(character) != "Cf")
    return line if line.isprintable() else None


def _is_version(rule: str, span: Span, versions: Iterable[Field]) -> bool:
    """Return whether what looks like an address is a version: 8.0.1.3."""
    return rule == "address" and any(field.start <= span.start and span.end <= field.end for field in versions)


def _read(source: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of `source`; whatever goes wrong in reading leaves it out too."""
    lines = iter(source)
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - as above
            failed = f"reading failed: {type(error).__name__}"
            break
        yield line
    raise LeftOut(failed)
