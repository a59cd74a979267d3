"""A live node with a few hours of data, and a real Chromium that looks at it and at nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from frontend import tool
from live import Live
from live_over import over_its_limit
from pages import watch_requests

CHROMIUM = [
    os.environ.get("JINYUN_CHROMIUM", ""),
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--disable-sync", "--disable-default-apps",
]  # fmt: skip
DESK = (1280, 800)  # the map is drawn without a graphics card: small is fast


@pytest.fixture(scope="package")
def built() -> None:
    """The page as its sources say; built here when it is not, which needs node_modules or an npm registry."""
    module = tool("build")
    try:
        module.build()
    except module.BuildError as wrong:
        pytest.skip(f"the page cannot be built here: {wrong}")


@pytest.fixture(scope="package")
def node(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An outlet over its limit for hours, so that there is an alarm and a case; a section of class II; a stranger."""
    live = over_its_limit(tmp_path_factory.mktemp("browser") / "var")
    yield live
    live.close()


@dataclass
class Watch:
    """What the pages asked for and complained of."""

    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def on(self, page: Any) -> None:
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    @property
    def outside(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((f"{self.origin}/", "blob:", "data:"))]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a module."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for path in CHROMIUM if path and shutil.which(path)), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, or set JINYUN_CHROMIUM to one")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def watch(node: Live) -> Watch:
    return Watch(node.url)


@pytest.fixture(scope="module")
def entry(node: Live) -> dict[str, str]:
    """One log-in for all pages but those that test it: argon2 is slow on purpose."""
    client = node.client()
    try:
        return dict(client.cookies)
    finally:
        client.close()


@pytest.fixture
def open_page(chromium: Any, node: Live, watch: Watch, entry: dict[str, str]) -> Iterator[Any]:
    """`open_page(path, size=…, theme=…, lang=…, logged_in=…)` gives a page in a fresh browser profile."""
    contexts = []

    def open_one(
        path: str, *, size: tuple[int, int] = DESK, theme: str = "light", lang: str = "zh", logged_in: bool = True
    ) -> Any:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(60_000)
        if logged_in:
            context.add_cookies([{"name": name, "value": value, "url": node.url} for name, value in entry.items()])
        kept = json.dumps({"jinyun.theme": theme, "jinyun.lang": lang})
        context.add_init_script(
            f"for (const [name, value] of Object.entries({kept}))"
            " if (localStorage.getItem(name) === null) localStorage.setItem(name, value)"
        )
        page = context.new_page()
        watch.on(page)
        watch_requests(page)
        page.goto(node.url + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
