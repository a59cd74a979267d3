"""People at work on the registers of a running node, each with a log-in, a live stream and pages of their own.

Every write says a token that no other write says; what was acknowledged is kept, and `verify` looks for each token in
the histories: there exactly once, at the version that the answer named, and in the record as it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

MIX: dict[str, int] = {
    "duty page": 4, "case board": 10, "case list": 8, "complaints": 10, "search": 10, "open a case": 16,
    "open a complaint": 10, "edit a complaint": 12, "step of a case": 6, "comment on a case": 8, "new complaint": 3,
    "picture to a case": 3,
}  # fmt: skip
"""Deeds of a hundred; between two of them a person thinks."""
HOT = 0.4  # of edits and comments go to the few records that everybody works on
FORWARD = ("acknowledge", "dispatch", "accept", "begin", "report")
WORDS = ("梁滩河", "氨氮", "电镀", "静观", "夜间施工", "油烟", "露天焚烧", "龙凤溪", "超标", "垃圾焚烧")
RELOAD_S = 2.0  # a page reads itself anew at most so often, as `throttled` of the page does
TRIES = 12
WRITES = frozenset({"edit", "step", "comment", "new", "attach"})


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was acknowledged."""

    kind: str
    type: str
    id: str
    version: int
    token: str


@dataclass(slots=True)
class Seen:
    """What all people saw."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # [ms]
    written: list[Written] = field(default_factory=list)
    unsure: list[Written] = field(default_factory=list)
    """Sent, and no answer came."""
    pictures: list[tuple[str, str]] = field(default_factory=list)  # case, attachment
    conflicts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    events: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What all people work by."""

    password: str
    hot: dict[str, list[str]]
    """Cases and complaints that everybody works on."""
    think: float  # [s] between two deeds
    arrive: float  # [s] within which all log in


