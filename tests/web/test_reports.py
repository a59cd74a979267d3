"""Reports over HTTP: a real node, a real file, its name and type; templates go up and come back filled."""

from __future__ import annotations

import io
import threading
import time
from urllib.parse import unquote

import docx
import openpyxl
import pytest

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def template(*paragraphs):
    document = docx.Document()
    for one in paragraphs:
        document.add_paragraph(one)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("format", "kind"), [("docx", WORD), ("xlsx", EXCEL)])
def test_a_report_has_its_type_and_name(page, format, kind):
    answer = page.get(f"/api/reports/water?format={format}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"
    named = answer.headers["content-disposition"]
    assert named.startswith('attachment; filename="')
    at = page.get("/api/periods/water").json()["period"]["at"]
    assert unquote(named.partition("filename*=UTF-8''")[2]) == f"示范区地表水环境质量月报{at}.{format}"
    assert answer.content.startswith(b"PK")


def test_the_report_says_what_the_periods_say_and_the_same_twice(page):
    told = page.get("/api/periods/water?period=year").json()
    asked = "/api/reports/water?period=year&compiled=2026-12-01"
    first = page.get(asked).content
    assert first == page.get(asked).content
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(first)).paragraphs)
    assert "2026年12月1日" in text
    assert told["edition"]["zh"] in text
    book = openpyxl.load_workbook(io.BytesIO(page.get(asked + "&format=xlsx").content))
    names = {cell.value for row in book["断面"].iter_rows() for cell in row}
    assert {one["name"] for one in told["rows"]} <= names


def test_a_template_comes_back_filled(page):
    fields = page.get("/api/reports/water/fields").json()
    body = template("{{标题}} {{期间}}", "{{表:sections}}")
    answer = page.post("/api/reports/water/filled", content=body, headers={"content-type": WORD})
    assert answer.status_code == 200, answer.text
    document = docx.Document(io.BytesIO(answer.content))
    assert document.paragraphs[0].text == f"{fields['标题']} {fields['期间']}"
    assert document.tables[0].rows[1].cells[2].text == "北碚断面"


def test_wrong_questions_are_answered_in_words(page, stranger):
    assert stranger.get("/api/reports/water").status_code == 401
    for path in ("/api/reports/soil", "/api/reports/water?format=pdf", "/api/reports/water?lang=fr",
                 "/api/reports/water?at=2026-13", "/api/reports/water?scope=river:无此河"):  # fmt: skip
        answer = page.get(path)
        assert answer.status_code == 422, path
        assert answer.json()["error"]["message"]
    refused = page.post("/api/reports/water/filled", content=template("{{没有}}"), headers={"content-type": WORD})
    assert refused.status_code == 422
    assert "{{没有}}" in refused.json()["error"]["message"]
    assert page.post("/api/reports/water/filled", content=b"x", headers={"content-type": WORD}).status_code == 422


def test_the_loop_goes_on_while_a_report_is_made(live, page, entry):
    """Health is asked again and again beside reports; it never waits as long as one report takes."""
    waits, stop = [], threading.Event()

    def knock():
        client = live.client(log_in=False)
        while not stop.is_set():
            began = time.monotonic()
            assert client.get("/api/health").status_code == 200
            waits.append(time.monotonic() - began)
        client.close()

    beside = threading.Thread(target=knock)
    beside.start()
    try:
        for _ in range(3):
            assert page.get("/api/reports/water").status_code == 200
    finally:
        stop.set()
        beside.join(30)
    assert len(waits) > 10
