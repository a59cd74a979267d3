"""`jinyun periods` and `jinyun rejudge` on a stopped node's files; the flow tests have them beside a running one."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from days import days_from, make_house, start_of, water_day

from jinyun.cli.main import run
from jinyun.kernel.ports import MICRO, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat

NOW = "2026-11-22T10:00:00+08:00"


@pytest.fixture
def folder(tmp_path) -> Path:
    house = make_house(tmp_path / "var", NOW, {"S1": {"kind": "water_section", "river": "缙溪", "target_class": 2}})
    house.verdicts.add(
        [water_day("S1", day, {"cod_mn": "5.0"}, level=3) for day in days_from(date(2026, 10, 1), date(2026, 11, 1))]
    )
    (ids,) = [house.readings.series_ids([SeriesKey("S1", "cod_mn", Stat.AVG, Period.HOUR)])]
    for hour in range(24):
        values = np.array([3 * MICRO], np.int64)
        house.readings.put(
            Block(start_of(date(2026, 10, 5), hour), ids, values, np.zeros(1, np.uint8), house.clock.now(),
                  Origin.LIVE, "M", "S1", None, period=Period.HOUR)
        )  # fmt: skip
    house.readings.flush()
    house.close()
    return tmp_path / "var"


def test_figures_of_a_stopped_node(folder, tmp_path, capsys):
    words = ["periods", "water", "--scope", "river:缙溪", "--month", "2026-10", "--folder", str(folder)]
    assert run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"][0]["level"], told["rows"][0]["target_met"]) == (3, False)
    out = tmp_path / "rows.csv"
    assert run([*words, "--out", str(out)]) == 0
    assert "31" in capsys.readouterr().out
    assert [row["site"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))) if row["site"]] == ["S1"]
    assert run([*words, "--days"]) == 0
    assert capsys.readouterr().out.count("2026-10-") == 31
    assert run(["periods", "scopes", "--folder", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["subjects"][0]["last"] == "2026-10-31"


def test_judging_again_finds_what_the_readings_say_now(folder, capsys):
    """The one day with readings is class II by them (3 mg/L), and so another than the III that was kept."""
    words = ["rejudge", "--as-on", "2026-01-01", "--from", "2026-10-01", "--to", "2026-10-31", "--folder", str(folder)]
    assert run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    flips = {one["date"]: one for one in told["items"]}
    assert flips["2026-10-05"]["would"]["figure"] == "2"
    assert flips["2026-10-05"]["edition_only"] is False  # by its own day's edition it would differ as well
    store = ["rejudge", "--store", "--from", "2026-10-05", "--to", "2026-10-05", "--folder", str(folder)]
    assert run(store) == 0
    assert "1 differ" in capsys.readouterr().out
    assert run(store) == 0
    assert "0 differ" in capsys.readouterr().out  # the same readings give the same verdict


@pytest.mark.parametrize(
    "words",
    [
        ["periods", "air", "--month", "2026-10"], ["periods", "water", "--month", "2026-10", "--year", "2026"],
        ["periods", "moon"], ["rejudge", "--from", "2026-10-01", "--to", "2026-10-02", "--as-on", "then"],
        ["rejudge", "--from", "2026-10-01", "--to", "2026-10-02"],
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_sentence(folder, words, capsys):
    assert run([*words, "--folder", str(folder)]) == 2
    assert capsys.readouterr().err.startswith("jinyun: ")
