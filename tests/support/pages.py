"""Looking at a page in a real Chromium: wait for what must come true, never for a while."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "browser" / "scripts"
SHOTS = os.environ.get("JINYUN_SHOTS", "")
PATIENCE = 60.0
"""How long something may take on a busy machine. [s]"""
STEADY = 3
"""Looks in a row that must see the same."""
NARROWEST = 360  # px
WIDER = """() => { const m = document.querySelector('main') ?? document.body
  return Math.max(document.documentElement.scrollWidth - innerWidth, m.scrollWidth - m.clientWidth) }"""
LOOK = """() => { const m = document.querySelector('main') ?? document.body
  const moves = (a) => a.playState === 'running' && a.effect?.getComputedTiming().iterations !== Infinity
  const loading = document.querySelectorAll('.bones, .el-loading-mask').length
  return [loading + document.getAnimations().filter(moves).length,
          [m.scrollWidth, m.scrollHeight, m.innerText.length, m.querySelectorAll('*').length].join(' ')] }"""


def script(name: str) -> str:
    """One of the scripts that look at a page."""
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


def until(page: Any, expression: str, seconds: float = PATIENCE) -> None:
    """Wait until the JavaScript holds. The content policy forbids the eval of `wait_for_function`, as it should."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"() => Boolean({expression})"):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(100)


def told(page: Any, selector: str, *words: str, seconds: float = PATIENCE) -> str:
    """The text of the first such element, once all the words are in it."""
    end, text = time.monotonic() + seconds, ""
    while True:
        text = page.locator(selector).first.inner_text(timeout=seconds * 1000)
        missing = [word for word in words if word not in text]
        if not missing:
            return str(text)
        assert time.monotonic() < end, f"{selector} never said {missing}: {text!r}"
        page.wait_for_timeout(100)


def counted(page: Any, selector: str, number: int, seconds: float = PATIENCE) -> None:
    """Wait until there are so many of them."""
    end = time.monotonic() + seconds
    while (found := page.locator(selector).count()) != number:
        assert time.monotonic() < end, f"{found} of {selector}, not {number}"
        page.wait_for_timeout(100)


def watch_requests(page: Any) -> None:
    """Keep count of what the page has asked for and not got yet; the stream of events never ends."""
    page.under_way = under_way = set()

    def asked(one: Any) -> None:
        if one.resource_type != "eventsource":
            under_way.add(one)

    def over(one: Any) -> None:
        under_way.discard(one)

    page.on("request", asked)
    page.on("requestfinished", over)
    page.on("requestfailed", over)


def at_rest(page: Any, seconds: float = PATIENCE) -> None:
    """Wait until nothing is under way, moves or loads, and what is shown stays as it is."""
    end, same, last = time.monotonic() + seconds, 0, None
    while same < STEADY and time.monotonic() < end:
        page.wait_for_timeout(100)
        busy, seen = page.evaluate(LOOK)
        same = same + 1 if seen == last and not busy and not page.under_way else 0
        last = seen


def no_findings(page: Any, look: str, argument: Any = None, seconds: float = 5.0) -> list[Any]:
    """What a script finds on the page at rest. What passes by within seconds (a curve that is drawn anew) is none."""
    at_rest(page)
    end = time.monotonic() + seconds
    while (found := list(page.evaluate(look, argument))) and time.monotonic() < end:
        page.wait_for_timeout(200)
    return found


def wider(page: Any) -> int:
    """By how much the page at rest is wider than the window. [px]"""
    at_rest(page)
    return int(page.evaluate(WIDER))


def shot(page: Any, name: str) -> None:
    """A picture, where JINYUN_SHOTS names a folder."""
    if SHOTS:
        at_rest(page)
        page.screenshot(path=Path(SHOTS) / f"{name}.png")
