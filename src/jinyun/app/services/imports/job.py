"""The two halves of an import: reading a file into sorted values with a preview, and storing what is new of them.

Nothing is stored while a file is read. Storing goes group by group: compare with what is there, put, wait until it is
committed, mark the windows above it, and only then move the mark of progress; a kill in between makes the group be
looked at again, where what was stored already is found to be the same.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jinyun.app.judging.files_in import Batch, open_table
from jinyun.app.services.imports.columns import Parser
from jinyun.app.services.imports.options import Options
from jinyun.app.services.imports.places import Places
from jinyun.app.services.imports.reading import Refusal, Values, read_batch
from jinyun.app.services.words import factor_unit, factor_words, plain
from jinyun.kernel.flags import flag_words
from jinyun.kernel.ports import MICRO, NO_VALUE, Arrival, Block
from jinyun.kernel.terms import LENGTHS, Flag, Origin, Period, Reject, SeriesKey
from jinyun.store.staging import Staged, StageReader, StageWriter

if TYPE_CHECKING:
    from jinyun.app.assemble import House

STAGE, ERRORS, ANALYSIS = "stage.parquet", "errors.csv", "analysis.json"
ERROR_COLUMNS = ("row", "column", "cell", "reason", "sentence")
PREVIEW_VALUES = 60
SHOWN_PROBLEMS = 50
MOST_REJECTS = 200
"""Refusals of one import that go to the node's table of rejects; its own file has all of them."""
MOST_DIFFERS = 100_000
SPACE = "imports"
REST = 0.1
"""Pause after a group, as a share of the time it took: live data go first."""

_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?")

Progress = Callable[[float], None]


class Stopped(Exception):
    """The node stops; what is left is done at its next start."""


