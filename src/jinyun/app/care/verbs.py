"""What the verbs backup and verify do: ask the running node, or work on the files of a stopped one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from jinyun.app.local import Remote, RemoteError, running_node, stopped_node

Progress = Callable[[str, int, int], None]


def back_up(folder: Path, out: Path, *, link: bool, keep: int, progress: Progress) -> dict[str, Any]:
    """See `care.backup.backup`."""
    remote = running_node(folder)
    if remote is not None:
        body = {"out": str(out.resolve()), "link": link, "keep": keep}
        return _wait(remote, remote.ask("POST", "/api/care/backups", body), progress)
    from jinyun.app.care.backup import backup

    with redirect_stdout(sys.stderr), stopped_node(folder) as house:  # what the log says is no part of the answer
        return backup(house, out.resolve(), link=link, keep=keep, progress=progress)


def check(folder: Path, *, everything: bool, progress: Progress) -> dict[str, Any]:
    """See `care.verify`."""
    remote = running_node(folder)
    if remote is not None:
        return _wait(remote, remote.ask("POST", "/api/care/verify", {"everything": everything}), progress)
    from jinyun.app.care.verify import verify_folder

    return verify_folder(folder, everything=everything, progress=lambda what: progress(what, 0, 0)).as_dict()


def _wait(remote: Remote, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    while job["state"] == "running":
        time.sleep(0.2)
        job = remote.ask("GET", f"/api/care/jobs/{job['id']}")
        progress(job["what"], job["done"], job["total"])
    if job["state"] == "failed":
        raise RemoteError(job["error"], job["code"])
    result: dict[str, Any] = job["result"]
    return result
