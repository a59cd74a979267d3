"""Log-in at a real OpenID provider on loopback: code with PKCE, a checked ID token, no account by itself."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread

from jinyun.app.accounts import Accounts, oidc
from jinyun.app.accounts.oidc import Oidc
from jinyun.kernel.errors import BadInput, NotLoggedIn, NotPermitted, Unavailable
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.store.database import open_database
from jinyun.store.kv import SqlKeyValue

BACK = "http://127.0.0.1:1/api/session/oidc/callback"


@pytest.fixture(scope="module")
def issuer():
    with run_server_in_thread(require_nonce=True, user_claims=[User(sub="zhang"), User(sub="nobody")]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def login(tmp_path, issuer):
    engine = open_database(tmp_path / "records.sqlite")
    kv = SqlKeyValue(engine)
    accounts = Accounts(kv, folder=tmp_path)
    accounts.create("zhang.san", "a-long-enough-one", ("reader",), jurisdictions=["500109"], login="zhang")
    accounts.set_security({"oidc_issuer": issuer, "oidc_client": "jinyun"})
    made = Oidc(accounts, kv)
    made.set_secret("the client's secret")
    assert "the client's secret" not in str(kv.items("settings"))
    yield made
    engine.dispose()


def at_provider(address: str, sub: str) -> dict[str, str]:
    """What the provider sends the browser back with."""
    answer = httpx.post(address, data={"sub": sub}, follow_redirects=False, trust_env=False)
    assert answer.status_code in (302, 303), answer.text
    place = answer.headers["location"]
    assert place.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}


def test_who_names_the_provider_does_not_come_in_as_the_setup_administrator(login):
    accounts, chief = login._accounts, Actor("chief", ("secadmin",))
    accounts.create("root", "a-long-enough-one", ("admin",))
    login.check_change(chief)  # no set-up administrator logs in there
    accounts.put("root", {"login": "root@provider"})
    with pytest.raises(NotPermitted, match="set-up"):
        login.check_change(chief)
    for one in (Actor("root", ("admin",)), SYSTEM):
        login.check_change(one)
    for name, role in (("sys", "sysadmin"), ("sec", "secadmin"), ("aud", "auditor")):
        accounts.create(name, "a-long-enough-one", (role,))
    accounts.separate(True)
    login.check_change(chief)  # the set-up role counts for nothing


def test_a_log_in_opens_the_account_that_is_meant(login, monkeypatch):
    sent = []
    monkeypatch.setattr(oidc, "_fetch", spy(sent))
    address, mark = login.begin(BACK)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"], asked["redirect_uri"]) == ("code", "S256", BACK)
    back = at_provider(address, "zhang")
    token, session = login.finish(back["state"], back["code"], mark)
    assert (session.name, session.roles, session.jurisdictions) == ("zhang.san", ("reader",), ("500109",))
    assert login._accounts.session(token).name == "zhang.san"
    form = parse_qs(next(one for one in sent if one))
    told = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).decode().rstrip("=")
    assert told == asked["code_challenge"]  # RFC 7636, 4.6
    with pytest.raises(NotLoggedIn):  # the answer counts once
        login.finish(back["state"], back["code"], mark)


def spy(sent):
    real = oidc._fetch

    def fetch(address, form=None):
        sent.append(form.decode() if form else "")
        return real(address, form)

    return fetch


def test_somebody_without_an_account_gets_none(login):
    address, mark = login.begin(BACK)
    back = at_provider(address, "nobody")
    with pytest.raises(NotLoggedIn, match="no account"):
        login.finish(back["state"], back["code"], mark)
    assert login._accounts.names() == ["zhang.san"]


def test_answers_of_another_browser_or_log_in_are_refused(login):
    address, mark = login.begin(BACK)
    back = at_provider(address, "zhang")
    with pytest.raises(NotLoggedIn, match="another browser"):
        login.finish(back["state"], back["code"], "x" * len(mark))
    address, _ = login.begin(BACK)
    with pytest.raises(NotLoggedIn, match="another browser"):  # a cookie may hold any letters
        login.finish(at_provider(address, "zhang")["state"], back["code"], "Ä")
    _, other = login.begin(BACK)
    with pytest.raises(NotLoggedIn, match="not begun here"):
        login.finish("made-up", back["code"], other)


def test_a_token_for_another_log_in_or_client_does_not_hold(login):
    """The nonce and the audience are looked at: the same good code, another expectation."""
    address, mark = login.begin(BACK)
    back = at_provider(address, "zhang")
    login._waiting[back["state"]]["nonce"] = "another"
    with pytest.raises(NotLoggedIn, match="does not hold"):
        login.finish(back["state"], back["code"], mark)


def test_a_disabled_account_stays_shut(login):
    login._accounts.put("zhang.san", {"disabled": True})
    address, mark = login.begin(BACK)
    back = at_provider(address, "zhang")
    with pytest.raises(NotLoggedIn, match="disabled"):
        login.finish(back["state"], back["code"], mark)


def test_only_https_or_this_machine(login):
    with pytest.raises(BadInput):
        login._accounts.set_security({"oidc_issuer": "http://provider.example"})
    with pytest.raises(Unavailable):
        oidc._fetch("http://provider.example/x")


def test_without_a_provider_nothing_begins(login):
    login._accounts.set_security({"oidc_issuer": ""})
    assert not login.state()["enabled"]
    with pytest.raises(NotPermitted):
        login.begin(BACK)