class Person:
    """One log-in and what its holder does until `until` (monotonic s)."""

    def __init__(self, number: int, url: str, seen: Seen, plan: Plan) -> None:
        self.name, self._seen, self._plan = f"user{number:02d}", seen, plan
        self._hot, self._think = plan.hot, plan.think
        self._dice = random.Random(number)
        self._tokens = 0
        self._officer = number % 5 < 3  # the others are inspectors: bound to places, steps but no edits
        self.client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self._page: Callable[[], Awaitable[Any]] | None = None
        self._about, self._changed = "", asyncio.Event()
        self._photo = picture(number)

    # --- life ---------------------------------------------------------------------------------------------------------

    async def work(self, until: float) -> None:
        """Log in within the first seconds, then one deed after the other."""
        async with self.client:
            await asyncio.sleep(self._dice.random() * self._plan.arrive)
            got = await self.ask("log in", "POST", "/api/session", {"name": self.name, "password": self._plan.password})
            if got is None:
                return
            self.client.headers["x-jinyun-csrf"] = got["csrf"]
            listening = asyncio.create_task(self._listen())
            try:
                deeds, weights = zip(*MIX.items(), strict=True)
                while time.monotonic() < until:
                    await self._do(self._dice.choices(deeds, weights)[0])
                    await self._look(self._dice.uniform(0.4, 1.6) * self._think, until)
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening

    async def _listen(self) -> None:
        """The page's live stream."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                path = "/api/events?topics=reading,verdict,alarm,case,link,system,notice"
                async with self.client.stream("GET", path, timeout=None) as answer:
                    async for line in answer.aiter_lines():
                        if line.startswith("data:") and '"ref"' in line:
                            self._seen.events += 1
                            if self._page is not None and (not self._about or self._about in line):
                                self._changed.set()
            await asyncio.sleep(1)

    async def _look(self, seconds: float, until: float) -> None:
        """Look at the page that is open; it reads itself anew when something of it changed."""
        end = min(time.monotonic() + seconds, until)
        self._changed.clear()
        while (left := end - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return
            if self._page is not None:
                await self._page()
            self._changed.clear()
            await asyncio.sleep(min(RELOAD_S, max(end - time.monotonic(), 0)))

    async def ask(self, kind: str, method: str, path: str, body: Any = None, mark: Written | None = None) -> Any:
        """The answer's JSON; None for a conflict or a refusal, which are counted."""
        began = time.perf_counter()
        data = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        try:
            answer = await self.client.request(method, path, **data)
        except httpx.HTTPError as wrong:
            self._seen.wrong.append(f"{kind}: {type(wrong).__name__} {wrong}")
            if mark is not None:
                self._seen.unsure.append(mark)
            return None
        self._seen.times[kind].append((time.perf_counter() - began) * 1000)
        if answer.status_code < 400:
            return answer.json() if answer.content else {}
        code = answer.json()["error"]["code"]
        if code == "conflict":
            self._seen.conflicts[kind] += 1
        elif answer.status_code in (403, 404, 409) and code != "busy":
            self._seen.refused[f"{kind}: {code}"] += 1
        else:
            self._seen.wrong.append(f"{kind}: {answer.status_code} {answer.text[:300]}")
        return None

    # --- deeds --------------------------------------------------------------------------------------------------------

    async def _do(self, deed: str) -> None:
        self._page, self._about = None, ""
        if deed == "duty page":
            await self.ask("duty page", "GET", "/api/overview")
        elif deed == "case board":
            self._page = lambda: self.ask("case board", "GET", "/api/cases?state=open")
            await self._page()
        elif deed == "case list":
            state = self._dice.choice(("dispatched", "acting", "reported,verified", "closed"))
            order = self._dice.choice(("-updated_at", "level", "created_at"))
            await self.ask("list", "GET", f"/api/records/case?state={state}&order={order}&limit=50")
        elif deed == "complaints":
            more = self._dice.choice(("&state=registered", "&channel=12345", "", "&order=address"))
            await self.ask("list", "GET", f"/api/records/complaint?limit=50{more}")
        elif deed == "search":
            word = self._dice.choice(WORDS)
            if self._dice.random() < 0.5:
                await self.ask("search all", "GET", f"/api/search?q={word}&each=8")
            else:
                await self.ask("search list", "GET", f"/api/records/case?q={word}&limit=50")
        elif deed == "open a case":
            await self._case_page(await self._some("case"))
        elif deed == "open a complaint":
            await self._record_page(await self._some("complaint"))
        elif deed == "edit a complaint":
            await self._edit(await self._some("complaint"))
        elif deed == "step of a case":
            await self._step(await self._some("case", hot=False))
        elif deed == "comment on a case":
            await self._comment(await self._some("case"))
        elif deed == "new complaint":
            await self._new()
        else:
            await self._picture(await self._some("case"))

    async def _some(self, type_id: str, *, hot: bool = True) -> str:
        """A record to work on: one of those that everybody works on, or any out of a list."""
        if hot and self._dice.random() < HOT:
            return self._dice.choice(self._hot[type_id])
        state = "&state=acknowledged,dispatched,accepted,acting,opened" if type_id == "case" else ""
        path = f"/api/records/{type_id}?limit=50&offset={self._dice.randrange(8) * 50}&order=id{state}"
        found = await self.ask("list", "GET", path)
        items = (found or {}).get("items")
        return self._dice.choice(items)["id"] if items else self._dice.choice(self._hot[type_id])

    async def _case_page(self, case: str) -> Any:
        self._about, self._page = case, lambda: self.ask("case page", "GET", f"/api/cases/{case}")
        return await self._page()

    async def _record_page(self, id: str) -> Any:
        """As the page asks: record, history and steps at once."""
        path = f"/api/records/complaint/{id}"
        got = await asyncio.gather(*(
            self.ask(kind, "GET", path + more)
            for kind, more in (("record", ""), ("history", "/history"), ("steps", "/steps"))
        ))  # fmt: skip
        return got[0]

    async def _type(self) -> None:
        """A form is filled in."""
        await asyncio.sleep(self._dice.uniform(0.2, 0.8) * self._think)

    def _token(self) -> str:
        self._tokens += 1
        return f"⟦{self.name}-{self._tokens:05d}⟧"

    async def _edit(self, id: str) -> None:
        """Add a line to the complaint's content, by version; after a conflict read again and add it to what is there
        now. Inspectors, who may not edit, only look."""
        record, token = await self._record_page(id), self._token()
        if record is None or not self._officer:
            return
        await self._type()
        for _ in range(TRIES):
            body = {"content": f"{record['content']}\n{token} 现场核实", "version": record["version"]}
            mark = Written("edit", "complaint", id, record["version"] + 1, token)
            got = await self.ask("edit", "PATCH", f"/api/records/complaint/{id}", body, mark)
            if got is not None:
                self._seen.written.append(Written("edit", "complaint", id, got["version"], token))
                return
            record = await self.ask("record", "GET", f"/api/records/complaint/{id}")
            if record is None:
                return
            await asyncio.sleep(self._dice.uniform(0.1, 0.5))

    async def _take(self, kind: str, page: dict[str, Any], step: str, given: dict[str, Any], token: str) -> bool:
        """A step of a case by version; after a conflict on what is there now, if it can still be taken."""
        case, version = page["case"]["id"], page["case"]["version"]
        path = f"/api/records/case/{case}/steps/{step}"
        for _ in range(TRIES):
            mark = Written(kind, "case", case, version + 1, token)
            before = self._seen.conflicts[kind]
            got = await self.ask(kind, "POST", path, {"given": given, "version": version, "note": token}, mark)
            if got is not None:
                self._seen.written.append(Written(kind, "case", case, got["version"], token))
                return True
            if self._seen.conflicts[kind] == before:
                return False  # refused: somebody took the step already
            record = await self.ask("record", "GET", f"/api/records/case/{case}")
            if record is None:
                return False
            version = record["version"]
            await asyncio.sleep(self._dice.uniform(0.1, 0.5))
        return False

    async def _step(self, case: str) -> None:
        """The next step on the way of a case."""
        page = await self._case_page(case)
        if page is None:
            return
        steps = {one["name"] for one in page["steps"] if one["allowed"]}
        wanted = next((one for one in FORWARD if one in steps), None)
        if wanted is None:
            return
        await self._type()
        token = self._token()
        needs = {"dispatch": {"owner": "u03", "note": "两日内查清"}, "report": {"text": f"已整改 {token}"}}
        await self._take("step", page, wanted, needs.get(wanted, {}), token)

    async def _comment(self, case: str) -> None:
        page = await self._case_page(case)
        if page is None:
            return
        await self._type()
        token = self._token()
        given = {"text": f"{token} 上游来水异常，已加密监测"}
        await self._take("comment", page, "add_cause", given, token)

    async def _new(self) -> None:
        if not self._officer:
            return
        token = self._token()
        body = {
            "title": f"夜间施工扰民 {token}", "channel": "12345", "ask": "complaint", "kind": "noise",
            "content": f"反映人称每晚十点后打桩 {token}", "jurisdiction": "500109103", "address": "北温泉街道",
        }  # fmt: skip
        got = await self.ask("new", "POST", "/api/records/complaint", body, Written("new", "complaint", "", 1, token))
        if got is not None:
            self._seen.written.append(Written("new", "complaint", got["id"], 1, token))

    async def _picture(self, case: str) -> None:
        """Take a photo, send it, put it to a case."""
        page = await self._case_page(case)
        if page is None:
            return
        sent = await self.ask("picture", "POST", "/api/attachments?name=现场.jpg", self._photo)
        if sent is None:
            return
        token = self._token()
        if await self._take("attach", page, "attach", {"files": [sent["id"]]}, token):
            self._seen.pictures.append((case, sent["id"]))


