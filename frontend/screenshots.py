"""Pictures of a running node for the documentation, into ``docs/img``.

    ./run                                                        # in another terminal; wait some minutes
    JINYUN_PASSWORD=… python frontend/screenshots.py [http://127.0.0.1:8212 [periods]]

Needs playwright and a Chromium. Only the simulated district may be in the pictures.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "img"
DESK, WALL, PHONE = (1440, 900), (1920, 1080), (390, 844)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    origin = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8212"
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("JINYUN_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        if sys.argv[2:] != ["periods"]:
            _duty(browser, origin)
        _periods(browser, origin)
        browser.close()


def _duty(browser: Any, origin: str) -> None:
    """The duty officer's pages: map, site, why, case, link."""
    page = _open(browser, origin, DESK, "light")
    _picture(page, origin, "/", "duty", wait=8000)
    seen = page.evaluate("() => fetch('/api/overview').then((answer) => answer.json())")
    bad = _first(seen["sites"], lambda s: s["status"] == "bad" and s["verdict"] and s["judge"].endswith("_hour"))
    site = bad or _first(seen["sites"], lambda s: s["verdict"])
    case = _first(seen["cases"], lambda c: c["subject"] == site["id"]) or _first(seen["cases"], lambda _: True)
    _picture(page, origin, f"/site/{site['id']}", "site")
    page.locator("[data-test=verdicts] [data-test=why-button]").first.click()
    page.click("[data-test=why-deep]")
    page.wait_for_selector("[data-test=raw]")
    page.locator("[data-test=crc]").first.scroll_into_view_if_needed()
    page.evaluate("document.querySelector('.why-drawer .el-drawer__body').scrollBy(0, 160)")
    page.wait_for_timeout(500)
    page.screenshot(path=OUT / "site-why.png")
    if case:
        _picture(page, origin, f"/case/{case['id']}", "case")
    links = page.evaluate("() => fetch('/api/links').then((answer) => answer.json())")
    rows = links["items"] if isinstance(links, dict) else links
    busy = _first(rows, lambda r: r["site"] == site["id"]) or rows[0]
    _picture(page, origin, f"/link/{busy['mn']}", "link")
    _picture(_open(browser, origin, WALL, "dark"), origin, "/", "duty-wall", wait=8000)
    phone = _open(browser, origin, PHONE, "light")
    _picture(phone, origin, "/", "duty-phone", wait=8000)


def _periods(browser: Any, origin: str) -> None:
    """Figures of a month and a year, on a desk, in the dark and on a phone; what another edition would say."""
    page = _open(browser, origin, (1440, 1180), "light")
    _picture(page, origin, "/periods?subject=air", "periods", before="[data-test=earlier]")
    _picture(page, origin, "/editions", "editions", before="[data-test=run]", wait=4000)
    dark = _open(browser, origin, (1440, 1180), "dark")
    _picture(dark, origin, "/periods?subject=water", "periods-water", before="[data-test=earlier]")
    phone = _open(browser, origin, PHONE, "light")
    _picture(phone, origin, "/periods?subject=noise", "periods-phone", before="[data-test=earlier]")


def _first(rows: list[dict[str, Any]], holds: Any) -> Any:
    return next((row for row in rows if holds(row)), None)


def _open(browser: Any, origin: str, size: tuple[int, int], theme: str) -> Any:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
    context.add_init_script(f"localStorage.setItem('jinyun.theme', {json.dumps(theme)})")
    page = context.new_page()
    page.goto(f"{origin}/login")
    page.fill("input[name=password]", os.environ["JINYUN_PASSWORD"])
    page.click("button[type=submit]")
    page.wait_for_url(f"{origin}/")
    return page


def _picture(page: Any, origin: str, path: str, name: str, *, wait: int = 2500, before: str = "") -> None:
    """One page; `before` is pressed first, and what it brings is waited for."""
    page.goto(origin + path)
    if before:
        page.wait_for_timeout(2500)
        page.click(before)
    page.wait_for_timeout(wait)
    page.screenshot(path=OUT / f"{name}.png")
    print(f"docs/img/{name}.png")


if __name__ == "__main__":
    main()
