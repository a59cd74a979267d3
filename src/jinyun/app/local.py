"""The local door: verbs on the same machine, of the same user, speak to a running node by a token in its folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, JinyunError, Unavailable

DOOR = "node.json"
TIMEOUT_S = 30.0


def open_door(settings: Settings) -> str:
    """Write the node's address and a fresh token into its folder, readable by its user only; returns the token."""
    token = secrets.token_urlsafe(32)
    host = "127.0.0.1" if settings.host in ("", "0.0.0.0", "::") else settings.host
    path = settings.folder / DOOR
    body = {"url": f"http://{_bracketed(host)}:{settings.http_port}", "pid": os.getpid(), "token": token}
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(body, out)
    fresh.replace(path)
    return token


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Remote:
    """The local API of a running node."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url, token
        self._opener = build_opener(ProxyHandler({}))  # a loopback address never goes through a proxy

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises `RemoteError` with the node's sentence, `Unavailable` when it does not answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        try:
            with self._opener.open(Request(self.url + path, data, headers, method=method), timeout=TIMEOUT_S) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as wrong:
            error: Mapping[str, Any] = {}
            with contextlib.suppress(ValueError):
                error = json.loads(wrong.read()).get("error", {})
            raise RemoteError(str(error.get("message") or wrong), str(error.get("code") or wrong.code)) from None
        except (URLError, OSError, ValueError) as wrong:
            raise Unavailable(f"the node at {self.url} does not answer: {wrong}") from None


class RemoteError(JinyunError):
    """What the running node answered."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


def running_node(folder: Path) -> Remote | None:
    """The node that runs on `folder`, or None when none does. Raises `BadInput` when the folder is no node's."""
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}", hint="name a node's folder with --folder, or start one there")
    path = folder / DOOR
    try:
        door = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    remote = Remote(str(door["url"]), str(door["token"]))
    try:
        alive = remote.ask("GET", "/api/health")
    except (Unavailable, RemoteError):
        return None
    return remote if alive.get("pid") == door["pid"] else None
