"""Patrols of river chiefs 巡河, with the reaches and cells that say whose a place is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from jinyun.domains.supervision.fields import JURISDICTION, NOTE, OWNER, PHOTOS
from jinyun.domains.supervision.patrol import patrol_counts
from jinyun.kernel.records import Field, Missing, Procedure, RecordType, Transition

RANKS: Mapping[str, tuple[str, str]] = {
    "county": ("区县级河长", "County chief"),
    "town": ("乡镇级河长", "Town chief"),
    "village": ("村级河长", "Village chief"),
}
WHY_NOT: Mapping[str, tuple[str, str]] = {
    "too_short": ("时长不足", "it was too short"),
    "too_near": ("里程不足", "it was not far enough"),
    "too_soon": ("距上次巡河间隔不足", "it was too soon after the last"),
}


def minutes_of(data: Mapping[str, Any]) -> Decimal:
    """How long a patrol was. [min]"""
    begun, ended = (datetime.fromisoformat(str(data[name])) for name in ("started", "ended"))
    return Decimal(int((ended - begun).total_seconds())) / 60


def countable(data: Mapping[str, Any], context: Mapping[str, Any]) -> Sequence[Missing]:
    """A patrol counts by time, length and distance in time from the chief's last one that counted.

    `context`: ``hours_since_last`` as decimal text [h]; without it this is the first.
    """
    since = context.get("hours_since_last")
    found = patrol_counts(
        str(data["rank"]),
        minutes_of(data),
        Decimal(str(data.get("km") or 0)),
        None if since is None else Decimal(since),
    )
    return [Missing(f"patrol:{why}", *WHY_NOT[why]) for why in found.reasons]


PATROL = RecordType(
    id="patrol",
    zh="巡河记录",
    en="Patrol",
    title="river",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer", "inspector", "unit_officer"),
    fields=(
        Field("river", "河流", "River", required=True, indexed=True),
        Field("reach", "河段", "Reach", kind="reference", to="river_reach"),
        Field("chief", "河长", "Chief", required=True, indexed=True),
        Field("rank", "级别", "Rank", kind="code", codes=RANKS, required=True, indexed=True),
        Field("started", "开始", "Started", kind="datetime", required=True, indexed=True),
        Field("ended", "结束", "Ended", kind="datetime", required=True),
        Field("km", "里程", "Length", kind="number", unit="km", minimum="0", maximum="200"),
        Field("route", "轨迹", "Route", kind="json", many=True,
              help_zh="[经度, 纬度, 时刻]", help_en="[longitude, latitude, moment]"),
        Field("joint", "联合或交叉巡河", "Joint or crossed", kind="bool"),
        Field("with_units", "共同单位", "Together with", many=True),
        Field("findings", "发现问题", "Findings", kind="json", many=True),
        PHOTOS,
        Field("case", "工单", "Case", kind="reference", to="case"),
        OWNER,
        JURISDICTION,
        NOTE,
    ),
    procedure=Procedure(
        initial="recorded",
        states={
            "recorded": ("已记录", "Recorded"),
            "counted": ("已计入", "Counted"),
            "not_counted": ("不计入", "Not counted"),
        },
        transitions=(
            Transition(
                "add_finding", "登记问题", "Add a finding", ("recorded", "counted"), "",
                by=("officer", "inspector", "unit_officer"), needs=("text",),
                fields=(Field("text", "问题", "Finding", kind="long_text"), PHOTOS), appends={"findings": "text"},
                emits="patrol_finding",
            ),
            Transition(
                "count", "计入", "Count", ("recorded",), "counted", by=("officer", "unit_officer", "system"),
                guards=(countable,),
            ),
            Transition(
                "set_aside", "不计入", "Do not count", ("recorded",), "not_counted", needs=("note",), fields=(NOTE,)
            ),
        ),
    ),
    listed=("river", "chief", "rank", "started", "km", "joint"),
)  # fmt: skip


def ring_problem(value: Any) -> str:
    """A corner of a cell: [longitude, latitude]."""
    try:
        lon, lat = (float(one) for one in value)
    except (TypeError, ValueError):
        return "a corner is [longitude, latitude]"
    return "" if -180 <= lon <= 180 and -90 <= lat <= 90 else "longitude lies in -180…180 and latitude in -90…90"


CELL = RecordType(
    id="cell",
    zh="网格",
    en="Cell",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("name", "网格名称", "Name", required=True, indexed=True),
        Field("ring", "边界", "Border", kind="json", many=True, required=True, check=ring_problem,
              help_zh="逐点 [经度, 纬度]，不少于 3 点", help_en="Corners [longitude, latitude], three at least"),
        OWNER,
        Field("kinds", "受理类别", "Kinds of cases", many=True, help_zh="空为全部", help_en="Empty: all"),
        JURISDICTION,
        NOTE,
    ),
    listed=("name", "owner", "kinds", "jurisdiction"),
)  # fmt: skip

RIVER_REACH = RecordType(
    id="river_reach",
    zh="河段",
    en="River reach",
    jurisdiction="jurisdiction",
    owner="owner",
    write_roles=("officer",),
    fields=(
        Field("name", "河段名称", "Name", required=True, indexed=True),
        Field("river", "河流", "River", required=True, indexed=True),
        Field("from_km", "起点里程", "From", kind="number", unit="km", minimum="0", required=True,
              help_zh="自河源起算", help_en="From the head of the river"),
        Field("to_km", "终点里程", "To", kind="number", unit="km", minimum="0", required=True),
        Field("chief", "河长", "Chief"),
        OWNER,
        Field("kinds", "受理类别", "Kinds of cases", many=True, help_zh="空为全部", help_en="Empty: all"),
        JURISDICTION,
    ),
    listed=("name", "river", "from_km", "to_km", "chief", "owner"),
)  # fmt: skip

RECORDS = (CELL, RIVER_REACH, PATROL)
