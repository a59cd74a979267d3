"""One digest of a table, whatever the order of its rows and the widths of its numbers: what engines are compared by."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa


def digest(columns: dict[str, np.ndarray]) -> str:
    """sha256 over names, number of rows and the int64 columns, rows sorted by all columns from the first."""
    order = np.lexsort(tuple(reversed(list(columns.values())))) if columns else np.empty(0, np.int64)
    made = hashlib.sha256()
    made.update(f"{','.join(columns)};{len(order)};".encode())
    for column in columns.values():
        made.update(np.ascontiguousarray(column[order].astype("<i8")).tobytes())
    return made.hexdigest()


def table_digest(table: pa.Table) -> str:
    """The same for a finished table of any columns: each row as one text, sorted."""
    columns = [table[name].cast(pa.string()).to_pylist() for name in table.column_names]
    rows = sorted("\x1f".join("\x00" if one is None else one for one in row) for row in zip(*columns, strict=True))
    made = hashlib.sha256(",".join(table.column_names).encode())
    for row in rows:
        made.update(b"\x1e" + row.encode())
    return made.hexdigest()
