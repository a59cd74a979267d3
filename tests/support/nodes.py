"""Real nodes in processes of their own, for flow tests: started by the same verb a person uses."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

SYSTEM_ROWS = ("enterprise", "site", "outlet", "permit_limit", "device")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def register(folder: Path, rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Put records into a stopped node's registers."""
    from jinyun.app.assemble import House
    from jinyun.app.settings import Settings
    from jinyun.kernel.ports import SYSTEM

    by_type: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for type_id, id, data in rows:
        by_type.setdefault(type_id, []).append((id, data))
    house = House(Settings.load(folder))
    try:
        for type_id in SYSTEM_ROWS:
            house.records.put_many(type_id, by_type.get(type_id, []), SYSTEM)
    finally:
        house.close()


class Node:
    """One node process. `start` returns when it answers; `kill` is SIGKILL, `stop` is Ctrl-C."""

    def __init__(self, folder: Path, *words: str, prefix: tuple[str, ...] = ()) -> None:
        self.folder, self.words, self.prefix = folder, words, prefix
        self.http, self.hj212 = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.output = folder.parent / f"{folder.name}.out"
        self.password = ""
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self._csrf = ""

    def start(self, timeout: float = 60.0) -> Node:
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [
                    *self.prefix, sys.executable, "-m", "jinyun", "serve", "--folder", str(self.folder),
                    "--port", str(self.http), "--hj212-port", str(self.hj212), *self.words,
                ],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self._opener.open(f"http://127.0.0.1:{self.http}/api/health", timeout=2).status == 200:
                    break
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended: {self.output.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            raise AssertionError(f"the node did not answer in {timeout} s: {self.output.read_text()[-2000:]}")
        for line in self.output.read_text(encoding="utf-8").splitlines():
            if "admin / " in line:
                self.password = line.split("admin / ")[1].split()[0]
        return self

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout: float = 30.0) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the node did not stop on Ctrl-C: " + self.output.read_text()[-2000:]) from None
        return int(self.process.returncode)

    def __enter__(self) -> Node:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(AssertionError):
                self.stop()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def log_in(self, name: str = "admin", password: str = "") -> None:
        answer = self.ask("POST", "/api/session", {"name": name, "password": password or self.password})
        self._csrf = answer["csrf"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of one API call."""
        request = Request(
            f"http://127.0.0.1:{self.http}{path}",
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json", **({"X-Jinyun-CSRF": self._csrf} if self._csrf else {})},
            method=method,
        )
        with self._opener.open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
