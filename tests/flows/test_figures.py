"""42 sections × 12 months published; then 30 correction sessions, and the next release of the program, whose tables
hold another edition from 1 December on and which judges that month again. Every id prints again byte for byte, and the
report of differences names exactly these 31 causes.

The next release is a copy of the package with two tables changed, run as a process of its own: the honest way for an
edition to change, since editions are dated tables that come with the program.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import figure_year
import pytest
from days import days_from, start_of

import jinyun
from jinyun.app.services.corrections import Corrections
from jinyun.app.services.figures import Figures
from jinyun.app.services.periods import Periods
from jinyun.app.services.periods.spans import day_of
from jinyun.kernel.ports import Actor

OFFICER = Actor("张工", ("officer",))
SECTIONS, SESSIONS = 42, 30
SWITCH = date(2026, 12, 1)
NEXT = "GB 3838-2026（示例）"
VERIFIER = Path(__file__).parents[2] / "docs" / "verify_bundle.py"


@dataclass
class Story:
    """What was done, by the test's own book."""

    folder: Path
    printed: dict[str, str]  # figure -> as published
    sessions: dict[str, dict[str, Any]]  # session -> site, factor, time, old, new
    before: dict[str, Any]  # differences of December on its day


def edit_of(site: str, factor: str, at: int, value: str) -> dict[str, Any]:
    return {"kind": "set", "site": site, "factor": factor, "stat": "AVG", "period": "HOUR", "time": at, "value": value}


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    folder = tmp_path_factory.mktemp("figures") / "var"
    house = figure_year.open_house(folder)
    try:
        sites = figure_year.register(house, SECTIONS)
        sent = figure_year.fill(house, sites)
        figures = Figures(house)
        for month in range(1, 13):
            at = f"2026-{month:02d}"
            told = figures.publish("water", at=at, each_site=True, report=f"{at}月报", by=OFFICER)
            assert told["new"] == SECTIONS + 5
        assert figures.find(scope="all", at="2026-07")["total"] == 5
        asked = {one["id"]: one for one in Periods(house).figures("water", at="2026-07")["figures"]}
        for one in figures.find(scope="all", at="2026-07")["items"]:
            assert one["figure"] == asked[one["indicator"]]["figure"]
        printed = {one["id"]: one["printed"] for one in figures.find(limit=1000)["items"]}
        assert len(printed) == 12 * (SECTIONS + 5)
        before = figures.differences(at="2026-12")
        sessions = correct(house, sent)
        return Story(folder, printed, sessions, before)
    finally:
        house.close()


def correct(house: Any, sent: dict[tuple[str, int, str], Decimal]) -> dict[str, dict[str, Any]]:
    """30 corrections, one a section, some with effect on a class. Every third goes the whole way of a session;
    the others come as the frames that such a way ends in."""
    service, done = Corrections(house), {}
    for n in range(SESSIONS):
        site, month = figure_year.section(n + 1), n % 12 + 1
        at = start_of(date(2026, month, 3 + n % 20), figure_year.HOURS[0])
        factor, value = ("tp", "9") if n % 5 == 0 else ("nh3_n", f"0.{40 + n}")
        book = {"site": site, "factor": factor, "time": at, "old": sent[site, at, factor], "new": Decimal(value)}
        if n % 3:
            session = f"frame-{n}"
            figure_year.correct(
                house, site, day_of(at), factor, value, author=OFFICER.name, reason=f"比对监测{n}", session=session
            )
            done[session] = book
            continue
        given = {
            "title": f"第{n + 1}次更正", "reason": "other", "reason_text": f"比对监测{n}",
            "edits": [edit_of(site, factor, at, value)],
        }  # fmt: skip
        id = service.create(given, OFFICER)["id"]
        service.preview(id, OFFICER, wait=True)
        told = service.accept(id, OFFICER, wait=True)
        assert told["cascade"] == "done"
        done[id] = book
    house.judge.settle()
    return done


