"""Catalogue and gaps as verbs ask for them: of a running node over its local door, or of a stopped one's files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinyun.app.local import Remote, running_node, stopped_node


class RemoteCatalogue:
    """At a running node."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def series(self, *, q: str, where: Mapping[str, str], order: str, limit: int, offset: int) -> dict[str, Any]:
        asked = urlencode({"q": q, "order": order, "limit": limit, "offset": offset, **where})
        return dict(self._remote.ask("GET", f"/api/catalogue/series?{asked}"))

    def one(self, series: int) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"/api/catalogue/series/{series}"))

    def gaps(self, series: int, start: int | None, end: int | None) -> dict[str, Any]:
        asked = urlencode({name: at for name, at in (("from", start), ("to", end)) if at is not None})
        return dict(self._remote.ask("GET", f"/api/catalogue/series/{series}/gaps?{asked}"))

    def all_gaps(self, *, site: str, q: str, start: int | None, end: int | None, limit: int) -> dict[str, Any]:
        given = {"site": site, "q": q, "from": start, "to": end, "limit": limit}
        asked = urlencode({name: one for name, one in given.items() if one not in (None, "")})
        return dict(self._remote.ask("GET", f"/api/catalogue/gaps?{asked}"))

    def datasets(self) -> dict[str, Any]:
        return dict(self._remote.ask("GET", "/api/catalogue/datasets"))


class StoppedCatalogue:
    """Of the files of a stopped node."""

    def __init__(self, house: Any) -> None:
        from jinyun.app.services.catalogue import Catalogue
        from jinyun.app.services.gaps import Gaps

        catalogue = Catalogue(house)
        gaps = Gaps(house, catalogue)
        catalogue.tally.refresh()
        self.series, self.one, self.datasets = catalogue.series, catalogue.one, catalogue.datasets
        self.gaps, self.all_gaps = gaps.of_series, gaps.overview


@contextlib.contextmanager
def open_catalogue(folder: Path) -> Iterator[RemoteCatalogue | StoppedCatalogue]:
    """The catalogue of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteCatalogue(remote)
        return
    with stopped_node(folder) as house:
        house.sites.refresh()
        house.directory.refresh()
        yield StoppedCatalogue(house)
