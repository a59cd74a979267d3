"""`jinyun correct`: corrections of readings and limits in sessions; preview first, then accept."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from jinyun.app.correction_door import open_corrections
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import china_time

app = new_app("Correct readings and limits in sessions: draft, preview, accept. Nothing is overwritten.")
SHOWN = 30

Site = Annotated[str, typer.Argument(metavar="SITE")]
Factor = Annotated[str, typer.Argument(metavar="FACTOR", help="as in the factor dictionary, e.g. cod_cr")]
Id = Annotated[str, typer.Argument(metavar="SESSION")]
Begin = Annotated[str, typer.Option("--from", help="2026-11-22T08:00 (China time) or seconds")]
End = Annotated[str, typer.Option("--to", help="not included")]
Stat = Annotated[str, typer.Option(help="AVG, RTD, MIN…")]
Period = Annotated[str, typer.Option(help="MINUTE, TEN_MINUTE, HOUR, DAY…")]
Reason = Annotated[str, typer.Option(help="a code of `correct reasons`")]
Text = Annotated[str, typer.Option("--text", help="why, in words")]
Session = Annotated[str, typer.Option(help="add to this session instead of making one")]


def _put(edit: Mapping[str, Any], *, folder: Path, session: str, reason: str, text: str) -> None:
    clean = {name: value for name, value in edit.items() if value not in (None, "")}
    with open_corrections(folder) as door:
        if session:
            told = door.add(session, [clean])
        else:
            if not reason or not text:
                raise BadInput("a new session needs --reason and --text", hint="`jinyun correct reasons` lists codes")
            title = " ".join(str(clean.get(name) or "") for name in ("kind", "site", "factor", "id")).strip()
            told = door.create({"title": title, "reason": reason, "reason_text": text, "edits": [clean]})
    print(f"session {told['id']}: {len(told['edits'])} edits, {told['state']}")


@app.command("set")
def set_value(
    *,
    site: Site,
    factor: Factor,
    value: Annotated[str, typer.Argument(help="in the factor's canonical unit")],
    at: Annotated[str, typer.Option("--at", help="time of the reading")],
    stat: Stat = "AVG",
    period: Period = "HOUR",
    flag: Annotated[str, typer.Option(help="its flag")] = "NORMAL",
    reason: Reason = "",
    text: Text = "",
    session: Session = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Draft: one reading gets another value."""
    edit = {"kind": "set", "site": site, "factor": factor, "stat": stat, "period": period, "time": at, "value": value,
            "flag": flag}  # fmt: skip
    _put(edit, folder=folder, session=session, reason=reason, text=text)


