"""The second factor of an account: enrol, confirm, take a code once, recovery codes, remove."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jinyun.app.accounts import totp
from jinyun.app.accounts.box import Box
from jinyun.app.accounts.session import digest
from jinyun.kernel.errors import BadInput, JinyunError, NotPermitted

if TYPE_CHECKING:
    from jinyun.app.accounts.accounts import Accounts


class SecondFactorNeeded(JinyunError):
    """The password is right; a code is needed as well."""

    code, status_hint = "second-factor", 401

    def __init__(self) -> None:
        super().__init__("a code of the second factor is needed: send it as `code`")


class SecondFactor:
    """TOTP of all accounts. The secret lies sealed in the account, recovery codes as hashes."""

    def __init__(self, accounts: Accounts, box: Box, wall: Callable[[], float]) -> None:
        self._accounts, self._box, self._wall = accounts, box, wall
        self._lock = threading.Lock()

    def enrol(self, name: str) -> dict[str, Any]:
        """A fresh secret, not in force before `confirm`. Raises `NotPermitted` when one is in force."""
        with self._lock:
            if self._of(name).get("on"):
                raise NotPermitted("there is a second factor already; remove it first")
            secret = totp.new_secret()
            self._accounts.put(name, {"totp": {"sealed": self._box.seal(secret.hex()), "on": False, "step": -1}})
        return {"secret": totp.shown(secret), "address": totp.address(secret, name)}

    def confirm(self, name: str, code: str, token: str | None = None) -> list[str]:
        """Put it in force with a code of it; the recovery codes, told once. Sessions that were opened with the password
        only end, but that of `token`: whoever knew the password alone is not left inside."""
        with self._lock:
            held = self._of(name)
            if not held or held.get("on"):
                raise BadInput("nothing is waiting to be confirmed", field="code", hint="enrol first")
            step = totp.step_of(self._secret(held), _typed(code), self._wall())
            if step is None:
                raise BadInput("the code is wrong", field="code", hint="compare the clocks of the phone and the node")
            codes = totp.recovery_codes()
            kept = {**held, "on": True, "step": step, "recovery": [digest(one) for one in codes]}
            self._accounts.put(name, {"totp": kept})
        self._accounts.end_sessions(name, but=token, spared=("second-factor", "oidc"))
        return codes

    def takes(self, name: str, code: str) -> bool:
        """Whether a code is right; each counts once."""
        with self._lock:
            held = self._of(name)
            if not held.get("on"):
                return False
            told = _typed(code)
            if digest(told) in held.get("recovery", ()):
                rest = [one for one in held["recovery"] if one != digest(told)]
                self._accounts.put(name, {"totp": {**held, "recovery": rest}})
                return True
            step = totp.step_of(self._secret(held), told, self._wall(), after=int(held["step"]))
            if step is None:
                return False
            self._accounts.put(name, {"totp": {**held, "step": step}})
            return True

    def remove(self, name: str, code: str | None = None, peer: str = "") -> None:
        """Take it away: by its holder with a code, where a wrong one counts as a failed log-in; by the security
        administrator (None) for a lost device. Raises `NotPermitted`, `TooManyAttempts`."""
        if code is not None:
            self._accounts.failures.check(name, peer)
            if not self.takes(name, code):
                self._accounts.failures.add(name, peer)
                raise NotPermitted("the code is wrong")
        self._accounts.put(name, {"totp": None})

    def _of(self, name: str) -> dict[str, Any]:
        return dict(self._accounts.raw(name).get("totp") or {})

    def _secret(self, held: dict[str, Any]) -> bytes:
        return bytes.fromhex(self._box.open(held["sealed"]))


def _typed(code: str) -> str:
    """A code as it was meant: Chinese input methods give full-width digits."""
    return unicodedata.normalize("NFKC", code).strip().lower()
