"""The node's calendar of working days: the table that comes with Jinyun, and a newer file in the node's folder.

``china_workday_exceptions.csv`` in the folder needs the columns ``date`` and ``kind`` (holiday, make_up_workday); a row
there wins over the shipped row of the same day. It is read again when it changes, so that the State Council's notice
for a new year is taken up without a restart.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from jinyun.domains.supervision.deadlines import PACKAGE, WORKDAYS, work_calendar
from jinyun.kernel.errors import BadInput
from jinyun.kernel.tables import csv_rows
from jinyun.methods.workdays import WorkCalendar

NATIONAL_DAY = (10, 1)
"""A holiday of every year: a year without it in the file is not whole, and would pass off its rest as ordinary."""


class NodeCalendar:
    """The calendar as it is now. A file that cannot be used leaves the last good calendar; `problem` says what."""

    def __init__(self, folder: Path | None) -> None:
        self.file = None if folder is None else folder / WORKDAYS
        self.problem = ""
        self._calendar, self._seen = work_calendar(), (0, 0)

    def __call__(self) -> WorkCalendar:
        """The working days, after a look whether the file has changed."""
        seen = self._stamp()
        if seen != self._seen:
            self._seen = seen
            try:
                self._calendar, self.problem = load_work_calendar(self.file), ""
            except (BadInput, OSError) as wrong:
                self.problem = str(wrong)
        return self._calendar

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self.file.stat() if self.file is not None else None
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size) if found is not None else (0, 0)


def load_work_calendar(file: Path | None) -> WorkCalendar:
    """The shipped table with the rows of `file` over it, when there is such a file.

    Raises
    ------
    BadInput
        Naming the file and the line that cannot be read, or the year that is not whole.
    """
    if file is None or not file.is_file():
        return work_calendar()
    newer = _rows(file)
    try:
        WorkCalendar.from_rows(newer)  # its own lines, so that a mistake is named by its line
    except BadInput as wrong:
        raise BadInput(f"{file.name}: {wrong}", field=wrong.field) from None
    by_day = {row["date"]: row for row in (*csv_rows(PACKAGE, WORKDAYS), *newer)}
    calendar = WorkCalendar.from_rows(by_day[day] for day in sorted(by_day))
    for year in sorted(calendar.years):
        if calendar.exceptions.get(date(year, *NATIONAL_DAY)) is not False:
            raise BadInput(
                f"{file.name}: {year} is not whole: 1 October is no holiday in it", field="date",
                hint="give all holidays and make-up days of the State Council's notice for that year",
            )  # fmt: skip
    return calendar


def _rows(file: Path) -> list[Mapping[str, str]]:
    data = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):  # as spreadsheets in China save
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadInput(f"{file.name} is neither UTF-8 nor GB 18030 text", hint="save it as CSV UTF-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    missing = {"date", "kind"} - set(rows[0] if rows else ())
    if missing:
        raise BadInput(f"{file.name} has no column {' and '.join(sorted(missing))}", hint="date,kind,…")
    return [{name: (row[name] or "").strip() for name in ("date", "kind")} for row in rows]
