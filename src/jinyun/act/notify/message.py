"""One message as it goes out: plain text, HTML, Markdown for robots. Pure; the words come from the topics."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass

MOST_ITEMS = 50
"""Items printed in one message; the rest is counted and stands in the inbox."""


@dataclass(frozen=True, slots=True)
class Item:
    """One event in a message."""

    title: str
    text: str
    when: str  # China time
    level: int | None = None
    link: str = ""
    key: str = ""
    topic: str = ""
    type: str = ""
    record: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What one person gets over one channel at once. `id` stays the same through all attempts."""

    id: str
    items: tuple[Item, ...]
    lang: str = "zh"
    doubt: bool = False  # an earlier attempt may have arrived
    node: str = ""  # whose node it is

    @property
    def title(self) -> str:
        """The subject line."""
        if len(self.items) == 1:
            return self.items[0].title
        worst = min((one.level for one in self.items if one.level), default=None)
        if self.lang == "en":
            return f"{len(self.items)} notices" + (f", worst level {worst}" if worst else "")
        return f"{len(self.items)} 条通知" + (f"，最高 {worst} 级" if worst else "")

    @property
    def urgent(self) -> bool:
        return any(one.level is not None and one.level <= 2 for one in self.items)

    @property
    def shown(self) -> Sequence[Item]:
        return self.items[:MOST_ITEMS]

    @property
    def rest(self) -> str:
        """What is not printed."""
        more = len(self.items) - MOST_ITEMS
        if more <= 0:
            return ""
        return f"{more} more in the inbox" if self.lang == "en" else f"另有 {more} 条见收件箱"

    @property
    def doubtful(self) -> str:
        """Said when an earlier attempt was cut short."""
        if not self.doubt:
            return ""
        if self.lang == "en":
            return f"Sending was cut short before; you may have had this already (message {self.id[:12]})."
        return f"上次发送中断，此条可能与已收到的重复（消息号 {self.id[:12]}）。"

    @property
    def foot(self) -> str:
        name = self.node or "缙云 Jinyun"
        return f"{name} · {self.id[:12]}"

    def plain(self) -> str:
        """Plain text."""
        blocks = []
        for one in self.shown:
            lines = [f"■ {one.title}", one.text, one.when] + ([one.link] if one.link else [])
            blocks.append("\n".join(line for line in lines if line))
        blocks += [text for text in (self.rest, self.doubtful) if text]
        return "\n\n".join([*blocks, f"-- \n{self.foot}"])

    def html(self) -> str:
        """HTML for mail programs: no script, no picture, nothing fetched."""
        colours = {1: "#b3261e", 2: "#c2570c", 3: "#9a6700"}
        blocks = []
        for one in self.shown:
            edge = colours.get(one.level or 4, "#3d6b8f")
            title = html.escape(one.title)
            if one.link:
                title = f'<a href="{html.escape(one.link, quote=True)}" style="color:inherit">{title}</a>'
            blocks.append(
                f'<div style="border-left:4px solid {edge};padding:4px 12px;margin:0 0 14px">'
                f'<div style="font-weight:600">{title}</div>'
                f"<div>{html.escape(one.text)}</div>"
                f'<div style="color:#667;font-size:12px">{html.escape(one.when)}</div></div>'
            )
        for text in (self.rest, self.doubtful):
            if text:
                blocks.append(f'<p style="color:#667">{html.escape(text)}</p>')
        lang = "en" if self.lang == "en" else "zh-CN"
        return (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{html.escape(self.title)}</title>'
            '</head><body style="font:15px/1.6 sans-serif;color:#1d2733">'
            + "".join(blocks)
            + f'<p style="color:#889;font-size:12px">{html.escape(self.foot)}</p></body></html>'
        )

    def markdown(self, most_bytes: int, *, colour: bool = False) -> str:
        """The small Markdown that robots know, at most so many bytes of UTF-8: items are left out whole, and counted.
        `colour`: WeCom's ``<font color="warning">``."""
        left_out = 0
        items = list(self.shown)
        while True:
            text = self._markdown(items, left_out, colour)
            if len(text.encode()) <= most_bytes:
                return text
            if len(items) > 1:
                items.pop()
                left_out += 1
            else:
                return text.encode()[: most_bytes - 3].decode(errors="ignore") + "…"

    def _markdown(self, items: Sequence[Item], left_out: int, colour: bool) -> str:
        blocks = []
        for one in items:
            title = _flat(one.title)
            if one.link:
                title = f"[{title}]({one.link})"
            if colour and one.level is not None and one.level <= 2:
                title = f'<font color="warning">{title}</font>'
            blocks.append(f"**{title}**\n> {_flat(one.text)}\n> {one.when}")
        if left_out or self.rest:
            more = len(self.items) - len(items)
            blocks.append(f"{more} more in the inbox" if self.lang == "en" else f"另有 {more} 条见收件箱")
        if self.doubtful:
            blocks.append(self.doubtful)
        return "\n\n".join([*blocks, self.foot])


def _flat(text: str) -> str:
    """One line without marks that would open a link, a picture or a tag of somebody else's making."""
    flat = " ".join(text.split())
    for mark, instead in (("[", "［"), ("]", "］"), ("<", "＜"), (">", "＞"), ("`", "'"), ("*", "＊")):
        flat = flat.replace(mark, instead)
    return flat


def message_id(keys: Sequence[str]) -> str:
    """Of the notices that go together: the same ones have the same id in every life of the node."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
