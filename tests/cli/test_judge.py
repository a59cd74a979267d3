"""`jinyun judge` as a person runs it: exit codes, sentences, rejects, a run that is stopped."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jinyun.cli.main import run

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "tests/data/judge"
ENV = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def say(capsys, *words):
    code = run(["judge", *map(str, words)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_with_bad_rows_is_judged_and_summed_up(tmp_path, capsys):
    out, rejects = tmp_path / "o.csv", tmp_path / "r.csv"
    code, printed, complained = say(capsys, "air-day", TABLES / "air_days.csv", "--out", out, "--rejects", rejects)
    assert code == 0
    assert printed == ""
    assert "9 rows read: 6 judged (3 attain, 3 exceed), 1 cannot be judged, 2 rows with problems" in complained
    assert "pm2_5 = 'PM2.5(μg/m³)' [ug/m3]" in complained
    found = rows(out)
    assert list(found[0])[:8] == ["日期", "城市", "PM2.5(μg/m³)", "PM10(μg/m³)", "SO2", "NO2", "CO(mg/m³)", "O3_8h"]
    refused = rows(rejects)
    assert [(row["row"], row["reason"]) for row in refused] == [("8", "negative"), ("10", "bad-number")]
    assert refused[0]["PM2.5(μg/m³)"] == "-3"
    assert found[6]["judged_problem"] == refused[0]["sentence"]
    assert say(capsys, "air-day", TABLES / "air_days.csv", "--out", out, "--strict", "-q") == (1, "", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["air-day", "none.csv", "--out", "o.csv"], "there is no file none.csv"),
        (["air-day", TABLES / "soil.csv", "--out", "o.csv"], "no column of pollutants was recognised"),
        (["air-day", TABLES / "air_days.csv", "--out", "o.doc"], "are not read"),
        (["air-day", TABLES / "air_days.csv", "--out", "o.csv", "--date", "1.3.26"], "write it as 2026-03-01"),
        (["air-day", TABLES / "air_days.csv", "--out", "o.csv", "--map", "PM2.5=x"], "the file does not have"),
        (["air-day", TABLES / "air_days.csv", "--out", "nowhere/o.csv"], "there is no folder nowhere"),
        (["air-day", TABLES / "air_days.csv", "--out", "o.csv", "--grade", "level9"], "level1 or level2"),
        (["soil", TABLES / "soil.csv", "--out", "o.csv", "--standard", "x"], "gb36600"),
        (["soil", TABLES / "farmland.csv", "--out", "o.csv", "--standard", "gb15618", "--map", "地类=-"], "--land"),
        (["noise", TABLES / "noise_hours.csv", "--out", "o.csv", "--kind", "x"], "zone, area, road, boundary"),
        (["outlet", TABLES / "outlets.csv", "--out", "o.csv"], "--standard"),
        (["outlet", TABLES / "outlets.csv", "--out", "o.csv", "--standard", "GB18918", "--group", "x"], "grade_1a"),
        (["water-river", TABLES / "sections.csv", "--out", "o.csv", "--by", "week"], "month, quarter, year, all"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, capsys, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, _, complained = say(capsys, *words)
    assert code == 2
    assert says in complained
    assert complained.startswith("jinyun: ")
    assert "Traceback" not in complained
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_never_overwritten(tmp_path, capsys):
    source = tmp_path / "a.csv"
    source.write_bytes((TABLES / "air_days.csv").read_bytes())
    code, _, complained = say(capsys, "air-day", source, "--out", source)
    assert (code, "is the input itself" in complained) == (2, True)
    assert source.read_bytes() == (TABLES / "air_days.csv").read_bytes()


def test_every_verb_has_its_example(tmp_path, capsys):
    for words in (
        ["air-hour", "air_days.csv", "--hour-label", "start"], ["air-period", "air_days.csv", "--by", "year"],
        ["water-section", "sections.csv", "--sentences"], ["water-river", "sections.csv", "--group", "all"],
        ["groundwater", "wells.csv"], ["noise", "noise_hours.csv"],
        ["noise", "boundary.csv", "--kind", "boundary", "--date", "2026-03-01"],
        ["noise", "roads.csv", "--kind", "road", "--part", "day", "--date", "2026-03-01"],
        ["soil", "soil.csv", "--standard", "gb36600"], ["soil", "farmland.csv", "--standard", "gb15618"],
        ["outlet", "outlets.csv", "--standard", "GB 18918-2002", "--group", "grade_1a"],
    ):  # fmt: skip
        code, _, complained = say(capsys, words[0], TABLES / words[1], *words[2:], "--out", tmp_path / "o.csv")
        assert code == 0, complained
        assert any(name.startswith("judged_") for name in rows(tmp_path / "o.csv")[0])


@pytest.fixture(scope="module")
def long_table(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("time,station,so2,no2,co,o3,pm10,pm2_5\n")
        for n in range(200_000):
            file.write(f"2026-03-01 08:00,s{n % 997},{n % 60},{n % 90},0.{n % 10},{n % 170},{n % 140},{n % 80}\n")
    return path


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_no_half_file(tmp_path, long_table, how):
    out = tmp_path / "o.csv"
    words = [sys.executable, "-m", "jinyun", "judge", "air-hour", str(long_table), "--out", str(out), "--sentences"]
    process = subprocess.Popen(words, env=ENV, stderr=subprocess.PIPE, text=True)
    part = out.with_name("o.csv.part")
    try:
        until = time.monotonic() + 60
        while not part.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert part.exists(), "it never began to write"
        process.send_signal(how)
        _, complained = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode not in (0, 2)
    assert not out.exists()
    if how != signal.SIGKILL:
        assert not part.exists()
        assert "was not written" in complained


def test_a_long_run_tells_how_it_goes_without_a_terminal(tmp_path, capsys, long_table, monkeypatch):
    monkeypatch.setattr("jinyun.cli.judge.EVERY_S", 0.0)
    code, _, complained = say(capsys, "air-hour", long_table, "--out", tmp_path / "o.parquet")
    assert code == 0
    assert "rows/s, " in complained
    assert "s left" in complained
    assert "200000 rows read in" in complained


def test_help_is_quick_and_lists_the_verbs():
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "jinyun", "judge", "--help"], env=ENV, capture_output=True, text=True, check=True
    )
    after = os.times()
    for verb in ("air-hour", "air-day", "air-period", "water-section", "water-river", "groundwater", "noise", "soil"):
        assert verb in done.stdout
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 0.6  # 0.3 s on an idle machine; twice that when others compute
