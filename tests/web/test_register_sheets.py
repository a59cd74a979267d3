"""Registers in and out as Excel files, read and written here by another library than the node's own."""

import io
from contextlib import closing

import openpyxl
import pytest
from live import QUIET_SITE, living
from web_rows import ROWS

from jinyun.app.rights.view import View
from jinyun.app.services.registers import Registers
from jinyun.kernel.ports import Actor

BASE = "/api/registers/quiet_site"
SITE = next((record, data["name"]) for type_id, record, data in ROWS if type_id == "site")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with living(tmp_path_factory.mktemp("sheets") / "var", ROWS, registers=[QUIET_SITE]) as live:
        yield live


@pytest.fixture(scope="module")
def page(node):
    with closing(node.client()) as client:
        yield client


def book(*rows):
    out = io.BytesIO()
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    opened = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in opened}


def send(page, data):
    made = page.post("/api/attachments", params={"name": "a.xlsx"}, content=data)
    assert made.status_code == 201, made.text
    return {"file": made.json()["id"]}


HEADINGS = ("编号", "名称*", "文号", "类型*", "监测点位*", "联系电话", "夜间实测值(dB(A))", "投入(万元)", "申报日期")


def sheet(*rows):
    return book(HEADINGS, *rows)


def counts(told):
    return tuple(told[name] for name in ("total", "new", "changed", "same", "refused"))


def test_the_template_says_what_to_fill_in(page):
    sheets = rows_of(page.get(f"{BASE}/template"))
    assert sheets["数据"][0] == [
        *HEADINGS, "承办单位",
    ]  # fmt: skip
    told = {row[1]: row for row in sheets["填写说明"]}
    assert told["kind"][3:5] == ["是", "home = 住宅工地\nschool = 学校工地\nhospital = 医院工地"]
    assert "形如 NX-001" in told["number"][5]
    assert "标识字段" in told["number"][5]


def test_rows_are_previewed_accepted_and_the_refused_come_back(page, node):
    data = sheet(
        ("", "甲", "NX-001", "住宅工地", SITE[1], 13800000000, 44.5, 1.25, "2026-03-01"),
        ("", "乙", "NX-002", "school", SITE[0], "", "", "", "2026/3/2"),
        ("", "丙", "NX-3", "公园", "没有的点位", "", 200, 1, "昨天"),
        ("", "", "NX-004", "住宅工地", SITE[0], "", "", "", ""),
        ("", "丁", "NX-001", "住宅工地", SITE[0], "", "", "", ""),
    )
    body = send(page, data)
    told = page.post(f"{BASE}/import", json=body).json()
    assert counts(told) == (5, 2, 0, 0, 3)
    assert node.house.records.count("quiet_site") == 0  # nothing is stored by looking
    by_row = {one["row"]: one for one in told["rows"]}
    assert set(by_row[4]["problems"]) == {"文号", "类型*", "监测点位*", "夜间实测值(dB(A))", "申报日期"}
    assert "'公园' is not one of" in by_row[4]["problems"]["类型*"]
    assert "no site '没有的点位'" in by_row[4]["problems"]["监测点位*"]
    assert "200 is above 140" in by_row[4]["problems"]["夜间实测值(dB(A))"]
    assert by_row[5]["problems"] == {"名称*": "required"}
    assert "row 2 is about the same" in by_row[6]["problems"]["文号"]

    done = page.post(f"{BASE}/import/accept", json=body).json()
    assert counts(done) == (5, 2, 0, 0, 3)
    (one,) = page.get("/api/records/quiet_site", params={"number": "NX-001"}).json()["items"]
    assert (one["site"], one["contact"], one["night_db"], one["cost"], one["since"]) == (
        SITE[0], "13800000000", "44.5", "1.25", "2026-03-01",
    )  # fmt: skip
    again = page.post(f"{BASE}/import/accept", json=body).json()
    assert (again["new"], again["changed"], again["same"]) == (0, 0, 2)
    assert page.get(f"/api/records/quiet_site/{one['id']}").json()["version"] == 1

    back = rows_of(page.get(f"{BASE}/import/refused", params=body))["数据"]
    assert back[0][-1] == "拒收原因"
    assert [row[1] for row in back[1:]] == ["丙", None, "丁"]
    assert "监测点位*：there is no site" in back[1][-1]


def test_an_export_is_read_back_as_the_same(page):
    page.post("/api/records/quiet_site", json={
        "name": "=1+1", "number": "NX-020", "kind": "home", "site": SITE[0], "night_db": "40.50", "cost": "3.00",
        "since": "2026-05-01", "contact": "001",
    })  # fmt: skip
    got = page.get(f"{BASE}/export", params={"q": "nx-020"})
    rows = rows_of(got)["数据"]
    assert len(rows) == 2
    assert (rows[1][1], rows[1][3], rows[1][5], rows[1][6]) == ("=1+1", "住宅工地", "001", 40.5)
    told = page.post(f"{BASE}/import", json=send(page, got.content)).json()
    assert counts(told) == (1, 0, 0, 1, 0)
    narrow = rows_of(page.get(f"{BASE}/export", params={"columns": "name,since", "q": "nx-020"}))["数据"]
    assert list(narrow[0]) == ["编号", "名称*", "申报日期"]


