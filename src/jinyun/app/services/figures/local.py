"""Published figures for verbs: of the running node by its local API, of a stopped one by its files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.local import Remote, running_node, stopped_node
from jinyun.kernel.ports import Actor

ACTOR = Actor("local", ("admin", "officer"))


class RemoteFigures:
    """Figures of a running node."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def publish(self, subject: str, **asked: Any) -> dict[str, Any]:
        return dict(self._remote.ask("POST", "/api/figures", {"subject": subject, **asked}))

    def find(self, *, limit: int = 200, **where: str) -> dict[str, Any]:
        query = urlencode({name: value for name, value in where.items() if value} | {"limit": limit})
        return dict(self._remote.ask("GET", f"/api/figures?{query}"))

    def show(self, id: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"/api/figures/{quote(id, safe='')}"))

    def differences(self, **where: str) -> dict[str, Any]:
        query = urlencode({name: value for name, value in where.items() if value})
        return dict(self._remote.ask("GET", f"/api/figures/differences?{query}"))

    def withdraw(self, id: str, reason: str) -> dict[str, Any]:
        return dict(self._remote.ask("POST", f"/api/figures/{quote(id, safe='')}/withdraw", {"reason": reason}))

    def bundle(self, year: int) -> bytes:
        return self._remote.fetch("GET", f"/api/figures/bundle?year={year}")[0]


class StoppedFigures:
    """The same of a stopped node."""

    def __init__(self, figures: Any) -> None:
        self._figures = figures

    def publish(self, subject: str, **asked: Any) -> dict[str, Any]:
        return dict(self._figures.publish(subject, by=ACTOR, **asked))

    def find(self, *, limit: int = 200, **where: str) -> dict[str, Any]:
        return dict(self._figures.find(limit=limit, **where))

    def show(self, id: str) -> dict[str, Any]:
        return dict(self._figures.show(id))

    def differences(self, **where: str) -> dict[str, Any]:
        return dict(self._figures.differences(**where))

    def withdraw(self, id: str, reason: str) -> dict[str, Any]:
        return dict(self._figures.withdraw(id, reason, ACTOR))

    def bundle(self, year: int) -> bytes:
        return bytes(self._figures.bundle(year).data)


@contextlib.contextmanager
def open_figures(folder: Path) -> Iterator[RemoteFigures | StoppedFigures]:
    """Published figures of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteFigures(remote)
        return
    from jinyun.app.services.figures import Figures

    with stopped_node(folder) as house:
        house.sites.refresh()
        yield StoppedFigures(Figures(house))


def resealed(data: bytes, key: Path) -> bytes:
    """A bundle under the key in a PEM file instead of the node's."""
    from jinyun.app.services.figures.bundle import read_key, sealed_again

    return sealed_again(data, read_key(key)).data


def public_key_of(data: bytes) -> str:
    """The public key inside a bundle."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return packed.read("public_key.txt").decode().strip()
