"""Registers as files, as verbs ask for them: of a running node over its local door, or of a stopped one's files."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinyun.app.local import Remote, running_node, stopped_node
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Actor

LOCAL = Actor("local", ("admin", "officer"))
Say = Callable[[str, int, int], None]
"""What is done now, how much of how much; a total of 0: it is not known."""
LONG_S = 3600.0


class RemoteSheet:
    """A file that a running node reads against a register."""

    def __init__(self, remote: Remote, type_id: str, file: Path, say: Say) -> None:
        self._remote, self._say = remote, say
        self._path = f"/api/registers/{quote(type_id, safe='')}/import"
        say(" sending the file", 0, 0)
        sent = remote.send_file("POST", f"/api/attachments?{urlencode({'name': file.name})}", file)
        self._file = {"file": sent["id"]}

    def preview(self) -> dict[str, Any]:
        self._say(" the node reads the rows", 0, 0)
        return self._asked(self._path)

    def accept(self) -> dict[str, Any]:
        self._say(" the node stores what is new", 0, 0)
        return self._asked(f"{self._path}/accept")

    def refused(self) -> bytes:
        return self._remote.fetch("GET", f"{self._path}/refused?{urlencode(self._file)}", timeout_s=LONG_S)[0]

    def _asked(self, path: str) -> dict[str, Any]:
        return dict(self._remote.ask("POST", path, self._file, timeout_s=LONG_S))


class RemoteSheets:
    """At a running node."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def template(self, type_id: str) -> bytes:
        return self._remote.fetch("GET", f"/api/registers/{quote(type_id, safe='')}/template")[0]

    def exported(self, type_id: str, asked: Mapping[str, str], where: Mapping[str, str]) -> bytes:
        query = urlencode({**{name: text for name, text in asked.items() if text}, **where})
        return self._remote.fetch("GET", f"/api/registers/{quote(type_id, safe='')}/export?{query}")[0]

    def sheet(self, type_id: str, file: Path, say: Say) -> RemoteSheet:
        return RemoteSheet(self._remote, type_id, file, say)


class StoppedSheets:
    """At the files of a stopped node."""

    def __init__(self, registers: Any) -> None:
        self._registers = registers

    def template(self, type_id: str) -> bytes:
        return bytes(self._registers.template(type_id, LOCAL))

    def exported(self, type_id: str, asked: Mapping[str, str], where: Mapping[str, str]) -> bytes:
        listed = {name: [one for one in asked.get(name, "").split(",") if one] for name in ("state", "columns")}
        made = self._registers.exported(
            type_id, LOCAL, where=where, states=listed["state"], columns=listed["columns"], text=asked.get("q", ""),
            order=asked.get("order") or "-updated_at",
        )  # fmt: skip
        return bytes(made)

    def sheet(self, type_id: str, file: Path, say: Say) -> Any:
        return self._registers.sheet_of(type_id, file, LOCAL, say=say)


@contextlib.contextmanager
def open_sheets(folder: Path) -> Iterator[RemoteSheets | StoppedSheets]:
    """Registers as files of the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteSheets(remote)
        return
    from jinyun.app.services.registers import Registers

    with stopped_node(folder) as house:
        house.sites.refresh()
        yield StoppedSheets(Registers(house))


def check_sheet(file: Path) -> None:
    """Raise `BadInput` for a file that cannot be a sheet."""
    if not file.is_file():
        raise BadInput(f"there is no file {file}", field="FILE")
    if file.suffix.lower() not in (".xlsx", ".xlsm", ".xls", ".ods", ".csv"):
        raise BadInput(f"{file.name} is no sheet", field="FILE", hint="give .xlsx or .csv")


def as_file(book: bytes, file: Path | None) -> bytes:
    """A workbook, or its first sheet as CSV (UTF-8 with BOM) when the file to be written is called .csv."""
    if file is None or file.suffix.lower() != ".csv":
        return book
    import python_calamine as calamine

    from jinyun.app.services.registers.sheet_file import cell_text
    from jinyun.app.services.words import csv_cell

    rows = calamine.CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([csv_cell(cell_text(cell)) for cell in row] for row in rows)
    return "\ufeff".encode() + out.getvalue().encode()
