"""`jinyun judge`: tables in, the same tables with verdicts out."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.cli.common import new_app
from jinyun.kernel.errors import BadInput

app = new_app(
    "Judge tables (CSV, Excel, Parquet) by the national standards in force on the day of the data. The output keeps "
    "the input's columns and adds judged_ columns."
)

EVERY_S = 5.0
"""A line of progress where there is no terminal. [s]"""

In = Annotated[Path, typer.Argument(metavar="IN", help="table to judge: .csv, .xlsx or .parquet")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="table to write; its kind by the extension")]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="HEADING=ITEM[UNIT]", help="what a column is; =- leaves it alone; repeatable"),
]
MapFile = Annotated[Path | None, typer.Option("--map-file", help='TOML of the same pairs: "heading" = "item[unit]"')]
Sheet = Annotated[str, typer.Option(help="sheet of an Excel file [default: the first]")]
Header = Annotated[int, typer.Option("--header-row", min=1, help="row that holds the headings")]
Day = Annotated[str, typer.Option("--date", help="day of the data, where the file has none, e.g. 2026-03-01")]
AsOn = Annotated[str, typer.Option("--edition-on", help="judge all rows as if on this day (what if)")]
Rejects = Annotated[Path | None, typer.Option(help="CSV of the rows that were refused, with the reason")]
Sentences = Annotated[bool, typer.Option("--sentences", help="add the sentence of each verdict, Chinese and English")]
Strict = Annotated[bool, typer.Option("--strict", help="exit code 1 when a row has a problem")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but errors")]
NoBom = Annotated[bool, typer.Option("--no-bom", help="CSV without the mark that tells Excel it is UTF-8")]
Limits = Annotated[
    list[str] | None,
    typer.Option("--detection-limit", metavar="ITEM=FIGURE[UNIT]", help="for cells that say ND alone; repeatable"),
]


def day_of(text: str, option: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text!r} is no day", field=option, hint="write it as 2026-03-01") from None


def run(given: dict[str, Any], verb: str, **more: Any) -> None:
    """Judge one file, tell how it goes, and leave with the exit code."""
    from jinyun.app.judging.run import Asked, judge_file

    quiet, strict = given["quiet"], given["strict"]
    asked = Asked(
        verb=verb, source=given["source"], out=given["out"], sheet=given["sheet"], header_row=given["header_row"],
        maps=given["maps"] or (), map_file=given["map_file"], detection=given.get("limits_of_detection") or (),
        rejects=given["rejects"], bom=not given["no_bom"], date=day_of(given["day"], "--date"),
        edition_on=day_of(given["edition_on"], "--edition-on"), sentences=given["sentences"], more=more,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, _stop)  # a polite kill leaves no half file either
    tell = _silent if quiet else _say
    try:
        with progress(asked.source.name, quiet) as tick:
            summary = judge_file(asked, tell, tick)
    except KeyboardInterrupt:
        _say(f"stopped; {asked.out} was not written")
        raise
    for note in summary.notes:
        tell(note)
    tell(summary.sentence())
    if summary.reasons:
        tell("problems: " + ", ".join(f"{code} × {n}" for code, n in summary.reasons.most_common()))
    if strict and summary.problems:
        raise typer.Exit(1)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(f"jinyun: {line}", file=sys.stderr, flush=True)


def _silent(_: str) -> None:
    pass


@contextmanager
def progress(name: str, quiet: bool) -> Iterator[Callable[[int, float | None], None]]:
    """A bar on a terminal, a line every few seconds elsewhere: rows, rows per second, time left."""
    if quiet:
        yield lambda _rows, _done: None
        return
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn(name), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rows]:,} rows {task.fields[rate]:,.0f}/s"), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True,
        ) as bar:  # fmt: skip
            task, began = bar.add_task(name, total=1.0, rows=0, rate=0.0), time.monotonic()

            def draw(rows: int, done: float | None) -> None:
                rate = rows / max(time.monotonic() - began, 1e-6)
                bar.update(task, completed=done or 0.0, rows=rows, rate=rate)

            yield draw
        return
    began = last = time.monotonic()

    def line(rows: int, done: float | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < EVERY_S:
            return
        last, spent = now, now - began
        left = f", {100 * done:.0f} %, about {spent / done - spent:.0f} s left" if done else ""
        _say(f"{rows:,} rows, {rows / spent:,.0f} rows/s{left}")

    yield line


# --- the verbs ----------------------------------------------------------------------------------------------------

NotMonitored = Annotated[
    list[str] | None, typer.Option("--not-monitored", help="item left out by plan (HJ 633-2026, 5.3); repeatable")
]
Grade = Annotated[str, typer.Option(help="level1 for class-1 areas (reserves, parks), else level2")]


@app.command("air-hour")
def air_hour(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False,
    method: Annotated[str, typer.Option(help="published, or text_2012 with rolling means")] = "published",
    hour_label: Annotated[str, typer.Option(help="end: 08:00 covers 07–08, as stations publish; or start")] = "end",
    not_monitored: NotMonitored = None,
) -> None:  # fmt: skip
    """Hourly AQI of every row, HJ 633 in the edition of its day."""
    if hour_label not in ("end", "start"):
        raise BadInput(f"--hour-label {hour_label!r} is unknown", hint="end or start")
    run(dict(locals()), "air-hour", method=method, hour_label=hour_label, not_monitored=not_monitored or ())


@app.command("air-day")
def air_day(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False,
    grade: Grade = "level2", not_monitored: NotMonitored = None,
) -> None:  # fmt: skip
    """Daily AQI of every row of day means (O3: daily maximum 8 h mean), HJ 633 in the edition of its day."""
    run(dict(locals()), "air-day", grade=grade, not_monitored=not_monitored or ())
