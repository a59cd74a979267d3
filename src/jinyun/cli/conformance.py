"""`jinyun conformance`: worked cases of the standards against the functions that judge live data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import new_app

app = new_app(
    "Check worked cases of the standards (JSON files or folders of them): what fails, what is not covered yet."
)


@app.command()
def conformance(paths: Annotated[list[Path], typer.Argument(help="case files, or folders with *.json")]) -> None:
    """A line per case that fails or is not covered, one per file, then `N passed, N failed, N not covered`."""
    from jinyun.app.conformance import run_standards

    lines, _, failed = run_standards(paths)
    print("\n".join(lines))
    if failed:
        raise typer.Exit(1)
