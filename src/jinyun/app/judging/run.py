"""`judge_file`: a table in, the same table with judged columns out. Constant memory for CSV and Parquet."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from jinyun.app.judging.cells import Kind, number
from jinyun.app.judging.files_in import BATCH, Arrow, Batch, Source, kind_of, open_table
from jinyun.app.judging.files_out import EXCEL_ROWS, PART, Sink, as_text, open_sink
from jinyun.app.judging.headings import MAP, Recognised, Want, read_maps, recognise, unit_named
from jinyun.app.judging.rows import Reader, Rows
from jinyun.app.judging.verb import Options, Verb
from jinyun.app.judging.verdicts import arrays
from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.kernel.terms import Status
from jinyun.kernel.units import convert

VERBS: Mapping[str, tuple[str, str]] = {
    "air-hour": ("air", "AirHour"),
    "air-day": ("air", "AirDay"),
    "air-period": ("air_period", "AirPeriod"),
    "water-section": ("water", "WaterSection"),
    "water-river": ("river", "WaterRiver"),
    "groundwater": ("groundwater", "Groundwater"),
    "noise": ("noise", "noise_verb"),
    "soil": ("soil", "soil_verb"),
    "outlet": ("outlet", "Outlet"),
}
"""Verb -> (module here, class or function that makes it)."""

JUDGED = "judged_"


@dataclass(frozen=True, slots=True)
class Asked:
    """One run."""

    verb: str
    source: Path
    out: Path
    sheet: str = ""
    header_row: int = 1
    maps: Sequence[str] = ()
    map_file: Path | None = None
    detection: Sequence[str] = ()  # "tp=0.01[mg/L]"
    rejects: Path | None = None
    bom: bool = True
    day: date | None = None  # --date
    edition_on: date | None = None
    sentences: bool = False
    exact: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Summary:
    """What became of the rows. `judged` counts verdicts that attain or exceed."""

    rows: int = 0
    results: int = 0  # rows of the output
    states: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def judged(self) -> int:
        return self.states[Status.ATTAINS.value] + self.states[Status.EXCEEDS.value]

    def sentence(self) -> str:
        what = f"{self.rows} rows read"
        if self.results != self.rows:
            what += f", {self.results} results"
        rate = f" in {self.seconds:.1f} s ({self.rows / self.seconds:,.0f} rows/s)" if self.rows >= 1000 else ""
        return (
            f"{what}{rate}: {self.judged} judged ({self.states['attains']} attain, {self.states['exceeds']} exceed), "
            f"{self.states['cannot_judge']} cannot be judged, {self.problems} rows with problems"
        )


Tell = Callable[[str], None]
Tick = Callable[[int, float | None], None]


def make_verb(name: str, options: Options) -> Verb:
    if name not in VERBS:
        raise BadInput(f"nothing to judge called {name!r}", hint=f"one of {', '.join(VERBS)}")
    module, maker = VERBS[name]
    verb: Verb = getattr(import_module(f"jinyun.app.judging.{module}"), maker)(options)
    return verb


def judge_file(asked: Asked, tell: Tell = lambda _: None, tick: Tick = lambda _r, _d: None) -> Summary:
    """Judge a file.

    `tell` gets sentences on what was recognised and assumed; `tick` rows read so far and the share of the file.
    The output appears under its name only when it is whole.

    Raises
    ------
    BadInput
        Where the file, its headings or the options do not do; one sentence each. Rows are never the cause: theirs
        are in ``judged_problem``.
    """
    started = time.monotonic()
    _paths(asked)
    source = open_table(asked.source, sheet=asked.sheet, header_row=asked.header_row)
    verb = make_verb(asked.verb, Options(asked.day, asked.edition_on, asked.sentences, asked.exact, {}, asked.more))
    wants = tuple(verb.wants())
    found = recognise(source.headings, wants, verb.uses, read_maps(asked.maps, asked.map_file))
    verb = verb.fitting(found)
    verb.prepare(found)
    for line in (*source.told, *found.notes, found.sentence()):
        tell(line)
    by = {want.meaning: want for want in wants}
    reader = Reader(found.columns, by, asked.day, asked.edition_on, verb.hour_ends, _detection(asked.detection, by))
    _times(found, asked, tell)
    if kind_of(asked.out) == "xlsx" and not verb.grouped and (source.rows or 0) >= EXCEL_ROWS:
        raise BadInput(f"{asked.source.name} has {source.rows:,} rows, and an Excel sheet holds {EXCEL_ROWS - 1:,}",
                       hint="write .csv or .parquet")  # fmt: skip
    summary = Summary()
    with ExitStack() as stack:
        rejects = stack.enter_context(_rejects(asked.rejects, source.headings)) if asked.rejects else None
        if verb.grouped:
            _groups(asked, source, verb, reader=reader, summary=summary, rejects=rejects, tick=tick)
        else:
            _rows(asked, source, verb, found, reader=reader, summary=summary, rejects=rejects, tick=tick)
    verb.finish()
    summary.seconds = time.monotonic() - started
    summary.notes += verb.notes
    return summary


def _paths(asked: Asked) -> None:
    kind_of(asked.source), kind_of(asked.out)
    for path in (asked.out, asked.rejects):
        if path is not None and path.resolve() == asked.source.resolve():
            raise BadInput(f"{path} is the input itself", hint="write to another file")
    if asked.rejects is not None and asked.rejects.resolve() == asked.out.resolve():
        raise BadInput("--rejects and --out name the same file")


def _times(found: Recognised, asked: Asked, tell: Tell) -> None:
    """A file needs days from somewhere."""
    has = {"time", "month"} & set(found.columns)
    if has and asked.day is not None:
        tell(f"the file has dates of its own; {asked.day} is used only for rows without one")
    if not has and asked.day is None and asked.edition_on is None:
        left = ", ".join(repr(heading) for heading in found.left[:20]) or "none"
        raise BadInput(
            f"no column of dates was recognised (not used: {left}), and the day of the data chooses the edition",
            field="date", hint='give --date 2026-03-01, or --map "your heading=time"',
        )  # fmt: skip


def _detection(pairs: Sequence[str], by: Mapping[str, Want]) -> dict[str, Decimal]:
    """``--detection-limit tp=0.01[mg/L]``, into the unit the item is judged in."""
    found: dict[str, Decimal] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        read = MAP.fullmatch(text)
        want = by.get(name.strip())
        cell = number(read["meaning"]) if read else None
        if not equals or want is None or not want.is_number or cell is None or cell.kind is not Kind.VALUE:
            raise BadInput(f"--detection-limit {pair!r} is not item=figure[unit]", hint="such as tp=0.01[mg/L]")
        assert read is not None and cell.value is not None  # noqa: PT018
        unit = (unit_named(read["unit"]) or read["unit"]) if read["unit"] else want.unit
        found[want.meaning] = convert(cell.value, unit, want.unit)
    return found


# --- row by row ---------------------------------------------------------------------------------------------------


def _rows(
    asked: Asked, source: Source, verb: Verb, found: Recognised, *, reader: Reader, summary: Summary,
    rejects: _Rejects | None, tick: Tick,
) -> None:  # fmt: skip
    keep = [
        n for n, heading in enumerate(source.headings) if not heading.startswith(JUDGED) and heading not in verb.given
    ]
    if len(keep) < len(source.headings):
        summary.notes.append("the file had columns of an earlier judging already; they are replaced")
    fields = [pa.field(source.headings[n], source.types[n]) for n in keep]
    schema = pa.schema([*fields, *(pa.field(name, kind) for name, kind in verb.given.items())])
    numbers = frozenset(one.heading for one in found.columns.values() if one.unit)
    with open_sink(asked.out, schema, numbers=numbers, bom=asked.bom) as sink:
        for batch in source.batches():
            rows = reader.rows(batch)
            judged = verb.judge(rows)
            judged["judged_problem"] = _problems(rows)
            sink.write([*(batch.columns[n] for n in keep), *(judged[name] for name in verb.given)])
            _count(summary, rows, judged.get("judged_status"))
            if rejects:
                rejects.write(rows)
            tick(summary.rows, batch.done)
    summary.results = summary.rows


def _problems(rows: Rows) -> Arrow:
    if not rows.problems:
        return pa.nulls(rows.count, pa.string())
    texts: list[str | None] = [None] * rows.count
    for row, (_, sentence) in rows.problems.items():
        texts[row] = sentence
    return pa.array(texts, pa.string())


def _count(summary: Summary, rows: Rows, states: Arrow | None) -> None:
    summary.rows += rows.count
    summary.problems += len(rows.problems)
    summary.reasons.update(code for code, _ in rows.problems.values())
    if states is not None:
        for pair in states.value_counts().to_pylist():
            if pair["values"] is not None:
                summary.states[pair["values"]] += pair["counts"]


# --- groups of rows -----------------------------------------------------------------------------------------------


def _groups(
    asked: Asked, source: Source, verb: Verb, *, reader: Reader, summary: Summary, rejects: _Rejects | None,
    tick: Tick,
) -> None:  # fmt: skip
    for batch in source.batches():
        rows = reader.rows(batch)
        verb.take(rows)
        _count(summary, rows, None)
        if rejects:
            rejects.write(rows)
        tick(summary.rows, batch.done)
    results = verb.results()
    schema = pa.schema([pa.field(name, kind) for name, kind in verb.given.items()])
    with open_sink(asked.out, schema, bom=asked.bom) as sink:
        for start in range(0, len(results), BATCH):
            columns = arrays(results[start : start + BATCH], verb.given)
            sink.write([columns[name] for name in verb.given])
    summary.results = len(results)
    summary.states.update(one["judged_status"] for one in results if one.get("judged_status"))


# --- what is refused ----------------------------------------------------------------------------------------------


class _Rejects:
    """Refused rows as CSV: row number, reason code, sentence, and the row as it came."""

    def __init__(self, file: TextIO, headings: Sequence[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(("row", "reason", "sentence", *headings))

    def write(self, rows: Rows) -> None:
        if not rows.problems:
            return
        for row, (code, sentence) in sorted(rows.problems.items()):
            cells = [_cell(rows.batch, column, row) for column in range(len(rows.batch.columns))]
            self._writer.writerow((rows.batch.row_number(row), code, sentence, *cells))


def _cell(batch: Batch, column: int, row: int) -> Any:
    return as_text(batch.columns[column].slice(row, 1))[0].as_py()


@contextmanager
def _rejects(path: Path, headings: Sequence[str]) -> Iterator[_Rejects]:
    part = path.with_name(path.name + PART)
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            yield _Rejects(file, headings)
        part.replace(path)
    except OSError as wrong:
        raise Unavailable(f"cannot write {path}: {wrong.strerror or wrong}") from None
    finally:
        part.unlink(missing_ok=True)


__all__ = ["VERBS", "Asked", "Sink", "Summary", "judge_file", "make_verb"]
