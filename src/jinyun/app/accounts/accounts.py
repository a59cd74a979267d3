"""Accounts and sessions: argon2 hashes, random tokens kept only as hashes, back-off after failures.

Sessions run on the wall clock, never on the house's clock, which may be scaled: twelve hours mean twelve real hours.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jinyun.app.accounts import passwords
from jinyun.app.accounts.box import Box
from jinyun.app.accounts.factor import SecondFactor, SecondFactorNeeded
from jinyun.app.accounts.failures import Failures
from jinyun.app.accounts.session import (
    ID_LENGTH,
    MOST_AGENT,
    SESSIONS,
    SLIDE_SECONDS,
    Session,
    digest,
    listed,
    session_of,
)
from jinyun.app.accounts.settings import SECURITY, SETTINGS, Security
from jinyun.domains.people.records import PLACE
from jinyun.domains.people.roles import problem_of, roles
from jinyun.kernel.errors import BadInput, NotFound, NotLoggedIn, NotPermitted, Refused
from jinyun.kernel.ports import Actor, KeyValue

ACCOUNTS = "accounts"  # space of the key-value store
DEFAULT_ROLES = ("admin", "officer")
NAME_FORM = r"[a-z][a-z0-9_.-]{1,31}"
CHANGEABLE = ("roles", "unit", "jurisdictions", "enterprise", "disabled", "login")
THREE = ("sysadmin", "secadmin", "auditor")
DAY = 86400


class Accounts:
    """Who may log in, and who has. Thread-safe; call from worker threads, since argon2 takes tens of milliseconds."""

    def __init__(self, kv: KeyValue, wall: Callable[[], float] = time.time, folder: Path | None = None) -> None:
        self._kv, self._wall = kv, wall
        self._lock = threading.Lock()
        self._changing = threading.RLock()
        self.box = Box(folder)
        self.failures = Failures(wall, self.security)
        self.factor = SecondFactor(self, self.box, wall)
        self._sessions: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, int] = {}  # [s] written with the session when it is prolonged
        self._dummy: str | None = None
        self.sweep()

    # --- rules --------------------------------------------------------------------------------------------------------

    def security(self) -> Security:
        """The rules of log-in."""
        return Security.of(self._kv.get(SETTINGS, SECURITY))

    def set_security(self, given: Mapping[str, Any]) -> Security:
        """Change rules; `separation` goes by `separate`. Raises `BadInput`."""
        if "separation" in given:
            raise BadInput(
                "separation is switched on by itself", field="separation", hint="PUT /api/security/separation"
            )
        changed = self.security().changed(given)
        self._kv.set(SETTINGS, SECURITY, changed.as_dict())
        return changed

    def separated(self) -> bool:
        """Whether the three administrators are parted, so that the set-up role counts for nothing."""
        return bool((self._kv.get(SETTINGS, SECURITY) or {}).get("separation"))

    def separate(self, on: bool) -> None:
        """Part the three administrators; refused until each of the three has an account that can log in."""
        if on:
            held = {one for account in self._kv.items(ACCOUNTS).values() if not account.get("disabled")
                    for one in account["roles"]}  # fmt: skip
            lacking = [one for one in THREE if one not in held]
            if lacking:
                raise Refused(
                    f"there is no account yet that is {', '.join(lacking)}",
                    missing=[
                        {"code": one, "zh": f"尚无{roles()[one].zh}账号", "en": f"an account with the role {one}"}
                        for one in lacking
                    ],
                )
        self._kv.set(SETTINGS, SECURITY, {**self.security().as_dict(), "separation": on})

    # --- accounts -----------------------------------------------------------------------------------------------------

    def first_password(self, name: str = "admin") -> str | None:
        """Create the first account and return its generated password, once; None when any account exists."""
        if self._kv.items(ACCOUNTS):
            return None
        return self.create(name)

    def create(
        self,
        name: str,
        password: str | None = None,
        roles: tuple[str, ...] = DEFAULT_ROLES,
        *,
        unit: str = "",
        jurisdictions: Sequence[str] = (),
        enterprise: str = "",
        login: str = "",
        by: str = "",
        must_change: bool = False,
    ) -> str:
        """Create an account; returns the password, generated when none is given.

        Raises
        ------
        BadInput
            For a name, role or jurisdiction that cannot be, or a password that breaks a rule.
        """
        if not re.fullmatch(NAME_FORM, name):
            raise BadInput(f"{name!r} cannot be an account name", field="name", hint=f"the form is {NAME_FORM}")
        account = {
            "roles": list(roles), "unit": unit, "jurisdictions": list(jurisdictions), "enterprise": enterprise,
            "login": login, "created_at": int(self._wall()), "created_by": by, "must_change": must_change,
        }  # fmt: skip
        _check(account)
        fresh, hashed = self._hashed(name, {}, password)
        with self._changing:
            if self._kv.get(ACCOUNTS, name):
                raise BadInput(f"there is already an account {name!r}", field="name")
            self._store(name, account, hashed)
        return fresh

    def change(self, name: str, given: Mapping[str, Any], by: Actor) -> dict[str, Any]:
        """Change roles, unit, jurisdictions, enterprise, `login` (name at the OIDC provider) or `disabled`. Raises
        `NotPermitted` as `check_target` does."""
        self.check_target(name, by)
        unknown = [one for one in given if one not in CHANGEABLE]
        if unknown:
            raise BadInput(f"{unknown[0]!r} of an account cannot be changed", hint=f"one of {', '.join(CHANGEABLE)}")
        with self._changing:
            account = {**self._account(name), **given}
            _check(account)
            if self.separated() and self._last_of_three(name, account):
                raise Refused("this account is the last of its kind of administrator; make another one first")
            self._kv.set(ACCOUNTS, name, account)
        if account.get("disabled"):
            self.end_sessions(name)
        return self.about(name)

    def _last_of_three(self, name: str, account: Mapping[str, Any]) -> bool:
        after = {**self._kv.items(ACCOUNTS), name: account}
        held = {one for each in after.values() if not each.get("disabled") for one in each["roles"]}
        return any(one not in held for one in THREE)

    def check_gift(self, wanted: Sequence[str], by: Sequence[str]) -> None:
        """Only the set-up administrator makes another one; raises `NotPermitted`."""
        if "admin" in wanted and ("admin" not in by or self.separated()):
            raise NotPermitted("the set-up role is given to nobody else")

    def check_target(self, name: str, by: Actor) -> None:
        """Before an administrator changes, resets or takes away the account `name`, or its second factor.

        Raises
        ------
        NotPermitted
            For one's own account: nobody gives rights to themselves, and one's own password and second factor are
            asked for at `/api/account`. For a set-up administrator's, unless by another one: whoever got its password
            would be it. Once administrators are separated that role counts for nothing and guards nothing.
        """
        if name == by.name:
            raise NotPermitted("nobody administers their own account: password and second factor are at /account")
        if "admin" in self._account(name)["roles"] and not ({"admin", "system"} & set(by.roles) or self.separated()):
            raise NotPermitted("the account of the set-up administrator is changed by a set-up administrator only")

    def delete(self, name: str, by: Actor) -> None:
        """Take an account away; what it did stays in the histories and in the audit log."""
        self.check_target(name, by)
        with self._changing:
            account = self._account(name)
            if self.separated() and self._last_of_three(name, {**account, "disabled": True}):
                raise Refused("this account is the last of its kind of administrator; make another one first")
            self._kv.delete(ACCOUNTS, name)
        self.end_sessions(name)

    def reset(self, name: str, password: str | None = None, *, must_change: bool = False) -> str:
        """Give `name` a new password (returned), and end its sessions."""
        fresh, hashed = self._hashed(name, self._account(name), password)
        with self._changing:
            self._store(name, {**self._account(name), "must_change": must_change}, hashed)
        self.end_sessions(name)
        self.failures.forgive(name)
        return fresh

    def change_password(self, name: str, old: str, new: str, peer: str = "") -> None:
        """The holder's own change: the old password is needed, all sessions end. What cost hashing and came to nothing
        counts as a failed log-in. Raises `BadInput`, `NotLoggedIn`, `TooManyAttempts`."""
        self.failures.check(name, peer)
        passwords.check(new, name, self.security())
        account = self._account(name)
        try:
            if not passwords.matches(account["hash"], old):
                raise NotLoggedIn("the old password is wrong")
            _, hashed = self._hashed(name, account, new)
        except (NotLoggedIn, BadInput):
            self.failures.add(name, peer)
            raise
        with self._changing:
            present = self._account(name)
            if present["hash"] != account["hash"]:  # an administrator's new password is not overwritten by the former
                raise NotLoggedIn("the password was changed meanwhile")
            self._store(name, {**present, "must_change": False}, hashed)
        self.end_sessions(name)

    def names(self) -> list[str]:
        return sorted(self._kv.items(ACCOUNTS))

    def all(self) -> list[dict[str, Any]]:
        """All accounts as administrators see them: no hash, no secret."""
        return [self.about(name) for name in self.names()]

    def about(self, name: str) -> dict[str, Any]:
        """One account as administrators see it."""
        one = self._account(name)
        return {
            "name": name, "roles": list(one["roles"]), "unit": one.get("unit") or "",
            "jurisdictions": list(one.get("jurisdictions") or ()), "enterprise": one.get("enterprise") or "",
            "login": one.get("login") or "", "disabled": bool(one.get("disabled")),
            "second_factor": bool((one.get("totp") or {}).get("on")), "changed_at": one.get("changed_at"),
            "created_at": one.get("created_at"), "created_by": one.get("created_by") or "",
            "last_log_in": one.get("last_log_in"), "must_change": bool(one.get("must_change")),
        }  # fmt: skip

    def put(self, name: str, fields: Mapping[str, Any]) -> None:
        """Set fields of an account as they are: for the second factor."""
        with self._changing:
            self._kv.set(ACCOUNTS, name, {**self._account(name), **fields})

    def raw(self, name: str) -> dict[str, Any]:
        """An account with its secrets: for this package."""
        return self._account(name)

    def _account(self, name: str) -> dict[str, Any]:
        known = self._kv.items(ACCOUNTS)
        if name not in known:
            raise NotFound("account", name, known=known)
        return dict(known[name])

    def _hashed(self, name: str, account: Mapping[str, Any], password: str | None) -> tuple[str, str]:
        """A new password, generated when none is given, and its hash. Slow on purpose: never while `_changing` is held,
        for log-ins wait on that."""
        if password is not None:
            rules = self.security()
            passwords.check(password, name, rules, _former(account)[: rules.history])
        fresh = password or passwords.generated()
        return fresh, passwords.hashed(fresh)

    def _store(self, name: str, account: Mapping[str, Any], hashed: str) -> None:
        """Keep `account` with another password; under `_changing`."""
        kept = {**account, "hash": hashed, "former": _former(account)[: self.security().history]}
        self._kv.set(ACCOUNTS, name, kept | {"changed_at": int(self._wall())})

    # --- log-in and sessions ------------------------------------------------------------------------------------------

    def log_in(self, name: str, password: str, peer: str = "", code: str = "", agent: str = "") -> tuple[str, Session]:
        """A fresh token and its session. Unknown names cost the same time as wrong passwords, and say the same.

        Raises
        ------
        NotLoggedIn, TooManyAttempts
        SecondFactorNeeded
            When the password is right and the account has a second factor: ask again with `code`.
        """
        self.failures.check(name, peer)
        account = self._kv.get(ACCOUNTS, name) or None
        good = passwords.matches(account["hash"] if account else self._dummy_hash(), password)
        if not (account and good) or account.get("disabled"):
            self.failures.add(name, peer)
            raise NotLoggedIn("name or password is wrong")
        if (account.get("totp") or {}).get("on"):
            if not code:
                raise SecondFactorNeeded
            if not self.factor.takes(name, code):
                self.failures.add(name, peer)
                raise NotLoggedIn("the code is wrong or was used already")
        self.failures.forgive(name, peer)
        way = "second-factor" if (account.get("totp") or {}).get("on") else "password"
        return self.open_session(name, peer=peer, agent=agent, way=way)

    def open_session(self, name: str, *, peer: str = "", agent: str = "", way: str = "") -> tuple[str, Session]:
        """A session for somebody who was found to be `name`; `peer`, `agent` (the browser) and `way` (password,
        second-factor, oidc) are kept, so that its holder knows it again."""
        account = self._account(name)
        if account.get("disabled"):
            raise NotLoggedIn("the account is disabled", reason="disabled")
        token = secrets.token_urlsafe(32)  # 256 bits
        now = int(self._wall())
        kept = {
            "name": name, "roles": list(account["roles"]), "expires": now + self._idle(),
            "since": now, "seen": now, "peer": peer, "agent": agent[:MOST_AGENT], "way": way,
        }  # fmt: skip
        key = digest(token)
        self._kv.set(SESSIONS, key, kept)
        with self._lock:
            self._sessions[key] = kept
        if account.get("created_at"):  # accounts of before this was kept are left as they are
            self.put(name, {"last_log_in": int(self._wall())})
        return token, self._session(name, token)

    def session(self, token: str | None) -> Session:
        """The session of a token, prolonged. Raises `NotLoggedIn`. Cheap: memory, and a write each five minutes."""
        key = digest(token) if token else ""
        now = int(self._wall())
        with self._lock:
            kept = self._sessions.get(key)
        if not token or kept is None or kept["expires"] <= now:
            raise NotLoggedIn("log in first: POST /api/session")
        self._seen[key] = now
        if kept["expires"] - now < self._idle() - self._slide():
            kept = {**kept, "expires": now + self._idle(), "seen": now}
            with self._lock:
                if key in self._sessions:  # not ended meanwhile
                    self._sessions[key] = kept
                    self._kv.set(SESSIONS, key, kept)
        return self._session(kept["name"], token)

    def _session(self, name: str, token: str) -> Session:
        account = self._kv.get(ACCOUNTS, name)
        if not account or account.get("disabled"):
            raise NotLoggedIn("the account is no longer there")
        return session_of(name, account, token, must=self._must(account))

    def _must(self, account: Mapping[str, Any]) -> str:
        """What has to be done before anything else: "password", "second-factor", "" for nothing."""
        rules = self.security()
        aged = rules.max_age_days and self._wall() - account.get("changed_at", 0) > rules.max_age_days * DAY
        if account.get("must_change") or aged:
            return "password"
        demanded = bool(set(rules.second_factor) & set(account["roles"]))
        return "second-factor" if demanded and not (account.get("totp") or {}).get("on") else ""

    def holds(self, token: str | None) -> Session | None:
        """The session of a token as its account is now, without prolonging it; None when it is over."""
        with self._lock:
            kept = self._sessions.get(digest(token)) if token else None
        if token and kept is not None and kept["expires"] > int(self._wall()):
            with suppress(NotLoggedIn):  # the account is gone or disabled
                return self._session(kept["name"], token)
        return None

    def needs_slide(self, token: str) -> bool:
        """Whether `session` would write: then it belongs in a worker thread."""
        with self._lock:
            kept = self._sessions.get(digest(token))
        return kept is not None and kept["expires"] - int(self._wall()) < self._idle() - self._slide()

    def log_out(self, token: str | None) -> None:
        if token:
            with self._lock:
                self._drop(digest(token))

    def end_sessions(self, name: str, but: str | None = None, *, spared: Container[str] = ()) -> int:
        """End all sessions of an account, except that of the token `but` and those opened in one of the ways `spared`;
        how many there were."""
        mine = digest(but) if but else ""
        with self._lock:
            ended = [
                key
                for key, one in self._sessions.items()
                if one["name"] == name and key != mine and one.get("way") not in spared
            ]
            for key in ended:
                self._drop(key)
        return len(ended)

    def sessions(self, name: str | None = None, token: str | None = None) -> list[dict[str, Any]]:
        """Open sessions, of one account or of all, last seen first. Times in µs; those opened before this was kept do
        not say since when. `token` marks the asker's own. The id is no key: nothing can be entered with it."""
        now, mine = int(self._wall()), digest(token) if token else ""
        with self._lock:
            held = [(key, one) for key, one in self._sessions.items() if one["expires"] > now]
        told = [
            listed(key, one, self._seen.get(key), current=key == mine)
            for key, one in held
            if name is None or one["name"] == name
        ]
        return sorted(told, key=lambda one: (one["seen"] or 0, one["since"] or 0), reverse=True)

    def end_session(self, id: str, name: str | None = None) -> str:
        """End one session by its id, of `name` only when given; whose it was. Raises `NotFound`."""
        with self._lock:
            for key, one in self._sessions.items():
                if key[:ID_LENGTH] == id and name in (None, one["name"]):
                    self._drop(key)
                    return str(one["name"])
        raise NotFound("session", id)

    def sweep(self) -> None:
        """Load the stored sessions and forget those that are over."""
        now, kept = int(self._wall()), {}
        for key, one in self._kv.items(SESSIONS).items():
            if one and one["expires"] > now:
                kept[key] = dict(one)
            else:
                self._kv.delete(SESSIONS, key)
        with self._lock:
            self._sessions = kept
            self._seen = {key: at for key, at in self._seen.items() if key in kept}

    def _idle(self) -> int:
        return self.security().idle_minutes * 60

    def _slide(self) -> int:
        return min(SLIDE_SECONDS, self._idle() // 2)

    def _drop(self, key: str) -> None:
        self._sessions.pop(key, None)
        self._seen.pop(key, None)
        self._kv.delete(SESSIONS, key)

    def _dummy_hash(self) -> str:
        if self._dummy is None:
            self._dummy = passwords.hashed(secrets.token_hex(8))
        return self._dummy


def _former(account: Mapping[str, Any]) -> list[str]:
    """Hashes that an account has and had, newest first."""
    return [one for one in (account.get("hash"), *(account.get("former") or ())) if one]


def _check(account: Mapping[str, Any]) -> None:
    """Raise `BadInput` for roles and places that cannot be."""
    if problem := problem_of(account["roles"]):
        raise BadInput(problem, field="roles")
    for place in account.get("jurisdictions") or ():
        if not isinstance(place, str) or not re.fullmatch(PLACE, place):
            hint = "a division code (GB/T 2260), cell:ID or *"
            raise BadInput(f"{place!r} is no jurisdiction", field="jurisdictions", hint=hint)
    if "enterprise" in account["roles"] and not account.get("enterprise"):
        raise BadInput("a user of an enterprise needs its enterprise", field="enterprise", hint="the record's id")
