"""One day under three editions: sent by socket, judged by the node, judged again as if another year's limits held."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from days import days_from, start_of
from live import Live, register

from jinyun.cli.main import run
from jinyun.kernel.factors import factor
from jinyun.sense.hj212 import compose

MN = "AIR0000000000000000001AB"
PM25 = {date(2026, 2, 28): "62", date(2026, 3, 1): "62", date(2026, 3, 2): "55", date(2026, 3, 3): "40"}
OTHERS = {"so2": "9", "no2": "20", "co": "0.5", "o3": "60", "pm10": "40"}


def prepare(house) -> None:
    register(
        house,
        [
            ("site", "A1", {"name": "天生站", "kind": "air_station", "jurisdiction": "500109"}),
            ("device", MN, {"mn": MN, "site": "A1", "name": "天生站", "system": "22", "edition": "2017"}),
        ],
    )


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Iterator[Live]:
    """A node on 5 March 2026 that got four days of hours."""
    real = datetime.now(UTC).isoformat()
    one = Live(tmp_path_factory.mktemp("editions") / "var", prepare, clock=f"2026-03-05T10:00:00+08:00,{real},1")
    for day in days_from(date(2026, 2, 28), date(2026, 3, 4)):
        values = OTHERS | {"pm2_5": PM25[day]}
        for hour in range(24):
            items = [compose.item(factor(name).code, "N", Avg=text) for name, text in values.items()]
            one.send(MN, "2061", start_of(day, hour), items, st="22")
    one.settle()
    yield one
    one.close()


def days_of(node: Live) -> dict[date, dict]:
    with contextlib.closing(node.client()) as client:
        found = client.get("/api/sites/A1/verdicts?judge=air.aqi_day").json()["items"]
    return {datetime.fromtimestamp(one["window"]["start"] + 28800, UTC).date(): one for one in found}


def finished(client, id: str) -> dict:
    end = time.monotonic() + 240
    while (told := client.get(f"/api/editions/what-if/{id}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert told["state"] == "done", told
    return told


def test_the_same_62_is_good_one_day_and_over_the_limit_the_next(node):
    days = days_of(node)
    told = {day: (one["status"], one["level"], one["figure"], one["edition"]) for day, one in days.items()}
    assert told[date(2026, 2, 28)] == ("attains", 2, "84", "HJ 633-2012")
    assert told[date(2026, 3, 1)] == ("exceeds", 3, "102", "HJ 633-2026")
    assert told[date(2026, 3, 2)] == ("attains", 2, "90", "HJ 633-2026")
    assert told[date(2026, 3, 3)][0] == "attains"


def test_55_flips_under_the_limits_of_2031_and_nothing_is_stored(node):
    before = node.house.verdicts.newest_id()
    ask = {"as_on": "2031-01-01", "from": "2026-02-28", "to": "2026-03-03", "judges": ["air.aqi_day"]}
    with contextlib.closing(node.client()) as client:
        job = client.post("/api/editions/what-if", json=ask)
        assert job.status_code == 202, job.text
        told = finished(client, job.json()["id"])
        flat = client.get(f"/api/editions/what-if/{job.json()['id']}?format=csv").content.decode("utf-8-sig")
    assert (told["counts"]["judged"], told["counts"]["flips"], told["counts"]["edition_only"]) == (4, 2, 2)
    flips = {row["date"]: row for row in told["items"]}
    assert set(flips) == {"2026-02-28", "2026-03-02"}
    one = flips["2026-03-02"]
    assert (one["was"]["status"], one["would"]["status"], one["changed"]) == ("attains", "exceeds", ["status"])
    assert (one["was"]["figure"], one["would"]["figure"]) == ("90", "90")  # the index is as issued; the limit is final
    assert "最终" in one["would"]["clause"]
    assert one["verdict"] == days_of(node)[date(2026, 3, 2)]["id"]
    assert "天生站" in one["sentence_zh"]
    assert told["by_change"] == [
        {"from": "attains", "to": "exceeds", "zh": "达标 → 超标", "en": "attains → exceeds", "count": 2}
    ]
    assert [row["date"] for row in csv.DictReader(io.StringIO(flat))] == ["2026-02-28", "2026-03-02"]
    assert node.house.verdicts.newest_id() == before


def test_by_the_old_edition_the_first_of_march_would_have_been_good(node, tmp_path, capsys):
    out = tmp_path / "flips.csv"
    words = ["rejudge", "--as-on", "2025-12-31", "--from", "2026-02-28", "--to", "2026-03-03", "--judge", "air.aqi_day"]
    folder = ["--folder", str(node.house.settings.folder)]
    assert run([*words, *folder, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "4 judged" in told
    assert "exceeds -> attains: 1" in told
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))
    assert (row["date"], row["was_edition"], row["would_edition"]) == ("2026-03-01", "HJ 633-2026", "HJ 633-2012")
    assert run(["rejudge", "--from", "2026-03-01", "--to", "2026-03-02", *folder]) == 2
    assert "--as-on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "field"),
    [({"to": "2026-02-01"}, "to"), ({"judges": ["air.none"]}, "judges"), ({"from": "2020-01-01"}, "from")],
)
def test_a_range_that_does_not_fit_is_refused(node, change, field):
    ask = {"as_on": "2031-01-01", "from": "2026-02-28", "to": "2026-03-03"} | change
    with contextlib.closing(node.client()) as client:
        answer = client.post("/api/editions/what-if", json=ask)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


def test_months_across_the_change_are_compared_in_one_edition(node, capsys):
    folder = ["--folder", str(node.house.settings.folder)]
    assert run(["periods", "air", "--scope", "site:A1", "--month", "2026-03", "--json", *folder]) == 0
    told = json.loads(capsys.readouterr().out)
    figures = {one["id"]: one for one in told["figures"]}
    assert figures["good_days"]["figure"] == "2"  # of three days in March
    assert (
        run(
            [
                "periods",
                "air",
                "--scope",
                "site:A1",
                "--month",
                "2026-02",
                "--edition-on",
                "2026-03-01",
                "--json",
                *folder,
            ]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert {one["id"]: one for one in told["figures"]}["good_days"]["figure"] == "0"
    assert run(["periods", "air", "--scope", "site:A1", "--month", "2026-03", "--days", *folder]) == 0
    assert str(days_of(node)[date(2026, 3, 2)]["id"]) in capsys.readouterr().out
    with contextlib.closing(node.client()) as client:
        first = client.get("/api/periods/air/days?scope=site:A1&period=month&at=2026-03").json()["items"][0]
        assert client.get(f"/api/verdicts/{first['verdict']}/why").json()["kind"] == "verdict"
        table = client.get("/api/periods/air?scope=site:A1&period=month&at=2026-03&format=csv").content
    assert table.startswith("\ufeff".encode())


def test_judged_again_for_real_after_the_zone_changed(node, capsys):
    """40 is good by level 2 and over the 35 of a class-1 area (GB 3095 level 1)."""
    record = node.house.records.get("site", "A1")
    from jinyun.kernel.ports import SYSTEM

    node.house.records.update("site", "A1", {"zone": "1"}, SYSTEM, version=record.version)
    node.house.judge.settle()
    assert days_of(node)[date(2026, 3, 3)]["status"] == "attains"  # a closed window stays as it was given
    codes: list[int] = []
    words = ["rejudge", "--store", "--from", "2026-03-03", "--to", "2026-03-03", "--judge", "air.aqi_day", "--all"]
    worker = threading.Thread(target=lambda: codes.append(run([*words, "--folder", str(node.house.settings.folder)])))
    worker.start()
    while worker.is_alive():
        node.house.judge.run(settled=False)  # this test's node judges only when asked
        worker.join(0.05)
    assert codes == [0], capsys.readouterr().err
    assert "1 differ, 1 flip" in capsys.readouterr().out
    assert days_of(node)[date(2026, 3, 3)]["status"] == "exceeds"
