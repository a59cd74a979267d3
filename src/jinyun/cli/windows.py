"""`jinyun windows`: hours, days, months, years, 8 h means, day parts and nights of a site's factor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jinyun.app.window_door import open_windows, rows_of, write
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput

app = new_app("Windows of a site's factor; works beside a running node and on a stopped one.")

Site = Annotated[str, typer.Argument(metavar="SITE", help="id of the site; with --rebuild also `all`")]
SHOWN = ("time", "figure", "unit", "low", "high", "valid", "due", "of", "coverage", "status", "need", "built_from")


@app.command()
def windows(
    *,
    site: Site,
    factor: Annotated[str, typer.Option(help="id of the factor, e.g. so2")] = "",
    stat: Annotated[str, typer.Option(help="AVG, MIN, MAX, COU, ZS_AVG…")] = "AVG",
    period: Annotated[
        str, typer.Option(help="ten_minute, hour, day, month, quarter, year, max_8h, moving_8h, ld, ln")
    ] = "hour",
    start: Annotated[str, typer.Option("--from", help="2026-11-01, 2026-11-01T08:00 (China) or seconds")] = "",
    end: Annotated[str, typer.Option("--to", help="the first moment that is not asked for")] = "",
    label: Annotated[str, typer.Option(help="begin or end: which instant names a window")] = "begin",
    as_of: Annotated[str, typer.Option("--as-of", help="what was known at that moment")] = "",
    source: Annotated[str, typer.Option(help="period of the readings they are made of, e.g. MINUTE")] = "",
    out: Annotated[Path | None, typer.Option(help="write to this .csv or .parquet file")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="make them from raw again and compare")] = False,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Windows that begin from --from on, before --to."""
    from jinyun.app.services.windows import parse_moment

    with open_windows(folder) as service:
        if rebuild:
            told = service.rebuild(None if site == "all" else site)
            print_json(told)
            raise typer.Exit(0 if told["equal"] else 1)
        if not factor:
            raise BadInput("which factor?", hint="--factor so2")
        told = service.figures(
            site, factor=factor, stat=stat, period=period, start=parse_moment(start), end=parse_moment(end),
            label=label, as_of=parse_moment(as_of), source=source,
        )  # fmt: skip
    if out is not None:
        write(told, out)
        print(f"written to {out}: {told['count']} windows", file=sys.stderr)
    elif as_json:
        print_json(told)
    else:
        print(f"{told['name']}  {told['zh']} {told['stat_zh']}  {told['period_zh']}窗口")
        print(
            f"{told['label_zh']}（{told['label_en']}）；时区 {told['time_zone']}，数据源时区 {told['source_time_zone']}"
        )
        for rule in told["rules"].values():
            print(f"规则 {rule['id']}: {rule['clause']}，{rule['test']} {rule['unit']}（{rule['verified']}）")
        print_table(rows_of(told), SHOWN)
        if told["cut"]:
            print(f"{told['cut']} more are not shown: ask for a shorter time", file=sys.stderr)
