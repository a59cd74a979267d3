"""The order of work of a day: flag → validity → mean → oxygen → mark → exceedance → amount → rates (rules §7.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from jinyun.domains.emission.marking import Mark
from jinyun.domains.emission.standards import limits_of
from jinyun.domains.emission.validity import Sample
from jinyun.domains.emission.workday import work_day
from jinyun.kernel.terms import CHINA, Flag, Status, instant

DAY, D = date(2026, 3, 1), Decimal
START = instant(datetime(2026, 3, 1, tzinfo=CHINA))
LIMITS = limits_of("GB 13271-2014", group="coal", stage="new", on=DAY)  # NOx 300 at 9 % O2


def minutes(change=None, *, hours=range(24)):
    """A steady day: NOx 200 at 9 % O2, 10 m3/s; `change` hour -> (value, flag, minutes of it)."""
    nox, oxygen, flow = {}, {}, {}
    for hour in hours:
        value, flag, count = (change or {}).get(hour, (200, Flag.NORMAL, 60))
        for minute in range(60):
            at = START + hour * 3600 + minute * 60
            changed = minute < count
            nox[at] = Sample(D(value if changed else 200), flag if changed else Flag.NORMAL)
            oxygen[at], flow[at] = Sample(D(9)), Sample(D(10))
    return {"stack_nox": nox, "o2": oxygen, "gas_flow": flow}


def walk(samples, **more):
    return work_day("乙厂锅炉", "stack_nox", samples, LIMITS, day=DAY, **more)


def test_a_steady_day():
    day = walk(minutes())
    assert (day.status, day.exceeded) == (Status.ATTAINS, ())
    # 200 mg/m3 × 36000 m3/h × 24 h
    assert (day.amounts.measured, day.amounts.filled) == (D("172.8"), 0)
    assert (day.transmission.exact, day.valid.exact, day.effective.exact) == (100, 100, 100)
    assert day.hours[3].flags == {"正常": 60}
    assert day.hours[3].verdict.items[0].reason.startswith("由实测200、含氧量9%折算到9%")


def test_one_hour_above_is_an_exceedance_and_the_mean_of_the_day_does_not_hide_it():
    day = walk(minutes({7: (301, Flag.NORMAL, 60)}))
    assert (day.status, day.exceeded) == (Status.EXCEEDS, (START + 7 * 3600,))
    assert walk(minutes({7: (300, Flag.NORMAL, 60)})).status is Status.ATTAINS


def test_calibration_minutes_are_left_out_and_too_many_lose_the_hour():
    """15 minutes of calibration at 900 leave 45 valid: the hour stands; 16 do not."""
    good, lost = walk(minutes({7: (900, Flag.CALIBRATION, 15)})), walk(minutes({7: (900, Flag.CALIBRATION, 16)}))
    assert (good.hours[7].mean.value, good.hours[7].state, good.status) == (200, "valid", Status.ATTAINS)
    assert (lost.hours[7].mean.value, lost.hours[7].state, lost.hours[7].verdict) == (None, "invalid", None)
    assert "不足45个" in lost.hours[7].why
    # The lost hour's amount is the highest of those before it; its concentration stays missing and unjudged.
    assert (lost.amounts.measured, lost.amounts.filled) == (D("165.6"), D("7.2"))
    assert (lost.transmission.exact, lost.valid.value) == (100, D("98.89"))  # (1440 - 16) / 1440


def test_a_fault_fills_the_amount_but_never_an_exceedance():
    samples = minutes({5: (290, Flag.NORMAL, 60), 7: (9999, Flag.FAULT, 60), 8: (9999, Flag.FAULT, 60)})
    day = walk(samples)
    assert day.status is Status.ATTAINS
    assert day.amounts.filled == 2 * D("10.44")  # 290 mg/m3 × 36000 m3/h, of hour 5
    assert {part.taken_from for part in day.amounts.parts if part.filled} == {START + 5 * 3600}


def test_a_cold_start_is_not_judged_but_emits():
    mark = Mark("1", "o", "boiler", "boiler_cold_start", START + 6 * 3600, START + 12 * 3600, "王工", START + 50000,
                "冷态启动", ("DCS",))  # fmt: skip
    samples = minutes(dict.fromkeys(range(6, 11), (400, Flag.NORMAL, 60)))
    assert walk(samples).exceeded == tuple(START + hour * 3600 for hour in range(6, 11))
    marked = walk(samples, marks=[mark])
    assert marked.exceeded == (START + 10 * 3600,)  # the fifth hour is past the four allowed
    assert marked.amounts.total == walk(samples).amounts.total
    late = replace(mark, at=START + 86400 + 43260)
    assert walk(samples, marks=[late]).exceeded == walk(samples).exceeded


def test_oxygen_near_air_is_flagged_not_converted():
    samples = minutes()
    samples["o2"] = {at: Sample(D("20.5")) for at in samples["o2"]}
    day = walk(samples)
    assert day.status is Status.CANNOT_JUDGE
    assert "不折算" in day.hours[0].why
    assert day.amounts.measured == D("172.8")  # the amount is of the measured value


def test_a_stopped_plant_is_not_due_and_a_stopped_instrument_is():
    still = minutes(dict.fromkeys(range(8), (0, Flag.SOURCE_STOPPED, 60)))
    day = walk(still)
    assert (day.amounts.total, day.transmission.due, day.hours[0].state) == (D("115.2"), 16 * 60, "stopped")
    told = walk(minutes(hours=range(8, 24)), stopped={START + hour * 3600 for hour in range(8)})
    assert (told.transmission.exact, told.amounts.total) == (100, D("115.2"))
    dead = walk(minutes(dict.fromkeys(range(8, 10), (0, Flag.STOPPED, 60))))
    assert (dead.hours[8].state, dead.amounts.filled) == ("invalid", D("14.4"))


def test_missing_minutes_lower_the_transmission_rate():
    samples = minutes()
    for at in [at for at in samples["stack_nox"] if at < START + 6 * 3600]:
        del samples["stack_nox"][at]
    day = walk(samples, capture=D(95), history=())
    assert (day.transmission.exact, day.valid.exact, day.effective.exact) == (75, 100, 75)
    assert day.amounts.open == 6  # nothing before them to take an amount from


def test_the_day_in_words():
    day = walk(minutes({7: (301, Flag.NORMAL, 60), 9: (0, Flag.FAULT, 60)}))
    lines, english = day.lines(), day.lines(english=True)
    assert len(lines) == 28
    assert lines[7].startswith("07 60/60 301 → 301.0 超标")
    assert lines[9].startswith("09 0/60 — → — 有效数据0个")
    assert english[7].startswith("07 60/60 301 → 301.0 exceeds")
    assert "传输有效率＝传输率×有效率" in lines[-1]
