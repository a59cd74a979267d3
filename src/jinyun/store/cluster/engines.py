"""The engines behind the expressions: DuckDB in this process, Spark on a standalone cluster. The only adapters here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pyarrow as pa

from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.store.cluster.facts import SHIFT, Facts
from jinyun.store.cluster.nodes import Node, NodeFile

INSTALL = "pip install 'jinyun[cluster]'"
JAVA = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MASTER_PORT = 7077
REACH_S = 5.0
PARTITIONS = 8
"""Shuffle partitions to start with; Spark joins small ones by itself."""

ON_ONE_MACHINE = {
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # a job of its own only to look at the files
    "spark.locality.wait": "0s",
}


def need(*modules: str) -> None:
    """Raises `Unavailable` with what to install when a library of the extra is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise Unavailable(f"{', '.join(missing)} not installed: `cluster` needs an extra; {INSTALL}")


def java() -> str:
    """The `java` that Spark will use.

    Raises
    ------
    Unavailable
        With what to install.
    """
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return str(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if found is None:
        raise Unavailable(f"Spark needs Java and there is none; {JAVA}")
    return found


# --- which files are read how ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Files:
    """Files of one node by what must be done with their rows."""

    alone: tuple[Path, ...]
    mixed: tuple[Path, ...]
    past: tuple[Path, ...]


def sort_files(files: Sequence[NodeFile], start: int, end: int) -> Files:
    """A file whose times no other file shares, each key once, is current as it stands. Files of superseded versions
    only have their newest versions in another file of the same seal or merge, so they are never current."""
    here = sorted((one for one in files if one.time_from < end and one.time_to >= start), key=lambda one: one.time_from)
    past = tuple(one.path for one in here if one.past)
    groups: list[list[NodeFile]] = []
    reach = 0
    for one in here:
        if one.past:
            continue
        if groups and one.time_from <= reach:
            groups[-1].append(one)
            reach = max(reach, one.time_to)
        else:
            groups.append([one])
            reach = one.time_to
    alone = tuple(group[0].path for group in groups if len(group) == 1 and group[0].plain)
    mixed = tuple(one.path for group in groups for one in group if not (len(group) == 1 and one.plain))
    return Files(alone, mixed, past)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine gave for one expression."""

    raw: pa.Table
    wall: float  # [s]
    cpu: float  # of the engine's own processes, as far as they are on this machine. [s]


class Engine:
    """Common to both: readings of all nodes as one table, answers as Arrow."""

    name = ""

    def __init__(self) -> None:
        need("ibis")

    def warehouse(self, nodes: Sequence[Node], facts: Facts) -> Any:
        """The tables of the expressions over some nodes."""
        from jinyun.store.cluster.expressions import Warehouse

        parts: dict[str, list[Any]] = {"alone": [], "mixed": [], "past": []}
        for n, node in enumerate(nodes):
            files = sort_files(node.files, facts.start, facts.end)
            for kind, found in parts.items():
                paths = getattr(files, kind)
                if paths:
                    found.append(self._readings(paths, n, facts))
        empty = self._table("no_readings", EMPTY)
        tables = {name: self._table(name, table) for name, table in facts.tables.items()}
        alone, mixed, past = (_union(found) if found else empty for found in parts.values())
        return Warehouse(alone, mixed, past, facts, tables)

    def _readings(self, paths: Sequence[Path], node: int, facts: Facts) -> Any:
        import ibis

        from jinyun.store.cluster.expressions import NONE, number

        rows = self._parquet(paths)
        rows = rows.filter(rows.time >= number(facts.start), rows.time < number(facts.end))
        scaled = rows.value.cast("decimal(25,6)") * ibis.literal(1_000_000, "int32")
        return rows.select(
            series=rows.series.cast("int64") + number(node << SHIFT), time=rows.time,
            micro=scaled.cast("int64").fill_null(number(NONE)), flag=rows.flag.cast("int64"), seq=rows.seq,
        )  # fmt: skip

    def _parquet(self, paths: Sequence[Path]) -> Any:
        raise NotImplementedError

    def _table(self, name: str, table: pa.Table) -> Any:
        raise NotImplementedError

    def _collect(self, expression: Any) -> pa.Table:
        raise NotImplementedError

    def cpu(self) -> float:
        """CPU used so far by the engine's processes on this machine. [s]"""
        raise NotImplementedError

    def ask(self, expression: Any) -> Answer:
        """Run an expression."""
        began, used = time.perf_counter(), self.cpu()
        raw = self._collect(expression)
        return Answer(raw, time.perf_counter() - began, self.cpu() - used)


EMPTY = pa.table({name: pa.array([], pa.int64()) for name in ("series", "time", "micro", "flag", "seq")})


def _union(tables: Sequence[Any]) -> Any:
    import ibis

    return tables[0] if len(tables) == 1 else ibis.union(*tables, distinct=False)


class DuckEngine(Engine):
    """DuckDB inside this process; it spills to `folder`'s disk beyond its memory."""

    name = "duckdb"

    def __init__(self, *, memory_mb: int = 2048, threads: int = 2) -> None:
        super().__init__()
        import ibis

        self._spill = tempfile.TemporaryDirectory(prefix="jinyun-cluster-")
        self._connection = ibis.duckdb.connect(
            memory_limit=f"{memory_mb}MB", threads=threads, temp_directory=self._spill.name,
            autoinstall_known_extensions=False, autoload_known_extensions=False,
        )  # fmt: skip
        self._count = 0

    def _parquet(self, paths: Sequence[Path]) -> Any:
        return self._connection.read_parquet([str(one) for one in paths], hive_partitioning=False)

    def _table(self, name: str, table: pa.Table) -> Any:
        self._count += 1
        self._connection.con.register(f"{name}_{self._count}", table)  # ibis' own create_table fails on DuckDB 2.0
        return self._connection.table(f"{name}_{self._count}")

    def _collect(self, expression: Any) -> pa.Table:
        try:
            answer: pa.Table = expression.to_pyarrow()
            return answer
        except Exception as wrong:
            raise Unavailable(f"DuckDB stopped: {_first_line(wrong)}") from wrong

    def cpu(self) -> float:
        return time.process_time()

    def close(self) -> None:
        """Let go of memory and spilled files."""
        self._connection.disconnect()
        self._spill.cleanup()


class SparkEngine(Engine):
    """A session of a standalone cluster. Workers read the same paths: a shared folder, or this machine.

    Parameters
    ----------
    master : str
        ``spark://host:port``.
    driver_host : str
        The address at which the workers reach this process.
    pids : callable, optional
        Processes of the cluster on this machine, whose CPU is counted.
    settings : mapping, optional
        More of Spark's settings, e.g. ``{"spark.executor.memory": "4g"}``.
    """

    name = "spark"

    def __init__(
        self, master: str, *, driver_host: str = "127.0.0.1", pids: Any = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        need("pyspark")
        java()
        parts = urlsplit(master)
        if parts.scheme != "spark" or not parts.hostname:
            raise BadInput(f"{master!r} is no address of a Spark master", hint="spark://host:7077")
        if parts.hostname not in LOOPBACK and driver_host in LOOPBACK:
            raise BadInput(
                f"the master {parts.hostname} is another machine and cannot reach {driver_host}",
                hint="give this machine's address with --driver-host",
            )
        _reach(parts.hostname, parts.port or MASTER_PORT, master)
        self._pids = pids
        self._session = _session(master, driver_host, settings or {})
        import ibis

        self._connection = ibis.pyspark.connect(self._session)
        self._count = 0

    @property
    def session(self) -> Any:
        """The Spark session."""
        return self._session

    def warehouse(self, nodes: Sequence[Node], facts: Facts) -> Any:
        try:
            return super().warehouse(nodes, facts)
        except Exception as wrong:
            raise Unavailable(f"Spark cannot read the nodes: {_first_line(wrong)}") from wrong

    def _parquet(self, paths: Sequence[Path]) -> Any:
        from pyspark.sql import types

        schema = types.StructType(
            [
                types.StructField("series", types.IntegerType()), types.StructField("time", types.LongType()),
                types.StructField("value", types.DecimalType(18, 6)), types.StructField("flag", types.ShortType()),
                types.StructField("seq", types.LongType()),
            ]
        )  # fmt: skip
        frame = self._session.read.schema(schema).parquet(*(f"file://{one.resolve()}" for one in paths))
        return self._view(frame)

    def _table(self, name: str, table: pa.Table) -> Any:  # noqa: ARG002
        return self._view(self._session.createDataFrame(table))

    def _view(self, frame: Any) -> Any:
        self._count += 1
        frame.createOrReplaceTempView(f"jinyun_{self._count}")
        return self._connection.table(f"jinyun_{self._count}")

    def _collect(self, expression: Any) -> pa.Table:
        # ibis' own way goes through pandas, where a 64-bit number with a NULL beside it becomes a float.
        statement = str(self._connection.compile(expression))
        try:
            answer: pa.Table = self._session.sql(statement).toArrow()
            return answer
        except Exception as wrong:
            raise Unavailable(f"Spark stopped: {_first_line(wrong)}") from wrong

    def cpu(self) -> float:
        gateway = getattr(self._session.sparkContext._gateway, "proc", None)
        pids = set(self._pids() if self._pids is not None else ())
        if gateway is not None:
            pids.add(gateway.pid)
        return time.process_time() + sum(cpu_of(one) for one in pids)

    def close(self) -> None:
        """End the session and its JVM."""
        from pyspark import SparkContext

        gateway = SparkContext._gateway
        self._session.stop()
        if gateway is not None:
            with suppress(Exception):
                gateway.shutdown()
            process = getattr(gateway, "proc", None)
            if process is not None:
                process.stdin.close()
                process.wait(30)
            SparkContext._gateway = SparkContext._jvm = None


def cpu_of(pid: int) -> float:
    """CPU of a process and its children so far; 0 when it is gone. [s]"""
    total = 0.0
    with suppress(psutil.Error):
        one = psutil.Process(pid)
        for process in (one, *one.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def _session(master: str, driver_host: str, settings: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    # Executors run no Python, but the driver's own must not depend on what `python` is in the path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", driver_host)
    builder = SparkSession.builder.master(master).appName("jinyun")
    chosen = {
        "spark.ui.enabled": "false",
        "spark.driver.host": driver_host,
        "spark.driver.bindAddress": driver_host,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": str(PARTITIONS),
        "spark.sql.caseSensitive": "true",
        "spark.log.level": "ERROR",
        **(ON_ONE_MACHINE if driver_host in LOOPBACK else {}),
        "spark.ui.showConsoleProgress": "false",
        **settings,
    }
    for name, value in chosen.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as wrong:
        raise Unavailable(f"no Spark session at {master}: {_first_line(wrong)}") from wrong


def _reach(host: str, port: int, master: str) -> None:
    """Spark itself asks a minute long before it gives up."""
    try:
        socket.create_connection((host, port), timeout=REACH_S).close()
    except OSError as wrong:
        raise Unavailable(f"no Spark master answers at {master}: {wrong.strerror or wrong}") from wrong


def _first_line(wrong: BaseException) -> str:
    """The line that says why; Java's own comes after the call that failed."""
    lines = [line.strip(" :") for line in str(wrong).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("An error occurred while calling"):
        del lines[0]
    return (lines[0] if lines else type(wrong).__name__)[:400]
