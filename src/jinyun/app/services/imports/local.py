"""Imports as verbs ask for them: of a running node over its local door, or in the files of a stopped one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.local import Remote, running_node, stopped_node
from jinyun.app.services.imports import UNDER_WAY, Imports
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Actor

PIECE = 1 << 20
POLL_S = 0.2
LOCAL = Actor("local", ("admin", "officer"))
Show = Callable[[dict[str, Any]], None]
LISTS = {"maps": "map", "sites": "site_map", "detection": "detection"}


def query_of(options: Mapping[str, Any]) -> str:
    """Options as the query of a route."""
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if name in LISTS:
            pairs += [(LISTS[name], f"{left}={right}") for left, right in dict(value).items()]
        elif value not in (None, ""):
            pairs.append((name, str(value)))
    return urlencode(pairs)


class RemoteImports:
    """At a running node."""

    running = True

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def upload(self, path: Path, options: Mapping[str, Any], reason: str) -> dict[str, Any]:
        query = query_of({"name": path.name, "reason": reason, **options})
        return dict(self._remote.send_file("POST", f"/api/imports?{query}", path))

    def wait(self, id: str, show: Show) -> dict[str, Any]:
        while True:
            told = dict(self._remote.ask("GET", f"/api/imports/{quote(id)}"))
            if told["state"] not in UNDER_WAY:
                return told
            show(told)
            time.sleep(POLL_S)

    def accept(self, id: str) -> None:
        self._remote.ask("POST", f"/api/imports/{quote(id)}/accept", {})

    def drop(self, id: str) -> None:
        self._remote.ask("POST", f"/api/imports/{quote(id)}/drop", {})

    def errors(self, id: str) -> bytes:
        return self._remote.fetch("GET", f"/api/imports/{quote(id)}/errors.csv")[0]

    def find(self) -> dict[str, Any]:
        return dict(self._remote.ask("GET", "/api/imports"))


class StoppedImports:
    """In the files of a stopped node; verdicts follow at its next start."""

    running = False

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self.find, self.errors, self.drop = imports.find, imports.errors, imports.drop

    def upload(self, path: Path, options: Mapping[str, Any], reason: str) -> dict[str, Any]:
        incoming = self._imports.receive(path.name)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                incoming.write(piece)
        return self._imports.upload(incoming, options, LOCAL, reason=reason)

    def wait(self, id: str, _: Show) -> dict[str, Any]:
        return self._imports.get(id)

    def accept(self, id: str) -> None:
        self._imports.accept(id, LOCAL)


@contextlib.contextmanager
def open_imports(folder: Path) -> Iterator[RemoteImports | StoppedImports]:
    """Imports of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteImports(remote)
        return
    with stopped_node(folder) as house:
        house.sites.refresh()
        house.directory.refresh()
        imports = Imports(house, in_thread=False)
        imports.resume()
        yield StoppedImports(imports)


def check_file(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
