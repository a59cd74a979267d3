"""Lists and searches of a large register: 100,000 cases, 1 M history rows, on SQLite and PostgreSQL.

    python benchmarks/registers.py [--cases 100000] [--rounds 15] [--on sqlite,postgresql] [--keep FOLDER] [--json FILE]

Claim (issue 5): list and search p95 < 300 ms on both. A question is what a page asks: a page of records AND how many
there are, through `SqlRecords`; with and without the SQL of a person's reach. Printed per question: p50, p95 and worst
of the wall time, and the median CPU time of this process (SQLite works in it, PostgreSQL does not). PostgreSQL is a
private server in a temporary folder, as in the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from registers_data import NOW, make
from sqlalchemy import Engine, text

from jinyun.app.assemble import domains, record_types
from jinyun.app.services.registers import Registers
from jinyun.kernel.ports import Actor
from jinyun.kernel.rows import Clause, Rows
from jinyun.store.database import make_engine, open_database, reading
from jinyun.store.kv import SqlKeyValue
from jinyun.store.record_reindex import reindex
from jinyun.store.records import SqlRecords

FLOOR_MS = 300
ROUNDS_AT_LEAST = 5
OPEN = ("opened", "acknowledged", "dispatched", "accepted", "returned", "acting", "suspended", "reported", "verified",
        "observing", "reopened")  # fmt: skip
TOWN = Rows((
    Clause("jurisdiction", ("500109103",), True, (("subject", "site"),)), Clause("owner", ("u03", "u20", "li")),
))  # fmt: skip
DIVISION = Rows((Clause("jurisdiction", ("500109",), True, (("subject", "site"),)), Clause("owner", ("u03",))))
FIRM = Rows((Clause("enterprise", ("e0100",)),))
REACHES = {"": None, " ·town": TOWN, " ·division": DIVISION, " ·firm": FIRM}


def questions(some_id: str) -> dict[str, dict[str, Any]]:
    """What pages ask."""
    asked: dict[str, dict[str, Any]] = {
        "newest first": {},
        "open": {"states": OPEN},
        "state reported": {"states": ("reported",)},
        "state closed": {"states": ("closed", "merged")},
        "owner": {"where": {"owner": "u07"}},
        "owner, open": {"where": {"owner": "u07"}, "states": OPEN},
        "overdue": {"where": {"overdue": "true"}},
        "kind+level": {"where": {"kind": "section_class", "level": "1"}},
        "site": {"where": {"subject": "s0101"}},
        "no enterprise": {"where": {"enterprise": None}},
        "order created_at": {"order": "created_at"},
        "order id": {"order": "id"},
        "order state": {"order": "state"},
        "order -level": {"order": "-level"},
        "order owner, open": {"order": "owner", "states": OPEN},
        "page 50,000": {"offset": 50_000},
        "page 99,900": {"offset": 99_900},
        "page 50,000 by id": {"offset": 50_000, "order": "id"},
        "page 50,000 by -level": {"offset": 50_000, "order": "-level"},
        "text 超标": {"text": "超标"},
        "text 氨氮": {"text": "氨氮"},
        "text 电镀": {"text": "电镀"},
        "text 梁滩河": {"text": "梁滩河"},
        "text 露天焚烧": {"text": "露天焚烧"},
        "text 静观 夜间": {"text": "静观 夜间"},
        "text 超 (one)": {"text": "超"},
        "text of none": {"text": "塑料颗粒"},
        "text 超标, open": {"text": "超标", "states": OPEN},
        "text 超标 by -level": {"text": "超标", "order": "-level"},
        "text 超标 page 10,000": {"text": "超标", "offset": 10_000},
        "id whole": {"text": some_id},
        "id part": {"text": some_id[3:9]},
    }
    return asked


def ask(records: SqlRecords, rows: Rows | None, asked: dict[str, Any]) -> tuple[int, int]:
    """A page of 50 and the count."""
    where = dict(asked.get("where") or {})
    if rows is not None:
        where["@rows"] = rows
    mine = {"states": asked.get("states", ()), "text": asked.get("text", "")}
    found = records.find(
        "case", where, order=asked.get("order", "-updated_at"), offset=asked.get("offset", 0), limit=50, **mine
    )
    return len(found), records.count("case", where, **mine)


def measured(name: str, call: Callable[[], Any], rounds: int) -> dict[str, Any]:
    wall, cpu, got = [], [], None
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        got = call()
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - used) * 1000)
        if len(wall) >= ROUNDS_AT_LEAST and sum(wall) > 10_000:
            break
    wall.sort()
    cpu.sort()
    p95 = wall[min(len(wall) - 1, int(len(wall) * 0.95))]
    told = {"question": name, "p50": wall[len(wall) // 2], "p95": p95, "worst": wall[-1], "cpu": cpu[len(cpu) // 2],
            "got": got}  # fmt: skip
    mark = " " if p95 < FLOOR_MS else "!"
    print(f" {mark} {name:38s} p50 {told['p50']:8.1f}  p95 {p95:8.1f}  worst {wall[-1]:8.1f}  cpu {told['cpu']:7.1f} ms  "  # noqa: E501
          f"{got}", flush=True)  # fmt: skip
    return told


def one_database(engine: Engine, folder: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    types = record_types([*domains().values()])
    clock = SimpleNamespace(now=lambda: NOW)
    records = SqlRecords(engine, types, clock)
    if not (there := records.count("case")):
        began = time.monotonic()
        cases, entries = make(engine, types, args.cases)
        reindex(engine, types, SqlKeyValue(engine))
        print(f"  {cases} cases, {entries} history rows made in {time.monotonic() - began:.0f} s", flush=True)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does within minutes
    else:
        print(f"  {there} cases found")
    with reading(engine) as connection:
        some_id = connection.execute(text("SELECT id FROM record WHERE type = 'case' ORDER BY id LIMIT 1 OFFSET 777"))
        some_id = some_id.scalar_one()
    told = []
    for reach, rows in REACHES.items():
        for name, asked in questions(some_id).items():
            if args.only and args.only not in name + reach:
                continue
            told.append(measured(name + reach, lambda r=rows, a=asked: ask(records, r, a), args.rounds))
    if not args.only or "late" in args.only:
        house = SimpleNamespace(
            records=records, types=types, clock=clock, settings=SimpleNamespace(folder=folder), sites={},
        )  # fmt: skip
        registers = Registers(house)  # type: ignore[arg-type]
        officer = Actor("li", ("officer",))

        def late(**more: Any) -> tuple[int, int]:
            found = registers.find("case", officer, late=True, limit=50, **more)
            return len(found["items"]), found["total"]

        began = time.perf_counter()
        first = late()
        print(f"   late, first time after the start: {(time.perf_counter() - began) * 1000:.0f} ms {first}")
        told.append(measured("late", late, args.rounds))
        told.append(measured("late, owner", lambda: late(where={"owner": "u07"}), args.rounds))
    return told


@contextlib.contextmanager
def private_postgresql(folder: Path) -> Iterator[str]:
    """A server on loopback; as root it runs as a person without rights, for it refuses to be root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    if not found:
        sys.exit("PostgreSQL is not installed; --on sqlite measures without it")
    programs, data = found[-1].parent, folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    runs_as: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        shutil.chown(folder, "postgres")
        runs_as = {"user": "postgres", "group": user.pw_gid, "extra_groups": []}
    env = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder, "env": env}
    fresh = not data.exists()
    if fresh:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "jinyun", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True, **quiet, **runs_as,
        )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=")
    command = [str(programs / "postgres"), "-D", str(data), *(part for one in settings for part in ("-c", one))]
    server = subprocess.Popen(command, **quiet, **runs_as)
    try:
        engine = make_engine(f"postgresql://jinyun@127.0.0.1:{port}/postgres")
        for _ in range(600):
            with (
                contextlib.suppress(Exception),
                engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
            ):
                if fresh:
                    connection.execute(text("CREATE DATABASE jinyun"))
                break
            time.sleep(0.1)
        engine.dispose()
        yield f"postgresql://jinyun@127.0.0.1:{port}/jinyun"
    finally:
        server.terminate()
        server.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--on", default="sqlite,postgresql")
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--keep", type=Path, help="use and leave the databases here")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp(prefix="jinyun-registers-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    told: dict[str, Any] = {}
    try:
        for kind in args.on.split(","):
            print(f"{kind}: page of 50 and count; load average {os.getloadavg()[0]:.1f}", flush=True)
            with contextlib.ExitStack() as stack:
                url = f"sqlite:///{folder / 'records.sqlite'}"
                if kind == "postgresql":
                    url = stack.enter_context(private_postgresql(folder / "postgresql"))
                engine = open_database(url)
                told[kind] = one_database(engine, folder, args)
                engine.dispose()
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        args.json.write_text(json.dumps(told, ensure_ascii=False, indent=1))
    slow = [f"{kind}: {one['question']}" for kind, each in told.items() for one in each if one["p95"] >= FLOOR_MS]
    print(f"p95 < {FLOOR_MS} ms: {'all' if not slow else 'not ' + '; '.join(slow)}")
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main())
