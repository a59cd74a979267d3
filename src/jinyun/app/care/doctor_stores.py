"""The doctor's checks of the stores, of what runs in the node, and of the devices."""

from __future__ import annotations

import time

from jinyun.app.care.doctor_look import (
    DAY_US,
    Check,
    Found,
    Look,
    foreign_order,
    kept,
    revision,
    schema_head,
    schema_known,
    some,
)
from jinyun.app.care.forecast import size_text
from jinyun.app.care.rules import figure


def database(look: Look) -> Found:
    """Reached, whole, migrated?"""
    url = look.settings.database if look.settings else ""
    head, found = schema_head(), ""
    try:
        found = revision(look.folder, url)
    except Exception as wrong:
        said = str(getattr(wrong, "orig", None) or wrong).splitlines()[0]
        yield Check(
            "database",
            "bad",
            f"记录库打不开：{said}",
            f"the database cannot be opened: {said}",
            "jinyun verify 看损坏处，再从备份恢复到新文件夹",
            "jinyun verify names the damage; restore a backup into a new folder",
        )
        return
    if found == head:
        yield Check("database", "ok", f"记录库结构 {found}", f"the database has schema {found}")
        if url and (order := foreign_order(url)):
            yield Check(
                "database",
                "warn",
                f"记录库按 {order} 排序：列表次序与 SQLite 不同，回看（as_of）的分页可能漏行或重行",
                f"the database orders words by {order}: lists differ from SQLite's, pages of a look back (as_of) may "
                "miss or double a row",
                "新建 LC_COLLATE 'C' 的数据库（CREATE DATABASE … TEMPLATE template0 LC_COLLATE 'C' "
                "LC_CTYPE 'C.UTF-8'），再用 jinyun restore --database 恢复进去",
                "make a database with LC_COLLATE 'C' (CREATE DATABASE … TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE "
                "'C.UTF-8') and restore a backup into it: jinyun restore --database",
            )
    elif found in schema_known():
        yield Check(
            "database",
            "warn",
            f"记录库结构 {found or '空'}，程序要 {head}：启动节点时自动升级",
            f"the database has schema {found or '(none)'}, this release wants {head}: the next start upgrades it",
            "先 jinyun backup，再启动",
            "jinyun backup first, then start",
        )
    else:
        yield Check(
            "database",
            "bad",
            f"记录库结构 {found} 比程序新",
            f"the database has schema {found}, newer than this release",
            "装回新版，或从旧版的备份恢复",
            "install the newer release, or restore a backup of the older one",
        )


def hot(look: Look) -> Found:
    """The hot file and who holds it."""
    path = look.folder / "hot.duckdb"
    if look.remote is not None:
        store = look.system.get("store", {})
        if store.get("error"):
            yield Check(
                "hot",
                "bad",
                f"数据写不进库：{store['error']}",
                f"readings cannot be stored: {store['error']}",
                "多半是磁盘满；已应答的报文在原始日志里，不会丢",
                "most often the disk is full; what was acknowledged is in the journal",
            )
        else:
            yield Check(
                "hot",
                "ok",
                f"热库由节点打开（进程 {look.system.get('process', {}).get('pid')}）",
                "the hot file is open in the node",
            )
        return
    if not path.exists():
        yield Check(
            "hot",
            "warn",
            "没有 hot.duckdb：下次启动新建，并重放原始日志",
            "no hot.duckdb: the next start makes one and replays the journal",
        )
        return
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as hot:
            hot.execute("SELECT * FROM progress").fetchall()
        yield Check(
            "hot",
            "ok",
            f"热库可读，{size_text(path.stat().st_size)}",
            f"the hot file opens, {size_text(path.stat().st_size)}",
        )
    except duckdb.Error as wrong:
        said = str(wrong).splitlines()[0]
        if "lock" in said:
            yield Check(
                "hot",
                "bad",
                f"热库被别的进程锁着：{said}",
                f"the hot file is locked by another process: {said}",
                "关掉打开它的程序（笔记本？）",
                "close what has it open (a notebook?)",
            )
        else:
            yield Check(
                "hot",
                "bad",
                f"热库打不开：{said}",
                f"the hot file cannot be opened: {said}",
                "把 hot.duckdb* 移走再启动：封存的数据都在，其余由原始日志重放；或从备份恢复",
                "move hot.duckdb* away and start: sealed data are there, the rest is replayed from the journal; "
                "or restore a backup",
            )


def journal(look: Look) -> Found:
    """The raw journal."""
    if look.remote is not None:
        journal = look.system.get("journal", {})
        if journal.get("error"):
            yield Check(
                "journal",
                "bad",
                f"原始日志写不进：{journal['error']}（不应答，设备会重发）",
                f"the raw journal cannot be written: {journal['error']} (no answer, devices send again)",
                "腾出磁盘空间",
                "free space on the disk",
            )
        else:
            yield Check(
                "journal",
                "ok",
                f"原始日志 {journal.get('segments')} 段，{size_text(journal.get('bytes_on_disk') or 0)}",
                f"raw journal: {journal.get('segments')} segments",
            )
        yield from lag(look)
        return
    folder = look.folder / "journal"
    if not folder.is_dir():
        yield Check("journal", "warn", "没有原始日志文件夹", "there is no journal folder")
        return
    from jinyun.store import segments

    strange = []
    for path in sorted(folder.glob("segment-*.jnl")):
        with path.open("rb") as file:
            head = file.read(segments.FIRST)
        if head and head != segments.segment_head(int(path.stem.removeprefix("segment-"))):
            strange.append(path.name)
    if strange:
        yield Check(
            "journal",
            "bad",
            f"不是日志段：{', '.join(strange)}",
            f"no journal segments: {', '.join(strange)}",
            "移走后启动；jinyun verify 会说缺什么",
            "move them away to start; jinyun verify says what lacks",
        )
    else:
        count = len({path.name.split(".")[0] for path in folder.glob("segment-*")})
        yield Check("journal", "ok", f"原始日志 {count} 段", f"raw journal: {count} segments")


