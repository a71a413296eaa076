"""The explorer in a real browser: every page, with and without JavaScript, live, played back, and for everybody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.fixtures.l1 import VERIFIERS
from pol_oracle.protocol.positions import Item, Position
from tests.explorer.browser.tab import Tab
from tests.explorer.conftest import Site
from tests.explorer.stage import FINAL, Story

DOCS = Path(__file__).parents[3] / "docs" / "explorer"
PAGES = {"home": "/", "tree": "/tree", "dispute": "/dispute/{step}", "block": "/block/{last}", "learning": "/learning"}
SOON_MS = 120_000  # for what another process works out, which begins with compiling kernels


def pages(story: Story) -> list[str]:
    """One of each kind."""
    own = ["/", "/tree", "/blocks", "/disputes", "/accounts", "/task", "/learning", "/search?q=6"]
    own += [f"/block/0x{block.hex()}" for block in (story.final[-1], story.step)]
    own += [f"/dispute/0x{block.hex()}" for block in (story.step, story.requirement, story.withheld)]
    own.append(f"/dispute/0x{story.final[0].hex()}")  # nobody doubted it
    account = f"/account/{story.l1.account(4).address}"
    return [*own, account, f"{account}/lost", f"{account}/learned"]


def warm(tab: Tab, story: Story) -> None:
    """Waits until what is worked out elsewhere is there."""
    tab.open(f"/dispute/0x{story.step.hex()}").wait_for_selector(".versus", timeout=SOON_MS)
    tab.open(f"/dispute/0x{story.requirement.hex()}").wait_for_selector(".float table", timeout=SOON_MS)
    tab.open("/task").wait_for_selector(".layer", timeout=SOON_MS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", ["light", "phone"])
def test_every_page_opens_without_a_complaint_and_axe_finds_nothing(
    browser: Any, site: Site, story: Story, look: str
) -> None:
    scheme = "light" if look == "light" else "dark"
    size = {"width": 390, "height": 844} if look == "phone" else {"width": 1280, "height": 900}
    tab = Tab(browser, site.url, color_scheme=scheme, viewport=size, bypass_csp=False)
    warm(tab, story)
    for path in pages(story):
        page = tab.open(path)
        page.wait_for_load_state("load")
        assert tab.violations() == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    tab.close()


def test_every_page_says_the_same_without_javascript(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url, java_script_enabled=False)
    for path in pages(story):
        tab.open(path)
        assert tab.page.locator("main").inner_text().strip(), path
    assert tab.open("/tree").locator("svg.tree a").count() > FINAL
    assert tab.open("/").locator("svg.figure1 a").count() > FINAL
    tab.close()


def test_hostile_names_are_text(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    page = tab.open(f"/account/{story.l1.account(4).address}")
    assert "<img src=x" in page.locator("h1").inner_text()
    assert page.locator("img[src=x]").count() == 0
    page = tab.open("/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "<script>alert(1)</script>" in page.locator("main").inner_text()
    tab.close()


def test_search_finds_whatever_is_typed(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    typed = {
        story.final[0].hex()[:10]: f"/block/0x{story.final[0].hex()}",
        f"0x{story.step.hex()}": f"/block/0x{story.step.hex()}",
        str(story.l1.account(2).address): f"/account/{story.l1.account(2).address}",
        "3": f"/block/0x{story.final[2].hex()}",
        "onerror": f"/account/{story.l1.account(4).address}",
    }
    for text, where in typed.items():
        page = tab.open("/")
        page.keyboard.press("/")
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        page.wait_for_url(site.url + where)
    tab.close()


def test_the_wrong_float_is_shown_with_what_it_should_be(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    page = tab.open(f"/dispute/0x{story.step.hex()}")
    page.wait_for_selector(".versus", timeout=SOON_MS)
    _, _, claimed, true = story.wrong
    values = [float(text) for text in page.locator(".versus .value").all_inner_texts()]
    assert values == pytest.approx([claimed, true], rel=1e-6)
    assert page.locator(".versus .differs").count() > 0
    assert page.locator(".layer.here").count() == 1
    tab.close()


def test_a_replay_shows_weights_before_and_after(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    page = tab.open(f"/block/0x{story.final[0].hex()}")
    page.get_by_role("button", name="Replay here").click()
    page.wait_for_selector("#required .verdict", timeout=60_000)
    assert "wrong" in page.locator("#required .verdict").inner_text()  # its roots are made up
    assert page.locator("#required tbody > tr").count() >= 5
    assert page.locator(".losses path").count() == 1
    tab.close()


def test_the_tree_is_moved_zoomed_and_played_back(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    page = tab.open("/tree")
    page.wait_for_selector("#grown:not([hidden])")
    everything = page.locator("#told").inner_text()
    drawn = page.locator("#canvas").screenshot()
    page.locator("#when").evaluate("(s) => { s.value = 200; s.dispatchEvent(new Event('input')); }")
    assert page.locator("#told").inner_text() != everything
    assert page.locator("#canvas").screenshot() != drawn
    page.get_by_role("button", name="Now").click()
    assert page.locator("#told").inner_text() == everything
    page.locator("#canvas").focus()
    before = page.locator("#canvas").screenshot()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    assert page.locator("#canvas").screenshot() != before
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('play').textContent === 'Pause'")
    page.get_by_role("button", name="Pause").click()
    tab.close()


def test_a_page_follows_l1_by_itself(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    page = tab.open("/")
    block, _ = story.l1.propose(story.l1.header(story.final[-1], 95))
    page.wait_for_selector(f"#strip a[href='/block/0x{block.hex()}']", timeout=5_000)
    tab.close()


def test_what_comes_of_a_block_appears_on_its_open_pages(browser: Any, site: Site, story: Story) -> None:
    block, _ = story.l1.propose(story.l1.header(story.final[-1], 97))
    site.until(lambda state: site.get(f"/block/{block.hex()}")[0] == 200)
    own, asked = Tab(browser, site.url), Tab(browser, site.url)
    page, dispute = own.open(f"/block/0x{block.hex()}"), asked.open(f"/dispute/0x{block.hex()}")
    assert "Nobody has doubted this block" in dispute.locator("main").inner_text()
    child, _ = story.l1.propose(story.l1.header(block, 98))
    story.l1.send(VERIFIERS[0], "Demands", "demand", block, Position(Item.ROOTS).abi(), b"")
    page.wait_for_selector(f"main a[href='/block/0x{child.hex()}']", timeout=20_000)
    dispute.wait_for_selector("ol.walk li", timeout=20_000)
    assert "Nobody has doubted this block" not in dispute.locator("main").inner_text()
    own.close()
    asked.close()


def test_what_a_reader_opened_stays_open(browser: Any, site: Site, story: Story) -> None:
    from playwright.sync_api import expect

    tab = Tab(browser, site.url)
    page = tab.open(f"/dispute/0x{story.step.hex()}")
    page.wait_for_selector("details.path", timeout=SOON_MS)
    page.locator("details.path summary").click()
    page.locator("h1").click()  # the focus is elsewhere
    page.evaluate("() => { addEventListener('pol:changed', () => { document.title = 'changed'; }); }")
    story.l1.propose(story.l1.header(story.final[-1], 96))
    expect(page).to_have_title("changed", timeout=SOON_MS)
    assert page.locator("details.path").get_attribute("open") is not None
    tab.close()


def test_light_and_dark_are_chosen_and_kept(browser: Any, site: Site) -> None:
    tab = Tab(browser, site.url, color_scheme="light")
    page = tab.open("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    dark = page.evaluate(ground)
    assert dark != light
    tab.open("/accounts")
    assert page.evaluate(ground) == dark
    tab.close()


def test_pages_are_light_and_do_not_shift(browser: Any, site: Site, story: Story) -> None:
    tab = Tab(browser, site.url)
    for path in ("/", "/tree", f"/block/0x{story.final[-1].hex()}"):
        page = tab.open(path)
        page.wait_for_load_state("load")
        weight = page.evaluate("performance.getEntries().reduce((sum, e) => sum + (e.transferSize || 0), 0)")
        assert 0 < weight < 300_000, path
        script = """() => new Promise((done) => { let sum = 0; const seen = new PerformanceObserver((list) => {
            for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; });
            seen.observe({ type: 'layout-shift', buffered: true }); setTimeout(() => done(sum), 300); })"""
        assert page.evaluate(script) < 0.1, path
    tab.close()


@pytest.mark.skipif("POL_PICTURES" not in os.environ, reason="POL_PICTURES names no explorer to take pictures of")
def test_pictures_of_the_pages(browser: Any) -> None:
    """Writes docs/explorer/: of ``pol demo --explorer``, say, whose address POL_PICTURES is."""
    url = os.environ["POL_PICTURES"].rstrip("/")
    DOCS.mkdir(exist_ok=True)
    tab = Tab(browser, url)
    blocks = tab.page.request.get(f"{url}/api/blocks").json()["blocks"]
    step = next(block["id"] for block in blocks if block["kind"] == "step")
    last = next(block["id"] for block in blocks if block["status"] == "finalized")
    for name, path in PAGES.items():
        page = tab.open(path.format(step=step, last=last))
        if name in ("dispute", "learning"):
            page.wait_for_selector({"dispute": ".versus", "learning": ".confusion"}[name], timeout=SOON_MS)
        page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => null)))")
        page.wait_for_timeout(500)
        page.screenshot(path=DOCS / f"{name}.png", full_page=False)
    tab.close()
