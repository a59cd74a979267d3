"""Webhooks: generic JSON with an HMAC signature, and the robots of WeCom (企业微信) and DingTalk (钉钉).

Facts of the robots, from their documents: WeCom POST ``…/cgi-bin/webhook/send?key=``, ``msgtype`` ``markdown`` with at
most 4096 bytes; DingTalk POST ``…/robot/send?access_token=``, with 加签 also ``timestamp`` [ms] and ``sign`` =
URL-encoded Base64 of HMAC-SHA256 over ``timestamp\\nsecret`` keyed by the secret, good for an hour; both answer 200
with ``errcode`` 0 or the reason, and take 20 messages a minute. Neither knows a repeat: they have no key for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from jinyun.act.notify.addresses import Allowed, Target
from jinyun.act.notify.message import Message
from jinyun.act.notify.outcome import NotSent
from jinyun.kernel.errors import BadInput, NotPermitted

WECOM_BYTES = 4096
DINGTALK_BYTES = 18_000
PER_MINUTE = 20
"""Messages a robot takes in a minute."""
MOST_ANSWER = 65_536
TOO_FAST = {"wecom": {45009}, "dingtalk": {130101, 90030, 410100}}
PAUSE_S = {"wecom": 60, "dingtalk": 600}
"""A robot that was called too often rests so long."""
RETRY_STATUS = {408, 425, 429}
TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request."""

    url: str
    body: bytes
    headers: dict[str, str]


def call_of(kind: str, message: Message, address: str, secret: str, now_ms: int) -> Call:
    """The request that carries a message. `now_ms`: wall clock [ms], for signatures."""
    if kind == "wecom":
        body: dict[str, Any] = {
            "msgtype": "markdown",
            "markdown": {"content": message.markdown(WECOM_BYTES, colour=True)},
        }
        return Call(address, _json(body), _headers(message))
    if kind == "dingtalk":
        title = message.title[:100]
        text = f"### {title}\n\n" + message.markdown(DINGTALK_BYTES - 400)
        body = {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": {"isAtAll": False}}
        return Call(address + dingtalk_sign(secret, now_ms, "&" if "?" in address else "?"), _json(body),
                    _headers(message))  # fmt: skip
    if kind == "webhook":
        body_bytes = _json(generic(message))
        stamp = str(now_ms // 1000)
        headers = _headers(message) | {"X-Jinyun-Timestamp": stamp}
        if secret:
            headers["X-Jinyun-Signature"] = "sha256=" + signature(secret, stamp, body_bytes)
        return Call(address, body_bytes, headers)
    raise BadInput(f"{kind!r} is no kind of webhook")


def generic(message: Message) -> dict[str, Any]:
    """The JSON of a generic webhook."""
    return {
        "id": message.id,
        "title": message.title,
        "lang": message.lang,
        "repeat_possible": message.doubt,
        "node": message.node,
        "items": [
            {
                "key": one.key, "topic": one.topic, "title": one.title, "text": one.text, "time": one.when,
                "level": one.level, "type": one.type, "record": one.record, "subject": one.subject, "link": one.link,
            }
            for one in message.items
        ],
    }  # fmt: skip


def signature(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256, hex, over ``TIMESTAMP.BODY``: whoever has the secret can check that body and time are ours."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def dingtalk_sign(secret: str, now_ms: int, lead: str = "&") -> str:
    """The query that DingTalk's 加签 asks for; "" without a secret."""
    if not secret:
        return ""
    digest = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return f"{lead}timestamp={now_ms}&sign={quote_plus(base64.b64encode(digest))}"


def send_hook(
    kind: str, message: Message, address: str, secret: str, *, allowed: Allowed, now_ms: int,
    context: ssl.SSLContext | None = None, timeout_s: float = TIMEOUT_S,
) -> None:  # fmt: skip
    """POST a message.

    Raises
    ------
    NotSent
        Saying whether another attempt can help.
    """
    call = call_of(kind, message, address, secret, now_ms)
    try:
        target = allowed.check(call.url)
    except (BadInput, NotPermitted) as wrong:
        raise NotSent(str(wrong), final=True) from wrong
    try:
        status, answer = _post(target, call, context, timeout_s)
    except (OSError, http.client.HTTPException) as wrong:
        raise NotSent(f"{target.host}: {type(wrong).__name__}: {wrong}") from wrong
    judge_answer(kind, target.host, status, answer)


def judge_answer(kind: str, host: str, status: int, answer: bytes) -> None:
    """Raise `NotSent` unless the answer says that the message was taken."""
    if not 200 <= status < 300:
        said = " ".join(answer[:200].decode(errors="replace").split())
        final = 300 <= status < 500 and status not in RETRY_STATUS
        raise NotSent(f"{host} answers {status}: {said}", final=final, wait_s=60 if status == 429 else 0)
    if kind == "webhook":
        return
    try:
        told = json.loads(answer)
        code = int(told["errcode"])
    except (ValueError, KeyError, TypeError):
        raise NotSent(f"{host} answers no errcode: {answer[:200]!r}") from None
    if code == 0:
        return
    reason = f"{host}: errcode {code} {told.get('errmsg', '')}"
    if code in TOO_FAST[kind]:
        raise NotSent(reason, wait_s=PAUSE_S[kind])
    # −1 is "system busy" in both; anything else is a wrong key, sign, keyword or form: trying again is no use.
    raise NotSent(reason, final=code != -1)


def _post(target: Target, call: Call, context: ssl.SSLContext | None, timeout_s: float) -> tuple[int, bytes]:
    """To the address that was checked, speaking to the host that was named; redirects are answers like any other."""
    connection: http.client.HTTPConnection
    if target.scheme == "https":
        connection = http.client.HTTPSConnection(target.host, target.port, timeout=timeout_s)
    else:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
    raw = socket.create_connection((target.ip, target.port), timeout_s)
    try:
        connection.sock = raw
        if target.scheme == "https":
            tls = context or ssl.create_default_context()
            connection.sock = tls.wrap_socket(raw, server_hostname=target.host)
        connection.request("POST", target.path, call.body, call.headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_ANSWER)
    finally:
        connection.close()
        raw.close()


def _headers(message: Message) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Jinyun",
        "Idempotency-Key": message.id,
    }


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
