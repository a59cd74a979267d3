"""Reports for a verb: of the running node through its local API, else from the files of a stopped one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinyun.app.local import running_node, stopped_node


@dataclass(frozen=True, slots=True)
class Wish:
    """Which report is wanted; `compiled` None means today by the node's clock."""

    medium: str
    period: str
    at: str
    scope: str = "all"
    lang: str = "zh"
    compiled: date | None = None
    as_of: int | None = None  # what was known then [s]

    @property
    def query(self) -> dict[str, str]:
        asked = {"period": self.period, "at": self.at, "scope": self.scope, "lang": self.lang}
        if self.as_of is not None:
            asked["as_of"] = str(self.as_of)
        return asked if self.compiled is None else {**asked, "compiled": self.compiled.isoformat()}


def report_file(folder: Path, wish: Wish, *, format: str, template: bytes | None = None) -> tuple[bytes, str]:
    """(the file, its name)."""
    remote = running_node(folder)
    if remote is None:
        with _reports(folder, wish.as_of) as (reports, today):
            made = reports.file(wish.medium, format=format, template=template, **_given(wish, today))
            return made.data, made.name
    if template is not None:
        return remote.fetch("POST", f"/api/reports/{wish.medium}/filled?{urlencode(wish.query)}", template)
    return remote.fetch("GET", f"/api/reports/{wish.medium}?{urlencode({**wish.query, 'format': format})}")


def report_fields(folder: Path, wish: Wish) -> Mapping[str, str]:
    """Field -> text, of templates."""
    remote = running_node(folder)
    if remote is not None:
        return dict(remote.ask("GET", f"/api/reports/{wish.medium}/fields?{urlencode(wish.query)}"))
    with _reports(folder, wish.as_of) as (reports, today):
        return dict(reports.fields(wish.medium, **_given(wish, today)))


def _given(wish: Wish, today: date) -> dict[str, Any]:
    return {
        "scope": wish.scope,
        "period": wish.period,
        "at": wish.at,
        "lang": wish.lang,
        "compiled": wish.compiled or today,
    }


@contextmanager
def _reports(folder: Path, as_of: int | None) -> Iterator[tuple[Any, date]]:
    with stopped_node(folder) as house:
        from jinyun.app.reports import Reports
        from jinyun.app.services.as_of import house_as_of
        from jinyun.app.services.periods import Periods
        from jinyun.kernel.terms import china_time

        house.sites.refresh()
        asked = house if as_of is None else house_as_of(house, as_of * 1_000_000)
        made = Reports(Periods(asked), bureau=house.settings.issuer, area=house.settings.jurisdiction_name)
        yield made, china_time(house.clock.now() // 1_000_000).date()
