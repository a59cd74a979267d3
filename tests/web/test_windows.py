"""The windows' route on a live node: answers, files, refusals, and quick for a month of hours."""

import csv
import io
import time

from web_rows import HOURS, ROWS, this_hour

OUTLET = next(id for type_id, id, data in ROWS if type_id == "site" and data["kind"] == "water_outlet")


def ask(page, **query):
    answer = page.get(f"/api/sites/{OUTLET}/windows", params={"factor": "cod_cr", **query})
    assert answer.status_code == 200, answer.text
    return answer


def test_windows_of_an_outlet(page):
    told = ask(page, period="hour").json()
    assert told["count"] >= HOURS - 1
    (rule,) = told["rules"].values()
    assert (told["time_zone"], told["label"], rule["clause"]) == ("Asia/Shanghai", "begin", "HJ 212：设备上报的小时值")
    one = told["items"][0]
    assert (one["status"], one["due"], one["coverage"], one["end"] - one["begin"]) == ("valid", 1, "1.0000", 3600)
    later = ask(page, period="hour", label="end").json()["items"][0]
    assert later["time"] == one["end"]
    day = ask(page, period="day").json()
    assert all(r["standard"] == "HJ 356-2019" for r in day["rules"].values())


def test_the_csv_states_what_it_is(page):
    text = ask(page, period="day", format="csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert all(row["label"] == "begin" and row["time_zone"] == "Asia/Shanghai" and row["clause"] for row in rows)
    assert rows[0]["time"].endswith("00:00:00+08:00")


def test_wrong_questions_are_told(page, stranger):
    for query in ({"period": "week"}, {"label": "middle"}, {"from": 5, "to": 5}, {"stat": "MODE"}, {"source": "x"}):
        answer = page.get(f"/api/sites/{OUTLET}/windows", params={"factor": "cod_cr", **query})
        assert answer.status_code == 422, query
        assert answer.json()["error"]["hint"]
    assert page.get("/api/sites/nowhere/windows", params={"factor": "cod_cr"}).status_code == 404
    assert stranger.get(f"/api/sites/{OUTLET}/windows", params={"factor": "cod_cr"}).status_code == 401


def test_a_month_of_hours_is_quick(page):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        ask(page, period="hour", **{"from": this_hour() - 31 * 86400, "to": this_hour()})
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1


def test_a_long_curve_of_hours_comes_as_days(page):
    query = {"factor": "cod_cr", "windows": "auto", "from": this_hour() - 200 * 86400, "to": this_hour()}
    told = page.get(f"/api/sites/{OUTLET}/series", params=query).json()
    assert told["windows"]["period"] == "DAY"
    assert (told["from"], told["series"]) == (query["from"], None)
    assert told["points"]
    short = page.get(f"/api/sites/{OUTLET}/series", params=query | {"from": this_hour() - 20 * 86400}).json()
    assert "windows" not in short
    assert short["points"]