@app.command()
def flag(
    *,
    site: Site,
    flag: Annotated[str, typer.Argument(help="FAULT, MAINTENANCE, CALIBRATION, …; NORMAL; or restore")],
    begin: Begin,
    end: End,
    factor: Annotated[str, typer.Option(help="one or several with commas [default: all]")] = "",
    stat: Annotated[str, typer.Option(help="[default: all]")] = "",
    period: Annotated[str, typer.Option(help="[default: all]")] = "",
    reason: Reason = "",
    text: Text = "",
    session: Session = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Draft: mark a stretch; `restore` goes back to what was received."""
    edit = {"kind": "restore" if flag == "restore" else "flag", "site": site, "factor": factor, "stat": stat,
            "period": period, "from": begin, "to": end, "flag": "" if flag == "restore" else flag}  # fmt: skip
    _put(edit, folder=folder, session=session, reason=reason, text=text)


@app.command()
def substitute(
    *,
    site: Site,
    factor: Factor,
    value: Annotated[str, typer.Argument(help="in the factor's canonical unit")],
    begin: Begin,
    end: End,
    stat: Stat = "AVG",
    period: Period = "HOUR",
    flag: Annotated[str, typer.Option(help="its flag")] = "SUBSTITUTED",
    reason: Reason = "substitution",
    text: Text = "",
    session: Session = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Draft: a value for each reading of a stretch, also where none was sent, up to the newest one."""
    edit = {"kind": "substitute", "site": site, "factor": factor, "stat": stat, "period": period, "from": begin,
            "to": end, "value": value, "flag": flag}  # fmt: skip
    _put(edit, folder=folder, session=session, reason=reason, text=text)


@app.command()
def transform(
    *,
    site: Site,
    factor: Factor,
    begin: Begin,
    end: End,
    a: Annotated[str, typer.Option("-a", help="factor of a·x + b")] = "1",
    b: Annotated[str, typer.Option("-b", help="offset, in the canonical unit")] = "0",
    version: Annotated[str, typer.Option(help="name of this calibration")] = "",
    reason: Reason = "recalibration",
    text: Text = "",
    session: Session = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Draft: re-calibrate a stretch, from what was received; earlier transforms do not add up."""
    edit = {"kind": "transform", "site": site, "factor": factor, "from": begin, "to": end, "a": a, "b": b,
            "version": version}  # fmt: skip
    _put(edit, folder=folder, session=session, reason=reason, text=text)


@app.command()
def limit(
    *,
    id: Annotated[str, typer.Argument(metavar="ID", help="of a permit_limit or standard_limit record")],
    change: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…")],
    type_id: Annotated[str, typer.Option("--type")] = "permit_limit",
    reason: Reason = "permit",
    text: Text = "",
    session: Session = "",
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Draft: change a limit, for the windows it was valid for too."""
    changes = {}
    for one in change:
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"{one!r} has no '='", hint="write limit=40")
        changes[name] = value or None
    edit = {"kind": "limit", "type": type_id, "id": id, "changes": changes}
    _put(edit, folder=folder, session=session, reason=reason, text=text)


@app.command()
def withdraw(earlier: Id, *, text: Text = "", session: Session = "", folder: Folder = DEFAULT_FOLDER) -> None:
    """Draft: take an accepted session back, where nothing came after it."""
    _put({"kind": "withdraw", "session": earlier}, folder=folder, session=session, reason="withdrawn", text=text)


@app.command()
def preview(session: Id, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """All that would change; nothing is stored."""
    with open_corrections(folder) as door:
        told = door.preview(session, _progress if sys.stderr.isatty() else None)
    print_json(told) if as_json else _show(told)


@app.command()
def accept(
    session: Id,
    folder: Folder = DEFAULT_FOLDER,
    note: Annotated[str, typer.Option()] = "",
    as_json: AsJson = False,
) -> None:
    """Make a previewed session true; verdicts, alarms and cases follow."""
    with open_corrections(folder) as door:
        told = door.accept(session, note, _progress if sys.stderr.isatty() else None)
    if as_json:
        print_json(told)
        return
    counts = told["counts"]
    print(
        f"session {session} accepted: {counts['readings']} readings, {counts['windows']} windows judged again, "
        f"{counts.get('stored', 0)} verdicts stored, cascade {told['cascade']}"
    )


@app.command()
def drop(session: Id, folder: Folder = DEFAULT_FOLDER, note: Annotated[str, typer.Option()] = "") -> None:
    """Give a session up."""
    with open_corrections(folder) as door:
        print(f"session {session}: {door.drop(session, note)['state']}")


@app.command("list")
def list_sessions(
    *,
    state: Annotated[str, typer.Option(help="draft, previewed, accepted, dropped; with commas")] = "",
    site: Annotated[str, typer.Option()] = "",
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Sessions, newest first."""
    with open_corrections(folder) as door:
        found = door.sessions(state=state, site=site)["items"]
    if as_json:
        print_json(found)
    else:
        print_table(found, ("id", "state", "title", "reason", "author", "accepted_at", "cascade"))


@app.command()
def show(session: Id, folder: Folder = DEFAULT_FOLDER) -> None:
    """One session with its edits, what it came to, and its history; as JSON."""
    with open_corrections(folder) as door:
        print_json(door.get(session))


@app.command()
def reasons(folder: Folder = DEFAULT_FOLDER) -> None:
    """Reasons to choose from and the flag each suggests."""
    with open_corrections(folder) as door:
        print_table(door.reasons(), ("code", "zh", "en", "flag", "group"))


def _progress(work: Mapping[str, Any]) -> None:
    print(f"\r{work['kind']} {work['done']} of {work['total']} windows", end="", file=sys.stderr, flush=True)


def _show(told: Mapping[str, Any]) -> None:
    result, counts = told["result"], told["result"]["counts"]
    print(
        f"session {told['id']} {told['state']}: {counts['readings']} readings, {counts['limits']} limits; "
        f"{counts['windows']} windows judged: {counts['changed']} change ({counts['flips']} flip), "
        f"{counts['renewed']} with the same words on new evidence, {counts['same']} untouched; "
        f"{counts['alarms']} alarms, {counts['cases']} cases, {counts['figures']} published figures, "
        f"{counts['periods']} period figures, {counts['reports']} reports; {counts['kept_windows']} kept windows"
    )
    for one in result["warnings"]:
        print(f"warning: {one['zh']} / {one['en']}")
    for row in result["verdicts"][:SHOWN]:
        if row["changed"]:
            print(f"  {row['site_name']} {row['zh']} {row['start']}: {_words(row['was'])} -> {_words(row['would'])}")
    for row in (*result["alarms"], *result["cases"])[:SHOWN]:
        print(f"  {row['zh']} / {row['en']}: {row.get('sentence_zh') or row.get('title') or row.get('matter')}")
    for row in result["windows"][:SHOWN]:
        was, would = (None if row[name] is None else row[name]["value"] for name in ("was", "would"))
        when = f"{row['level_zh']} {china_time(row['start']):%Y-%m-%d %H:%M}"
        print(f"  {row['site']} {row['zh']} {when}: {was or '-'} -> {would or '-'} {row['unit']}")
    for row in result["periods"]:
        print(f"  {row['scope']} {row['at']} {row['zh']}: {row['was']} -> {row['would']} {row['unit']}")
    for row in result["figures"]:
        print(f"  {row['id']} {row['title']}: {row['figure']} -> {row['would']} {row['unit']}")
    for row in result["reports"]:
        print(f"  {row['zh']}: {row['differing']} figures")


def _words(head: Mapping[str, Any] | None) -> str:
    return "-" if head is None else f"{head['label_zh']} {head['figure'] or ''} {head['unit'] or ''}".strip()
