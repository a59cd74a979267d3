"""Tables in and out: encodings, sheets, ragged rows; a file appears only when it is whole."""

import csv
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jinyun.app.judging.files_in import open_table
from jinyun.app.judging.files_out import open_sink
from jinyun.kernel.errors import BadInput

TEXT = '时间,点位,PM2.5\n2026-03-01,"甲,乙",35\n2026-03-02,丙,\n'


def rows_of(path, **more):
    source = open_table(path, **more)
    batches = list(source.batches())
    return (
        source,
        [list(row) for b in batches for row in zip(*(c.to_pylist() for c in b.columns), strict=True)],
        batches,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_any_encoding(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    source, rows, _ = rows_of(path)
    assert source.headings == ["时间", "点位", "PM2.5"]
    assert rows == [["2026-03-01", "甲,乙", "35"], ["2026-03-02", "丙", ""]]
    assert any("GB18030" in line for line in source.told) == (encoding == "gb18030")


def test_csv_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xff\x81\x00" * 10)
    with pytest.raises(BadInput, match="neither UTF-8 nor GB18030"):
        open_table(path)


def test_other_delimiters_and_title_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("某市空气质量日报\n时间;PM2.5\n2026-03-01;35\n", encoding="utf-8")
    source, rows, batches = rows_of(path, header_row=2)
    assert source.headings == ["时间", "PM2.5"]
    assert rows == [["2026-03-01", "35"]]
    assert batches[0].row_number(0) == 3


def test_ragged_rows_stay_in_their_place_with_their_fault(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n1,2,3,,\n", encoding="utf-8")
    _, rows, (batch,) = rows_of(path)
    assert [row[0] for row in rows] == ["1", "4", "6", "", "1"]
    assert {n: code for n, (code, _) in batch.problems.items()} == {1: "wrong-cells", 2: "wrong-cells", 3: "empty-row"}


def test_headings_get_names_of_their_own(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,a, b ,\n1,2,3,4\n", encoding="utf-8")
    source = open_table(path)
    assert source.headings == ["a", "a_2", "b", "column_4"]
    assert len(source.told) == 2


def test_excel_keeps_types_and_what_is_shown(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["时间", "PM2.5", "TP", "号"])
    eight, nine = datetime.fromisoformat("2026-03-01 08:00"), datetime.fromisoformat("2026-03-01 09:00")
    sheet.append([eight, 35, 0.1 + 0.2, "001"])
    sheet.append([nine, 36, "<0.01", "002"])
    book.create_sheet("另一张").append(["x"])
    book.save(path)
    source, rows, _ = rows_of(path)
    assert [str(kind) for kind in source.types] == ["timestamp[s]", "int64", "string", "string"]
    assert rows == [[eight, 35, "0.3", "001"], [nine, 36, "<0.01", "002"]]
    assert "--sheet" in source.told[0]
    assert open_table(path, sheet="另一张").headings == ["x"]
    with pytest.raises(BadInput, match="has no sheet '无'"):
        open_table(path, sheet="无")


@pytest.mark.parametrize("name", ["a.xls", "a.doc", "a"])
def test_unknown_kinds_say_what_is_read(tmp_path, name):
    with pytest.raises(BadInput, match="are not read"):
        open_table(tmp_path / name)


def test_a_broken_file_is_one_sentence(tmp_path):
    for name in ("a.xlsx", "a.parquet"):
        (tmp_path / name).write_bytes(b"not a table")
        with pytest.raises(BadInput, match="that can be read"):
            open_table(tmp_path / name)


def columns():
    return [
        pa.array(["甲,乙", 'say "x"', None]), pa.array([1, None, 3]), pa.array([0.1, float("nan"), 2.0]),
        pa.array([date(2026, 3, 1), None, None]), pa.array(["0.10", "<0.01", "7"]),
    ]  # fmt: skip


SCHEMA = pa.schema([("s", pa.string()), ("i", pa.int64()), ("f", pa.float64()), ("d", pa.date32()), ("v", pa.string())])


@pytest.mark.parametrize("name", ["o.csv", "o.xlsx", "o.parquet"])
def test_what_is_written_is_read_back(tmp_path, name):
    path = tmp_path / name
    with open_sink(path, SCHEMA, numbers=frozenset({"v"})) as sink:
        sink.write(columns())
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == [name]
    source, rows, _ = rows_of(path)
    assert source.headings == ["s", "i", "f", "d", "v"]
    assert [row[0] or None for row in rows] == ["甲,乙", 'say "x"', None]
    if name.endswith("csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert rows[0] == ["甲,乙", "1", "0.1", "2026-03-01", "0.10"]
        assert rows[1] == ['say "x"', "", "", "", "<0.01"]
    if name.endswith("parquet"):
        assert pq.read_schema(path).equals(SCHEMA)
    if name.endswith("xlsx"):  # a figure that came as text is a number in Excel, shown with its places
        cell = openpyxl.load_workbook(path).active["E2"]
        assert (cell.value, cell.number_format) == (0.1, "0.00")
        assert rows[1][4] == "<0.01"


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fail():
        with open_sink(tmp_path / "o.csv", SCHEMA) as sink:
            sink.write(columns())
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_csv_without_the_mark(tmp_path):
    with open_sink(tmp_path / "o.csv", SCHEMA, bom=False) as sink:
        sink.write(columns())
    with (tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["s", "i", "f", "d", "v"]