def lag(look: Look) -> Found:
    """What waits to be stored."""
    store, centre = look.system.get("store", {}), look.system.get("hj212", {})
    waiting = int(store.get("queued_rows") or 0) + int(centre.get("in_hand") or 0)
    slow = float(store.get("slowest_commit_seconds") or 0)
    if waiting > 100_000:
        yield Check(
            "lag",
            "warn",
            f"积压 {waiting} 行未入库",
            f"{waiting} rows wait to be stored",
            "看磁盘是否慢、是否在批量导入",
            "is the disk slow, or an import running?",
        )
    else:
        yield Check(
            "lag",
            "ok",
            f"积压 {waiting} 行，最慢一次提交 {slow:.2f} s",
            f"{waiting} rows wait; slowest commit {slow:.2f} s",
        )


def jobs(look: Look) -> Found:
    """Background work."""
    if look.remote is None:
        return
    failing = [one for one in look.system.get("jobs", []) if one.get("last_error")]
    for one in failing:
        yield Check(
            "jobs",
            "bad",
            f"后台任务 {one['name']} 失败 {one['failures']} 次：{one['last_error']}",
            f"job {one['name']} failed {one['failures']} times: {one['last_error']}",
            "看 node.log",
            "look at node.log",
        )
    if not failing:
        count = len(look.system.get("jobs", []))
        yield Check("jobs", "ok", f"{count} 个后台任务正常", f"{count} jobs do their work")


def backup(look: Look) -> Found:
    """How old the last one is."""
    told = look.system.get("care", {}).get("backup") if look.remote is not None else kept(look.folder, "backup")
    now = int(look.system.get("now") or time.time_ns() // 1000)
    if not told:
        yield Check(
            "backup",
            "warn",
            "还没有做过备份",
            "no backup was ever made",
            "jinyun backup --out 另一块盘上的文件夹",
            "jinyun backup --out FOLDER on another disk",
        )
        return
    days = (now - int(told["at"])) / DAY_US
    level = "warn" if days > figure("backup_old_days") or told.get("problems") or told.get("same_disk") else "ok"
    notes = "；与数据在同一块盘上" if told.get("same_disk") else ""
    yield Check(
        "backup",
        level,
        f"最近备份 {told['name']}，{days:.1f} 天前，在 {told['out']}{notes}",
        f"last backup {told['name']}, {days:.1f} days ago, at {told['out']}"
        + (", on the node's own disk" if told.get("same_disk") else ""),
        "" if level == "ok" else "jinyun backup 到另一块盘",
        "" if level == "ok" else "jinyun backup to another disk",
    )


def forecast(look: Look) -> Found:
    """The day the disk is full."""
    if look.remote is None:
        return
    ahead = look.system.get("care", {}).get("forecast") or {}
    level = {"ok": "ok", "warn": "warn", "bad": "bad"}.get(str(ahead.get("level")), "info")
    yield Check(
        "forecast",
        level,
        str(ahead.get("zh")),
        str(ahead.get("en")),
        "扩容，或缩短 [retention]" if level in ("warn", "bad") else "",
        "add a disk, or shorten [retention]" if level in ("warn", "bad") else "",
    )


def facts(look: Look) -> Found:
    """What else care says."""
    for one in look.system.get("care", {}).get("facts", []):
        if one["id"] not in ("disk-forecast", "disk-low", "disk-full", "backup-old", "backup-none", "work-calendar"):
            yield Check(one["id"], one["level"], one["zh"], one["en"])


def devices(look: Look) -> Found:
    """Who is silent."""
    if look.remote is None:
        return
    silent = [str(one["mn"]) for one in look.links if one.get("state") in ("silent", "gone")]
    waiting = [str(one["mn"]) for one in look.links if one.get("state") == "quarantine"]
    known = len(look.links) - len(waiting)
    if waiting:
        yield Check(
            "devices-new",
            "warn",
            f"{len(waiting)} 台未登记设备在发数：{some(waiting)}",
            f"{len(waiting)} devices send that are not registered: {some(waiting)}",
            "在“链路”页登记",
            "register them on the page of links",
        )
    if not silent:
        yield Check("devices", "ok", f"{known} 台设备，没有失联的", f"{known} devices, none silent")
    elif len(silent) * 100 >= known * figure("silent_share") and len(silent) > 2:
        yield Check(
            "devices",
            "warn",
            f"{len(silent)} / {known} 台设备失联：{some(silent)}",
            f"{len(silent)} of {known} devices are silent: {some(silent)}",
            "这么多同时失联，先看网络、防火墙与端口",
            "so many at once: look at network, firewall, port first",
        )
    else:
        yield Check(
            "devices",
            "warn",
            f"{len(silent)} / {known} 台设备失联：{some(silent)}",
            f"{len(silent)} of {known} devices are silent: {some(silent)}",
            "看“链路”页的建议",
            "see the advice on their link pages",
        )
