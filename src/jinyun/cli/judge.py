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
        rejects=given["rejects"], bom=not given["no_bom"], day=day_of(given["day"], "--date"),
        edition_on=day_of(given["edition_on"], "--edition-on"), sentences=given["sentences"], more=more,
    )  # fmt: skip
    tell = _silent if quiet else _say
    try:
        with polite_stop(), progress(asked.source.name, quiet) as tick:
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


@contextmanager
def polite_stop() -> Iterator[None]:
    """A polite kill is taken as Ctrl-C: it leaves no half file either."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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


@app.command("air-period")
def air_period(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False,
    by: Annotated[str, typer.Option(help="month, quarter, year or all")] = "month",
    missing_days: Annotated[str, typer.Option(help="ranking: own, or common (only days all places have)")] = "own",
    leave_out_stamped: Annotated[bool, typer.Option(help="leave out days stamped as sand dust")] = False,
    round_terms: Annotated[bool, typer.Option(help="composite index: round each term to two decimals first")] = False,
    not_monitored: NotMonitored = None,
) -> None:  # fmt: skip
    """From day rows to months, quarters or years: means, percentiles, good days, composite index, rank (HJ 663)."""
    run(
        dict(locals()), "air-period", by=by, missing_days=missing_days, leave_out_stamped=leave_out_stamped,
        round_terms=round_terms, not_monitored=not_monitored or (),
    )  # fmt: skip


Body = Annotated[str, typer.Option(help="river or lake, where no column says so")]
Target = Annotated[str, typer.Option(help="target class, where no column says so, e.g. 3 or Ⅲ [default: Ⅲ]")]
Due = Annotated[bool, typer.Option("--missing-is-due", help="an empty cell is a missing value, not an item left out")]


@app.command("water-section")
def water_section(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False, limits_of_detection: Limits = None,
    body: Body = "river", target: Target = "", missing_is_due: Due = False,
) -> None:  # fmt: skip
    """Class of every section row (GB 3838, 环办[2011]22号)."""
    run(dict(locals()), "water-section", body=body, target=target, missing_is_due=missing_is_due)


@app.command("water-river")
def water_river(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False, limits_of_detection: Limits = None,
    body: Body = "river",
    by: Annotated[str, typer.Option(help="month, quarter, year or all")] = "month",
    group: Annotated[str, typer.Option(help="river, basin, city or all [default: the first there is]")] = "",
    ice: Annotated[bool, typer.Option(help="ice prevents sampling: eight months are enough for a year")] = False,
    ph: Annotated[str, typer.Option(help="mean of pH: values, as agencies do, or hydrogen")] = "values",
) -> None:  # fmt: skip
    """From section rows to rivers and basins by period: status, shares, main indicators, change."""
    run(dict(locals()), "water-river", body=body, by=by, group=group, ice=ice, ph=ph)


@app.command()
def groundwater(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False, limits_of_detection: Limits = None,
    target: Target = "", missing_is_due: Due = False,
) -> None:  # fmt: skip
    """Class of every well row (GB/T 14848)."""
    run(dict(locals()), "groundwater", target=target, missing_is_due=missing_is_due)


@app.command()
def noise(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False,
    kind: Annotated[str, typer.Option(help="zone, area, road or boundary")] = "zone",
    zone: Annotated[str, typer.Option(help="function zone, where no column says so: 0, 1, 2, 3, 4a, 4b")] = "",
    part: Annotated[str, typer.Option(help="day or night, where neither a column nor the hour says so")] = "",
    city: Annotated[str, typer.Option(help="name of the city, where no column says so")] = "",
    standard: Annotated[str, typer.Option(help="boundary: gb12348, gb22337 or gb12523")] = "",
    lmax_kind: Annotated[str, typer.Option(help="boundary, night: frequent or occasional")] = "frequent",
    indoor: Annotated[bool, typer.Option(help="boundary: measured in the room, limit - 10")] = False,
    hour_label: Annotated[str, typer.Option(help="what the label of an hour names: start or end")] = "start",
    day_from: Annotated[int, typer.Option(help="hour the day begins with [default: 6]")] = -1,
    night_from: Annotated[int, typer.Option(help="hour the night begins with [default: 22]")] = -1,
    night: Annotated[str, typer.Option(help="began (22–06 of the next date) or calendar")] = "",
) -> None:  # fmt: skip
    """Noise: Ld, Ln and Ldn of zones from hourly or 1-s rows, boundaries, means of a city's grid and roads."""
    if hour_label not in ("end", "start"):
        raise BadInput(f"--hour-label {hour_label!r} is unknown", hint="end or start")
    run(
        dict(locals()), "noise", kind=kind, zone=zone, part=part, city=city, standard=standard, lmax_kind=lmax_kind,
        indoor=indoor, hour_label=hour_label, day_from=day_from, night_from=night_from, night=night,
    )  # fmt: skip


@app.command()
def soil(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False, limits_of_detection: Limits = None,
    standard: Annotated[
        str, typer.Option(help="gb36600 (construction land) or gb15618 (farmland); none: farmland when there is a pH")
    ] = "",
    land: Annotated[str, typer.Option(help="use of the land, where no column says so: 1, 2, R, M, paddy, other…")] = "",
) -> None:  # fmt: skip
    """Soil samples: GB 36600 by use of land, GB 15618 by use and pH."""
    run(dict(locals()), "soil", standard=standard, land=land)


@app.command()
def outlet(
    *, source: In, out: Out, maps: Maps = None, map_file: MapFile = None, sheet: Sheet = "", header_row: Header = 1,
    day: Day = "", edition_on: AsOn = "", rejects: Rejects = None, sentences: Sentences = False,
    strict: Strict = False, quiet: Quiet = False, no_bom: NoBom = False, limits_of_detection: Limits = None,
    standard: Annotated[str, typer.Option(help='national standard, e.g. "GB 18918-2002"')] = "",
    group: Annotated[str, typer.Option(help="grade or kind of outlet, e.g. grade_1a, coal, kiln")] = "",
    limits: Annotated[Path | None, typer.Option(help="CSV of permit or local limits (jinyun standards check)")] = None,
    stage: Annotated[str, typer.Option(help="new, in_use or special")] = "",
    condition: Annotated[list[str] | None, typer.Option(help="condition of rows that holds here; repeatable")] = None,
    fact: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="province, built, height, fuel…; repeatable")
    ] = None,
    period: Annotated[str, typer.Option(help="what a figure stands for: hour or day")] = "",
    reference_o2: Annotated[str, typer.Option(help="reference oxygen of permit limits [%]")] = "",
    converted: Annotated[bool, typer.Option("--converted", help="figures are converted to reference oxygen")] = False,
) -> None:  # fmt: skip
    """Outlets against a national standard, a local one or a permit; flue gas at its reference oxygen."""
    if period not in ("", "hour", "day"):
        raise BadInput(f"--period {period!r} is unknown", hint="hour or day")
    run(
        dict(locals()), "outlet", standard=standard, group=group or None, limits=limits, stage=stage or None,
        conditions=condition or (), facts=fact or (), period=period, reference_o2=reference_o2, converted=converted,
    )  # fmt: skip
