"""Windows for the verbs: of a running node by its local API, of a stopped one from its files; and as files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.local import Remote, running_node, stopped_node
from jinyun.app.services.words import csv_bytes, parse_stat
from jinyun.kernel.errors import BadInput


class RemoteWindows:
    """At a running node."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def figures(self, site: str, **asked: Any) -> dict[str, Any]:
        """As `WindowFigures.figures`, with `start` and `end` in seconds."""
        names = {"start": "from", "end": "to"}
        query = {names.get(name, name): value for name, value in asked.items() if value not in (None, "")}
        return dict(self._remote.ask("GET", f"/api/sites/{quote(site, safe='')}/windows?{urlencode(query)}"))

    def rebuild(self, site: str | None) -> dict[str, Any]:
        """Comparing with raw holds the writer for long: only at a stopped node."""
        raise BadInput(
            f"the node of {site or 'all sites'} runs", hint="stop it: a rebuild from raw is compared at rest"
        )


class StoppedWindows:
    """At the files of a stopped node."""

    def __init__(self, house: Any) -> None:
        from jinyun.app.services.windows import WindowFigures

        self._house, self._service = house, WindowFigures(house)

    def figures(self, site: str, **asked: Any) -> dict[str, Any]:
        """As `WindowFigures.figures`."""
        return self._service.figures(site, **asked | {"stat": parse_stat(asked.get("stat") or "AVG")})

    def rebuild(self, site: str | None) -> dict[str, Any]:
        """Made from raw a second time, and compared."""
        windows = self._house.windows
        return dict(windows.rebuild(None if site is None else windows.of_site(site)))


@contextlib.contextmanager
def open_windows(folder: Path) -> Iterator[RemoteWindows | StoppedWindows]:
    """The windows of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteWindows(remote)
        return
    with stopped_node(folder) as house:
        house.sites.refresh()
        house.windows.catch_up()
        yield StoppedWindows(house)


def rows_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Flat rows of an answer."""
    from jinyun.app.services.windows import flat_rows

    return flat_rows(told)


def write(told: Mapping[str, Any], path: Path) -> None:
    """A CSV or Parquet file of windows: each row states its label, zone, rule and coverage; Parquet holds decimals, and
    the same once more beside the columns.

    Raises
    ------
    BadInput
        For another ending than .csv or .parquet.
    """
    rows = rows_of(told)
    if path.suffix == ".csv":
        path.write_bytes(csv_bytes(rows, {name: name for name in COLUMNS}))
    elif path.suffix == ".parquet":
        _parquet(told, rows, path)
    else:
        raise BadInput(f"{path.name}: no such kind of file", hint="name it .csv or .parquet")


COLUMNS = (
    "time", "label", "begin", "end", "time_zone", "source_time_zone", "site", "factor", "stat", "period", "figure",
    "value", "unit", "low", "high", "due", "present", "valid", "of", "coverage", "status", "need", "rule", "clause",
    "built_from", "marks",
)  # fmt: skip


def _parquet(told: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    from decimal import Decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"value", "low", "high", "figure"}
    counts = {"due", "present", "valid", "need"}
    arrays: list[Any] = []
    for name in COLUMNS:
        column = [row[name] for row in rows]
        if name in numbers:
            arrays.append(pa.array([None if one is None else Decimal(one) for one in column], pa.decimal128(24, 6)))
        elif name == "coverage":
            arrays.append(pa.array([Decimal(one) for one in column], pa.decimal128(9, 4)))
        elif name in counts:
            arrays.append(pa.array(column, pa.int64()))
        else:
            arrays.append(pa.array(column, pa.string()))
    said = {
        name: str(told[name])
        for name in ("label", "label_en", "time_zone", "source_time_zone", "period", "as_of", "unit")
    }
    pq.write_table(pa.table(arrays, names=list(COLUMNS)).replace_schema_metadata(said), path, compression="zstd")


__all__ = ["RemoteWindows", "StoppedWindows", "open_windows", "rows_of", "write"]
