"""The doctor's checks of the machine and the folder."""

from __future__ import annotations

import platform
import resource
import time
from statistics import median

from jinyun.app.care.doctor_look import (
    Check,
    Found,
    Look,
    clock_synchronised,
    disk_room,
    limit_of,
    lock_owner,
    port_taken,
    writable,
)
from jinyun.app.care.forecast import size_text
from jinyun.app.care.rules import figure, retention_of
from jinyun.app.local import RemoteError, running_node
from jinyun.app.settings import Settings
from jinyun.app.versions import versions
from jinyun.app.work_calendar import load_work_calendar
from jinyun.domains.supervision.deadlines import WORKDAYS
from jinyun.kernel.errors import BadInput, Unavailable

WANTED = {"duckdb": "2.", "sqlalchemy": "2.", "pyarrow": "", "fastapi": "", "msgspec": "", "numpy": ""}
"""Libraries that must be there, and how their version must begin."""


def python(_: Look) -> Found:
    """Python and libraries."""
    have = versions()
    text = f"Python {platform.python_version()}, jinyun {have['jinyun']}"
    yield Check("python", "ok", text, text)  # an older one than 3.11 does not get here: it cannot import us
    wrong = [
        f"{name} {have.get(name, '(absent)')}"
        for name, lead in WANTED.items()
        if not have.get(name, "").startswith(lead) or name not in have
    ]
    shown = ", ".join(f"{name} {have[name]}" for name in WANTED if name in have)
    if wrong:
        yield Check(
            "libraries",
            "bad",
            f"库版本不符：{', '.join(wrong)}",
            f"libraries do not fit: {', '.join(wrong)}",
            "按锁定文件重新安装",
            "install again from the lock",
        )
    else:
        yield Check("libraries", "ok", shown, shown)


def limits(look: Look) -> Found:
    """Open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = figure("files_wanted")
    if look.remote is not None:
        pid = int(look.system.get("process", {}).get("pid", 0))
        soft = limit_of(pid) or soft
    if soft < wanted:
        yield Check(
            "files",
            "warn",
            f"可打开文件数 {soft}，建议不少于 {wanted}",
            f"open files allowed: {soft}; {wanted} wanted",
            "服务单元里写 LimitNOFILE=65536，或 ulimit -n 65536",
            "LimitNOFILE=65536 in the service, or ulimit -n 65536",
        )
    else:
        yield Check("files", "ok", f"可打开文件数 {soft}", f"open files allowed: {soft} (most {hard})")


def zone(_: Look) -> Found:
    """The machine's time zone."""
    name, offset = time.strftime("%Z"), time.strftime("%z")
    text = f"{name} ({offset})"
    if offset == "+0800":
        yield Check("zone", "ok", f"系统时区 {text}", f"time zone {text}")
    else:
        yield Check(
            "zone",
            "info",
            f"系统时区 {text}；评价时段一律按北京时间切分，日志与命令行按系统时区",
            f"time zone {text}; windows are cut by China time whatever the machine's zone; logs follow the machine",
        )


def clock(look: Look) -> Found:
    """Whether the clock is kept; what devices say of it."""
    state = clock_synchronised()
    if state is None:
        yield Check("clock", "info", "系统未告知是否对时", "the system does not say whether its clock is kept in time")
    elif state:
        yield Check("clock", "ok", "系统时钟已与时间源同步", "the clock is synchronised")
    else:
        yield Check(
            "clock",
            "warn",
            "系统时钟没有与时间源同步（内核报告）",
            "the kernel says that the clock is not synchronised",
            "启用 systemd-timesyncd 或 chrony",
            "run systemd-timesyncd or chrony",
        )
    offsets = [float(one["clock_offset_s"]) for one in look.links if one.get("clock_offset_s") is not None]
    if len(offsets) >= 3 and abs(middle := median(offsets)) > figure("clock_off_s"):
        near = sum(abs(one - middle) < figure("clock_off_s") for one in offsets)
        if near * 2 > len(offsets):
            yield Check(
                "clock-devices",
                "warn",
                f"多数设备的时钟与本机一致地相差 {middle:.0f} 秒：多半是本机时钟不准",
                f"most devices agree that this clock is off by {middle:.0f} s: it is rather ours than theirs",
                "先给本机对时",
                "set this machine's clock first",
            )


def folder(look: Look) -> Found:
    """Is it a node's?"""
    folder = look.folder
    if not folder.is_dir():
        half = folder.with_name(folder.name + ".restoring")
        if half.is_dir():
            yield Check(
                "folder",
                "bad",
                f"{folder} 还没有恢复完（{half}）",
                f"{folder} is not restored yet ({half})",
                "再运行一次同样的 jinyun restore",
                "run the same jinyun restore again",
            )
        else:
            yield Check(
                "folder",
                "bad",
                f"没有 {folder} 这个文件夹",
                f"there is no folder {folder}",
                "用 --folder 指明节点文件夹",
                "name the node's folder with --folder",
            )
        return
    if not (folder / "records.sqlite").exists() and not (folder / "jinyun.toml").exists():
        yield Check(
            "folder",
            "bad",
            f"{folder} 不是节点文件夹",
            f"{folder} is no node's folder",
            "用 --folder 指明，或先运行 jinyun serve",
            "name one, or run jinyun serve first",
        )
        return
    yield Check("folder", "ok", f"节点文件夹 {folder.resolve()}", f"node's folder {folder.resolve()}")