class Job:
    """One import of one house. `folder` is the import's own."""

    def __init__(self, house: House, folder: Path, stop: Callable[[], bool] = lambda: False) -> None:
        self._house, self.folder, self._stop = house, folder, stop

    # --- reading ------------------------------------------------------------------------------------------------------

    def analyse(self, file: Path, options: Options, progress: Progress) -> dict[str, Any]:
        """Read the whole file, leave its values staged and its refusals in `errors.csv`; returns the preview.

        Raises
        ------
        BadInput
            When file, headings or options do not do.
        """
        house = self._house
        self.folder.mkdir(parents=True, exist_ok=True)
        source = open_table(file, sheet=options.sheet, header_row=options.header_row)
        places = Places(house, options.site, dict(options.sites))
        parser = Parser(source.headings, options, places, house.clock.now() // 1_000_000)
        counts: Counter[str] = Counter()
        sample: list[dict[str, Any]] = []
        writer = StageWriter(self.folder / STAGE)
        began = time.perf_counter()
        with _Errors(self.folder / ERRORS) as errors:
            try:
                for batch in source.batches():
                    self._check()
                    self._stage(parser, batch, writer, errors, counts, sample)
                    progress(0.7 * (batch.done or 0.0))
                writer.finish()
            except BaseException:
                writer.abandon()
                raise
            seconds = time.perf_counter() - began
            told = self._look(parser, errors, counts, progress, keep=options.different == "keep")
            self._fill(sample, parser)
            analysis = {
                "columns": parser.described(), "form": "long" if parser.long else "wide",
                "notes": [*source.told, *parser.notes], "counts": {**_zero(), **counts, **errors.counts()},
                "preview": sample, "reasons": dict(errors.reasons.most_common()), "problems": errors.first,
                "sites": places.ids, "keys": [[one.site, one.factor] for one in parser.keys],
                "period": options.period, "stat": options.stat, "read_s": round(seconds, 3), **told,
            }  # fmt: skip
        _write(self.folder / ANALYSIS, analysis)
        return analysis

    def _stage(self, parser: Parser, batch: Batch, writer: StageWriter, errors: _Errors, *rest: Any) -> None:
        counts, sample = rest
        values = read_batch(parser, batch)
        writer.add(place=values.place, key=values.key, time=values.time, value=values.value,
                   flag=values.flag.astype(np.uint8), row=values.row)  # fmt: skip
        errors.add(values.refused)
        counts.update(values.counts)
        counts["values"] += len(values.key)
        if len(sample) < PREVIEW_VALUES:
            sample.extend(_sampled(values, PREVIEW_VALUES - len(sample)))

    def _look(
        self, parser: Parser, errors: _Errors, counts: Counter[str], progress: Progress, *, keep: bool
    ) -> dict[str, Any]:
        """Compare all values with what is stored: counts, span; differing ones are listed."""
        ids = self._house.readings.known_series(parser.keys)
        low, high = None, None
        stage = StageReader(self.folder / STAGE)
        try:
            for number in range(stage.groups):
                self._check()
                group = stage.group(number)
                low = int(group.time[0]) if low is None else low
                high = int(group.time[-1])
                self._doubles(group, parser, errors, counts)
                once = group.take(~group.double)
                state, stored = self._compare(once, ids)[:2]
                for name, code in (("new", NEW), ("same", SAME), ("different", DIFFERENT)):
                    counts[name] += int((state == code).sum())
                if keep:
                    self._differs(once, state, stored, parser, errors)
                progress(0.7 + 0.3 * (number + 1) / stage.groups)
        finally:
            stage.close()
        return {"from": low, "to": high, "groups": stage.groups}

    def _doubles(self, group: Staged, parser: Parser, errors: _Errors, counts: Counter[str]) -> None:
        counts["doubles"] += int((group.double & ~group.clash).sum())
        told = []
        for n in np.flatnonzero(group.clash).tolist():
            key = parser.keys[int(group.key[n])]
            sentence = f"{key.site} {key.factor}: an earlier row says another value for the same time; that one counts"
            told.append((int(group.row[n]), key.factor, _cell(group.value[n]), "double", sentence))
        errors.add(told)

    def _differs(self, once: Staged, state: np.ndarray, stored: np.ndarray, parser: Parser, errors: _Errors) -> None:
        told = []
        room = max(0, MOST_DIFFERS - errors.reasons["differs"])
        for n in np.flatnonzero(state == DIFFERENT)[:room].tolist():
            key = parser.keys[int(once.key[n])]
            sentence = (
                f"{key.site} {key.factor}: {_text(stored[n])} is stored; it is kept (replace makes a new version)"
            )
            told.append((int(once.row[n]), key.factor, _cell(once.value[n]), "differs", sentence))
        errors.add(told, refused_too=False)

    def _fill(self, sample: list[dict[str, Any]], parser: Parser) -> None:
        """The preview's rows in words, each with what is stored now."""
        ids = self._house.readings.known_series(parser.keys)
        if not sample:
            return
        columns = {name: np.array([one[name] for one in sample], np.int64) for name in ("key", "time", "value", "flag")}
        nothing = np.zeros(len(sample), bool)
        staged = Staged(columns["key"], columns["key"], columns["time"], columns["value"],
                        columns["flag"].astype(np.uint8), columns["key"], nothing, nothing)  # fmt: skip
        state, stored = self._compare(staged, ids)[:2]
        for n, one in enumerate(sample):
            key = parser.keys[one.pop("key")]
            zh, en, _, _ = factor_words(key.factor)
            flag_zh, flag_en = flag_words(Flag(one["flag"]))
            place = self._house.sites.get(key.site)
            one.update(
                site=key.site, site_name=place.name if place else key.site, factor=key.factor, zh=zh, en=en,
                unit=factor_unit(key.factor, key.stat), stat=key.stat.name, period=key.period.name,
                value=_text(one["value"]), flag=Flag(one["flag"]).name, flag_zh=flag_zh, flag_en=flag_en,
                state=STATES[int(state[n])], stored=_text(stored[n]) if state[n] != NEW else None,
            )  # fmt: skip

    # --- comparing ----------------------------------------------------------------------------------------------------

    def _compare(self, once: Staged, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Per value: `NEW`, `SAME` or `DIFFERENT`; the stored value; its sequence (-1 for none)."""
        size = len(once)
        state, stored = np.full(size, NEW, np.int8), np.full(size, NO_VALUE, np.int64)
        seq = np.full(size, -1, np.int64)
        series = ids[once.key].astype(np.int64)
        there = np.flatnonzero(series >= 0)
        if len(there):
            low, high = int(once.time.min()), int(once.time.max()) + 1
            found = self._house.readings.read_columns(np.unique(series[there]).tolist(), low, high)
            if len(found):
                codes = found.series.astype(np.int64) << 33 | found.time  # an instant has less than 33 bits
                order = np.argsort(codes)
                wanted = series[there] << 33 | once.time[there]
                at = np.minimum(np.searchsorted(codes[order], wanted), len(order) - 1)
                hit = codes[order][at] == wanted
                mine, rows = there[hit], order[at[hit]]
                stored[mine], seq[mine] = found.value[rows], found.seq[rows]
                equal = (found.value[rows] == once.value[mine]) & (found.flag[rows] == once.flag[mine])
                state[mine] = np.where(equal, SAME, DIFFERENT)
        return state, stored, seq

    # --- storing ------------------------------------------------------------------------------------------------------

    def store(self, id: str, options: Options, author: str, reason: str, progress: Progress) -> dict[str, int]:
        """Store what is new, from where an earlier run of the same import came; returns the counts of all of it."""
        house = self._house
        analysis = json.loads((self.folder / ANALYSIS).read_text(encoding="utf-8"))
        keys = [SeriesKey(site, factor, options.as_stat, options.as_period) for site, factor in analysis["keys"]]
        kept = house.kv.get(SPACE, id)
        if kept is None:
            self._tell_rejects(id, author)
            house.readings.flush()
            kept = {"group": 0, "seq": int(house.readings.state()["seq"]), "counts": {}}
            house.kv.set(SPACE, id, kept)
        ids = house.readings.series_ids(keys)
        counts = Counter({name: int(value) for name, value in kept["counts"].items()})
        words = _Words(analysis["sites"], options, id, author, reason)
        stage = StageReader(self.folder / STAGE)
        try:
            for number in range(int(kept["group"]), stage.groups):
                self._check()
                began = time.perf_counter()
                group = stage.group(number)
                once = group.take(~group.double)
                state, _, seq = self._compare(once, ids)
                again = (state == SAME) & (seq > kept["seq"])  # a kill came between the commit and the mark
                chosen = state == NEW
                if options.different == "replace":
                    chosen |= state == DIFFERENT
                self._put(once.take(chosen), ids, words)
                self._touch(once.take(chosen | again), words)
                counts["stored"] += int((chosen | again).sum())
                counts["same"] += int(((state == SAME) & ~again).sum())
                counts["different"] += int((state == DIFFERENT).sum())
                counts["doubles"] += int(group.double.sum())
                house.kv.set(SPACE, id, {"group": number + 1, "seq": kept["seq"], "counts": dict(counts)})
                progress((number + 1) / stage.groups)
                time.sleep(REST * (time.perf_counter() - began))
        finally:
            stage.close()
        return {"stored": 0, "same": 0, "different": 0, "doubles": 0, **counts}

    def _put(self, once: Staged, ids: np.ndarray, words: _Words) -> None:
        """A block per site and moment; returns when all of them are committed."""
        readings = self._house.readings
        if len(once):
            received = self._house.clock.now()
            for block in _blocks(once, ids, words, received):
                readings.put(block)
            readings.flush()

    def _touch(self, once: Staged, words: _Words) -> None:
        """What judges look at again."""
        now = self._house.clock.now()
        hour = LENGTHS[Period.HOUR]
        codes = np.unique(once.place.astype(np.int64) << 33 | once.time // hour * hour)
        places, hours = (codes >> 33).tolist(), (codes & (1 << 33) - 1).tolist()
        touch, period = self._house.judge.touch, words.period
        for place, at in zip(places, hours, strict=True):
            touch(Arrival(words.sites[place], "", period, at, now))

    def _tell_rejects(self, id: str, author: str) -> None:
        now = self._house.clock.now()
        path = self.folder / ERRORS
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for _, row in zip(range(MOST_REJECTS), csv.DictReader(file), strict=False)]
        self._house.rejects.add([
            Reject(now, "import", author, id, row["reason"], f"row {row['row']} {row['column']}: {row['sentence']}",
                   row["cell"].encode())
            for row in rows
        ])  # fmt: skip
        self._house.rejects.flush()

    def _check(self) -> None:
        if self._stop():
            raise Stopped


NEW, SAME, DIFFERENT = 0, 1, 2
STATES = ("new", "same", "different")


class _Words:
    """What every block of an import says."""

    def __init__(self, sites: Sequence[str], options: Options, id: str, author: str, reason: str) -> None:
        self.sites, self.period = sites, options.as_period
        self.id, self.author, self.reason = id, author, reason


def _blocks(once: Staged, ids: np.ndarray, words: _Words, received: int) -> Iterator[Block]:
    apart = np.flatnonzero((once.time[1:] != once.time[:-1]) | (once.place[1:] != once.place[:-1])) + 1
    edges = [0, *apart.tolist(), len(once)]
    series = ids[once.key].astype(np.int32)
    times, places = once.time[edges[:-1]].tolist(), once.place[edges[:-1]].tolist()
    firsts = once.row[edges[:-1]].tolist()
    single = np.minimum.reduceat(once.row, edges[:-1]) == np.maximum.reduceat(once.row, edges[:-1])
    origin, period, sites = Origin.IMPORT, words.period, words.sites
    for n, (start, end) in enumerate(pairwise(edges)):
        rows = str(firsts[n]) if single[n] else ",".join(map(str, np.unique(once.row[start:end]).tolist()))
        yield Block(
            times[n], series[start:end], once.value[start:end], once.flag[start:end], received, origin, "",
            sites[places[n]], None, words.author, f"{words.reason} | row {rows}", period, words.id,
        )  # fmt: skip


class _Errors:
    """`errors.csv`, written as problems come up; the first ones are kept for the page."""

    def __init__(self, path: Path) -> None:
        self._path, self._fresh = path, path.with_suffix(".new")
        self._file: io.TextIOBase | Any = None
        self.first: list[dict[str, Any]] = []
        self.reasons: Counter[str] = Counter()
        self._values = 0
        self._rows: set[int] = set()

    def __enter__(self) -> _Errors:
        self._file = self._fresh.open("w", encoding="utf-8-sig", newline="")
        self._out = csv.writer(self._file)
        self._out.writerow(ERROR_COLUMNS)
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._file.close()
        if kind is None:
            self._fresh.replace(self._path)
        else:
            self._fresh.unlink(missing_ok=True)

    def add(self, refused: Sequence[Refusal], *, refused_too: bool = True) -> None:
        for row, column, cell, reason, sentence in refused:
            self.reasons[reason] += 1
            if refused_too:
                self._values += 1
                self._rows.add(row)
            self._out.writerow((row, _safe(column), _safe(cell[:200]), reason, _safe(sentence)))
            if len(self.first) < SHOWN_PROBLEMS:
                self.first.append(dict(zip(ERROR_COLUMNS, (row, column, cell[:200], reason, sentence), strict=True)))

    def counts(self) -> dict[str, int]:
        return {"refused": self._values, "refused_rows": len(self._rows)}


def _safe(text: str) -> str:
    """A spreadsheet must not run what a file says."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") and not _NUMBER.fullmatch(text) else text


def _sampled(values: Values, most: int) -> list[dict[str, Any]]:
    order = np.lexsort((values.key, values.row))[:most]
    names = ("row", "key", "time", "value", "flag")
    return [{name: int(getattr(values, name)[n]) for name in names} for n in order.tolist()]


def _zero() -> dict[str, int]:
    names = ("rows", "values", "new", "same", "different", "doubles", "refused", "refused_rows", "empty", "rounded")
    return dict.fromkeys(names, 0)


def _cell(micro: Any) -> str:
    return _text(micro) or ""


def _text(micro: Any) -> str | None:
    return None if int(micro) == NO_VALUE else plain(Decimal(int(micro)) / MICRO)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
