"""A node with two districts that are alike but for their names, and an account of every role: for the rights matrix."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import httpx
from live import Live, register

from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.kernel.terms import Reject
from jinyun.sense.hj212 import compose

PLACES = {"own": "500109", "other": "510107"}
PHONES = {"own": "13900001111", "other": "13900002222"}
NAMES = {"own": "OWNPLACE", "other": "OTHERPLACE"}
PASSWORD = "PW=123456"
MN = {"own": "RIGHTSOWN00001", "other": "RIGHTSOTHER001"}
HOURS = 4
SECTION_DAY = {"w01001": "7.8", "w01009": "8.2", "w01019": "1.8", "w21003": "0.61", "w21011": "0.081"}

WHO: dict[str, dict[str, Any]] = {
    "admin": {"roles": ("admin", "officer")},
    "officer": {"roles": ("officer",)},
    "officer@own": {"roles": ("officer",), "jurisdictions": ["500109"]},
    "leader@all": {"roles": ("leader",), "jurisdictions": ["*"]},
    "leader@own": {"roles": ("leader",), "jurisdictions": ["500109"]},
    "analyst@own": {"roles": ("analyst",), "jurisdictions": ["500109"]},
    "inspector@own": {"roles": ("inspector",), "jurisdictions": ["500109"]},
    "unit@own": {"roles": ("unit_officer",), "unit": "u-own"},
    "enterprise@own": {"roles": ("enterprise",), "enterprise": "e-own"},
    "reader@own": {"roles": ("reader",), "jurisdictions": ["500109"]},
    "neighbour": {"roles": ("neighbour",)},
    "sysadmin": {"roles": ("sysadmin",)},
    "secadmin": {"roles": ("secadmin",)},
    "auditor": {"roles": ("auditor",)},
}
"""Columns of the matrix, beside an API key and a stranger."""
LIMITED = frozenset(name for name in WHO if name.endswith("@own")) | {"key@own", "neighbour"}
NO_BUSINESS = frozenset({"sysadmin", "secadmin", "auditor", "neighbour", "stranger"})


def rows(side: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Registers of one district."""
    code, name = PLACES[side], NAMES[side]
    return [
        ("unit", f"u-{side}", {"name": f"unit-{side}", "kind": "township", "jurisdictions": [code],
                               "phone": PHONES[side]}),
        ("enterprise", f"e-{side}", {"name": f"{name} works", "jurisdiction": code, "contact": "someone",
                                     "phone": PHONES[side]}),
        ("site", f"s-{side}", {"name": f"{name} section", "kind": "water_section", "jurisdiction": code,
                               "river": f"{name} river", "target_class": 3, "place": {"lon": 106.4, "lat": 29.8}}),
        ("site", f"o-{side}", {"name": f"{name} outlet", "kind": "water_outlet", "jurisdiction": code,
                               "enterprise": f"e-{side}", "place": {"lon": 106.4, "lat": 29.8}}),
        ("outlet", f"out-{side}", {"name": f"{name} pipe", "kind": "water", "site": f"o-{side}",
                                   "enterprise": f"e-{side}"}),
        ("permit_limit", f"l-{side}", {"outlet": f"out-{side}", "factor": "cod_cr", "period": "hour", "limit": "50",
                                       "unit": "mg/L", "converted": False, "valid_from": "2020-01-01",
                                       "basis": f"{name} permit"}),
        ("complaint", f"comp-{side}", {"title": f"{name} complaint", "channel": "web", "ask": "complaint",
                                       "kind": "water", "content": f"{name} smells", "jurisdiction": code,
                                       "phone": PHONES[side], "place": {"lon": 106.4, "lat": 29.8}}),
        ("case", f"bare-{side}", {"title": f"{name} case of a complaint", "kind": "complaint", "level": 3,
                                  "jurisdiction": code, "complaints": [f"comp-{side}"]}),
        ("device", MN[side], {"mn": MN[side], "name": f"{name} logger", "site": f"o-{side}", "edition": "2017",
                              "password": "123456", "periods": ["hour"], "set_clock": False}),
        ("device", f"{MN[side]}S", {"mn": f"{MN[side]}S", "name": f"{name} logger 2", "site": f"s-{side}",
                                    "edition": "2017", "periods": ["hour"], "set_clock": False}),
    ]  # fmt: skip


