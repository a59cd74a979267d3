"""As of a moment: answers kept while they were live are the truth that the past is asked against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from corrected import HOUR, OFFICER, correct, open_house, send, settle, this_hour

from jinyun.app.then import HouseThen, parse_as_of
from jinyun.app.use_cases import UseCases
from jinyun.kernel.errors import BadInput, NotFound, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Period, Stat

ADMIN = Actor("root", ("admin", "officer"))
NOT_KEPT = frozenset({"changes", "steps", "as_of", "behind"})
"""What live pages say of the live page itself: news in memory, steps that may be taken now."""


def plain(told: Any) -> Any:
    """As a page would get it, without what is only of the present."""
    decoded = msgspec.json.decode(msgspec.json.encode(told))

    def clean(one: Any) -> Any:
        if isinstance(one, dict):
            again = {"computed_at"} if one.get("judge") == "emission.outlet_now" else set()  # nobody keeps these
            return {name: clean(value) for name, value in one.items() if name not in NOT_KEPT | again}
        return [clean(each) for each in one] if isinstance(one, list) else one

    return clean(decoded)


def answers(cases: UseCases, hours: tuple[int, int]) -> dict[str, Any]:
    """Everything a duty officer would look at."""
    asked: dict[str, Any] = {}

    def take(name: str, call: Any) -> None:
        try:
            asked[name] = plain(call())
        except NotFound:
            asked[name] = "not found"

    take("overview", lambda: msgspec.json.decode(msgspec.json.encode(cases.overview.snapshot())))
    take("sites", cases.sites.find)
    for state in ("open", "all"):
        take(f"alarms {state}", lambda state=state: cases.matters.alarms(ADMIN, state=state))
        take(f"cases {state}", lambda state=state: cases.matters.cases(ADMIN, state=state))
    for site in ("w", "b", "m", "later"):
        take(f"site {site}", lambda site=site: cases.sites.page(site, ADMIN))
    for site in ("w", "b"):
        take(f"verdicts {site}", lambda site=site: cases.sites.verdicts(site, start=hours[0], end=hours[1]))
    take("series", lambda: cases.sites.series("w", factor="cod_cr", start=hours[0], end=hours[1]))
    for period in ("hour", "day"):
        take(period, lambda period=period: cases.windows.figures(
            "w", factor="cod_cr", period=period, start=hours[0], end=hours[1]))  # fmt: skip
    take("catalogue", cases.catalogue.series)
    take("types", cases.registers.types)
    for type_id in ("site", "permit_limit", "alarm", "case", "correction"):
        take(type_id, lambda type_id=type_id: cases.registers.find(type_id, ADMIN))
    for one in cases.house.records.find("case"):
        take(f"case {one.id}", lambda one=one: cases.matters.case(one.id, ADMIN))
        take(f"why {one.id}", lambda one=one: cases.why.case(one.id))
    for one in cases.house.records.find("alarm"):
        take(f"alarm {one.id}", lambda one=one: cases.matters.alarm(one.id, ADMIN))
    return asked


class Story:
    """A house, and what it answered at each moment."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder
        self.house = open_house(folder)
        self.cases = UseCases(self.house)
        self.begin = this_hour(self.house) - 9 * HOUR
        self.hours = (self.begin, self.begin + 40 * HOUR)
        self.kept: list[tuple[str, int, dict[str, Any]]] = []

    def keep(self, what: str) -> None:
        """Settle, stop the clock, and keep what is answered now."""
        settle(self.house)
        self.house.windows.catch_up()
        self.house.sites.refresh()
        clock: Any = self.house.clock
        moment = clock.now()
        clock.now = lambda: moment
        try:
            fresh = UseCases(self.house)  # nothing kept from before
            fresh.catalogue.tally = self.cases.catalogue.tally
            fresh.catalogue.tally.refresh()
            self.kept.append((what, moment, answers(fresh, self.hours)))
        finally:
            del clock.now

    def hour(self, number: int, cod: str) -> None:
        at = self.begin + number * HOUR
        send(self.house, "w", Period.HOUR, [at], {"cod_cr": [cod], "nh3_n": ["1.5"]})

    def then(self, moment: int) -> UseCases:
        return self.cases.doors.then(self.cases.rights.reach(ADMIN), moment)


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Iterator[Story]:
    made = Story(tmp_path_factory.mktemp("then") / "var")
    try:
        tell(made)
        yield made
    finally:
        made.house.close()


