"""E-mail by SMTP: one receiver a message, plain text and HTML, and a Message-ID that stays the same on each attempt."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any

from jinyun.act.notify.message import Message
from jinyun.act.notify.outcome import NotSent
from jinyun.kernel.errors import BadInput

SECURITY = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail goes out; from ``[notify]`` in jinyun.toml."""

    host: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = ""
    sender: str = ""
    ca: str = ""  # file of certificates beside the system's, for a house's own authority
    domains: tuple[str, ...] = ()  # domains that mail may go to; empty: any
    timeout_s: float = 20.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> MailSettings | None:
        """None when no server is named. Raises `BadInput`."""
        host = str(given.get("smtp_host") or "")
        if not host:
            return None
        security = str(given.get("smtp_security") or "starttls")
        if security not in SECURITY:
            raise BadInput(f"notify.smtp_security is one of {', '.join(SECURITY)}, not {security!r}")
        user, sender = str(given.get("smtp_user") or ""), str(given.get("smtp_from") or given.get("smtp_user") or "")
        if "@" not in parseaddr(sender)[1]:
            raise BadInput("notify.smtp_from must be the address that notices come from")
        if user and security == "none":
            raise BadInput("notify.smtp_user with smtp_security = none would send the password in the clear")
        if not (user + str(given.get("smtp_password") or "")).isascii():
            raise BadInput("notify.smtp_user and smtp_password hold ASCII characters only")
        return cls(
            host=host,
            port=int(given.get("smtp_port") or (465 if security == "tls" else 587)),
            security=security,
            user=user,
            password=str(given.get("smtp_password") or ""),
            sender=sender,
            ca=str(given.get("smtp_ca") or ""),
            domains=tuple(str(one).lower() for one in given.get("mail_domains") or ()),
            timeout_s=float(given.get("timeout_s") or 20),
        )

    def context(self) -> ssl.SSLContext:
        """Certificates are checked, always."""
        return ssl.create_default_context(cafile=self.ca or None)

    @property
    def domain(self) -> str:
        """Of the sender: the right side of a Message-ID."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


def mail(message: Message, to: str, settings: MailSettings, at: int) -> EmailMessage:
    """The mail of a message. `at` [s]: when it was first put together, so that a repeat is the same mail.

    Raises
    ------
    BadInput
        An address that is none, or of a domain that mail may not go to.
    """
    name, address = parseaddr(to)
    if address.count("@") != 1 or any(c in to for c in "\r\n,;"):
        raise BadInput(f"{to!r} is no single e-mail address")
    domain = address.rpartition("@")[2].lower()
    if settings.domains and not any(domain == one or domain.endswith(f".{one}") for one in settings.domains):
        raise BadInput(f"mail may not go to {domain} (notify.mail_domains in jinyun.toml)")
    made = EmailMessage()
    made["Subject"] = message.title[:200]
    made["From"] = settings.sender
    made["To"] = f"{name} <{address}>" if name else address
    made["Date"] = formatdate(at, localtime=False)
    made["Message-ID"] = f"<{message.id}@{settings.domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers a machine
    made["X-Jinyun-Message"] = message.id
    if message.doubt:
        made["X-Jinyun-Repeat"] = "possible"
    if message.urgent:
        made["X-Priority"] = "1"
        made["Importance"] = "high"
    made.set_content(message.plain(), charset="utf-8", cte="base64")
    made.add_alternative(message.html(), subtype="html", charset="utf-8", cte="base64")
    return made


def send_mail(message: Message, to: str, settings: MailSettings, at: int) -> None:
    """Hand a message to the SMTP server.

    Raises
    ------
    NotSent
        Saying whether another attempt can help: a 5xx answer to the receiver or the text is final.
    """
    made = mail(message, to, settings, at)
    try:
        with _connected(settings) as server:
            server.send_message(made)
    except smtplib.SMTPRecipientsRefused as wrong:
        code, text = next(iter(wrong.recipients.values()))
        raise NotSent(f"{settings.host} refuses the receiver: {code} {_said(text)}", final=code >= 500) from wrong
    except smtplib.SMTPAuthenticationError as wrong:
        raise NotSent(f"{settings.host} refuses our log-in: {wrong.smtp_code} {_said(wrong.smtp_error)}") from wrong
    except smtplib.SMTPResponseException as wrong:
        final = wrong.smtp_code >= 500 and not isinstance(wrong, smtplib.SMTPConnectError | smtplib.SMTPHeloError)
        raise NotSent(f"{settings.host}: {wrong.smtp_code} {_said(wrong.smtp_error)}", final=final) from wrong
    except (smtplib.SMTPException, OSError) as wrong:
        raise NotSent(f"{settings.host}:{settings.port}: {type(wrong).__name__}: {wrong}") from wrong


def _connected(settings: MailSettings) -> smtplib.SMTP:
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout_s, context=settings.context()
        )  # fmt: skip
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
    try:
        if settings.security == "starttls":
            server.starttls(context=settings.context())
        if settings.user:
            server.login(settings.user, settings.password)
    except BaseException:
        server.close()
        raise
    return server


def _said(text: Any) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
