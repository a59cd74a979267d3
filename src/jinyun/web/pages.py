"""The built page: hashed assets kept for a year, everything else that is no API answers with index.html."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, Response

from jinyun.kernel.errors import NotFound

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"  # the file's name changes with its content
ASK_AGAIN = "no-cache"
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/geo+json", ".geojson")

NOT_BUILT = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>缙云 Jinyun</title>
<p>页面尚未构建:请运行 <code>./run</code>,或在 <code>frontend/</code> 中构建。
接口已可用:<a href="/openapi.json">/openapi.json</a>
<p>The page is not built yet: use <code>./run</code>. The API works: <a href="/openapi.json">/openapi.json</a></html>"""


def install_pages(app: FastAPI, folder: Path = STATIC) -> None:
    """Serve the page from `folder`; call last, since it takes every path that is left."""
    root = folder.resolve()

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(path: str) -> Response:
        first = path.split("/", 1)[0]
        if first in ("api", "metrics", "openapi.json"):
            raise NotFound("address", f"/{path}")
        wanted = (root / path).resolve()
        if path and wanted.is_relative_to(root) and wanted.is_file():
            return FileResponse(wanted, headers={"cache-control": FOREVER if first == "assets" else ASK_AGAIN})
        if first == "assets" or "." in path.rsplit("/", 1)[-1]:
            raise NotFound("file", f"/{path}")
        index = root / "index.html"
        if not index.is_file():
            return Response(NOT_BUILT, 200, {"cache-control": "no-store"}, "text/html; charset=utf-8")
        return FileResponse(index, media_type="text/html; charset=utf-8", headers={"cache-control": ASK_AGAIN})
