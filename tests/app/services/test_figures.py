"""Published figures: printed again as of their day, every kind of cause named and no other, nothing overwritten."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import figure_year
import pytest
from days import air_day, days_from, start_of
from sqlalchemy import update

from jinyun.app.services.corrections import Corrections
from jinyun.app.services.figures import Figures, NotReproduced
from jinyun.app.services.periods import Periods
from jinyun.app.services.registers import Registers
from jinyun.domains.warehouse.figures import definition_of
from jinyun.kernel.errors import BadInput, Conflict, NotFound, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Status
from jinyun.store.schema import publication

OFFICER = Actor("张工", ("officer",))
MAY, AFTER = date(2026, 5, 1), date(2026, 5, 13)
AT = "2026-05"


@pytest.fixture
def house(tmp_path):
    one = figure_year.open_house(tmp_path / "var")
    yield one
    one.close()


@pytest.fixture
def sites(house):
    """Three sections with twelve days of May, but not the tenth of the third."""
    ids = figure_year.register(house, 3)
    figure_year.fill(house, ids[:2], MAY, AFTER)
    for first, after in ((MAY, date(2026, 5, 10)), (date(2026, 5, 11), AFTER)):
        figure_year.fill(house, ids[2:], first, after)
    return ids


@pytest.fixture
def figures(house, sites):
    return Figures(house)


@pytest.fixture
def published(figures):
    """Figure ids by (scope, indicator)."""
    told = figures.publish("water", at=AT, each_site=True, report="五月月报", by=OFFICER)
    return {(one["scope"], one["indicator"]): one["id"] for one in told["items"]}


def kinds(figures, id):
    return Counter(one["kind"] for one in figures.show(id)["causes"])


def test_what_is_published_is_what_the_period_says(house, figures, published):
    assert len(published) == 5 + 3
    asked = Periods(house).figures("water", at=AT)
    for one in asked["figures"]:
        told = figures.show(published["all", one["id"]])
        assert (told["figure"], told["unit"] or "") == (one["figure"], one["unit"])
        assert told["edition"] == asked["edition"]["zh"]
        assert told["definition"].startswith(definition_of("water", one["id"]).zh)
        assert told["report"] == "五月月报"
        assert told["same"]
        assert told["causes"] == []
        assert told["passport"]["verdicts"] == asked["rests_on"]["verdicts"] == 12 + 12 + 11
    text = figures.reprint(published["all", "good_ratio"])
    assert "数值：100.0 %" in text.splitlines()
    assert text == figures.show(published["all", "good_ratio"])["printed"]


def test_publishing_again_what_stands_makes_nothing_new(figures, published):
    told = figures.publish("water", at=AT, each_site=True, by=OFFICER)
    assert told["new"] == 0
    assert {one["id"] for one in told["items"]} == set(published.values())


def test_nothing_to_publish_and_unknown_things_are_said(figures):
    with pytest.raises(BadInput, match="no day verdict"):
        figures.publish("water", at="2026-02", by=OFFICER)
    with pytest.raises(BadInput):
        figures.publish("soil", by=OFFICER)
    with pytest.raises(BadInput, match="is no day"):
        figures.publish("water", at=AT, edition_on="May", by=OFFICER)
    with pytest.raises(NotFound):
        figures.show("F000000000000")


def test_a_published_figure_cannot_be_changed_by_anybody(house, published):
    id = published["all", "good_ratio"]
    with pytest.raises(Refused, match="cannot be changed"):
        house.records.update("figure", id, {"figure": "99.9"}, SYSTEM)
    with pytest.raises(Refused, match="cannot be changed"):
        house.records.delete("figure", id, SYSTEM)
    with pytest.raises(Refused, match="cannot be changed"):
        house.records.put_many("figure", [(id, {"figure": "99.9"})], SYSTEM)
    registers = Registers(house)
    with pytest.raises(NotPermitted):
        registers.update("figure", id, {"figure": "99.9"}, Actor("boss", ("admin", "officer")))
    assert registers.declaration("figure")["editable"] is False


def test_a_correction_is_named_with_its_session_and_its_reading(house, figures, published):
    service, at = Corrections(house), start_of(date(2026, 5, 6), 8)
    edit = {"kind": "set", "site": "w01", "factor": "tp", "stat": "AVG", "period": "HOUR", "time": at, "value": "20"}
    given = {"title": "t", "reason": "other", "reason_text": "抄错", "edits": [edit]}
    id = service.create(given, OFFICER)["id"]
    service.preview(id, OFFICER, wait=True)
    service.accept(id, OFFICER, wait=True)
    told = figures.show(published["site:w01", "class"])
    (cause,) = told["causes"]
    assert (cause["kind"], cause["session"], cause["by"]) == ("correction", id, OFFICER.name)
    assert "抄错" in cause["reason"]
    (reading,) = cause["readings"]
    assert (reading["time"], reading["new"]["value"]) == (at, "20")
    assert Decimal(reading["old"]["value"]) < 1
    assert told["figure"] == "2"
    assert told["today"]["figure"] == "6"  # a mean of more than 0.4 mg/L
    assert told["today"]["lines"] == ["数值", "评价"]
    assert not told["same"]
    assert figures.show(published["site:w02", "class"])["causes"] == []
    assert kinds(figures, published["all", "good_ratio"]) == {"correction": 1}
    # withdrawn: what is printed is as before, both sessions are causes
    back = service.create({**given, "edits": [{"kind": "withdraw", "session": id}]}, OFFICER)["id"]
    service.preview(back, OFFICER, wait=True)
    service.accept(back, OFFICER, wait=True)
    told = figures.show(published["site:w01", "class"])
    assert told["same"]
    assert {one["session"] for one in told["causes"]} == {id, back}


def test_readings_marked_invalid_are_a_correction_too(house, figures, published):
    service, at = Corrections(house), start_of(date(2026, 5, 7), 8)
    edit = {"kind": "flag", "site": "w01", "factor": "tp", "stat": "AVG", "period": "HOUR", "time": at, "flag": "FAULT"}
    id = service.create({"title": "t", "reason": "fault", "reason_text": "故障", "edits": [edit]}, OFFICER)["id"]
    service.preview(id, OFFICER, wait=True)
    service.accept(id, OFFICER, wait=True)
    (cause,) = figures.show(published["site:w01", "class"])["causes"]
    assert (cause["kind"], cause["session"]) == ("correction", id)
    assert [one["new"]["flag"] for one in cause["readings"]] == ["FAULT"]


def test_late_data_and_data_sent_again_are_named_by_site(house, figures, published):
    tenth, sixth = date(2026, 5, 10), date(2026, 5, 6)
    values = {factor: Decimal(mean) for factor, (mean, _) in figure_year.FACTORS.items()}
    figure_year.put(house, "w03", start_of(tenth, 8), values)
    figure_year.touch(house, "w03", tenth)
    figure_year.put(house, "w02", start_of(sixth, 8), {"tp": Decimal("0.09")})
    figure_year.touch(house, "w02", sixth)
    house.judge.settle()
    told = figures.show(published["all", "good_ratio"])
    late, again = sorted(told["causes"], key=lambda one: one["kind"])
    assert (late["kind"], again["kind"]) == ("late", "resent")
    assert {one["site"] for one in late["readings"]} == {"w03"}
    assert len(late["readings"]) == len(values)
    assert [(one["site"], one["factor"], one["new"]["value"]) for one in again["readings"]] == [("w02", "tp", "0.09")]
    assert told["same"]
    assert not told["unchanged"]


def test_a_changed_target_is_a_cause_where_it_counts_and_a_note_never(house, figures, published):
    house.records.update("site", "w01", {"note": "新栈桥"}, OFFICER)
    assert figures.show(published["all", "target_ratio"])["unchanged"]
    house.records.update("site", "w01", {"target_class": 1}, OFFICER, note="水功能区调整")
    (cause,) = figures.show(published["all", "target_ratio"])["causes"]
    assert (cause["kind"], cause["by"], cause["reason"]) == ("record", OFFICER.name, "水功能区调整")
    assert (cause["was"]["target_class"], cause["now"]["target_class"]) == (3, 1)
    assert figures.show(published["site:w02", "class"])["unchanged"]
    assert kinds(figures, published["site:w01", "class"]) == {"record": 1}


def test_sites_that_come_and_go(house, figures, published):
    house.records.delete("site", "w02", OFFICER, note="撤站")
    new = {"name": "新断面", "kind": "water_section", "target_class": 3, "jurisdiction": "500109"}
    house.records.create("site", new, OFFICER, id="w09")
    figure_year.fill(house, ["w09"], MAY, AFTER)
    told = figures.show(published["all", "sections"])
    assert [(one["kind"], one["now"]) for one in told["causes"]] == [("site_added", "w09"), ("site_removed", "w02")]
    alone = figures.show(published["site:w02", "class"])
    assert alone["today"]["figure"] is None
    assert [one["kind"] for one in alone["causes"]] == ["site_removed"]


def test_a_period_that_was_not_over_goes_on(house, tmp_path):
    early = figure_year.open_house(tmp_path / "early", at="2026-05-15T12:00:00+08:00")
    try:
        ids = figure_year.register(early, 1)
        figure_year.fill(early, ids, MAY, date(2026, 5, 15))
        id = Figures(early).publish("water", at=AT, by=OFFICER)["items"][0]["id"]
    finally:
        early.close()
    (tmp_path / "early" / "jinyun.toml").unlink()
    later = figure_year.open_house(tmp_path / "early", at="2026-05-20T12:00:00+08:00")
    try:
        figure_year.fill(later, ids, date(2026, 5, 15), date(2026, 5, 20))
        told = Figures(later).show(id)
        assert "截至5月14日" in told["printed"]
        (cause,) = told["causes"]
        assert (cause["kind"], len(cause["verdicts"])) == ("period", 5)
    finally:
        later.close()


def test_what_gives_way_says_why_and_can_still_be_shown(house, figures, published):
    figure_year.correct(house, "w01", date(2026, 5, 6), "tp", "20", author="李", reason="比对")
    house.judge.settle()
    with pytest.raises(Conflict, match="say why they give way"):
        figures.publish("water", at=AT, by=OFFICER)
    told = figures.publish("water", at=AT, supersede="更正", by=OFFICER)
    assert (told["new"], told["superseded"]) == (5, 5)
    old = figures.show(published["all", "good_ratio"])
    assert (old["state"], old["reason"], old["printed"].count("100.0 %")) == ("superseded", "更正", 1)
    new = next(one for one in told["items"] if one["indicator"] == "good_ratio")
    assert (old["superseded_by"], new["figure"]) == (new["id"], "66.7")
    gone = figures.withdraw(new["id"], "报告撤回", OFFICER)
    assert (gone["state"], gone["reason"]) == ("withdrawn", "报告撤回")
    assert figures.show(new["id"])["same"]


def test_figures_that_rest_on_a_verdict_are_found(house, figures, published):
    (row,) = house.verdicts.briefs("water.section_class_day", ["w01"], start_of(MAY), start_of(date(2026, 5, 2)))
    found = figures.dependents_of([row.id])
    assert {one["id"] for one in found} == {id for (scope, _), id in published.items() if scope in ("all", "site:w01")}
    assert all(one["verdicts"] == [row.id] for one in found)
    assert figures.dependents_of([10**9]) == []


def test_a_store_that_was_tampered_with_does_not_reproduce(house, figures, published):
    import zstandard

    id = published["all", "good_ratio"]
    with house.database.begin() as connection:
        from sqlalchemy import select

        name = figures.show(id)["publication"]
        body = connection.execute(select(publication.c.body).where(publication.c.id == name)).scalar_one()
        text = zstandard.ZstdDecompressor().decompress(body).replace("数值：100.0 %".encode(), "数值：99.0 %".encode())
        forged = zstandard.ZstdCompressor().compress(text)
        connection.execute(update(publication).where(publication.c.id == name).values(body=forged))
    with pytest.raises(NotReproduced) as wrong:
        figures.show(id)
    assert wrong.value.details()["problems"] == {"good_ratio, printed text, passport": "数值"}


def test_a_verdict_that_was_changed_in_the_store_is_found(house, figures, published):
    from jinyun.store.schema import verdict

    (row,) = house.verdicts.briefs("water.section_class_day", ["w01"], start_of(MAY), start_of(date(2026, 5, 2)))
    good = house.verdicts.briefs("water.section_class_day", ["w02"], start_of(MAY), start_of(date(2026, 5, 2)))[0]
    with house.database.begin() as connection:
        from sqlalchemy import select

        body = connection.execute(select(verdict.c.body).where(verdict.c.id == good.id)).scalar_one()
        connection.execute(update(verdict).where(verdict.c.id == row.id).values(body=body))
    with pytest.raises(NotReproduced) as wrong:
        figures.show(published["site:w01", "class"])
    assert wrong.value.details()["problems"]["digest of verdict"] == str(row.id)


def test_air_by_day_verdicts(house):
    house.records.put_many("site", [("A", {"name": "A站", "kind": "air_station", "jurisdiction": "500109"})], SYSTEM)
    house.sites.refresh()
    values = {"so2": "8", "no2": "30", "co": "0.7", "o3": "60", "pm10": "40", "pm2_5": "20"}
    house.verdicts.add([air_day("A", day, values, status=Status.ATTAINS) for day in days_from(MAY, AFTER)])
    figures = Figures(house)
    asked = {one["id"]: one for one in Periods(house).figures("air", at=AT)["figures"]}
    with pytest.raises(BadInput):
        figures.publish("noise", at=AT, by=OFFICER)
    told = {one["indicator"]: one for one in figures.publish("air", at=AT, by=OFFICER)["items"]}
    assert told.keys() == asked.keys()
    assert figures.show(told["pm2_5.mean"]["id"])["figure"] == asked["pm2_5.mean"]["figure"]
    assert Decimal(told["pm2_5.mean"]["figure"]) == Decimal(values["pm2_5"])
    assert all(definition_of("air", id) for id in asked)
