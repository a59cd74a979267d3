"""Fields and codes that several registers of supervision share."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.kernel.records import Field

LEVEL_HELP_ZH = "1 特别严重，2 严重，3 较重，4 一般（提示）"
LEVEL_HELP_EN = "1 most serious … 4 a hint"

DIVISION = r"[1-9]\d{5}(\d{3}|\d{6})?"
"""GB/T 2260 county code, with the township's or village's digits where known."""

JURISDICTION = Field(
    "jurisdiction", "辖区", "Jurisdiction", pattern=DIVISION, indexed=True,
    help_zh="行政区划代码（GB/T 2260），如 500109", help_en="Division code (GB/T 2260), e.g. 500109",
)  # fmt: skip

OWNER = Field("owner", "承办单位", "Owner", indexed=True, help_zh="单位编号或名称", help_en="Id or name of a unit")

MATTER_KINDS: Mapping[str, tuple[str, str]] = {
    "air": ("大气", "Air"),
    "odour": ("异味", "Odour"),
    "noise": ("噪声", "Noise"),
    "water": ("水", "Water"),
    "solid_waste": ("固体废物", "Solid waste"),
    "soil": ("土壤", "Soil"),
    "ecology": ("生态", "Ecology"),
    "radiation": ("辐射", "Radiation"),
    "other": ("其他", "Other"),
}
"""Classes of complaints and inspection items: project choice after business_rules.md 3.1."""

SATISFACTION: Mapping[str, tuple[str, str]] = {
    "satisfied": ("满意", "Satisfied"),
    "basic": ("基本满意", "Mostly satisfied"),
    "not_satisfied": ("不满意", "Not satisfied"),
    "no_answer": ("未评价", "No answer"),
}

PLACE = Field("place", "位置", "Place", kind="place")
EVIDENCE = Field("evidence", "佐证材料", "Evidence", kind="file", many=True)
PHOTOS = Field("photos", "照片", "Photos", kind="file", many=True)


def text(name: str, zh: str, en: str) -> Field:
    """A long text of a step."""
    return Field(name, zh, en, kind="long_text")


REASON = text("reason", "理由", "Reason")
NOTE = text("note", "说明", "Note")
