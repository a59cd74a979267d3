"""The local door: verbs on the same machine, of the same user, speak to a running node by a token in its folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput, JinyunError, Unavailable
from jinyun.kernel.ports import Actor

DOOR = "node.json"
TIMEOUT_S = 30.0


def open_door(settings: Settings) -> str:
    """Write the node's address and a fresh token into its folder, readable by its user only; returns the token."""
    token = secrets.token_urlsafe(32)
    host = "127.0.0.1" if settings.host in ("", "0.0.0.0", "::") else settings.host
    path = settings.folder / DOOR
    body = {"url": f"http://{_bracketed(host)}:{settings.http_port}", "pid": os.getpid(), "token": token}
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(body, out)
    fresh.replace(path)
    return token


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Remote:
    """The local API of a running node."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self._token = url, token
        self._opener = build_opener(ProxyHandler({}))  # a loopback address never goes through a proxy

    def ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = TIMEOUT_S) -> Any:
        """The answer's JSON. Raises `RemoteError` with the node's sentence, `Unavailable` when it does not answer."""
        data = None if body is None else json.dumps(body).encode()
        answer, _ = self._send(method, path, data, "application/json", timeout_s)
        try:
            return json.loads(answer or b"null")
        except ValueError as wrong:
            raise Unavailable(f"the node at {self.url} does not answer: {wrong}") from None

    def fetch(
        self, method: str, path: str, data: bytes | None = None, *, content_type: str = "application/octet-stream",
        timeout_s: float = 300.0,
    ) -> tuple[bytes, str]:  # fmt: skip
        """A file that the node makes, and the name it gives it; raises as `ask`."""
        body, disposition = self._send(method, path, data, content_type, timeout_s)
        return body, unquote(disposition.partition("filename*=UTF-8''")[2])

    def send_file(self, method: str, path: str, file: Path) -> Any:
        """Send a file's bytes, piece by piece; the answer's JSON. Raises as `ask`."""
        with file.open("rb") as data:
            answer, _ = self._send(method, path, data, "application/octet-stream", 3600.0)
        return json.loads(answer or b"null")

    def _send(
        self, method: str, path: str, data: bytes | BinaryIO | None, content_type: str, timeout_s: float
    ) -> tuple[bytes, str]:
        headers = {"authorization": f"Bearer {self._token}", "content-type": content_type}
        try:
            with self._opener.open(Request(self.url + path, data, headers, method=method), timeout=timeout_s) as answer:
                return answer.read(), str(answer.headers.get("content-disposition") or "")
        except HTTPError as wrong:
            error: Mapping[str, Any] = {}
            with contextlib.suppress(ValueError):
                error = json.loads(wrong.read()).get("error", {})
            raise RemoteError(str(error.get("message") or wrong), str(error.get("code") or wrong.code)) from None
        except (URLError, OSError, ValueError) as wrong:
            raise Unavailable(f"the node at {self.url} does not answer: {wrong}") from None


class RemoteError(JinyunError):
    """What the running node answered."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        super().__init__(message)


def running_node(folder: Path) -> Remote | None:
    """The node that runs on `folder`, or None when none does. Raises `BadInput` when the folder is no node's."""
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}", hint="name a node's folder with --folder, or start one there")
    path = folder / DOOR
    try:
        door = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    remote = Remote(str(door["url"]), str(door["token"]))
    try:
        alive = remote.ask("GET", "/api/health")
    except (Unavailable, RemoteError):
        return None
    return remote if alive.get("pid") == door["pid"] else None


# --- what verbs ask, of the running node or of the files of a stopped one ------------------------------------------


