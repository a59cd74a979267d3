"""`jinyun figure`: publish figures, print one again as of its day, say what changed since, seal a year."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.services.figures.local import open_figures, public_key_of, resealed
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput

app = new_app("Published figures and their passports; works beside a running node and on a stopped one.")
Id = Annotated[str, typer.Argument(metavar="ID", help="of a figure, as `figure list` shows it")]
SHOWN = 40


@app.command()
def publish(
    *,
    subject: Annotated[str, typer.Argument(metavar="air|water|noise")],
    scope: Annotated[str, typer.Option(help="all, site:ID, city:CODE; water also river:NAME, basin")] = "all",
    month: Annotated[str, typer.Option(help="2026-10")] = "",
    quarter: Annotated[str, typer.Option(help="2026-Q4")] = "",
    year: Annotated[str, typer.Option(help="2026")] = "",
    to_month: Annotated[str, typer.Option("--ytd", help="2026-10: January to October")] = "",
    edition_on: Annotated[str, typer.Option(help="day that chooses the editions of both periods")] = "",
    each_site: Annotated[bool, typer.Option("--each-site", help="also the figures of each site")] = False,
    report: Annotated[str, typer.Option(help="name of the report they go into")] = "",
    supersede: Annotated[str, typer.Option(help="why figures published before on the same question give way")] = "",
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Publish the figures of one period; without one of the newest month with data."""
    named = [(k, at) for k, at in (("month", month), ("quarter", quarter), ("year", year), ("ytd", to_month)) if at]
    if len(named) > 1:
        raise BadInput(f"{' and '.join('--' + kind for kind, _ in named)} exclude each other")
    kind, at = named[0] if named else ("month", "")
    with open_figures(folder) as figures:
        told = figures.publish(
            subject, scope=scope, period=kind, at=at, edition_on=edition_on, each_site=each_site, report=report,
            supersede=supersede,
        )  # fmt: skip
    if as_json:
        print_json(told)
        return
    _table(told["items"])
    print(f"{told['new']} published, {told['total'] - told['new']} were published as they are", file=sys.stderr)


@app.command("list")
def list_figures(
    *,
    subject: Annotated[str, typer.Option(help="air, water or noise")] = "",
    at: Annotated[str, typer.Option(help="2026-10, 2026-Q4 or 2026")] = "",
    year: Annotated[str, typer.Option(help="2026")] = "",
    scope: Annotated[str, typer.Option(help="all, site:ID …")] = "",
    report: Annotated[str, typer.Option(help="name of a report")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Published figures, newest first."""
    with open_figures(folder) as figures:
        told = figures.find(subject=subject, at=at, year=year, scope=scope, report=report, limit=limit)
    if as_json:
        print_json(told["items"])
        return
    _table(told["items"])
    if told["cut"]:
        print(f"{len(told['items'])} of {told['total']}; --limit shows more", file=sys.stderr)


@app.command()
def show(figure: Id, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Print a figure again as of its day, worked out from the stores, and say what it rests on and what changed."""
    with open_figures(folder) as figures:
        told = figures.show(figure)
    if as_json:
        print_json(told)
        return
    sys.stdout.write(told["printed"])
    passport = told["passport"]
    print(
        f"\n{told['id']}  {told['state_zh']}  {told['published_on']}  {told['by']}\n"
        f"输入 {passport['verdicts']} 个日评价，sha256 {passport['inputs_digest']}，程序 {passport['code_version']}"
    )
    _difference(told)


@app.command()
def diff(
    *,
    figure: Annotated[str, typer.Argument(metavar="[ID]", help="of a figure; else those of --year or --at")] = "",
    year: Annotated[str, typer.Option(help="all figures of a year, 2026")] = "",
    at: Annotated[str, typer.Option(help="all figures of a period, 2026-10")] = "",
    subject: Annotated[str, typer.Option(help="air, water or noise")] = "",
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Every cause why a figure, or many, rest on other inputs today."""
    if not figure and not year and not at:
        raise BadInput("which figures?", hint="name one by its ID, or --year 2026, or --at 2026-10")
    with open_figures(folder) as figures:
        told = figures.show(figure) if figure else figures.differences(year=year, at=at, subject=subject)
    if as_json:
        print_json(told)
    elif figure:
        _difference(told)
    else:
        _differences(told)


@app.command()
def withdraw(figure: Id, reason: Annotated[str, typer.Option(help="why")], folder: Folder = DEFAULT_FOLDER) -> None:
    """Withdraw a figure; it can still be shown."""
    with open_figures(folder) as figures:
        told = figures.withdraw(figure, reason)
    print(f"{told['id']} {told['state_zh']}")


@app.command()
def bundle(
    *,
    year: Annotated[int, typer.Option(help="2026")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the file to write")],
    key: Annotated[Path | None, typer.Option(help="PEM file of an Ed25519 key instead of the node's own")] = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Seal a year: figures, verdicts, readings, digests of the raw messages, signed. docs/verify_bundle.py verifies."""
    with open_figures(folder) as figures:
        data = figures.bundle(year)
    if key is not None:
        data = resealed(data, key)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    print(f"{out}: {len(data)} bytes\npublic key {public_key_of(data)}")


def _table(rows: list[dict[str, Any]]) -> None:
    print_table(rows[:SHOWN], ("id", "title", "figure", "unit", "published_on", "state"))
    if len(rows) > SHOWN:
        print(f"… and {len(rows) - SHOWN} more; --json has them all", file=sys.stderr)


def _difference(told: dict[str, Any]) -> None:
    today = told["today"]
    if told["same"]:
        print("今日重算：相同" if told["unchanged"] else "今日重算：印出内容相同，但输入有变化")
    else:
        print(f"今日重算：{told['figure']} → {today['figure']}（{'、'.join(today['lines'])}）")
    for cause in told["causes"]:
        print(f"- {cause['sentence_zh']}\n  {cause['sentence_en']}")


def _differences(told: dict[str, Any]) -> None:
    print(f"{told['figures']} figures, {told['reached']} rest on other inputs today, {len(told['differing'])} differ")
    for one in told["problems"]:
        print(f"! {one['id']} {one['title']}: does not print as published: {one['problems']}")
    for cause in told["causes"]:
        print(f"- [{len(cause['figures'])}] {cause['sentence_zh']}\n  {cause['sentence_en']}")
