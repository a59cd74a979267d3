"""Why-trees: from a case, alarm, verdict or reading down to the raw bytes, whose CRC is computed anew.

One tree asks the store for all its readings at once and reads each raw message once, however often it is used.
Node: {kind, title_zh, title_en, figure, unit, facts: [{zh, en, value}], children: [node]}; raw nodes add
{hex, text, crc_in_frame, crc_computed, crc_ok, crc_dialect, segment, offset, received_at, peer}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinyun.app.services.words import PERIODS, STATS, factor_unit, factor_words, plain
from jinyun.kernel.errors import JinyunError, NotFound
from jinyun.kernel.flags import flag_words
from jinyun.kernel.ports import Record
from jinyun.kernel.terms import Frame, Origin, Period, Reading, ReadingRef, Status, Verdict, VerdictItem, china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House

MOST_READINGS = 600  # of one tree; what is beyond is counted in `cut`
Node = dict[str, Any]

ORIGINS: Mapping[Origin, tuple[str, str]] = {
    Origin.LIVE: ("实时上报", "live"),
    Origin.BACKFILL: ("补传", "back-fill"),
    Origin.IMPORT: ("导入", "import"),
    Origin.CORRECTION: ("更正", "correction"),
    Origin.COMPUTED: ("计算", "computed"),
}
STATUSES: Mapping[str, tuple[str, str]] = {
    Status.ATTAINS: ("达标", "attains"),
    Status.EXCEEDS: ("超标", "exceeds"),
    Status.CANNOT_JUDGE: ("无法评价", "cannot be judged"),
}


class Why:
    """Answers "why?" for one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def verdict(self, verdict_id: int) -> Node:
        verdict = self._house.verdicts.get(verdict_id)
        return self._tree([verdict]).verdict(verdict)

    def reading(self, series: int, time: int, seq: int | None = None) -> Node:
        """Without `seq` the current version."""
        versions = self._house.readings.versions(series, time)
        if not versions:
            raise NotFound("reading", f"{series}@{time}")
        newest = max(versions, key=lambda one: one.seq)
        if seq is not None and all(one.seq != seq for one in versions):
            raise NotFound("version of the reading", seq, known=[str(one.seq) for one in versions])
        ref = ReadingRef(series, time, newest.seq if seq is None else seq)
        return self._gather([ref]).reading(ref)

    def alarm(self, alarm_id: str) -> Node:
        record = self._house.records.get("alarm", alarm_id)
        verdicts = self._verdicts(_alarm_verdicts(record))
        return self._tree(verdicts.values()).alarm(record, verdicts)

    def case(self, case_id: str) -> Node:
        """The case over its alarms over their verdicts; the verdict that closed it beside them."""
        house = self._house
        record = house.records.get("case", case_id)
        alarms = []
        for alarm_id in record.data.get("alarms") or ():
            try:
                alarms.append(house.records.get("alarm", str(alarm_id)))
            except NotFound:
                continue
        own = [int(i) for i in (record.data.get("verdict_open"), record.data.get("verdict_close")) if i]
        verdicts = self._verdicts([*(i for one in alarms for i in _alarm_verdicts(one)), *own])
        tree = self._tree(verdicts.values())
        shown = {i for one in alarms for i in _alarm_verdicts(one)}
        children = [tree.alarm(one, verdicts) for one in alarms]
        children += [tree.verdict(verdicts[i]) for i in own if i in verdicts and i not in shown]
        kind = house.types["case"]
        state = kind.state_words(record.state, record.procedure) or (record.state, record.state)
        return _node(
            "case",
            str(record.data.get("title") or record.id),
            str(record.data.get("title") or record.id),
            facts=[
                _fact("状态", "state", *state),
                _fact("立案时间", "opened", _iso(record.data.get("opened_at"))),
                _fact("办结时间", "closed", _iso(record.data.get("closed_at"))),
                _fact("恢复条件", "recovery condition", record.data.get("recovery")),
            ],
            children=children,
        ) | {"ref": record.id}

    def _verdicts(self, ids: Iterable[int]) -> dict[int, Verdict]:
        found = {}
        for one in dict.fromkeys(ids):
            try:
                found[one] = self._house.verdicts.get(one)
            except NotFound:
                continue
        return found

    def _tree(self, verdicts: Iterable[Verdict]) -> _Tree:
        return self._gather(list(dict.fromkeys(ref for one in verdicts for ref in one.evidence())))

    def _gather(self, refs: Sequence[ReadingRef]) -> _Tree:
        """Look up everything that a tree over `refs` needs, in a few questions."""
        house, kept = self._house, list(refs[:MOST_READINGS])
        versions: Mapping[tuple[int, int], Sequence[Reading]] = house.readings.versions_of(
            list(dict.fromkeys((one.series, one.time) for one in kept))
        )
        used = {ref: _pick(versions.get((ref.series, ref.time), ()), ref.seq) for ref in kept}
        picked = {one.frame for one in used.values() if one is not None}
        several = [mine for mine in versions.values() if len(mine) > 1]
        ids = sorted(picked | {one.frame for mine in several for one in mine[-5:]})
        frames: Mapping[int, Frame] = house.readings.frames(ids)
        raws = {frame_id: self._raw(frame) for frame_id, frame in frames.items()}  # or the file it was imported from
        return _Tree(house, versions, used, frames, raws, cut=max(0, len(refs) - len(kept)))

    def _raw(self, frame: Frame) -> Node | None:
        """The raw message of a frame as a node, its CRC computed from its bytes."""
        if frame.origin is Origin.IMPORT:
            from jinyun.app.services.imports.evidence import file_node

            return file_node(self._house.records, self._house.settings.folder, frame)
        if frame.ref is None:
            return None
        from jinyun.sense.hj212.crc import text as crc_text
        from jinyun.sense.hj212.framing import examine

        try:
            message = self._house.journal.read(frame.ref)
        except (JinyunError, OSError) as gone:
            zh = "原始报文已不可读"
            return _node("raw", zh, "the raw message cannot be read", facts=[_fact("原因", "reason", str(gone))]) | {
                "segment": frame.ref.segment,
                "offset": frame.ref.offset,
            }
        profile = self._house.directory.get(frame.mn)
        looked = examine(message.data, sm4_key=profile.sm4_key if profile else b"")
        known = looked.crc_dialect in ("hj212", "modbus", "modbus_swapped", "arc")
        if looked.crc_dialect == "hj212_plaintext":
            computed = looked.crc_text.upper() if looked.valid_crc else None
        else:
            computed = crc_text(looked.segment, looked.crc_dialect if known else "hj212")
        return _node(
            "raw",
            "原始报文",
            "raw message",
            facts=[
                _fact("接收时间", "received", _moment(message.received_at // 1_000_000)),
                _fact("来源", "from", message.peer),
                _fact("存放位置", "kept at", str(frame.ref)),
                _fact("字节数", "bytes", len(message.data)),
                _fact("校验算法", "CRC dialect", looked.crc_dialect),
            ],
        ) | {
            "hex": message.data.hex(),
            "text": _text(message.data),
            "crc_in_frame": looked.crc_text,
            "crc_computed": computed,
            "crc_ok": computed is not None and computed == looked.crc_text.upper(),
            "crc_dialect": looked.crc_dialect,
            "segment": frame.ref.segment,
            "offset": frame.ref.offset,
            "received_at": message.received_at,
            "peer": message.peer,
            "link": message.link,
            "mn": message.mn or frame.mn,
        }


class _Tree:
    """What was looked up, and how it becomes nodes."""

    def __init__(
        self,
        house: House,
        versions: Mapping[tuple[int, int], Sequence[Reading]],
        used: Mapping[ReadingRef, Reading | None],
        frames: Mapping[int, Frame],
        raws: Mapping[int, Node | None],
        *,
        cut: int,
    ) -> None:
        self._house, self._versions, self._used = house, versions, used
        self._frames, self._raws, self._cut = frames, raws, cut

    def alarm(self, record: Record, verdicts: Mapping[int, Verdict]) -> Node:
        data = record.data
        children = [self.verdict(verdicts[i]) for i in _alarm_verdicts(record) if i in verdicts]
        return _node(
            "alarm",
            str(data.get("sentence_zh") or record.id),
            str(data.get("sentence_en") or record.id),
            figure=data.get("peak_figure"),
            unit=data.get("unit"),
            facts=[
                _fact("规则", "rule", data.get("rule")),
                _fact("限值", "limit", data.get("limit")),
                _fact("开始", "started", _iso(data.get("started_at"))),
                _fact("峰值时间", "peak at", _iso(data.get("peak_at"))),
                _fact("结束", "ended", _iso(data.get("ended_at"))),
            ],
            children=children,
        ) | {"ref": record.id}

    def verdict(self, verdict: Verdict) -> Node:
        status = STATUSES[verdict.status]
        current = self._house.verdicts.current(verdict.judge, verdict.subject, verdict.window)
        facts = [
            _fact("结论", "status", *status),
            _fact("时段", "window", _span(verdict)),
            _fact("限值", "limit", verdict.limit),
            _fact("依据", "clause", verdict.clause),
            _fact("标准版本", "edition", verdict.edition),
            _fact("计算时间", "computed", _moment(verdict.computed_at // 1_000_000) if verdict.computed_at else None),
            _fact("程序版本", "code version", verdict.code_version),
        ]
        if current is not None and current.id and current.id != verdict.id:
            facts.append(_fact("已被新评价取代", "superseded by verdict", current.id))
        node = _node(
            "verdict",
            verdict.sentence_zh or verdict.label_zh,
            verdict.sentence_en or verdict.label_en,
            figure=verdict.figure,
            unit=verdict.unit,
            facts=facts,
            children=[self._item(one, verdict) for one in verdict.items],
        )
        return node | {
            "ref": verdict.id,
            "judge": verdict.judge,
            "subject": verdict.subject,
            "level": verdict.level,
            "status": str(verdict.status),
            "cut": self._cut,
        }

    def _item(self, item: VerdictItem, verdict: Verdict) -> Node:
        zh, en, _, _ = factor_words(item.factor)
        status = STATUSES[item.status]
        return _node(
            "item",
            zh,
            en,
            figure=item.figure,
            unit=item.unit,
            facts=[
                _fact("结论", "status", *status),
                _fact("限值", "limit", item.limit),
                _fact("类别/分指数", "grade", item.grade),
                _fact("超标倍数", "multiple", item.multiple),
                _fact("依据", "clause", item.clause),
                _fact("说明", "note", *_both(item.reason)),
                _fact("所用数据", "readings used", len(item.readings)),
            ],
            children=[self.reading(ref) for ref in item.readings if ref in self._used],
        ) | {"factor": item.factor, "status": str(item.status), "deciding": item.factor in verdict.deciding}

    def reading(self, ref: ReadingRef) -> Node:
        """The version that was used; that a later one exists is said."""
        reading = self._used.get(ref)
        if reading is None:
            return _node(
                "reading",
                "读数已不在库中",
                "the reading is no longer stored",
                facts=[_fact("序列", "series", ref.series), _fact("时间", "time", _moment(ref.time))],
            ) | {"series": ref.series, "time": ref.time, "seq": ref.seq}
        zh, en, _, _ = factor_words(reading.factor)
        flag, stat, period = flag_words(reading.flag), STATS[reading.stat], PERIODS[reading.period]
        facts = [
            _fact("时间", "time", _moment(reading.time)),
            _fact("统计", "statistic", f"{period[0]}{stat[0]}", f"{period[1]} {stat[1]}"),
            _fact("标记", "flag", *flag),
            _fact("入库序号", "seq", reading.seq),
        ]
        newest = max(self._versions[ref.series, ref.time], key=lambda one: one.seq)
        node: Node = {"series": ref.series, "time": ref.time, "seq": ref.seq, "superseded": newest.seq > reading.seq}
        if node["superseded"]:
            value = plain(newest.value) or flag_words(newest.flag)[0]
            facts.append(_fact("现行值(后来更新)", "current value (newer version)", value))
            node["current"] = {"value": plain(newest.value), "flag": newest.flag.name, "seq": newest.seq}
        frame = self._frames.get(reading.frame)
        return (
            _node(
                "reading",
                f"{zh} {_moment(reading.time)}",
                f"{en} {_moment(reading.time)}",
                figure=plain(reading.value),
                unit=factor_unit(reading.factor, reading.stat),
                facts=facts,
                children=[self._frame(frame), *self._earlier(reading, frame)] if frame else [],
            )
            | node
        )

    def _earlier(self, reading: Reading, frame: Frame) -> list[Node]:
        """Of a corrected reading the version before it."""
        before = [one for one in self._versions[reading.series, reading.time] if one.seq < reading.seq]
        if frame.origin is not Origin.CORRECTION or not before:
            return []
        one = max(before, key=lambda version: version.seq)
        flag, carried = flag_words(one.flag), self._frames.get(one.frame)
        facts = [_fact("标记", "flag", *flag), _fact("入库序号", "seq", one.seq)]
        if carried is not None:
            facts.append(_fact("更正批次", "session", carried.session))
        value = plain(one.value)
        node = _node(
            "reading",
            f"更正前：{value if value is not None else flag[0]}",
            f"before the correction: {value if value is not None else flag[1]}",
            figure=value,
            unit=factor_unit(one.factor, one.stat),
            facts=facts,
            children=[self._frame(carried)] if carried is not None else [],
        )
        return [node | {"series": one.series, "time": one.time, "seq": one.seq, "superseded": True}]

    def _frame(self, frame: Frame) -> Node:
        raw = self._raws.get(frame.id)
        origin = ORIGINS[frame.origin]
        return _node(
            "frame",
            f"数据帧({origin[0]})",
            f"frame ({origin[1]})",
            facts=[
                _fact("接收时间", "received", _moment(frame.received_at // 1_000_000)),
                _fact("设备 MN", "device MN", frame.mn),
                _fact("来源方式", "origin", *origin),
                _fact("原始报文位置", "raw message at", str(frame.ref) if frame.ref else None),
                _fact("更正人", "author", frame.author),
                _fact("更正原因", "reason", frame.reason),
                _fact("更正批次", "session", frame.session),
            ],
            children=[raw] if raw else [],
        ) | {"ref": frame.id, "received_at": frame.received_at, "mn": frame.mn}


def _pick(versions: Sequence[Reading], seq: int) -> Reading | None:
    return next((one for one in versions if one.seq == seq), None)


def _alarm_verdicts(alarm: Record) -> list[int]:
    ids = (alarm.data.get(name) for name in ("verdict_open", "verdict_peak", "verdict_end"))
    return list(dict.fromkeys(int(one) for one in ids if one))


def _node(
    kind: str,
    zh: str,
    en: str,
    *,
    figure: Any = None,
    unit: Any = None,
    facts: Sequence[Mapping[str, Any]] = (),
    children: Sequence[Node] = (),
) -> Node:
    return {
        "kind": kind,
        "title_zh": zh,
        "title_en": en,
        "figure": figure,
        "unit": unit or "",
        "facts": [dict(one) for one in facts if one["value"] not in (None, "")],
        "children": list(children),
    }


def _fact(zh: str, en: str, value: Any, value_en: str | None = None) -> dict[str, Any]:
    """`value_en` where the value is a word."""
    fact = {"zh": zh, "en": en, "value": value}
    return fact if value_en is None else fact | {"value_en": value_en}


def _both(text: str) -> tuple[str, str]:
    """Chinese and English of a note written as "zh | en"."""
    zh, bar, en = text.partition(" | ")
    return (zh, en) if bar else (text, text)


def _moment(seconds: int) -> str:
    return china_time(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _iso(value: Any) -> str | None:
    return str(value).replace("T", " ")[:19] if value else None


def _span(verdict: Verdict) -> str:
    window = verdict.window
    start, end = _moment(window.start), _moment(window.end)
    return start if window.period is Period.REALTIME else f"{start[:16]} – {end[:16]}"


def _text(data: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
