"""Random corrections on a year of minute data of 100 series: preview and acceptance, then everything computed again.

    PYTHONPATH=src python benchmarks/cascade.py [--days 365] [--edits 1000] [--folder DIR]

One node, not started: its stores, judges, act room and kept windows as in service. 17 sites have 100 series by the
minute; 14 of them also send hours, which their verdicts then rest on, at the other 3 hours are computed from the
minutes. Readings go straight into the store, are sealed and compacted. One frame holds a minute of all sites.
Kept windows of the year are not built beforehand (their own benchmark does that): a preview works them out, and
keeping them is not timed here. At the end every window of the year is judged again and held against what is stored.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from jinyun.app.assemble import House
from jinyun.app.services.corrections import Corrections
from jinyun.app.settings import Settings
from jinyun.judge.cascade import Cascade
from jinyun.judge.marks import Key
from jinyun.judge.overlay import Overlay
from jinyun.judge.reader import Reader
from jinyun.judge.substance import substance
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.ports import SYSTEM, Actor, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, Window

DAY, HOUR = 86400, 3600
OFFICER = Actor("bench", ("officer",))
AIR = ("so2", "no2", "co", "o3", "pm10", "pm2_5")
WATER = ("do", "cod_mn", "nh3_n", "tp", "ph", "cod_cr")
LEVEL = {"so2": 12, "no2": 35, "co": 0.8, "o3": 70, "pm10": 60, "pm2_5": 30, "do": 7, "cod_mn": 3, "nh3_n": 0.5,
         "tp": 0.1, "ph": 7.6, "cod_cr": 14}  # fmt: skip
SITES = [(f"air{n}", "air_station", AIR) for n in range(10)] + [
    (f"water{n}", "water_section", WATER if n < 6 else WATER[:4]) for n in range(7)
]
MINUTES_ONLY = ("air0", "air1", "water0")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        Trial(Path(folder), asked.days).run(asked.edits)


class Trial:
    def __init__(self, folder: Path, days: int) -> None:
        self.house = house = House(Settings.load(folder / "var", http_port=0, hj212_port=0))
        for id, kind, _ in SITES:
            target = {"target_class": 3} if kind == "water_section" else {}
            house.records.put_many("site", [(id, {"name": id, "kind": kind, **target})], SYSTEM)
        house.sites.refresh()
        house.directory.refresh()
        today = (house.clock.now() // 1_000_000 + 28800) // DAY * DAY - 28800
        self.end = today
        self.start = today - days * DAY
        self.days = days
        self.service = Corrections(house)
        self.dice = random.Random(212)
        self.cpu: list[float] = []  # of previews: what is left of the figures when others load the machine

    def run(self, edits: int) -> None:
        self.fill()
        self.judge_all()
        previews, accepts, counts = self.correct(edits)
        total = sum(self.house.verdicts.counted(j, None, 0, 1 << 40) for j in self.house.judge.judges)
        print(f"{edits} edits: {dict(counts)}")
        for name, took in (("preview", previews), ("accept", accepts), ("preview, CPU", self.cpu)):
            a = np.sort(took)
            print(f"{name}: p50 {a[len(a) // 2]:.3f} s, p95 {a[int(len(a) * 0.95)]:.3f} s, max {a[-1]:.3f} s")
        print(
            f"windows judged in previews: {counts['windows']} ({counts['windows'] / edits:.1f} an edit), of {total} "
            f"judged in all: {counts['windows'] / edits / total:.3%} of a recomputation each"
        )
        self.recompute()
        self.house.close()

    def fill(self) -> None:
        began, house = time.monotonic(), self.house
        noise = np.random.default_rng(212)
        keys = {p: [SeriesKey(s, f, Stat.AVG, p) for s, _, fs in SITES for f in fs
                    if p is Period.MINUTE or s not in MINUTES_ONLY] for p in (Period.MINUTE, Period.HOUR)}  # fmt: skip
        ids = {p: house.readings.series_ids(k) for p, k in keys.items()}
        level = np.array([LEVEL[k.factor] for k in keys[Period.MINUTE]])
        hourly = np.array([k.site not in MINUTES_ONLY for k in keys[Period.MINUTE]])
        flags = {p: np.zeros(len(k), np.uint8) for p, k in keys.items()}
        print(
            f"{len(keys[Period.MINUTE])} series by the minute, {len(keys[Period.HOUR])} by the hour, {self.days} days"
        )
        for day in range(self.days):
            first = self.start + day * DAY
            drift = np.exp(noise.normal(0, 0.25, (24, len(level)))).repeat(60, 0)
            values = np.round(level * drift * (1 + noise.normal(0, 0.05, (1440, len(level)))), 3)
            micro = np.rint(values * 1000).astype(np.int64) * 1000
            received = (first + DAY) * 1_000_000
            for m in range(1440):
                self.put(Period.MINUTE, first + m * 60, ids, micro[m], flags=flags, received=received)
            means = micro.reshape(24, 60, -1).mean(1)[:, hourly].astype(np.int64) // 1000 * 1000
            for h in range(24):
                self.put(Period.HOUR, first + h * HOUR, ids, means[h], flags=flags, received=received)
            if day % 15 == 14 or day == self.days - 1:
                house.readings.flush()
                house.readings.seal()
        house.readings.compact()
        state = house.readings.state()
        print(
            f"{state['rows']} rows, {state['sealed_bytes'] / state['sealed_rows']:.2f} B a row, "
            f"{state['sealed_files']} files, in {time.monotonic() - began:.0f} s"
        )

    def put(self, period: Period, at: int, ids: Any, micro: Any, *, flags: Any, received: int) -> None:
        self.house.readings.put(
            Block(at, ids[period], micro, flags[period], received, Origin.IMPORT, "bench", "", None, period=period)
        )

    def cascade(self) -> Cascade:
        house = self.house
        return Cascade(
            judges=house.judge.judges, readings=house.readings, records=house.records, verdicts=house.verdicts,
            sites=house.sites.get, clock=house.clock,
        )  # fmt: skip

    def every_window(self) -> list[Key]:
        keys = []
        for id, kind, _ in SITES:
            for judge in self.house.judge.judges.values():
                if kind in judge.site_kinds and not judge.newest_only:
                    step = HOUR if judge.period is Period.HOUR else DAY
                    keys += [Key(at, judge.id, id) for at in range(self.start, self.end, step)]
        return keys

    def judge_all(self) -> None:
        began, overlay = time.monotonic(), Overlay(self.house.readings)
        keys = self.every_window()
        with self.house.act.together():
            done = self.house.judge.judge_windows(self.cascade().held(overlay, keys), overlay)
        print(f"{done} windows judged in {time.monotonic() - began:.0f} s")

    def correct(self, edits: int) -> tuple[list[float], list[float], Counter[str]]:
        previews, accepts, counts = [], [], Counter[str]()
        sessions: list[str] = []
        for n in range(edits):
            edit = self.edit(sessions)
            made = self.service.create(
                {"title": f"b{n}", "reason": "other", "reason_text": "bench", "edits": [edit]}, OFFICER
            )
            began, cpu = time.perf_counter(), time.process_time()
            told = self.service.preview(made["id"], OFFICER, wait=True)
            between = time.perf_counter()
            self.cpu.append(time.process_time() - cpu)
            mark = self.house.verdicts.newest_id()
            done = self.service.accept(made["id"], OFFICER, wait=True)
            previews.append(between - began)
            accepts.append(time.perf_counter() - between)
            assert done["cascade"] == "done", done["work"]
            mine = told["result"]["counts"]
            counts.update({edit["kind"]: 1, "windows": mine["windows"], "readings": mine["readings"],
                           "flips": mine["flips"]})  # fmt: skip
            stored = self.house.verdicts.since(mark, limit=10_000)
            foreseen = {(r["judge"], r["site"], r["start"]): r["would"] for r in told["result"]["verdicts"]}
            assert len(stored) == mine["changed"] + mine["renewed"], (edit, len(stored), mine)
            for one in stored:
                would = foreseen.get((one.judge, one.subject, one.window.start))
                if would is None:
                    assert told["result"]["cut"]["verdicts"]
                    continue
                assert (would["figure"], would["level"], would["status"]) == (one.figure, one.level, str(one.status))
            if edit["kind"] != "withdraw":
                sessions.append(made["id"])
        return previews, accepts, counts

    def edit(self, sessions: list[str]) -> dict[str, Any]:
        dice = self.dice
        if sessions and dice.random() < 0.05:
            return {"kind": "withdraw", "session": dice.choice(sessions)}
        fine = dice.random() < 0.5
        site, _, factors = dice.choice([s for s in SITES if (s[0] in MINUTES_ONLY) == fine])
        period = "MINUTE" if fine else "HOUR"
        at = self.start + dice.randrange(self.days * DAY // HOUR) * HOUR
        common = {"site": site, "factor": dice.choice(factors)}
        kind = dice.choices(("set", "flag", "transform", "restore"), (50, 20, 20, 10))[0]
        if kind == "set":
            value = f"{LEVEL[common['factor']] * dice.uniform(0.2, 4):.3f}"
            return {"kind": "set", **common, "stat": "AVG", "period": period, "time": at, "value": value}
        stretch = {"from": at, "to": min(self.end, at + dice.choice((HOUR, 6 * HOUR, DAY, 3 * DAY)))}
        more = {"flag": {"flag": dice.choice(("FAULT", "MAINTENANCE", "CALIBRATION"))},
                "transform": {"a": f"{dice.uniform(0.8, 1.2):.4f}", "b": "0.01"}, "restore": {}}[kind]  # fmt: skip
        return {"kind": kind, **common, **stretch, **more}

    def recompute(self) -> None:
        """Every window of the year by its readings as they are now, held against the stored verdict."""
        began, house, overlay = time.monotonic(), self.house, Overlay(self.house.readings)
        reader, judged, wrong = Reader(overlay), 0, []  # type: ignore[arg-type]
        for piece in self.cascade().held(overlay, self.every_window()):
            stored: dict[tuple[str, int], Any] = {}
            site = house.sites.get(piece[0].site)
            low, high = min(k.start for k in piece), max(k.start for k in piece) + 1
            for judge_id in {k.judge for k in piece}:
                for one in house.verdicts.find(judge=judge_id, subject=site.id, start=low, end=high, limit=100_000):
                    stored[judge_id, one.window.start] = one
            for key in piece:
                judge = house.judge.judges[key.judge]
                window = Window(judge.period, key.start, key.start + (HOUR if judge.period is Period.HOUR else DAY))
                mine = reader.read(judge, window, [key.site])[key.site]
                again = judge.run(JudgeInput(site, window, mine.readings, {}, mine.monitored))
                kept = stored.get((key.judge, key.start))
                judged += 1
                if (again is None) != (kept is None) or (again and substance(again) != substance(kept)):
                    wrong.append(key)
        sample = random.Random(1).sample(self.every_window(), 300)
        for key in sample:
            judge = house.judge.judges[key.judge]
            window = Window(judge.period, key.start, key.start + (HOUR if judge.period is Period.HOUR else DAY))
            again, kept = (
                house.judge.judge_now(key.judge, key.site, window),
                house.verdicts.current(key.judge, key.site, window),
            )
            if again is not None and substance(again) != substance(kept):
                wrong.append(key)
        took = time.monotonic() - began
        print(f"full recompute: {judged} windows in {took:.0f} s, {len(wrong)} differ {wrong[:3]}")
        assert not wrong


if __name__ == "__main__":
    main()
