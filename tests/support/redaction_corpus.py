"""What the tests of redaction and tools/redaction_figures.py share: planted secrets, harmless lines, and how both are judged."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import random
import re
import string
import tomllib
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from agent.line_templates import load_templates
from agent.redaction import Pseudonyms, Redactor, Report, Templates, parse_templates

DATA = Path(__file__).parent.parent / "agent" / "redaction"
KEY = bytes(range(32))
OWN_SECRET = 'Zug-9 "quer"/Straße+7'

# Where in the lines of each source free text may stand.
SHAPES = {
    "journal": [
        "2026-11-24T00:44:01+0000 web01 systemd[1]: shop.service: {}",
        "Nov 24 00:44:01 web01 CRON[71]: (root) CMD ({})",
        "2026-11-24T00:44:01.123456+01:00 WEB01 smartd[9]: Device: /dev/sda [SAT], {}",
        "Nov  4 00:44:01 web01.corp.example.com kernel: EXT4-fs (sda1): {}",
        "Nov 24 00:44:01 web01 sudo:     root : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND={}",
    ],
    "kernel": ["[   12.345678] sd 0:0:0:0: [sda] {}", "[ 8112.001122] BTRFS error (device sdb1): {}"],
    "apt_history": ["Commandline: {}", "Error: {}"],
    "apt_term": ["dpkg: warning: {}", "E: {}"],
    "alternatives": ["update-alternatives 2026-11-24 00:44:01: run with {}"],
    "dpkg": ["2026-11-24 00:44:01 status installed {} 1.0"],
}
OPEN = """
layouts.journal = { summary = "all", program = "x", headers = ["{time} {host} "] }
layouts.kernel = { summary = "all", program = "x", headers = [""] }
layouts.apt_history = { summary = "all", program = "x", headers = [""] }
layouts.apt_term = { summary = "all", program = "x", headers = [""] }
layouts.alternatives = { summary = "all", program = "x", headers = [""] }
layouts.dpkg = { summary = "all", program = "x", headers = [""] }
messages = [{ programs = ["x"], lines = ["{text}"] }]
"""
_ALPHABETS = {
    "m": string.ascii_letters + string.digits,
    "a": string.ascii_lowercase + string.digits,
    "A": string.ascii_uppercase + string.digits,
    "d": string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "b": string.ascii_letters + string.digits + "+/",
    "u": string.ascii_letters + string.digits + "-_",
    "p": string.ascii_letters + string.digits + "!#$%&*+-./:;=?@^_~",
}
_MARKED = re.compile(r"⟦(?:(b64|hex|url|json)\|)?(.*?)⟧")
_DRAWN = re.compile(r"<([a-zA-Z])(\d+)>|<(card|iban):(\w+)([ -]?)>|<(identity)>")


class Form(NamedTuple):
    """One way in which a secret is written: the text, and what of it must not leave."""

    group: str
    text: str
    secrets: list[str]


def forms() -> Iterator[Form]:
    """Yield every planted form; the same secrets each time."""
    draw = random.Random(5)  # noqa: S311 - the same each time, nothing secret
    groups = tomllib.loads((DATA / "planted.toml").read_text("utf-8"))["forms"]
    for group, texts in groups.items():
        for text in texts:
            secrets: list[str] = []

            def put(marked: re.Match[str], secrets: list[str] = secrets) -> str:
                secret = _DRAWN.sub(lambda drawn: _draw(drawn, draw), marked[2])
                secrets.append(secret)
                return _written(secret, marked[1])

            yield Form(group, _MARKED.sub(put, text), secrets)


def _draw(form: re.Match[str], draw: random.Random) -> str:
    if form[1]:
        alphabet, length = _ALPHABETS[form[1]], int(form[2])
        drawn = "".join(draw.choice(alphabet) for _ in range(length))
        # No secret of a size to matter is without a digit and a letter where its alphabet has both.
        return drawn if form[1] == "d" else drawn[:-1] + draw.choice("23456789") if length > 2 else drawn
    if form[3] == "card":
        digits = (form[4] + "".join(draw.choice(string.digits) for _ in range(15)))[:15]
        total = sum(int("0246813579"[int(d)] if at % 2 == 0 else d) for at, d in enumerate(reversed(digits)))
        return _grouped(digits + str(-total % 10), form[5])
    if form[3] == "iban":
        account = "".join(draw.choice(string.digits) for _ in range(18))
        rest = int("".join(str(int(c, 36)) for c in account + form[4] + "00")) % 97
        return _grouped(f"{form[4]}{98 - rest:02d}{account}", form[5])
    body = f"11010519{draw.randint(50, 99)}0{draw.randint(1, 9)}1{draw.randint(0, 9)}{draw.randint(100, 999)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]


def _grouped(digits: str, between: str) -> str:
    return between.join(digits[at : at + 4] for at in range(0, len(digits), 4)) if between else digits


def _written(secret: str, encoding: str | None) -> str:
    if encoding == "b64":
        return base64.b64encode(secret.encode()).decode()
    if encoding == "hex":
        return secret.encode().hex().upper()
    if encoding == "url":
        return urllib.parse.quote(secret, safe="")
    return json.dumps(secret)[1:-1] if encoding == "json" else secret


def redactor(templates: Templates | None = None, **options: int) -> Redactor:
    """Return a redactor that knows what the planted lines take for granted."""
    pseudonyms = Pseudonyms(KEY, hosts=["web01.corp.example.com"], users=["annika"])
    return Redactor(templates or load_templates(), pseudonyms, [OWN_SECRET], **options)


def open_templates() -> Templates:
    """Return templates that let every line of every layout out, so that the other rules stand alone."""
    return Templates([parse_templates(OPEN)])


def harmless() -> dict[str, list[bytes]]:
    """Return the real lines of each source, by layout."""
    return {
        file.name.partition(".")[0]: gzip.decompress(file.read_bytes()).splitlines()
        for file in sorted((DATA / "harmless").glob("*.gz"))
    }


def decoded(text: str, depth: int = 2) -> Iterator[str]:
    """Yield `text` and everything that can be decoded in it, also within what was decoded."""
    yield text
    if not depth:
        return
    found = {urllib.parse.unquote(text), urllib.parse.unquote_plus(text)}
    found.add(re.sub(r"\\+(?:u([0-9a-fA-F]{4})|(.))", lambda e: chr(int(e[1], 16)) if e[1] else e[2], text))
    for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
        plain = run.replace("-", "+").replace("_", "/")
        for shift in range(4):
            piece = plain[shift:]
            piece = piece[: len(piece) - (len(piece) % 4 == 1)]
            with_padding = piece + "=" * (-len(piece) % 4)
            found.add(base64.b64decode(with_padding).decode("utf-8", "replace"))
    for run in re.findall(r"(?:[0-9a-fA-F]{2}){6,}", text):
        found.add(binascii.unhexlify(run).decode("utf-8", "replace"))
    for inner in found - {text}:
        yield from decoded(inner, depth - 1) if len(inner) < 10_000 else [inner]


def leaks(out: str, secrets: list[str]) -> list[str]:
    """Return which of `secrets` are in `out`, in any case and encoding."""
    everything = "\n".join(decoded(out)).lower()
    return [secret for secret in secrets if secret.lower() in everything]


def planted_leaks(redactor: Redactor) -> list[tuple[str, str]]:
    """Return form and output of everything planted that comes out of any source, in clear or encoded."""
    found = []
    for form in forms():
        for layout, shapes in SHAPES.items():
            for shape in shapes:
                line = shape.replace("{}", form.text).encode()
                out = "\n".join(redactor.lines(layout, [line], Report()))
                if leaks(out, form.secrets):
                    found.append((form.text, out))
    return found


def altered(redactor: Redactor, layout: str, lines: list[bytes]) -> tuple[int, int, int]:
    """Return how many of `lines` there are, how many may leave, and how many of those are changed behind their header's host."""
    out = changed = 0
    for line in lines:
        for redacted in redactor.lines(layout, [line], Report()):
            out += 1
            # In the journal the host in the header becomes its pseudonym in each line; that is meant.
            behind = 2 if layout == "journal" else 0
            changed += (
                line.decode().replace("\t", " ").split(" ", behind)[behind:] != redacted.split(" ", behind)[behind:]
            )
    return len(lines), out, changed
