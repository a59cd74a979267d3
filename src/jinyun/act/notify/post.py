"""Sends a message over a channel record: e-mail, webhook, robots."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinyun.act.notify.addresses import ROBOTS, Allowed
from jinyun.act.notify.hooks import send_hook
from jinyun.act.notify.mail import MailSettings, mail, send_mail
from jinyun.act.notify.message import Item, Message
from jinyun.act.notify.outcome import NotSent
from jinyun.kernel.errors import BadInput
from jinyun.kernel.ports import Record

KEYS = (
    "smtp_host", "smtp_port", "smtp_security", "smtp_user", "smtp_password", "smtp_from", "smtp_ca", "mail_domains",
    "smtp_password_file", "timeout_s", "allow", "plain_http", "hook_ca", "public_url",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostOffice:
    """The ways out of this node, as its settings say."""

    mail: MailSettings | None
    allowed: Allowed
    hook_ca: str = ""
    timeout_s: float = 15.0
    wall: Callable[[], float] = time.time  # signatures are checked against real time, not the house's clock

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> PostOffice:
        """From ``[notify]`` of jinyun.toml. Raises `BadInput` naming what is wrong."""
        wrong = set(given) - set(KEYS)
        if wrong:
            raise BadInput(f"notify.{sorted(wrong)[0]}: unknown setting", hint=f"known: {', '.join(KEYS)}")
        if file := given.get("smtp_password_file"):
            try:
                given = {**given, "smtp_password": Path(str(file)).read_text(encoding="utf-8").strip()}
            except OSError as no:
                raise BadInput(f"notify.smtp_password_file: {no}") from no
        return cls(
            MailSettings.of(given),
            Allowed.of(list(given.get("allow", ROBOTS)), plain=bool(given.get("plain_http"))),
            str(given.get("hook_ca") or ""),
            float(given.get("timeout_s") or 15),
        )

    def check(self, kind: str, address: str) -> None:
        """Refuse an address that nothing could go to. Raises `BadInput` or `NotPermitted`."""
        if kind == "email":
            probe = self.mail or MailSettings("localhost", sender="a@localhost")
            mail(Message("check", (Item("", "", ""),)), address, probe, 0)
        else:
            self.allowed.check(address, None)

    def __call__(self, channel: Record, message: Message, at: int) -> None:
        """Send. Raises `NotSent`."""
        kind, address = str(channel.data["kind"]), str(channel.data["address"])
        if kind == "email":
            if self.mail is None:
                raise NotSent("no mail server is set (notify.smtp_host in jinyun.toml)")
            try:
                send_mail(message, address, self.mail, at)
            except BadInput as wrong:
                raise NotSent(str(wrong), final=True) from wrong
            return
        context = ssl.create_default_context(cafile=self.hook_ca) if self.hook_ca else None
        send_hook(
            kind, message, address, str(channel.data.get("secret") or ""), allowed=self.allowed,
            now_ms=int(self.wall() * 1000), context=context, timeout_s=self.timeout_s,
        )  # fmt: skip
