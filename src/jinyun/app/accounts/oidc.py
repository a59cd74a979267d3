"""Log-in at an OpenID provider: authorization code with PKCE (RFC 7636), ID token checked by joserfc.

Nobody gets an account by it: the claim that the settings name must be the `login` of an account that is there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, build_opener

from jinyun.app.accounts.session import Session
from jinyun.kernel.errors import NotLoggedIn, NotPermitted, Unavailable
from jinyun.kernel.ports import Actor

if TYPE_CHECKING:
    from jinyun.app.accounts.accounts import Accounts

PATIENCE_S = 600.0
WAITING = 512  # log-ins under way, oldest forgotten
TIMEOUT_S = 10.0
KEPT_S = 3600.0  # the provider's description
MOST_BYTES = 1 << 20
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY_S = 60
SECRET = "oidc_secret"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Oidc:
    """Log-in at one provider."""

    def __init__(self, accounts: Accounts, kv: Any, wall: Callable[[], float] = time.time) -> None:
        self._accounts, self._kv, self._wall = accounts, kv, wall
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._known: tuple[str, float, dict[str, Any], dict[str, Any]] | None = None

    def set_secret(self, secret: str) -> None:
        """The client's secret at the provider, kept sealed; "" for a public client."""
        self._kv.set("settings", SECRET, {"sealed": self._accounts.box.seal(secret) if secret else ""})

    def check_change(self, by: Actor) -> None:
        """Before the provider is changed: whoever names it says who comes in by it.

        Raises
        ------
        NotPermitted
            When a set-up administrator logs in there, unless for one of them, or once administrators are separated.
        """
        if {"admin", "system"} & set(by.roles) or self._accounts.separated():
            return
        if any(one["login"] and "admin" in one["roles"] for one in self._accounts.all()):
            raise NotPermitted("a set-up administrator logs in at the provider, so only one of them changes it")

    def state(self) -> dict[str, Any]:
        """What the log-in page needs."""
        rules = self._accounts.security()
        return {"enabled": bool(rules.oidc_issuer and rules.oidc_client), "label": rules.oidc_label or "OIDC"}

    def begin(self, redirect: str) -> tuple[str, str]:
        """(address to send the browser to, a mark that its cookie must bring back)."""
        rules = self._rules()
        told, _ = self._provider(rules.oidc_issuer)
        verifier, state, nonce, mark = (secrets.token_urlsafe(32) for _ in range(4))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        with self._lock:
            self._waiting[state] = {
                "verifier": verifier, "nonce": nonce, "mark": mark, "redirect": redirect, "at": self._wall(),
                "issuer": rules.oidc_issuer,
            }  # fmt: skip
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
        asked = {
            "response_type": "code", "client_id": rules.oidc_client, "redirect_uri": redirect,
            "scope": "openid profile", "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        place = str(told["authorization_endpoint"])
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", mark

    def finish(self, state: str, code: str, mark: str, *, peer: str = "", agent: str = "") -> tuple[str, Session]:
        """The session of whoever the provider says it is.

        Raises
        ------
        NotLoggedIn
            When the answer is not of a log-in begun by this browser, or no account has that `login`.
        """
        with self._lock:
            held = self._waiting.pop(state, None)
        if held is None or self._wall() - held["at"] > PATIENCE_S:
            raise NotLoggedIn("this log-in was not begun here, or took too long; begin again", reason="expired")
        if not hmac.compare_digest(held["mark"].encode(), mark.encode()):
            raise NotLoggedIn("this log-in was begun in another browser", reason="other-browser")
        rules = self._rules()
        if rules.oidc_issuer != held["issuer"]:
            raise NotLoggedIn("the provider was changed meanwhile; begin again", reason="expired")
        claims = self._claims(rules, code, held)
        login = str(claims.get(rules.oidc_claim) or "")
        for name in self._accounts.names():
            account = self._accounts.raw(name)
            if login and account.get("login") == login:
                return self._accounts.open_session(name, peer=peer, agent=agent, way="oidc")
        raise NotLoggedIn(
            f"no account here is {login or 'named by the provider'!r}; the security administrator makes one",
            reason="no-account",
        )

    # --- the provider -------------------------------------------------------------------------------------------------

    def _rules(self) -> Any:
        rules = self._accounts.security()
        if not (rules.oidc_issuer and rules.oidc_client):
            raise NotPermitted("log-in by OIDC is not set up")
        return rules

    def _provider(self, issuer: str) -> tuple[dict[str, Any], dict[str, Any]]:
        known = self._known
        if known is not None and known[0] == issuer and self._wall() - known[1] < KEPT_S:
            return known[2], known[3]
        told = _fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if told.get("issuer") != issuer:
            raise Unavailable(f"the provider calls itself {told.get('issuer')!r}, not {issuer!r}")
        keys = _fetch(str(told["jwks_uri"]))
        self._known = issuer, self._wall(), told, keys
        return told, keys

    def _claims(self, rules: Any, code: str, held: Mapping[str, Any]) -> Mapping[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        told, found = self._provider(rules.oidc_issuer)
        keys: Any = found
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": held["redirect"],
            "client_id": rules.oidc_client, "code_verifier": held["verifier"],
        }  # fmt: skip
        sealed = (self._kv.get("settings", SECRET) or {}).get("sealed")
        if sealed:
            form["client_secret"] = self._accounts.box.open(sealed)
        answer = _fetch(str(told["token_endpoint"]), urlencode(form).encode())
        try:
            token = jwt.decode(
                str(answer.get("id_token") or ""), KeySet.import_key_set(keys), algorithms=list(ALGORITHMS)
            )
            checks = jwt.JWTClaimsRegistry(
                now=int(self._wall()), leeway=LEEWAY_S, iss={"essential": True, "value": rules.oidc_issuer},
                aud={"essential": True, "value": rules.oidc_client}, exp={"essential": True}, iat={"essential": True},
                sub={"essential": True}, nonce={"essential": True, "value": held["nonce"]},
            )  # fmt: skip
            checks.validate(token.claims)
        except (JoseError, ValueError) as wrong:
            self._known = None  # its keys may have turned
            raise NotLoggedIn(f"the provider's ID token does not hold: {wrong}", reason="token") from None
        several = isinstance(token.claims.get("aud"), list) and len(token.claims["aud"]) > 1
        if several and token.claims.get("azp") != rules.oidc_client:
            raise NotLoggedIn("the ID token was made for another client", reason="token")
        return token.claims


def _fetch(address: str, form: bytes | None = None) -> dict[str, Any]:
    """JSON from the provider: by https, or from this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Unavailable(f"{address} is not reached by https")
    request = Request(address, form, {"accept": "application/json"})
    try:
        with build_opener().open(request, timeout=TIMEOUT_S) as answer:
            found = json.loads(answer.read(MOST_BYTES))
    except (URLError, OSError, ValueError) as wrong:
        raise Unavailable(f"the OpenID provider at {parts.netloc} does not answer: {wrong}") from None
    if not isinstance(found, dict):
        raise Unavailable(f"the OpenID provider at {parts.netloc} answers otherwise than the standard says")
    return found