def test_what_is_out_of_reach_is_refused_already_by_looking(node, tmp_path):
    officer = Actor("li", ("officer",), jurisdictions=("500110",))
    rights = node.cases.rights
    view = View(node.house, rights, rights.reach(officer))
    file = tmp_path / "sites.xlsx"
    rows = (("编号", "name", "kind", "jurisdiction"), ("far", "远", "water_section", "500109"),
            ("near", "近", "water_section", "500110"), (SITE[0], "改", "water_section", "500110"))  # fmt: skip
    file.write_bytes(book(*rows))
    try:
        sheet = Registers(view).sheet_of("site", file, officer)
        told = sheet.preview()
        assert counts(told) == (3, 1, 0, 0, 2)
        assert "outside your jurisdiction" in told["rows"][0]["problems"]["编号"]
        assert counts(sheet.accept()) == counts(told)
    finally:
        view.close()
    assert node.house.records.find("site", {"id": ["far", "near"]})[0].id == "near"
    assert node.house.records.get("site", SITE[0]).data["name"] == SITE[1]


def test_what_no_cell_holds_is_left_alone_and_said(page):
    long, rows = "字" * 40_000, [HEADINGS, ("", "甲", "NX-3", "x", SITE[0], "字" * 32_767, "", "", "")]
    made = page.post("/api/records/quiet_site", json={
        "name": "长", "number": "NX-040", "kind": "home", "site": SITE[0], "contact": long,
    }).json()  # fmt: skip
    got = page.get(f"{BASE}/export", params={"q": "nx-040"})
    cells = rows_of(got)
    assert cells["数据"][1][5] == "(单元格放不下，原值不变)"
    assert any("单元格放不下，原值不变" in str(cell) for row in cells["填写说明"] for cell in row)
    told = page.post(f"{BASE}/import", json=send(page, got.content)).json()
    assert counts(told) == (1, 0, 0, 1, 0)
    assert page.get(f"/api/records/quiet_site/{made['id']}").json()["contact"] == long
    back = rows_of(page.get(f"{BASE}/import/refused", params=send(page, book(*rows))))["数据"]
    assert back[1][5] == rows[1][5]


def test_a_change_is_shown_before_and_after_and_an_empty_cell_leaves_things_alone(page):
    made = page.post("/api/records/quiet_site", json={
        "name": "旧名", "number": "NX-030", "kind": "home", "site": SITE[0], "contact": "1", "cost": "2.50",
    }).json()  # fmt: skip
    rows = [("文号", "名称", "类型", "联系电话", "投入", "多余"), ("NX-030", "新名", "", "(清空)", 2.5, "x")]
    body = send(page, book(*rows))
    told = page.post(f"{BASE}/import", json=body).json()
    assert counts(told) == (1, 0, 1, 0, 0)
    assert told["unknown"] == ["多余"]
    (row,) = told["rows"]
    assert [(one["field"], one["before"], one["after"]) for one in row["changes"]] == [
        ("name", "旧名", "新名"), ("contact", "1", None),
    ]  # fmt: skip
    page.post(f"{BASE}/import/accept", json=body)
    now = page.get(f"/api/records/quiet_site/{made['id']}").json()
    assert (now["name"], now["contact"], now["kind"], now["cost"], now["version"]) == ("新名", None, "home", "2.50", 2)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7", "no Excel workbook"),
        (book(("甲", "乙"), (1, 2)), "no heading of the sheet"),
        (book(("名称", "名称*"), (1, 2)), "two columns"),
        (book((None,), (1,)), "no headings"),
    ],
)
def test_a_file_that_is_no_table_of_this_register_is_said(page, data, says):
    answer = page.post(f"{BASE}/import", json=send(page, data))
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"]


def test_registers_that_only_the_house_fills_take_no_sheet(page):
    body = send(page, book(("标题",), ("a",)))
    assert page.post("/api/registers/case/import", json=body).status_code == 403


def test_views_are_kept_replaced_shared_and_dropped(page, node):
    saved = page.post(f"{BASE}/views", json={
        "name": "校园", "where": {"kind": "school"}, "columns": ["name", "since"], "order": "-since", "shared": True,
    }).json()  # fmt: skip
    assert page.post(f"{BASE}/views", json={"name": "校园", "q": "a"}).json()["id"] == saved["id"]
    assert [one["q"] for one in page.get(f"{BASE}/views").json()] == ["a"]
    wrong = page.post(f"{BASE}/views", json={"name": "x", "columns": ["colour"]})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "columns")
    views = node.cases.registers.views
    other, colleague = Actor("a", ("officer",), unit="二中队"), Actor("b", ("officer",), unit="二中队")
    mine = views.save("quiet_site", other, name="共享", shared=True)
    views.save("quiet_site", other, name="自用")
    assert [(one["name"], one["mine"]) for one in views.find("quiet_site", colleague)] == [("共享", False)]
    assert "共享" not in {one["name"] for one in page.get(f"{BASE}/views").json()}
    assert page.delete(f"{BASE}/views/{mine['id']}").status_code == 404
    assert page.delete(f"{BASE}/views/{saved['id']}").status_code == 204
    assert page.get(f"{BASE}/views").json() == []
