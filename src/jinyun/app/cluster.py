"""Several nodes asked as one: figures over their sealed Parquet, on DuckDB or a Spark cluster (`jinyun cluster`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from jinyun.app.discover import domains
from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA, instant
from jinyun.methods import window_rules
from jinyun.store.cluster.engines import DuckEngine, Engine, SparkEngine, need
from jinyun.store.cluster.local import LocalCluster
from jinyun.store.cluster.nodes import Node, export_node, is_export, read_export, read_node
from jinyun.store.cluster.run import Outcome, Run
from jinyun.store.database import make_engine

BOM = b"\xef\xbb\xbf"


@cache
def rule_book() -> window_rules.RuleBook:
    """The rules of windows of all domains."""
    packages = [f"jinyun.domains.{name}" for name in sorted(domains())]
    return window_rules.load(
        one for one in packages if files(one).joinpath("tables", window_rules.TABLE).is_file()
    )  # fmt: skip


def expressions() -> list[dict[str, str]]:
    """The shipped expressions."""
    need("ibis")
    from jinyun.store.cluster.expressions import SHIPPED

    return [{"name": one.name, "zh": one.zh, "en": one.en} for one in SHIPPED.values()]


def open_nodes(folders: Sequence[Path]) -> list[Node]:
    """Nodes from their folders, from exports of them, or from a folder that holds exports.

    Raises
    ------
    BadInput
        For a folder that is none of these.
    """
    found: list[Node] = []
    for folder in folders:
        if is_export(folder):
            found.append(read_export(folder))
        elif _is_node(folder):
            found.append(_node(folder))
        elif inner := sorted(one for one in folder.glob("*") if is_export(one)):
            found += [read_export(one) for one in inner]
        else:
            raise BadInput(f"{folder} is no node's folder and no export of one", hint="`jinyun cluster export`")
    return found


def _is_node(folder: Path) -> bool:
    return (folder / "records.sqlite").is_file() or (folder / "jinyun.toml").is_file()


def _node(folder: Path, name: str = "") -> Node:
    """A node as its database says, running or stopped: reading takes no lock that it waits for."""
    settings = Settings.load(folder)
    engine = make_engine(settings.database or folder / "records.sqlite")
    try:
        return read_node(folder, engine, name=name)
    finally:
        engine.dispose()


def export(folder: Path, out: Path, name: str = "") -> dict[str, Any]:
    """A node's sealed files, series and registers below `out`, for a cluster."""
    if not _is_node(folder):
        raise BadInput(f"{folder} is no node's folder", hint="name one with --folder")
    node = _node(folder, name)
    target = export_node(node, out, folder, again=lambda: _node(folder, name))
    return {
        "folder": str(target), "sealed": node.sealed, "files": len(node.files), "rows": node.rows,
        "bytes": node.bytes, "series": node.series.num_rows,
    }  # fmt: skip


def span(first: str, last: str) -> tuple[int | None, int | None]:
    """Seconds of a span of dates in China civil time, both inside; "" is open."""

    def start(text: str, more: int) -> int | None:
        if not text:
            return None
        try:
            day = date.fromisoformat(text) + timedelta(days=more)
        except ValueError:
            raise BadInput(f"{text!r} is no date", hint="write 2026-03-01") from None
        return instant(datetime.combine(day, time(), CHINA))

    begin, end = start(first, 0), start(last, 1)
    if begin is not None and end is not None and begin >= end:
        raise BadInput(f"{first} is after {last}")
    return begin, end


@contextlib.contextmanager
def _spark(
    url: str, workers: int, driver_host: str, settings: Mapping[str, str]
) -> Iterator[tuple[Engine, LocalCluster | None]]:
    """A session of the cluster at `url`, or of one with `workers` on this machine."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(LocalCluster(workers)) if not url else None
        engine = SparkEngine(
            cluster.url if cluster else url, driver_host=driver_host, settings=settings,
            pids=cluster.pids if cluster else None,
        )  # fmt: skip
        stack.callback(engine.close)
        yield engine, cluster


@contextlib.contextmanager
def _duck(memory_mb: int) -> Iterator[DuckEngine]:
    engine = DuckEngine(memory_mb=memory_mb)
    try:
        yield engine
    finally:
        engine.close()


def run(
    name: str,
    folders: Sequence[Path],
    *,
    first: str = "",
    last: str = "",
    spark: str = "",
    driver_host: str = "127.0.0.1",
    settings: Mapping[str, str] | None = None,
    memory_mb: int = 2048,
) -> tuple[pa.Table, dict[str, Any]]:
    """One expression: its finished table, and how it was run."""
    work = Run(open_nodes(folders), rule_book(), *span(first, last))
    with contextlib.ExitStack() as stack:
        if spark:
            engine: Engine = stack.enter_context(_spark(spark, 0, driver_host, settings or {}))[0]
        else:
            engine = stack.enter_context(_duck(memory_mb))
        outcome = work.ask(engine, name)
        table = work.finish(outcome)
    sealed = {node.name: node.sealed for node in work.nodes}
    return table, {**_told(outcome), "figures": table.num_rows, "as_of_sealed": sealed}


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "expression": outcome.name, "engine": outcome.engine, "rows": outcome.rows, "digest": outcome.digest,
        "wall_s": round(outcome.wall, 2), "cpu_s": round(outcome.cpu, 2),
    }  # fmt: skip


def compare(
    names: Sequence[str],
    folders: Sequence[Path],
    *,
    first: str = "",
    last: str = "",
    spark: str = "",
    workers: int = 2,
    driver_host: str = "127.0.0.1",
    settings: Mapping[str, str] | None = None,
    memory_mb: int = 2048,
) -> Iterator[dict[str, Any]]:
    """Both engines on each expression, one row each as they come. Without `spark` a cluster of `workers` is started on
    this machine and ended after."""
    work = Run(open_nodes(folders), rule_book(), *span(first, last))
    wanted = [one["name"] for one in expressions()] if "all" in names else list(names)
    with _duck(memory_mb) as duck, _spark(spark, workers, driver_host, settings or {}) as (other, _):
        for name in wanted:
            here, there = work.ask(duck, name), work.ask(other, name)
            yield {
                "expression": name, "rows": here.rows, "equal": here.digest == there.digest, "digest": here.digest,
                "duckdb_wall_s": round(here.wall, 2), "duckdb_cpu_s": round(here.cpu, 2),
                "spark_wall_s": round(there.wall, 2), "spark_cpu_s": round(there.cpu, 2),
            }  # fmt: skip


def write(table: pa.Table, out: Path) -> None:
    """A finished table as Parquet or CSV (UTF-8 with BOM), by the file's ending."""
    if out.suffix == ".parquet":
        pyarrow.parquet.write_table(table, out, compression="zstd")
    elif out.suffix == ".csv":
        with out.open("wb") as file:
            file.write(BOM)
            pyarrow.csv.write_csv(table, file)
    else:
        raise BadInput(f"{out.name}: unknown ending", hint=".parquet or .csv")
