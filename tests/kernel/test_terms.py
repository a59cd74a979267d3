"""Windows are cut in China civil time (UTC+8)."""

from datetime import UTC, datetime

import pytest

from jinyun.kernel.terms import CHINA, Period, ReadingRef, Status, Verdict, VerdictItem, china_time, instant, window_of


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("period", "moment", "start", "end"),
    [
        (Period.MINUTE, "2026-03-01T00:00:59+08:00", "2026-03-01T00:00:00+08:00", "2026-03-01T00:01:00+08:00"),
        (Period.HOUR, "2026-03-01T00:59:59+08:00", "2026-03-01T00:00:00+08:00", "2026-03-01T01:00:00+08:00"),
        (Period.DAY, "2026-02-28T16:00:00+00:00", "2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        (Period.DAY, "2026-02-28T15:59:59+00:00", "2026-02-28T00:00:00+08:00", "2026-03-01T00:00:00+08:00"),
        (Period.MONTH, "2028-02-29T23:59:59+08:00", "2028-02-01T00:00:00+08:00", "2028-03-01T00:00:00+08:00"),
        (Period.QUARTER, "2026-12-31T23:59:59+08:00", "2026-10-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"),
        (Period.QUARTER, "2026-01-01T00:00:00+08:00", "2026-01-01T00:00:00+08:00", "2026-04-01T00:00:00+08:00"),
        (Period.YEAR, "2026-12-31T23:59:59+08:00", "2026-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"),
        (Period.TEN_MINUTE, "1969-12-31T23:55:00+00:00", "1969-12-31T23:50:00+00:00", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_window(period, moment, start, end):
    window = window_of(period, at(moment))
    assert (window.start, window.end) == (at(start), at(end))


def test_naive_time_is_china_time():
    assert instant(datetime(2026, 3, 1, 8)) == int(datetime(2026, 3, 1, 0, tzinfo=UTC).timestamp())  # noqa: DTZ001
    assert china_time(0) == datetime(1970, 1, 1, 8, tzinfo=CHINA)


def test_evidence_names_each_reading_once():
    ref = ReadingRef(1, 100, 7)
    item = VerdictItem("cod_cr", "40", "mg/L", Status.ATTAINS, readings=(ref, ref))
    verdict = Verdict(
        judge="x",
        subject="s",
        window=window_of(Period.HOUR, 0),
        status=Status.ATTAINS,
        figure="40",
        unit="mg/L",
        limit="50",
        clause="",
        edition="",
        level=1,
        label_zh="",
        label_en="",
        deciding=(),
        items=(item, item),
        sentence_zh="",
        sentence_en="",
    )
    assert verdict.evidence() == (ref,)
