"""`jinyun doctor`: one page of checks."""

from __future__ import annotations

from typing import Annotated

import typer

from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json

app = new_app("What is well, what is not, and what to do; with a running node, a stopped one, a broken folder.")
app.info.no_args_is_help = False
MARKS = {"ok": "ok  ", "info": "–   ", "warn": "warn", "bad": "BAD "}


@app.command()
def doctor(
    *,
    folder: Folder = DEFAULT_FOLDER,
    en: Annotated[bool, typer.Option("--en", help="in English")] = False,
    as_json: AsJson = False,
) -> None:
    """Exit code 1 when something is bad; warnings alone give 0."""
    from jinyun.app.care.doctor import examine

    page = examine(folder)
    if as_json:
        print_json(page)
    else:
        for one in page["checks"]:
            print(f"{MARKS[one['level']]}  {one['en' if en else 'zh']}")
            if todo := one["do_en" if en else "do_zh"]:
                print(f"      → {todo}")
    if page["level"] == "bad":
        raise typer.Exit(1)
