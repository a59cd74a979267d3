"""The domains' rules of windows: the figures are those of the standards' tables, the nearest row has the say."""

import os
import subprocess
import sys
from datetime import date

import pytest

from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.terms import SITE_KINDS, Stat
from jinyun.methods import window_rules
from jinyun.methods.windows import How, Level

PACKAGES = [f"jinyun.domains.{name}" for name in ("air", "water", "emission", "noise", "warehouse")]
BOOK = window_rules.load(PACKAGES)
DAY = date(2026, 4, 1)


def rule(kind, factor, level, base="", stat=Stat.AVG, day=DAY):
    return BOOK.find(kind, factor, stat, level, base=base, day=day)


def test_air_by_table_4():
    assert (rule("air_station", "so2", Level.HOUR, "minute").least, rule("air_station", "so2", Level.DAY).least) == (
        45,
        20,
    )
    month = rule("air_station", "pm2_5", Level.MONTH)
    assert (month.least, month.february, month.unit) == (27, 25, "day")
    year = rule("air_station", "pm2_5", Level.YEAR)
    assert (year.least, year.each_month, year.each_february) == (324, 27, 25)
    ozone = rule("air_station", "o3", Level.MAX_8H)
    assert (ozone.least, ozone.span_hours, ozone.how) == (14, 6, How.MAX_8H)
    assert rule("air_station", "so2", Level.MAX_8H) is None
    assert rule("air_station", "o3", Level.MONTH).built_from == "max_8h"
    lead = rule("air_station", "a20044", Level.QUARTER)
    assert (lead.least, lead.each_month, rule("air_station", "a20044", Level.DAY).least) == (15, 5, 24)
    assert rule("air_station", "tsp", Level.YEAR).least == 60
    assert (year.standard, rule("air_station", "so2", Level.YEAR, day=date(2026, 2, 28)).standard) == (
        "HJ 663-2026",
        "HJ 663-2013",
    )


def test_outlets_water_and_noise():
    assert [rule("stack_outlet", "stack_so2", one).least for one in (Level.DAY, Level.MONTH)] == [20, 25]
    assert rule("stack_outlet", "stack_so2", Level.MONTH).february == 23
    assert rule("stack_outlet", "stack_so2", Level.HOUR, "minute", Stat.ZS_AVG).least == 45
    day = rule("water_outlet", "cod_cr", Level.DAY)
    assert (day.how, day.test, day.least, day.drop_negative) == (How.FLOW_WEIGHTED, "share", 75, True)
    assert rule("water_outlet", "ph", Level.DAY).how is How.MEDIAN
    assert rule("water_outlet", "wastewater_flow", Level.DAY).how is How.MEAN
    assert [
        rule("water_section", "cod_mn", one).least for one in (Level.DAY, Level.MONTH, Level.QUARTER, Level.YEAR)
    ] == [1, 1, 2, 12]
    assert rule("water_section", "cod_mn", Level.YEAR).built_from == "month"
    assert (rule("noise_station", "leq", Level.HOUR, "minute").least, rule("noise_station", "leq", Level.LD).least) == (
        45,
        2,
    )
    assert rule("noise_station", "leq", Level.LN).least == 1
    assert rule("noise_station", "l10", Level.DAY) is None
    assert rule("noise_station", "leq", Level.YEAR) is None


def test_what_no_standard_names_has_the_houses_rule():
    assert rule("", "conductivity", Level.DAY).least == 75
    assert rule("water_outlet", "cod_cr", Level.DAY, stat=Stat.COU).how is How.SUM
    assert rule("air_station", "so2", Level.MONTH, stat=Stat.MAX).how is How.HIGH
    assert rule("air_station", "wind_direction", Level.DAY) is None
    assert rule("air_station", "wind_direction", Level.HOUR, "hour").how is How.MEAN  # the device's own
    assert rule("stack_outlet", "stack_so2", Level.DAY, day=date(2015, 1, 1)).standard == "project"
    assert rule("air_station", "so2", Level.DAY, stat=Stat.STATE) is None


@pytest.mark.parametrize("kind", ["", *SITE_KINDS])
def test_one_row_has_the_say_for_every_series(kind):
    """No two rows of the same rank contradict one another, on any day; every rule says its clause and source."""
    for entry in BOOK.entries:
        assert entry.rule.clause, entry
        assert entry.rule.verified, entry
        assert entry.factors <= set(factors()), entry
        assert entry.site_kinds <= set(SITE_KINDS), entry
    for factor in ("so2", "o3", "tsp", "ph", "cod_cr", "leq", "l10", "wind_direction", "wastewater_flow", "stack_so2"):
        for level in Level:
            for day in (date(2012, 1, 1), date(2020, 6, 1), DAY):
                fits = [
                    one for one in BOOK.entries
                    if one.rule.level is level and one.valid_from <= day <= one.valid_to and one.fits(
                        kind, factor, Stat.AVG)
                ]  # fmt: skip
                places = [(one.rank, one.rule.built_from) for one in fits]
                assert len(set(places)) == len(places), (kind, factor, level)


def test_a_wrong_row_is_named(monkeypatch):
    real = window_rules.csv_rows

    def planted(package, name):
        rows = real(package, name)
        return [{**rows[0], "code": "standard=HJ 663-2013;rule_code=min_data"}] if name == "windows.csv" else rows

    monkeypatch.setattr(window_rules, "csv_rows", planted)
    with pytest.raises(BadInput, match=r"windows\.csv line 2, hour: hj663_evaluation\.csv has \d+ rows"):
        window_rules.load(["jinyun.domains.air"])


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_digest_is_the_same_in_every_process(seed):
    """Sets have another order in each process; windows must not be made again for that."""
    words = f"from jinyun.methods import window_rules; print(window_rules.load({PACKAGES!r}).digest)"
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    said = subprocess.run([sys.executable, "-c", words], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == BOOK.digest
    assert window_rules.RuleBook(BOOK.entries[1:]).digest != BOOK.digest
