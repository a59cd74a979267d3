"""Accounts, API keys and the rules of log-in: for the security administrator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from jinyun.app.rights import actions, roles
from jinyun.app.services.words import MASK
from jinyun.web.answers import json_answer
from jinyun.web.guard import Cases, LoggedIn, Out, Who
from jinyun.web.routes import LIST

router = APIRouter(prefix="/api", tags=["accounts"])
Name = Annotated[str, Path(min_length=1, max_length=120)]
Text = Annotated[str, Field(max_length=120)]
Texts = Annotated[list[Text], Field(max_length=40)]
SECRET = ("password", "oidc_secret")


class NewAccount(BaseModel):
    name: str = Field(max_length=32)
    roles: Texts
    password: str | None = Field(default=None, max_length=256, description="left out: generated and told once")
    unit: Text = ""
    jurisdictions: Texts = []
    enterprise: Text = ""
    login: Text = Field(default="", description="its name at the OpenID provider")


class Change(BaseModel):
    roles: Texts | None = None
    unit: Text | None = None
    jurisdictions: Texts | None = None
    enterprise: Text | None = None
    login: Text | None = None
    disabled: bool | None = None


class NewKey(BaseModel):
    label: str = Field(min_length=1, max_length=200)
    role: Text
    days: int = Field(default=90, ge=1, le=730)
    jurisdictions: Texts = []
    unit: Text = ""
    enterprise: Text = ""


class Rules(BaseModel):
    min_length: int | None = None
    classes: int | None = None
    history: int | None = None
    max_age_days: int | None = None
    free_failures: int | None = None
    lock_failures: int | None = None
    lock_minutes: int | None = None
    idle_minutes: int | None = None
    second_factor: Texts | None = None
    oidc_issuer: str | None = Field(default=None, max_length=400)
    oidc_client: str | None = Field(default=None, max_length=400)
    oidc_secret: str | None = Field(default=None, max_length=400)
    oidc_claim: str | None = Field(default=None, max_length=80)
    oidc_label: str | None = Field(default=None, max_length=80)


class Separation(BaseModel):
    on: bool = Field(description="only true: it is switched off on the node's machine, with the node stopped")


def _told(request: Request, object: str, body: BaseModel) -> None:
    """What the audit log is to say was asked for; of a secret only that one was given."""
    given = body.model_dump(exclude_none=True)
    call = request.state.call
    call.object = object
    call.detail["given"] = given | {name: MASK for name in SECRET if name in given}


@router.get("/roles", responses=LIST)
def all_roles(*, out: Out, _: LoggedIn) -> Response:
    """Roles, how far each sees and what it may do."""
    told: list[dict[str, Any]] = [
        {
            "id": one.id, "zh": one.zh, "en": one.en, "reach": one.reach, "personal": one.personal, "raw": one.raw,
            "alone": one.alone, "note": one.note,
            "actions": [act.id for act in actions().values() if one.id in act.roles],
        }
        for one in roles().values()
    ]  # fmt: skip
    return out.answer(told, name="roles")


@router.get("/accounts", responses=LIST)
def accounts(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """All accounts with roles, unit and jurisdictions; no password, no secret."""
    return out.answer(cases.accounts.all(), name="accounts")


@router.post("/accounts", status_code=201)
def create(*, request: Request, body: NewAccount, cases: Cases, who: Who) -> Response:
    """A new account. A generated password is told this once and must be changed at the first log-in."""
    _told(request, body.name, body)
    cases.accounts.check_gift(body.roles, who.roles)
    password = cases.accounts.create(
        body.name, body.password, tuple(body.roles), unit=body.unit, jurisdictions=body.jurisdictions,
        enterprise=body.enterprise, login=body.login, by=who.name, must_change=True,
    )  # fmt: skip
    told = cases.accounts.about(body.name)
    return json_answer(told | ({} if body.password else {"password": password}), 201)


@router.get("/accounts/{name}")
def one(*, name: Name, cases: Cases, _: LoggedIn) -> Response:
    """One account."""
    return json_answer(cases.accounts.about(name))


@router.patch("/accounts/{name}")
def change(*, request: Request, name: Name, body: Change, cases: Cases, who: Who) -> Response:
    """Change roles, unit, jurisdictions, or disable; counts at once, also for sessions that are open."""
    _told(request, name, body)
    given = body.model_dump(exclude_none=True)
    cases.accounts.check_gift(given.get("roles", ()), who.roles)
    return json_answer(cases.accounts.change(name, given, who))


@router.delete("/accounts/{name}", status_code=204)
def delete(*, name: Name, cases: Cases, who: Who) -> Response:
    """Take an account away; what it did stays in histories and in the audit log."""
    cases.accounts.delete(name, who)
    return Response(status_code=204)


@router.post("/accounts/{name}/reset")
def reset(*, name: Name, cases: Cases, who: Who) -> Response:
    """Give an account a new generated password and end its sessions."""
    cases.accounts.check_target(name, who)
    password = cases.accounts.reset(name, must_change=who.name != "local")
    return json_answer({"name": name, "password": password})


@router.post("/accounts/{name}/totp/remove", status_code=204)
def remove_factor(*, name: Name, cases: Cases, who: Who) -> Response:
    """Take the second factor of an account away, for a lost device."""
    cases.accounts.check_target(name, who)
    cases.accounts.factor.remove(name)
    return Response(status_code=204)


@router.get("/keys", responses=LIST)
def keys(*, out: Out, cases: Cases, _: LoggedIn) -> Response:
    """API keys; none of them can be read again."""
    return out.answer(cases.keys.all(), name="keys")


@router.post("/keys", status_code=201)
def new_key(*, request: Request, body: NewKey, cases: Cases, who: Who) -> Response:
    """A key for a program: one role, one jurisdiction, an end. Told this once; sent as Authorization: Bearer."""
    _told(request, "", body)
    made = cases.keys.create(
        body.label, body.role, by=who.name, days=body.days, jurisdictions=body.jurisdictions, unit=body.unit,
        enterprise=body.enterprise,
    )  # fmt: skip
    request.state.call.object = made["id"]
    return json_answer(made, 201)


@router.delete("/keys/{id}", status_code=204)
def revoke(*, id: Name, cases: Cases, _: LoggedIn) -> Response:
    """End a key at once."""
    cases.keys.revoke(id)
    return Response(status_code=204)


@router.get("/security")
def security(*, cases: Cases, _: LoggedIn) -> Response:
    """The rules of log-in."""
    return json_answer(cases.accounts.security().as_dict())


@router.patch("/security")
def set_security(*, request: Request, body: Rules, cases: Cases, who: Who) -> Response:
    """Change rules of passwords, lockout, idle log-out, second factor, OpenID provider."""
    _told(request, "security", body)
    given = body.model_dump(exclude_none=True)
    if any(name.startswith("oidc_") for name in given):
        cases.oidc.check_change(who)
    secret = given.pop("oidc_secret", None)
    changed = cases.accounts.set_security(given)
    if secret is not None:
        cases.oidc.set_secret(secret)
    return json_answer(changed.as_dict())


@router.post("/security/separation")
def separation(*, request: Request, body: Separation, cases: Cases, _: LoggedIn) -> Response:
    """Part the three administrators: from then on the set-up role counts for nothing."""
    _told(request, "separation", body)
    if body.on:
        cases.accounts.separate(True)
    return json_answer({"separation": cases.accounts.separated()})
