"""`jinyun records template|import|export` beside a running node and on a stopped one: Excel and CSV."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest
from live import Live, register

from jinyun.app.accounts import Accounts
from jinyun.app.assemble import House
from jinyun.app.settings import Settings
from jinyun.cli.main import run
from jinyun.kernel.errors import Refused
from jinyun.store.records import SqlRecords

ROWS = [
    ("enterprise", "e1", {"name": "甲厂"}),
    ("site", "s1", {"name": "一号断面", "kind": "water_section", "target_class": 3,
                    "place": {"lon": "106.43", "lat": "29.82"}, "note": "=1+1"}),
]  # fmt: skip


@pytest.fixture(scope="module", params=["running", "stopped"])
def folder(request, tmp_path_factory):
    where = tmp_path_factory.mktemp("sheets") / "var"
    if request.param == "running":
        node = Live(where, lambda house: register(house, ROWS))
        yield where
        node.close()
        return
    house = House(Settings.load(where))
    try:
        register(house, ROWS)
        Accounts(house.kv).first_password()
    finally:
        house.close()
    yield where


@pytest.fixture
def say(folder, capsysbinary):
    def go(*words):
        code = run(["records", *map(str, words), "--folder", str(folder)])
        out = capsysbinary.readouterr()
        return code, out.out.decode(), out.err.decode()

    return go


def sheet_of(path):
    return [list(row) for row in openpyxl.load_workbook(path)["数据"].iter_rows(values_only=True)]


def write(path, rows, encoding="utf-8-sig"):
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def complaint(number, title="夜间施工", channel="12345 热线", **more):
    row = {"标题": title, "工单编号": number, "渠道": channel, "诉求类别": "投诉、举报", "污染类别": "噪声",
           "反映内容": "夜里打桩"}  # fmt: skip
    return row | more


def table(*rows):
    return [list(rows[0]), *([row.get(name) for name in rows[0]] for row in rows)]


def test_a_template_as_excel_says_what_each_column_takes_and_as_csv_has_the_headings(say, tmp_path):
    code, _, said = say("template", "complaint", "-o", tmp_path / "t.xlsx")
    assert (code, said.strip()) == (0, f"to {tmp_path / 't.xlsx'}")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    headings = [cell.value for cell in book["数据"][1]]
    assert headings[:3] == ["编号", "标题*", "工单编号"]
    assert "12345 = 12345 热线" in str([cell.value for row in book["填写说明"].iter_rows() for cell in row])
    assert say("template", "complaint", "-o", tmp_path / "t.csv")[0] == 0
    (row,) = csv.reader(io.StringIO((tmp_path / "t.csv").read_text("utf-8-sig")))
    assert row == headings
    code, _, said = say("template", "nonsense", "-o", tmp_path / "n.xlsx")
    assert code == 2
    assert "nonsense" in said


def test_a_dry_run_says_of_every_row_what_would_become_of_it_and_stores_nothing(say, tmp_path):
    file = write(tmp_path / "c.csv", table(complaint("D-1"), complaint("D-2", channel="鸽子"), complaint("D-1")))
    code, out, _ = say("import", "complaint", file, "--dry-run", "--refused", tmp_path / "r.xlsx")
    assert code == 0
    assert "'鸽子' is not one of" in out
    assert "row 2 is about the same record" in out
    assert "3 rows: 1 would be created, 0 changed, 0 the same, 2 refused" in out
    assert json.loads(say("list", "complaint", "--json", "-q", "D-1")[1]) == []
    refused = sheet_of(tmp_path / "r.xlsx")
    assert refused[0][-1] == "拒收原因"
    assert [row[1] for row in refused[1:]] == ["D-2", "D-1"]
    told = json.loads(say("import", "complaint", file, "--dry-run", "--json")[1])
    assert (told["stored"], told["new"], [one["row"] for one in told["rows"]]) == (False, 1, [3, 4, 2])


@pytest.mark.parametrize("kind", ["xlsx", "csv", "gb18030"])
def test_rows_are_stored_one_by_one_and_the_same_file_again_changes_nothing(say, tmp_path, kind):
    rows = table(complaint(f"{kind}-1"), complaint(f"{kind}-2", channel="鸽子"), complaint(f"{kind}-3"))
    file = tmp_path / f"c.{'xlsx' if kind == 'xlsx' else 'csv'}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(file)
    else:
        write(file, rows, "gb18030" if kind == "gb18030" else "utf-8-sig")
    code, out, _ = say("import", "complaint", file, "--strict")
    assert code == 1
    assert "3 rows: 2 created, 0 changed, 0 the same, 1 refused" in out
    assert "3 rows: 0 created, 0 changed, 2 the same, 1 refused" in say("import", "complaint", file)[1]
    changed = write(tmp_path / "d.csv", table(complaint(f"{kind}-1", title="昼间施工")))
    code, out, _ = say("import", "complaint", changed)
    assert (code, out.splitlines()[-1]) == (0, "1 rows: 0 created, 1 changed, 0 the same, 0 refused")
    found = json.loads(say("list", "complaint", "--json", "-q", "昼间施工")[1])
    assert f"{kind}-1" in [one["number"] for one in found]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_an_export_is_read_back_without_a_change(say, tmp_path, kind):
    file = tmp_path / f"sites.{kind}"
    assert say("export", "site", "-o", file)[0] == 0
    code, out, _ = say("import", "site", file, "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "1 rows: 0 would be created, 0 changed, 1 the same, 0 refused")


def test_an_export_takes_filters_and_columns(say, tmp_path):
    file = tmp_path / "s.xlsx"
    assert say("export", "site", "-o", file, "--where", "kind=air_station")[0] == 0
    assert len(sheet_of(file)) == 1
    assert say("export", "site", "-o", file, "--search", "一号", "--columns", "name,kind")[0] == 0
    assert [row[1] for row in sheet_of(file)] == ["点位名称*", "一号断面"]
    rows = list(csv.DictReader(io.StringIO(say("export", "site", "--where", "kind=water_section")[1].lstrip("\ufeff"))))
    assert [one["id"] for one in rows] == ["s1"]


def test_a_row_that_is_refused_as_late_as_stored_is_in_the_file_of_the_refused(say, tmp_path, monkeypatch, request):
    if request.node.callspec.params["folder"] == "running":
        pytest.skip("a running node reads the file anew")
    file = write(tmp_path / "c.csv", table(complaint("L-1"), complaint("L-2")))

    def put_many(self, type_id, rows, actor, real=SqlRecords.put_many):
        if any(data.get("number") == "L-2" for _, data in rows):
            raise Refused("somebody was faster")
        return real(self, type_id, rows, actor)

    monkeypatch.setattr(SqlRecords, "put_many", put_many)
    out = say("import", "complaint", file, "--refused", tmp_path / "r.csv")[1]
    assert "1 created, 0 changed, 0 the same, 1 refused" in out
    text = (tmp_path / "r.csv").read_text("utf-8-sig")
    assert "L-2" in text
    assert "somebody was faster" in text


def test_a_csv_of_cells_holds_no_formula(say, tmp_path):
    row = complaint("=1+1") | {"渠道": "@x", "反映内容": "-2+3+cmd|' /C calc'!A0"}
    file = write(tmp_path / "c.csv", table(row))
    assert say("import", "complaint", file, "--dry-run", "--refused", tmp_path / "r.csv")[0] == 0
    _, cells = csv.reader(io.StringIO((tmp_path / "r.csv").read_text("utf-8-sig")))
    assert {"'=1+1", "'@x", "'-2+3+cmd|' /C calc'!A0"} < set(cells)


def test_what_is_no_sheet_is_refused_in_words(say, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.csv").write_bytes(b"\x00\x01\x02")
    (tmp_path / "c.csv").write_text("一,二\n1,2\n")
    assert "give .xlsx or .csv" in say("import", "site", tmp_path / "a.txt")[2]
    assert say("import", "site", tmp_path / "none.csv")[0] == 2
    code, _, said = say("import", "site", tmp_path / "b.csv")
    assert code == 2
    assert said
    assert "no heading of the sheet is a field of site" in say("import", "site", tmp_path / "c.csv")[2]


def test_help_has_examples(capsys):
    for verb in ("template", "import", "export"):
        assert run(["records", verb, "--help"]) == 0
        assert f"jinyun records {verb}" in capsys.readouterr().out.replace("\n", " ").replace("  ", " ")
