"""`jinyun conformance`: worked cases of the standards and of the business rules against the functions that answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jinyun.cli.common import new_app

if TYPE_CHECKING:
    from jinyun.app.conformance import Report

app = new_app("Check worked cases of the standards and rules: by Jinyun's functions, or any other's answers.")


@app.callback()
def explain() -> None:
    pass  # the help above explains


@app.command()
def standards(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE.json|FOLDER]...", help="none: the shipped case set")
    ] = None,
    write: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write every answer to FILE")] = None,
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="compare these answers of another implementation, not ours")
    ] = None,
) -> None:
    """What differs: a line per case, one per file, then `N passed, N failed`.

    A case that no function covers yet is counted apart. A file has a topic and cases; each names its rule (or its
    standard and report), its input and what is expected. Ends with 1 when a case fails. docs/conformance.md tells the
    form.
    """
    from jinyun.app import conformance
    from jinyun.kernel.errors import BadInput

    theirs = None
    if answers is not None:
        try:
            theirs = json.loads(answers.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as wrong:
            hint = "give the form that --json writes"
            raise BadInput(f"{answers} cannot be read as JSON: {wrong}", hint=hint) from None
    report = conformance.run(paths or (), answers=theirs)
    _tell(report, write)


@app.command()
def rules(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.json|FOLDER...")],
    write: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write every answer to FILE")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="end with 1 when a topic is not built, too")] = False,
) -> None:
    """Worked cases of business rules: a line per case that differs, one per file, then `N passed, N failed`.

    A file has a topic and cases with `given` and `expect`. A topic that is not built yet is counted apart. Ends with 1
    when a case fails.
    """
    from jinyun.app.conformance.rules import run_rules

    _tell(run_rules(paths), write, strict=strict)


def _tell(report: Report, write: Path | None, *, strict: bool = False) -> None:
    from jinyun.kernel.errors import BadInput

    if write is not None:
        try:
            write.write_text(json.dumps(report.answers(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as wrong:
            raise BadInput(
                f"{write} cannot be written: {wrong.strerror}", hint="name a file in a folder there is"
            ) from None
    print("\n".join(report.lines))
    if report.failed or (strict and report.not_covered):
        raise typer.Exit(1)
