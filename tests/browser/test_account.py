"""Log-in with a second factor, one's own account, and the password that an administrator gave, in a real Chromium."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
GOOD = "Jialing-River-7"
FRESH = "Tongnan-Bridge-8"


@pytest.fixture(autouse=True)
def patience():
    """Passwords are slow to check on purpose, and slower on a busy machine."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


def code_of(secret: str, step: int = 0) -> str:
    """RFC 6238 with the defaults of every authenticator (SHA-1, 30 s, 6 digits), `step` steps from now."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter = (int(time.time()) // 30 + step).to_bytes(8, "big")
    mac = hmac.new(key, counter, hashlib.sha1).digest()
    cut = int.from_bytes(mac[mac[19] % 16 :][:4], "big") % 2**31
    return f"{cut % 10**6:06d}"


def wrong_code(secret: str) -> str:
    near = {code_of(secret, step) for step in range(-3, 5)}
    return next(code for code in (f"{n:06d}" for n in range(20)) if code not in near)


def enter(page, name, password):
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.locator("button[type=submit]").click()


def switch_on(page):
    """Enrol and confirm; the secret and the recovery codes that were shown."""
    page.locator("[data-test=factor-enrol]").click()
    expect(page.get_by_role("img", name="双因素密钥的二维码")).to_be_visible()
    secret = page.locator("[data-test=secret]").inner_text().strip()
    page.fill("input[name=code]", wrong_code(secret))
    page.locator("[data-test=factor-confirm]").click()
    expect(page.locator("[data-test=factor-wrong]")).to_contain_text("验证码不对")
    page.fill("input[name=code]", code_of(secret))
    page.locator("[data-test=factor-confirm]").click()
    expect(page.locator("[data-test=recovery] li")).to_have_count(8)
    codes = page.locator("[data-test=recovery] li").all_inner_texts()
    page.locator("[data-test=recovery-kept]").click()
    return secret, codes


def test_a_second_factor_is_switched_on_asked_for_and_switched_off(open_page, node):
    node.cases.accounts.create("wang.wei", GOOD, ("officer",))
    page = open_page("/login", logged_in=False)
    expect(page.locator("[data-test=oidc]")).to_have_count(0)  # no provider is set up
    enter(page, "wang.wei", GOOD)
    page.locator("[data-test=account]").click()
    expect(page.locator("[data-test=who]")).to_contain_text("wang.wei")
    expect(page.locator("[data-test=factor-state]")).to_have_text("未启用")
    secret, codes = switch_on(page)
    expect(page.locator("[data-test=factor-state]")).to_have_text("已启用")

    page.locator("[data-test=logout]").click()
    enter(page, "wang.wei", GOOD)
    expect(page.locator("input[name=code]")).to_be_visible()
    page.fill("input[name=code]", wrong_code(secret))
    page.locator("button[type=submit]").click()
    expect(page.locator("[data-test=login-wrong]")).to_have_text("验证码不对或已使用过")
    page.fill("input[name=code]", code_of(secret, 1))  # the present one was used to confirm
    page.locator("button[type=submit]").click()
    expect(page.locator("[data-test=account]")).to_have_text("wang.wei")

    page.locator("[data-test=account]").click()
    page.locator("[data-test=factor-remove]").click()
    page.fill("input[name=code]", codes[0])
    page.locator("[data-test=factor-remove-go]").click()
    expect(page.locator("[data-test=factor-state]")).to_have_text("未启用")
    assert node.cases.accounts.log_in("wang.wei", GOOD)


def test_a_password_that_was_given_is_changed_before_anything_else(open_page, node):
    client = node.client()
    made = client.post("/api/accounts", json={"name": "li.min", "roles": ["leader"]}).json()
    client.patch("/api/security", json={"second_factor": ["leader"]}).raise_for_status()
    try:
        page = open_page("/login?to=/alarms", logged_in=False)
        enter(page, "li.min", made["password"])
        expect(page.locator("[data-test=must]")).to_contain_text("请先设置新密码")
        page.goto(f"{node.url}/alarms")  # no way round it, nor by loading the page anew
        expect(page.locator("[data-test=must]")).to_be_visible()
        assert page.evaluate("fetch('/api/overview').then((answer) => answer.status)") == 403

        page.fill("input[name=old]", made["password"])
        for fresh, again, said in ((FRESH, GOOD, "不一致"), ("short", "short", "太短")):
            page.fill("input[name=new]", fresh)
            page.fill("input[name=again]", again)
            page.locator("[data-test=password-go]").click()
            expect(page.locator("[data-test=password-wrong]")).to_contain_text(said)
        page.fill("input[name=new]", FRESH)
        page.fill("input[name=again]", FRESH)
        page.locator("[data-test=password-go]").click()

        expect(page.locator("[data-test=must]")).to_contain_text("双因素")  # a leader must have one here
        switch_on(page)
        page.wait_for_url("**/alarms")
        expect(page.locator("[data-test=account]")).to_have_text("li.min")
    finally:
        client.patch("/api/security", json={"second_factor": []}).raise_for_status()
        client.close()


def test_one_changes_ones_own_password_and_logs_in_again(open_page, node):
    node.cases.accounts.create("zhao.qi", GOOD, ("officer",))
    page = open_page("/login?to=/account", logged_in=False)
    enter(page, "zhao.qi", GOOD)
    for old, said in ((FRESH, "原密码不对"), (GOOD, "")):
        page.fill("input[name=old]", old)
        page.fill("input[name=new]", FRESH)
        page.fill("input[name=again]", FRESH)
        page.locator("[data-test=password-go]").click()
        if said:
            expect(page.locator("[data-test=password-wrong]")).to_have_text(said)
    expect(page.locator("[role=status]")).to_contain_text("请用新密码登录")
    enter(page, "zhao.qi", FRESH)
    expect(page.locator("[data-test=who]")).to_contain_text("zhao.qi")


def test_log_in_at_a_provider_is_offered_when_it_is_set_up(open_page, node):
    given = {"oidc_issuer": "https://login.example.org", "oidc_client": "jinyun", "oidc_label": "统一身份认证"}
    node.cases.accounts.set_security(given)
    try:
        page = open_page("/login", logged_in=False)
        expect(page.locator("[data-test=oidc]")).to_have_text("用 统一身份认证 登录")
        assert page.locator("[data-test=oidc]").get_attribute("href") == "/api/session/oidc/start"
    finally:
        node.cases.accounts.set_security({"oidc_issuer": "", "oidc_client": "", "oidc_label": ""})


def test_who_is_refused_at_the_provider_reads_why(open_page):
    page = open_page("/login?refused=no-account", logged_in=False)
    expect(page.locator("[data-test=login-refused]")).to_contain_text("没有对应账号")
    page.locator("[data-test=lang]").click()
    expect(page.locator("[data-test=login-refused]")).to_contain_text("No account here")
    page.goto(page.url.replace("no-account", "%3Cb%3Emade-up"))  # a word that is none of ours is only a word
    expect(page.locator("[data-test=login-refused]")).to_have_text("<b>made-up")


def test_one_sees_where_one_is_logged_in_and_ends_the_rest(open_page, node):
    node.cases.accounts.create("sun.ba", GOOD, ("officer",))
    token, _ = node.cases.accounts.open_session(
        "sun.ba", peer="10.20.30.40", agent="Mozilla/5.0 (Android 15) Firefox/140.0"
    )
    page = open_page("/login?to=/account", logged_in=False)
    enter(page, "sun.ba", GOOD)
    table = page.locator("[data-test=sessions]")
    expect(table.locator("[data-test=session-this]")).to_have_count(1)
    other = table.locator("[data-test=session-other]")
    expect(other).to_contain_text("10.20.30.40")
    expect(other).to_contain_text("Firefox 140 · Android")
    other.locator("[data-test=end]").click()
    page.locator(".el-message-box .el-button--primary").click()
    expect(other).to_have_count(0)
    assert not node.cases.accounts.holds(token)
    expect(table.locator("[data-test=session-this]")).to_have_count(1)  # and is still in


def test_an_administrator_ends_those_of_an_account(open_page, node):
    node.cases.accounts.create("zhou.jiu", GOOD, ("reader",), jurisdictions=["*"])
    tokens = [node.cases.accounts.open_session("zhou.jiu")[0] for _ in range(2)]
    page = open_page("/admin?tab=sessions")
    rows = page.locator("[data-test=sessions] tbody tr", has_text="zhou.jiu")
    expect(rows).to_have_count(2)
    rows.first.locator("[data-test=end-all]").click()
    page.locator(".el-message-box .el-button--primary").click()
    expect(rows).to_have_count(0)
    assert not any(node.cases.accounts.holds(one) for one in tokens)


def test_the_field_page_asks_for_all_that_the_log_in_page_asks_for(open_page, node):
    """A given password is changed and a demanded second factor set up on the phone, then the day comes."""
    client = node.client()
    made = client.post("/api/accounts", json={"name": "wu.shi", "roles": ["inspector"], "jurisdictions": ["*"]}).json()
    client.patch("/api/security", json={"second_factor": ["inspector"]}).raise_for_status()
    try:
        page = open_page("/field", logged_in=False)
        enter(page, "wu.shi", made["password"])
        expect(page.locator("[data-test=must]")).to_contain_text("请先设置新密码")
        page.goto(f"{node.url}/field")
        expect(page.locator("[data-test=must]")).to_be_visible()
        page.fill("input[name=old]", made["password"])
        page.fill("input[name=new]", FRESH)
        page.fill("input[name=again]", FRESH)
        page.locator("[data-test=password-go]").click()
        expect(page.locator("[data-test=must]")).to_contain_text("双因素")
        switch_on(page)
        expect(page.locator("[data-test=login]")).to_have_count(0)
        expect(page.locator("[data-test=logout]")).to_be_visible()
    finally:
        client.patch("/api/security", json={"second_factor": []}).raise_for_status()
        client.close()
