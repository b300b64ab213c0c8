"""One document in every markup: as it was agreed, and whatever its texts are, never more structure than the document has.

What a markup means is asked of readers that are not ours: Python's for HTML, markdown-it for Markdown. For Textile there is the
real Redmine in `tests/desks`, for Jira's wiki markup the list of signs that its renderer knows.
"""

from __future__ import annotations

import html
import html.parser
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ticketing_clients import Bullets, Document, Facts, Heading, Paragraph, Preformatted, to_plain
from ticketing_clients._document import as_it_is, one_line, row
from ticketing_clients._markup.fit import fit
from ticketing_clients._markup.html import to_html
from ticketing_clients._markup.jira_adf import to_adf
from ticketing_clients._markup.jira_wiki import to_jira_wiki
from ticketing_clients._markup.markdown import to_markdown
from ticketing_clients._markup.textile import to_textile

GOLDEN = Path(__file__).parent.parent / "golden" / "markup"
EXAMPLE = Document(
    (
        Heading("What will happen"),
        Paragraph("Disk /var (ext4) on web-01 is 91% full; it will be full on 2026-12-04 at 10:30. Well! 磁盘将满 😀"),
        Facts((("Free now", "9 GiB of 100 GiB"), ("Owner", "ops@example.com | <b>web</b>"), ("Serial", ""))),
        Bullets(("1. remove *old* logs", "- see [the page](javascript:alert(1))", "{{macro}} \\\\host\\share &lt;")),
        Preformatted("$ df -h /var\n/dev/sda1  ```  {noformat}  </pre>\n\n| 91% |"),
        Paragraph("h1. @team: reopen #12\n/close \u202etxt.exe"),
    )
)
MARKUPS = {
    "plain.txt": to_plain,
    "html": to_html,
    "md": to_markdown,
    "textile": to_textile,
    "jira.txt": to_jira_wiki,
    "adf.json": lambda document: json.dumps(to_adf(document), ensure_ascii=False, indent=1) + "\n",
}

# One of everything that is a sign in some markup, between letters, blanks, and what is not seen.
SIGNS = [
    *"<>&\"'`*_~^|[]{}()#+-=!:;@$%/\\?.,0aZ磁😀 \t\n\r",
    *("\u202e", "\u2028", "\x00", "\x1b[31m", "\xa0", "\u200d"),
    *("<script>alert(1)</script>", "</pre>", "</td>", "<!--", "]]>", "&lt;", "&#60;", "&copy;", "<br>", "</code>"),
    *("[x](javascript:alert(1))", "![x](http://evil)", "http://evil", "www.evil.com", "a@evil.com", "@team", "#1"),
    *("```", "~~~", "---", "***", "===", "> ", "- ", "+ ", "1. ", "2) ", "    ", "\\\\", "|a|b|", "/close", "$$x$$"),
    *("{noformat}", "{NOFORMAT}", "{code}", "{{x}}", "{color:red}", "h1. ", "bq. ", "||a||", "[~admin]", "!x.png!"),
    *("(/)", ":D", ":)", "mailto:", "notextile. ", "p(. ", "fn1. "),
]
hostile = st.lists(st.one_of(st.sampled_from(SIGNS), st.characters()), max_size=10).map("".join)
blocks = st.one_of(
    hostile.map(Heading),
    hostile.map(Paragraph),
    hostile.map(Preformatted),
    st.lists(hostile, min_size=1, max_size=3).map(lambda items: Bullets(tuple(items))),
    st.lists(st.tuples(hostile, hostile), min_size=1, max_size=3).map(lambda rows: Facts(tuple(rows))),
)
documents = st.lists(blocks, min_size=1, max_size=4).map(lambda some: Document(tuple(some)))


def texts(block):
    """Return what a reader should see of a block, text by text."""
    match block:
        case Bullets(items):
            return [one_line(item) for item in items]
        case Facts(rows):
            return [one_line(text) for row in rows for text in row]
        case Preformatted(text):
            return [as_it_is(text)]
        case _:
            return [one_line(block.text)]


@pytest.mark.parametrize("name", MARKUPS)
def test_the_example_is_written_as_agreed(name):
    """The example of all blocks equals the one on record; `make golden` records it anew."""
    path, written = GOLDEN / f"example.{name}", MARKUPS[name](EXAMPLE)
    if os.environ.get("RENEW_GOLDEN"):
        path.write_text(written, "utf-8")
    assert written == path.read_text("utf-8")


