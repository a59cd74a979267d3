"""Record types of the registry. Ids and field names are binding for all rooms; words as in docs/nomenclature.md."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.domains.registry.records_enterprises import ENTERPRISE, FACILITY, JURISDICTION, PERMIT
from jinyun.kernel.errors import UnknownFactor
from jinyun.kernel.factors import factor as known_factor
from jinyun.kernel.records import Field, RecordType
from jinyun.kernel.terms import SITE_KINDS

SITE_KIND_WORDS: Mapping[str, tuple[str, str]] = {
    "water_section": ("水质断面", "Water section"),
    "water_micro": ("水质微站", "Water micro-station"),
    "air_station": ("空气自动站", "Air station"),
    "air_micro": ("空气微站", "Air micro-station"),
    "water_outlet": ("废水排放口", "Wastewater outlet"),
    "stack_outlet": ("废气排放口", "Stack outlet"),
    "river_outlet": ("入河排污口", "River outlet"),
    "noise_station": ("噪声自动站", "Noise station"),
    "noise_boundary": ("厂界噪声点", "Boundary noise point"),
}
if set(SITE_KIND_WORDS) != set(SITE_KINDS):
    raise ValueError("registry: every kind of kernel.terms.SITE_KINDS needs its words, and only those")

AIR_POINTS: Mapping[str, tuple[str, str]] = {
    "assessment": ("评价点", "Assessment point"),
    "background": ("背景点（对照点）", "Background point"),
    "roadside": ("路边点", "Roadside point"),
}
"""Kinds of air points: HJ 664."""

AIR_ITEMS: Mapping[str, tuple[str, str]] = {
    name: (known_factor(name).zh, known_factor(name).en) for name in ("so2", "no2", "co", "o3", "pm10", "pm2_5")
}

WATER_CLASSES = ("1", "5")  # GB 3838-2002: a target is Class I to V


def factor_problem(factor_id: str) -> str:
    """A factor is named by its id of the one dictionary; "" when it is known."""
    try:
        known_factor(factor_id)
    except UnknownFactor as wrong:
        return str(wrong)
    return ""


SITE = RecordType(
    id="site",
    zh="监测点位",
    en="Monitoring site",
    write_roles=("officer",),
    fields=(
        Field("name", "点位名称", "Name", required=True),
        Field("kind", "点位类型", "Kind", kind="code", codes=SITE_KIND_WORDS, required=True, indexed=True),
        Field("place", "位置", "Place", kind="place"),
        JURISDICTION,
        Field("enterprise", "所属单位", "Enterprise", kind="reference", to="enterprise", indexed=True),
        Field("river", "河流", "River", indexed=True),
        Field(
            "order_km", "距河源里程", "Distance from the head of the river", kind="number", unit="km", minimum="0",
            help_zh="自河源起算，越往下游越大", help_en="Grows downstream",
        ),
        Field("upstream", "上游点位", "Sites upstream", kind="reference", to="site", many=True),
        Field(
            "target_class", "目标水质类别", "Target water class", kind="integer",
            minimum=WATER_CLASSES[0], maximum=WATER_CLASSES[1],
            help_zh="GB 3838-2002：1–5 对应Ⅰ–Ⅴ类", help_en="GB 3838-2002: 1 to 5 stand for Class I to V",
        ),
        Field(
            "body", "水体类型", "Water body", kind="code",
            codes={"river": ("河流", "River"), "lake": ("湖库", "Lake or reservoir")},
        ),
        Field(
            "zone", "功能区", "Function zone",
            help_zh="环境空气、声环境或水功能区；噪声点位填 0、1、2、3、4a 或 4b（GB 3096-2008）",
            help_en="Air, noise or water function zone; of noise sites 0, 1, 2, 3, 4a or 4b (GB 3096-2008)",
        ),
        Field(
            "day_hours", "昼间时段", "Hours of the day part", pattern=r"\d{1,2}-\d{1,2}",
            help_zh="噪声点位：当地政府另有划分时填写，如 7-23；空为 6-22",
            help_en="Noise sites, where the local government shifted them, e.g. 7-23; empty is 6-22",
        ),
        Field(
            "point_kind", "空气点位性质", "Kind of air point", kind="code", codes=AIR_POINTS,
            help_zh="背景点、路边点不参加城市评价；空为评价点",
            help_en="Only assessment points make a city's value; empty is one",
        ),
        Field(
            "not_monitored", "按计划不监测项目", "Items not monitored by plan", kind="code", many=True, codes=AIR_ITEMS,
            help_zh="HJ 633-2026 5.3：三年内从未在污染日为首要污染物的项目，以“/”表示",
            help_en="HJ 633-2026 5.3: never primary on a polluted day in three years; shown as /",
        ),
        Field("note", "备注", "Note", kind="long_text"),
    ),
    listed=("name", "kind", "jurisdiction", "enterprise", "river", "target_class"),
)  # fmt: skip

OUTLET = RecordType(
    id="outlet",
    zh="排放口",
    en="Outlet",
    write_roles=("officer",),
    fields=(
        Field("name", "排放口名称", "Name", required=True),
        Field(
            "code", "排放口编号", "Outlet code", indexed=True,
            help_zh="HJ 608-2017：DA/DW 加三位序号；入河排污口按 HJ 1235",
            help_en="HJ 608-2017: DA or DW and three digits; river outlets by HJ 1235",
        ),
        Field(
            "kind", "类型", "Kind", kind="code", required=True, indexed=True,
            codes={
                "water": ("废水排放口", "Wastewater outlet"),
                "stack": ("废气排放口", "Stack outlet"),
                "river": ("入河排污口", "River outlet"),
            },
        ),
        Field(
            "site", "监测点位", "Site", kind="reference", to="site", required=True, indexed=True,
            help_zh="其监测数据所在的点位", help_en="The site whose readings it has",
        ),
        Field("enterprise", "排污单位", "Enterprise", kind="reference", to="enterprise", indexed=True),
        Field(
            "receiving_water", "受纳断面", "Receiving section", kind="reference", to="site", indexed=True,
            help_zh="排水流向的断面", help_en="The section it flows to",
        ),
        Field(
            "reference_o2", "基准含氧量", "Reference oxygen content", kind="number", unit="%",
            minimum="0", maximum="21",
            help_zh="折算用，按所执行的排放标准", help_en="For conversion, by the emission standard in force",
        ),
        Field("process", "工艺/设施", "Process"),
        Field(
            "standard", "执行标准", "Emission standard",
            help_zh="如 GB 18918-2002；其限值与许可限值同时执行，以较严者为准",
            help_en="e.g. GB 18918-2002; its limits hold beside the permit's, the stricter decides",
        ),
        Field(
            "standard_group", "标准中的类别", "Kind or grade in the standard",
            help_zh="如 grade_1a（一级A）、coal（燃煤锅炉）、kiln（水泥窑）", help_en="e.g. grade_1a, coal, kiln",
        ),
        Field(
            "standard_stage", "时段", "Stage", kind="code",
            codes={
                "in_use": ("现有（在用）", "In use"),
                "new": ("新建", "New"),
                "special": ("特别排放限值", "Special limits"),
            },
        ),
        Field(
            "standard_conditions", "标准中的条件", "Conditions in the standard", many=True,
            help_zh="如行业 皮革；写法与标准表的条件栏一致",
            help_en="e.g. the industry leather, as the table writes it",
        ),
        Field("fuel", "燃料", "Fuel", help_zh="如 天然气", help_en="e.g. natural_gas"),
        Field(
            "built", "建成日期", "Built", kind="date",
            help_zh="决定适用的时段或限值", help_en="Decides which limits hold",
        ),
        Field("stack_height", "排气筒高度", "Height of the stack", kind="number", unit="m", minimum="0"),
        Field(
            "buildings_height", "周围200 m最高建筑", "Highest building within 200 m", kind="number", unit="m",
            minimum="0",
            help_zh="排气筒未高出其5 m时排放速率限值减半（GB 16297）",
            help_en="A stack less than 5 m above it has half the rate limit (GB 16297)",
        ),
        Field("facilities", "治理设施", "Treatment facilities", kind="reference", to="facility", many=True),
        Field("permit", "排污许可证", "Permit", kind="reference", to="permit"),
        Field("place", "位置", "Place", kind="place"),
    ),
    listed=("name", "code", "kind", "enterprise", "site", "receiving_water"),
)  # fmt: skip

PERMIT_LIMIT = RecordType(
    id="permit_limit",
    zh="许可排放限值",
    en="Permit limit",
    title="factor",
    write_roles=("officer",),
    fields=(
        Field("outlet", "排放口", "Outlet", kind="reference", to="outlet", required=True, indexed=True),
        Field(
            "factor", "监测因子", "Factor", required=True, indexed=True, check=factor_problem,
            help_zh="因子字典中的编号，如 cod_cr", help_en="Id of the factor dictionary, e.g. cod_cr",
        ),
        Field(
            "period", "限值周期", "Period", kind="code", required=True, indexed=True,
            codes={"hour": ("小时均值", "Hourly mean"), "day": ("日均值", "Daily mean")},
        ),
        Field("limit", "限值", "Limit", kind="number", required=True, minimum="0"),
        Field(
            "unit", "单位", "Unit", required=True,
            help_zh="与因子的规范单位一致", help_en="The factor's canonical unit",
        ),
        Field(
            "converted", "折算值", "Applies to the converted value", kind="bool",
            help_zh="按基准含氧量折算后的值与限值比较",
            help_en="The value converted to reference oxygen is compared with the limit",
        ),
        Field("valid_from", "生效日", "Valid from", kind="date"),
        Field("valid_to", "截止日", "Valid to", kind="date", help_zh="含当日", help_en="This day included"),
        Field("basis", "依据", "Basis", help_zh="许可证编号或标准条款", help_en="Permit number or clause"),
        Field("permit", "排污许可证", "Permit", kind="reference", to="permit"),
    ),
    listed=("outlet", "factor", "period", "limit", "unit", "converted", "valid_from", "basis"),
)  # fmt: skip

STANDARD_LIMIT = RecordType(
    id="standard_limit",
    zh="地方标准限值",
    en="Limit of a local standard",
    title="item",
    write_roles=("officer",),
    fields=(
        Field(
            "standard", "标准", "Standard", required=True, indexed=True,
            help_zh="编号，如 DB50/963-2020；排放口按此名引用", help_en="Number, by which outlets name it",
        ),
        Field("table_no", "表号", "Table"),
        Field(
            "item", "项目", "Item", required=True, indexed=True,
            help_zh="标准表的项目代码或因子编号，如 cod_cr",
            help_en="Item code of the tables or id of a factor, e.g. cod_cr",
        ),
        Field("item_zh", "项目名称", "Item's name"),
        Field("group", "类别", "Group", help_zh="等级或设施类别；空为全部", help_en="Grade or kind; empty: all"),
        Field("condition", "条件", "Condition", help_zh="空为总是适用", help_en="Empty: always"),
        Field(
            "stage", "时段", "Stage", kind="code",
            codes={
                "in_use": ("现有（在用）", "In use"),
                "new": ("新建", "New"),
                "special": ("特别排放限值", "Special limits"),
            },
        ),
        Field(
            "period", "限值周期", "Period", kind="code",
            codes={"hourly": ("小时均值", "Hourly mean"), "daily": ("日均值", "Daily mean")},
        ),
        Field(
            "op", "比较", "Comparison", kind="code", required=True,
            codes={
                "le": ("不大于", "at most"),
                "lt": ("小于", "below"),
                "ge": ("不小于", "at least"),
                "gt": ("大于", "above"),
                "range": ("范围", "range"),
                "not_detected": ("不得检出", "not detected"),
            },
        ),
        Field("value", "限值", "Limit", kind="number"),
        Field("value_hi", "上限（范围）", "Upper end of a range", kind="number"),
        Field("unit", "单位", "Unit"),
        Field(
            "reference_o2", "基准含氧量", "Reference oxygen content", kind="number", unit="%",
            minimum="0", maximum="21",
        ),
        Field("source", "出处", "Source", required=True, help_zh="文本名称与条款", help_en="Text and clause"),
        Field("note", "备注", "Note", kind="long_text"),
        Field("valid_from", "生效日", "Valid from", kind="date"),
        Field("valid_to", "截止日", "Valid to", kind="date", help_zh="含当日", help_en="This day included"),
    ),
    listed=("standard", "item", "group", "condition", "period", "value", "unit", "valid_from"),
)  # fmt: skip
"""One row of a standard that a user adds, in the columns of the tables. It belongs to no site: every outlet that names
the standard is judged by it."""

DEVICE = RecordType(
    id="device",
    zh="数采仪",
    en="Data logger",
    write_roles=("officer",),
    fields=(
        Field(
            "mn", "设备唯一标识 MN", "Device identity (MN)", required=True, indexed=True,
            pattern=r"[0-9A-Za-z_-]{1,32}",
            help_zh="与记录编号相同。2005 版 14 位，2017 版 24 位（EPC-96 十六进制），"
            "2025 版 24 位由平台分配；地方设备有别的写法",
            help_en="Same as the record's id. 14 characters in 2005, 24 (EPC-96 in hex) in 2017, 24 assigned by "
            "the centre in 2025; other shapes are in use",
        ),
        Field("name", "名称", "Name"),
        Field("site", "点位", "Site", kind="reference", to="site", indexed=True),
        Field(
            "system", "系统编码 ST", "System code (ST)", pattern=r"[0-9A-Z]{2}",
            help_zh="如 21 地表水、22 空气、31 废气、32 废水；空则从其所报",
            help_en="e.g. 21 surface water, 22 air, 31 stack, 32 wastewater; empty takes what the device says",
        ),
        Field(
            "edition", "协议版本", "Edition of HJ 212", kind="code",
            codes={
                "auto": ("自动识别", "Detected"),
                "2005": ("HJ/T 212-2005", "HJ/T 212-2005"),
                "2017": ("HJ 212-2017", "HJ 212-2017"),
                "2025": ("HJ 212-2025", "HJ 212-2025"),
            },
        ),
        Field("password", "访问密码 PW", "Password (PW)", secret=True),
        Field(
            "crc", "另接受的校验算法", "CRC also accepted", kind="code",
            codes={
                "hj212": ("仅标准算法", "The standard's only"),
                "modbus": ("Modbus", "Modbus"),
                "modbus_swapped": ("Modbus 高低字节互换", "Modbus, bytes swapped"),
                "arc": ("CRC-16/ARC", "CRC-16/ARC"),
            },
        ),
        Field(
            "pm_unit", "颗粒物上报单位", "Unit of particles as sent", kind="code",
            codes={"ug/m3": ("微克/立方米", "µg/m³"), "mg/m3": ("毫克/立方米", "mg/m³")},
        ),
        Field(
            "encoding", "文本编码", "Text encoding", kind="code",
            codes={
                "auto": ("自动识别", "Detected"),
                "utf-8": ("UTF-8", "UTF-8"),
                "gb18030": ("GB 18030", "GB 18030"),
            },
        ),
        Field("realtime_interval", "实时数据间隔", "Real-time interval", kind="integer", unit="s", minimum="1"),
        Field("minute_interval", "分钟数据间隔", "Minute-data interval", kind="integer", unit="min", minimum="1"),
        Field(
            "always_answer", "总是应答", "Always answer", kind="bool",
            help_zh="未要求应答时也回 9014", help_en="Answer 9014 even when no answer is asked for",
        ),
        Field(
            "label_end", "以时段末为时标", "Stamps the end of the period", kind="bool",
            help_zh="设备把时标记在时段结束时刻", help_en="The device stamps the end of a period, not its start",
        ),
        Field("set_up", "首次连接初始化", "First-connection set-up", kind="bool"),
        Field("set_clock", "自动校时", "Set its clock", kind="bool"),
        Field(
            "sm4_key", "SM4 密钥", "SM4 key", secret=True, pattern=r"[0-9A-Fa-f]{32}",
            help_zh="32 位十六进制（HJ 212-2025）", help_en="32 hex digits (HJ 212-2025)",
        ),
        Field(
            "periods", "应报数据", "Data it should send", kind="code", many=True,
            codes={
                "realtime": ("实时", "Real time"),
                "minute": ("分钟", "Minute"),
                "hour": ("小时", "Hour"),
                "day": ("日", "Day"),
            },
        ),
        Field("vendor", "厂家", "Vendor"),
    ),
    listed=("mn", "name", "site", "system", "edition", "vendor"),
)  # fmt: skip

RECORDS: tuple[RecordType, ...] = (
    ENTERPRISE, SITE, FACILITY, PERMIT, OUTLET, PERMIT_LIMIT, STANDARD_LIMIT, DEVICE,
)  # fmt: skip
