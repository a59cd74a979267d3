"""`jinyun cluster`: figures over several nodes' sealed Parquet, on DuckDB or a Spark cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jinyun.app import cluster
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json, print_table
from jinyun.kernel.errors import BadInput, JinyunError

app = new_app("Windows, verdict figures and indicators over the sealed Parquet of several nodes.")

Nodes = Annotated[list[Path], typer.Option("--nodes", help="a node's folder, or an export; may be repeated")]
Spark = Annotated[str, typer.Option(help="spark://host:7077; without it DuckDB in this process")]
First = Annotated[str, typer.Option("--from", help="first day, 2026-03-01 (China civil time)")]
Last = Annotated[str, typer.Option("--to", help="last day, inside")]
DriverHost = Annotated[str, typer.Option(help="this machine's address as the Spark workers see it")]
Conf = Annotated[list[str] | None, typer.Option(help="Spark setting NAME=VALUE; may be repeated")]
Memory = Annotated[int, typer.Option(help="DuckDB's memory [MB]; beyond it spills to disk")]
SHOWN = 20


@app.command("list")
def list_expressions(as_json: AsJson = False) -> None:
    """Expressions that can be run."""
    rows = cluster.expressions()
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("name", "zh", "en"))


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="folder that the cluster reads, e.g. on shared storage")],
    folder: Folder = DEFAULT_FOLDER,
    name: Annotated[str, typer.Option(help="the node's name in the cluster; else its folder's")] = "",
) -> None:
    """Put a node's sealed files, series and registers below a folder; beside a running node too."""
    print_json(cluster.export(folder, out, name))


@app.command()
def run(
    *,
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="`cluster list` names them")],
    nodes: Nodes,
    spark: Spark = "",
    first: First = "",
    last: Last = "",
    out: Annotated[Path | None, typer.Option(help="write the table to this .parquet or .csv file")] = None,
    driver_host: DriverHost = "127.0.0.1",
    conf: Conf = None,
    memory_mb: Memory = 2048,
    as_json: AsJson = False,
) -> None:
    """Run one expression; the first rows to the terminal, all to --out."""
    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise BadInput(f"{out.name}: unknown ending", hint=".parquet or .csv")
    table, told = cluster.run(
        expression, nodes, first=first, last=last, spark=spark, driver_host=driver_host, settings=_settings(conf),
        memory_mb=memory_mb,
    )  # fmt: skip
    if out is not None:
        cluster.write(table, out)
    if as_json:
        print_json(told)
        return
    print_table(table.slice(0, SHOWN).to_pylist(), table.column_names)
    if table.num_rows > SHOWN and out is None:
        print(f"{SHOWN} of {table.num_rows} rows; --out writes them all", file=sys.stderr)
    print(
        f"{told['engine']}: {told['rows']} rows in {told['wall_s']} s ({told['cpu_s']} s CPU), digest {told['digest']}",
        file=sys.stderr,
    )


@app.command()
def compare(
    *,
    expression: Annotated[list[str], typer.Argument(metavar="EXPR…", help="names, or `all`")],
    nodes: Nodes,
    spark: Annotated[str, typer.Option(help="spark://host:7077; without it a cluster is started here")] = "",
    workers: Annotated[int, typer.Option(min=1, help="workers of a cluster started here, one core each")] = 2,
    first: First = "",
    last: Last = "",
    driver_host: DriverHost = "127.0.0.1",
    conf: Conf = None,
    memory_mb: Memory = 2048,
    as_json: AsJson = False,
) -> None:
    """DuckDB beside Spark: digests, wall and CPU time of each expression. Fails when a digest differs."""
    rows = []
    for row in cluster.compare(
        expression, nodes, first=first, last=last, spark=spark, workers=workers, driver_host=driver_host,
        settings=_settings(conf), memory_mb=memory_mb,
    ):  # fmt: skip
        rows.append(row)
        if not as_json:
            mark = "equal" if row["equal"] else "DIFFERENT"
            print(
                f"{row['expression']:<14}{row['rows']:>10} rows  {mark:<10}DuckDB {row['duckdb_wall_s']} s "
                f"({row['duckdb_cpu_s']} s CPU), Spark {row['spark_wall_s']} s ({row['spark_cpu_s']} s CPU)  "
                f"{row['digest'][:16]}",
                flush=True,
            )
    if as_json:
        print_json(rows)
    if different := [row["expression"] for row in rows if not row["equal"]]:
        raise Different(different)


class Different(JinyunError):
    """Two engines gave different figures."""

    code = "digests-differ"

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"DuckDB and Spark differ on {', '.join(names)}: do not use either until it is known why")


def _settings(conf: list[str] | None) -> dict[str, str]:
    found = {}
    for one in conf or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"--conf {one!r} has no '='", hint="write spark.executor.memory=4g")
        found[name] = value
    return found
