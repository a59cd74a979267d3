"""Corrections for verbs: of the running node by its local API, of a stopped one by its files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from jinyun.app.local import Remote, running_node, stopped_node
from jinyun.kernel.errors import Unavailable
from jinyun.kernel.ports import Actor

LOCAL = Actor("local", ("admin", "officer"))
Progress = Callable[[Mapping[str, Any]], None]


class Door(Protocol):
    """What the verb asks."""

    def reasons(self) -> list[dict[str, Any]]: ...
    def create(self, data: Mapping[str, Any]) -> dict[str, Any]: ...
    def add(self, id: str, edits: list[dict[str, Any]]) -> dict[str, Any]: ...
    def preview(self, id: str, progress: Progress | None = None) -> dict[str, Any]: ...
    def accept(self, id: str, note: str = "", progress: Progress | None = None) -> dict[str, Any]: ...
    def drop(self, id: str, note: str = "") -> dict[str, Any]: ...
    def get(self, id: str) -> dict[str, Any]: ...
    def sessions(self, state: str = "", site: str = "") -> dict[str, Any]: ...


class RemoteCorrections:
    """Of a running node."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def reasons(self) -> list[dict[str, Any]]:
        return list(self._remote.ask("GET", "/api/corrections/reasons"))

    def create(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._remote.ask("POST", "/api/corrections", dict(data)))

    def add(self, id: str, edits: list[dict[str, Any]]) -> dict[str, Any]:
        return dict(self._remote.ask("PATCH", _path(id), {"add": edits}))

    def preview(self, id: str, progress: Progress | None = None) -> dict[str, Any]:
        return self._until_done(self._remote.ask("POST", f"{_path(id)}/preview", {}), id, progress)

    def accept(self, id: str, note: str = "", progress: Progress | None = None) -> dict[str, Any]:
        return self._until_done(self._remote.ask("POST", f"{_path(id)}/accept", {"note": note}), id, progress)

    def drop(self, id: str, note: str = "") -> dict[str, Any]:
        return dict(self._remote.ask("POST", f"{_path(id)}/drop", {"note": note}))

    def get(self, id: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", _path(id)))

    def sessions(self, state: str = "", site: str = "") -> dict[str, Any]:
        asked = {name: value for name, value in (("state", state), ("site", site)) if value}
        return dict(self._remote.ask("GET", f"/api/corrections?{urlencode(asked)}"))

    def _until_done(self, told: dict[str, Any], id: str, progress: Progress | None) -> dict[str, Any]:
        while (told.get("work") or {}).get("state") == "running":
            if progress is not None:
                progress(told["work"])
            time.sleep(0.3)
            told = self.get(id)
        return _done(told)


class StoppedCorrections:
    """Of a stopped node."""

    def __init__(self, house: Any) -> None:
        from jinyun.app.services.corrections import Corrections

        self._service = Corrections(house)
        self.reasons = self._service.reasons
        self.get = self._service.get

    def sessions(self, state: str = "", site: str = "") -> dict[str, Any]:
        return self._service.sessions(state=state, site=site)

    def create(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return self._service.create(data, LOCAL)

    def add(self, id: str, edits: list[dict[str, Any]]) -> dict[str, Any]:
        return self._service.edit(id, {"add": edits}, LOCAL)

    def preview(self, id: str, progress: Progress | None = None) -> dict[str, Any]:  # noqa: ARG002
        return _done(self._service.preview(id, LOCAL, wait=True))

    def accept(self, id: str, note: str = "", progress: Progress | None = None) -> dict[str, Any]:  # noqa: ARG002
        return _done(self._service.accept(id, LOCAL, note=note, wait=True))

    def drop(self, id: str, note: str = "") -> dict[str, Any]:
        return self._service.drop(id, LOCAL, note=note)


@contextlib.contextmanager
def open_corrections(folder: Path) -> Iterator[Door]:
    """Corrections of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteCorrections(remote)
        return
    with stopped_node(folder) as house:
        house.sites.refresh()
        house.directory.refresh()
        yield StoppedCorrections(house)


def _path(id: str) -> str:
    return f"/api/corrections/{quote(id, safe='')}"


def _done(told: dict[str, Any]) -> dict[str, Any]:
    work = told.get("work") or {}
    if work.get("state") == "failed":
        raise Unavailable(f"{work['kind']} failed: {work['problem']}")
    return told
