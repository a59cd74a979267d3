"""Record types `unit` (单位) and `duty` (值班). Ids and field names bind all rooms."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.kernel.records import Field, RecordType

UNIT_KINDS: Mapping[str, tuple[str, str]] = {
    "bureau": ("生态环境部门", "Environment authority"),
    "enforcement": ("执法队伍", "Enforcement team"),
    "station": ("监测站", "Monitoring station"),
    "government": ("地方政府", "Local government"),
    "township": ("乡镇街道", "Township"),
    "department": ("其他部门", "Other department"),
    "enterprise": ("企业", "Enterprise"),
    "neighbour": ("毗邻单位", "Neighbouring bureau"),
}

PLACE = r"\*|[1-9]\d{1,11}|cell:[^\s,]{1,80}"
"""A jurisdiction as rights know it: a division code or the beginning of one, ``cell:ID``, or ``*`` for all."""

UNIT = RecordType(
    id="unit",
    zh="单位",
    en="Unit",
    write_roles=("officer",),
    fields=(
        Field("name", "名称", "Name", required=True, indexed=True),
        Field("kind", "类别", "Kind", kind="code", codes=UNIT_KINDS, required=True, indexed=True),
        Field("parent", "上级单位", "Parent unit", kind="reference", to="unit", indexed=True),
        Field(
            "jurisdictions", "辖区", "Jurisdictions", many=True, pattern=PLACE, indexed=True,
            help_zh="行政区划代码（GB/T 2260，含乡镇 9 位）、cell:网格编号，或 * 表示全部",
            help_en="Division codes (GB/T 2260, townships of 9 digits), cell:ID, or * for all",
        ),
        Field("contact", "联系人", "Contact", personal=True),
        Field("phone", "联系电话", "Phone", pattern=r"[\d+() -]{5,24}", personal=True),
    ),
    listed=("name", "kind", "parent", "jurisdictions"),
)  # fmt: skip

DUTY = RecordType(
    id="duty",
    zh="值班",
    en="Duty",
    title="person",
    write_roles=("officer", "leader"),
    fields=(
        Field("unit", "单位", "Unit", kind="reference", to="unit", required=True, indexed=True),
        Field("person", "值班人", "Person on duty", kind="person", required=True, indexed=True),
        Field("from", "开始", "From", kind="datetime", required=True, indexed=True),
        Field("to", "结束", "To", kind="datetime", required=True, indexed=True),
        Field(
            "kinds", "受理类别", "Kinds of matters", many=True, indexed=True,
            help_zh="工单类别，空为全部", help_en="Kinds of cases; empty: all",
        ),
    ),
    listed=("unit", "person", "from", "to", "kinds"),
)  # fmt: skip

RECORDS: tuple[RecordType, ...] = (UNIT, DUTY)
