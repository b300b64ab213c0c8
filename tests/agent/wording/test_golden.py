"""Every kind of ticket in every language and markup, on record: one file each, to be read as its readers will."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import msgspec
import pytest

from agent.wording.languages import languages
from ticket_cases import (
    CASES,
    LOOKS,
    MEMBERS,
    OF_MEMBERS,
    TOPICS,
    comment,
    in_language,
    later,
    surveyed,
    text_of,
    ticket,
)
from ticketing_clients import Ticket, to_plain
from ticketing_clients._markup.html import to_html
from ticketing_clients._markup.jira_adf import to_adf
from ticketing_clients._markup.markdown import to_markdown

GOLDEN = Path(__file__).parents[2] / "golden" / "languages"


@cache
def tickets(language: str) -> dict[str, Ticket]:
    """Return each case's ticket, made once for all markups."""
    context = surveyed(in_language(language))
    return {name: ticket(facts, context) for name, facts in CASES.items()}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    ("markup", "ending", "before"),
    [
        (to_plain, "txt", "==== {name}: {title}\n\n"),
        (to_html, "html", "<!-- {name} --><h2>{title}</h2>\n"),
        (to_markdown, "md", "# {name}: {title}\n\n"),
    ],
)
def test_each_ticket_in_each_language_and_markup_reads_as_on_record(language, markup, ending, before, golden):
    """Plain text, HTML and Markdown."""
    texts = [before.format(name=name, title=one.title) + markup(one.body) for name, one in tickets(language).items()]
    golden(GOLDEN / f"tickets.{language}.{ending}", "\n\n".join(text.strip() for text in texts) + "\n")


@pytest.mark.parametrize("language", languages())
def test_each_ticket_in_each_language_is_on_record_as_jira_takes_it(language, golden):
    """Atlassian's document format."""
    lines = []
    for name, one in tickets(language).items():
        document = to_adf(one.body)
        lines += [
            f"==== {name}",
            *(json.dumps(block, ensure_ascii=False) for block in document.pop("content")),
            str(document),
        ]
    golden(GOLDEN / f"tickets.{language}.adf.jsonl", "\n".join(lines) + "\n")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("maturity", ["low", "high"])
def test_what_a_customer_of_each_maturity_reads_is_on_record(language, maturity, golden):
    """More steps or more data; the plain one is among the tickets."""
    texts = [
        text_of(ticket(CASES[name], in_language(language, maturity=maturity)))
        for name in ("disk_space", "memory_exhausted", "reboot_required", "service_failed")
    ]
    golden(GOLDEN / f"maturity.{maturity}.{language}.txt", "\n\n====\n\n".join(texts))


@pytest.mark.parametrize("language", [language for language in languages() if language != "en"])
def test_each_comment_in_each_language_reads_as_on_record(language, golden):
    """With a forecast and of a gathering, and what a first look found; the English ones have files of their own."""
    texts, here = [], surveyed(in_language(language))
    for topic in TOPICS:
        for name in ("disk_space", "first_look"):
            facts = later(CASES[name])
            facts = msgspec.structs.replace(facts, members=MEMBERS) if topic in OF_MEMBERS else facts
            texts.append(f"==== {name}, {topic}\n\n" + text_of(comment(topic, facts, here)))
    for name, (rule, look) in LOOKS.items():
        facts = msgspec.structs.replace(CASES[rule], diagnosis=look)
        consented = msgspec.structs.replace(here, level="facts")
        texts.append(f"==== {name}, diagnosis\n\n" + text_of(comment("diagnosis", facts, consented)))
    golden(GOLDEN / f"comments.{language}.txt", "\n".join(texts))
