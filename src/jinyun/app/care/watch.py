"""Care of a running node: measures, drops what is old, sheds what is cheap when space runs out, and says so in time.

Writing never stops for it. The order when the disk runs low: unfinished files, what retention would take anyway, raw
messages beyond the least days; below the journal's floor devices get no answer and send again later, while what was
acknowledged before is still stored from the room that the floor keeps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from jinyun.app.care.forecast import Forecast, Sample, forecast, size_text
from jinyun.app.care.retention import Retention, drop_halves
from jinyun.app.care.rules import as_dict, figure, retention_of
from jinyun.app.care.sizes import room, sizes
from jinyun.app.work_calendar import NodeCalendar
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

log = structlog.get_logger("care")
SPACE, SAMPLES = "care", "care.samples"
DAY_US = 86_400_000_000


class Care:
    """One per node. `tick` is a job; `state` is what the system page, `/api/system` and the doctor show."""

    def __init__(self, house: House, *, space: Callable[[], tuple[int, int]] | None = None) -> None:
        self._house = house
        self._folder = house.settings.folder
        self._space = space or (lambda: room(self._folder))
        self.retention = Retention(house, retention_of(house.settings))
        self.lock = threading.RLock()
        """Held by whoever drops files or copies them."""
        self._calendar = NodeCalendar(house.settings.folder)
        self._looked = 0
        self._facts: dict[str, dict[str, Any]] = {}
        self._forecast: Forecast | None = None

    @property
    def low_bytes(self) -> int:
        """With less free than this, shedding begins."""
        share = self._space()[1] * figure("low_share") // 100
        return max(min(share, figure("low_most_mb") << 20), self.floor_bytes * 2)

    @property
    def floor_bytes(self) -> int:
        """With less free than this the journal takes nothing more."""
        return self._house.settings.disk_floor_mb << 20

    # --- the job ------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Every half minute: shed when space is low; every hour: measure and drop what is old."""
        now = self._house.clock.now()
        if self._space()[0] < self.low_bytes:
            self.shed()
        if now - self._looked >= figure("sample_every_s") * 1_000_000 or now < self._looked:
            self._looked = now
            if self.lock.acquire(blocking=False):  # a backup copies: next time
                try:
                    self.retention.run()
                finally:
                    self.lock.release()
            self.measure()
        self._say(self._facts_now())

    def shed(self) -> int:
        """Free what is cheapest, in order, until enough is free: bytes freed."""
        if not self.lock.acquire(blocking=False):
            return 0
        try:
            freed = drop_halves(self._folder)
            freed += sum(one.bytes for one in self.retention.run())
            lacking = self.low_bytes - self._space()[0]
            if lacking > 0:
                freed += sum(one.bytes for one in self.retention.shed_journal(lacking))
        finally:
            self.lock.release()
        if freed:
            log.warning("care.shed", bytes=freed, free=self._space()[0])
        return freed

    def measure(self) -> Sample:
        """Take a sample and keep it: hourly ones for some days, then one a day."""
        free, total = self._space()
        dropped = {name: size for name, (_, size) in self.retention.ledger.totals().items()}
        sample = Sample(self._house.clock.now(), free, total, sizes(self._folder), dropped)
        kept = {key: sample_of(one) for key, one in self._house.kv.items(SAMPLES).items()}
        key = f"{china_time(sample.at // 1_000_000):%Y-%m-%dT%H}"
        self._house.kv.set(SAMPLES, key, [sample.at, free, total, sample.sizes, dropped])
        kept[key] = sample
        for old in thinned(kept, sample.at):
            self._house.kv.delete(SAMPLES, old)
            del kept[old]
        self._forecast = self._look_ahead([kept[one] for one in sorted(kept)])
        return sample

    def _look_ahead(self, samples: list[Sample]) -> Forecast:
        oldest = {}
        first = self._house.journal.state().get("oldest_at")
        if first is not None:
            oldest["journal"] = int(first)
        days = [one.time_from for one in self._house.readings.sealed_files().rows]
        if days:
            oldest["readings"] = min(days) * 1_000_000
        return forecast(samples, self.retention.keep, oldest, floor=self.floor_bytes)

    @property
    def forecast(self) -> Forecast:
        """As of the last measurement."""
        if self._forecast is None:
            kept = {key: sample_of(one) for key, one in self._house.kv.items(SAMPLES).items()}
            self._forecast = self._look_ahead([kept[one] for one in sorted(kept)])
        return self._forecast

    # --- what it says -------------------------------------------------------------------------------------------------

    def _facts_now(self) -> list[dict[str, Any]]:
        facts = []
        ahead, free = self.forecast, self._space()[0]
        if ahead.level in ("warn", "bad"):
            facts.append({"id": "disk-forecast", "level": ahead.level, "zh": ahead.zh, "en": ahead.en})
        if free < self.floor_bytes:
            facts.append({
                "id": "disk-full", "level": "bad",
                "zh": f"磁盘仅剩 {size_text(free)}：暂不接收新报文（不应答，设备会重发），已应答的数据不受影响；"
                "请清理或扩容",
                "en": f"only {size_text(free)} left: new messages are not taken (no answer, devices send again); "
                "what was acknowledged is safe; free space or add a disk",
            })  # fmt: skip
        elif free < self.low_bytes:
            facts.append({
                "id": "disk-low", "level": "bad",
                "zh": f"磁盘剩余 {size_text(free)}，已低于 {size_text(self.low_bytes)}：满期文件已提前清理，请扩容",
                "en": f"{size_text(free)} left, below {size_text(self.low_bytes)}: what could be shed was; add a disk",
            })  # fmt: skip
        facts += self._backup_facts()
        return facts + self._calendar_facts()

    def _calendar_facts(self) -> list[dict[str, Any]]:
        """The table of working days in the node's folder cannot be used: clocks go on by the last good one."""
        self._calendar()
        if not (problem := self._calendar.problem):
            return []
        return [{
            "id": "work-calendar", "level": "bad",
            "zh": f"节点目录中的工作日历文件不可用，时限仍按原有日历计算：{problem}",
            "en": f"the node's working-day table cannot be used, clocks go on by the one before: {problem}",
        }]  # fmt: skip

    def _backup_facts(self) -> list[dict[str, Any]]:
        now, days = self._house.clock.now(), figure("backup_old_days")
        last = self.last_backup
        since = int(last["at"]) if last else self._first_sample()
        if since is None or now - since < days * DAY_US:
            return []
        age = (now - since) // DAY_US
        if last:
            return [{"id": "backup-old", "level": "warn", "zh": f"最近一次备份在 {age} 天前",
                     "en": f"the last backup is {age} days old"}]  # fmt: skip
        return [{"id": "backup-none", "level": "warn", "zh": "还没有做过备份（jinyun backup）",
                 "en": "no backup was ever made (jinyun backup)"}]  # fmt: skip

    def _first_sample(self) -> int | None:
        kept = self._house.kv.items(SAMPLES)
        return min((int(one[0]) for one in kept.values()), default=None)

    @property
    def last_backup(self) -> Mapping[str, Any] | None:
        """What the last complete backup was, by this node."""
        told: Mapping[str, Any] | None = self._house.kv.get(SPACE, "backup")
        return told

    def note_backup(self, told: Mapping[str, Any]) -> None:
        self._house.kv.set(SPACE, "backup", dict(told))

    def _say(self, facts: list[dict[str, Any]]) -> None:
        """Keep since when each fact holds; pages are told of what is new and of what ended."""
        now = self._house.clock.now()
        before = self._facts
        self._facts = {one["id"]: {**one, "since": before.get(one["id"], {}).get("since", now)} for one in facts}
        for id, one in self._facts.items():
            if id not in before or before[id]["level"] != one["level"]:
                log.warning("care.fact", id=id, sentence=one["en"])
                self._house.bus.publish("system", {"at": now, "care": one})
        for id in before.keys() - self._facts.keys():
            log.info("care.fact_ended", id=id)
            self._house.bus.publish("system", {"at": now, "care": {**before[id], "level": "ok"}})

    def state(self) -> dict[str, Any]:
        """For the system page."""
        free, total = self._space()
        kept = self._house.kv.items(SAMPLES)
        last = sample_of(kept[max(kept)]) if kept else None
        dropped = self.retention.ledger.totals()
        ahead = self.forecast
        classes = [
            {
                **as_dict(one), "bytes": last.sizes.get(name, 0) if last else None,
                "per_day": round(ahead.per_day[name]) if name in ahead.per_day else None,
                "dropped_files": dropped.get(name, (0, 0))[0], "dropped_bytes": dropped.get(name, (0, 0))[1],
            }
            for name, one in self.retention.keep.items()
        ]  # fmt: skip
        return {
            "free": free, "total": total, "low": self.low_bytes, "floor": self.floor_bytes,
            "measured_at": last.at if last else None, "classes": classes, "forecast": ahead.as_dict(),
            "facts": list(self._facts.values()), "backup": self.last_backup,
        }  # fmt: skip


def sample_of(kept: Any) -> Sample:
    """A sample out of its stored form."""
    return Sample(int(kept[0]), int(kept[1]), int(kept[2]), dict(kept[3]), dict(kept[4]))


def thinned(kept: Mapping[str, Sample], now: int) -> list[str]:
    """Keys of samples that go: hours but the last of their day once they are old, days beyond the last ones."""
    last_of_day: dict[str, str] = {}
    for key in sorted(kept):
        last_of_day[key[:10]] = key
    gone = []
    for key, one in kept.items():
        age_h = (now - one.at) / 3_600_000_000
        if age_h > figure("daily_for_days") * 24 or (age_h > figure("hourly_for_h") and last_of_day[key[:10]] != key):
            gone.append(key)
    return gone
