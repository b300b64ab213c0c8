"""Knowledge articles: what was learnt from closed cases, as Markdown for a knowledge base.

Numbers and the subject are the ticket's core. What people wrote leaves only where consent to this kind of tickets allows `facts`,
and is redacted like a line of a bundle; what redaction does not let out is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from agent.consent.levels import Allowed, lets_out
from agent.following.facts import case_facts
from agent.following.follow import GATHERINGS
from agent.following.model import Case, Episode
from agent.redaction import LeftOut, Redactor, Report
from agent.wording.context import RenderContext
from agent.wording.render import render_article
from thresholds import Rule
from ticketing_clients import Document, Paragraph, to_markdown

WITHHELD = "…"


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One article. name: of its file, made of the rule's id and the case's key. withheld: whether people's words stay here."""

    name: str
    text: str
    withheld: bool


def articles(
    cases: Iterable[Case], rules: Mapping[str, Rule], context: RenderContext, allowed: Allowed, redactor: Redactor
) -> Iterator[Article]:
    """Yield an article for each of `cases` that is closed, and of which something was learnt: measured or written down."""
    for case in cases:
        rule = rules.get(case.rule)
        if case.state != "closed" or not case.episodes or case.rule in GATHERINGS or rule is None:
            continue
        open_to_words = lets_out(allowed(rule.id, rule.type), "measurement")
        told = tuple(_told(one, redactor if open_to_words else None) for one in case.episodes)
        facts = case_facts(msgspec.structs.replace(case, episodes=told), rules)
        title, document = render_article(facts, context)
        withheld = any(WITHHELD in (one.cause, one.done) for one in told)
        heading = to_markdown(Document(blocks=(Paragraph(title),)))  # a subject is not ours: it is escaped as well
        text = f"# {heading}\n\n{to_markdown(document)}\n"
        yield Article(name=f"{rule.id}-{case.key[:12]}.md", text=text, withheld=withheld)


def write(articles: Iterable[Article], folder: Path) -> list[Article]:
    """Write each into `folder`, in place of an earlier one of its name; return them. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in articles:
        (folder / one.name).write_text(one.text, encoding="utf-8")
        written.append(one)
    return written


def _told(episode: Episode, redactor: Redactor | None) -> Episode:
    words = {name: _redacted(getattr(episode, name), redactor) for name in ("cause", "done")}
    return msgspec.structs.replace(episode, ticket=None, **words)


def _redacted(text: str, redactor: Redactor | None) -> str:
    """Return what of a person's words may leave; without a redactor none may."""
    if not text:
        return ""
    if redactor is None:
        return WITHHELD
    try:
        return " ".join(redactor.lines("text", [text.encode("utf-8", "surrogateescape")], Report())) or WITHHELD
    except LeftOut:
        return WITHHELD
