"""Bulk export of readings and windows as Parquet, CSV or an Arrow stream, in bounded memory.

Every export states its label convention, its time zone and its units: in the schema's metadata (Parquet, Arrow) or in
lines that begin with ``#`` before the header (CSV, UTF-8 without BOM, since readers of comments stumble over one). A
CSV ends in a line that says how many rows it has: without it, it was cut short.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from jinyun import __version__
from jinyun.app.services.words import factor_unit
from jinyun.kernel.errors import BadInput, NotFound, Unavailable
from jinyun.kernel.ports import MICRO
from jinyun.kernel.terms import LENGTHS, Flag, Period, SeriesKey, Stat, china_time, window_of
from jinyun.methods.windows import Level

if TYPE_CHECKING:
    from jinyun.app.assemble import House

pc: Any = pyarrow.compute  # its stubs know neither mixed arguments nor time zones
FORMATS: Mapping[str, tuple[str, str]] = {
    "parquet": ("parquet", "application/vnd.apache.parquet"),
    "csv": ("csv", "text/csv; charset=utf-8"),
    "arrow": ("arrows", "application/vnd.apache.arrow.stream"),
}
"""Format → (ending of the file's name, content type)."""
AT_ONCE = 3
"""Exports that may run at the same time."""
LABEL = "start: `time` is the start of the averaging period [time, end); of real-time readings the moment itself"
ZONE = "Asia/Shanghai, UTC+08:00 without summer time"
WINDOW_SERIES = 200
"""Series whose windows are asked for at once."""
WINDOW_DAYS = {Level.TEN_MINUTE: 7, Level.HOUR: 31}

_TIME, _STAMP = pa.timestamp("ms", tz="+08:00"), pa.timestamp("us", tz="+08:00")
_NAME = pa.dictionary(pa.int32(), pa.string())
READINGS = pa.schema(
    [
        ("site", _NAME), ("site_name", _NAME), ("factor", _NAME), ("stat", _NAME), ("period", _NAME), ("time", _TIME),
        ("end", _TIME), ("value", pa.decimal128(18, 6)), ("unit", _NAME), ("flag", _NAME), ("seq", pa.int64()),
        ("received_at", _STAMP), ("series", pa.int32()),
    ]
)  # fmt: skip
WINDOWS = pa.schema(
    [
        ("site", _NAME), ("site_name", _NAME), ("factor", _NAME), ("stat", _NAME), ("source", _NAME), ("window", _NAME),
        ("time", _TIME), ("end", _TIME), ("value", pa.decimal128(18, 6)), ("unit", _NAME), ("state", _NAME),
        ("due", pa.int64()), ("valid", pa.int64()), ("rule", _NAME), ("series", pa.int32()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Export:
    """A made export: its name, content type and bytes as they come."""

    name: str
    content_type: str
    chunks: Iterator[bytes]


class Exports:
    """What may be taken out in bulk."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def readings(
        self,
        *,
        format: str = "parquet",
        sites: Sequence[str] = (),
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int | None = None,
        end: int | None = None,
    ) -> Export:
        """Current readings with event time in [start, end) [s], by (time, series)."""
        chosen, keys = self._chosen(sites, factors, stats, periods)
        low, high = self._house.readings.exports.bounds(chosen)
        span = _span(low if start is None else start, high if end is None else end)
        pieces = self._house.readings.exports.pieces(chosen, *span)
        names = _Names(self._house, keys)
        tables = (names.readings(one) for one in pieces)
        meta = self._metadata("readings", keys, chosen, span, {})
        return self._export(format, "readings", READINGS.with_metadata(meta), tables)

    def windows(
        self,
        level: str,
        *,
        format: str = "parquet",
        sites: Sequence[str] = (),
        factors: Sequence[str] = (),
        stats: Sequence[Stat] = (),
        periods: Sequence[Period] = (),
        start: int | None = None,
        end: int | None = None,
    ) -> Export:
        """Windows of `level` that begin in [start, end) [s], with coverage, state and rule."""
        try:
            wanted = Level[level.upper()]
        except KeyError:
            hint = f"one of {', '.join(one.name.lower() for one in Level)}"
            raise BadInput(f"no windows of {level!r}", field="window", hint=hint) from None
        chosen, keys = self._chosen(sites, factors, stats, periods)
        low, high = self._house.readings.exports.bounds(chosen)
        span = _span(low - 366 * 86400 if start is None else start, high if end is None else end)
        names = _Names(self._house, keys)
        tables = self._window_tables(names, chosen, wanted, span)
        meta = self._metadata("windows", keys, chosen, span, {"window": wanted.name})
        return self._export(format, f"windows-{wanted.name.lower()}", WINDOWS.with_metadata(meta), tables)

    def _window_tables(
        self, names: _Names, chosen: Sequence[int], level: Level, span: tuple[int, int]
    ) -> Iterator[pa.Table]:
        step = WINDOW_DAYS.get(level, 3660) * 86400
        for start in range(span[0], span[1], step):
            for place in range(0, len(chosen), WINDOW_SERIES):
                part = chosen[place : place + WINDOW_SERIES]
                found = self._house.windows.read(part, level, start, min(start + step, span[1]))
                if any(found.values()):
                    yield names.windows(found)

    def _chosen(
        self, sites: Sequence[str], factors: Sequence[str], stats: Sequence[Stat], periods: Sequence[Period]
    ) -> tuple[list[int], Sequence[SeriesKey]]:
        """Series asked for. Raises `NotFound` for a site or factor that has no readings."""
        keys: Sequence[SeriesKey] = self._house.readings.series_keys()
        have = len(keys)
        for kind, wanted, known in (
            ("site", sites, {one.site for one in keys}),
            ("factor", factors, {one.factor for one in keys}),
        ):
            for one in wanted:
                if one not in known and not (kind == "site" and self._house.sites.get(one) is not None):
                    raise NotFound(f"{kind} with readings", one, known=known)
        chosen = [
            number
            for number in range(have)
            if keys[number].site  # one that is out of the asker's reach names none
            and (not sites or keys[number].site in sites)
            and (not factors or keys[number].factor in factors)
            and (not stats or keys[number].stat in stats)
            and (not periods or keys[number].period in periods)
        ]
        return chosen, keys

    def _metadata(
        self,
        what: str,
        keys: Sequence[SeriesKey],
        chosen: Sequence[int],
        span: tuple[int, int],
        more: Mapping[str, str | None],
    ) -> dict[str, str]:
        mine = [keys[one] for one in chosen]
        units = {f"{key.factor}/{key.stat.name}": factor_unit(key.factor, key.stat) for key in mine}
        told = {
            "jinyun.content": what,
            "jinyun.version": __version__,
            "jinyun.label": LABEL,
            "jinyun.time_zone": ZONE,
            "jinyun.units": json.dumps(units, ensure_ascii=False, sort_keys=True),
            "jinyun.values": "exact decimals in the factor's canonical unit; empty: no number was sent",
            "jinyun.from": _zoned(span[0]),
            "jinyun.to": _zoned(span[1]) + " (excluded)",
            "jinyun.exported_at": _zoned(self._house.wall.now() // MICRO),
        }
        if self._house.as_of is not None:
            more = {**more, "as_of": _exact_moment(self._house.as_of)}
        return told | {f"jinyun.{name}": text for name, text in more.items() if text}

    def _export(self, format: str, name: str, schema: pa.Schema, tables: Iterator[pa.Table]) -> Export:
        if format not in FORMATS:
            raise BadInput(f"no format {format!r}", field="format", hint=f"one of {', '.join(FORMATS)}")
        ending, content_type = FORMATS[format]
        if not self._room.acquire(blocking=False):
            raise Unavailable(f"{AT_ONCE} exports are running already; try again when one of them is done")
        day = china_time(self._house.wall.now() // MICRO)
        chunks = _Held(_WRITERS[format](schema, tables), self._room.release)
        return Export(f"jinyun-{name}-{day:%Y%m%d-%H%M}.{ending}", content_type, chunks)


class _Held:
    """Chunks that give their place back once, whether they are taken to the end or left."""

    def __init__(self, chunks: Iterator[bytes], release: Callable[[], None]) -> None:
        self._chunks, self._release = chunks, release

    def __iter__(self) -> _Held:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop; further calls do nothing."""
        release, self._release = self._release, _nothing
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        release()

    def __del__(self) -> None:
        self.close()


def _nothing() -> None:
    return None


class _Names:
    """Turns numbers of series into columns of words, one dictionary for each column."""

    def __init__(self, house: House, keys: Sequence[SeriesKey]) -> None:
        count = len(keys)
        sites = {one: site for one in {key.site for key in keys[:count]} if (site := house.sites.get(one)) is not None}
        self._columns = {
            "site": _words([key.site for key in keys[:count]]),
            "site_name": _words([sites[key.site].name if key.site in sites else "" for key in keys[:count]]),
            "factor": _words([key.factor for key in keys[:count]]),
            "stat": _words([key.stat.name for key in keys[:count]]),
            "period": _words([key.period.name for key in keys[:count]]),
            "unit": _words([factor_unit(key.factor, key.stat) for key in keys[:count]]),
        }
        self._periods = np.array([int(key.period) for key in keys[:count]], np.int8)
        self._flags = _words([flag.name for flag in Flag])

    def _named(self, name: str, series: np.ndarray) -> Any:
        words, place = self._columns[name]
        return pa.DictionaryArray.from_arrays(pa.array(place[series]), pa.array(words, pa.string()))

    def readings(self, rows: pa.Table) -> pa.Table:
        series, time = rows.column("series").to_numpy(), rows.column("time").to_numpy()
        flags, _ = self._flags
        flag: Any = pa.array(rows.column("flag").to_numpy().astype(np.int32))
        columns = {
            **{name: self._named(name, series) for name in self._columns},
            "time": _times(time),
            "end": _times(_ends(self._periods[series], time)),
            "value": rows.column("value").cast(pa.decimal128(18, 6)),
            "flag": pa.DictionaryArray.from_arrays(flag, pa.array(flags, pa.string())),
            "seq": rows.column("seq"),
            "received_at": pa.array(rows.column("received_at").to_numpy()).cast(pa.timestamp("us")).cast(_STAMP),
            "series": rows.column("series"),
        }
        return pa.table([columns[one.name] for one in READINGS], schema=READINGS)

    def windows(self, found: Mapping[int, Sequence[Any]]) -> pa.Table:
        series = np.array([one for one, figures in found.items() for _ in figures], np.int64)
        figures = [figure for one in found.values() for figure in one]
        micro = pa.array([one.value for one in figures], pa.int64())
        columns = {
            **{name: self._named(name, series) for name in self._columns if name != "period"},
            "source": self._named("period", series),
            "window": pa.array([one.level.name for one in figures]).dictionary_encode(),
            "time": _times(np.array([one.start for one in figures], np.int64)),
            "end": _times(np.array([one.end for one in figures], np.int64)),
            "value": _exact(micro),
            "state": pa.array([one.state.name for one in figures]).dictionary_encode(),
            "due": pa.array([one.due for one in figures], pa.int64()),
            "valid": pa.array([one.valid for one in figures], pa.int64()),
            "rule": pa.array([one.rule for one in figures], pa.string()).dictionary_encode(),
            "series": pa.array(series.astype(np.int32)),
        }
        return pa.table([columns[one.name] for one in WINDOWS], schema=WINDOWS)


def _words(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return list(distinct), np.array([distinct[text] for text in texts], np.int32)


def _exact(micro: Any) -> Any:
    """DECIMAL(18,6) of whole millionths."""
    told = [None if one is None else Decimal(one).scaleb(-6) for one in micro.to_pylist()]
    return pa.array(told, pa.decimal128(18, 6))


def _times(seconds: np.ndarray) -> Any:
    return pa.array(seconds * 1000).cast(pa.timestamp("ms")).cast(_TIME)


def _ends(periods: np.ndarray, time: np.ndarray) -> np.ndarray:
    """End of each period; of a moment the moment."""
    end = time.copy()
    for period in Period:
        mine = periods == int(period)
        if period is Period.REALTIME or not mine.any():
            continue
        if period in LENGTHS:
            end[mine] += LENGTHS[period]
        else:
            starts, place = np.unique(time[mine], return_inverse=True)
            end[mine] = np.array([window_of(period, one).end for one in starts.tolist()], np.int64)[place]
    return end


def _zoned(seconds: int) -> str:
    return china_time(seconds).isoformat()


def _exact_moment(micro: int) -> str:
    return china_time(micro // MICRO).replace(microsecond=micro % MICRO).isoformat()


def _span(start: int, end: int) -> tuple[int, int]:
    if start > end:
        raise BadInput(f"from {start} to {end} is no span of time", field="from", hint="seconds, from before to")
    return start, end


# --- formats ----------------------------------------------------------------------------------------------------------


class _Sink(io.RawIOBase):
    """A file that only remembers what was written since it was last asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _parquet(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    sink = _Sink()
    writer = pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd")
    for table in tables:
        writer.write_table(table.replace_schema_metadata(schema.metadata))
        yield sink.taken()
    writer.close()
    yield sink.taken()


def _arrow(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    sink = _Sink()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=False)
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema, options=options) as writer:
        yield sink.taken()
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            yield sink.taken()
    yield sink.taken()


def _csv(schema: pa.Schema, tables: Iterable[pa.Table]) -> Iterator[bytes]:
    lines = [f"# {key.decode()}: {text.decode()}" for key, text in (schema.metadata or {}).items()]
    yield "\n".join([*lines, ",".join(schema.names), ""]).encode()
    count = 0
    for table in tables:
        count += table.num_rows
        columns = [_text(table.column(one)).cast(pa.string()).fill_null("") for one in schema.names]
        lines = pc.binary_join_element_wise(*columns, ",")
        yield ("\n".join(lines.to_pylist()) + "\n").encode()
    yield f"# end: {count} rows\n".encode()


def _text(column: Any) -> Any:
    """A column as it is written: RFC 3339 times, decimals without idle zeros, no formulas."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(column)
        whole = local.cast(pa.timestamp("s")) if kind.unit == "ms" else local
        return pc.binary_join_element_wise(pc.strftime(whole, format="%Y-%m-%dT%H:%M:%S"), "+08:00", "")
    if pa.types.is_decimal(kind):
        return pc.utf8_rtrim(pc.utf8_rtrim(column.cast(pa.string()), "0"), ".")
    if pa.types.is_dictionary(kind):
        plain = column.cast(pa.string())
        safe = pc.replace_substring_regex(plain, r"^([=+\-@\t\r#])", r"'\1")
        quoted = pc.binary_join_element_wise('"', pc.replace_substring(safe, '"', '""'), '"', "")
        return pc.if_else(pc.match_substring_regex(safe, r"[\",\r\n]"), quoted, safe)
    return column


_WRITERS: Mapping[str, Callable[[pa.Schema, Iterable[pa.Table]], Iterator[bytes]]] = {
    "parquet": _parquet, "csv": _csv, "arrow": _arrow,
}  # fmt: skip
