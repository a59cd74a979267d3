"""Record types of enterprises, their facilities and permits."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.registry import identifiers, uscc
from jinyun.kernel.records import Field, RecordType

DIVISION = r"[1-9]\d{5}(\d{3}|\d{6})?"
"""GB/T 2260 county code, with the township's or village's digits where known."""

JURISDICTION = Field(
    "jurisdiction", "辖区", "Jurisdiction", pattern=DIVISION, indexed=True,
    help_zh="行政区划代码（GB/T 2260），如 500109", help_en="Division code (GB/T 2260), e.g. 500109",
)  # fmt: skip


def facility_problem(code: str) -> str:
    """A facility's code within its source: HJ 608-2017."""
    return identifiers.facility(code).why


MANAGEMENT: Mapping[str, tuple[str, str]] = {
    "key": ("重点管理", "Key management"),
    "simplified": ("简化管理", "Simplified management"),
    "registration": ("登记管理", "Registration"),
}
"""Classes of the list of pollutant permits (2019)."""

KEY_UNITS: Mapping[str, tuple[str, str]] = {
    "water": ("水环境", "Water"),
    "air": ("大气环境", "Air"),
    "soil": ("土壤污染监管", "Soil"),
    "noise": ("噪声", "Noise"),
    "risk": ("环境风险管控", "Environmental risk"),
}

ENTERPRISE = RecordType(
    id="enterprise",
    zh="排污单位",
    en="Enterprise",
    write_roles=("officer",),
    fields=(
        Field("name", "单位名称", "Name", required=True),
        Field(
            "uscc", "统一社会信用代码", "Unified social credit code", indexed=True, check=uscc.problem,
            help_zh="18 位，末位为校验码（GB 32100-2015）", help_en="18 characters, the last a check (GB 32100-2015)",
        ),
        Field(
            "industry", "行业代码", "Industry code", pattern=r"[A-T]?\d{2,4}", indexed=True,
            help_zh="GB/T 4754-2017，2 至 4 位", help_en="GB/T 4754-2017, 2 to 4 digits",
        ),
        Field("address", "地址", "Address"),
        Field("place", "位置", "Place", kind="place"),
        JURISDICTION,
        Field("contact", "环保联系人", "Contact person", personal=True),
        Field("phone", "联系电话", "Phone", pattern=r"[\d+() -]{5,24}", personal=True),
        Field("management", "排污许可管理类别", "Management class", kind="code", codes=MANAGEMENT, indexed=True),
        Field("legal_person", "法定代表人", "Legal representative", personal=True),
        Field("key_unit", "重点排污单位类别", "Key discharger of", kind="code", many=True, codes=KEY_UNITS),
    ),
    listed=("name", "uscc", "industry", "jurisdiction", "address"),
)  # fmt: skip

FACILITY_KINDS: Mapping[str, tuple[str, str]] = {
    "production": ("生产设施", "Production"),
    "water_treatment": ("废水治理设施", "Wastewater treatment"),
    "gas_treatment": ("废气治理设施", "Waste-gas treatment"),
    "solid_waste": ("固废贮存处置设施", "Storage or disposal of waste"),
    "hazardous_waste": ("危废贮存设施", "Storage of hazardous waste"),
    "noise_control": ("噪声防治设施", "Noise control"),
    "emergency": ("应急设施", "Emergency basin or store"),
    "monitoring": ("监测设施", "Monitoring house"),
    "other": ("其他", "Other"),
}

FACILITY = RecordType(
    id="facility",
    zh="设施",
    en="Facility",
    jurisdiction="enterprise.jurisdiction",
    write_roles=("officer", "inspector"),
    fields=(
        Field("name", "设施名称", "Name", required=True, indexed=True),
        Field(
            "code", "设施编号", "Facility code", indexed=True, check=facility_problem,
            help_zh="HJ 608-2017：生产 MF、废水治理 TW、废气治理 TA 加序号",
            help_en="HJ 608-2017: MF production, TW wastewater, TA waste-gas treatment, and a number",
        ),
        Field("kind", "类型", "Kind", kind="code", codes=FACILITY_KINDS, required=True, indexed=True),
        Field("enterprise", "排污单位", "Enterprise", kind="reference", to="enterprise", required=True, indexed=True),
        Field("process", "工艺", "Process"),
        Field("capacity", "设计能力", "Capacity", kind="number", minimum="0"),
        Field("capacity_unit", "能力单位", "Unit of the capacity", help_zh="如 t/d、m3/h", help_en="e.g. t/d, m3/h"),
        Field("place", "位置", "Place", kind="place"),
        Field("commissioned", "投运日期", "In use since", kind="date"),
        Field("retired", "停用日期", "Out of use since", kind="date"),
        Field("photos", "照片", "Photos", kind="file", many=True),
        Field("note", "备注", "Note", kind="long_text"),
    ),
    listed=("name", "code", "kind", "enterprise", "capacity", "capacity_unit"),
)  # fmt: skip

PERMIT = RecordType(
    id="permit",
    zh="排污许可证",
    en="Pollutant permit",
    title="number",
    jurisdiction="enterprise.jurisdiction",
    write_roles=("officer",),
    fields=(
        Field(
            "number", "证书编号", "Number", required=True, identifies=True, pattern=r"[0-9A-Z]{22}",
            help_zh="18 位统一社会信用代码加 3 位序号和校验位", help_en="Credit code, three digits and a check",
        ),
        Field("enterprise", "排污单位", "Enterprise", kind="reference", to="enterprise", required=True, indexed=True),
        Field("management", "管理类别", "Management class", kind="code", codes=MANAGEMENT, indexed=True),
        Field("authority", "发证机关", "Issued by"),
        Field("issued_on", "发证日期", "Issued on", kind="date"),
        Field("valid_from", "有效期始", "Valid from", kind="date"),
        Field("valid_to", "有效期止", "Valid to", kind="date", indexed=True, help_zh="含当日",
              help_en="This day included"),
        Field("scan", "证书扫描件", "Scan", kind="file"),
        Field("note", "备注", "Note", kind="long_text"),
    ),
    listed=("number", "enterprise", "management", "valid_from", "valid_to"),
)  # fmt: skip
