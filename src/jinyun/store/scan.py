"""Fast columns of sealed files, in their order (series, time): row groups chosen by their footers, decoded in a few
threads, values as int64 millionths. For files whose rows are current as they stand (`current.Plan.alone`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq

from jinyun.store.current import Span
from jinyun.store.manifest import SealedFile

THREADS = 2
GROUPS = 4
"""Row groups that are read at a time."""

T = TypeVar("T")


@dataclass(slots=True)
class Stretch:
    """Rows in order; `bad` are the places of those that do not count: another flag, or no value."""

    series: np.ndarray
    time: np.ndarray
    value: np.ndarray  # [1e-6]
    bad: np.ndarray


@lru_cache(maxsize=512)
def footer(path: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """Metadata of a sealed file, and the first and last series of each row group. Sealed files never change."""
    metadata = pq.read_metadata(path)
    column = metadata.schema.names.index("series")
    limits: list[Any] = [metadata.row_group(n).column(column).statistics for n in range(metadata.num_row_groups)]
    return metadata, np.array([one.min for one in limits], np.int64), np.array([one.max for one in limits], np.int64)


def stretches(
    files: Mapping[SealedFile, Sequence[Span]],
    path: Callable[[SealedFile], str],
    series: Span,
    flags: Sequence[int],
    work: Callable[[Stretch], T],
) -> Iterator[T]:
    """`work` of every stretch of some series (first, last) in files read in the given times, in the files' order."""
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [
            pool.submit(_one, (path(file), groups), () if _whole(file, spans) else spans, series, flags, work)
            for file, spans in files.items()
            for groups in _groups(path(file), series)
        ]
        for task in tasks:
            found = task.result()
            if found is not None:
                yield found


def micro(column: Any) -> np.ndarray:
    """int64 millionths of a decimal column, out of its buffers; undefined where null. Wider values must fit."""
    parts = []
    for chunk in column.chunks:
        buffer: Any = chunk.buffers()[1]
        width = chunk.type.bit_width // 64
        words = np.frombuffer(buffer, np.int64)[chunk.offset * width : (chunk.offset + len(chunk)) * width]
        parts.append(words[::width])
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _whole(file: SealedFile, spans: Sequence[Span]) -> bool:
    return spans[0][0] <= file.time_from and spans[0][1] > file.time_to


def _groups(path: str, series: Span) -> Iterator[list[int]]:
    _, low, high = footer(path)
    chosen = np.flatnonzero((low <= series[1]) & (high >= series[0])).tolist()
    for at in range(0, len(chosen), GROUPS):
        yield chosen[at : at + GROUPS]


def _one(
    source: tuple[str, list[int]],
    spans: Sequence[Span],
    series: Span,
    flags: Sequence[int],
    work: Callable[[Stretch], T],
) -> T | None:
    path, groups = source
    with pq.ParquetFile(path, metadata=footer(path)[0]) as file:
        table = file.read_row_groups(groups, columns=["series", "time", "value", "flag"], use_threads=False)
    ids = table.column("series").to_numpy()
    begin, end = int(np.searchsorted(ids, series[0])), int(np.searchsorted(ids, series[1], "right"))
    table, ids = table.slice(begin, end - begin), ids[begin:end]
    if not len(ids):
        return None
    at, value, flag = table.column("time").to_numpy(), micro(table.column("value")), table.column("flag").to_numpy()
    good = flag == flags[0] if len(flags) == 1 else np.isin(flag, flags)
    if table.column("value").null_count:
        good &= table.column("value").is_valid().to_numpy()
    if spans:
        inside = np.zeros(len(at), bool)
        for low, high in spans:
            inside |= (at >= low) & (at < high)
        ids, at, value, good = ids[inside], at[inside], value[inside], good[inside]
        if not len(ids):
            return None
    return work(Stretch(ids, at, value, np.flatnonzero(~good)))
