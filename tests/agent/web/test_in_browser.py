"""The page in a real Chromium: in every language, light and dark, on a phone and on a desk, by keyboard, and for a screen reader.

`make pictures` takes the pictures of docs/status-page.md with it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from page_scenes import SCENES, serve

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh_Hans", "zh_Hant")
PAGES = {
    "busy": ("/", "/cases/a1a1a1a1", "/engineer", "/engineer/cases/a1a1a1a1"),
    "failing": ("/", "/engineer"),
    "well": ("/",),
}
# What has the keyboard, as a person would tell it from another, and whether that can be seen.
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.left >= 0;
  return [one === document.body ? '' : one.tagName + ' ' + one.textContent.trim().slice(0, 80), seen];
}"""
REACHABLE = "() => document.querySelectorAll('a[href], summary, [tabindex=\"0\"]').length"


class Host(NamedTuple):
    """A host that is served: where, and which pages of it are looked at."""

    name: str
    url: str


@pytest.fixture(scope="module")
def hosts():
    """Serve every host there is to look at, for as long as this module runs."""
    with ExitStack() as stack:
        found = {}
        for name in SCENES:
            serving = serve(name, "127.0.0.1:0")
            found[name] = Host(name, f"http://{next(serving).address}")
            stack.callback(serving.close)
        yield found


@pytest.fixture(scope="module")
def browser():
    """Return Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test-browser")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium fonts-noto-cjk")
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox in Chromium; the pages are ours
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=chromium, args=[*rights, "--disable-gpu", "--hide-scrollbars"])


class Look:
    """A tab that notes what it asked for and what it complained of."""

    def __init__(self, browser, width, scheme="light", height=900):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = context.new_page()
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))

    def close(self):
        self.page.context.close()


@pytest.fixture
def look(browser):
    """Return a function that opens a tab, closed when the test ends."""
    with ExitStack() as stack:

        def opened(*arguments, **options):
            tab = Look(browser, *arguments, **options)
            stack.callback(tab.close)
            return tab

        yield opened


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_read_every_page(hosts, look, language, scheme, width):
    """axe-core finds nothing, nothing is cut off at the side, nothing is asked of anybody else, and the console is empty."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: make test-browser")
    tab = look(width, scheme)
    for host in hosts.values():
        for path in PAGES[host.name]:
            answer = tab.page.goto(f"{host.url}{path}?lang={language}")
            assert answer.status == 200
            assert tab.page.get_attribute("html", "lang") == language.replace("_", "-")
            assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
            tab.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            found = axe.Axe().run(tab.page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    assert tab.complaints == []
    assert {url.split("/", 3)[2] for url in tab.asked} == {host.url.split("/")[2] for host in hosts.values()}
    drawn = tab.page.goto(f"{hosts['busy'].url}/?lang={language}") and tab.page.locator("figure > svg.chart")
    assert drawn.count() == 3
    assert all(drawn.nth(number).bounding_box()["height"] > 150 for number in range(3))


@pytest.mark.parametrize("width", [360, 1440])
def test_everything_is_reached_by_keyboard(hosts, look, width):
    """Each link and each table, in order, with a frame that is seen; and past the head in one step."""
    tab = look(width)
    for path in ("/", "/engineer"):
        tab.page.goto(hosts["busy"].url + path)
        wanted = tab.page.evaluate(REACHABLE)
        walked = []
        for _ in range(wanted):
            tab.page.keyboard.press("Tab")
            told, seen = tab.page.evaluate(FOCUSED)
            assert seen, told
            walked.append(told)
        assert walked[0] == "A Skip to the content"
        assert "" not in walked
        tab.page.goto(hosts["busy"].url + path)
        tab.page.keyboard.press("Tab")
        tab.page.keyboard.press("Enter")
        assert tab.page.evaluate("document.activeElement.id") == "main"


def test_a_table_opens_by_keyboard(hosts, look):
    """What a drawing shows is read without a mouse, and without a script."""
    tab = look(1440)
    tab.page.goto(hosts["busy"].url)
    tab.page.locator("summary").first.focus()
    assert not tab.page.locator("figure table").first.is_visible()
    tab.page.keyboard.press("Enter")
    assert tab.page.locator("figure table").first.is_visible()


def test_a_screen_reader_hears_the_page_in_order(hosts, look):
    """One main part, one heading of the first order, each section by its name, each drawing by what it shows."""
    tab = look(1440)
    tab.page.goto(hosts["busy"].url)
    assert tab.page.get_by_role("main").count() == 1
    assert tab.page.get_by_role("banner").count() == 1
    assert tab.page.get_by_role("contentinfo").count() == 1
    assert tab.page.get_by_role("heading", level=1).count() == 1
    for name in ("What is coming", "What is being taken care of", "What could not be checked"):
        assert tab.page.get_by_role("region", name=name).count() == 1
    drawing = tab.page.get_by_role(
        "img", name="The disk /srv of files-01 could be full as early as Saturday 28 November"
    )
    assert "The limit is 0 B." in drawing.first.locator("desc").text_content()


def test_the_policy_lets_no_script_in(hosts, look):
    """Should a text ever get out of its place, the browser still runs nothing of it."""
    tab = look(1440)
    tab.page.goto(hosts["busy"].url)
    ran = """() => { const one = document.createElement('script'); one.textContent = 'window.ran = true';
                     document.body.append(one); return window.ran === true; }"""
    assert tab.page.evaluate(ran) is False
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)


PICTURES = {
    "page-overview.png": ("busy", "/", "en", 1100, "light"),
    "page-case.png": ("busy", "/cases/a1a1a1a1", "en", 1100, "light"),
    "page-inside.png": ("busy", "/engineer", "en", 1100, "light"),
    "page-well.png": ("well", "/", "en", 1100, "light"),
    "page-phone.png": ("busy", "/", "zh_Hans", 360, "dark"),
}


def test_the_pictures_of_the_documentation_are_of_this_page(hosts, look, tmp_path):
    """Each can be taken; `make pictures` keeps them."""
    folder = Path(os.environ.get("PICTURES") or tmp_path)
    for name, (host, path, language, width, scheme) in PICTURES.items():
        tab = look(width, scheme, height=1500 if width == 360 else 800)
        tab.page.goto(f"{hosts[host].url}{path}?lang={language}")
        tab.page.screenshot(path=folder / name, full_page=width > 360)
        assert (folder / name).stat().st_size > 10_000