@given(documents)
def test_no_text_makes_a_line_of_plain_text(document):
    """There are as many lines as the document has, and no letter that turns a line around."""
    written = to_plain(document)
    lines = sum(
        {Heading: 2, Facts: len(texts(block)) // 2, Preformatted: texts(block)[0].count("\n") + 1}.get(
            type(block), len(texts(block))
        )
        for block in document.blocks
    )
    assert written.count("\n") == lines + len(document.blocks) - 1
    assert len(written.splitlines()) == written.count("\n")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", written)


class Page(html.parser.HTMLParser):
    """What a browser would find: the tags in their order, and the text inside each of the innermost ones."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.texts, self.others = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert attrs == []
        self.tags.append(tag)
        self.texts.append("")

    def handle_endtag(self, tag):
        if tag in {"ul", "table", "tr"}:
            self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


TAGS = {Heading: ["h3"], Paragraph: ["p"], Preformatted: ["pre"]}


@given(documents)
def test_no_text_makes_a_tag(document):
    """A reader finds exactly our elements, without attributes, and in them the texts letter by letter."""
    page = Page(to_html(document))
    tags, seen = [], []
    for block in document.blocks:
        match block:
            case Bullets(items):
                tags += ["ul", *["li"] * len(items)]
            case Facts(rows):
                tags += ["table", *["tr", "th", "td"] * len(rows)]
            case _:
                tags += TAGS[type(block)]
        seen += texts(block)
    assert (page.tags, page.others) == (tags, [])
    assert [text.strip() for text in page.texts if text.strip()] == [text.strip() for text in seen if text.strip()]


def seen_in_markdown(source):
    """Return what markdown-it finds: the blocks, and the inline parts but the empty tags that we put there ourselves."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    kinds = [token.type for token in tokens if not token.type.endswith("_close")]
    inline = [
        [part for part in token.children if not (part.type == "html_inline" and part.content in {"<i>", "</i>"})]
        for token in tokens
        if token.type == "inline"
    ]
    return kinds, inline, [token.content for token in tokens if token.type == "fence"]


@given(blocks)
def test_no_text_makes_markdown(block):
    """markdown-it finds one block of ours, and in it nothing but texts, letter by letter."""
    source = to_markdown(Document((block,)))
    kinds, inline, fences = seen_in_markdown(source)
    assert {part.type for parts in inline for part in parts} <= {"text", "text_special", "softbreak"}
    seen = ["".join(part.content for part in parts) for parts in inline]
    shown = texts(block)
    match block:
        case Preformatted():
            assert kinds == ["fence"]
            assert fences == [f"{shown[0]}\n" if shown[0] else "\n"]
        case Heading():
            assert (kinds, seen) == (["heading_open", "inline"], shown)
        case Paragraph():
            assert (kinds, seen) == ((["paragraph_open", "inline"], shown) if shown[0] else ([], []))
        case Facts(rows):
            pairs = [row(one_line(label), one_line(value)).strip() for label, value in rows]
            assert kinds == ["bullet_list_open", *["list_item_open", "paragraph_open", "inline"] * len(rows)]
            assert seen == pairs
        case Bullets():
            assert kinds[0] == "bullet_list_open"
            assert kinds.count("list_item_open") == len(shown)
            assert seen == [text for text in shown if text]
    if not isinstance(block, Preformatted):
        # What desks link beside CommonMark: bare addresses, mentions, numbers; and what GitLab does as it is told.
        text = source.removeprefix("### ")
        assert not re.search(r"://|\bwww\.|@|#(?!\d+;)|\$", text)
        assert not text.startswith("/")


@given(hostile)
def test_entities_are_all_that_is_done_to_a_text_in_textile(text):
    """With them decoded it is letter by letter the same line, and the signs are gone."""
    source = to_textile(Document((Paragraph(text),)))
    assert html.unescape(source.removeprefix("p. ")) == one_line(text)
    assert not set('<>"@[{|`\\*~') & set(source)


@pytest.mark.parametrize("write", [to_textile, to_markdown])
def test_plain_words_stay_as_they_are(write):
    """Mails show the source, so what is no markup is not touched."""
    text = "Disk /var (ext4) on web-01 is 91% full; it will be full on 2026-12-04 at 10:30. Well!"
    assert write(Document((Paragraph(text),))).removeprefix("p. ") == text


