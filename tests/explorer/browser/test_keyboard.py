"""The tree without a mouse: what keys select, what a screen reader hears of it, and which page opens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.explorer.browser.tab import Tab
from tests.explorer.conftest import Site
from tests.explorer.stage import FINAL, Story

SET = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def drawing(tab: Tab, tree: Any = None) -> Any:
    """The tree's page with the focus in its drawing; of what the API once said, if that is given."""
    if tree:
        tab.page.route("**/api/tree", lambda route: route.fulfill(json=tree))
    page = tab.open("/tree")
    page.wait_for_selector("#grown:not([hidden])")
    page.locator("#canvas").focus()
    return page


def picture(page: Any) -> str:
    """What is drawn, without the tooltip that lies over it."""
    return str(page.evaluate(f"{DRAWN}.then(() => document.getElementById('canvas').toDataURL())"))


def hears(page: Any, words: str) -> None:
    """Waits until a screen reader is told what begins so, and the tooltip says the same."""
    from playwright.sync_api import expect

    expect(page.locator("#said")).to_have_text(re.compile(f"^{words}"))
    shown, said = page.evaluate("['hint', 'said'].map((name) => document.getElementById(name).innerText)")
    assert re.sub(" · |\n", ", ", shown) == said


def test_keys_walk_the_tree_and_are_heard(browser: Any, site: Site, story: Story) -> None:
    first, second, rival = (block.hex()[:8] for block in (*story.final[:2], story.orphan))
    tab = Tab(browser, site.url)
    page = drawing(tab)
    page.keyboard.press("ArrowLeft")
    hears(page, "block .*, the head, height ")
    for key, words in (
        ("Home", "genesis, height 0"),
        ("ArrowLeft", "genesis"),
        ("ArrowRight", f"block {first}, height 1, 1 of 2, finalized, .* % accuracy"),
        ("ArrowDown", f"block {rival}, height 1, 2 of 2, orphaned"),
        ("ArrowRight", f"block {rival}"),
        ("ArrowDown", f"block {rival}"),
        ("ArrowUp", f"block {first}"),
        ("ArrowRight", f"block {second}, height 2, finalized"),
        ("End", "block .*, the head"),
        ("Home", "genesis"),
        ("ArrowRight", f"block {first}"),
    ):
        page.keyboard.press(key)
        hears(page, words)
    assert tab.violations() == []
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/block/{story.final[0].hex()[:12]}")
    tab.close()


def test_escape_drops_the_selection_and_other_keys_are_the_browsers(browser: Any, site: Site) -> None:
    from playwright.sync_api import expect

    tab = Tab(browser, site.url)
    page = drawing(tab)
    nothing = picture(page)
    page.keyboard.press("Home")
    hears(page, "genesis")
    assert picture(page) != nothing
    page.keyboard.press("Escape")
    expect(page.locator("#said")).to_have_text("")
    assert picture(page) == nothing
    expect(page.locator("#hint")).to_be_hidden()
    page.keyboard.press("Enter")  # opens nothing
    taken = """(init) => !document.getElementById("canvas").dispatchEvent(
        new KeyboardEvent("keydown", { cancelable: true, ...init }))"""
    for key in ("ArrowLeft", "Home", "+"):
        assert page.evaluate(taken, {"key": key})
        assert not any(page.evaluate(taken, {"key": key, held: True}) for held in ("altKey", "ctrlKey", "metaKey"))
    assert not page.evaluate(taken, {"key": "Tab"})
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_url(site.url + "/task")  # what genesis is
    tab.close()


