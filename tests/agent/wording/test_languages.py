"""What tickets say in each shipped language: whole, in one script, and set as its readers are used to."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import pytest
from babel import Locale
from babel.messages.pofile import read_po

from agent.configuration.settings import Maturity
from agent.wording.context import RenderContext
from agent.wording.languages import SHIPPED, SOURCE, languages
from agent.wording.remedies import SHIPPED as REMEDIES
from agent.wording.remedies import find_remedy
from ticket_cases import CASES, FILLING, OTHERS, everything, in_language, surveyed, text_of, ticket

TRANSLATED = [language for language in languages() if language != SOURCE]
CHINESE = ("zh_Hans", "zh_Hant")
IDEOGRAPH = "[\u4e00-\u9fff]"
#: What no text may have. Between Chinese and Latin letters or digits stands a space, beside full-width punctuation none.
SLIPS = {
    "no space between Chinese and Latin": rf"{IDEOGRAPH}[A-Za-z0-9%]|[A-Za-z0-9%]{IDEOGRAPH}",
    "a space beside full-width punctuation": "(?<!^[*]) [，。：；、（）？！「」“”]|[，。：；、（）？！「」“”] ",
    "half-width punctuation": rf"{IDEOGRAPH}[,.:;?!()]|[(]{IDEOGRAPH}",
    "a space between Chinese letters": f"{IDEOGRAPH} {IDEOGRAPH}",
    "two stops": "[。；，、：][。；，、：]",
    "a hole": r"None|\bnan\b|\ue000|Undefined|  |（）",
}
#: Words of other letters that a Chinese text may have, besides commands, paths and what people and hosts are called. The last
#: are a level of consent, and rules that gather others.
LATIN = """
    Foretell UTC TB GB MB kB B P1 P2 P3 P4 P10 P50 P90 LVM XFS ext4 inode tmpfs spool steal root Debian Ubuntu Red Hat
    needrestart needs-restarting lvextend growpart resize2fs smartctl fsck dkms status uname vmstat systemd-tmpfiles r b a
    Linux RAID ZFS btrfs UUID fstab fstrim ionice mdadm mount noauto scrub showmount smartmontools smbclient zpool start stats
    balance device poolmetadatasize mkswap C D G L e si so st x z
    UDP podman OOMKilled PostgreSQL Node https
    facts storm overflow problem overheating
"""
#: What the examples themselves say in English: names, a person's words, a rule's and a plugin's of somebody else's.
NAMES = """
    Acme Ltd
    Ann Field
    Kim
    web01
    web shop
    second line
    mail queue
    MAILQ CRITICAL - 731 mails wait
    chronyd
    db
    own
    md0
    sda
    coretemp
    Package
    worker
    java
    convert
    linux-image-amd64
    libc6
    exit-code
    failed
    iowait
    user
    name:
    a certificate runs out
    certificate
    a fact of a plugin
    a step
    Removed old dumps.
    Nightly dumps were never removed.
    The nightly dumps were never removed.
    Moved the old dumps to the archive.
    Moved the old dumps, and remove those older than a week.
    https://desk.example/41
"""
#: What is said in the People's Republic, and not in Taiwan, whatever the script.
MAINLAND = """
    磁盤 硬盤 服務器 軟件 硬件 內存 默認 網絡 計算機 信息 數據 屏幕 鼠標 打印 文件夾 用戶 進程 重啟 日誌 設備 操作系統 回收站 擴容
    虛擬機（ 計劃 只讀 訪問 列表 序列號 解除安裝 檢視 許可權 服務檯 這臺 響應 崩潰 優先級 審計 支持 質量 優化 緩存
"""


@cache
def context_for(language: str, maturity: Maturity) -> RenderContext:
    """Return what a text is rendered with for a customer who reads this language and knows so much about IT."""
    return surveyed(in_language(language, maturity=maturity))


@cache
def lines(language: str) -> frozenset[str]:
    """Return every line of every text in `language`, also of tickets for readers who know little or much about IT."""
    more = [context_for(language, "low"), context_for(language, "high")]
    texts = [
        *(text for _, text in everything(in_language(language))),
        *(text_of(ticket(facts, context)) for context in more for facts in CASES.values()),
        *(text_of(ticket(facts, surveyed(in_language(language)))) for facts in OTHERS.values()),
    ]
    return frozenset(line for text in texts for line in text.splitlines())


def catalogue(language: str):
    """Return a shipped catalogue as its text has it."""
    with (SHIPPED / language / "LC_MESSAGES" / "foretell.po").open("rb") as file:
        return read_po(file)


def strings(message) -> list[str]:
    """Return what a message is translated to."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_the_three_languages_are_shipped():
    """And what this file says of Chinese is tried on both of its scripts."""
    assert languages() == ("en", "zh_Hans", "zh_Hant")


