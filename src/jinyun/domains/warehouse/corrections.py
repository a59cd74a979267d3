"""Corrections of readings, made in sessions: drafted, previewed, accepted or dropped. Pure.

An edit never overwrites: accepting a session gives the readings it touches a new version that carries author, reason
and session. What was received stays, and every question "as of" an earlier moment is answered by what stood then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from functools import cache
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.records import Field, Missing, Procedure, RecordType, Transition
from jinyun.kernel.tables import csv_rows
from jinyun.kernel.terms import CHINA, Flag, Period, Stat

PACKAGE = "jinyun.domains.warehouse"
LIMIT_TYPES = ("permit_limit", "standard_limit")
PLACES = 6
"""Decimals a stored value has."""

KINDS: Mapping[str, tuple[str, str]] = {
    "set": ("改值", "Set a value"),
    "flag": ("标记", "Set a flag"),
    "restore": ("恢复为原收数据", "Back to what was received"),
    "substitute": ("替代", "Substitute"),
    "transform": ("再校准", "Re-calibrate"),
    "withdraw": ("撤销前次更正", "Withdraw an earlier session"),
    "limit": ("更改限值", "Change a limit"),
}
SYSTEM_ONLY = ("system",)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is corrected; `flag` is the flag it suggests."""

    code: str
    zh: str
    en: str
    flag: Flag
    source: str


@cache
def reasons() -> Mapping[str, Reason]:
    """Reasons by code."""
    return {
        row["code"]: Reason(row["code"], row["zh"], row["en"], Flag[row["flag"]], row["source"])
        for row in csv_rows(PACKAGE, "correction_reasons.csv")
    }


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a session. Which fields count depends on `kind`; empty choices mean all series of the site."""

    kind: str
    site: str = ""
    factors: tuple[str, ...] = ()
    stats: tuple[Stat, ...] = ()
    periods: tuple[Period, ...] = ()
    start: int = 0  # [s]
    end: int = 0  # not included [s]
    value: Decimal | None = None  # [canonical unit]
    flag: Flag | None = None
    a: Decimal = Decimal(1)
    b: Decimal = Decimal(0)  # [canonical unit]
    version: str = ""  # of a transform, e.g. "2026-11 co-location"
    session: str = ""  # withdrawn by a withdraw
    record_type: str = ""
    record: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


def checked_edit(data: Mapping[str, Any]) -> dict[str, Any]:
    """An edit as sessions keep it: times in s, numbers as plain decimal text, lists for choices.

    Raises
    ------
    BadInput
        Naming the field that is wrong and what would work.
    """
    kind = str(data.get("kind") or "")
    if kind not in KINDS:
        raise BadInput(f"no edit of kind {kind!r}", field="kind", hint=f"one of {', '.join(KINDS)}")
    if kind == "withdraw":
        return {"kind": kind, "session": _text(data, "session")}
    if kind == "limit":
        record_type = str(data.get("type") or "permit_limit")
        if record_type not in LIMIT_TYPES:
            raise BadInput(f"{record_type!r} is no limit", field="type", hint=f"one of {', '.join(LIMIT_TYPES)}")
        changes = data.get("changes")
        if not isinstance(changes, Mapping) or not changes:
            raise BadInput("a change of a limit needs its changes", field="changes", hint='for example {"limit": "40"}')
        return {"kind": kind, "type": record_type, "id": _text(data, "id"), "changes": dict(changes)}
    return _of_readings(kind, data)


def _of_readings(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    clean: dict[str, Any] = {
        "kind": kind,
        "site": _text(data, "site"),
        "factors": _many(data, "factors", "factor"),
        "stats": [_named(Stat, one, "stat").name for one in _many(data, "stats", "stat")],
        "periods": [_named(Period, one, "period").name for one in _many(data, "periods", "period")],
    }
    start, end = _span(data)
    clean |= {"from": start, "to": end}
    if kind in ("set", "substitute"):
        for name, field_name in (("factors", "factor"), ("stats", "stat"), ("periods", "period")):
            if len(clean[name]) != 1:
                raise BadInput(f"{KINDS[kind][1]} is for one series", field=field_name, hint=f"give one {field_name}")
        clean["value"] = _number(data, "value")
        flag = data.get("flag") or ("NORMAL" if kind == "set" else "SUBSTITUTED")
        clean["flag"] = _named(Flag, flag, "flag").name
    elif kind == "flag":
        clean["flag"] = _named(Flag, data.get("flag"), "flag").name
    elif kind == "transform":
        clean |= {"a": _number(data, "a", "1"), "b": _number(data, "b", "0"), "version": str(data.get("version") or "")}
        if len(clean["factors"]) != 1:
            raise BadInput("a transform is for one factor", field="factor", hint="its a and b are of that factor")
        if clean["a"] == "1" and clean["b"] == "0":
            raise BadInput("1·x + 0 changes nothing", field="a", hint="give a and b of a·x + b")
    if note := str(data.get("note") or ""):
        clean["note"] = note[:500]
    return clean


def edit_of(data: Mapping[str, Any]) -> Edit:
    """The edit that `checked_edit` gave as data."""
    kind = data["kind"]
    if kind == "withdraw":
        return Edit(kind, session=data["session"])
    if kind == "limit":
        return Edit(kind, record_type=data["type"], record=data["id"], changes=data["changes"])
    return Edit(
        kind, data["site"], tuple(data["factors"]), tuple(Stat[one] for one in data["stats"]),
        tuple(Period[one] for one in data["periods"]), data["from"], data["to"],
        Decimal(data["value"]) if data.get("value") is not None else None,
        Flag[data["flag"]] if data.get("flag") else None,
        Decimal(data.get("a", "1")), Decimal(data.get("b", "0")), data.get("version", ""),
    )  # fmt: skip


def linear(millionths: int, a: Decimal, b: Decimal) -> int:
    """a·x + b, exact, then rounded to what is stored by half-even (GB/T 8170). [1e-6 canonical unit]"""
    with localcontext() as context:
        context.prec = 60
        exact = a * millionths + b.scaleb(PLACES)
        return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def digest_of(edits: Sequence[Mapping[str, Any]]) -> str:
    """What a preview was made for: a session that was edited since must be previewed again."""
    text = json.dumps(list(edits), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def previewed_as_it_is(data: Mapping[str, Any], _: Mapping[str, Any]) -> Sequence[Missing]:
    """Guard of accepting: the edits are those that were previewed."""
    if data.get("previewed_digest") == digest_of(data.get("edits") or ()):
        return ()
    return (Missing("preview", "更正内容在预览后有改动，请重新预览", "edited since its preview: preview it again"),)


# --- checks --------------------------------------------------------------------------------------------------------


def _text(data: Mapping[str, Any], name: str) -> str:
    text = str(data.get(name) or "").strip()
    if not text:
        raise BadInput(f"this edit needs {name}", field=name)
    return text


def _many(data: Mapping[str, Any], many: str, one: str) -> list[str]:
    given = data.get(many) if data.get(many) is not None else data.get(one)
    if given in (None, "", "*"):
        return []
    if isinstance(given, list | tuple):
        return [str(part) for part in given]
    return [part.strip() for part in str(given).split(",") if part.strip()]


def _named(kind: Any, name: Any, field_name: str) -> Any:
    try:
        return kind[str(name or "").upper()]
    except KeyError:
        known = ", ".join(member.name for member in kind)
        raise BadInput(f"{name!r} is no {field_name}", field=field_name, hint=f"one of {known}") from None


def _span(data: Mapping[str, Any]) -> tuple[int, int]:
    if data.get("time") is not None:
        at = _instant(data["time"], "time")
        return at, at + 1
    for name in ("from", "to"):
        if data.get(name) is None:
            hint = "time of one reading, or from and to of a stretch"
            raise BadInput(f"this edit needs {name}", field=name, hint=hint)
    start, end = _instant(data["from"], "from"), _instant(data["to"], "to")
    if end <= start:
        raise BadInput("a stretch ends after it begins", field="to", hint="to is not included")
    return start, end


def _instant(value: Any, field_name: str) -> int:
    """Seconds, or a date and time; without a zone it is China time."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        hint = "seconds since 1970, or 2026-11-22T08:00"
        raise BadInput(f"{value!r} is no moment", field=field_name, hint=hint) from None
    return int((when if when.tzinfo else when.replace(tzinfo=CHINA)).timestamp())


