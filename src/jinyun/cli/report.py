"""`jinyun report`: what a bureau publishes, as a Word or Excel file."""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import DEFAULT_FOLDER, Folder, new_app
from jinyun.kernel.errors import BadInput

app = new_app("Reports of a node; works beside a running node and on a stopped one.")
MEDIA = ("air", "water", "noise")


@app.command()
def report(
    *,
    medium: Annotated[str, typer.Argument(metavar="air|water|noise")],
    folder: Folder = DEFAULT_FOLDER,
    month: Annotated[str, typer.Option(help="2026-10")] = "",
    quarter: Annotated[str, typer.Option(help="2026-3 or 2026-Q3")] = "",
    year: Annotated[str, typer.Option(help="2026")] = "",
    until: Annotated[str, typer.Option(help="January up to this month, 2026-10")] = "",
    scope: Annotated[str, typer.Option(help="all, city:CODE, river:NAME or site:ID")] = "all",
    format: Annotated[str, typer.Option(help="docx or xlsx; else by the name of --out")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="file or folder; else here, under its own name")
    ] = None,
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    template: Annotated[Path | None, typer.Option(help="your own .docx with fields like {{期间}}")] = None,
    compiled: Annotated[str, typer.Option(help="date on the title page, 2026-11-05; else today")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="of what was known at that moment")] = "",
    fields: Annotated[bool, typer.Option("--fields", help="list the fields of templates and stop")] = False,
) -> None:
    """Make one report; without a period, of the newest month with data."""
    from jinyun.app.reports.local import Wish, report_fields, report_file
    from jinyun.app.services.windows import parse_moment

    if medium not in MEDIA:
        raise BadInput(f"no report of {medium!r}", hint=f"one of {', '.join(MEDIA)}")
    kind, at = _period(month, quarter, year, until)
    wish = Wish(medium, kind, at, scope, lang, _day(compiled), parse_moment(as_of))
    if fields:
        for name, text in report_fields(folder, wish).items():
            print("{{" + name + "}}\t" + text)
        return
    suffix = out.suffix.lstrip(".").lower() if out is not None and not out.is_dir() else ""
    chosen = format or suffix or "docx"
    if format and suffix and format != suffix:
        raise BadInput(f"--out names a .{suffix} file, --format is {format}", hint="make them the same")
    if chosen not in ("docx", "xlsx"):
        raise BadInput(f"no format {chosen!r}", hint="docx or xlsx")
    given = _read(template) if template is not None else None
    data, name = report_file(folder, wish, format=chosen, template=given)
    path = Path(name) if out is None else out / name if out.is_dir() else out
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes", file=sys.stderr)


def _period(month: str, quarter: str, year: str, until: str) -> tuple[str, str]:
    given = [(kind, at) for kind, at in (("month", month), ("quarter", quarter), ("year", year), ("ytd", until)) if at]
    if len(given) > 1:
        raise BadInput("more than one period", hint="give one of --month, --quarter, --year, --until")
    if not given:
        return "month", ""
    kind, at = given[0]
    return kind, re.sub(r"^(\d{4})-[Qq]?([1-4])$", r"\1-Q\2", at) if kind == "quarter" else at


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"--compiled {text!r} is no day", hint="write it like 2026-11-05") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise BadInput(f"cannot read the template {path}: {wrong.strerror}") from None
