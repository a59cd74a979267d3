"""What a cell says: numbers, nothing, not detected, days."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest

from jinyun.app.judging.cells import Kind, NoDate, When, number, text_of, when


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.50", "1.50"), (" 12 ", "12"), ("５.２", "5.2"), ("0", "0"), ("1e-05", "0.00001"), (".5", "0.5"), ("+3", "3")],
)
def test_figures_are_decimals_of_their_text(text, value):
    cell = number(text)
    assert cell.kind is Kind.VALUE
    assert cell.value == Decimal(value)


@pytest.mark.parametrize("text", ["", "-", "—", "--", "NA", "null", "缺测", "NaN", " ", "/", "#N/A", "None", "停测"])
def test_nothing_is_missing_and_not_zero(text):
    assert number(text).kind is Kind.MISSING


@pytest.mark.parametrize(
    "text", ["<0.01", "＜0.01", "< 0.01", "0.01L", "ND(0.01)", "未检出（<0.01）", "≤0.01", "小于0.01"]
)
def test_a_non_detect_keeps_its_limit(text):
    assert number(text) == (Kind.NON_DETECT, Decimal("0.01"), None)


@pytest.mark.parametrize("text", ["ND", "未检出", "n.d.", "低于检出限"])
def test_a_bare_non_detect_has_no_limit(text):
    assert number(text) == (Kind.NON_DETECT, None, None)


@pytest.mark.parametrize(
    ("text", "code"),
    [("-3", "negative"), ("abc", "bad-number"), ("35 ug", "bad-number"), ("1,234", "bad-number"), ("1 2", "bad-number"),
     ("inf", "bad-number"), ("1e99", "bad-number"), ("1e-40", "bad-number"), ("三十", "bad-number")],
)  # fmt: skip
def test_what_is_no_figure_says_so(text, code):
    cell = number(text)
    assert cell.kind is Kind.BAD
    assert cell.problem is not None
    assert cell.problem[0] == code


def test_a_temperature_may_be_below_zero():
    assert number("-3", signed=True).value == Decimal(-3)


def test_a_binary_float_is_the_figure_that_was_typed():
    assert text_of(0.1) == "0.1"
    assert text_of(3.0) == "3"
    assert text_of(float("nan")) == ""
    assert str(np.float32(1.1)) == "1.1"  # what a column of 32-bit floats is read by


@pytest.mark.parametrize(
    "text",
    ["2026-03-01", "2026/3/1", "2026.3.1", "2026年3月1日", "20260301", date(2026, 3, 1), 20260301, "２０２６-03-01"],
)
def test_days_in_their_common_forms(text):
    assert when(text) == When(date(2026, 3, 1))


@pytest.mark.parametrize(
    "text",
    ["2026-03-01 08:00", "2026-03-01T08:00:00", "2026/3/1 8:00", "2026年3月1日8时", "2026030108", "20260301080000",
     "2026-03-01T00:00:00Z", "2026-03-01T08:00+08:00", datetime.fromisoformat("2026-03-01 08:00"),
     datetime(2026, 3, 1, tzinfo=UTC),
     datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=9)))],
)  # fmt: skip
def test_moments_are_china_time(text):
    assert when(text) == When(date(2026, 3, 1), 8 * 3600, "moment")


def test_the_end_of_a_day_and_a_month():
    assert when("2026-03-01 24:00") == When(date(2026, 3, 1), 86400, "moment")
    assert when("2026-03") == When(date(2026, 3, 1), None, "month")
    assert when("2026年3月") == When(date(2026, 3, 1), None, "month")
    assert when("") is None
    assert when("NaT") is None


@pytest.mark.parametrize("text", ["1.3.26", "2026-13-01", "2026-02-30", "yesterday", "2026-03-01 25:00", "45000"])
def test_what_is_no_day_says_what_would_work(text):
    with pytest.raises(NoDate, match="is no"):
        when(text)