@pytest.fixture(scope="module")
def release(story, tmp_path_factory):
    """`run(verb, …)` of the next release, its standard output as bytes."""
    home = tmp_path_factory.mktemp("release")
    source = Path(jinyun.__file__).parent
    shutil.copytree(source, home / "jinyun", ignore=shutil.ignore_patterns("static", "__pycache__"))
    tables = home / "jinyun" / "domains" / "water" / "tables"
    change_edition(tables)

    def run(*words: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "jinyun", *words, "--folder", str(story.folder)],
            env={**os.environ, "PYTHONPATH": str(home), "JINYUN_TRACE": "1"}, capture_output=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout

    judge = "water.section_class_day"
    run("rejudge", "--from", SWITCH.isoformat(), "--to", "2026-12-31", "--store", "--judge", judge)
    return run


def change_edition(tables: Path) -> None:
    """Class II of ammonia becomes 0.25 mg/L (invented) by an edition in force from `SWITCH` on."""
    rows = list(csv.DictReader((tables / "gb3838_2002.csv").open(encoding="utf-8")))
    for row in rows:
        row["standard"] = NEXT
        if row["item_code"] == "nh3_n" and row["group"] == "class_2":
            row["value"] = "0.25"
    write(tables / "next.csv", rows)
    editions = list(csv.DictReader((tables / "editions.csv").open(encoding="utf-8")))
    old = next(row for row in editions if row["part"] == "limits")
    editions.insert(0, {**old, "standard": NEXT, "table": "next.csv", "valid_from": SWITCH.isoformat()})
    old["valid_to"] = "2026-11-30"
    write(tables / "editions.csv", editions)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def told(release) -> dict[str, Any]:
    return json.loads(release("figure", "diff", "--year", "2026", "--json"))


def test_on_the_day_itself_nothing_differs(story):
    told = story.before
    assert told["figures"] == SECTIONS + 5
    assert (told["problems"], told["differing"], told["causes"]) == ([], [], [])


def test_every_id_prints_again_byte_for_byte(story, told, release):
    assert told["figures"] == len(story.printed)
    assert told["problems"] == []  # each was worked out again from the stores, digests and bytes compared
    reached = [one["id"] for one in told["differing"]]
    for id in (reached[0], next(id for id in story.printed if id not in reached)):
        assert release("figure", "show", id).startswith(story.printed[id].encode())


def test_exactly_the_31_causes(story, told):
    causes = told["causes"]
    assert Counter(one["kind"] for one in causes) == {"correction": SESSIONS, "edition": 1}
    assert told["total"] == SESSIONS + 1
    by_session = {one["session"]: one for one in causes if one["kind"] == "correction"}
    assert by_session.keys() == story.sessions.keys()
    for id, done in story.sessions.items():
        (reading,) = by_session[id]["readings"]
        assert (reading["site"], reading["factor"], reading["time"]) == (done["site"], done["factor"], done["time"])
        assert Decimal(reading["old"]["value"]) == done["old"]
        assert Decimal(reading["new"]["value"]) == done["new"]
        assert by_session[id]["by"] == OFFICER.name
        assert "比对监测" in by_session[id]["reason"]


def test_a_correction_reaches_its_section_and_all_sections_of_that_month(story, told):
    titles = {one["session"]: one["figures"] for one in told["causes"] if one["kind"] == "correction"}
    for id, done in story.sessions.items():
        names = [story.printed[one].splitlines()[1] for one in titles[id]]
        assert sum(f"[site:{done['site']}]" in name for name in names) == 1
        assert sum("[all]" in name for name in names) == len(names) - 1 == 5


def test_the_change_of_edition_reaches_december_only_and_every_day_of_it(story, told):
    (edition,) = [one for one in told["causes"] if one["kind"] == "edition"]
    assert "GB 3838-2002" in edition["was"]
    assert NEXT in edition["now"]
    assert len(edition["figures"]) == SECTIONS + 5
    assert all("时段：2026年12月" in story.printed[id] for id in edition["figures"])
    days = len(days_from(SWITCH, figure_year.AFTER))
    assert len(edition["verdicts"]) == SECTIONS * days


def test_the_bundle_of_the_year_is_verified_by_the_independent_script(story, release, tmp_path):
    path = tmp_path / "2026.zip"
    said = release("figure", "bundle", "--year", "2026", "--out", str(path)).decode()
    key = said.rsplit("public key ", 1)[1].strip()
    assert (story.folder / "figures.key").stat().st_mode & 0o777 == 0o600
    done = subprocess.run([sys.executable, str(VERIFIER), str(path), key], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"all is well\n"), done.stdout.decode()