class RightsNode:
    """The node, its accounts' sessions, and the ids of what grew in it."""

    def __init__(self, folder: Any) -> None:
        self.live = Live(folder, lambda house: register(house, [one for side in PLACES for one in rows(side)]))
        hour = int(time.time()) // 3600 * 3600
        for side in PLACES:
            for number in range(HOURS):
                at = hour - (HOURS - number) * 3600
                cod = compose.item("w01018", "N", Avg="88.8", Min="88.8", Max="88.8")
                self.live.send(MN[side], "2061", at, [cod])
                section = [compose.item(code, "N", Avg=value) for code, value in SECTION_DAY.items()]
                self.live.send(f"{MN[side]}S", "2061", at, section, st="21")
        self.live.settle()
        self.house, self.cases, self.app = self.live.house, self.live.cases, self.live.app
        types = self.house.types
        types["dataset"] = replace(types["dataset"], read_roles=("officer",))  # a register with readers of its own
        self.house.rejects.add(
            [Reject(hour * 1_000_000, "test", "", MN[side], "test", NAMES[side], PASSWORD.encode()) for side in PLACES]
        )
        self.house.rejects.flush()
        self.ids = {side: self._ids(side, hour) for side in PLACES}
        self.clients = {name: self._client(name, given) for name, given in WHO.items()}
        self.clients["key@own"] = self._key()
        self.clients["stranger"] = self.live.client(log_in=False)

    def _ids(self, side: str, hour: int) -> dict[str, Any]:
        house, site = self.house, f"o-{side}"
        verdict = house.verdicts.find(subject=site, limit=1)[0]
        [case] = house.records.find("case", {"subject": site})
        [alarm] = house.records.find("alarm", {"subject": site}, limit=1)
        keys = list(house.readings.series_keys())
        series = next(n for n, key in enumerate(keys) if key.site == site and key.factor == "cod_cr")
        figure = f"fig-{side}"
        house.records.put_many("figure", [(figure, {
            "title": f"{NAMES[side]} figure", "indicator": "x", "subject": "water", "scope": f"site:s-{side}",
            "period": "month", "at": "2026-10", "year": 2026, "printed": NAMES[side], "edition": "e",
            "inputs_digest": "d", "code_version": "1", "published_on": "2026-11-01", "as_of": 1, "by": "x",
            "publication": f"pub-{side}",
        })], SYSTEM)  # fmt: skip
        return {
            "site": site, "section": f"s-{side}", "enterprise": f"e-{side}", "outlet": f"out-{side}",
            "permit_limit": f"l-{side}", "device": MN[side], "mn": MN[side], "unit": f"u-{side}", "verdict": verdict.id,
            "bare": f"bare-{side}", "complaint": f"comp-{side}",
            "alarm": alarm.id, "case": case.id, "series": series, "time": hour - 3600, "figure": figure,
            "place": PLACES[side], "name": NAMES[side],
        }  # fmt: skip

    def _client(self, name: str, given: dict[str, Any]) -> httpx.Client:
        account = name.replace("@", ".")
        if account != "admin":
            self.cases.accounts.create(account, **given)
        token, session = self.cases.accounts.open_session(account)
        client = self.live.client(log_in=False)
        client.cookies.set("jinyun_session", token, domain="127.0.0.1")
        client.headers["X-Jinyun-CSRF"] = session.csrf
        return client

    def _key(self) -> httpx.Client:
        made = self.cases.keys.create("matrix", "reader", by="test", jurisdictions=["500109"])
        client = self.live.client(log_in=False)
        client.headers["authorization"] = f"Bearer {made['key']}"
        return client

    def actor(self, name: str) -> Any:
        """Who a column is."""
        held = self.cases.accounts.about(name.replace("@", "."))
        return Actor(held["name"], tuple(held["roles"]), held["unit"], tuple(held["jurisdictions"]), held["enterprise"])

    def restore(self) -> None:
        """Put back what a broken check let through."""
        for side in PLACES:
            for type_id, id, data in rows(side):
                if type_id in ("site", "enterprise"):
                    self.house.records.put_many(type_id, [(id, data)], SYSTEM)

    def close(self) -> None:
        for one in self.clients.values():
            one.close()
        self.live.close()