@pytest.mark.parametrize("language", TRANSLATED)
def test_gettext_itself_finds_nothing_wrong(language):
    """GNU msgfmt knows mistakes that no library of ours does."""
    if shutil.which("msgfmt") is None:
        pytest.skip("msgfmt is not installed (Debian package gettext): the catalogue was NOT checked by it")
    path = SHIPPED / language / "LC_MESSAGES" / "foretell.po"
    checked = subprocess.run(
        ["msgfmt", "--check", "-o", "/dev/null", path], check=False, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_plural_names_what_it_counts():
    """Otherwise Jinja2 counts the first value of the sentence, which may be a name: English then never has one of anything."""
    templates = [
        path for path in (SHIPPED.parent / "templates").rglob("*.j2") if "pluralize" in path.read_text("utf-8")
    ]
    assert templates
    assert [path.name for path in templates if re.search(r"pluralize\s*-?%}", path.read_text("utf-8"))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_takes_the_same_values_in_every_language(language):
    """None lacks a date, and none asks for one that is not there."""
    for message in catalogue(language):
        if message.id:
            plural = message.id if isinstance(message.id, str) else message.id[-1]
            for text in strings(message):
                for form in (r"%\((\w+)\)s", r"\{(\w+)\}"):
                    assert set(re.findall(form, plural)) == set(re.findall(form, text)), text


@pytest.mark.parametrize(("language", "charset"), [("zh_Hans", "gb2312"), ("zh_Hant", "big5")])
def test_each_script_keeps_to_itself(language, charset):
    """The national character sets tell the scripts apart: GB 2312 has no traditional letter, Big5 no simplified one."""
    for message in catalogue(language):
        if message.id:
            for text in strings(message):
                text.encode(charset)  # raises UnicodeEncodeError


def test_traditional_chinese_is_said_as_in_taiwan():
    """Another script alone would be a text that nobody there writes."""
    said = "\n".join(text for message in catalogue("zh_Hant") if message.id for text in strings(message))
    assert [word for word in MAINLAND.split() if word in said] == []


@pytest.mark.parametrize("language", CHINESE)
def test_chinese_is_set_as_its_readers_are_used_to(language):
    """Full-width punctuation, spaces around Latin letters and digits, no hole where a value was not known."""
    slips = {
        (slip, line[max(found.start() - 20, 0) : found.end() + 20])
        for slip, pattern in SLIPS.items()
        for line in lines(language)
        for found in re.finditer(pattern, line)
    }
    assert slips == set()


@pytest.mark.parametrize("language", CHINESE)
def test_no_english_is_left_in_a_chinese_ticket(language):
    """Whatever is said, but commands, names and a short list of what engineers write in Latin letters everywhere."""
    commands = [
        step.run for path in REMEDIES.glob("*.toml") for step in find_remedy(path.stem, SOURCE).steps if step.run
    ]
    taken_out = [
        *(re.escape(command).replace(r"\{subject\}", r"\S+") for command in commands),
        *map(re.escape, filter(None, map(str.strip, NAMES.splitlines()))),
        r"foretell[:\s][ -~]*",
        r"[\w-]*[/_.=][\w/_.@=-]*",  # paths, units, rules, settings
        r"\b[0-9a-f]{16,64}\b",  # keys and ids
    ]
    left = "\n".join(sorted(lines(language)))
    for pattern in taken_out:
        left = re.sub(pattern, "", left)
    assert set(re.findall(r"[A-Za-z][A-Za-z0-9-]*", left)) - set(LATIN.split()) == set()


@pytest.mark.parametrize("language", CHINESE)
def test_a_chinese_ticket_differs_from_the_english_one_in_every_line_that_says_something(language):
    """A catalogue that is not found would leave the English text, and nobody here would notice."""
    english, chinese = (
        text_of(ticket(FILLING)).splitlines(),
        text_of(ticket(FILLING, in_language(language))).splitlines(),
    )
    same = [line for line in set(english) & set(chinese) if line.strip("- ")]
    assert same == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_days_and_months_are_those_of_the_common_locale_data(language):
    """As every program of the reader's writes them."""
    locale = Locale.parse(language)
    said = {message.id: strings(message)[0] for message in catalogue(language)}
    english = Locale.parse("en")
    for number in range(7):
        assert said[english.days["format"]["wide"][number]] == locale.days["format"]["wide"][number]
    for number in range(1, 13):
        name = said[english.months["format"]["wide"][number]]
        assert name.replace(" ", "") in {locale.months["format"][width][number] for width in ("abbreviated", "wide")}


@pytest.mark.parametrize("language", languages())
def test_the_title_is_a_whole_sentence_with_consequence_date_and_proposal(language):
    """In the order in which each language says it."""
    expected = {
        "en": (
            "The disk /srv of web01 could be full as early as Thursday 26 November; "
            "we suggest extending it on Tuesday 24 November at 00:15"
        ),
        "zh_Hans": "web01 的 /srv 磁盘最早可能在 11 月 26 日（星期四）写满；建议于 11 月 24 日（星期二）00:15 扩容",
        "zh_Hant": "web01 的 /srv 磁碟最早可能在 11 月 26 日（星期四）寫滿；建議於 11 月 24 日（星期二）00:15 擴充容量",
    }
    made = ticket(FILLING, in_language(language))
    assert (made.title, made.language) == (expected[language], language)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", CASES)
def test_maturity_sets_how_much_a_customer_is_told(language, name):
    """The same beginning for all; whoever knows little is offered the work, whoever knows much is given data and options."""
    low, medium, high = (
        text_of(ticket(CASES[name], context_for(language, maturity))) for maturity in ("low", "medium", "high")
    )
    assert low.splitlines()[0] == medium.splitlines()[0] == high.splitlines()[0]
    assert len({low, medium, high}) == 3
    remedy = find_remedy(CASES[name].remedy, language)
    assert len(low.splitlines()) > len(medium.splitlines())
    if language == SOURCE:
        assert "we do it for you" in low
        assert ("These are the ways to do it" in high) == bool(remedy.options)
        assert all(option in high for option in remedy.options)
        assert all(step in low and step not in high for step in remedy.yourself)
