"""Cells of the rights matrix: every call of the API, and every port behind it, for an object of one's own place and of
another's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
from rights_node import NAMES, PASSWORD, PHONES, PLACES, RightsNode

from jinyun.app.rights.narrow import NarrowFigures
from jinyun.app.rights.view import View
from jinyun.kernel.errors import JinyunError
from jinyun.kernel.ports import Block
from jinyun.kernel.terms import Origin, Period
from jinyun.web.build import ROUTERS
from jinyun.web.calls import calls_of

SIDES = ("own", "other")
TYPES = ("enterprise", "site", "outlet", "permit_limit", "device", "alarm", "case", "unit", "figure")
OPEN_TYPES = frozenset({"unit"})
"""Registers that belong to no place."""
_count = itertools.count()

QUERY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "GET /api/sites/{site}/series": lambda o: "factor=cod_cr",
    "GET /api/sites/{site}/windows": lambda o: "factor=cod_cr",
    "GET /api/readings/why": lambda o: f"series={o['series']}&time={o['time']}",
    "GET /api/alarms": lambda o: f"state=all&subject={o['site']}",
    "GET /api/cases": lambda o: f"state=all&subject={o['site']}",
    "GET /api/export/readings": lambda o: f"format=csv&site={o['site']}",
    "GET /api/export/windows": lambda o: f"format=csv&window=hour&site={o['site']}",
    "GET /api/catalogue/series": lambda o: f"site={o['site']}",
    "GET /api/catalogue/gaps": lambda o: f"site={o['site']}",
    "GET /api/periods/{subject}": lambda o: f"scope=site:{o['section']}",
    "GET /api/periods/{subject}/days": lambda o: f"scope=site:{o['section']}",
    "GET /api/periods/{subject}/months": lambda o: f"scope=site:{o['section']}&count=2",
    "GET /api/reports/{medium}": lambda o: f"scope=site:{o['section']}&format=xlsx",
    "GET /api/reports/{medium}/fields": lambda o: f"scope=site:{o['section']}",
    "GET /api/figures/bundle": lambda o: "year=2020",
    "GET /api/rejects": lambda o: f"mn={o['mn']}",
    "GET /api/search": lambda o: f"q={o['name'].lower()}",  # the answer says it again
    "POST /api/imports": lambda o: "name=x.csv",
    "POST /api/attachments": lambda o: "name=x.txt",
}
BODY: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "PATCH /api/records/{type_id}/{record}": lambda o: {"note": f"n{next(_count)}"},
    "POST /api/records/{type_id}": lambda o: {"name": f"{o['name']} new", "kind": "water_micro",
                                              "jurisdiction": o["place"]},
    "POST /api/records/{type_id}/load": lambda o: {"rows": [{"id": o["section"], "note": f"l{next(_count)}"}]},
    "POST /api/links/{mn}/commands": lambda o: {"cn": "1011"},
    "POST /api/records/{type_id}/{record}/steps/{step}": lambda o: {},
    "POST /api/figures/dependents": lambda o: {"verdicts": [o["verdict"]]},
    "POST /api/security/separation": lambda o: {"on": False},
    "PATCH /api/security": lambda o: {},
    "POST /api/care/verify": lambda o: {},
}  # fmt: skip
NO_OBJECT = frozenset({"POST /api/attachments", "POST /api/imports", "GET /api/figures/bundle"})
"""Calls that are about no record yet."""
STEPS = {"alarm": "acknowledge", "case": "no-such-step"}
ONE_SIDED = {"subject": "water", "medium": "water", "name": "nobody", "number": "1"}  # fmt: skip
EXTRA = (
    ("GET", "/api/overview", "", "overview"),
    ("GET", "/api/records/site", "", "list of sites"),
    ("GET", "/api/records/case?state=opened", "", "list of cases"),
    ("GET", "/api/records/enterprise", "", "list of enterprises"),
    ("GET", "/api/records/device", "", "list of devices"),
    ("GET", "/api/export/readings?format=csv", "", "export of all"),
    ("GET", "/api/catalogue/series", "", "catalogue of all"),
    ("GET", "/api/alarms?state=all", "", "all alarms"),
    ("GET", "/api/cases?state=all", "", "all cases"),
    ("GET", "/api/links", "", "all links"),
    ("GET", "/api/sites?format=csv", "", "sites as CSV"),
    ("GET", "/api/records/enterprise?phone=" + PHONES["own"], "", "filter by a personal field"),
    ("GET", "/sta/v1.1/Things", "", "Things"),
    ("GET", "/sta/v1.1/Observations?$top=50&$expand=Datastream", "", "Observations"),
    ("GET", "/sta/v1.1/Observations?$count=true&$top=1&$filter=result gt 0", "", "count of Observations"),
    ("GET", "/sta/v1.1/Datastreams({series})", "side", "a Datastream"),
    ("GET", "/sta/v1.1/Datastreams({series})/Observations", "side", "its Observations"),
    ("GET", "/sta/v1.1/Things('{site}')/Datastreams", "side", "Datastreams of a Thing"),
    ("GET", "/sta/v1.1/Sensors('{mn}')", "side", "a Sensor"),
    ("PATCH", "/api/records/site/{section}", "move", "move a site to the other place"),
    ("GET", "/api/complaints/same?kind=water&lon=106.4&lat=29.8", "", "complaints near a place"),
    ("GET", "/api/records/case/{bare}", "side", "a case of no site"),
    ("GET", "/api/records/complaint/{complaint}", "side", "a complaint"),
    ("POST", "/api/records/patrol", "make", "a new patrol"),
    ("POST", "/api/records/inspection_finding", "make", "a new finding"),
    ("POST", "/api/records/complaint", "make", "a new complaint"),
    ("POST", "/api/records/project", "make", "a new project"),
    ("POST", "/api/records/rectification", "make", "a new rectification item"),
)

MADE: Mapping[str, Mapping[str, Any]] = {
    "patrol": {"river": "r", "chief": "c", "rank": "town", "started": "2026-03-02T08:00:00+08:00",
               "ended": "2026-03-02T08:40:00+08:00"},
    "inspection_finding": {"title": "f", "inspection": "daily", "found_on": "2026-03-02", "description": "d"},
    "complaint": {"title": "c", "channel": "web", "ask": "help", "kind": "noise", "content": "c"},
    "project": {"name": "p", "kind": "sewer"},
    "rectification": {"title": "r", "source": "own", "problem": "p", "deadline": "2099-12-31"},
}  # fmt: skip
"""Records whose registers say themselves who writes them."""


@dataclass(frozen=True)
class Cell:
    """One call, for one side ("" when it has none)."""

    call: str
    side: str
    method: str
    address: str
    body: Any = field(default=None, compare=False)
    moved: bool = False

    @property
    def name(self) -> str:
        return f"{self.call} [{self.side}]" if self.side else self.call


class _Given(dict[str, Any]):
    """What place holders are filled with; an unknown one with a name that nothing has."""

    def __missing__(self, key: str) -> str:
        return "none"


def cells(node: RightsNode) -> Iterator[Cell]:
    """Every route of the API, so that a new one is in the matrix by itself."""
    for method, path in calls_of([one.router for one in ROUTERS]):
        key = f"{method} {path}"
        if path.startswith("/sta/") and "path" in path:
            continue  # their addresses are below
        kinds = TYPES if "{type_id}" in path and "{record}" in path else ("site",) if "{type_id}" in path else ("",)
        if method not in ("GET",) and "{record}" in path and not path.endswith("{step}"):
            kinds = ("site", "case")
        if path.endswith("{step}"):
            kinds = ("alarm", "case")
        sided = (key not in NO_OBJECT and (key in QUERY or key in BODY)) or any(
            f"{{{name}}}" in path for name in ("site", "verdict", "alarm", "case", "mn", "record", "series", "figure")
        )  # fmt: skip
        for kind in kinds:
            for side in SIDES if sided else ("",):
                known = node.ids[side or "own"]
                given = {**ONE_SIDED, **{k: v for k, v in known.items() if k not in ONE_SIDED}}
                given |= {"type_id": kind or "site", "record": known.get(kind, "none"), "step": STEPS.get(kind, "none")}
                address = path.format_map(_Given(given))
                query = QUERY[key](known) if key in QUERY else ""
                told = key.replace("{type_id}", kind) if kind else key
                body = BODY[key](known) if key in BODY else {} if method in ("POST", "PATCH") else None
                if method == "DELETE" and "{record}" in path:
                    address = address.replace(str(known.get(kind)), f"gone-{side}-{kind}")
                yield Cell(told, side, method, f"{address}?{query}" if query else address, body)
    for method, path, how, name in EXTRA:
        for side in SIDES if how else ("",):
            body = {"jurisdiction": PLACES["other" if side == "own" else "own"]} if how == "move" else None
            if how == "make":
                body = {**MADE[path.rpartition("/")[2]], "jurisdiction": PLACES[side]}
            address = path.format(**node.ids[side or "own"]) if how else path
            yield Cell(f"{method} {name}", side, method, address, body, how == "move")


@dataclass(frozen=True)
class Outcome:
    """How a cell ended, and whose marks the answer holds."""

    status: str
    own: bool
    other: bool
    person: bool
    password: bool

    @property
    def shown(self) -> str:
        marks = "".join(mark for mark, there in (("o", self.own), ("x", self.other), ("p", self.person),
                                                 ("w", self.password)) if there)  # fmt: skip
        return f"{self.status}{' ' + marks if marks else ''}"


def outcome_of(status: str, text: str) -> Outcome:
    flat = text.replace(" ", "")
    password = PASSWORD in text or PASSWORD.encode().hex() in flat
    person = any(phone in text for phone in PHONES.values())
    return Outcome(status, NAMES["own"] in text, NAMES["other"] in text, person, password)


def ask(node: RightsNode, who: str, cell: Cell) -> Outcome:
    """One request as one of the columns."""
    client = node.clients[who]
    if "/events" in cell.address:
        with client.stream(cell.method, cell.address) as answer:
            return outcome_of(str(answer.status_code), "")
    if cell.call in ("DELETE /api/session", "GET /api/session/oidc/start"):
        return outcome_of("-", "")  # it would end the column's own log-in; told in test_accounts_api
    json = cell.body if cell.body is not None else None
    if cell.call.startswith("POST /api/records/site/load"):
        json = {"rows": [{**one, "note": f"l{next(_count)}"} for one in cell.body["rows"]]}
    try:
        answer = client.request(cell.method, cell.address, json=json, timeout=120)
    except httpx.HTTPError as wrong:
        raise AssertionError(f"{who} {cell.name}: {wrong!r}") from None
    return outcome_of(str(answer.status_code), "" if cell.method != "GET" else answer.text)


# --- ports ------------------------------------------------------------------------------------------------------------

Port = Callable[[Any, Mapping[str, Any], RightsNode], Any]


def _block(o: Mapping[str, Any]) -> Block:
    empty: Any = np.empty(0, np.int32)
    return Block(0, empty, np.empty(0, np.int64), np.empty(0, np.uint8), 1, Origin.IMPORT, "", o["site"], None)


def _event(topic: str) -> Port:
    return lambda v, o, n: n.cases.ears(v.reach)({"mn": o["mn"]} if topic == "mn" else {topic: o["site"]})


def _may(node: RightsNode, view: Any, action: str, type_id: str | None = None) -> bool:
    return bool(node.cases.rights.may(view.asker, action, type_id).allowed)


def _separated(view: Any, node: RightsNode) -> bool:
    """Whether the set-up role still opens accounts once the three administrators are parted."""
    node.cases.accounts.separate(True)
    try:
        return bool(node.cases.rights.may(view.asker, "account.read").allowed)
    finally:
        node.cases.accounts.separate(False)


def _figures(node: RightsNode, view: Any) -> Any:
    figures = NarrowFigures(view, node.cases.figures)
    return SimpleNamespace(find_one=lambda id: figures._check(id) or True)


PORTS: Mapping[str, Port] = {
    "sites.get": lambda v, o, n: v.sites.get(o["site"]),
    "sites.all": lambda v, o, n: [one for one in v.sites.all() if one.id == o["site"]],
    "directory.get": lambda v, o, n: v.directory.get(o["mn"]),
    "directory.all": lambda v, o, n: [one for one in v.directory.all() if one.mn == o["mn"]],
    "records.get": lambda v, o, n: v.records.get("case", o["case"]),
    "records.find": lambda v, o, n: [one for one in v.records.find("case") if one.id == o["case"]],
    "a telephone in a record": lambda v, o, n: any(
        one in str(v.records.get("enterprise", o["enterprise"]).data) for one in PHONES.values()
    ),
    "records.history": lambda v, o, n: v.records.history("case", o["case"]),
    "records.update": lambda v, o, n: v.records.update(
        "site", o["section"], {"note": f"u{next(_count)}"}, n.actor("admin")
    ),
    "records.create": lambda v, o, n: v.records.create(
        "site", {"name": f"{o['name']} made", "kind": "water_micro", "jurisdiction": o["place"]}, n.actor("admin")
    ),
    "verdicts.get": lambda v, o, n: v.verdicts.get(o["verdict"]),
    "verdicts.find": lambda v, o, n: v.verdicts.find(subject=o["site"]),
    "verdicts.briefs": lambda v, o, n: v.verdicts.briefs("emission.outlet_hour", [o["site"]], 0, 2**40),
    "verdicts.latest": lambda v, o, n: [one for one in v.verdicts.latest() if one[0] == o["site"]],
    "readings.read": lambda v, o, n: v.readings.read(o["site"], start=0, end=2**40),
    "readings.latest": lambda v, o, n: v.readings.latest([o["site"]]),
    "readings.versions": lambda v, o, n: v.readings.versions(o["series"], o["time"]),
    "readings.series_key": lambda v, o, n: v.readings.series_key(o["series"]),
    "readings.series_keys": lambda v, o, n: [k for k in v.readings.series_keys() if k.site == o["site"]],
    "readings.columns": lambda v, o, n: len(v.readings.read_columns([o["series"]], 0, 2**40)),
    "readings.exports": lambda v, o, n: list(v.readings.exports.pieces([o["series"]], 0, 2**40)),
    "readings.count": lambda v, o, n: v.readings.pages.count([o["series"]], ("true",)),
    "readings.put": lambda v, o, n: v.readings.put(_block(o)) or True,
    "readings.times": lambda v, o, n: v.readings.times(o["site"], Period.HOUR, 0, 2**40),
    "windows.of_site": lambda v, o, n: v.windows.of_site(o["site"]),
    "links.list": lambda v, o, n: [one for one in v.centre.links() if one["mn"] == o["mn"]],
    "links.one": lambda v, o, n: v.centre.link(o["mn"]),
    "rejects.find": lambda v, o, n: v.rejects.find(mn=o["mn"]),
    "figures.show": lambda v, o, n: _figures(n, v).find_one(o["figure"]),
    "a register with readers of its own": lambda v, o, n: (
        n.cases.rights.may(v.asker, "register.read", "dataset").allowed
    ),
    "calls with separated administrators": lambda v, o, n: _separated(v, n),
    "calls about the whole node": lambda v, o, n: _may(n, v, "import.read"),
    "calls of another role": lambda v, o, n: _may(n, v, "account.read"),
    "events by site": _event("site"),
    "events by subject": _event("subject"),
    "events by device": _event("mn"),
}


def ask_port(node: RightsNode, who: str, port: str, side: str) -> Outcome:
    """What a port gives to somebody, without a service before it."""
    rights = node.cases.rights
    actor = node.actor(who)
    view = View(node.house, rights, rights.reach(actor))
    view.asker = actor  # type: ignore[attr-defined]
    try:
        found = PORTS[port](view, node.ids[side], node)
    except JinyunError as refused:
        return outcome_of(refused.code, "")
    finally:
        view.close()
    return outcome_of("given" if found else "nothing", "")