@pytest.mark.parametrize("tag", ["</pre>", "</PRE >", "<code>", "</notextile>", "<kbd"])
def test_no_tag_ends_preformatted_textile(tag):
    """Between the tags that we write there is none that Textile reads."""
    source = to_textile(Document((Preformatted(f"a {tag} *b*"),)))
    assert source.removeprefix("<pre>\n").removesuffix("\n</pre>") == f"a <\N{WORD JOINER}{tag[1:]} *b*"


@given(hostile)
def test_every_sign_of_jira_is_escaped(text):
    """Without escapes and entities no sign is left that Jira's renderer knows; with them undone it is the same text."""
    source = to_jira_wiki(Document((Paragraph(text),)))
    assert not re.search(r"[!\[\]^~+?%{}()*_\-|@\\#&]|:/|:\)", re.sub(r"\\[^a-zA-Z0-9\s\\]|&#\d+;", "", source))
    assert not re.match(r"(h[1-6]|bq)\.", source)
    assert html.unescape(re.sub(r"\\([^a-zA-Z0-9\s\\])", r"\1", source)) == one_line(text)


@given(hostile)
def test_nothing_ends_preformatted_text_of_jira(text):
    """There are two {noformat}, and both are ours."""
    source = to_jira_wiki(Document((Preformatted(text),)))
    assert len(re.findall(r"\{noformat", source, re.IGNORECASE)) == 2
    assert source.removeprefix("{noformat}\n").removesuffix("\n{noformat}").replace(
        "{\N{WORD JOINER}", "{"
    ) == as_it_is(text).replace("{\N{WORD JOINER}", "{")


@given(st.lists(st.tuples(hostile, hostile), min_size=1, max_size=3))
def test_a_row_of_jira_has_two_cells(rows):
    """One line for each, and in it no bar but ours."""
    for line in to_jira_wiki(Document((Facts(tuple(rows)),))).split("\n"):
        assert re.fullmatch(r"\|\|(?:[^|\\]|\\.)+\|(?:[^|\\]|\\.)+\|", line)


CHILDREN = {
    "doc": {"heading", "paragraph", "bulletList", "table", "codeBlock"},
    "heading": {"text"},
    "paragraph": {"text"},
    "codeBlock": {"text"},
    "bulletList": {"listItem"},
    "listItem": {"paragraph"},
    "table": {"tableRow"},
    "tableRow": {"tableHeader", "tableCell"},
    "tableHeader": {"paragraph"},
    "tableCell": {"paragraph"},
}


@given(documents)
def test_adf_has_the_shape_of_its_schema(document):
    """Every node holds what the schema lets it hold, and a text node is a text, without marks, and not empty."""
    seen = []

    def look(node):
        if node["type"] == "text":
            assert node.keys() == {"type", "text"}
            seen.append(node["text"])
            return
        assert node.keys() - {"version", "attrs"} == {"type", "content"}
        assert {child["type"] for child in node["content"]} <= CHILDREN[node["type"]]
        for child in node["content"]:
            look(child)

    look(json.loads(json.dumps(to_adf(document))))
    assert seen == [text for block in document.blocks for text in texts(block) if text]


@pytest.mark.parametrize("render", [to_plain, to_html, to_markdown, to_textile, to_jira_wiki])
@given(document=documents, longest=st.integers(60, 400))
def test_what_is_cut_fits_and_is_whole_markup(render, document, longest):
    """It is at most as long as asked, and what `render` makes of a document: nothing is cut in half."""
    whole, cut = render(document), fit(document, render, longest)
    assert len(cut) <= longest
    if len(whole) <= longest:
        assert cut == whole
    else:
        assert "…" in cut


def test_a_letter_of_four_bytes_survives_the_cut():
    """The cut is between letters, and as late as there is room."""
    assert fit(Document((Paragraph("磁😀" * 40),)), to_html, 20) == f"<p>{'磁😀' * 6}…</p>"


def test_adf_is_measured_as_json():
    """The size is whatever the desk counts."""
    fitted = fit(EXAMPLE, to_adf, 300, size=lambda node: len(json.dumps(node, ensure_ascii=False)))
    assert len(json.dumps(fitted, ensure_ascii=False)) <= 300
    assert fitted["content"][0] == to_adf(EXAMPLE)["content"][0]


def test_where_nothing_fits_it_is_said():
    """A limit below one letter in its markup is a mistake of the caller."""
    with pytest.raises(ValueError, match="fits into 3"):
        fit(EXAMPLE, to_html, 3)
