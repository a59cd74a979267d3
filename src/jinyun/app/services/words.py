"""The house's terms in the shape pages read: flags, periods, readings, verdicts, records, in Chinese and English."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jinyun.domains.people.roles import roles
from jinyun.kernel.errors import BadInput
from jinyun.kernel.factors import factors
from jinyun.kernel.flags import flag_words
from jinyun.kernel.ports import HistoryEntry, Record
from jinyun.kernel.records import Field, Procedure, RecordType, Transition
from jinyun.kernel.terms import Period, Reading, Stat, Verdict, VerdictItem

MASK = "••••••"
"""Shown for a secret or personal value; sent back in a form it means "leave as it is"."""

PERSONAL_ROLES = frozenset(one.id for one in roles().values() if one.personal)

STATS: Mapping[Stat, tuple[str, str]] = {
    Stat.RTD: ("实时值", "real-time"),
    Stat.AVG: ("均值", "mean"),
    Stat.MIN: ("最小值", "minimum"),
    Stat.MAX: ("最大值", "maximum"),
    Stat.COU: ("累计值", "amount"),
    Stat.ZS_RTD: ("折算实时值", "converted real-time"),
    Stat.ZS_AVG: ("折算均值", "converted mean"),
    Stat.ZS_MIN: ("折算最小值", "converted minimum"),
    Stat.ZS_MAX: ("折算最大值", "converted maximum"),
    Stat.STATE: ("运行状态", "running state"),
    Stat.RUN_HOURS: ("运行时间", "hours run"),
}

PERIODS: Mapping[Period, tuple[str, str]] = {
    Period.REALTIME: ("实时", "real-time"),
    Period.MINUTE: ("分钟", "minute"),
    Period.TEN_MINUTE: ("十分钟", "ten minutes"),
    Period.HOUR: ("小时", "hour"),
    Period.DAY: ("日", "day"),
    Period.MONTH: ("月", "month"),
    Period.QUARTER: ("季", "quarter"),
    Period.YEAR: ("年", "year"),
}


def plain(value: Decimal | None) -> str | None:
    """A value as plain text without idle zeros: 7.100000 is "7.1"."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def factor_words(factor_id: str) -> tuple[str, str, str, int | None]:
    """(zh, en, unit, decimals) of a factor; one that the dictionary does not know names itself."""
    one = factors().get(factor_id)
    return (one.zh, one.en, one.unit, one.decimals) if one else (factor_id, factor_id, "", None)


def factor_unit(factor_id: str, stat: Stat) -> str:
    """The unit a reading of `stat` is in: an amount, hours and states have units of their own."""
    if stat is Stat.RUN_HOURS:
        return "h"
    if stat is Stat.STATE:
        return ""
    one = factors().get(factor_id)
    if one is None:
        return ""
    return one.amount_unit if stat is Stat.COU else one.unit


def parse_stat(text: str) -> Stat:
    try:
        return Stat[text.upper()]
    except KeyError:
        raise BadInput(f"no statistic {text!r}", field="stat", hint=f"one of {', '.join(Stat.__members__)}") from None


def parse_period(text: str) -> Period:
    try:
        return Period[text.upper()]
    except KeyError:
        known = ", ".join(Period.__members__)
        raise BadInput(f"no period {text!r}", field="period", hint=f"one of {known}") from None


def reading_dict(reading: Reading, received_at: int | None = None) -> dict[str, Any]:
    """One reading with its words; `received_at` in µs."""
    zh, en, _, decimals = factor_words(reading.factor)
    flag_zh, flag_en = flag_words(reading.flag)
    return {
        "series": reading.series,
        "factor": reading.factor,
        "zh": zh,
        "en": en,
        "unit": factor_unit(reading.factor, reading.stat),
        "decimals": decimals,
        "stat": reading.stat.name,
        "period": reading.period.name,
        "value": plain(reading.value),
        "flag": reading.flag.name,
        "flag_zh": flag_zh,
        "flag_en": flag_en,
        "time": reading.time,
        "received_at": received_at,
        "seq": reading.seq,
    }


def item_dict(item: VerdictItem) -> dict[str, Any]:
    zh, en, _, _ = factor_words(item.factor)
    return {
        "factor": item.factor,
        "zh": zh,
        "en": en,
        "figure": item.figure,
        "unit": item.unit,
        "status": str(item.status),
        "limit": item.limit,
        "grade": item.grade,
        "multiple": item.multiple,
        "clause": item.clause,
        "reason": item.reason,
        "readings": [{"series": r.series, "time": r.time, "seq": r.seq} for r in item.readings],
    }


def verdict_head(verdict: Verdict) -> dict[str, Any]:
    """A verdict without its items: for lists and the map."""
    return {
        "id": verdict.id,
        "judge": verdict.judge,
        "subject": verdict.subject,
        "window": {
            "period": verdict.window.period.name,
            "start": verdict.window.start,
            "end": verdict.window.end,
        },
        "status": str(verdict.status),
        "figure": verdict.figure,
        "unit": verdict.unit,
        "limit": verdict.limit,
        "level": verdict.level,
        "label_zh": verdict.label_zh,
        "label_en": verdict.label_en,
        "deciding": list(verdict.deciding),
        "sentence_zh": verdict.sentence_zh,
        "sentence_en": verdict.sentence_en,
        "clause": verdict.clause,
        "edition": verdict.edition,
        "computed_at": verdict.computed_at,
    }


def verdict_dict(verdict: Verdict) -> dict[str, Any]:
    """A verdict with all it rests on."""
    return {
        **verdict_head(verdict),
        "items": [item_dict(item) for item in verdict.items],
        "code_version": verdict.code_version,
        "extra": dict(verdict.extra),
    }


