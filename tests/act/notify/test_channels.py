"""What goes over the wire, to real servers: mail with STARTTLS and TLS, signed webhooks, the robots' formats."""

import base64
import hashlib
import hmac
import json
import ssl
from urllib.parse import parse_qs, urlsplit

import pytest
from sinks import HookSink, MailSink, certificate

from jinyun.act.notify.addresses import Allowed
from jinyun.act.notify.hooks import call_of, dingtalk_sign, judge_answer, send_hook
from jinyun.act.notify.mail import MailSettings, mail, send_mail
from jinyun.act.notify.message import Item, Message, message_id
from jinyun.act.notify.outcome import NotSent
from jinyun.kernel.errors import BadInput, NotPermitted

ITEM = Item(
    "二级报警：石马河断面", "氨氮 1.21 mg/L，目标Ⅲ类 <b>&", "2026-11-22 08:00", 2, "https://j.example/x?a=1&b=2", "k"
)
ONE = Message(message_id(["k"]), (ITEM,), node="示范区")
LOCAL = Allowed.of(["127.0.0.0/8"], plain=True)


def settings(sink: MailSink, **more) -> MailSettings:
    given = {"smtp_host": "localhost", "smtp_port": sink.port, "smtp_from": "缙云 <brain@eco.example>", **more}
    found = MailSettings.of(given)
    assert found is not None
    return found


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_goes_encrypted_with_log_in_and_says_what_it_says(tmp_path, implicit):
    context, trust = certificate(tmp_path)
    with MailSink(context, implicit=implicit) as sink:
        how = settings(
            sink, smtp_security="tls" if implicit else "starttls", smtp_ca=trust, smtp_user="u", smtp_password="p-w"
        )
        send_mail(ONE, "wang@eco.example", how, 1_780_000_000)
        (got,) = sink.mails
        assert sink.encrypted == [True]
        assert base64.b64decode(sink.logins[0]) == b"\0u\0p-w"
    assert got["Subject"] == ITEM.title
    assert got["Message-ID"] == f"<{ONE.id}@eco.example>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Date"].datetime.timestamp() == 1_780_000_000
    plain = got.get_body(("plain",)).get_content()
    assert ITEM.text in plain
    assert ITEM.link in plain
    page = got.get_body(("html",)).get_content()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert "X-Jinyun-Repeat" not in got


def test_a_certificate_nobody_trusts_is_refused(tmp_path):
    context, _ = certificate(tmp_path)
    with MailSink(context) as sink:
        with pytest.raises(NotSent, match="CERTIFICATE") as wrong:
            send_mail(ONE, "a@b.example", settings(sink), 1)
        assert not wrong.value.final
        assert sink.mails == []


def test_a_server_without_starttls_gets_nothing():
    with MailSink() as sink:
        with pytest.raises(NotSent, match="STARTTLS"):
            send_mail(ONE, "a@b.example", settings(sink), 1)
        assert sink.mails == []


@pytest.mark.parametrize(("answer", "final"), [("550 no such box", True), ("451 later", False)])
def test_a_refused_receiver(answer, final):
    with MailSink(answer=lambda _: answer) as sink:
        with pytest.raises(NotSent, match=answer[:3]) as wrong:
            send_mail(ONE, "a@b.example", settings(sink, smtp_security="none"), 1)
        assert wrong.value.final is final


def test_no_server_is_no_final_failure():
    with MailSink() as sink:
        how = settings(sink, smtp_security="none")
    with pytest.raises(NotSent) as wrong:
        send_mail(ONE, "a@b.example", how, 1)
    assert not wrong.value.final


@pytest.mark.parametrize("to", ["a@b\r\nBcc: c@d", "a@b, c@d", "nobody", "a@@b", "x@elsewhere.example"])
def test_an_address_cannot_smuggle_anything(to):
    how = MailSettings.of({"smtp_host": "h", "smtp_from": "s@eco.example", "mail_domains": ["eco.example"]})
    with pytest.raises(BadInput):
        mail(ONE, to, how, 1)


def test_mail_settings_that_would_leak_are_refused():
    for given in (
        {"smtp_from": "x"},
        {"smtp_security": "maybe"},
        {"smtp_user": "u@v", "smtp_security": "none"},
        {"smtp_password": "密"},
    ):
        with pytest.raises(BadInput):
            MailSettings.of({"smtp_host": "h", "smtp_from": "a@b", **given})


def test_a_repeat_is_the_same_mail_and_says_so():
    how = MailSettings.of({"smtp_host": "h", "smtp_from": "s@eco.example"})
    again = mail(Message(ONE.id, ONE.items, doubt=True), "a@b", how, 1)
    assert again["Message-ID"] == mail(ONE, "a@b", how, 1)["Message-ID"]
    assert again["X-Jinyun-Repeat"] == "possible"
    assert "重复" in again.get_body(("plain",)).get_content()


