"""Brings the catalogues up to date with templates, remedies and rules, and compiles them: `make messages`.

A message that a catalogue lacks is added without a translation; one whose English changed keeps its old translation, marked
`fuzzy` until somebody has read it again; one that nobody says any more is left out. With --check it writes nothing, and fails
naming what is not translated, not read again or not compiled.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from agent.wording.languages import DOMAIN
from agent.wording.remedies import Remedy, sentences

ROOT = Path(__file__).resolve().parent.parent
WORDING = ROOT / "agent" / "wording"
FOLDERS = (WORDING, ROOT / "agent" / "web")  # what says anything: tickets and their like, and the page
METHODS = [("templates/**.j2", "jinja2"), ("templates/**.html", "jinja2"), ("*.py", "python")]
TEMPLATE = {"trimmed": "true", "newstyle_gettext": "true"}
OPTIONS = {"templates/**.j2": TEMPLATE, "templates/**.html": TEMPLATE}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "_gettext": None}
NOTE = "translators:"  # begins a comment that is meant for them
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # a date in it would make a catalogue another file every day

Message = str | tuple[str, ...]


def messages() -> Iterator[tuple[str, Message, list[str]]]:
    """Yield the file, the message and the notes for translators of everything that can be said."""
    for folder in FOLDERS:
        for file, _, message, notes, _ in extract_from_dir(
            folder, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=[NOTE], strip_comment_tags=True
        ):
            yield f"{folder.relative_to(ROOT)}/{file}", message, notes
    for path in (WORDING / "remedies").glob("*.toml"):
        remedy = msgspec.toml.decode(path.read_bytes(), type=Remedy)
        yield from ((f"agent/wording/remedies/{path.name}", text, []) for _, text in sentences(remedy) if text)
    for path in (ROOT / "thresholds" / "rules").glob("*.toml"):
        yield f"thresholds/rules/{path.name}", tomllib.loads(path.read_text("utf-8"))["summary"], []


def wanted() -> Catalog:
    """Return an empty catalogue of all messages by file; without line numbers, so that a change moves nothing else."""
    catalogue = Catalog(project="Foretell", copyright_holder="", fuzzy=False)
    for file, message, notes in sorted(messages(), key=lambda one: one[0]):
        catalogue.add(message, locations=[(file, 0)], auto_comments=notes)
    return catalogue


def renewed(path: Path, template: Catalog) -> tuple[bytes, bytes, Catalog]:
    """Return what the catalogue at `path` becomes with the messages of `template`: its text, compiled, and itself."""
    language = path.parent.parent.name
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    catalogue.update(template, update_header_comment=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.header_comment = (
        f"# Sentences of tickets in {language}. Change only msgstr, then run `make messages`: docs/wording.md."
    )
    catalogue.creation_date = catalogue.revision_date = UNDATED
    catalogue.project, catalogue.version, catalogue.last_translator = "Foretell", "", "Foretell"
    catalogue.language_team = catalogue.msgid_bugs_address = ""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=0, include_lineno=False, sort_by_file=True)
    write_mo(compiled, catalogue)
    return text.getvalue(), compiled.getvalue(), catalogue


def open_work(catalogue: Catalog) -> Iterator[str]:
    """Yield what is left to do in a catalogue, one line each."""
    for message in catalogue:
        if message.id:
            said = message.id if isinstance(message.id, str) else message.id[0]
            if not all(message.string if isinstance(message.string, tuple | list) else [message.string]):
                yield f"not translated: {said}"
            elif message.fuzzy:
                yield f"its English changed, read the translation again and take the mark `fuzzy` off: {said}"


def gettext_says(path: Path) -> str:
    """Return what GNU gettext finds wrong with a catalogue: it sees a placeholder that is missing, which Babel does not."""
    msgfmt = shutil.which("msgfmt")
    if msgfmt is None:
        print("msgfmt is not installed, so nothing was checked by it; cure: apt-get install gettext")
        return ""
    checked = subprocess.run(
        [msgfmt, "--check", "--output-file=/dev/null", str(path)], check=False, capture_output=True, text=True
    )
    return checked.stderr if checked.returncode else ""


def main(*, check: bool) -> int:
    """Write or check every catalogue, and say what is left to do."""
    template, wrong = wanted(), False
    for path in sorted((WORDING / "languages").glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        text, compiled, catalogue = renewed(path, template)
        left = list(open_work(catalogue))
        for file, content in ((path, text), (path.with_suffix(".mo"), compiled)):
            if not check:
                file.write_bytes(content)
            elif not file.exists() or file.read_bytes() != content:
                left.append(f"{file.relative_to(ROOT)} is not up to date; cure: make messages")
        found = gettext_says(path)
        wrong = wrong or bool(left or found)
        print("\n".join([f"{path.parent.parent.name}: {len(catalogue)} messages, {len(left)} left to do", *left]))
        if found:
            print(found)
    return int(check and wrong)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
