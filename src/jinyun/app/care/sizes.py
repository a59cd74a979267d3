"""How many bytes each class of data has on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from jinyun.app.care.rules import defaults

_BY_NAME = (
    ("journal/", "journal"), ("sealed/", "readings"), ("hot.duckdb", "hot"), ("windows.duckdb", "windows"),
    ("records.sqlite", "records"), ("attachments/", "attachments"), ("node.log", "logs"),
)  # fmt: skip


def class_of(path: str) -> str:
    """Class of a file by its path below the node's folder."""
    return next((name for lead, name in _BY_NAME if path.startswith(lead)), "other")


def sizes(folder: Path) -> dict[str, int]:
    """Bytes by class, as the disk has them (blocks, not lengths). Files that vanish meanwhile do not count."""
    found = dict.fromkeys(defaults(), 0)
    stack = [folder]
    while stack:
        try:
            entries = list(os.scandir(stack.pop()))
        except OSError:
            continue
        for one in entries:
            try:
                if one.is_dir(follow_symlinks=False):
                    stack.append(Path(one.path))
                elif one.is_file(follow_symlinks=False):
                    found[class_of(os.path.relpath(one.path, folder))] += one.stat().st_blocks * 512
            except OSError:
                continue
    return found


def room(folder: Path) -> tuple[int, int]:
    """Free for us, and in all. [bytes]"""
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
