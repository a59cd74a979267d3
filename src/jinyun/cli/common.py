"""What verbs share: a typer app in the house's manner, the folder option, tables and JSON on the terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Folder = Annotated[Path, typer.Option("--folder", help="the node's folder")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
DEFAULT_FOLDER = Path("var")


def new_app(help: str) -> typer.Typer:
    """A typer app without rich: errors are ours, help is plain."""
    return typer.Typer(
        help=help,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Columns side by side; Chinese counts two places."""
    cells = [[_text(row.get(name)) for name in columns] for row in rows]
    widths = [max([_width(name), *(_width(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    for row in [list(columns), *cells]:
        print("  ".join(text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def progress_line() -> Callable[[str, int, int], None]:
    """Says on a terminal what is done now, how much of how much; to a file it says nothing."""
    if not sys.stderr.isatty():
        return lambda _what, _done, _total: None

    def say(what: str, done: int, total: int) -> None:
        share = f"{done * 100 // total:3d} % " if total else ""
        sys.stderr.write(f"\r\x1b[K{share}{what[-70:]}" if what else "\r\x1b[K")
        sys.stderr.flush()

    return say
