"""The demo district: registers its sites once, and runs the simulator as a process of its own beside the node."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import structlog

from jinyun.app.assemble import House
from jinyun.app.demo_work import DEMO, put_work

log = structlog.get_logger("demo")
ORDER = ("enterprise", "site", "outlet", "permit_limit", "device")
HISTORY = "history.json"


def history(house: House) -> dict[str, Any] | None:
    """How far the demo's past is back-filled; None when there is none."""
    from jinyun.sim.history import told

    return told(house.settings.folder / HISTORY) if (house.settings.folder / HISTORY).is_file() else None


def prepare(house: House) -> dict[str, Any]:
    """Register the district's places and devices; a second start finds them and keeps the same story.

    Returns
    -------
    dict
        What the simulator needs: scale, seed, started_at (s).
    """
    path = house.settings.folder / "demo.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return known
    from jinyun.sim.district import build

    settings = house.settings
    district = build(settings.demo_scale, settings.demo_seed)
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = {name: [] for name in ORDER}
    for type_id, id, data in district.records():
        rows[type_id].append((id, data))
    for type_id in ORDER:
        house.records.put_many(type_id, rows[type_id], DEMO)
    story = {
        "scale": settings.demo_scale,
        "seed": settings.demo_seed,
        "started_at": house.clock.now() // 1_000_000,
    }
    path.write_text(json.dumps(story), encoding="utf-8")
    return story


def fill_desks(house: House, story: dict[str, Any]) -> None:
    """Once, beside the running page: what lies on the desks of the district's bureau."""
    if not story.get("desks"):
        put_work(house)
        story["desks"] = True
        (house.settings.folder / "demo.json").write_text(json.dumps(story), encoding="utf-8")


class Simulator:
    """The simulator's process."""

    def __init__(self, house: House, story: dict[str, Any]) -> None:
        command = [
            sys.executable, "-m", "jinyun", "simulate",
            "--scale", str(story["scale"]), "--seed", str(story["seed"]), "--faults", "demo",
            "--origin", str(story["started_at"]),
            "--host", "127.0.0.1", "--port", str(house.centre.port),
        ]  # fmt: skip
        if house.settings.demo_history:
            command += [
                "--history", str(house.settings.demo_history), "--history-state", str(house.settings.folder / HISTORY)
            ]  # fmt: skip
        if house.settings.clock:
            command += ["--clock", house.settings.clock]
        log_path: Path = house.settings.folder / "simulator.log"
        with log_path.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self) -> None:
        """Ask it to end; make it, if it does not."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