def test_a_webhook_is_signed_and_carries_its_key(tmp_path):
    context, trust = certificate(tmp_path)
    with HookSink(context) as sink:
        url = f"https://127.0.0.1:{sink.port}/in?x=1"
        send_hook(
            "webhook", ONE, url, "s3cret", allowed=LOCAL, now_ms=1_780_000_000_123,
            context=ssl.create_default_context(cafile=trust),
        )  # fmt: skip
        ((path, headers, body),) = sink.posts
    assert path == "/in?x=1"
    assert headers["idempotency-key"] == ONE.id
    stamp = headers["x-jinyun-timestamp"]
    assert stamp == "1780000000"
    expected = hmac.new(b"s3cret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-jinyun-signature"] == f"sha256={expected}"
    told = json.loads(body)
    assert (told["id"], told["items"][0]["text"], told["repeat_possible"]) == (ONE.id, ITEM.text, False)


def test_wecom_markdown_stays_below_4096_bytes_and_counts_what_is_left_out():
    many = Message("m", tuple(Item(f"报警{n}", "水" * 60, "t", 2, key=str(n)) for n in range(60)))
    body = json.loads(call_of("wecom", many, "https://qyapi.weixin.qq.com/x?key=k", "", 1).body)
    text = body["markdown"]["content"]
    assert body["msgtype"] == "markdown"
    assert len(text.encode()) <= 4096
    shown = text.count("水" * 60)
    assert f"另有 {60 - shown} 条见收件箱" in text
    assert '<font color="warning">' in text


def test_a_station_called_like_markdown_opens_no_link_in_a_robot():
    text = Message("m", (Item("[点我](http://evil)", "<font> *x*", "t"),)).markdown(4096)
    assert "[" not in text
    assert "<font>" not in text


def test_dingtalk_sign_is_as_documented():
    secret, at = "this is secret", 1_577_262_236_757
    query = parse_qs(dingtalk_sign(secret, at).lstrip("&"))
    digest = hmac.new(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256).digest()
    assert query == {"timestamp": [str(at)], "sign": [base64.b64encode(digest).decode()]}
    call = call_of("dingtalk", ONE, "https://oapi.dingtalk.com/robot/send?access_token=t", secret, at)
    assert set(parse_qs(urlsplit(call.url).query)) == {"access_token", "timestamp", "sign"}
    assert json.loads(call.body)["markdown"]["title"] == ITEM.title
    assert dingtalk_sign("", at) == ""


@pytest.mark.parametrize(
    ("kind", "status", "answer", "final", "wait"),
    [
        ("wecom", 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}', True, 0),
        ("wecom", 200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', False, 60),
        ("dingtalk", 200, b'{"errcode":310000,"errmsg":"sign not match"}', True, 0),
        ("dingtalk", 200, b'{"errcode":130101,"errmsg":"send too fast"}', False, 600),
        ("dingtalk", 200, b'{"errcode":-1,"errmsg":"busy"}', False, 0),
        ("wecom", 200, b"<html>", False, 0),
        ("webhook", 500, b"", False, 0),
        ("webhook", 404, b"", True, 0),
        ("webhook", 429, b"", False, 60),
        ("webhook", 302, b"", True, 0),
    ],
)
def test_answers_of_receivers(kind, status, answer, final, wait):
    with pytest.raises(NotSent) as wrong:
        judge_answer(kind, "h", status, answer)
    assert (wrong.value.final, wrong.value.wait_s) == (final, wait)


def test_a_redirect_is_not_followed():
    with (
        HookSink() as inner,
        HookSink(answer=lambda: (307, b""), headers=f"Location: http://127.0.0.1:{inner.port}/\r\n") as outer,
    ):
        with pytest.raises(NotSent, match="307"):
            send_hook("webhook", ONE, f"http://127.0.0.1:{outer.port}/", "", allowed=LOCAL, now_ms=1)
        assert inner.posts == []
        assert len(outer.posts) == 1


INNER = [
    "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0", "10.1.2.3", "192.168.0.1", "169.254.169.254",
    "100.100.100.200", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER)
def test_no_way_to_the_node_itself_nor_to_its_neighbours(host):
    with pytest.raises(NotPermitted):
        Allowed().check(f"https://{host}/")
    with pytest.raises(NotPermitted):  # nor by a name that is allowed and points there
        Allowed.of(["hooks.example"]).check("https://hooks.example/", lambda *_: [host.strip("[]")]
                                            if ":" in host or host.count(".") == 3 else ["127.0.0.1"])  # fmt: skip


def test_only_named_hosts_and_networks():
    some = Allowed.of(["hooks.example", ".corp.example", "10.1.0.0/16"])

    def public(*_):
        return ["93.184.216.34"]

    assert some.check("https://hooks.example/a?b", public).path == "/a?b"
    assert some.check("https://x.y.corp.example:8443/", public).port == 8443
    assert some.check("https://10.1.9.9/").ip == "10.1.9.9"
    assert some.check("https://hooks.example/", lambda *_: ["10.1.0.4"]).ip == "10.1.0.4"
    for url in ("https://evil.example/", "https://hooks.example.evil/", "https://10.2.0.1/", "https://corp.example/"):
        with pytest.raises(NotPermitted):
            some.check(url, public)
    with pytest.raises(NotPermitted, match="127"):  # one bad answer among good ones
        some.check("https://hooks.example/", lambda *_: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(NotPermitted, match="http"):
        some.check("http://hooks.example/", public)
    for url in ("ftp://hooks.example/", "https:///x", "https://u:p@hooks.example/"):
        with pytest.raises(BadInput):
            some.check(url, public)
    with pytest.raises(BadInput):
        Allowed.of(["https://x/y"])