def picture(number: int) -> bytes:
    """A photo as a phone sends it after making it smaller: 1,600 × 1,200, some 300 kB."""
    noise = Image.effect_noise((400, 300), 40 + number % 20).resize((1600, 1200))
    out = io.BytesIO()
    Image.merge("RGB", (noise, noise, noise)).save(out, "JPEG", quality=80)
    return out.getvalue()


async def verify(client: httpx.AsyncClient, seen: Seen) -> list[str]:
    """Everything that is not as it was acknowledged."""
    problems: list[str] = []
    by_record: dict[tuple[str, str], list[Written]] = defaultdict(list)
    for one in seen.written:
        by_record[one.type, one.id].append(one)
    unsure = {one.token for one in seen.unsure}
    for (type_id, id), mine in by_record.items():
        path = f"/api/records/{type_id}/{id}"
        record, history = (await client.get(path)).json(), (await client.get(f"{path}/history")).json()["items"]
        if [one["version"] for one in history] != list(range(1, len(history) + 1)):
            problems.append(f"{path}: versions are not 1 to {len(history)}")
        if record["version"] != len(history):
            problems.append(f"{path}: at version {record['version']}, its history ends at {len(history)}")
        whole = json.dumps(record, ensure_ascii=False)
        for one in mine:
            if (began := _began(history, one)) != [one.version]:
                problems.append(f"{path}: {one.token} acknowledged at {one.version}, in the history at {began}")
            if one.kind in ("edit", "comment") and whole.count(one.token) != 1:
                problems.append(f"{path}: {one.token} stands {whole.count(one.token)} times in the record")
        foreign = set(_tokens(whole)) - {one.token for one in mine} - unsure
        if foreign:
            problems.append(f"{path}: {foreign} was never acknowledged")
    for case, file in seen.pictures:
        record = (await client.get(f"/api/records/case/{case}")).json()
        held = json.dumps(record.get("evidence")).count(file)
        if held != 1:
            problems.append(f"case {case}: picture {file} is there {held} times")
        if (await client.get(f"/api/attachments/{file}")).status_code != 200:
            problems.append(f"picture {file} cannot be had")
    return problems


def _began(history: list[dict[str, Any]], one: Written) -> list[int]:
    """Versions at which a token first comes: of a step its note says it, of a text the one before it lacks it."""
    if one.kind in ("edit", "new"):
        return [entry["version"] for entry in history
                if one.token in str(entry["after"].get("content"))
                and one.token not in str(entry["before"].get("content"))]  # fmt: skip
    return [entry["version"] for entry in history if one.token in entry["note"]]


def _tokens(text: str) -> list[str]:
    return [f"⟦{one.partition('⟧')[0]}⟧" for one in text.split("⟦")[1:]]
