"""The built page: assets kept for good, everything else answers with the page itself, nothing outside the folder."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from jinyun.web.build import bare
from jinyun.web.pages import install_pages


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>缙云</title>", encoding="utf-8")
    (folder / "assets" / "app-1a2b.js").write_text("1", encoding="utf-8")
    (folder / "favicon.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("no", encoding="utf-8")
    app = bare()
    install_pages(app, folder)

    def get(path, method="GET"):
        async def ask():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as client:
                return await client.request(method, path)

        return asyncio.run(ask())

    return get


@pytest.mark.parametrize("path", ["/", "/cases/1", "/sites/s-up", "/nothing"])
def test_every_address_of_the_page_is_the_page(built, path):
    answer = built(path)
    assert "缙云" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


def test_assets_are_kept_for_a_year(built):
    answer = built("/assets/app-1a2b.js")
    assert answer.text == "1"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert built("/favicon.svg").headers["cache-control"] == "no-cache"


def test_head_works(built):
    assert built("/", "HEAD").status_code == 200


@pytest.mark.parametrize("path", ["/assets/gone.js", "/gone.png", "/api/gone", "/api"])
def test_what_is_missing_is_missing(built, path):
    answer = built(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd"]
)
def test_nothing_outside_the_folder(built, path):
    answer = built(path)
    assert answer.text != "no"
    assert "root:" not in answer.text
