"""宁静工地 Quiet building sites: a register of one file, for the node's folder ``registers``."""

from jinyun.kernel.records import ClockRule, Escalation, Field, Missing, Procedure, RecordType, Transition

KINDS = {"home": ("住宅工地", "Homes"), "school": ("学校工地", "School"), "hospital": ("医院工地", "Hospital")}


def quiet(record, _context):
    """The night level measured on the spot must attain 45 dB(A)."""
    if record["night_db"] is not None and float(record["night_db"]) <= 45:
        return ()
    return (Missing("night", "夜间实测值须不高于45 dB(A)", "the night level must not exceed 45 dB(A)"),)


REGISTER = RecordType(
    id="quiet_site", zh="宁静工地", en="Quiet building site", owner="unit", jurisdiction="site.jurisdiction",
    fields=(
        Field("name", "名称", "Name", required=True, indexed=True),
        Field("number", "文号", "Number", identifies=True, pattern=r"NX-\d{3}", help_zh="形如 NX-001"),
        Field("kind", "类型", "Kind", kind="code", codes=KINDS, required=True, indexed=True),
        Field("site", "监测点位", "Site", kind="reference", to="site", required=True),
        Field("contact", "联系电话", "Contact", personal=True),
        Field("night_db", "夜间实测值", "Night level", kind="number", unit="dB(A)", minimum="0", maximum="140"),
        Field("cost", "投入", "Cost", kind="money", unit="万元", minimum="0"),
        Field("since", "申报日期", "Applied on", kind="date", indexed=True),
        Field("photos", "照片", "Photos", kind="file", many=True),
        Field("unit", "承办单位", "Unit", indexed=True),
    ),
    procedure=Procedure(
        initial="applied",
        states={"applied": ("已申报", "Applied"), "waiting": ("待补正", "Waiting for papers"),
                "named": ("已命名", "Named"), "refused": ("不予命名", "Refused")},
        transitions=(
            Transition("ask", "要求补正", "Ask for papers", ("applied",), "waiting", needs=("what",),
                       fields=(Field("what", "补正内容", "What is missing", kind="long_text"),)),
            Transition("answer", "已补正", "Papers came", ("waiting",), "applied"),
            Transition("name", "命名", "Name it", ("applied",), "named", guards=(quiet,)),
            Transition("refuse", "不予命名", "Refuse", ("applied",), "refused"),
        ),
        clocks=(
            ClockRule("decide", "审定时限", "Time to decide", "day", 20, starts=("applied",), pauses=("waiting",),
                      stops=("named", "refused"),
                      escalate=(Escalation("soon", "将到期", "Due soon", "80%", "officer"),)),
        ),
    ),
)  # fmt: skip
