"""Record types `channel` (通知渠道) and `subscription` (消息订阅). Ids and field names bind all rooms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinyun.kernel.records import Field, RecordType

CHANNEL_KINDS: Mapping[str, tuple[str, str]] = {
    "email": ("电子邮件", "E-mail"),
    "webhook": ("通用 Webhook", "Webhook (JSON)"),
    "wecom": ("企业微信群机器人", "WeCom robot"),
    "dingtalk": ("钉钉群机器人", "DingTalk robot"),
}
DIGESTS: Mapping[str, tuple[str, str]] = {
    "none": ("逐条", "One by one"),
    "hourly": ("每小时汇总", "Once an hour"),
    "daily": ("每日汇总", "Once a day"),
}
CLOCK_TIME = r"([01]\d|2[0-3]):[0-5]\d"
"""``HH:MM`` in China civil time."""
PLACE = r"\*|[1-9]\d{1,11}"
ANYBODY = ("officer", "leader", "analyst", "inspector", "unit_officer", "enterprise", "reader", "sysadmin")


def _address_problem(value: Any) -> str:
    text = str(value)
    if any(one.isspace() or not one.isprintable() for one in text):
        return "an address has no blanks or control characters"
    if text.startswith(("http://", "https://")) or text.count("@") == 1:
        return ""
    return "an e-mail address, or the https:// address of a robot or webhook"


CHANNEL = RecordType(
    id="channel",
    zh="通知渠道",
    en="Channel of notices",
    title="name",
    owner="person",
    fields=(
        Field("name", "名称", "Name", required=True),
        Field("person", "所属人", "Whose", kind="person", required=True, indexed=True),
        Field("kind", "类别", "Kind", kind="code", codes=CHANNEL_KINDS, required=True, indexed=True),
        # The key of a robot is part of its address: it is kept as a secret is.
        Field("address", "地址", "Address", required=True, secret=True, check=_address_problem),
        Field(
            "secret", "签名密钥", "Signing secret", secret=True,
            help_zh="通用 Webhook 的 HMAC 密钥，或钉钉机器人“加签”的 SEC… 密钥",
            help_en="HMAC key of a webhook, or the SEC… secret of a DingTalk robot",
        ),
        Field("lang", "语言", "Language", kind="code", codes={"zh": ("中文", "Chinese"), "en": ("英文", "English")}),
        Field("active", "启用", "Active", kind="bool", indexed=True),
    ),
    listed=("name", "person", "kind", "lang", "active"),
    read_roles=ANYBODY,
    write_roles=("officer",),
)  # fmt: skip

SUBSCRIPTION = RecordType(
    id="subscription",
    zh="消息订阅",
    en="Subscription to notices",
    title="person",
    owner="person",
    fields=(
        Field("person", "订阅人", "Person", kind="person", required=True, indexed=True),
        Field("active", "启用", "Active", kind="bool", indexed=True),
        Field("topics", "事项", "Topics", many=True, help_zh="空为全部", help_en="Empty: all"),
        Field("kinds", "工单类别或报警规则", "Kinds of cases or alarm rules", many=True),
        Field(
            "level", "最轻级别", "Mildest level", kind="integer", minimum="1", maximum="4",
            help_zh="1 特别严重 … 4 一般；空为全部", help_en="1 most serious … 4 mild; empty: all",
        ),
        Field("sites", "点位", "Sites", kind="reference", to="site", many=True),
        Field("jurisdictions", "辖区", "Jurisdictions", many=True, pattern=PLACE),
        Field("channels", "渠道", "Channels", kind="reference", to="channel", many=True,
              help_zh="页面收件箱总是有；空为仅页面", help_en="The page's inbox is always there; empty: that alone"),
        Field("quiet_from", "免打扰自", "Quiet from", pattern=CLOCK_TIME, help_zh="如 22:00", help_en="e.g. 22:00"),
        Field("quiet_to", "免打扰至", "Quiet until", pattern=CLOCK_TIME),
        Field(
            "through", "免打扰时仍送达的级别", "Level that breaks the quiet", kind="integer", minimum="0", maximum="4",
            help_zh="默认 2：一、二级仍立即送达；0 为全部暂缓", help_en="Default 2; 0: nothing does",
        ),
        Field("digest", "汇总", "Digest", kind="code", codes=DIGESTS,
              help_zh="一、二级不汇总", help_en="Levels that break the quiet are never held for it"),
        Field("digest_at", "每日汇总时间", "Digest at", pattern=CLOCK_TIME),
        Field(
            "throttle", "同一事项间隔（分钟）", "Same matter at most every", kind="integer", unit="min", minimum="0",
            maximum="10080", help_zh="间隔内的合并为一条", help_en="What comes in between is put together",
        ),
        Field("backup", "代理人", "Stand-in", kind="person",
              help_zh="未按时确认时转给此人", help_en="Told when nobody acknowledges in time"),
    ),
    listed=("person", "topics", "level", "digest", "quiet_from", "quiet_to", "active"),
    read_roles=ANYBODY,
    write_roles=("officer",),
)  # fmt: skip

RECORDS: tuple[RecordType, ...] = (CHANNEL, SUBSCRIPTION)