class RemoteRegisters:
    """Registers of a running node."""

    def __init__(self, remote: Remote, as_of: str = "") -> None:
        self._remote, self._then = remote, {"as_of": as_of} if as_of else {}

    def types(self) -> list[dict[str, Any]]:
        return list(self._remote.ask("GET", "/api/types"))

    def declaration(self, type_id: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"/api/types/{quote(type_id, safe='')}"))

    def find(
        self,
        type_id: str,
        *,
        text: str = "",
        state: str = "",
        where: Mapping[str, str] | None = None,
        order: str = "-updated_at",
        limit: int = 100,
        offset: int = 0,
    ) -> dict[str, Any]:
        query = urlencode(
            {"q": text, "state": state, "order": order, "limit": limit, "offset": offset, **(where or {}),
             **self._then}
        )  # fmt: skip
        return dict(self._remote.ask("GET", f"/api/records/{quote(type_id, safe='')}?{query}"))

    def get(self, type_id: str, record_id: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"{_record_path(type_id, record_id)}?{urlencode(self._then)}"))

    def history(self, type_id: str, record_id: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"{_record_path(type_id, record_id)}/history?{urlencode(self._then)}"))

    def load(self, type_id: str, rows: Sequence[Mapping[str, Any]]) -> int:
        body = {"rows": [dict(one) for one in rows]}
        return int(self._remote.ask("POST", f"/api/records/{quote(type_id, safe='')}/load", body)["changed"])


class StoppedRegisters:
    """The same questions to the files of a stopped node."""

    ACTOR = Actor("local", ("admin", "officer"))

    def __init__(self, registers: Any) -> None:
        self._registers = registers

    def types(self) -> list[dict[str, Any]]:
        return list(self._registers.types())

    def declaration(self, type_id: str) -> dict[str, Any]:
        return dict(self._registers.declaration(type_id))

    def find(
        self,
        type_id: str,
        *,
        text: str = "",
        state: str = "",
        where: Mapping[str, str] | None = None,
        order: str = "-updated_at",
        limit: int = 100,
        offset: int = 0,
    ) -> dict[str, Any]:
        states = [one for one in state.split(",") if one]
        found = self._registers.find(
            type_id, self.ACTOR, where=where, states=states, text=text, order=order, limit=limit, offset=offset
        )
        return dict(found)

    def get(self, type_id: str, record_id: str) -> dict[str, Any]:
        return dict(self._registers.get(type_id, record_id, self.ACTOR))

    def history(self, type_id: str, record_id: str) -> dict[str, Any]:
        return dict(self._registers.history(type_id, record_id, self.ACTOR))

    def load(self, type_id: str, rows: Sequence[Mapping[str, Any]]) -> int:
        return int(self._registers.load(type_id, rows, self.ACTOR))


def _record_path(type_id: str, record_id: str) -> str:
    return f"/api/records/{quote(type_id, safe='')}/{quote(record_id, safe='')}"