def settings(look: Look) -> Found:
    """jinyun.toml."""
    try:
        look.settings = Settings.load(look.folder)
        retention_of(look.settings)
    except Exception as wrong:
        look.settings = look.settings or Settings(folder=look.folder)
        yield Check(
            "settings",
            "bad",
            f"jinyun.toml 有错：{wrong}",
            f"jinyun.toml is wrong: {wrong}",
            "改正后重启节点",
            "mend it and restart the node",
        )
        return
    yield Check("settings", "ok", "设置可读", "the settings can be read")


def node(look: Look) -> Found:
    """Running, and does it answer?"""
    look.remote = running_node(look.folder)
    if look.remote is None:
        owner = lock_owner(look.folder / "node.lock")
        if owner:
            yield Check(
                "node",
                "bad",
                f"进程 {owner} 占用着文件夹，但不应答",
                f"process {owner} holds the folder but does not answer",
                "看 node.log；必要时结束该进程后重启",
                "look at node.log; end that process and start again if need be",
            )
        else:
            yield Check("node", "info", "节点没有运行", "the node is not running")
        return
    try:
        look.system = look.remote.ask("GET", "/api/system")
        look.links = list(look.remote.ask("GET", "/api/links"))
    except (Unavailable, RemoteError) as wrong:
        yield Check(
            "node",
            "bad",
            f"节点在运行但答不出状态：{wrong}",
            f"the node runs but cannot tell its state: {wrong}",
            "看 node.log",
            "look at node.log",
        )
        return
    up = int(look.system.get("process", {}).get("up_s", 0))
    yield Check("node", "ok", f"节点在运行，已 {up // 3600} 小时", f"the node runs, up for {up // 3600} h")


def rights(look: Look) -> Found:
    """May we write?"""
    wrong = [
        one.name or str(one)
        for one in (
            look.folder,
            look.folder / "journal",
            look.folder / "sealed",
            *look.folder.glob("*.duckdb"),
            look.folder / "records.sqlite",
        )
        if one.exists() and not writable(one)
    ]
    door = look.folder / "node.json"
    if wrong:
        yield Check(
            "rights",
            "bad",
            f"不可写：{', '.join(wrong)}",
            f"cannot be written: {', '.join(wrong)}",
            "chown -R 给运行节点的用户；磁盘是否只读挂载？",
            "chown -R to the node's user; is the disk mounted read-only?",
        )
    elif door.exists() and door.stat().st_mode & 0o077:
        yield Check(
            "rights",
            "warn",
            "node.json 别人可读：里面有本机口令",
            "others can read node.json, which holds the local token",
            "chmod 600 node.json",
            "chmod 600 node.json",
        )
    else:
        yield Check("rights", "ok", "文件夹可读写", "the folder can be read and written")


def disk(look: Look) -> Found:
    """Room now."""
    free, total = disk_room(look.folder)
    floor = (look.settings.disk_floor_mb if look.settings else 0) << 20
    low = max(min(total * figure("low_share") // 100, figure("low_most_mb") << 20), floor * 2)
    text_zh, text_en = (
        f"磁盘剩余 {size_text(free)} / {size_text(total)}",
        f"{size_text(free)} of {size_text(total)} free",
    )
    if free < floor:
        yield Check(
            "disk",
            "bad",
            f"{text_zh}：已停止接收新报文",
            f"{text_en}: no new messages are taken",
            "马上腾出空间；设备会重发",
            "free space now; devices send again",
        )
    elif free < low:
        yield Check(
            "disk",
            "bad",
            f"{text_zh}，低于 {size_text(low)}",
            f"{text_en}, below {size_text(low)}",
            "扩容，或缩短 [retention]",
            "add a disk, or shorten [retention]",
        )
    else:
        yield Check("disk", "ok", text_zh, text_en)


def ports(look: Look) -> Found:
    """Of a stopped node: are they free?"""
    if look.settings is None or look.remote is not None:
        return
    for what, host, port in (
        ("页面 page", look.settings.host, look.settings.http_port),
        ("HJ 212", look.settings.hj212_host, look.settings.hj212_port),
    ):
        wrong = port_taken(host, port)
        if wrong:
            yield Check(
                "ports",
                "bad",
                f"{what} {host}:{port} 不能用：{wrong}",
                f"{what} {host}:{port} cannot be had: {wrong}",
                f"ss -ltnp 'sport = :{port}' 看谁在用，或在 jinyun.toml 里换端口",
                f"ss -ltnp 'sport = :{port}' shows who; or set another in jinyun.toml",
            )
        else:
            yield Check("ports", "ok", f"{what} {host}:{port} 空闲", f"{what} {host}:{port} is free")


def calendar(look: Look) -> Found:
    """The table of working days: whether the node's own can be used, and the last year it has."""
    own = look.folder / WORKDAYS
    try:
        last = max(load_work_calendar(own).years)
    except (BadInput, OSError) as wrong:
        yield Check(
            "work-calendar",
            "bad",
            f"工作日历文件 {own.name} 不可用，时限仍按原有日历计算：{wrong}",
            f"the working-day table {own.name} cannot be used, clocks go on by the one before: {wrong}",
            "改正或移走该文件，无需重启",
            "correct the file or take it away; no restart is needed",
        )
        return
    zh, en = (f"节点的 {own.name}", f"the node's {own.name}") if own.is_file() else ("随附的表", "the shipped table")
    yield Check("work-calendar", "ok", f"工作日历到 {last} 年（{zh}）", f"working days until {last} ({en})")