@pytest.mark.parametrize("wide", [1280, 390])
def test_the_view_follows_the_selection(browser: Any, site: Site, story: Story, wide: int) -> None:
    tab = Tab(browser, site.url, viewport={"width": wide, "height": 700})
    page = drawing(tab)
    far = {"+": 8, "ArrowDown": 4, "ArrowLeft": FINAL + 1, "ArrowRight": FINAL, "-": 30}
    for key in ("Home", "+", "End", "ArrowDown", "ArrowLeft", "ArrowRight", "-"):
        for _ in range(far.get(key, 1)):
            page.keyboard.press(key)
        page.evaluate(DRAWN)
        hears(page, "genesis|block")
        outer, hint = (page.locator(name).bounding_box() for name in ("#canvas", "#hint"))
        assert outer["x"] <= hint["x"] and hint["x"] + hint["width"] <= outer["x"] + outer["width"], key
        assert outer["y"] <= hint["y"] and hint["y"] + hint["height"] <= outer["y"] + outer["height"], key
    tab.close()


def test_the_view_follows_a_selection_that_moves_and_leaves_a_reader_who_looks_elsewhere(
    browser: Any, site: Site
) -> None:
    from playwright.sync_api import expect

    tab = Tab(browser, site.url)
    tree = site.api("/tree")
    page, head = drawing(tab, tree), tree["heads"][-1][1]
    hint = page.locator("#hint")

    def changes(**columns: int) -> None:
        for name, value in columns.items():
            tree[name][head] = value
        page.evaluate("dispatchEvent(new Event('pol:changed'))")

    page.keyboard.press("End")
    hears(page, "block .*, the head")
    changes(lane=60, correct=0)
    hears(page, "block .*, 0.00 % accuracy")
    expect(hint).to_be_visible()
    page.locator("#canvas").hover(position={"x": 600, "y": 300})
    for _ in range(2):
        page.keyboard.down("Shift")
        page.mouse.wheel(0, 2000)
        page.keyboard.up("Shift")
    expect(hint).to_be_hidden()
    changes(correct=tree["test_count"])
    expect(page.locator("#said")).to_contain_text("100.00 % accuracy")
    assert hint.is_hidden()
    tab.close()


def test_keys_walk_the_tree_as_it_was(browser: Any, site: Site, story: Story) -> None:
    from playwright.sync_api import expect

    tab = Tab(browser, site.url)
    tree = site.api("/tree")
    page = drawing(tab, tree)
    first, second = (block.hex()[:8] for block in story.final[:2])
    moment = 500 * (tree["proposed"][1] + tree["proposed"][2]) / tree["now"]
    page.keyboard.press("End")
    hears(page, "block .*, the head")
    page.locator("#when").evaluate(SET, moment)
    expect(page.locator("#said")).to_have_text("")  # it is not there yet
    page.get_by_role("button", name="Play").click()
    assert page.locator("#told").get_attribute("aria-live") == "off"
    page.locator("#canvas").focus()
    page.keyboard.press("ArrowUp")
    hears(page, "block")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("#told").get_attribute("aria-live") == "polite"
    page.locator("#when").evaluate(SET, moment)
    page.locator("#canvas").focus()
    for key, words in (
        ("End", f"block {second}, the head, height 2, pending"),
        ("ArrowRight", f"block {second}"),
        ("ArrowLeft", f"block {first}, height 1, pending"),
        ("ArrowDown", f"block {first}"),
    ):
        page.keyboard.press(key)
        hears(page, words)
    page.get_by_role("button", name="Now").click()
    hears(page, f"block {first}, height 1, 1 of 2, finalized")
    tab.close()


def test_the_pointer_shows_another_block_and_the_selection_stays(browser: Any, site: Site, story: Story) -> None:
    from playwright.sync_api import expect

    tab = Tab(browser, site.url)
    page = drawing(tab)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    hears(page, "block")
    canvas, hint, said = page.locator("#canvas"), page.locator("#hint"), page.locator("#said").inner_text()
    genesis = {"x": 51, "y": 51}  # of a short tree, which is drawn as large as it gets
    canvas.hover(position=genesis)
    expect(hint).to_contain_text("genesis")
    assert page.locator("#said").inner_text() == said
    page.mouse.move(0, 0)
    expect(hint).to_contain_text(story.final[0].hex()[:8])
    canvas.click(position=genesis)
    page.wait_for_url(site.url + "/task")
    tab.close()
