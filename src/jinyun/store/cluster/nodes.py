"""What a node gives to a cluster: its sealed files as of a sealed sequence, its series and its registers.

A node's folder is read by its database: only files in the manifest are the store. An export (`export_node`) has
the same beside the files, so that a shared folder or an object store holds all a cluster needs.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.store.database import reading
from jinyun.store.disk import write_durably
from jinyun.store.schema import manifest, record, seal, series

LIST = "manifest.json"
FORMAT = "jinyun-cluster-1"
REGISTERS = ("site", "outlet", "permit_limit", "standard_limit")
"""Record types that figures depend on. None holds a secret or a person's data."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class NodeFile:
    """One sealed file of rows. `time_from`, `time_to` are inclusive. [s]"""

    path: Path
    rows: int
    time_from: int
    time_to: int
    bytes: int
    sha256: str
    keys: int | None  # as `manifest.SealedFile.keys`

    @property
    def plain(self) -> bool:
        """Each (series, time) once."""
        return self.keys == self.rows

    @property
    def past(self) -> bool:
        """Superseded versions only."""
        return self.keys == 0


@dataclass(frozen=True, slots=True)
class Node:
    """One node as of a sealed sequence."""

    name: str
    sealed: int
    files: tuple[NodeFile, ...]
    series: pa.Table  # id, site, factor, stat, period
    registers: pa.Table  # type, id, data (JSON)

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.files)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.files)

    def records(self, type_id: str) -> list[dict[str, Any]]:
        """Data of the records of a type, each with its id."""
        return [
            {**json.loads(row["data"]), "id": row["id"]} for row in self.registers.to_pylist() if row["type"] == type_id
        ]


def read_node(folder: Path, database: Engine, *, name: str = "") -> Node:
    """A node by its database. Hot rows are no part of it: what is not sealed yet is not seen.

    Raises
    ------
    Unavailable
        When the database is not that of a node, or older than this release.
    """
    sealed_folder = folder / "sealed"
    try:
        with reading(database) as connection:
            files = connection.execute(select(manifest).where(manifest.c.kind == "rows", manifest.c.state == "live"))
            rows = [
                NodeFile(
                    sealed_folder / one.path, one.rows, one.time_from, one.time_to, one.bytes, one.sha256, one.keys
                )
                for one in files
            ]
            last = connection.execute(select(func.max(seal.c.seq_to))).scalar() or 0
            keys = connection.execute(select(series).order_by(series.c.id)).all()
            records = connection.execute(
                select(record.c.type, record.c.id, record.c.data)
                .where(record.c.type.in_(REGISTERS), record.c.deleted.is_(False))
                .order_by(record.c.type, record.c.id)
            ).all()
    except DBAPIError as wrong:
        raise Unavailable(
            f"the database of {folder} cannot be read: {str(wrong.orig).splitlines()[0]}; "
            "start that node once with this release, so that its schema is the newest"
        ) from wrong
    return Node(
        name or folder.resolve().name, last, tuple(sorted(rows, key=lambda one: (one.time_from, str(one.path)))),
        pa.table(
            {
                "id": pa.array([one.id for one in keys], pa.int64()),
                "site": pa.array([one.site for one in keys], pa.string()),
                "factor": pa.array([one.factor for one in keys], pa.string()),
                "stat": pa.array([one.stat for one in keys], pa.int64()),
                "period": pa.array([one.period for one in keys], pa.int64()),
            }
        ),
        pa.table(
            {
                name: pa.array([getattr(one, name) for one in records], pa.string())
                for name in ("type", "id", "data")
            }
        ),
    )  # fmt: skip


def export_node(node: Node, out: Path, source: Path, *, again: Any = None) -> Path:
    """Put a node's files, series and registers into ``out/NAME``; returns that folder.

    Files are hard links where `out` lies on the same file system, else copies: compaction of the running node does not
    take them away. A list (`LIST`) comes last, so that a folder with a list is whole.

    Parameters
    ----------
    again : callable, optional
        Reads the node anew when a file was merged away meanwhile.
    """
    target = out / node.name
    (target / "sealed").mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        (target / LIST).unlink()
    for left in range(TRIES, 0, -1):
        try:
            for one in node.files:
                _place(one.path, target / "sealed" / one.path.relative_to(source / "sealed"))
            break
        except FileNotFoundError as wrong:
            if again is None or left == 1:
                raise Unavailable(f"{wrong.filename} is in the manifest but not on disk; verify the node") from wrong
            node = again()
    wanted = {str(one.path.relative_to(source)) for one in node.files}
    for path in (target / "sealed").rglob("*.parquet"):
        if str(path.relative_to(target)) not in wanted:
            path.unlink()  # of an earlier export
    pq.write_table(node.series, target / "series.parquet", compression="zstd")
    pq.write_table(node.registers, target / "registers.parquet", compression="zstd")
    body = {
        "format": FORMAT, "name": node.name, "sealed": node.sealed,
        "files": [
            {
                "path": str(one.path.relative_to(source)), "rows": one.rows, "time_from": one.time_from,
                "time_to": one.time_to, "bytes": one.bytes, "sha256": one.sha256, "keys": one.keys,
            }
            for one in node.files
        ],
    }  # fmt: skip
    write_durably(target / LIST, json.dumps(body, ensure_ascii=False, indent=1).encode())
    return target


def _place(path: Path, target: Path) -> None:
    if target.exists() and target.stat().st_size == path.stat().st_size:
        return  # sealed files are never changed
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(target.name + ".tmp")
    aside.unlink(missing_ok=True)
    try:
        os.link(path, aside)
    except FileNotFoundError:
        raise
    except OSError:  # another file system
        shutil.copyfile(path, aside)
    aside.replace(target)


def is_export(folder: Path) -> bool:
    return (folder / LIST).is_file()


def read_export(folder: Path) -> Node:
    """A node from an exported folder.

    Raises
    ------
    BadInput
        When the list is not one of ours.
    """
    try:
        body: Mapping[str, Any] = json.loads((folder / LIST).read_bytes())
        if body["format"] != FORMAT:
            raise BadInput(f"{folder / LIST} has format {body['format']!r}", hint=f"this release reads {FORMAT}")
        files = tuple(NodeFile(**{**one, "path": folder / one["path"]}) for one in body["files"])
        return Node(
            str(body["name"]), int(body["sealed"]), files, pq.read_table(folder / "series.parquet"),
            pq.read_table(folder / "registers.parquet"),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise BadInput(f"{folder} is no exported node: {wrong}", hint="`jinyun cluster export` makes one") from wrong


def check_names(nodes: Sequence[Node]) -> None:
    """Raises `BadInput` when two nodes have one name, or there is nothing to ask."""
    names = [one.name for one in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"two nodes are called {', '.join(twice)}", hint="give one of them a name: `cluster export --name`"
        )
    if not any(one.files for one in nodes):
        raise BadInput(f"no sealed files in {', '.join(names) or 'no node'}", hint="a node seals every half hour")