def _number(data: Mapping[str, Any], name: str, default: str | None = None) -> str:
    given = data.get(name)
    if given in (None, ""):
        if default is None:
            raise BadInput(f"this edit needs {name}", field=name, hint="a number in the factor's canonical unit")
        return default
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        raise BadInput(f"{given!r} is no number", field=name) from None
    if not number.is_finite():
        raise BadInput(f"{given!r} is no finite number", field=name)
    return format(number, "f")


# --- the register ----------------------------------------------------------------------------------------------------

CORRECTION = RecordType(
    id="correction",
    zh="数据更正",
    en="Correction",
    title="title",
    fields=(
        Field("title", "标题", "Title", required=True),
        Field("reason", "原因", "Reason", required=True, indexed=True),
        Field("reason_text", "原因说明", "Reason in words", kind="long_text", required=True),
        Field("author", "更正人", "Author", required=True, indexed=True),
        Field("edits", "更正内容", "Edits", kind="json", many=True),
        Field("evidence", "依据材料", "Evidence", many=True),
        Field("sites", "点位", "Sites", kind="reference", to="site", many=True, indexed=True),
        Field("counts", "影响数量", "Counts", kind="json"),
        Field("previewed_digest", "预览校验", "Digest of what was previewed"),
        Field("data_digest", "预览所见数据校验", "Digest of the data the preview saw"),
        Field("previewed_at", "预览时间", "Previewed at", kind="datetime"),
        Field("accepted_by", "接受人", "Accepted by"),
        Field("accepted_at", "接受时间", "Accepted at", kind="datetime"),
        Field(
            "cascade", "级联状态", "Cascade", kind="code", indexed=True,
            codes={"pending": ("进行中", "Under way"), "done": ("完成", "Done")},
        ),
        Field("done_at", "完成时间", "Done at", kind="datetime"),
        Field("limits_before", "更改前的限值", "Limits before", kind="json"),
        Field("withdrawn_by", "被撤销于", "Withdrawn by", kind="reference", to="correction"),
    ),
    procedure=Procedure(
        initial="draft",
        states={
            "draft": ("草稿", "Draft"),
            "previewed": ("已预览", "Previewed"),
            "accepted": ("已接受", "Accepted"),
            "dropped": ("已放弃", "Dropped"),
        },
        transitions=(
            Transition("edit", "编辑", "Edit", ("draft", "previewed"), "draft", by=SYSTEM_ONLY),
            Transition("preview", "预览", "Preview", ("draft", "previewed"), "previewed", by=SYSTEM_ONLY),
            Transition(
                "accept", "接受", "Accept", ("previewed",), "accepted", by=SYSTEM_ONLY, guards=(previewed_as_it_is,)
            ),
            Transition("drop", "放弃", "Drop", ("draft", "previewed"), "dropped", by=SYSTEM_ONLY),
        ),
    ),
    listed=("title", "reason", "author", "sites", "accepted_at", "cascade"),
)  # fmt: skip
"""Its steps are the house's: `app.services.corrections` takes them for a person and names that person."""

RECORDS: tuple[RecordType, ...] = (CORRECTION,)
