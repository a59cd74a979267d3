"""Kinds of cases 工单类别."""

from __future__ import annotations

from collections.abc import Mapping

CASE_KINDS: Mapping[str, tuple[str, str]] = {
    "outlet_exceedance": ("排放超标", "Outlet over its limit"),
    "section_class": ("断面水质超标", "Section worse than its target"),
    "air_quality": ("空气污染", "Air pollution"),
    "device": ("设备与传输", "Device or transmission"),
    "complaint": ("投诉举报", "Complaint"),
    "inspection": ("检查发现", "Inspection finding"),
    "rectification": ("整改任务", "Rectification"),
    "other": ("其他", "Other"),
}
