"""`jinyun periods`: what a month, a quarter or a year comes to, beside the same period of the year before."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.local import open_periods
from jinyun.app.services.words import csv_bytes
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput

app = new_app("Period figures of a node; works beside a running node and on a stopped one.")
app.info.no_args_is_help = True

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="air, water or noise; `scopes` lists what there is")]


@app.command()
def periods(
    *,
    subject: Subject,
    scope: Annotated[str, typer.Option(help="all, site:ID, city:CODE; water also river:NAME")] = "all",
    month: Annotated[str, typer.Option(help="2026-10")] = "",
    quarter: Annotated[str, typer.Option(help="2026-Q4")] = "",
    year: Annotated[str, typer.Option(help="2026")] = "",
    to_month: Annotated[str, typer.Option("--ytd", help="2026-10: January to October")] = "",
    edition_on: Annotated[str, typer.Option(help="day that chooses the editions of both periods")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="what was known then: 2026-11-01, 2026-11-01T08:00")] = "",
    days: Annotated[bool, typer.Option("--days", help="the day verdicts it rests on, with their ids")] = False,
    out: Annotated[Path | None, typer.Option(help="write figures and rows (or days) to this CSV file")] = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Figures of one period; without --month, --quarter, --year or --ytd the newest month with data."""
    given = {"month": month, "quarter": quarter, "year": year, "ytd": to_month}
    named = [(kind, at) for kind, at in given.items() if at]
    if len(named) > 1:
        raise BadInput(f"{' and '.join('--' + kind for kind, _ in named)} exclude each other")
    kind, at = named[0] if named else ("month", "")
    from jinyun.app.services.windows import parse_moment

    with open_periods(folder, parse_moment(as_of)) as service:
        if subject == "scopes":
            print_json(service.scopes())
            return
        ask = {"scope": scope, "period": kind, "at": at}
        told = service.days(subject, **ask) if days else service.figures(subject, **ask, edition_on=edition_on)
    if out is not None:
        out.write_bytes(csv_bytes(told["items"] if days else [*told["figures"], *told["rows"]]))
        print(f"written to {out}", file=sys.stderr)
    if as_json:
        print_json(told)
    elif days:
        print_table(told["items"], ("verdict", "site", "date", "status", "level", "figure", "label_zh"))
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    print(f"{told['scope']['zh']}  {told['period']['zh']}（上年同期 {told['before']['zh']}）")
    print(f"{told['edition']['zh']}；{told['edition']['note_zh']}")
    if told["sentence_zh"]:
        print(told["sentence_zh"])
    print_table(told["figures"], ("id", "zh", "figure", "unit", "limit", "before", "change", "reason_zh"))
    if told["scope"]["kind"] != "site":
        print()
        print_table(told["rows"], ("site", "name", "label_zh", "figure", "before_label_zh", "valid_days", "reason_zh"))
    units = told["units"]
    print(
        f"{units['valid']} of {units['asked']} sites valid; {told['rests_on']['verdicts']} day verdicts",
        file=sys.stderr,
    )
