"""Random corrections on a year of minute data of 100 series: preview and acceptance, then everything computed again.

    PYTHONPATH=src python benchmarks/cascade.py [--days 365] [--edits 1000] [--folder DIR] [--minutes M] [--check no]

One node, not started: its stores, judges, act room and kept windows as in service. 17 sites have 100 series by the
minute; 14 of them also send hours, which their verdicts then rest on, at the other 3 hours are computed from the
minutes. Readings go straight into the store, are sealed and compacted; kept windows are built; all is judged. One
frame holds a minute of all sites. With `--folder` all that is made once and edits are added up over runs (each is a
line of DIR/edits.jsonl) until there are `--edits` of them; `--minutes` ends the run early.

A preview is timed from the question to the answer with every list, an acceptance until everything has followed: the
versions, the kept windows up to the year, verdicts, alarms and cases. After each, the stored verdicts and kept windows
are held against what the preview said. At the end every window of the year is judged again and held against what is
stored, and the kept windows of all series are made again from the readings and compared.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import json
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from jinyun.app.assemble import House
from jinyun.app.services.corrections import Corrections
from jinyun.app.services.figures import Figures
from jinyun.app.settings import Settings
from jinyun.judge.cascade import Cascade
from jinyun.judge.edits import value_text
from jinyun.judge.marks import Key
from jinyun.judge.overlay import Overlay
from jinyun.judge.reader import Reader
from jinyun.judge.substance import substance
from jinyun.kernel.declare import JudgeInput
from jinyun.kernel.ports import SYSTEM, Actor, Block
from jinyun.kernel.terms import Origin, Period, SeriesKey, Stat, Window
from jinyun.methods.windows import Level

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
    parser.add_argument("--edits", type=int, default=1000, help="in all, those of earlier runs on the folder included")
    parser.add_argument("--folder", type=Path, help="kept: data are made once, edits go on")
    parser.add_argument("--minutes", type=float, default=1e9, help="of edits in this run")
    parser.add_argument("--check", choices=("all", "no"), default="all", help="the full recomputation at the end")
    parser.add_argument("--profile", type=Path, help="write a cProfile of the previews there")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        Trial(folder, asked.days).run(asked)


class Trial:
    def __init__(self, folder: Path, days: int) -> None:
        self.house = house = House(Settings.load(folder / "var", http_port=0, hj212_port=0))
        self.folder = folder
        now = house.clock.now() // 1_000_000
        begun = {"days": days, "end": (now + 28800) // DAY * DAY - 28800, "filled": 0, "compacted": False, "judged": []}
        with contextlib.suppress(FileNotFoundError):
            begun = json.loads((folder / "state.json").read_text())
        self.state: dict[str, Any] = begun
        self.days, self.end = begun["days"], begun["end"]
        self.start = self.end - self.days * DAY
        for id, kind, _ in SITES:
            target = {"target_class": 3} if kind == "water_section" else {}
            house.records.put_many("site", [(id, {"name": id, "kind": kind, **target})], SYSTEM)
        house.sites.refresh()
        house.directory.refresh()
        self.service = Corrections(house)
        self.service.dependents_of = Figures(house).dependents_of
        self.profile: cProfile.Profile | None = None

    def save(self) -> None:
        (self.folder / "state.json").write_text(json.dumps(self.state))

    def run(self, asked: argparse.Namespace) -> None:
        self.fill()
        began = time.monotonic()
        made = self.house.windows.catch_up()
        print(f"{made} windows kept in {time.monotonic() - began:.0f} s", flush=True)
        self.judge_all()
        began = time.monotonic()
        self.house.act.tick()  # as after a start: alarms and cases are in memory
        print(f"alarms and cases taken up in {time.monotonic() - began:.0f} s", flush=True)
        if asked.profile:
            self.profile = cProfile.Profile()
        self.correct(asked.edits, asked.minutes)
        if self.profile is not None:
            self.profile.dump_stats(asked.profile)
        self.report()
        if asked.check == "all":
            self.recompute()
        self.house.close()

    def done(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line) for line in (self.folder / "edits.jsonl").read_text().splitlines()]
        return []

    def report(self) -> None:
        rows = self.done()
        if not rows:
            return
        total = sum(self.house.verdicts.counted(j, None, 0, 1 << 40) for j in self.house.judge.judges)
        counts = Counter(row["kind"] for row in rows)
        print(f"{len(rows)} edits on {self.days} days: {dict(counts)}")
        for name in ("preview", "accept", "preview_cpu"):
            a = np.sort([row[name] for row in rows])
            print(f"{name}: p50 {a[len(a) // 2]:.3f} s, p95 {a[int(len(a) * 0.95)]:.3f} s, max {a[-1]:.3f} s")
        judged = sum(row["windows"] for row in rows)
        print(
            f"windows judged in previews: {judged} ({judged / len(rows):.1f} an edit), of {total} judged in all: "
            f"{judged / len(rows) / total:.3%} of a recomputation each; {sum(row['readings'] for row in rows)} "
            f"readings, {sum(row['flips'] for row in rows)} flips, {sum(row['kept'] for row in rows)} kept windows"
        )

    def fill(self) -> None:
        """Day by day, each from a seed of its own: what was sealed before a stop is not made again."""
        began, house = time.monotonic(), self.house
        keys = {p: [SeriesKey(s, f, Stat.AVG, p) for s, _, fs in SITES for f in fs
                    if p is Period.MINUTE or s not in MINUTES_ONLY] for p in (Period.MINUTE, Period.HOUR)}  # fmt: skip
        ids = {p: house.readings.series_ids(k) for p, k in keys.items()}
        level = np.array([LEVEL[k.factor] for k in keys[Period.MINUTE]])
        hourly = np.array([k.site not in MINUTES_ONLY for k in keys[Period.MINUTE]])
        flags = {p: np.zeros(len(k), np.uint8) for p, k in keys.items()}
        print(
            f"{len(keys[Period.MINUTE])} series by the minute, {len(keys[Period.HOUR])} by the hour, {self.days} days"
        )
        for day in range(self.state["filled"], self.days):
            noise = np.random.default_rng((212, day))
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
                self.state["filled"] = day + 1
                self.save()
        if not self.state["compacted"]:
            house.readings.compact()
            self.state["compacted"] = True
            self.save()
        state = house.readings.state()
        print(
            f"{state['rows']} rows, {state['sealed_bytes'] / state['sealed_rows']:.2f} B a row, "
            f"{state['sealed_files']} files, in {time.monotonic() - began:.0f} s", flush=True,
        )  # fmt: skip

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
        began, done = time.monotonic(), 0
        keys = self.every_window()
        for site, _, _ in SITES:
            if site in self.state["judged"]:
                continue
            overlay = Overlay(self.house.readings)
            mine = [key for key in keys if key.site == site]
            with self.house.act.together():
                done += self.house.judge.judge_windows(self.cascade().held(overlay, mine), overlay)
            self.state["judged"].append(site)
            self.save()
        print(f"{done} windows judged in {time.monotonic() - began:.0f} s", flush=True)

    def correct(self, edits: int, minutes: float) -> None:
        began, rows = time.monotonic(), self.done()
        sessions = [row["session"] for row in rows if row["kind"] != "withdraw"]
        with (self.folder / "edits.jsonl").open("a") as out:
            for n in range(len(rows), edits):
                if time.monotonic() - began > minutes * 60:
                    break
                self.dice = random.Random(f"212/{n}")
                row = self.one(n, self.edit(sessions))
                out.write(json.dumps(row) + "\n")
                out.flush()
                if row["kind"] != "withdraw":
                    sessions.append(row["session"])

    def one(self, n: int, edit: dict[str, Any]) -> dict[str, Any]:
        """A correction: previewed, accepted, and what came held against what was said."""
        house = self.house
        made = self.service.create(
            {"title": f"b{n}", "reason": "other", "reason_text": "bench", "edits": [edit]}, OFFICER
        )
        if self.profile is not None:
            threading.setprofile(lambda *_: self.profile.enable())  # the work is in a thread of its own
        began, cpu = time.perf_counter(), time.process_time()
        told = self.service.preview(made["id"], OFFICER, wait=True)
        between, cpu = time.perf_counter(), time.process_time() - cpu
        if self.profile is not None:
            threading.setprofile(None)
        mark, beyond = house.verdicts.newest_id(), house.windows.state()["seq"]
        done = self.service.accept(made["id"], OFFICER, wait=True)
        ended = time.perf_counter()
        assert done["cascade"] == "done", done["work"]
        mine = told["result"]["counts"]
        stored = house.verdicts.since(mark, limit=10_000)
        foreseen = {(r["judge"], r["site"], r["start"]): r["would"] for r in told["result"]["verdicts"]}
        assert len(stored) == mine["changed"] + mine["renewed"], (edit, len(stored), mine)
        for one in stored:
            would = foreseen.get((one.judge, one.subject, one.window.start))
            if would is None:
                assert told["result"]["cut"]["verdicts"]
                continue
            assert (would["figure"], would["level"], would["status"]) == (one.figure, one.level, str(one.status))
        assert not mine["readings"] or house.windows.state()["seq"] > beyond
        for row in told["result"]["windows"]:
            level = Level[row["level"]]
            kept = house.windows.read([row["series"]], level, row["start"], row["start"] + 1).get(row["series"], [])
            now = (
                {
                    "value": value_text(kept[0].value) if kept[0].value is not None else None,
                    "state": kept[0].state.name,
                    "valid": kept[0].valid,
                    "due": kept[0].due,
                }
                if kept
                else None
            )
            assert now == row["would"], (edit, row, now)
        return {
            "session": made["id"], "kind": edit["kind"], "preview": between - began, "accept": ended - between,
            "preview_cpu": cpu, **{name: mine[name] for name in ("windows", "readings", "flips")},
            "kept": mine["kept_windows"], "edit": edit,
        }  # fmt: skip

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
        print(f"full recompute: {judged} windows judged in {took:.0f} s, {len(wrong)} differ {wrong[:3]}", flush=True)
        began = time.monotonic()
        told = house.windows.rebuild()
        number = {name: one["kept"].split(":")[0] for name, one in told["levels"].items()}
        print(f"kept windows made again in {time.monotonic() - began:.0f} s: equal {told['equal']} {number}")
        assert not wrong
        assert told["equal"], told


if __name__ == "__main__":
    main()
