"""From readings to one value: coverage, flags, non-detects, and which readings it names."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from handmade import NOON, Book, hour_at

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import Flag, Period, Stat
from jinyun.methods.measured import covered_minutes, hour_value, index
from jinyun.methods.statistics import mean, multiple, percentile, printed, round_fraction, weighted_mean

HOUR = hour_at(2026, 11, 22, 12)


def measured(book, *, least=45):
    return hour_value(index(book.rows), "cod_cr", HOUR, least_minutes=least)


@pytest.mark.parametrize(
    ("step", "valid", "minutes", "counts"),
    [(60, 45, 45, True), (60, 44, 44, False), (300, 9, 45, True), (300, 8, 40, False), (600, 5, 50, True),
     (600, 4, 40, False), (900, 3, 45, True), (900, 2, 30, False)],
)  # fmt: skip
def test_coverage_is_proportional_to_the_step(step, valid, minutes, counts):
    """One step per reading: of 10-minute data five of six are 50 valid minutes, four are 40."""
    book = Book()
    for n in range(3600 // step):
        book.add("cod_cr", 30, NOON + n * step, period=Period.MINUTE, flag=Flag.NORMAL if n < valid else Flag.FAULT)
    found = measured(book)
    assert found.minutes == minutes
    assert (found.value is not None) is counts
    if not counts:
        assert (found.why, found.refs) == ("few", ())


def test_a_sparse_series_cannot_prove_its_coverage():
    book = Book()
    for n in (0, 30):  # half-hourly values: each stands for itself only
        book.add("cod_cr", 30, NOON + n * 60, period=Period.MINUTE)
    assert measured(book).why == "few"
    assert covered_minutes([], [], HOUR, 45) == 0


def test_realtime_counts_distinct_minutes():
    book = Book()
    for n in range(0, 2700, 30):
        book.add("cod_cr", 30, NOON + n, period=Period.REALTIME, stat=Stat.RTD)
    found = measured(book)
    assert (found.basis, found.minutes, found.used) == ("realtime", 45, 90)


def test_a_devices_hour_goes_before_what_could_be_computed():
    book = Book()
    for n in range(60):
        book.add("cod_cr", 30, NOON + n * 60, period=Period.MINUTE)
    assert measured(book).basis == "minute"
    sent = book.add("cod_cr", 31)
    found = measured(book)
    assert (found.basis, found.value, found.refs[0].seq) == ("hour", 31, sent.seq)


def test_a_flagged_hour_is_not_replaced_by_its_minutes():
    """The device's word on the hour holds: its minutes are not a way round the flag."""
    book = Book()
    for n in range(60):
        book.add("cod_cr", 30, NOON + n * 60, period=Period.MINUTE)
    book.add("cod_cr", 31, flag=Flag.OVER_RANGE)
    assert measured(book).why == "flag"


def test_zero_missing_invalid_and_non_detect_are_four_things():
    zero, none, not_a_number, non_detect = Book(), Book(), Book(), Book()
    zero.add("cod_cr", 0)
    not_a_number.add("cod_cr", None, flag=Flag.NOT_A_NUMBER)
    non_detect.add("cod_cr", 4, flag=Flag.NON_DETECT)
    assert measured(zero).value == 0
    assert measured(none).why == "missing"
    assert measured(not_a_number).why == "flag"
    assert (measured(non_detect).value, measured(non_detect).non_detect) == (4, True)


def test_a_non_detect_counts_half_in_a_mean():
    book = Book()
    book.add("cod_cr", 4, NOON, period=Period.MINUTE, flag=Flag.NON_DETECT)
    book.add("cod_cr", 6, NOON + 60, period=Period.MINUTE)
    assert measured(book, least=0).value == 4


def test_means_are_exact_and_rounded_once():
    third = mean([Decimal(1), Decimal(1), Decimal(2)])
    assert third == Fraction(4, 3)
    assert str(round_fraction(third, 2)) == "1.33"
    assert str(round_fraction(Fraction(1, 8), 2)) == "0.12"  # half to even
    assert str(round_fraction(Fraction(3, 8), 2)) == "0.38"
    assert weighted_mean([Decimal(40), Decimal(60), Decimal(80)], [Decimal(100), Decimal(200), Decimal(100)]) == 60
    assert percentile([Decimal(n) for n in (50, 10, 40, 20, 30)], Decimal(90)) == 46
    assert str(multiple(Decimal("0.33"), Decimal("0.2"), 2)) == "0.65"
    for wrong in (
        lambda: mean([]),
        lambda: percentile([], Decimal(5)),
        lambda: weighted_mean([Decimal(1)], [Decimal(0)]),
    ):
        with pytest.raises(BadInput):
            wrong()


def test_printed_keeps_what_the_number_has():
    assert printed(Decimal("1.230000"), 1) == "1.23"
    assert printed(Decimal("52.000000"), 1) == "52.0"
    assert printed(Decimal("7"), 0) == "7"