def _mask(kind: RecordType, data: Mapping[str, Any], roles: Sequence[str]) -> dict[str, Any]:
    open_personal = bool(PERSONAL_ROLES & set(roles))
    shown = dict(data)
    for one in kind.fields:
        if shown.get(one.name) not in (None, "") and (one.secret or (one.personal and not open_personal)):
            shown[one.name] = MASK
    return shown


def record_dict(record: Record, kind: RecordType, roles: Sequence[str]) -> dict[str, Any]:
    """A record for a page: secrets never, personal fields only for `PERSONAL_ROLES`."""
    state = kind.state_words(record.state, record.procedure) if kind.procedure else None
    flat = {**record.as_dict(), **_mask(kind, record.data, roles)}
    flat |= {"id": record.id, "type": record.type, "version": record.version, "state": record.state}
    if state:
        flat |= {"state_zh": state[0], "state_en": state[1]}
    if kind.procedures:
        flat["procedure_version"] = record.procedure
    return flat


def history_dict(entry: HistoryEntry, kind: RecordType, roles: Sequence[str]) -> dict[str, Any]:
    zh, en = {
        "create": ("新建", "created"),
        "update": ("修改", "changed"),
        "delete": ("删除", "deleted"),
        "move": ("转到新版流程", "moved to another version of the procedure"),
    }.get(entry.step, ("", ""))
    given = dict(entry.given)
    for procedure in reversed(kind.versions):  # the newest words win
        for step in procedure.transitions:
            if step.name == entry.step:
                zh, en = step.zh, step.en
                given = {k: MASK if k in {f.name for f in step.fields if f.secret} else v for k, v in given.items()}
    return {
        "version": entry.version,
        "at": entry.at,
        "actor": entry.actor,
        "step": entry.step,
        "zh": zh,
        "en": en,
        "state_before": entry.state_before,
        "state_after": entry.state_after,
        "before": _mask(kind, entry.before, roles),
        "after": _mask(kind, entry.after, roles),
        "given": given,
        "note": entry.note,
    }


def field_dict(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "zh": field.zh,
        "en": field.en,
        "kind": field.kind,
        "required": field.required,
        "unit": field.unit,
        "codes": {code: {"zh": zh, "en": en} for code, (zh, en) in field.codes.items()},
        "to": field.to,
        "many": field.many,
        "pattern": field.pattern,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "personal": field.personal,
        "indexed": field.indexed,
        "secret": field.secret,
        "identifies": field.identifies,
        "help_zh": field.help_zh,
        "help_en": field.help_en,
    }


def transition_dict(step: Transition) -> dict[str, Any]:
    return {
        "name": step.name,
        "zh": step.zh,
        "en": step.en,
        "sources": list(step.sources),
        "target": step.target,
        "by": list(step.by),
        "needs": list(step.needs),
        "only": step.only,
        "second_of": step.second_of,
        "fields": [field_dict(one) | {"required": one.required or one.name in step.needs} for one in step.fields],
    }


def type_dict(kind: RecordType) -> dict[str, Any]:
    """The declaration of a register, for generic lists and forms."""
    procedure = kind.procedure
    return {
        "id": kind.id,
        "zh": kind.zh,
        "en": kind.en,
        "title": kind.title,
        "listed": list(kind.listed or [f.name for f in kind.fields if not f.secret][:6]),
        "fields": [field_dict(one) for one in kind.fields],
        "owner": kind.owner,
        "jurisdiction": kind.jurisdiction,
        "procedure": procedure and procedure_dict(procedure) | {"states": _words_of(kind.states())},
        "versions": [one.version for one in kind.versions],
    }


def _words_of(states: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    return {state: {"zh": zh, "en": en} for state, (zh, en) in states.items()}


def procedure_dict(procedure: Procedure) -> dict[str, Any]:
    """One version of a procedure: its states, steps and clocks."""
    return {
        "initial": procedure.initial,
        "version": procedure.version,
        "states": _words_of(procedure.states),
        "transitions": [transition_dict(step) for step in procedure.transitions],
        "clocks": [
            {"name": one.name, "zh": one.zh, "en": one.en, "unit": one.unit, "amount": one.amount, "rule": one.rule,
             "extends": [{"step": each.step, "amount": each.amount, "rule": each.rule, "given": each.given,
                          "most": each.most} for each in one.extends]}
            for one in procedure.clocks
        ],
    }  # fmt: skip


def csv_bytes(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str] | None = None) -> bytes:
    """Rows as CSV in UTF-8 with BOM, so that spreadsheets see Chinese. Nested values become JSON text.

    A text that a spreadsheet would run as a formula is led by an apostrophe; numbers are left alone.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row)) or list(labels or {})
    return b"".join(csv_pieces([rows], columns, labels))


def csv_pieces(
    portions: Iterable[Sequence[Mapping[str, Any]]], columns: Sequence[str], labels: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """`csv_bytes` piece by piece, of rows that come in portions."""
    out = io.StringIO("\ufeff")
    out.seek(1)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([(labels or {}).get(name, name) for name in columns])
    for rows in portions:
        for row in rows:
            writer.writerow([csv_cell(row.get(name)) for name in columns])
        yield out.getvalue().encode("utf-8", "replace")
        out.seek(0)
        out.truncate()
    if left := out.getvalue():
        yield left.encode("utf-8", "replace")


def csv_cell(value: Any) -> str:
    """A value as a CSV has it; a text that a spreadsheet would run as a formula is guarded."""
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and text[0] in "=+-@\t\r" and not isinstance(value, int | float) and not _numeric(text):
        return "'" + text
    return text


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
