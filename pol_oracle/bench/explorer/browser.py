"""What a person sees in a browser, and when: Chromium, driven by Playwright, on the same machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from pol_oracle.protocol.errors import InputError

from ..format import Row
from .site import running

PAINT_BAR_MS, SHIFT_BAR, WEIGHT_BAR_KB, FRAME_BAR_MS = 1000.0, 0.1, 300.0, 50.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
SEEN = """() => new Promise((done) => {
  const found = { shift: 0, paint: 0 };
  const add = (e) => { if (!e.hadRecentInput) found.shift += e.value; };
  new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type: 'layout-shift', buffered: true });
  const end = () => { found.weight = performance.getEntries().reduce((sum, e) => sum + (e.transferSize || 0), 0);
    done(found); };
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if (e.name === 'first-contentful-paint') {
    found.paint = e.startTime; setTimeout(end, 1500); } }).observe({ type: 'paint', buffered: true }); })"""
COUNTED = """() => { const frames = window.frameTimes = []; let last = performance.now();
  const next = (now) => { frames.push(now - last); last = now; requestAnimationFrame(next); };
  requestAnimationFrame(next); }"""
TRACED = ["disabled-by-default-devtools.timeline", "toplevel"]
TASK = "RunTask"  # Chromium's name for a piece of work of a thread; frames are made of them


def browser(scratch: Path) -> Iterator[Row]:
    """First paint, shifts and weight of pages, and frames of the tree while it is moved, zoomed and played back."""
    with running(scratch) as site, _opened() as tab:
        for name, path in (("home", "/"), ("tree", "/tree"), ("blocks", "/blocks"), ("accounts", "/accounts")):
            tab.goto(site.url + path, wait_until="load")
            found = tab.evaluate(SEEN)
            yield Row(f"browser.{name}.first_paint", found["paint"], "ms", bar=PAINT_BAR_MS)
            yield Row(f"browser.{name}.shift", found["shift"], "", bar=SHIFT_BAR)
            yield Row(f"browser.{name}.weight", found["weight"] / 1000, "kB", bar=WEIGHT_BAR_KB)
        tab.goto(site.url + "/tree")
        tab.wait_for_selector("#grown:not([hidden])")
        tab.evaluate(COUNTED)
        for name, act in (("moved", _move), ("zoomed", _zoom), ("played", _play)):
            tab.evaluate("frameTimes.length = 0")
            act(tab)
            frames = tab.evaluate("frameTimes")
            yield Row(f"browser.tree.{name}.longest_frame", max(frames), "ms", bar=FRAME_BAR_MS)
            yield Row(f"browser.tree.{name}.median_frame", median(frames), "ms")
            tab.context.browser.start_tracing(page=tab, categories=TRACED)
            act(tab)
            tasks = _tasks(tab.context.browser.stop_tracing())
            yield Row(f"browser.tree.{name}.longest_task", max(tasks), "ms", bar=FRAME_BAR_MS)
            yield Row(f"browser.tree.{name}.tasks", len(tasks), "tasks")


def _tasks(trace: bytes) -> list[float]:
    """Milliseconds of a processor that each task of the page's main thread took; waiting for one is not the page's."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (e["pid"], e["tid"]) for e in events if e["name"] == "thread_name" and e["args"].get("name") == "CrRendererMain"
    }
    return [e.get("tdur", 0) / 1000 for e in events if TASK in e["name"] and (e["pid"], e["tid"]) in main]


def _move(tab: Any) -> None:
    box = tab.locator("#canvas").bounding_box()
    tab.mouse.move(box["x"] + box["width"] - 50, box["y"] + 100)
    tab.mouse.down()
    for step in range(120):
        tab.mouse.move(box["x"] + box["width"] - 50 - 6 * step, box["y"] + 100 + step % 20)
    tab.mouse.up()


def _zoom(tab: Any) -> None:
    for step in range(80):
        tab.mouse.wheel(0, 120 if step < 40 else -120)
        tab.wait_for_timeout(10)


def _play(tab: Any) -> None:
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_timeout(4000)
    tab.get_by_role("button", name="Pause").click()


@contextmanager
def _opened() -> Iterator[Any]:
    """A tab of a browser."""
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    if executable is None:
        raise InputError("there is no chromium on the PATH: `apt-get install chromium`, or leave this part out")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started.new_page(viewport={"width": 1280, "height": 900})
        started.close()
