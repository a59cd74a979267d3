"""Limit lines: the standards' own figures by the day of the data; equal complies; oxygen and pH turn the comparison."""

from datetime import date
from decimal import Decimal

import pytest

from jinyun.app.services.limits import SiteLimits, _air_lines, _target_lines
from jinyun.kernel.terms import Period, Stat


def at_hour(lines, factor):
    return {
        one.label_en.rsplit(", ", 1)[-1]: one.value for one in SiteLimits(lines).applying(factor, Stat.AVG, Period.HOUR)
    }


@pytest.mark.parametrize(
    ("target", "body", "factor", "printed"),
    # GB 3838-2002 table 1
    [(3, "river", "nh3_n", "1.0"), (2, "river", "nh3_n", "0.5"), (3, "river", "tp", "0.2"), (3, "lake", "tp", "0.05"),
     (2, "river", "cod_mn", "4"), (5, "river", "cod_cr", "40"), (0, "river", "nh3_n", "1.0")],
)  # fmt: skip
def test_lines_of_a_target_class(target, body, factor, printed):
    assert at_hour(_target_lines(target, body, date(2026, 11, 22)), factor) == {"limit": Decimal(printed)}


def test_oxygen_must_be_at_least_and_equal_complies():
    (line,) = SiteLimits(_target_lines(3, "river", date(2026, 11, 22))).applying("do", Stat.AVG, Period.HOUR)
    assert line.value == 5
    assert [line.exceeded(Decimal(value)) for value in ("4.9", "5", "5.1")] == [True, False, False]


def test_ph_shows_the_side_that_is_broken():
    limits = SiteLimits(_target_lines(3, "river", date(2026, 11, 22)))
    assert at_hour(limits.all, "ph") == {"upper limit": Decimal(9), "lower limit": Decimal(6)}

    def beside(value):
        return limits.limit_for("ph", Stat.AVG, Period.HOUR, Decimal(value)).text

    assert (beside("5.9"), beside("7.5"), beside("9.1")) == ("6", "9", "9")


def test_a_limit_is_shown_with_its_direction():
    limits = SiteLimits(_target_lines(3, "river", date(2026, 11, 22)))

    def shown(factor, value):
        return limits.shown(factor, Stat.AVG, Period.HOUR, None if value is None else Decimal(value))

    assert shown("do", "7.2") == shown("do", "3") == shown("do", None) == "≥5"
    assert shown("tp", "0.1") == "≤0.2"
    assert [shown("ph", value) for value in ("5.9", "7.5", "9.1", None)] == ["≥6", "6–9", "≤9", "6–9"]
    assert shown("conductivity", "400") is None


def test_air_lines_follow_the_edition_of_the_day():
    before = SiteLimits(_air_lines(date(2020, 6, 1)))
    assert at_hour(before.all, "so2") == {"hourly mean": Decimal(500)}  # GB 3095-2012 level 2
    (daily,) = before.applying("pm2_5", Stat.AVG, Period.DAY)
    assert (daily.value, daily.unit) == (Decimal(75), "ug/m3")
    assert "2012" in daily.clause
    assert "2026" in SiteLimits(_air_lines(date(2026, 6, 1))).applying("so2", Stat.AVG, Period.HOUR)[0].clause


def test_a_mean_is_limited_and_a_maximum_is_not():
    limits = SiteLimits(_target_lines(3, "river", date(2026, 11, 22)))
    assert limits.limit_for("nh3_n", Stat.MAX, Period.HOUR, Decimal(9)) is None


def test_a_day_before_any_edition_has_no_line():
    assert _target_lines(3, "river", date(1970, 1, 1)) == ()