def tell(story: Story) -> None:
    """A reading exceeds, an alarm, a case, what people did, a correction, sealed files, what was registered since."""
    house, records = story.house, story.house.records
    for number in range(4):
        story.hour(number, "20")
    send(house, "b", Period.HOUR, [story.begin], {"ph": ["7.5"], "do": ["6.5"], "cod_mn": ["3.1"], "nh3_n": ["0.4"]})
    story.keep("quiet")
    story.hour(4, "82")
    story.keep("exceeds: an alarm and a case")
    (case,) = records.find("case")
    story.cases.registers.step("case", case.id, "acknowledge", {}, OFFICER)
    story.keep("acknowledged")
    house.readings.seal()
    story.hour(5, "91")
    now = house.clock.now() // 1_000_000
    send(house, "w", Period.REALTIME, [now - 3], {"cod_cr": ["77"]}, stat=Stat.RTD)
    story.keep("worse, and at this moment too")
    records.update("site", "w", {"name": "改名后的排口"}, SYSTEM)
    records.update("permit_limit", "p", {"limit": "60"}, SYSTEM)
    records.create("site", {"name": "后来的点位", "kind": "water_section"}, SYSTEM, id="later")
    story.keep("renamed, another limit, another site")
    records.delete("site", "m", SYSTEM)
    for number in (6, 7, 8):
        story.hour(number, "30")
    story.keep("back within the limit")
    house.readings.seal()
    edits = [
        {"kind": "set", "site": "w", "factor": "cod_cr", "stat": "AVG", "period": "HOUR",
         "time": story.begin + number * HOUR, "value": "41"}
        for number in (4, 5)
    ]  # fmt: skip
    correct(story.cases.corrections, *edits)
    story.keep("corrected")
    story.hour(9, "25")
    house.readings.seal()
    story.keep("and on")


def unlike(was: Any, now: Any, where: str = "") -> list[str]:
    """Where two answers differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = sorted({*was, *now})
        return [one for name in names for one in unlike(was.get(name), now.get(name), f"{where}/{name}")]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [one for n, (a, b) in enumerate(zip(was, now, strict=True)) for one in unlike(a, b, f"{where}/{n}")]
    return [] if was == now else [f"{where}: was {str(was)[:160]}, told {str(now)[:160]}"]


def test_every_moment_is_answered_as_it_was_answered_then(story):
    wrong = []
    for what, moment, kept in story.kept:
        told = answers(story.then(moment), story.hours)
        wrong += [f"{what}{one}" for one in unlike(kept, told)]
    assert not wrong, "\n".join(wrong[:40])


def test_after_a_restart_too(story):
    story.house.close()
    story.house = open_house(story.folder)
    story.cases = UseCases(story.house)
    what, moment, kept = story.kept[3]
    told = answers(story.then(moment), story.hours)
    assert not unlike(kept, told), (what, unlike(kept, told)[:20])


def test_only_what_is_of_a_moment_answers_of_it(story):
    _, moment, _ = story.kept[2]
    then = story.then(moment)
    assert then.overview.snapshot()["as_of"] == then.house.as_of == moment
    with pytest.raises(BadInput, match="known only as it is now"):
        _ = then.house.rejects
    with pytest.raises(BadInput, match="answers of now only"):
        _ = then.corrections
    for wrong in (lambda: then.house.records.create("site", {"name": "x"}, SYSTEM), lambda: then.house.readings.put):
        with pytest.raises(Refused):
            wrong()
    with pytest.raises(NotFound):
        then.sites.page("nowhere", ADMIN)
    with pytest.raises(NotFound):
        then.sites.verdicts("nowhere")
    assert HouseThen(story.house, story.house.clock.now() + 10**12).as_of <= story.house.clock.now()


def test_the_first_moment_knew_nothing(story):
    then = story.then(1)
    assert then.sites.find() == then.overview.snapshot()["alarms"] == []
    assert then.catalogue.series()["total"] == 0
    assert then.registers.find("case", ADMIN)["total"] == 0
    assert then.sites.series("w", factor="cod_cr", start=0, end=story.hours[1])["points"] == []


def test_moments_in_three_forms():
    assert parse_as_of("") is None
    assert parse_as_of("1795276800") == parse_as_of("1795276800000000") == 1_795_276_800_000_000
    assert parse_as_of("2026-11-22T00:00") == 1_795_276_800_000_000
    assert parse_as_of("2026-11-22T00:00+00:00") == 1_795_276_800_000_000 + 8 * 3600 * 10**6
    for wrong in ("soon", "-5", "1.5"):
        with pytest.raises(BadInput):
            parse_as_of(wrong)