@contextlib.contextmanager
def open_registers(folder: Path, as_of: str = "") -> Iterator[RemoteRegisters | StoppedRegisters]:
    """The registers of the node in `folder`, or as they stood at a moment (`parse_as_of`), for asking only. Raises
    `Busy` when it runs but does not answer."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteRegisters(remote, as_of)
        return
    from jinyun.app.services.registers import Registers
    from jinyun.app.then import HouseThen, parse_as_of

    moment = parse_as_of(as_of)
    with stopped_node(folder) as house:
        asked: Any = house if moment is None else HouseThen(house, moment)
        yield StoppedRegisters(Registers(asked))


class RemotePeriods:
    """Period figures of a running node."""

    def __init__(self, remote: Remote, as_of: int | None = None) -> None:
        self._remote = remote
        self._then = {} if as_of is None else {"as_of": str(as_of)}

    def scopes(self) -> dict[str, Any]:
        return dict(self._remote.ask("GET", "/api/periods"))

    def figures(self, subject: str, **asked: str) -> dict[str, Any]:
        return dict(self._remote.ask("GET", f"/api/periods/{quote(subject, safe='')}?{urlencode(asked | self._then)}"))

    def days(self, subject: str, **asked: str) -> dict[str, Any]:
        query = urlencode(asked | self._then | {"limit": "10000"})
        return dict(self._remote.ask("GET", f"/api/periods/{quote(subject, safe='')}/days?{query}"))


@contextlib.contextmanager
def open_periods(folder: Path, as_of: int | None = None) -> Iterator[Any]:
    """Period figures of the node in `folder`, running or stopped; `as_of` [s]: of what was known then."""
    remote = running_node(folder)
    if remote is not None:
        yield RemotePeriods(remote, as_of)
        return
    from jinyun.app.services.as_of import house_as_of
    from jinyun.app.services.periods import Periods

    with stopped_node(folder) as house:
        house.sites.refresh()
        yield Periods(house if as_of is None else house_as_of(house, as_of * 1_000_000))


class RemoteEditions:
    """Judging again at a running node: a job there, its state looked at from here."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def run(
        self,
        *,
        as_on: str,
        first: str,
        last: str,
        judges: Sequence[str],
        sites: Sequence[str],
        store: bool,
        flips_only: bool,
        progress: Callable[[dict[str, Any]], None] | None,
    ) -> dict[str, Any]:
        """Ask, wait to the end, fetch all pages; ``flat`` holds every row without nesting."""
        from jinyun.app.services.edition_rows import flat_row

        body: dict[str, Any] = {"from": first, "to": last, "judges": list(judges), "sites": list(sites)}
        path = "/api/editions/rejudge" if store else "/api/editions/what-if"
        state = self._remote.ask("POST", path, body if store else body | {"as_on": as_on})
        place = f"/api/editions/what-if/{state['id']}"
        try:
            while state["state"] in ("waiting", "running"):
                time.sleep(0.2)
                state = self._remote.ask("GET", f"{place}?limit=1")
                if progress is not None:
                    progress(state)
        except KeyboardInterrupt:
            self._remote.ask("DELETE", place)
            raise
        rows: list[dict[str, Any]] = []
        while True:
            flips = str(flips_only).lower()
            state = self._remote.ask("GET", f"{place}?offset={len(rows)}&limit=5000&flips={flips}")
            rows += state["items"]
            if not state["items"] or len(rows) >= state["total_rows"]:
                break
        _check_done(state)
        return {**state, "items": rows, "flat": [flat_row(one) for one in rows]}


class StoppedEditions:
    """The same at the files of a stopped node."""

    def __init__(self, editions: Any) -> None:
        self._editions = editions

    def run(
        self,
        *,
        as_on: str,
        first: str,
        last: str,
        judges: Sequence[str],
        sites: Sequence[str],
        store: bool,
        flips_only: bool,
        progress: Callable[[dict[str, Any]], None] | None,
    ) -> dict[str, Any]:
        job = self._editions.prepare(
            as_on=as_on, first=first, last=last, judges=judges, sites=sites, store=store, by="local"
        )
        return dict(self._editions.at_once(job, flips_only=flips_only, progress=progress))


def _check_done(state: Mapping[str, Any]) -> None:
    if state["state"] != "done":
        raise Unavailable(f"judging again {state['state']}: {state['problem'] or 'it was taken back'}")


@contextlib.contextmanager
def open_editions(folder: Path) -> Iterator[RemoteEditions | StoppedEditions]:
    """Judging again at the node in `folder`, running or stopped."""
    remote = running_node(folder)
    if remote is not None:
        yield RemoteEditions(remote)
        return
    from jinyun.app.services.editions import Editions

    with stopped_node(folder) as house:
        house.sites.refresh()
        house.directory.refresh()
        yield StoppedEditions(Editions(house))


@contextlib.contextmanager
def stopped_node(folder: Path) -> Iterator[Any]:
    """The house of a stopped node, not started: its files opened, its doors shut."""
    if not (folder / "records.sqlite").is_file() and not (folder / "jinyun.toml").is_file():
        raise BadInput(f"{folder} is no node's folder", hint="name one with --folder, or start a node there first")
    from jinyun.app.assemble import House  # heavy: every room comes with it

    house = House(Settings.load(folder))
    try:
        yield house
    finally:
        house.close()


def system_state(folder: Path) -> dict[str, Any]:
    """The system page's figures; of a stopped node what its files say."""
    remote = running_node(folder)
    if remote is not None:
        return {"running": True, **remote.ask("GET", "/api/system")}
    from jinyun.app.services.overview import Overview
    from jinyun.app.services.system import SystemState

    with stopped_node(folder) as house:
        return {"running": False, **SystemState(house, Overview(house)).state()}
