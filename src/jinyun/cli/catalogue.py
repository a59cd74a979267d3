"""`jinyun catalogue`: what is kept, how fresh and complete it is, and whose its gaps are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import china_time, instant

app = new_app("Series and data sets of a node, their freshness, completeness and gaps.")
COLUMNS = (
    "series", "site", "factor", "stat", "period", "owner", "grade", "freshness", "completeness_24h",
    "completeness_30d", "rows", "newest",
)  # fmt: skip
GAP_COLUMNS = ("site", "factor", "period", "begin", "until", "slots", "verdict", "cause")
Out = Annotated[Path | None, typer.Option("--out", "-o", help="write a CSV instead")]


@app.command("list")
def list_(
    *,
    folder: Folder = DEFAULT_FOLDER,
    q: Annotated[str, typer.Option(help="text in the name of site or factor")] = "",
    site: str = "",
    kind: str = "",
    factor: str = "",
    period: str = "",
    owner: str = "",
    grade: str = "",
    dataset: str = "",
    state: Annotated[str, typer.Option(help="fresh, late, stale, closed, no_rule")] = "",
    order: Annotated[
        str, typer.Option(help="series, site, age, completeness, rows, …; -age for descending")
    ] = "series",
    limit: int = 100,
    offset: int = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Series, chosen and ordered."""
    from jinyun.app.services.catalogue_local import open_catalogue

    where = {"site": site, "kind": kind, "factor": factor, "period": period, "owner": owner, "grade": grade,
             "dataset": dataset, "state": state}  # fmt: skip
    with open_catalogue(folder) as catalogue:
        told = catalogue.series(q=q, where=where, order=order, limit=limit, offset=offset)
    if _written(told, out, as_json):
        return
    print_table([one | {"newest": _moment(one["last"])} for one in told["items"]], COLUMNS)
    counts = ", ".join(f"{count} {name}" for name, count in told["counts"].items() if count)
    print(f"{len(told['items'])} of {told['total']} series ({counts}), {told['rows']} readings")


@app.command()
def show(
    *, series: Annotated[int, typer.Argument(help="number of the series")], folder: Folder = DEFAULT_FOLDER
) -> None:
    """One series, with the data sets it belongs to and its gaps of the last 30 days."""
    from jinyun.app.services.catalogue_local import open_catalogue

    with open_catalogue(folder) as catalogue:
        print_json(catalogue.one(series) | {"gaps": catalogue.gaps(series, None, None)})


@app.command()
def gaps(
    *,
    folder: Folder = DEFAULT_FOLDER,
    series: Annotated[int | None, typer.Option(help="of one series; else of all that are not complete")] = None,
    site: str = "",
    q: str = "",
    start: Annotated[str, typer.Option("--from", help="2026-11-01 or 2026-11-01T08:00, China time")] = "",
    end: Annotated[str, typer.Option("--to", help="likewise")] = "",
    limit: int = 200,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Stretches without readings: missing at source, lost by us, or not known, with the evidence."""
    from jinyun.app.services.catalogue_local import open_catalogue

    since, until = _seconds(start), _seconds(end)
    with open_catalogue(folder) as catalogue:
        if series is not None:
            told = catalogue.gaps(series, since, until)
            told["items"] = [
                one | {name: told[name] for name in ("series", "site", "factor", "period")} for one in told["items"]
            ]
        else:
            told = catalogue.all_gaps(site=site, q=q, start=since, end=until, limit=limit)
    if _written(told, out, as_json):
        return
    rows = [one | {"begin": _moment(one["start"]), "until": _moment(one["end"])} for one in told["items"]]
    print_table(rows, GAP_COLUMNS)
    print(", ".join(f"{count} slots {name.replace('_', ' ')}" for name, count in told["counts"].items()))


@app.command()
def datasets(*, folder: Folder = DEFAULT_FOLDER, out: Out = None, as_json: AsJson = False) -> None:
    """Data sets: groups of series with owner, grade, update rule and licence."""
    from jinyun.app.services.catalogue_local import open_catalogue

    with open_catalogue(folder) as catalogue:
        told = catalogue.datasets()
    if not _written(told, out, as_json):
        print_table(told["items"], ("id", "name", "owner", "grade", "update_cycle", "series", "fresh",
                                    "completeness_30d", "rows"))  # fmt: skip


def _written(told: dict[str, Any], out: Path | None, as_json: bool) -> bool:
    if out is not None:
        from jinyun.app.services.words import csv_bytes

        out.write_bytes(csv_bytes(told["items"]))
        print(f"{out}: {len(told['items'])} rows")
    elif as_json:
        print_json(told)
    return out is not None or as_json


def _moment(at: int) -> str:
    return china_time(at).strftime("%Y-%m-%d %H:%M")


def _seconds(text: str) -> int | None:
    try:
        return instant(datetime.fromisoformat(text)) if text else None
    except ValueError:
        raise BadInput(f"{text!r} is no moment", hint="2026-11-01 or 2026-11-01T08:00") from None
